"""A model over time: which time data is of, history of before the run, and that it was asked."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.api import CommitMetadata, FieldRoles, Store, load_recipe
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import sign_manifest
from lyrikstore.testing.keys import signer_for
from lyrikstore.train.config import TrainConfig
from lyrikstore.verify.evaluation.periods import check_period, first_day
from lyrikstore.web.pages.monitor import monitor_facts, monitor_page
from tests.servers.dask import new_store
from tests.verify.store.honest import rows

MODEL = "checkpoints/acme/model"
CONFIG = f"""purpose = "train"
name = "{MODEL}"
[data]
train = "acme/rows.train"
validation = "acme/rows.validation"
test = "acme/rows.test"
label = "label"
[model]
base = "linear"
candidates = ["tfidf"]
[training]
threads = 1
[[threshold]]
metric = "accuracy"
at_least = 0.999
"""
SPLIT = """recipe = 1
[[step]]
use = "split/2"
seed = "7"
train = 0.6
validation = 0.2
test = 0.2
"""


def commit(store: Store, folder: Path, name: str, found: list[dict[str, str]]) -> None:
    (folder / name).mkdir()
    lines = "".join(f"{json.dumps(row)}\n" for row in found)
    (folder / name / "rows.jsonl").write_text(lines)
    roles = FieldRoles(text=("text",), label="label")
    store.datasets.commit(folder / name, f"acme/{name}", CommitMetadata(roles=roles))
    store.credentials.permit(f"acme/{name}", offer=Offer.of_words(("train", "evaluate")))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("periods")
    made, owner = new_store(folder), signer_for("owner").did
    (folder / "trust.toml").write_text(
        f'version = 1\n[[issuer]]\ndid = "{owner}"\nnickname = "owner"\n'
    )
    (folder / "split.toml").write_text(SPLIT)
    known = rows(120)
    commit(made, folder, "rows", known)
    commit(made, folder, "may", rows(60, seed=2))
    commit(made, folder, "mixed", [*known[:40], *rows(60, seed=3)])
    made.datasets.filter("acme/rows", load_recipe(folder / "split.toml"), "acme/rows")
    made.models.train(TrainConfig.parse(CONFIG.encode()))
    made.models.evaluate(MODEL, "acme/rows.test")
    for name, seed in (("july", 4), ("june", 5)):
        commit(made, folder, name, rows(60, seed=seed))
    return made


@pytest.fixture(scope="module")
def history(store: Store) -> list[Any]:
    """Monitor out of order, and return what the log says, in its order."""
    store.models.monitor(MODEL, "acme/july", period="2026-07")
    store.models.monitor(MODEL, "acme/may", period="2026-05", backfill=True)
    store.models.monitor(MODEL, "acme/june", period="2026-Q2")
    found = store.query.evaluations_of([store.resolve(MODEL)])
    return next(iter(found.values()))


pytestmark = pytest.mark.train


def test_history_is_in_the_order_of_periods(store: Store, history: list[Any]) -> None:
    facts = [store.query.evaluation_facts(one) for one in history]
    assert [(one["period"], one["dataName"], one["isHistory"]) for one in facts] == [
        (None, "datasets/acme/rows.test", False),
        ("2026-Q2", "datasets/acme/june", False),
        ("2026-05", "datasets/acme/may", True),
        ("2026-07", "datasets/acme/july", False),
    ]
    statements = [
        {"id": str(one.id), "created": one.created, "data": fact["dataName"], "body": one.body}
        for one, fact in zip(history, facts, strict=True)
    ]
    facts_of = monitor_facts({"id": "x", "name": MODEL}, statements, store="s")
    page = monitor_page(facts_of).decode()
    for fact in facts:
        assert fact["dataName"] in page
    assert page.index("2026-Q2 datasets/acme/june") < page.index("2026-05 datasets/acme/may")


def test_history_has_no_verdict(store: Store, history: list[Any]) -> None:
    body = history[2].body
    assert body["drift"]["verdict"] == "history"
    assert "thresholds" not in body
    assert body["overlap"]["exact"] == 0
    assert store.verify(str(history[2].id)).verdict == "trusted"
    assert "thresholds" in history[3].body


@pytest.mark.parametrize(
    ("name", "backfill"),
    [("may", False), ("mixed", True), ("rows", True), ("rows.test", True), ("rows.train", True)],
)
def test_what_is_no_history_is_refused(store: Store, name: str, backfill: bool) -> None:
    with pytest.raises(LyrikstoreError) as caught:
        store.models.monitor(MODEL, f"acme/{name}", backfill=backfill)
    assert caught.value.kind == "not-new"


@pytest.mark.parametrize(
    ("of", "change"),
    [
        (3, {"backfill": True}),  # whose verdict is one
        (2, {"overlap": {"exact": 30, "checked": "record ids/2"}}),
        (2, {"period": "2026-02-30"}),
    ],
)
def test_a_false_history_is_found(
    store: Store, history: list[Any], of: int, change: dict[str, Any]
) -> None:
    body = {**history[of].body, **change}
    if change.get("backfill"):
        body["drift"] = {**body["drift"], "verdict": "history"}
    forged = signed_again(store, history[of], body, history[of].inputs)
    assert store.verify(str(forged.id)).verdict == "invalid"


def test_a_test_set_that_is_called_history_is_found(store: Store, history: list[Any]) -> None:
    test = store.resolve("acme/rows.test").id
    inputs = [
        type(one)(one.role, one.kind, test) if one.role == "test" else one
        for one in history[2].inputs
    ]
    forged = signed_again(store, history[2], history[2].body, inputs)
    report = store.verify(str(forged.id))
    assert report.check("runs").state == "fail"


def signed_again(store: Store, one: Any, body: dict[str, Any], inputs: Any) -> Any:
    repository = store.repository
    with open_transaction(repository) as transaction:
        made = sign_manifest(
            kind="evaluation",
            store=repository.store_id,
            name="evaluations/acme/forged.monitor",
            body=body,
            inputs=list(inputs),
            attachments=list(one.attachments),
            parents=[
                state.id
                for state in [repository.refs.get("evaluations/acme/forged.monitor")]
                if state
            ],
            signer=signer_for("owner"),
            created=repository.signing_date(store.clock),
        )
        transaction.log_manifest(made)
        transaction.commit()
    return made


def test_that_it_was_asked_is_counted(store: Store) -> None:
    made = store.models.record_prediction(MODEL, asked=9, answered=7, not_known=1)
    assert made.body == {"asked": 9, "answered": 7, "notKnown": 1}
    assert made.attachments == ()
    (events,) = store.query.events_of([store.resolve(MODEL)]).values()
    assert events[-1]["id"] == str(made.id)
    assert store.verify(str(made.id)).verdict == "trusted"
    with pytest.raises(InvalidInputError):
        store.models.record_prediction("acme/rows", asked=1, answered=1, not_known=0)


@pytest.mark.parametrize(
    ("period", "day"),
    [
        ("2026", date(2026, 1, 1)),
        ("2026-Q3", date(2026, 7, 1)),
        ("2026-07", date(2026, 7, 1)),
        ("2026-W01", date(2025, 12, 29)),
        ("2026-07-14", date(2026, 7, 14)),
    ],
)
def test_a_period_begins(period: str, day: date) -> None:
    assert first_day(period) == day
    check_period(period, day)


@pytest.mark.parametrize(
    "period", ["", "july", "2026-13", "2026-02-30", "2026-Q5", "2026-W54", "26-07", "2026-7"]
)
def test_what_is_no_period(period: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        first_day(period)
    assert caught.value.kind == "bad-period"


def test_a_period_has_begun() -> None:
    with pytest.raises(InvalidInputError):
        check_period("2026-08", date(2026, 7, 31))
