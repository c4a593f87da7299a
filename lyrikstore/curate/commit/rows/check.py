"""The check of one file of rows: every line, in this process or in a worker's.

What is found of a file depends on its bytes and the roles of fields alone, so that files can be
checked in any order and anywhere.
"""

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from io import BufferedReader, RawIOBase
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from blake3 import blake3
from msgspec import Struct, field

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.files import open_regular
from lyrikstore.canon.json import JSON
from lyrikstore.curate.readers.cells import header_end
from lyrikstore.curate.readers.fields import FieldRoles, fits
from lyrikstore.curate.readers.records import CSV, iter_batches, iter_rows
from lyrikstore.curate.readers.row_values import RowValues, RowValuesReader
from lyrikstore.curate.readers.rows import RowError, as_text, parse_row
from lyrikstore.curate.readers.statistics import RowStatistics
from lyrikstore.history.records.rows import JSONL, BadRow, RawRow, RowBatch
from lyrikstore.objects.chunk.sources import unreadable

MAX_BAD = 100_000
"""Malformed lines after which a file is not what it is said to be."""

_PART = 1 << 20
_MEND_MARK = "save the file as UTF-8 without a byte order mark (BOM)"


class BadLine(Struct, frozen=True):
    """A line that is no record.

    Attributes:
        path: Its file.
        line: 1-based; of Parquet the row.
        reason: Why, for people.
        remedy: As :class:`BadRow` has it: not empty if it cannot be left out.
        code: As :class:`BadRow` has it.
    """

    path: str
    line: int
    reason: str
    remedy: str = ""
    code: str = ""


class FileCheck(Struct):
    """What was found of one file.

    Attributes:
        statistics: Of its good rows.
        bad: Lines that are no rows.
        ids: 8 bytes of the BLAKE3 of each row's id, in order; of rows without one none.
        misfits: ``ROLE NAME`` of roles that were only guessed and that some row refutes.
    """

    statistics: RowStatistics = field(default_factory=RowStatistics)
    bad: list[BadLine] = field(default_factory=list)
    ids: bytes = b""
    misfits: list[str] = field(default_factory=list)


class RowLayout(Struct, frozen=True):
    """How a file is read, and what its fields are to be.

    Attributes:
        reader: Its reader.
        roles: Roles that the committer named: a row that contradicts them is no record.
        guess: Role → names that mean it by custom; what contradicts them is only noted.
    """

    reader: str
    roles: FieldRoles
    guess: Mapping[str, tuple[str, ...]] = {}

    @property
    def labels(self) -> tuple[str, ...]:
        """The fields whose values are counted as labels."""
        return (self.roles.label,) if self.roles.label else self.guess.get("label", ())

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that have a role, or may have one."""
        return (*self.roles.names, *chain.from_iterable(self.guess.values()))

    @property
    def id(self) -> str:
        """The field whose values are to be unique; empty if there is none."""
        return self.roles.id or next(iter(self.guess.get("id", ())), "")


def check_rows(
    path: str,
    stream: BinaryIO,
    wanted: RowLayout,
    *,
    left_out: Mapping[int, str] | None = None,
    copy: BinaryIO | None = None,
) -> FileCheck:
    """Return what one file holds.

    Args:
        path: What to call it.
        stream: Its bytes, from the start.
        wanted: How to read it.
        left_out: Lines that are no records for a reason that is known already.
        copy: Where the good rows go, as they stand in the file.

    Raises:
        InvalidInputError: (``bad-rows``) more than :data:`MAX_BAD` lines are malformed.
        LyrikstoreError: As :func:`iter_rows`.

    Cost: one read; memory for a batch of rows, 8 bytes a row with an id, and the statistics.
    """
    found, ids, misfits = FileCheck(RowStatistics(named=wanted.names)), bytearray(), set[str]()
    reader = RowValuesReader()
    for batch in iter_batches(wanted.reader, path, stream):
        values = None if left_out else reader.read(batch.rows)
        if values is None or batch.bad or copy is not None or not wanted.roles.fit(values):
            values = _one_by_one(path, batch, wanted, left_out or {}, found.bad, copy)
        if wanted.id in values.fields:
            for identity in map(as_text, values.fields[wanted.id].values):
                if identity is not None:
                    ids.extend(blake3(identity.encode()).digest(8))
        found.statistics.add(values, wanted.labels, wanted.roles.label_separator)
        misfits.update(_misfits(values, wanted))
    found.ids, found.misfits = bytes(ids), sorted(misfits)
    return found


def row_ids(path: str, stream: BinaryIO, wanted: RowLayout) -> Iterator[tuple[int, str]]:
    """Yield line and id of the good rows of a file that have one."""
    for row in iter_rows(wanted.reader, path, stream):
        if isinstance(row, RawRow):
            try:
                fields = parse_row(row.data)
            except RowError:
                continue
            if not wanted.roles.problem(fields):
                identity = as_text(fields.get(wanted.id))
                if identity is not None:
                    yield row.line, identity


def id_hash(identity: str) -> int:
    """Return the number that :attr:`FileCheck.ids` holds for an id."""
    return int.from_bytes(blake3(identity.encode()).digest(8), "little")


def repeated_hashes(ids: Iterable[bytes]) -> frozenset[int]:
    """Return the numbers that several rows have, given :attr:`FileCheck.ids` of each file."""
    import numpy as np

    ordered = np.sort(np.frombuffer(b"".join(ids), "<u8"))
    return frozenset(ordered[1:][ordered[1:] == ordered[:-1]].tolist())


def copy_header(reader: str, stream: BinaryIO, copy: BinaryIO) -> None:
    """Write what a file of some rows of another begins with: of a table all to its header's end.

    The separator is learnt from the first line that is not empty, which need not be the header.
    """
    if reader != CSV:
        return
    left = header_end(stream)
    stream.seek(0)
    while left and (part := stream.read(min(left, _PART))):
        copy.write(part)
        left -= len(part)
    stream.seek(0)


def check_task(
    setup: Mapping[str, Any], task: Mapping[str, Any], *_buffers: bytes
) -> Iterator[tuple[Any, ...]]:
    """Check a file: what a worker does; see :mod:`lyrikstore.objects.parallel.tasks`.

    Of a task with ``digest``, of lines, the header has as ``blake3`` what was read.
    """
    wanted = msgspec.convert(setup, RowLayout)
    header = {}
    try:
        with open_regular(Path(task["location"])) as stream:
            if task.get("digest"):
                hashed = _Hashed(stream)
                found = check_rows(task["path"], BufferedReader(hashed, _PART), wanted)
                header["blake3"] = hashed.sum.hexdigest()
            else:
                found = check_rows(task["path"], stream, wanted)
    except OSError as error:
        raise unreadable(error, task["path"]) from None
    yield header, msgspec.msgpack.encode(found)


class _Hashed(RawIOBase):
    """A stream that hashes what is read of another."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self.sum = stream, blake3()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self.sum.update(data)
        return len(data)


def _one_by_one(
    path: str,
    batch: RowBatch,
    wanted: RowLayout,
    left_out: Mapping[int, str],
    bad: list[BadLine],
    copy: BinaryIO | None,
) -> RowValues:
    """Return the values of the good rows of a batch; those that are none are added to ``bad``."""
    good: list[dict[str, JSON]] = []
    for row in batch.each():
        fields = _row(path, row, wanted)
        if not isinstance(fields, BadLine) and row.line in left_out:
            fields = BadLine(path, row.line, left_out[row.line])
        if isinstance(fields, BadLine):
            bad.append(fields)
            if len(bad) > MAX_BAD:
                raise _too_many(fields)
            continue
        if copy is not None and isinstance(row, RawRow):
            copy.write(row.raw if row.raw.endswith((b"\n", b"\r")) else row.raw + b"\n")
        good.append(fields)
    return RowValues.of(good)


def _row(path: str, row: RawRow | BadRow, wanted: RowLayout) -> BadLine | dict[str, JSON]:
    if isinstance(row, BadRow):
        return BadLine(path, row.line, row.reason, row.remedy, row.code)
    if wanted.reader == JSONL and row.data.startswith(BOM_UTF8):
        # No part of a JSON text, and part of the record: the line without it is another one.
        return BadLine(path, row.line, "begins with a byte order mark", _MEND_MARK)
    try:
        fields = parse_row(row.data)
    except RowError as error:
        return BadLine(path, row.line, str(error), code=error.code)
    problem = wanted.roles.problem(fields)
    return BadLine(path, row.line, problem, code="unfit-value") if problem else fields


def _misfits(values: RowValues, wanted: RowLayout) -> Iterator[str]:
    for role, names in wanted.guess.items():
        for name in names:
            if name in values.fields and not fits(role, values.fields[name]):
                yield f"{role} {name}"


def _too_many(last: BadLine) -> InvalidInputError:
    return InvalidInputError(
        "bad-rows",
        f"{last.path}: line {last.line}: {last.reason} (and {MAX_BAD} lines before it are "
        "malformed, too)",
        hint="is it what its suffix says? --reader names another reader",
    )
