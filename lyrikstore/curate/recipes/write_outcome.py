"""Write the outcome of a recipe: the decisions, the counts, and the files of each part.

The results of the engine are read in storage order, one batch at a time. Rows are written to shards
on disk, changed documents to the store.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Self

from blake3 import blake3
from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.files import open_private
from lyrikstore.curate.recipes.decisions import Decision, DecisionWriter
from lyrikstore.curate.recipes.recipe import Recipe
from lyrikstore.curate.recipes.source import Batch, RecordSource
from lyrikstore.curate.recipes.step_results import (
    BatchResults,
    Changed,
    Divided,
    Dropped,
    Failed,
    Item,
    Reported,
)
from lyrikstore.curate.work_folder import storing
from lyrikstore.history.records.rows import JSONL
from lyrikstore.history.trees.tree import TreeEntry
from lyrikstore.objects.io.safe_folder import refuse_link

WHOLE = ""
"""The only part of a recipe without a split."""

SHARD_BYTES = 64 << 20
"""Size at which a shard ends, if its rows were made from documents."""

MAX_PARTITIONS = 255
"""Most folders that a partition makes: terms can distinguish this many partitions."""

_OPEN_SHARDS = 64
_EXAMPLES = 5

PutData = Callable[[bytes], Digest]
"""Stores the bytes of a changed document and returns their digest."""


class Shard(Struct, frozen=True):
    """A file with rows of a part, on disk until it is stored.

    Attributes:
        file: Its path on disk.
        bytes: Its length.
        blake3: Its digest when written; another user may have changed the file since.
    """

    file: Path
    bytes: int
    blake3: Digest


@dataclass(slots=True)
class PartOutcome:
    """The outcome of a recipe for one part.

    Attributes:
        entries: The tree entries of a part of documents.
        shards: Path → file of rows, for a part of rows.
        records: Number of records in the part.
        changed: Reason → number of records changed for it.
        changed_records: Number of changed records.
        reported: Reason → number of records with such a report.
    """

    entries: list[TreeEntry] = field(default_factory=list)
    shards: dict[str, Shard] = field(default_factory=dict)
    records: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    changed_records: int = 0
    reported: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class RecipeOutcome:
    """The outcome of a whole recipe.

    Attributes:
        total: Number of records in the source.
        made: Number of records that steps made from others; those others count as dropped.
        parts: Part → outcome.
        dropped: Reason → number of records.
        dropped_by: Number of a step → reason → number of records.
        divided_by: Number of a step → number of records that it divided, and of those that it made.
        values: Number of a step with a list → values that records have in its field.
        examples: Reason → a few decisions, to show.
    """

    total: int = 0
    made: int = 0
    parts: dict[str, PartOutcome] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    dropped_by: dict[int, Counter[str]] = field(default_factory=dict)
    divided_by: dict[int, tuple[int, int]] = field(default_factory=dict)
    values: dict[int, set[str]] = field(default_factory=dict)
    examples: dict[str, list[Decision]] = field(default_factory=dict)

    def counts(self, part: str) -> dict[str, int]:
        """Return the reconciled counts of one part: in + made = kept + dropped + elsewhere."""
        kept = self.parts[part].records
        elsewhere = sum(p.records for name, p in self.parts.items() if name != part)
        dropped = sum(self.dropped.values())
        if self.total + self.made != kept + dropped + elsewhere:
            raise AssertionError("counts do not reconcile")
        counts = {
            "in": self.total,
            "kept": kept,
            "dropped": dropped,
            "changed": self.parts[part].changed_records,
            "elsewhere": elsewhere,
        }
        return counts | {"made": self.made} if self.made else counts


class OutcomeWriter:
    """Writer of decisions and files from the results of the engine; a context manager.

    Args:
        recipe: The recipe.
        source: The records that it was applied to.
        decisions: The writer of the decision table; None to write none.
        put: Stores changed documents; None in a dry run, which writes nothing.
        folder: The folder for shards.
    """

    def __init__(
        self,
        recipe: Recipe,
        source: RecordSource,
        decisions: DecisionWriter | None,
        put: PutData | None,
        folder: Path,
    ) -> None:
        self._takes_out = any(step.filter.TAKES_OUT for step in recipe.steps)
        self._renamed: frozenset[str] = frozenset()  # files of rows
        self._uses = ["", *(step.use for step in recipe.steps)]
        self._source, self._decisions, self._put = source, decisions, put
        self._is_rows = source.is_rows or recipe.makes_rows
        self._taken: set[str] = set()  # paths that steps made
        self._shards = _Shards(folder, write=put is not None)
        self._folders: dict[str, str] = {}  # name in lower case → name
        self.outcome = RecipeOutcome(
            parts={part: PartOutcome() for part in (recipe.parts or (WHOLE,))}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shards.close()

    def write(self, read: Callable[[], Iterable[tuple[Batch, BatchResults]]]) -> RecipeOutcome:
        """Return the outcome of the recipe for all batches.

        Args:
            read: Yields all batches in order, with their results; called once or twice.

        Raises:
            InvalidInputError: A step cannot process a record that reached it.
            StorageError: The disk is full.
        """
        outcome = self.outcome
        if self._takes_out and self._source.is_rows:
            # ATTACK A72: the name of a file may contain what was removed from one of its rows.
            self._renamed = frozenset(
                batch.path
                for batch, findings in read()
                if any(item.path is not None for items in findings.records for item in items)
            )
        for batch, findings in read():
            for number, values in findings.values.items():
                outcome.values.setdefault(number, set()).update(values)
            entries = batch.entries
            for at, items in enumerate(findings.records):
                outcome.total += 1
                entry = entries[at] if entries else None
                path, position = (entry.path, 0) if entry else (batch.path, batch.position + at)
                for item in items:
                    outcome.made += item.number is not None
                    row = batch.rows[at] if entry is None else b""
                    self._item(item, path, position, row, entry)
        for name, part in outcome.parts.items():
            part.shards = self._shards.of(name)
        return outcome

    def _item(
        self, item: Item, path: str, position: int, row: bytes, entry: TreeEntry | None
    ) -> None:
        about = Decision(
            "kept",
            file=bisect_left(self._source.tree.paths, path),
            path=path,
            position=position,
            item=item.number,
            record=(item.origin or item.id).hex(),
        )
        decide = partial(self._decide, about)
        for finding in item.findings:
            match finding:
                case Failed():
                    raise finding.to_error()
                case Changed(step, changes):
                    for change in changes:
                        decide(
                            "changed",
                            step,
                            change.reason,
                            field=change.field,
                            count=change.count,
                            detail=change.detail,
                        )
                case Reported(step, reports):
                    for report in reports:
                        decide(
                            "reported",
                            step,
                            report.reason,
                            field=report.field,
                            count=report.count,
                            detail=report.detail,
                            other=report.other,
                        )
                case Dropped(step, reason, detail, other):
                    self.outcome.dropped[reason] += 1
                    self.outcome.dropped_by.setdefault(step, Counter())[reason] += 1
                    decide("dropped", step, reason, detail=detail or None, other=other)
                    return
                case Divided(step, reason, count):
                    self.outcome.dropped[reason] += 1
                    records, made = self.outcome.divided_by.get(step, (0, 0))
                    self.outcome.divided_by[step] = records + 1, made + count
                    decide("divided", step, reason, count=count)
                    return
        changed, reported = item.reasons
        part = self.outcome.parts[item.part or WHOLE]
        part.records += 1
        part.changed.update(changed)
        part.changed_records += bool(changed)
        part.reported.update(reported)
        if self._is_rows:
            new = self._keep_row(path, item, row)
        else:
            new = self._keep_document(item, entry, part), 0
        decide("kept", item.step, part=item.part, new_path=new[0], new_position=new[1])

    def _keep_row(self, path: str, item: Item, row: bytes) -> tuple[str, int]:
        """Add a row to its shard; return the path of the shard and the row's position in it."""
        line = row if item.data is None else item.data
        return self._shards.add(item.part or WHOLE, self._row_path(path, item.folder), line)

    def _row_path(self, path: str, folder: str | None) -> str | None:
        if folder is not None:
            other = self._folders.setdefault(folder.lower(), folder)
            if other != folder:
                raise InvalidInputError(
                    "bad-partition",
                    f"the folders {other} and {folder} differ in case only; some systems cannot "
                    "hold both",
                    hint="map both values to one first, with values in a map/1 step",
                    details={"folders": [other, folder]},
                )
            if len(self._folders) > MAX_PARTITIONS:
                raise InvalidInputError(
                    "too-many-partitions",
                    f"the field of partition/1 has more than {MAX_PARTITIONS} values",
                    hint="check the field, or map rare values to one first with map/1",
                )
            return f"{folder}/part-00000.jsonl"
        if not self._source.is_rows:
            return None
        if path in self._renamed:
            return f"rows-{bisect_left(self._source.tree.paths, path):05}.jsonl"
        return path if self._source.reader == JSONL else f"{path}.jsonl"

    def _keep_document(self, item: Item, entry: TreeEntry | None, part: PartOutcome) -> str:
        """Add a document to its part; return its path there."""
        if entry is None:
            raise TypeError("a document needs a tree entry")
        blob, size = entry.blake3, entry.bytes
        if item.data is not None and self._put is not None:
            blob, size = self._put(item.data), len(item.data)
        meta = dict(entry.meta or {}) if item.meta is None else item.meta
        path = entry.path if item.path is None else self._free_path(item.path)
        part.entries.append(TreeEntry(path, size, blob, meta or None))
        return path

    def _free_path(self, path: str) -> str:
        """Return the path that a step chose, with a number if another document has that path."""
        stem, dot, suffix = path.partition(".")
        number = 1
        while path in self._taken or path in self._source.tree.by_path:
            number += 1
            path = f"{stem}-{number}{dot}{suffix}"
        self._taken.add(path)
        return path

    def _decide(
        self, about: Decision, action: str, step: int | None, reason: str | None = None, **more: Any
    ) -> None:
        used = self._uses[step] if step else None
        decision = replace(about, action=action, step=step, filter=used, reason=reason, **more)
        shown = self.outcome.examples.setdefault(reason or action, [])
        if len(shown) < _EXAMPLES:
            shown.append(decision)
        if self._decisions is not None:
            self._decisions.add(decision)


class _Shards:
    """Writer of the shards of all parts; at most 64 files are open at a time."""

    def __init__(self, folder: Path, *, write: bool) -> None:
        self._folder, self._write = folder, write
        self._files: dict[tuple[str, str], Path] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._open: dict[tuple[str, str], BinaryIO] = {}
        self._sums: dict[tuple[str, str], blake3] = {}
        self._sizes: Counter[tuple[str, str]] = Counter()
        self._made: dict[str, tuple[int, int]] = {}

    def add(self, part: str, path: str | None, line: bytes) -> tuple[str, int]:
        """Append a row; return the path of its shard and its position in it."""
        if path is None:
            number, size = self._made.get(part, (0, 0))
            if size >= SHARD_BYTES:
                number, size = number + 1, 0
            self._made[part] = number, size + len(line) + 1
            path = f"part-{number:05}.jsonl"
        key = part, path
        position = self._counts[key]
        self._counts[key] += 1
        if self._write:
            with storing("writing a shard"):
                file, row = self._open.get(key) or self._opened(key), line + b"\n"
                file.write(row)
                self._sums[key].update(row)
                self._sizes[key] += len(row)
        return path, position

    def of(self, part: str) -> dict[str, Shard]:
        """Return path → file of a part's shards, after the last row was added."""
        self.close()
        return {
            key[1]: Shard(file, self._sizes[key], Digest(self._sums[key].digest()))
            for key, file in sorted(self._files.items())
            if key[0] == part
        }

    def close(self) -> None:
        """Close all open files."""
        with storing("writing a shard"):
            while self._open:
                self._open.popitem()[1].close()

    def _opened(self, key: tuple[str, str]) -> BinaryIO:
        if len(self._open) == _OPEN_SHARDS:  # close the file that was opened first
            self._open.pop(next(iter(self._open))).close()
        is_new = key not in self._files
        if is_new:
            refuse_link(self._folder)
            self._folder.mkdir(exist_ok=True, mode=0o700)
            self._files[key] = self._folder / f"shard-{len(self._files)}"
            self._sums[key] = blake3()
        # A file that an interrupted run left behind is overwritten.
        self._open[key] = open_private(self._files[key], "wb" if is_new else "ab")
        return self._open[key]
