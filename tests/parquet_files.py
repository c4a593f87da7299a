"""Hostile Parquet, written by hand: sound metadata, and numbers that nothing in the file backs."""

from collections.abc import Mapping
from typing import Any

INT32, BYTE_ARRAY = 1, 6
PLAIN, RLE, RLE_DICTIONARY = 0, 3, 8
UNCOMPRESSED, SNAPPY = 0, 1
_DATA, _DICTIONARY = 0, 2
_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12


class I64(int):
    """A number that Thrift writes as one of 64 bits: as it writes others, under another type."""


def parquet_file(
    pages: list[bytes], *, rows: int, values: int | None = None, kind: int = INT32, codec: int = 0
) -> bytes:
    """Return a file of one required column ``a`` in one row group, whose pages are these.

    Args:
        pages: A dictionary page, then data pages.
        rows: How many rows the file says it has.
        values: How many values its column says it has.
        kind: Physical type of the column.
        codec: How its pages are said to be compressed.
    """
    body = b"PAR1" + b"".join(pages)
    count = I64(rows if values is None else values)
    column = {
        1: kind,
        2: [PLAIN, RLE_DICTIONARY],
        3: [b"a"],
        4: codec,
        5: count,
        6: I64(len(body)),
        7: I64(len(body) - 4),
        9: I64(4 + len(pages[0])),
        11: I64(4),
    }
    element = {1: kind, 3: 0, 4: b"a"} | ({6: 0} if kind == BYTE_ARRAY else {})
    metadata = {
        1: 2,
        2: [{4: b"schema", 5: 1}, element],
        3: I64(rows),
        4: [{1: [{2: I64(4), 3: column}], 2: I64(len(body)), 3: I64(rows)}],
    }
    footer = _struct(metadata)
    return body + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def dictionary_page(data: bytes, count: int, *, unpacked: int | None = None) -> bytes:
    """Return a page of ``count`` values; ``unpacked`` is how long it says they are."""
    return _page(_DICTIONARY, data, unpacked, {7: {1: count, 2: PLAIN}})


def data_page(data: bytes, count: int, *, unpacked: int | None = None) -> bytes:
    """Return a page of ``count`` values that are places in the dictionary."""
    header = {5: {1: count, 2: RLE_DICTIONARY, 3: RLE, 4: RLE}}
    return _page(_DATA, data, unpacked, header)


def run(count: int) -> bytes:
    """Return what says that the first value of the dictionary stands ``count`` times."""
    return b"\x01" + _varint(count << 1) + b"\x00"


def _page(kind: int, data: bytes, unpacked: int | None, more: Mapping[int, Any]) -> bytes:
    size = len(data) if unpacked is None else unpacked
    return _struct({1: kind, 2: size, 3: len(data), **more}) + data


def _struct(fields: Mapping[int, Any]) -> bytes:
    """Return a struct in Thrift's compact protocol."""
    written, before = b"", 0
    for number, value in sorted(fields.items()):
        written += bytes([(number - before) << 4 | _type(value)]) + _value(value)
        before = number
    return written + b"\0"


def _type(value: Any) -> int:
    kinds = {I64: _I64, int: _I32, bytes: _BINARY, list: _LIST, dict: _STRUCT}
    return kinds[type(value)]


def _value(value: Any) -> bytes:
    if isinstance(value, int):
        return _varint(value << 1 if value >= 0 else (-value << 1) - 1)
    if isinstance(value, bytes):
        return _varint(len(value)) + value
    if isinstance(value, list):
        return bytes([len(value) << 4 | _type(value[0])]) + b"".join(map(_value, value))
    return _struct(value)


def _varint(value: int) -> bytes:
    written = b""
    while value > 127:
        written += bytes([value & 127 | 128])
        value >>= 7
    return written + bytes([value])
