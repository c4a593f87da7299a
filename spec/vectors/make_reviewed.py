"""Vectors of ``reviewed/1``: what becomes of a record for which a review says something."""

from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.filters.contract import Change, Drop, FilterRecord, Keep
from lyrikstore.curate.recipes.filters.fields.reviewed import (
    PreparedReview,
    Reviewed,
    ReviewedPlace,
)

CASES: tuple[tuple[str, str, Any, str, list[str], list[str]], ...] = (
    ("accepted", "keep", "law", "accept", ["law"], []),
    ("changed", "keep", "law", "change", ["law"], ["audit"]),
    ("changed-list", "keep", ["law"], "change", ["law"], ["audit", "law"]),
    ("changed-number", "keep", 3, "change", ["3"], ["4"]),
    ("changed-to-several", "keep", "law", "change", ["law"], ["audit", "law"]),
    ("changed-to-none", "keep", "law", "change", ["law"], []),
    ("rejected", "keep", "law", "reject", ["law"], []),
    ("disagreed-kept", "keep", "law", "disagreed", ["law"], []),
    ("disagreed-dropped", "drop", "law", "disagreed", ["law"], []),
    ("not-drawn-kept", "keep", "law", "", [], []),
    ("not-drawn-dropped", "drop", "law", "", [], []),
    ("another-candidate", "keep", "law", "accept", ["audit"], []),
)


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {"filters/reviewed-1.json": {"cases": [_case(*one) for one in CASES]}}


def _case(
    name: str, unreviewed: str, label: Any, outcome: str, was: list[str], value: list[str]
) -> dict[str, Any]:
    said = {"outcome": outcome, "was": was, "value": value} if outcome else None
    return {
        "id": name,
        "unreviewed": unreviewed,
        "label": label,
        "said": said,
        **result_of(unreviewed, label, said),
    }


def result_of(unreviewed: str, label: Any, said: Any) -> dict[str, Any]:
    """Return what becomes of a record with a label: action, reason, and the label after."""
    places = ()
    if said:
        what = said["outcome"], tuple(said["was"]), tuple(said["value"])
        places = (ReviewedPlace("a.jsonl", 0, *what, ""),)
    step = Reviewed("reviews/a/b", unreviewed == "drop", "", {})
    step = Reviewed.bind(step, _packed(PreparedReview("label", places)))
    fields = {"text": "a", "label": label}
    roles = FieldRoles(text=("text",), label="label")
    record = FilterRecord("a.jsonl", 0, Digest.of(b""), fields, fields, ("text",), roles)
    try:
        done = step.decide(record)
    except InvalidInputError as error:
        return {"error": error.kind}
    match done:
        case Drop():
            return {"action": "dropped", "reason": done.reason}
        case Change():
            reason = done.changes[0].reason
            return {"action": "changed", "reason": reason, "after": done.fields.get("label")}
        case Keep():
            return {"action": "reported", "reason": done.reports[0].reason}
    raise AssertionError(done)


def _packed(value: PreparedReview) -> bytes:
    import msgspec

    return msgspec.msgpack.encode(value)
