"""The engine: one pass over a dataset's documents, each through all steps, in path order.

Normative text: spec/12-curation.md §12.5.1. Nothing here knows a store: blobs come from and go to
functions, so that a recipe can be tried on anything.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.jsontext import encode
from lyrikstore.curate.decisions import Decision
from lyrikstore.curate.filters.contract import Candidate, Change, Drop, FieldChange
from lyrikstore.curate.recipe import Recipe
from lyrikstore.history.orderroot import document_id
from lyrikstore.history.tree import Entry, Tree

MAX_TEXT_BYTES = 256 << 20
"""Longest document a text filter reads."""

FilterProgress = Callable[[int, int], None]
"""Called with records done and records in all."""

WHOLE = ""
"""The part of recipes that do not split."""


@dataclass(slots=True)
class Outcome:
    """What became of the records of one part.

    Attributes:
        entries: The part's tree entries, in path order.
        changed: Reason -> how many of its records were changed for it.
        changed_records: How many of its records were changed at all.
    """

    entries: list[Entry] = field(default_factory=list)
    changed: Counter[str] = field(default_factory=Counter)
    changed_records: int = 0


@dataclass(slots=True)
class Applied:
    """The outcome of a whole recipe.

    Attributes:
        total: Records that came in.
        parts: Part -> outcome.
        dropped: Reason -> how many records.
        decisions: Every row, in path order.
    """

    total: int
    parts: dict[str, Outcome]
    dropped: Counter[str]
    decisions: list[Decision]

    def counts(self, part: str) -> dict[str, int]:
        """Return the reconciled counts of one part: in = kept + dropped + elsewhere."""
        kept = len(self.parts[part].entries)
        elsewhere = sum(len(p.entries) for name, p in self.parts.items() if name != part)
        dropped = sum(self.dropped.values())
        if self.total != kept + dropped + elsewhere:
            raise AssertionError("counts do not reconcile")
        return {
            "in": self.total,
            "kept": kept,
            "dropped": dropped,
            "changed": self.parts[part].changed_records,
            "elsewhere": elsewhere,
        }


def run_recipe(
    recipe: Recipe,
    tree: Tree,
    open_blob: Callable[[Digest], Any],
    put: Callable[[bytes], Digest],
    progress: FilterProgress | None = None,
) -> Applied:
    """Return what ``recipe`` makes of the documents of ``tree``; pure but for ``put``.

    Args:
        recipe: What to do.
        tree: The source.
        open_blob: Gives a verified stream of a blob.
        put: Stores the bytes of a changed document.
        progress: Told about records.
    """
    steps = [(step.use, step.filter.start()) for step in recipe.steps]
    split = recipe.split
    parts = {part: Outcome() for part in (split.parts if split else (WHOLE,))}
    applied = Applied(len(tree.entries), parts, Counter(), [])
    for number, entry in enumerate(tree.entries, start=1):
        source = _load(entry, open_blob, recipe.reads_text)
        _run_one(source, entry, steps, applied, put)
        if progress is not None:
            progress(number, len(tree.entries))
    return applied


def _run_one(
    source: Candidate,
    entry: Entry,
    steps: list[tuple[str, Any]],
    applied: Applied,
    put: Callable[[bytes], Digest],
) -> None:
    candidate = source
    part: str | None = None
    last: tuple[int, str] | None = None
    reasons: set[str] = set()
    for number, (use, decide) in enumerate(steps, start=1):
        outcome = decide(candidate)
        if isinstance(outcome, Drop):
            applied.dropped[outcome.reason] += 1
            applied.decisions.append(
                Decision(
                    source.id.hex,
                    source.path,
                    "dropped",
                    step=number,
                    filter=use,
                    reason=outcome.reason,
                    detail=outcome.detail or None,
                )
            )
            return
        if isinstance(outcome, Change):
            for change in outcome.changes:
                reasons.add(change.reason)
                applied.decisions.append(_changed(source, number, use, change))
            text = candidate.text if outcome.text is None else outcome.text
            candidate = Candidate(source.path, source.id, text, outcome.meta, source.source_meta)
        elif outcome.part is not None:
            part, last = outcome.part, (number, use)
    kept = applied.parts[part if part is not None else WHOLE]
    new_entry, new_id = _result(source, candidate, entry, put)
    kept.entries.append(new_entry)
    kept.changed.update(reasons)
    kept.changed_records += bool(reasons)
    applied.decisions.append(
        Decision(
            source.id.hex,
            source.path,
            "kept",
            step=last[0] if last else None,
            filter=last[1] if last else None,
            new_record=new_id.hex if new_id is not None else None,
            part=part,
        )
    )


def _result(
    source: Candidate, candidate: Candidate, entry: Entry, put: Callable[[bytes], Digest]
) -> tuple[Entry, Digest | None]:
    meta = dict(candidate.meta) or None
    if candidate.text is None or candidate.text == source.text:
        return Entry(entry.path, entry.bytes, entry.blake3, meta), None
    data = candidate.text.encode()
    blob = put(data)
    return Entry(entry.path, len(data), blob, meta), document_id(blob)


def _changed(source: Candidate, number: int, use: str, change: FieldChange) -> Decision:
    return Decision(
        source.id.hex,
        source.path,
        "changed",
        step=number,
        filter=use,
        reason=change.reason,
        field=change.field,
        count=change.count,
        before=str(change.before) if change.before is not None else None,
        after=encode([list(span) for span in change.spans]).decode(),
    )


def _load(entry: Entry, open_blob: Callable[[Digest], Any], reads_text: bool) -> Candidate:
    meta = entry.meta or {}
    record = document_id(entry.blake3)
    if not reads_text:
        return Candidate(entry.path, record, None, meta, meta)
    if entry.bytes > MAX_TEXT_BYTES:
        raise InvalidInputError(
            "too-large",
            f"{entry.path}: {entry.bytes} bytes are more than a text filter reads",
            hint=f"split documents of more than {MAX_TEXT_BYTES} bytes first",
        )
    with open_blob(entry.blake3) as stream:
        data = stream.read()
    try:
        text: str | None = data.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    return Candidate(entry.path, record, text, meta, meta)
