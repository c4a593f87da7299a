"""The check of one file of rows: every line, in this process or in a worker's.

The result for a file depends only on its bytes and the roles of fields, so files can be checked in
any order and in any process.
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
"""Most malformed lines of a file; with more, `bad-rows` is raised: the reader must be wrong."""

_PART = 1 << 20
_MEND_MARK = "save the file as UTF-8 without a byte order mark (BOM)"


class BadLine(Struct, frozen=True):
    """A malformed line, which is not a record.

    Attributes:
        path: The path of its file.
        line: 1-based line number; in Parquet the row number.
        reason: Why it is malformed, as a phrase for messages.
        remedy: See :class:`BadRow`; not empty if the line cannot be left out.
        code: See :class:`BadRow`.
    """

    path: str
    line: int
    reason: str
    remedy: str = ""
    code: str = ""


class FileCheck(Struct):
    """The result of checking one file.

    Attributes:
        statistics: Statistics of its good rows.
        bad: Its malformed lines.
        ids: 8 bytes of the BLAKE3 of each row's id, in order; rows without an id are left out.
        misfits: ``ROLE NAME`` of guessed roles that the value of some row contradicts.
    """

    statistics: RowStatistics = field(default_factory=RowStatistics)
    bad: list[BadLine] = field(default_factory=list)
    ids: bytes = b""
    misfits: list[str] = field(default_factory=list)


class RowLayout(Struct, frozen=True):
    """The reader of a file, and the roles of its fields.

    Attributes:
        reader: Its reader.
        roles: Roles that the user named: a row that contradicts them is malformed.
        guess: Role → usual field names for it; rows that contradict a guess are only noted.
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
        """The field whose values must be unique; empty if no field has or may have the role."""
        return self.roles.id or next(iter(self.guess.get("id", ())), "")


def check_rows(
    path: str,
    stream: BinaryIO,
    wanted: RowLayout,
    *,
    left_out: Mapping[int, str] | None = None,
    copy: BinaryIO | None = None,
) -> FileCheck:
    """Return the statistics, ids and malformed lines of one file.

    Args:
        path: The path of the file, for messages.
        stream: Its bytes, from the start.
        wanted: The reader and the roles of fields.
        left_out: Line number → reason, for lines that are already known not to be records.
        copy: A stream that the good rows are written to, byte for byte.

    Raises:
        InvalidInputError: (``bad-rows``) more than :data:`MAX_BAD` lines are malformed.
        LyrikstoreError: See :func:`iter_rows`.

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
    """Yield line number and id of each good row of a file that has an id."""
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
    """Return the id hashes that occur more than once in the :attr:`FileCheck.ids` of all files."""
    import numpy as np

    ordered = np.sort(np.frombuffer(b"".join(ids), "<u8"))
    return frozenset(ordered[1:][ordered[1:] == ordered[:-1]].tolist())


def copy_header(reader: str, stream: BinaryIO, copy: BinaryIO) -> None:
    """Write the start of a copy: for CSV all bytes up to the end of the header, else nothing.

    It includes empty lines and the first line that is not empty, which need not be the header:
    readers detect the separator in it.
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
    """Yield the :class:`FileCheck` of one file, in a worker process.

    See :mod:`lyrikstore.objects.parallel.tasks`. If a task of lines has ``digest``, the header of
    the result has the digest of the bytes that were read, as ``blake3``.
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
    """A stream that hashes the bytes that are read through it."""

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
    """Return the values of the good rows of a batch; malformed lines are added to ``bad``."""
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
        # The mark is not JSON, but the record would cover it: without it the line has another id.
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
        hint="if the format is not the one of its suffix, name another reader: --reader",
    )
