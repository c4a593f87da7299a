"""An import says what its publisher's manifest says: one rule for whoever imports and verifies."""

from typing import Any

import pytest

from lyrikstore.canon.schemas import load_schema
from lyrikstore.verify.datasets.imported import (
    NOT_TAKEN_OVER,
    TAKEN_OVER,
    find_import_faults,
    imported_body,
)

STATS = {"state": "value", "basis": "measured", "value": {"records": 3, "files": 1}}
PUBLISHED: dict[str, Any] = {
    "reader": "jsonl/1",
    "records": 3,
    "bytes": 30,
    "fileCount": 1,
    "fields": {"text": ["body"], "label": "kind"},
    "companions": ["README.md"],
    "metadata": {"columns": ["a"], "key": "path"},
    "descriptor": {"stats": STATS, "origin": {"state": "unknown", "reason": "not stated"}},
    "licence": {"expression": "MIT"},
    "origin": "generated",
    "ignored": 1,
    "skipped": 2,
    "derivation": {"counts": {}},
    "generators": [{"name": "checkpoints/acme/m"}],
}


def test_every_member_of_a_dataset_is_taken_over_or_it_is_said_why_not() -> None:
    for version in ("kinds", "kinds-2"):
        members = load_schema(f"{version}/dataset")["properties"]
        assert members.keys() <= {*TAKEN_OVER, *NOT_TAKEN_OVER}
    assert members.keys() == {*TAKEN_OVER, *NOT_TAKEN_OVER}
    assert not set(TAKEN_OVER) & NOT_TAKEN_OVER.keys()
    made = imported_body(PUBLISHED)
    assert made == {name: PUBLISHED[name] for name in TAKEN_OVER} | {"origin": "imported"}
    assert list(find_import_faults(made, PUBLISHED)) == []


OTHER: dict[str, Any] = {
    "reader": "csv/2",
    "records": 4,
    "bytes": 31,
    "fileCount": 2,
    "fields": {"text": ["body"], "label": "lang"},
    "companions": ["rows.jsonl"],
    "metadata": {"columns": ["a", "b"], "key": "path"},
    "descriptor": {"stats": STATS, "origin": {"state": "unknown", "reason": "stated"}},
    "licence": {"expression": "CC0-1.0"},
}


@pytest.mark.parametrize("member", TAKEN_OVER)
def test_each_member_that_is_another_or_is_gone_is_found(member: str) -> None:
    made = imported_body(PUBLISHED)
    for changed in (
        {**made, member: OTHER[member]},
        {k: v for k, v in made.items() if k != member},
    ):
        assert [one.member for one in find_import_faults(changed, PUBLISHED)] == [member]
    # And one that the publisher does not state.
    bare = {name: value for name, value in PUBLISHED.items() if name != member}
    found = [one.member for one in find_import_faults(made, bare)]
    assert found == ([] if member == "fields" else [member])  # roles may be added


@pytest.mark.parametrize(
    ("fields", "sound"),
    [
        ({"text": ["body"], "label": "kind", "id": "nr"}, True),
        ({"text": ["body"]}, False),
        ({"text": ["body", "more"], "label": "kind"}, False),
        ({"text": ["body"], "label": "kind", "labelSeparator": ";"}, False),
    ],
)
def test_roles_that_a_publisher_states_stay_and_others_may_be_added(
    fields: dict[str, Any], sound: bool
) -> None:
    """What follows from roles is measured anew; no other field of the descriptor is another."""
    body = {**imported_body(PUBLISHED), "fields": fields}
    stats = {**STATS, "value": {"records": 3, "files": 1, "labels": []}}
    body["descriptor"] = {**body["descriptor"], "stats": stats}
    assert ([one.member for one in find_import_faults(body, PUBLISHED)] == []) is sound
    body["descriptor"] = {"stats": stats}
    assert "descriptor" in [one.member for one in find_import_faults(body, PUBLISHED)]


def test_imports_of_a_time_when_roles_were_not_taken_over_are_sound() -> None:
    made = imported_body(PUBLISHED)
    early = {name: made[name] for name in made if name not in {"fields", "companions"}}
    assert list(find_import_faults(early, PUBLISHED)) == []
    half = {name: made[name] for name in made if name != "fields"}
    assert [one.member for one in find_import_faults(half, PUBLISHED)] == ["fields"]
