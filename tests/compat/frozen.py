"""What was kept of 1 December 2026 was made of, and says of itself, in ids, words and numbers."""

import re
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from lyrikstore.api import FieldRoles, Store
from lyrikstore.canon.timestamps import parse_timestamp

AT = "2026-12-02T00:00:00Z"
"""The moment for which ``2026-12-01-deployments/`` is judged."""

LATER = {("card.sources", "pass"): "stated"}
"""Check and its answer of then → its answer now: old pages are not drawn again."""

ROWS = FieldRoles(text=("text",), label="label", id="id", group="matter")
"""The roles of fields that are named where rows are committed."""

SOURCES: Mapping[str, tuple[str, str]] = {
    "acme/letters": ("letters", "letters.csv"),
    "acme/notes": ("notes", "notes.csv"),
    "acme/clauses": ("clauses.jsonl", ""),
    "acme/tickets": ("tickets.csv", ""),
    "acme/later": ("later.jsonl", ""),
}
"""Dataset → what of ``source/`` it is, and its sheet; without one it is rows."""

DERIVED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "acme/letters-read": (("acme/letters",), "read"),
    "acme/notes-cut": (("acme/notes",), "cut"),
    "acme/notes-plain": (("acme/notes",), "plain"),
    "acme/notes-alike": (("acme/notes",), "alike"),
    "acme/parts": (("acme/clauses",), "parts"),
    "acme/tickets-drawn": (("acme/tickets",), "drawn"),
    "acme/both": (("acme/clauses", "acme/tickets-drawn"), "once"),
}
"""Dataset → what it was filtered from, and the recipe in ``source/recipes/``."""

_WHY = (
    ("acme/letters-read", "mail.eml"),
    ("acme/letters-read", "part-00000.jsonl:4"),
    ("acme/letters-read", "1ce74e23e9e65068"),  # a message
    ("acme/letters-read", "3b38cf8d6807bb3d"),  # a row that was made of it
    ("acme/letters-read", "scan.pdf"),
    ("acme/notes-cut", "part-00000.jsonl:5"),
    ("acme/notes-cut", "13.txt"),
    ("acme/notes-plain.test", "02.txt"),
    ("acme/notes-plain.test", "03.txt"),
    ("acme/notes-plain.train", "02.txt"),  # which is in another part
    ("acme/notes-alike", "04.txt"),
    ("acme/notes-alike", "05.txt"),
    ("acme/parts.test", "clauses.jsonl:11"),
    ("acme/parts.test", "clauses.jsonl:211"),
    ("acme/parts.test", "2ef34f7745f1e872"),
    ("acme/parts.train", "clauses.jsonl:214"),
    ("acme/both", "acme/clauses/clauses.jsonl:6"),
    ("acme/both", "acme/tickets-drawn/tickets.csv.jsonl:3"),
    ("acme/both", "1417f5aa786b"),
    ("acme/letters", "mail.eml"),
)
"""Versions, and records by path, by path and line, and by id."""

_LINEAGE = ("evaluations/acme/clauses.monitor", "cards/acme/clauses", "acme/both")
_EVALUATIONS = ("clauses", "clauses-and-clerks")
_CARDS = {
    "cards/acme/clauses": "checkpoints/acme/clauses",
    "cards/acme/letters-read.data": "acme/letters-read",
}
_FILTERED = ("letters-read", "notes-cut", "notes-plain.test", "notes-alike", "parts.test", "both")
_COLUMNS = (
    *("record", "path", "position", "item", "action", "step", "filter", "reason", "field"),
    *("count", "before", "after", "new_record", "new_path", "new_position", "place", "part"),
)
_DECISIONS = """
    SELECT dataset, action, step, filter, reason, field, part, count(*) AS records,
        sum(count) AS places, count(before), count(after), count(new_record), count(detail),
        count(item), count(new_path), count(place)
    FROM record_decisions GROUP BY ALL ORDER BY ALL
"""


def open_copy(made: Path, folder: Path) -> Store:
    """Return a copy of a store that was kept, as whoever trusts its owner opens it."""
    shutil.copytree(made / "store", folder / "store")
    trust = made / "trust" / "acme.toml"
    return Store.open(
        folder / "store", memory_dir=folder / "memory", trust_file=trust, cache_dir=folder / "cache"
    )


def answers_of(store: Store) -> dict[str, Any]:
    """Return what a store answers to whoever looks at it, as JSON has it."""
    return {
        **state_of(store),
        "lineage": {ref: _lineage(store, ref) for ref in _LINEAGE},
        "why": [[ref, record, _why(store, ref, record)] for ref, record in _WHY],
        "decisions": to_builtins(
            store.query.sql(_DECISIONS, records=[f"acme/{one}" for one in _FILTERED]).rows
        ),
        "worst": {name: _worst(store, f"evaluations/acme/{name}") for name in _EVALUATIONS},
        "cards": {name: _card(store, name, ref) for name, ref in _CARDS.items()},
    }


def state_of(store: Store) -> dict[str, Any]:
    """Return which names, entries and retired versions a store has, as JSON has it."""
    return {
        "names": {
            state.name: [str(state.id), store.resolve(state.name).kind]
            for state in store.query.names()
        },
        "trees": {
            state.name: str(tree)
            for state in store.query.names()
            if (tree := store.resolve(state.name).tree)
        },
        "log": [
            [one["type"], one["id"], one["kind"], one["name"], one["flagged"] is not None]
            for one in store.query.log()
        ],
        "retired": sorted(map(str, store.datasets.retired())),
    }


def said_by(store: Store) -> dict[str, Any]:
    """Return what the store of ``2026-12-01-deployments/`` says, and each verdict."""
    state, at = state_of(store), parse_timestamp(AT)
    refs = [*state["names"], *state["retired"]]
    return {
        **state,
        "created": [entry["created"] for entry in store.query.log()],
        "lineage": {ref: _lineage(store, ref) for ref in refs if ref.startswith("deployments/")},
        "verdicts": {ref: verdict_of(store.verify(ref, at=at).to_json()) for ref in refs},
    }


def verdict_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report's verdict, and of each check the state, with the reason if it has one."""
    return {
        "verdict": report["verdict"],
        "checks": {
            one["id"]: " ".join([one["state"], *filter(None, [one["detail"].get("reason")])])
            for one in report["checks"]
        },
    }


def _lineage(store: Store, ref: str) -> dict[str, Any]:
    graph = store.query.lineage(ref)
    nodes = sorted(f"{one.manifest.kind} {one.manifest.id}" for one in graph.nodes.values())
    return {"nodes": nodes, "edges": len(graph.edges), "problems": len(graph.problems)}


def _why(store: Store, ref: str, record: str) -> dict[str, Any]:
    found = store.datasets.why(ref, record)
    return {
        "path": found.path,
        "line": found.line,
        "record": found.record,
        "current": found.current,
        "root": str(found.root.id),
        "stages": [
            [str(one.dataset.id), str(one.filter.id), [_said(row) for row in one.decisions]]
            for one in found.stages
        ],
    }


def _said(row: Any) -> dict[str, Any]:
    said = {name: value for name in _COLUMNS if (value := getattr(row, name)) is not None}
    if row.detail is not None:  # a sentence, which may name a record
        said["detail"] = re.findall("[0-9a-f]{64}", row.detail)
    return said


def _worst(store: Store, ref: str) -> list[str]:
    return [one["record"] for one in store.models.report(ref)["failures"]]


def _card(store: Store, name: str, ref: str) -> dict[str, Any]:
    content = store.models.current_card(ref)
    assert content is not None
    return {
        "status": store.models.card_status(store.resolve(name)).word,
        "states": dict(sorted(Counter(one["state"] for one in content["statements"]).items())),
    }
