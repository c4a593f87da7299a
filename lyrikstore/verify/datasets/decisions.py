"""Comparison of a filter's decisions with its source and its results (spec §11.7.4).

Decisions are in the storage order of the source, so that both are read side by side. Each record of
the source, and each record made from one, has exactly one last decision.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.history.records.order_root import document_id, record_id
from lyrikstore.history.records.rows import JSONL
from lyrikstore.verify.datasets.reading import DecisionRow
from lyrikstore.verify.datasets.results import ResultFiles, UnsoundDecisionError

_BY_PLACE = 3
"""Decisions of this version and later ones name records by place, and not by id."""

_PARTS = frozenset({"", "train", "validation", "test"})

_MAX_NAMES = 10_000
"""Most reasons of a table, and reasons and fields of a record, that are counted separately."""

_NOTHING: frozenset[str] = frozenset()


class ReadRecord(Struct, frozen=True):
    """A record that a filter read.

    Attributes:
        file: Number of its file, from 0.
        path: Path of the file.
        position: Its position in the file.
        reader: Its reader.
        data: Its bytes; for a document, the raw digest of the file.
        is_document: Whether it is a document.
        meta: The values of a document in the sheet.
    """

    file: int
    path: str
    position: int
    reader: str
    data: bytes
    is_document: bool = False
    meta: Mapping[str, str] | None = None

    @property
    def id(self) -> Digest:
        """Its record id."""
        if self.is_document:
            return document_id(Digest(self.data))
        return record_id(self.reader, self.data)


@dataclass(slots=True)
class PartTotals:
    """Counts of the decisions on the records of one part.

    Attributes:
        kept: Number of kept records.
        changed_records: Number of changed records.
        changed: Reason → number of records changed for it.
        reported: Reason → number of records with a finding.
    """

    kept: int = 0
    changed_records: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    reported: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class DecisionTotals:
    """Counts of all decisions of a filter.

    Attributes:
        read: Number of records of the source.
        made: Number of records made from others.
        dropped: Reason → number of records dropped, or replaced by others.
        parts: Name of a part, such as ``train`` → the counts of its records.
    """

    read: int = 0
    made: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    parts: dict[str, PartTotals] = field(default_factory=dict)

    def of(self, part: str) -> PartTotals:
        """Return the counts of a part.

        Raises:
            UnsoundDecisionError: The filter does not make such a part.
        """
        if part not in _PARTS:
            raise UnsoundDecisionError("names a part that no filter makes")
        return self.parts.setdefault(part, PartTotals())

    def derivation(self, part: str) -> dict[str, Any]:
        """Return the members of ``derivation`` of a part, computed from the counts."""
        found = self.of(part)
        counts = {
            "in": self.read,
            "kept": found.kept,
            "dropped": self.dropped.total(),
            "changed": found.changed_records,
            "elsewhere": sum(one.kept for name, one in self.parts.items() if name != part),
        }
        return {
            "counts": counts | {"made": self.made} if self.made else counts,
            "dropped": dict(self.dropped),
            "changed": dict(found.changed),
            "reported": dict(found.reported),
        }


@dataclass(slots=True)
class _Siblings:
    """Records that are still expected: one of the source, or several that a step made from one.

    Attributes:
        left: Number of expected records.
        step: The step that made them.
        changed: Reasons for changes of the record that they were made from.
        reported: Reasons for findings in that record.
        next: Number of the next record; None before the first, and for a record of the source.
    """

    left: int
    step: int = 0
    changed: frozenset[str] = _NOTHING
    reported: frozenset[str] = _NOTHING
    next: int | None = None


class DecisionWalk:
    """Reads the decisions of a filter once, in order, and checks them.

    Args:
        version: Version of the table.
        rows: Its rows.
        steps: The names of the steps.
        results: Part → its dataset, for the datasets to be compared.
    """

    def __init__(
        self,
        version: int,
        rows: Iterator[DecisionRow],
        steps: Sequence[str],
        results: Mapping[str, ResultFiles],
    ) -> None:
        self._version, self._rows, self._steps = version, rows, steps
        self._results = results
        self._row = next(rows, None)
        self._ranges: dict[int, tuple[int, int]] = {}
        self.totals = DecisionTotals()

    def follow(self, source: Iterator[ReadRecord] | None) -> DecisionTotals:
        """Return the counts of the decisions, after comparing them with the data.

        Args:
            source: The records that were read, in storage order; None: they are retired, and the
            decisions are compared with the result only.

        Raises:
            UnsoundDecisionError: A decision contradicts the source, the result, or another
                decision.
            LyrikstoreError: Data cannot be read.
        """
        if source is not None:
            for record in source:
                self._decide(record)
            if self._row is not None:
                raise UnsoundDecisionError("decides on a record that the source does not have")
            return self.totals
        last: Any = None
        while (row := self._row) is not None:
            by_place = self._version >= _BY_PLACE
            place = (row.file if by_place else row.path or "", row.position)
            if None in place or (last is not None and place <= last):
                raise UnsoundDecisionError("does not name records in their order")
            last = place
            self._decide(None)
        return self.totals

    def _decide(self, record: ReadRecord | None) -> None:
        """Read the decisions on one record of the source, and on all records made from it."""
        self.totals.read += 1
        first = self._row
        if first is None:
            raise self._undecided(record)
        self._ranges.clear()
        waiting = [_Siblings(1)]
        while waiting:
            siblings = waiting[-1]
            if not siblings.left:
                waiting.pop()
                continue
            siblings.left -= 1
            item = None
            if siblings.step:
                if siblings.next is None:
                    siblings.next = self._first_of(siblings, first)
                item, siblings.next = siblings.next, siblings.next + 1
            made = self._one(record, first, item, siblings)
            if made is not None and made.left:
                waiting.append(made)
        follows = 0
        for _, (start, end) in sorted(self._ranges.items()):
            if start != follows:
                raise UnsoundDecisionError("does not number what was made of a record")
            follows = end

    def _first_of(self, siblings: _Siblings, first: DecisionRow) -> int:
        """Return the number of the first of some records that a step made."""
        row, step = self._row, siblings.step
        if row is None or not self._same(row, first) or row.item is None:
            raise UnsoundDecisionError("does not decide on all that was made of a record")
        start, end = self._ranges.get(step, (row.item, row.item))
        if end != row.item:
            raise UnsoundDecisionError("does not number what was made of a record")
        self._ranges[step] = start, end + siblings.left + 1
        return row.item

    def _one(
        self,
        record: ReadRecord | None,
        first: DecisionRow,
        item: int | None,
        siblings: _Siblings,
    ) -> _Siblings | None:
        """Read the decisions on one record; return the records that a step made from it."""
        totals, fields = self.totals, set[str]()
        changed, reported = set(siblings.changed), set(siblings.reported)
        while True:
            row = self._row
            if row is None or row.item != item or not self._same(row, first):
                raise self._undecided(record)
            if record is not None:
                self._compare(row, record)
            step, reason = self._step(row), row.reason or ""
            self._row = next(self._rows, None)
            match row.action:
                case "changed":
                    changed.add(reason)
                    fields.add(row.field or "")
                    _few(changed, fields)
                case "reported":
                    reported.add(reason)
                    _few(reported)
                case "dropped":
                    totals.dropped[reason] += 1
                    _few(totals.dropped)
                    return None
                case "divided":
                    totals.dropped[reason] += 1
                    _few(totals.dropped)
                    if step <= siblings.step or row.count is None or row.count < 0:
                        raise UnsoundDecisionError("divides a record that no step divides")
                    totals.made += row.count
                    if self._version < _BY_PLACE:  # what had happened before was not counted
                        return _Siblings(row.count, step)
                    return _Siblings(row.count, step, frozenset(changed), frozenset(reported))
                case "kept":
                    part = totals.of(row.part or "")
                    part.kept += 1
                    part.changed.update(changed)
                    part.changed_records += bool(changed)
                    part.reported.update(reported)
                    _few(part.changed, part.reported)
                    self._keep(row, record, fields, is_made=item is not None)
                    return None
                case _:
                    raise UnsoundDecisionError("decides what no filter does")

    def _keep(
        self, row: DecisionRow, record: ReadRecord | None, fields: set[str], *, is_made: bool
    ) -> None:
        result = self._results.get(row.part or "")
        if result is None:
            return
        named = row.new_record or row.record  # of versions 1 and 2
        path, position = row.new_path, row.new_position
        if self._version == 1:
            path = row.path
        same = record if not is_made and self._version >= _BY_PLACE else None
        if not result.is_rows:
            result.take_document(
                path,
                blob=same.data if same is not None and "text" not in fields else None,
                identity=named,
                meta=None if same is None else same.meta,
                same_meta=same is not None and not fields,
            )
            return
        identity = None if named is None else _raw(named)
        if same is not None and not fields and not same.is_document:
            # A reader takes one carriage return off a line, and takes one off what was written.
            identity = record_id(JSONL, same.data.removesuffix(b"\r")).raw
        result.take_row(path, position, identity)

    def _compare(self, row: DecisionRow, record: ReadRecord) -> None:
        """Raise ``UnsoundDecisionError`` unless a decision is about that record."""
        if self._version >= _BY_PLACE:
            is_it = (row.file, row.position) == (record.file, record.position)
        else:
            is_it = (row.path, row.position) == (record.path, record.position)
        if not is_it:
            raise self._undecided(record)
        if self._version < _BY_PLACE and row.record != record.id.hex:
            raise UnsoundDecisionError(f"names another record {_place(record)}")

    def _step(self, row: DecisionRow) -> int:
        step = row.step
        if step is None and row.filter is None and row.action == "kept":
            return 0
        if step is None or not 1 <= step <= len(self._steps) or row.filter != self._steps[step - 1]:
            raise UnsoundDecisionError("names a step that the filter does not have")
        return step

    def _same(self, row: DecisionRow, first: DecisionRow) -> bool:
        return (row.file, row.path, row.position) == (first.file, first.path, first.position)

    def _undecided(self, record: ReadRecord | None) -> UnsoundDecisionError:
        where = "" if record is None else f" {_place(record)}"
        return UnsoundDecisionError(f"does not decide once on the record{where}")


def _few(*some: Collection[str]) -> None:
    # ATTACK: a small table stands for rows without end, each with a reason of its own.
    if max(map(len, some)) > _MAX_NAMES:
        raise UnsoundDecisionError("has more reasons than a manifest")


def _place(record: ReadRecord) -> str:
    # A report is shown to outsiders: it numbers the files.
    return f"at place {record.position} of file {record.file + 1} of the source"


def _raw(identity: str) -> bytes:
    try:
        return bytes.fromhex(identity)
    except ValueError:
        raise UnsoundDecisionError("names a record by what is no id") from None
