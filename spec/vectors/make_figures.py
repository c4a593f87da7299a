"""Makes ``verdicts/figures.json``: manifests that say of the data what it is, and others.

Each case is the delivery in ``base`` with some parts replaced. All is signed by its owner, the
false ones, too. What the data gives is written by hand.
"""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import make_credentials as made
from lyrikstore.history.records.order_root import record_id
from make_rows import TRUST, delivery_of

LINES = (
    b'{"label":"a","n":1,"text":"one"}',
    b'{"label":"b;a","n":1.0,"text":"z\\u00fc"}',
    b'{"label":null,"n":"1","text":"one"}',
    b'{"l":[1,[]],"n":true,"text":""}',
)
ROLES = {"label": "label", "labelSeparator": ";", "text": ["text"]}
FIELDS = [
    {"field": "l", "types": [{"type": "list", "records": 1}], "missing": 3, "distinct": 1,
     "lengths": {"least": 2, "median": 2, "most": 2}},
    {"field": "label", "types": [{"type": "string", "records": 2}], "missing": 2, "distinct": 2,
     "lengths": {"least": 1, "median": 1, "most": 3}},
    {"field": "n", "types": [{"type": "boolean", "records": 1}, {"type": "integer", "records": 1},
                             {"type": "number", "records": 1}, {"type": "string", "records": 1}],
     "missing": 0, "distinct": 3, "lengths": {"least": 1, "median": 1, "most": 1}},
    {"field": "text", "types": [{"type": "string", "records": 4}], "missing": 0, "distinct": 3,
     "lengths": {"least": 0, "median": 2, "most": 3}},
]  # fmt: skip
FILES = {
    "README.md": b"No row.\n",
    "a.jsonl": b"\n".join(LINES[:1]) + b"\n",
    "b.jsonl": b"\r\n".join(LINES[1:]) + b"\n",
}
STATS = {
    "files": 3,
    "bytes": sum(map(len, FILES.values())),
    "records": 4,
    "fields": FIELDS,
    "labels": [{"label": "a", "records": 2}, {"label": "b", "records": 1}],
    "severalLabels": 1,
}
FORMATS = [{"suffix": ".jsonl", "files": 2}, {"suffix": ".md", "files": 1}]

Change = Callable[[dict[str, Any]], object]


def measured(value: Any) -> dict[str, Any]:
    """Return a measured field of a descriptor."""
    return {"state": "value", "value": value, "basis": "measured"}


SAID = {"fields": ROLES, "descriptor": {"formats": measured(FORMATS), "stats": measured(STATS)}}
ROWS = made.Contents(
    FILES,
    "jsonl/1",
    tuple(record_id("jsonl/1", line) for line in LINES),
    ("README.md",),
    SAID,
)
NO_ROW = b'{"label":"a","label":"b"}'


def saying(change: Change, contents: made.Contents = ROWS) -> dict[str, Any]:
    """Return the delivery of an owner who signed a body with a change."""
    said = copy.deepcopy(dict(contents.said))
    change(said)
    return delivery_of(replace(contents, said=said))


def stats(**changes: Any) -> Change:
    """Return a change of statistics."""
    return lambda said: said["descriptor"]["stats"]["value"].update(changes)


def fields(at: int, **changes: Any) -> Change:
    """Return a change of the statistics of a field."""
    return lambda said: said["descriptor"]["stats"]["value"]["fields"][at].update(changes)


def imported(said: dict[str, Any]) -> None:
    """Say what imports did at first, which kept no roles of fields."""
    said["origin"] = "imported"
    said.pop("fields")


def cases() -> list[tuple[str, str, dict[str, str], dict[str, Any]]]:
    """Return id, verdict, check → reason (or state, where there is no reason), parts replaced."""

    def false(name: str, change: Change) -> tuple[str, str, dict[str, str], dict[str, Any]]:
        return name, "invalid", {"datasets": "differs", "records.root": "pass"}, saying(change)

    def other_root(**changes: Any) -> dict[str, Any]:
        return delivery_of(replace(ROWS, root=changes))

    sample = {"records": 4, "seed": "0", "tokens": {"least": 0, "median": 1, "most": 1, "sum": 3}}
    broken = replace(
        ROWS,
        files={**FILES, "c.jsonl": NO_ROW},
        records=(*ROWS.records, record_id("jsonl/1", NO_ROW)),
    )
    return [
        ("sound", "trusted", {"datasets": "pass", "records.root": "pass"}, {}),
        ("a-sample", "trusted", {"datasets": "pass"}, saying(stats(sample=sample))),
        ("later-statistics", "trusted", {"datasets": "pass"}, saying(stats(entropy="1"))),
        ("an-import-without-roles", "trusted", {"datasets": "pass"}, saying(imported)),
        false("fields-of-an-import", lambda said: (imported(said), fields(1, missing=0)(said))),
        false(
            "labels-of-an-import",
            lambda said: (said.update(origin="imported"), stats(severalLabels=2)(said)),
        ),
        ("not-recomputed", "valid", {"datasets": "not-recomputed"}, {"recompute": False}),
        ("no-data", "incomplete", {"datasets": "incomplete-data"}, {"data": None}),
        false("records", lambda said: said.update(records=11)),
        false("records-in-statistics", stats(records=11)),
        false("files-in-statistics", stats(files=99)),
        false("bytes-in-statistics", stats(bytes=1)),
        false("files", lambda said: said["descriptor"]["formats"].update(value=FORMATS[:1])),
        false("labels", stats(labels=[{"label": "a", "records": 900}])),
        false("invented-labels", stats(labels=[*STATS["labels"], {"label": "c", "records": 1}])),
        false("too-many-labels", stats(labelsAbove=1000)),
        false("several-labels", stats(severalLabels=2)),
        false("other-roles", lambda said: said["fields"].update(label="text")),
        false("more-fields", stats(fieldsAbove=250)),
        false("no-field", stats(fields=FIELDS[1:])),
        false("missing", fields(1, missing=0)),
        false("types", fields(2, types=[{"type": "integer", "records": 4}])),
        false("distinct", fields(2, distinct=4)),
        false("distinct-as-a-boolean", fields(0, distinct=True)),
        false("lengths", fields(3, lengths={"least": 0, "median": 3, "most": 3})),
        false("called-measured", lambda said: said["descriptor"].update(quality=measured("good"))),
        (
            "no-row",
            "invalid",
            {"datasets": "bad-record", "records.root": "pass"},
            {**delivery_of(broken)},
        ),
        ("root-of-nothing", "invalid", {"records.root": "records-differ"},
         other_root(root="ab" * 32)),
        ("one-record-less", "invalid", {"records.root": "records-differ"}, other_root(count=3)),
    ]  # fmt: skip


def make() -> dict[str, Any]:
    """Return file name → content."""
    base = {"at": "2026-11-24T14:12:39Z", "trust": TRUST, **delivery_of(ROWS)}
    return {
        "verdicts/figures.json": {
            "base": base,
            "cases": [
                {"id": name, "verdict": verdict, "checks": checks, "changes": changes}
                for name, verdict, checks, changes in cases()
            ],
        }
    }
