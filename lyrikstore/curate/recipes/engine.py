"""The engine: one pass over a dataset's documents, each through all steps, in path order.

Normative text: spec §12.5.1. Nothing here knows a store: blobs come from and go to
functions, so that a recipe can be tried on anything. What depends on one record alone, most of
the work, is found apart from what depends on earlier ones, so that it can be found elsewhere.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import encode
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.canon.text import pluralize
from lyrikstore.curate.recipes.decisions import Decision
from lyrikstore.curate.recipes.filters.contract import (
    Candidate,
    Change,
    Drop,
    FieldChange,
    Judge,
    OrderedFilter,
)
from lyrikstore.curate.recipes.findings import Changed, Dropped, Failed, Finding, Kept, Keyed
from lyrikstore.curate.recipes.recipe import Recipe
from lyrikstore.curate.text import foreign_format, suffix_label
from lyrikstore.history.records.order_root import document_id
from lyrikstore.history.trees.tree import Tree, TreeEntry

MAX_TEXT_BYTES = 256 << 20
"""Longest document a text filter reads."""

Foreign = tuple[str, str]
"""Path of a file that is no text, and what it is."""

WHOLE = ""
"""The part of recipes that do not split."""


@dataclass(slots=True)
class RecipeOutcome:
    """What became of the records of one part.

    Attributes:
        entries: The part's tree entries, in path order.
        changed: Reason -> how many of its records were changed for it.
        changed_records: How many of its records were changed at all.
    """

    entries: list[TreeEntry] = field(default_factory=list)
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
    parts: dict[str, RecipeOutcome]
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


class Examiner:
    """Puts records through the steps of a recipe, each record by itself.

    Args:
        recipe: What to do.
        open_blob: Gives a verified stream of a blob.
        put: Stores the bytes of a changed document.
    """

    def __init__(
        self, recipe: Recipe, open_blob: Callable[[Digest], Any], put: Callable[[bytes], Digest]
    ) -> None:
        self._steps = [
            (step.filter if isinstance(step.filter, OrderedFilter) else None, step.filter.start())
            for step in recipe.steps
        ]
        self._reads_text = recipe.reads_text
        self._open_blob = open_blob
        self._put = put

    def findings(self, entry: TreeEntry) -> Iterator[Finding]:
        """Yield what the steps find, step by step: whoever has read enough need not go on.

        Raises:
            InvalidInputError: A step cannot take the record.
        """
        source = candidate = _load(entry, self._open_blob, self._reads_text)
        part: str | None = None
        last: int | None = None
        for number, (ordered, decide) in enumerate(self._steps, start=1):
            if ordered is not None:
                yield Keyed(number, ordered.key(candidate))
                continue
            outcome = decide(candidate)
            if isinstance(outcome, Drop):
                yield Dropped(number, outcome)
                return
            if isinstance(outcome, Change):
                yield Changed(number, outcome.changes)
                text = candidate.text if outcome.text is None else outcome.text
                candidate = Candidate(
                    source.path, source.id, text, outcome.meta, source.source_meta
                )
            elif outcome.part is not None:
                part, last = outcome.part, number
        meta = dict(candidate.meta) or None
        if candidate.text is None or candidate.text == source.text:
            yield Kept(part, last, entry.blake3, entry.bytes, meta, rewritten=False)
            return
        data = candidate.text.encode()
        yield Kept(part, last, self._put(data), len(data), meta, rewritten=True)

    def all_of(self, entry: TreeEntry) -> list[Finding]:
        """Return all findings at once, as if earlier records were none; an error is the last."""
        found: list[Finding] = []
        try:
            found.extend(self.findings(entry))
        except InvalidInputError as error:
            found.append(Failed(error))
        return found


def run_recipe(
    recipe: Recipe,
    tree: Tree,
    open_blob: Callable[[Digest], Any],
    put: Callable[[bytes], Digest],
    progress: OnProgress = silent,
) -> Applied:
    """Return what ``recipe`` makes of the documents of ``tree``; pure but for ``put``.

    Args:
        recipe: What to do.
        tree: The source.
        open_blob: Gives a verified stream of a blob.
        put: Stores the bytes of a changed document.
        progress: Progress callback, called per record.
    """
    examiner = Examiner(recipe, open_blob, put)
    return settle(recipe, tree, map(examiner.findings, tree.entries), progress)


def settle(
    recipe: Recipe,
    tree: Tree,
    findings: Iterable[Iterable[Finding]],
    progress: OnProgress = silent,
) -> Applied:
    """Return what became of the records, now that what depends on earlier ones can be decided.

    Args:
        recipe: What was done.
        tree: The source.
        findings: Of each record, in path order; read no further than needed.
        progress: Progress callback, called per record.

    Raises:
        InvalidInputError: A step cannot take a record that got so far.
    """
    judges = {
        number: step.filter.judge()
        for number, step in enumerate(recipe.steps, start=1)
        if isinstance(step.filter, OrderedFilter)
    }
    split = recipe.split
    parts = {part: RecipeOutcome() for part in (split.parts if split else (WHOLE,))}
    applied = Applied(len(tree.entries), parts, Counter(), [])
    uses = [step.use for step in recipe.steps]
    for number, (entry, found) in enumerate(zip(tree.entries, findings, strict=True), start=1):
        _settle_one(entry, found, judges, uses, applied)
        progress(Progress(number, len(tree.entries)))
    return applied


def _settle_one(
    entry: TreeEntry,
    findings: Iterable[Finding],
    judges: Mapping[int, Judge],
    uses: Sequence[str],
    applied: Applied,
) -> None:
    record = document_id(entry.blake3)
    reasons: set[str] = set()
    for finding in findings:
        match finding:
            case Failed(error):
                raise error
            case Keyed(step, key):
                verdict = judges[step](key, record, entry.path)
                if isinstance(verdict, Drop):
                    _drop(entry, record, step, uses, verdict, applied)
                    return
            case Dropped(step, drop):
                _drop(entry, record, step, uses, drop, applied)
                return
            case Changed(step, changes):
                for change in changes:
                    reasons.add(change.reason)
                    applied.decisions.append(_changed(entry, record, step, uses[step - 1], change))
            case Kept(part, step, blob, size, meta, rewritten):
                kept = applied.parts[part if part is not None else WHOLE]
                kept.entries.append(TreeEntry(entry.path, size, blob, meta))
                kept.changed.update(reasons)
                kept.changed_records += bool(reasons)
                applied.decisions.append(
                    Decision(
                        record.hex,
                        entry.path,
                        "kept",
                        step=step,
                        filter=uses[step - 1] if step else None,
                        new_record=document_id(blob).hex if rewritten else None,
                        part=part,
                    )
                )


def _drop(
    entry: TreeEntry, record: Digest, step: int, uses: Sequence[str], drop: Drop, applied: Applied
) -> None:
    applied.dropped[drop.reason] += 1
    applied.decisions.append(
        Decision(
            record.hex,
            entry.path,
            "dropped",
            step=step,
            filter=uses[step - 1],
            reason=drop.reason,
            detail=drop.detail or None,
        )
    )


def _changed(
    entry: TreeEntry, record: Digest, number: int, use: str, change: FieldChange
) -> Decision:
    return Decision(
        record.hex,
        entry.path,
        "changed",
        step=number,
        filter=use,
        reason=change.reason,
        field=change.field,
        count=change.count,
        before=str(change.before) if change.before is not None else None,
        after=encode([list(span) for span in change.spans]).decode(),
    )


def _load(entry: TreeEntry, open_blob: Callable[[Digest], Any], reads_text: bool) -> Candidate:
    meta = entry.meta or {}
    record = document_id(entry.blake3)
    if not reads_text:
        return Candidate(entry.path, record, None, meta, meta)
    if entry.bytes > MAX_TEXT_BYTES:
        raise InvalidInputError(
            "too-large",
            f"{entry.path}: {pluralize(entry.bytes, 'byte is', 'bytes are')} "
            "more than a text filter reads",
            hint=f"split documents of more than {MAX_TEXT_BYTES} bytes first",
        )
    with open_blob(entry.blake3) as stream:
        data = stream.read()
    try:
        text: str | None = data.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    return Candidate(entry.path, record, text, meta, meta)


def foreign_files(tree: Tree, open_blob: Callable[[Digest], Any]) -> list[Foreign]:
    """Return the files of a tree that are no text but something a text filter cannot read."""
    found: list[Foreign] = []
    for entry in tree.entries:
        head = b""
        if entry.bytes:
            with open_blob(entry.blake3) as stream:
                head = stream.read(16)
        kind = foreign_format(entry.path, head)
        if kind is not None:
            found.append((entry.path, suffix_label(entry.path, kind)))
    return found
