"""Packing parameters of a store: sizes and compression (spec §4.9).

Readers do not need them, no id depends on them, and they can be changed at any time.
"""

from typing import Any

import zstandard
from msgspec import Struct

from lyrikstore.canon import json
from lyrikstore.canon.errors import FormatError, NotFoundError
from lyrikstore.objects.backends.base import Backend

NAME = "parameters"
_MAX = 4096
_BOUNDS = {"blockBytes": (1 << 16, 4 << 20), "fineBytes": (1 << 10, 1 << 16)}
_BOUNDS |= {"coarseBytes": (1 << 16, 1 << 20), "level": (1, 19), "packBytes": (1 << 20, 100 << 20)}


class Parameters(Struct, frozen=True):
    """Parameters for writing packs. The defaults are measured (spec/adr/0005-storage-format.md).

    Attributes:
        blockBytes: Size of the blocks into which blobs are collected before compression.
        coarseBytes: Average chunk size of large blobs that do not compress well.
        fineBytes: Average chunk size of large blobs that compress well.
        level: Level of zstd; 1 means lyrikstore's own choice of fast settings.
        packBytes: The size at which a pack is closed.
    """

    blockBytes: int = 1 << 20  # noqa: N815 - the names in the file
    coarseBytes: int = 1 << 20  # noqa: N815
    fineBytes: int = 8 << 10  # noqa: N815
    level: int = 1
    packBytes: int = 64 << 20  # noqa: N815


def parse_parameters(data: bytes) -> Parameters:
    """Return the parameters in ``data``.

    Raises:
        FormatError: (``bad-parameters``) an unknown member, or a value outside its bounds;
            (``newer-format``) a later format.
        LyrikstoreError: As :func:`parse_canonical`.
    """
    value: Any = json.parse_canonical(data, max_bytes=_MAX)
    if not isinstance(value, dict) or type(value.get("v")) is not int:
        raise FormatError("bad-parameters", "not the parameters of a store")
    if value.pop("v") != 1:
        raise FormatError(
            "newer-format", "the store's parameters have a later format", hint="upgrade lyrikstore"
        )
    if value.keys() - set(Parameters.__struct_fields__):
        raise FormatError("bad-parameters", "the store's parameters have unknown members")
    for name, number in value.items():
        low, high = _BOUNDS[name]
        if type(number) is not int or not low <= number <= high:
            raise FormatError("bad-parameters", f"{name} must be from {low} to {high}")
        if name in {"fineBytes", "coarseBytes"} and number & (number - 1):
            raise FormatError("bad-parameters", f"{name} must be a power of two")
    return Parameters(**value)


def read_parameters(backend: Backend) -> Parameters:
    """Return the parameters of a store; the defaults if it has no such file.

    Raises:
        FormatError: See :func:`parse_parameters`.
        StorageError: The medium failed.
    """
    try:
        data = backend.read(NAME, 0, _MAX + 1)
    except NotFoundError:
        return Parameters()
    return parse_parameters(data)


def compressor(level: int, *, large: bool = False) -> zstandard.ZstdCompressor:
    """Return the compressor for blocks at ``level``.

    Level 1 is the strategy ``fast`` with a window of one block and matches of 7 bytes, found with a
    table of 2^17 entries; of 2^15 for large files, where speed matters more than a twelfth of the
    size. ADR 5 compares it with zstd's own levels.

    Args:
        level: The level in the parameters of the store.
        large: Whether the blocks contain chunks of large files.
    """
    if level > 1:
        return zstandard.ZstdCompressor(level=level)
    fast = zstandard.ZstdCompressionParameters.from_level(
        1,
        window_log=20,
        hash_log=15 if large else 17,
        chain_log=13,
        min_match=7,
        search_log=1,
        target_length=0,
        strategy=zstandard.STRATEGY_FAST,
    )
    return zstandard.ZstdCompressor(compression_params=fast)
