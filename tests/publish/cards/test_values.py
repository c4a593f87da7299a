"""Cards tell no value of the data unasked, and those that were made before still verify (A77)."""

from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.publish.cards.approval import approve_card
from lyrikstore.publish.cards.gathering.form import CardForm, form_with
from lyrikstore.publish.cards.gathering.values import without_values
from lyrikstore.publish.cards.profiles.profile import Profile
from lyrikstore.testing.keys import signer_for
from tests.publish.cards.making import (
    approving,
    judge,
    log_card,
    make,
    reason,
    statement_of,
    status_of,
)

STATS = {
    "files": 2,
    "columns": [{"column": "kind", "files": 2}],
    "labels": [{"label": "Jane Doe", "records": 1}],
}
FORMATS = [{"suffix": ".jane-doe", "files": 1}, {"suffix": ".txt", "files": 1}]
EARLIER = CardForm("card/1")
FIGURES = Profile.parse(b"""
profile = "figures/1"
title = "Figures"
about = "dataset"
asOf = "2026-11-28"
reviewedBy = ""

[[items]]
id = "1"
clause = "Clause 1"
asks = "figures"
required = true
fill = ["data.statistics"]
""")


@pytest.fixture
def rows(chain: Any) -> Any:
    fields = {"stats": STATS, "formats": FORMATS}
    descriptor = {
        name: {"state": "value", "value": value, "basis": "measured"}
        for name, value in fields.items()
    }
    files = {"a.txt": b"one\n", "b.jane-doe": b"two\n"}
    chain.dataset("rows", "datasets/acme/rows", files, body={"descriptor": descriptor})
    return chain


def test_labels_and_unusual_suffixes_are_counted(rows: Any) -> None:
    made = make(rows, "rows")
    statistics = statement_of(made, "data.statistics:datasets/acme/rows")["value"]
    assert statistics == {"files": 2, "columns": STATS["columns"], "distinctLabels": 1}
    suffixes = statement_of(made, "data.formats:datasets/acme/rows")["value"]
    assert suffixes == [{"suffix": ".txt", "files": 1}, {"suffix": "other", "files": 1}]
    assert not [name for name, data in made.renderings.items() if b"jane" in data.lower()]
    assert "withData" not in made.manifest.body


@pytest.mark.parametrize("form", [EARLIER, form_with(values=True)], ids=["earlier", "asked"])
def test_a_card_with_values_is_verified_and_approved_as_it_was_made(
    rows: Any, form: CardForm
) -> None:
    made = make(rows, "rows", form=form, profiles=[FIGURES])
    assert statement_of(made, "data.statistics:datasets/acme/rows")["value"] == STATS
    report = judge(rows, made.renderings["html"])
    for check in ("card", "card.sources", "card.current"):
        assert report.check(check).state.value == "pass", report.check(check)
    approve_card(approving(rows, "owner"), made.manifest, alone=True)
    assert status_of(rows, made.manifest).word == "self-approved"
    now = make(rows, "rows")  # asked for once, and not for ever
    assert (now.changed, now.manifest.body["profile"]) == (True, "card/8")


@pytest.mark.parametrize(
    ("form", "said"), [(form_with(values=True), {}), (CardForm(), {"withData": ["values"]})]
)
def test_a_card_that_hides_what_it_holds(rows: Any, form: CardForm, said: Any) -> None:
    """ATTACK: the manifest says that it holds no values, and it does; or the other way round."""
    made = make(rows, "rows", form=form)
    body = {name: value for name, value in made.manifest.body.items() if name != "withData"} | said
    lying = log_card(rows, replace(made.manifest, body={}), {}, signer_for("owner"), body=body)
    assert reason(judge(rows, lying.encode()), "card.sources") == "differs"


@pytest.mark.parametrize("value", ["Jane Doe", ["Jane Doe"], {"labels": "Jane Doe"}, 7, None])
def test_what_has_another_form_is_not_shown(value: Any) -> None:
    for field in ("stats", "formats"):
        assert "Jane" not in str(without_values(field, value))
