"""``parquet/1``: a row is the JCS object of its columns (spec §9.1).

Values that JSON cannot hold exactly become strings: integers beyond 2^53-1, decimals, floats,
times, binary. Values without a unique spelling are refused: NaN, infinities, maps, unions; so are
encrypted columns.

Files are decoded in a separate process: :mod:`lyrikstore.curate.readers.parquet_process`.
"""

import base64
import math
from collections.abc import Callable, Iterator
from typing import Any

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.json import JSON, MAX_INTEGER, encode
from lyrikstore.canon.limits import MAX_RECORD_BYTES
from lyrikstore.curate.readers.batches import BATCH_BYTES
from lyrikstore.history.records.rows import BadRow, RawRow

BATCH = 1024
"""Largest number of rows that are decoded at once."""

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86_400
_YEARS = (-62_135_596_800, 253_402_300_799)
"""Seconds since 1970 from the year 1 to the year 9999, which ISO 8601 writes with four digits."""

Convert = Callable[[Any], JSON]


def decode_parquet(
    path: str, file: Any, *, after: int = 0, one_by_one: bool = False
) -> Iterator[list[RawRow | BadRow]]:
    """Yield the rows of a Parquet file, in batches.

    Args:
        path: Its path, for messages.
        file: A ``pyarrow.parquet.ParquetFile``.
        after: Number of rows to skip at its start.
        one_by_one: Whether to decode one row at a time, which is slow but needs least memory.

    Raises:
        InvalidInputError: (``bad-record``) it has a column of a type that is refused.
    """
    schema = file.schema_arrow
    try:
        converters = [_converter(field.type, field.name) for field in schema]
    except _RefusedError as error:
        raise bad_file(path, str(error)) from None
    number = 0
    for at in range(file.num_row_groups):
        group = file.metadata.row_group(at)
        if number + group.num_rows <= after:
            number += group.num_rows
            continue
        count = 1 if one_by_one else _batch_rows(group)
        for batch in file.iter_batches(count, row_groups=[at], use_threads=False):
            left_out = min(max(after - number, 0), batch.num_rows)
            for rows in _parts(batch.slice(left_out)):
                yield _rows(rows, schema.names, converters, number + left_out)
                left_out += rows.num_rows
            number += batch.num_rows


def _parts(batch: Any) -> Iterator[Any]:
    # A long value shared by many rows is stored once, so the rows may be larger than expected.
    count = max(1, BATCH_BYTES * batch.num_rows // max(batch.nbytes, 1))
    for at in range(0, batch.num_rows, count):
        yield batch.slice(at, count)


def _batch_rows(group: Any) -> int:
    # Uses sizes that the file states. False ones cost only memory, which is limited in the process.
    each = max(int(group.total_byte_size), 0) // max(int(group.num_rows), 1)
    return max(1, min(BATCH, BATCH_BYTES // (each + 1)))


def _rows(
    batch: Any, names: list[str], converters: list[Convert], before: int
) -> list[RawRow | BadRow]:
    if len(set(names)) != len(names):
        reason = "two columns have one name"
        return [BadRow(before + at + 1, reason) for at in range(batch.num_rows)]
    columns = [
        _values(array, convert) for array, convert in zip(batch.columns, converters, strict=True)
    ]
    return [
        _row(before + at + 1, names, [column[at] for column in columns])
        for at in range(batch.num_rows)
    ]


class _RefusedError(Exception):
    """A column has a type that is refused."""


class _NoValue(Exception):  # noqa: N818
    """A value has no unique spelling."""


def bad_file(
    path: str, reason: str, *, hint: str = "write it again with such columns as strings"
) -> InvalidInputError:
    """Return the error for a file that cannot be read."""
    return InvalidInputError("bad-record", f"{path}: {reason}", hint=hint)


def _row(number: int, names: list[str], values: list[JSON]) -> RawRow | BadRow:
    members = {}
    for name, value in zip(names, values, strict=True):
        if value is None:
            continue
        if type(value) is _NoValue:
            return BadRow(number, f"column {name[:80]!r}: {value}")
        members[name] = value
    try:
        data = encode(members)
    except FormatError as error:
        return BadRow(number, error.message)
    if len(data) > MAX_RECORD_BYTES:
        return BadRow(number, f"longer than {MAX_RECORD_BYTES} bytes")
    return RawRow(number, data)


def _values(array: Any, convert: Convert) -> list[JSON]:
    def one(value: Any) -> JSON:
        try:
            return None if value is None else convert(value)
        except _NoValue as problem:
            return problem

    plain = _plain(array)
    if convert in (str, bool):  # they are such already
        return plain
    return [one(value) for value in plain]


def _plain(array: Any) -> list[Any]:
    """Return the values as Python objects; times as numbers, which keep their full precision."""
    import pyarrow as pa

    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(array.storage)
    if pa.types.is_dictionary(kind):
        return _plain(array.dictionary_decode())
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind) or pa.types.is_time64(kind):
        return list(array.cast(pa.int64()).to_pylist())
    if pa.types.is_time32(kind) or pa.types.is_date32(kind):
        return list(array.cast(pa.int32()).to_pylist())
    if pa.types.is_date64(kind):
        return list(array.cast(pa.int64()).to_pylist())
    if pa.types.is_struct(kind):
        fields = [_plain(array.field(at)) for at in range(kind.num_fields)]
        valid = array.is_valid().to_pylist()
        return [
            [column[at] for column in fields] if valid[at] else None for at in range(len(array))
        ]
    if _is_list(kind):
        valid, lengths = array.is_valid().to_pylist(), array.value_lengths().to_pylist()
        items = iter(_plain(array.flatten()))
        return [
            [next(items) for _ in range(length or 0)] if good else None
            for good, length in zip(valid, lengths, strict=True)
        ]
    return list(array.to_pylist())


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _converter(kind: Any, name: str) -> Convert:
    """Return the function that converts values of an Arrow type, from :func:`_plain`, to JSON."""
    import pyarrow as pa

    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _converter(kind.storage_type, name)
    if types.is_dictionary(kind):
        return _converter(kind.value_type, name)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return str
    if types.is_boolean(kind):
        return bool
    if types.is_integer(kind):
        return lambda value: value if abs(value) <= MAX_INTEGER else str(value)
    if types.is_floating(kind):
        return _float_text(kind.bit_width)
    if types.is_decimal(kind):
        return _decimal_text
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return lambda value: base64.b64encode(value).decode()
    if types.is_date(kind):
        days = 1 if types.is_date32(kind) else _DAY * 1000
        return lambda value: _date(value // days * _DAY)
    if types.is_timestamp(kind):
        zone = "Z" if kind.tz else ""
        return lambda value: _moment(value, _PER_SECOND[kind.unit]) + zone
    if types.is_time(kind):
        return lambda value: _clock(value, _PER_SECOND[kind.unit])
    if types.is_duration(kind):
        return lambda value: f"PT{_seconds(value, _PER_SECOND[kind.unit])}S"
    if types.is_null(kind):
        return lambda value: value
    if _is_list(kind):
        item = _converter(kind.value_type, name)
        return lambda value: [None if one is None else item(one) for one in value]
    if types.is_struct(kind):
        members = [
            (kind.field(at).name, _converter(kind.field(at).type, name))
            for at in range(kind.num_fields)
        ]
        return lambda value: {
            member: convert(one)
            for (member, convert), one in zip(members, value, strict=True)
            if one is not None
        }
    raise _RefusedError(f"column {name[:80]!r} is of the type {str(kind)[:80]}, which is not read")


def _float_text(bits: int) -> Convert:
    import numpy as np

    width: Any = {16: np.float16, 32: np.float32}.get(bits, np.float64)

    def text(value: float) -> str:
        if not math.isfinite(value):
            raise _NoValue("NaN or infinite")
        if value == 0:
            return "0"
        return str(np.format_float_positional(width(value), unique=True, trim="-"))

    return text


def _decimal_text(value: Any) -> str:
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _date(seconds: int) -> str:
    from datetime import UTC, datetime, timedelta

    if not _YEARS[0] <= seconds <= _YEARS[1]:
        raise _NoValue("a time outside the years 1 to 9999")
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).date().isoformat()


def _moment(value: int, per_second: int) -> str:
    days, rest = divmod(value, _DAY * per_second)
    return f"{_date(days * _DAY)}T{_clock(rest, per_second)}"


def _clock(value: int, per_second: int) -> str:
    seconds, fraction = divmod(value, per_second)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return text + _fraction(fraction, per_second)


def _seconds(value: int, per_second: int) -> str:
    seconds, fraction = divmod(abs(value), per_second)
    return f"{'-' if value < 0 else ''}{seconds}{_fraction(fraction, per_second)}"


def _fraction(value: int, per_second: int) -> str:
    if not value:
        return ""
    return f".{value:0{len(str(per_second)) - 1}}".rstrip("0")
