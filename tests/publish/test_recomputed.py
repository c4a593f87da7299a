"""``verify EVALUATION``: its figures are computed again from the predictions it carries."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError
from lyrikstore.curate.labelled_records import read_labelled
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.store.evaluations import check_evaluations
from lyrikstore.verify.store.readers import Readers
from tests.conftest import Person
from tests.publish.recomputing import CHECK, COST, LABELS, Change, World


@pytest.fixture
def store(chain: Any, new_person: Callable[[str], Person]) -> World:
    return World(chain, new_person("auditor"))


@pytest.mark.parametrize("old", [False, True])
def test_figures_that_follow_are_computed_again(store: World, old: bool) -> None:
    evaluation = store.evaluation(store.predictions(old=old))
    found = store.verify(evaluation)
    assert (found.code, found.json["verdict"]) == (0, "trusted"), found.out
    assert store.check(evaluation)[:2] == ("pass", "")


def test_without_recomputing_it_is_valid_at_best(store: World) -> None:
    evaluation = store.evaluation()
    found = store.verify(evaluation, "--no-recompute")
    assert (found.code, found.json["verdict"]) == (4, "valid")
    assert store.check(evaluation, "--no-recompute")[:2] == ("warn", "not-recomputed")


@pytest.mark.parametrize(("seen", "states"), [(7, ("fail", "pass")), (8, ("fail", "fail"))])
def test_records_that_were_seen_are_counted_again(
    store: World, seen: int, states: tuple[str, str]
) -> None:
    def leaked(body: dict[str, Any]) -> None:
        body["overlap"]["exact"] = seen

    evaluation = store.evaluation(change=leaked)
    state, reason, summary = store.check(evaluation)
    assert (state, reason) == (states[0], "differs")
    assert "overlap.exact" in summary
    found = {one["id"]: one["state"] for one in store.verify(evaluation).json["checks"]}
    assert found["runs"] == states[1]  # 8 of 36 are more than a fifth


def test_an_evaluation_of_version_1_is_stated(store: World) -> None:
    state, _, summary = store.check("evaluations/acme/classifier")
    assert state == "stated"
    assert "carries no predictions" in summary
    assert store.check("datasets/acme/rows")[0] == "n/a"


def better(body: dict[str, Any]) -> None:
    body["model"]["macroF1"]["value"] = "0.9900"


def no_verdict(body: dict[str, Any]) -> None:
    body["comparisons"][0]["verdict"] = "no-difference-shown"


def no_failure(body: dict[str, Any]) -> None:
    body["worst"].pop(0)


def more_measures(body: dict[str, Any]) -> None:
    body["model"]["measures"] = {"recallAt3": {"value": "0.99"}}


def met(body: dict[str, Any]) -> None:
    body["thresholds"][0]["met"] ^= True


def cheap(body: dict[str, Any]) -> None:
    body["model"]["costPer1000"] = "1.0000"


def no_groups(body: dict[str, Any]) -> None:
    del body["confidence"]["groups"]


def one_digit(body: dict[str, Any]) -> None:
    value = body["baseline"]["accuracy"]["value"]
    body["baseline"]["accuracy"]["value"] = value[:-1] + ("1" if value[-1] != "1" else "2")


def lower(body: dict[str, Any]) -> None:
    body["thresholds"][0]["atLeast"] = "0.1"


def without_near(body: dict[str, Any]) -> None:
    body["overlap"]["near"]["count"] = 0


@pytest.mark.parametrize(
    ("change", "member"),
    [
        (better, "model.macroF1.value"),
        (no_verdict, "comparisons[0].verdict"),
        (no_failure, "worst"),
        (more_measures, "model.measures"),
        (met, "thresholds[0].met"),
        (cheap, "model.costPer1000"),
        (without_near, "overlap.near.count"),
        (one_digit, "baseline.accuracy.value"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_other_figures_than_follow_are_invalid(store: World, change: Change, member: str) -> None:
    evaluation = store.evaluation(change=change)
    found = store.verify(evaluation)
    assert (found.code, found.json["verdict"]) == (3, "invalid")
    state, reason, summary = store.check(evaluation)
    assert (state, reason) == ("fail", "differs")
    assert member in summary


@pytest.mark.parametrize("kept", [True, False])
def test_groups_are_not_for_the_signer_to_drop(store: World, kept: bool) -> None:
    # ATTACK: records of one matter are drawn each by itself, and every interval is narrower.
    data = store.predictions(lambda held: None if kept else held.update(groups=[None] * 36))
    body = store.body(data, field=None) if not kept else store.body(data)
    evaluation = store.evaluation(data, body=body, change=no_groups if kept else lambda body: None)
    state, reason, summary = store.check(evaluation)
    assert (state, reason, "groups" in summary) == ("fail", "undeclared", True)


def test_one_changed_probability_is_found(store: World) -> None:
    """M8 of model cards: the figures follow from the predictions, or it is invalid."""
    data = store.predictions()
    changed = data.replace(b"510000", b"980000", 1)
    assert changed != data
    evaluation = store.evaluation(signed=changed, body=store.body(data))
    state, reason, summary = store.check(evaluation)
    assert (state, reason, "model." in summary) == ("fail", "differs", True), summary
    found = store.verify(evaluation)
    assert (found.code, found.json["verdict"]) == (3, "invalid")
    # In place, under the digest that is signed.
    good = store.evaluation(data)
    assert store.verify(good).code == 0
    damage(store)
    found = store.verify(good)
    assert found.code == 3
    if found.out:  # else the manifest lies in the same block, and cannot be read either
        states = {one["id"]: one["state"] for one in found.json["checks"]}
        assert (states["blobs"], states[CHECK]) == ("fail", "fail")


def damage(store: World) -> None:
    """Change a byte of the pack with the blobs of the last transaction."""
    packs = (store.chain.home / ".lyrikstore").rglob("*.pack")
    newest = max(packs, key=lambda path: path.stat().st_mtime_ns)
    held = bytearray(newest.read_bytes())
    held[len(held) // 3] ^= 1
    newest.chmod(0o600)
    newest.write_bytes(held)


def other_record(held: dict[str, Any]) -> None:
    held["ids"][3] = Digest.of(b"another")


def other_order(held: dict[str, Any]) -> None:
    held["ids"][3], held["ids"][5] = held["ids"][5], held["ids"][3]


def fewer(held: dict[str, Any]) -> None:
    held["ids"].pop()


def other_label(held: dict[str, Any]) -> None:
    held["expected"][4] = 1


def other_group(held: dict[str, Any]) -> None:
    held["groups"][35] = 12


def other_slice(held: dict[str, Any]) -> None:
    held["members"][0] = held["members"][1]


def chosen_slices(held: dict[str, Any]) -> None:
    held["slices"], held["members"] = (), [()] * 36


@pytest.mark.parametrize(
    ("change", "old"),
    [
        (other_record, True),
        (other_order, True),
        (fewer, True),
        *((change, False) for change in (fewer, other_label, other_group, other_slice)),
        (chosen_slices, False),
    ],
)
def test_predictions_about_another_test_set_are_invalid(
    store: World, change: Change, old: bool
) -> None:
    evaluation = store.evaluation(store.predictions(change, old=old))
    assert store.check(evaluation)[:2] == ("fail", "other-test-set")


def surer(held: dict[str, Any]) -> None:
    held["abstain"] = 600_000


def more_labels(held: dict[str, Any]) -> None:
    held["labels"] = (*LABELS, "sale")


def renamed(held: dict[str, Any]) -> None:
    held["labels"] = ("lease", "loan", "rest")


@pytest.mark.parametrize("change", [surer, more_labels, renamed])
def test_another_model_than_the_checkpoint_is_invalid(store: World, change: Change) -> None:
    evaluation = store.evaluation(store.predictions(change))
    state, reason, _ = store.check(evaluation)
    assert (state, reason) == ("fail", "undeclared")


def test_costs_are_those_of_the_run(store: World) -> None:
    data = store.predictions()
    body = store.body(data)
    for system in ("model", "baseline", "majority"):
        del body[system]["costPer1000"]
    del body["costs"]
    assert store.check(store.evaluation(body=body))[:2] == ("fail", "undeclared")


def test_another_threshold_than_was_announced_is_invalid(store: World) -> None:
    evaluation = store.evaluation(change=lower)
    state, reason, summary = store.check(evaluation)
    assert (state, "threshold" in summary) == ("fail", True), (reason, summary)
    assert store.verify(evaluation).code == 3


def test_swapped_records_are_invalid(store: World) -> None:
    head, first, second, *rest = store.predictions().splitlines(keepends=True)
    evaluation = store.evaluation(b"".join([head, second, first, *rest]))
    state, reason, summary = store.check(evaluation)
    assert (state, reason in {"bad-predictions", "other-test-set"}) == ("fail", True), summary
    assert store.verify(evaluation).code == 3


def test_what_is_no_attachment_is_invalid(store: World) -> None:
    data = store.predictions()
    evaluation = store.evaluation(signed=data + b"\n", body=store.body(data))
    assert store.check(evaluation)[:2] == ("fail", "bad-predictions")


def test_a_newer_format_is_not_checked(store: World) -> None:
    def newer(body: dict[str, Any]) -> None:
        body["predictions"]["format"] = "predictions/3"

    evaluation = store.evaluation(change=newer)
    assert store.check(evaluation)[:2] == ("unchecked", "newer-format")
    assert store.verify(evaluation).code == 5


def test_what_cannot_be_compared_is_said(store: World) -> None:
    store.announce({"cost": COST})
    evaluation = store.evaluation()
    assert store.check(evaluation)[:2] == ("warn", "not-compared")
    assert store.verify(evaluation).code == 4


def test_without_the_test_set_nothing_is_said_to_be_compared_with_it(store: World) -> None:
    """Where the data is not here, a place tells nothing: not whether training had seen it."""

    def read(repository: Repository, some: Sequence[Manifest], *named: Any) -> Iterator[Any]:
        if store.test in some:
            raise IncompleteError("retired", "its data is not here")
        return read_labelled(repository, some, *named)

    store.evaluation()
    repo = Repository.open(store.chain.home / ".lyrikstore")
    ancestry = Lineage.read(repo, *(one.id for _, one in repo.all_manifests()))
    found = check_evaluations(repo, ancestry, Readers(records=read))
    assert (found.state, found.detail["reason"]) == ("warn", "not-compared")
    assert len(found.detail["problems"]) == 2, found
