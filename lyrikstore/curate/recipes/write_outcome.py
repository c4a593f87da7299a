"""What became of the records: decisions, counts, and the files of each part.

Everything is taken in storage order from what the engine found, a batch at a time; rows go to
shards on disk, changed documents to the store.
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
"""The part of recipes that do not split."""

SHARD_BYTES = 64 << 20
"""Size at which a shard of rows that were made of documents ends."""

MAX_PARTITIONS = 255
"""Folders that a partition makes: so many partitions terms can tell apart."""

_OPEN_SHARDS = 64
_EXAMPLES = 5

PutData = Callable[[bytes], Digest]
"""Keeps the bytes of a changed document."""


class Shard(Struct, frozen=True):
    """A file of rows of a part, on disk until the store takes it.

    Attributes:
        file: Where it lies.
        bytes: Its length.
        blake3: Its digest, as it was written: others may hold the disk.
    """

    file: Path
    bytes: int
    blake3: Digest


@dataclass(slots=True)
class PartOutcome:
    """What became of the records of one part.

    Attributes:
        entries: The part's tree entries, if it is of documents.
        shards: Path → file of rows, if it is of rows.
        records: How many it has.
        changed: Reason → how many of its records were changed for it.
        changed_records: How many of its records were changed at all.
        reported: Reason → in how many of its records something was found.
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
        total: Records that came in.
        made: Records that steps made of others, which were dropped for them.
        parts: Part → outcome.
        dropped: Reason → how many records.
        dropped_by: Number of a step → reason → how many records.
        divided_by: Number of a step → how many records it made others of, and how many those are.
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


class Settling:
    """Makes decisions and files of what the engine found; a context manager.

    Args:
        recipe: What was done.
        source: To what.
        decisions: Takes the decisions.
        put: Keeps changed documents; None where nothing is written: a trial.
        folder: Where shards are made.
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
        self._folders: dict[str, str] = {}  # as systems that ignore case have it → as it is
        self.outcome = RecipeOutcome(
            parts={part: PartOutcome() for part in (recipe.parts or (WHOLE,))}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shards.close()

    def settle(self, read: Callable[[], Iterable[tuple[Batch, BatchResults]]]) -> RecipeOutcome:
        """Return the outcome of all batches, which ``read`` gives in order, as often as is asked.

        Raises:
            InvalidInputError: A step cannot take a record that got so far.
            StorageError: The disk is full.
        """
        outcome = self.outcome
        if self._takes_out and self._source.is_rows:
            # ATTACK A72: a file can be called after what one of its rows lost.
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
                    for one in changes:
                        said = {"field": one.field, "count": one.count, "detail": one.detail}
                        decide("changed", step, one.reason, **said)
                case Reported(step, reports):
                    for found in reports:
                        said = {"field": found.field, "count": found.count, "detail": found.detail}
                        decide("reported", step, found.reason, **said, other=found.other)
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
        """Add a row to its shard; return the path of that and its place there."""
        line = row if item.data is None else item.data
        return self._shards.add(item.part or WHOLE, self._row_path(path, item.folder), line)

    def _row_path(self, path: str, folder: str | None) -> str | None:
        if folder is not None:
            other = self._folders.setdefault(folder.lower(), folder)
            if other != folder:
                raise InvalidInputError(
                    "bad-partition",
                    f"the folders {other} and {folder} differ in case only, so that not every "
                    "computer can keep them apart",
                    hint="make their values one first, with values of map/1",
                    details={"folders": [other, folder]},
                )
            if len(self._folders) > MAX_PARTITIONS:
                raise InvalidInputError(
                    "too-many-partitions",
                    f"the field of partition/1 has more than {MAX_PARTITIONS} values",
                    hint="is it the right field? join rare values first with map/1",
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
            raise TypeError("a document has an entry")
        blob, size = entry.blake3, entry.bytes
        if item.data is not None and self._put is not None:
            blob, size = self._put(item.data), len(item.data)
        meta = dict(entry.meta or {}) if item.meta is None else item.meta
        path = entry.path if item.path is None else self._free_path(item.path)
        part.entries.append(TreeEntry(path, size, blob, meta or None))
        return path

    def _free_path(self, path: str) -> str:
        """Return a path that a step made, or with a number where a document has it already."""
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
    """The shards of all parts, some of them open."""

    def __init__(self, folder: Path, *, write: bool) -> None:
        self._folder, self._write = folder, write
        self._files: dict[tuple[str, str], Path] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._open: dict[tuple[str, str], BinaryIO] = {}
        self._sums: dict[tuple[str, str], blake3] = {}
        self._sizes: Counter[tuple[str, str]] = Counter()
        self._made: dict[str, tuple[int, int]] = {}

    def add(self, part: str, path: str | None, line: bytes) -> tuple[str, int]:
        """Append a row; return the path of its shard and its place there."""
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
        """Return path → file of the shards of a part, once all rows were added."""
        self.close()
        return {
            key[1]: Shard(file, self._sizes[key], Digest(self._sums[key].digest()))
            for key, file in sorted(self._files.items())
            if key[0] == part
        }

    def close(self) -> None:
        """Close what is open."""
        with storing("writing a shard"):
            while self._open:
                self._open.popitem()[1].close()

    def _opened(self, key: tuple[str, str]) -> BinaryIO:
        if len(self._open) == _OPEN_SHARDS:  # the one that was opened first
            self._open.pop(next(iter(self._open))).close()
        is_new = key not in self._files
        if is_new:
            refuse_link(self._folder)
            self._folder.mkdir(exist_ok=True, mode=0o700)
            self._files[key] = self._folder / f"shard-{len(self._files)}"
            self._sums[key] = blake3()
        # What a run before left behind is written anew.
        self._open[key] = open_private(self._files[key], "wb" if is_new else "ab")
        return self._open[key]
