"""The head of a GGUF file: its metadata, and where its tensors lie (spec §13.12.1).

A file of weights from elsewhere is input from a stranger: every length is held against what is left
of the file before anything of that length is made, and a type that is not known ends the reading.
"""

import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from msgspec import Struct

from lyrikstore.canon.errors import PolicyError, storage_error

MAGIC, VERSIONS = b"GGUF", (2, 3)
MAX_HEAD_BYTES = 256 << 20
"""Most bytes before the tensors: the vocabulary is most of them."""

MAX_TENSORS, MAX_MEMBERS, MAX_NAME_BYTES = 100_000, 10_000, 256
MAX_ITEMS = 4_000_000
"""Most items of a list, as the merges of a large vocabulary are."""

MAX_TEXT_BYTES = 1 << 20
_MAX_DIMENSIONS = 4
_ALIGNMENT = "general.alignment"
_ALIGNMENTS = frozenset(1 << power for power in range(3, 13))

BLOCKS: Mapping[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    8: ("Q8_0", 32, 34),
    30: ("BF16", 1, 2),
}
"""Number of a type of tensor → name, numbers in a block, bytes of a block: all that are read."""

_SCALARS: Mapping[int, struct.Struct] = {
    number: struct.Struct(f"<{code}")
    for number, code in zip((*range(8), 10, 11, 12), "BbHhIifBQqd", strict=True)
}
_BOOL, _TEXT, _LIST = 7, 8, 9


class GgufTensor(Struct, frozen=True):
    """Where one tensor lies.

    Attributes:
        name: Its name.
        shape: Its lengths, the slowest first, as everywhere but in the file.
        kind: Its type, as :data:`BLOCKS` calls it.
        start: Its first byte in the file.
        bytes: How many it has.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    start: int
    bytes: int


class GgufHead(Struct, frozen=True):
    """What a file says before its tensors.

    Attributes:
        version: Of the format.
        metadata: Name → number, text, truth value or list of such.
        tensors: Name → where it lies.
    """

    version: int
    metadata: Mapping[str, Any]
    tensors: Mapping[str, GgufTensor]


def read_gguf_head(path: Path) -> GgufHead:
    """Return what a GGUF file says before its tensors.

    Args:
        path: The file.

    Raises:
        PolicyError: (``unsafe-model``) it is no GGUF file of version 2 or 3, something in it is
            longer than it can be, or a tensor has a type that is not read; (``unknown-model``) the
            tensors are quantised in a way that is not read.
        StorageError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return _Reader(file, path.stat().st_size, path.name).head()
    except OSError as error:
        raise storage_error(error, f"reading {path.name}") from error


class _Reader:
    """Reads forward; knows how much is left."""

    def __init__(self, file: BinaryIO, size: int, name: str) -> None:
        self._file, self._name = file, name
        self._size = size
        self._left = min(size, MAX_HEAD_BYTES)
        self._at = 0
        # ATTACK: a number of two bytes in the file takes twenty times as much in memory.
        self._items_left = MAX_ITEMS

    def head(self) -> GgufHead:
        if self._take(4) != MAGIC:
            self._refuse("it is no GGUF file")
        version = self._unsigned("I")
        if version not in VERSIONS:
            self._refuse(f"version {version} is none that is read")
        tensors, members = self._unsigned("Q"), self._unsigned("Q")
        if tensors > MAX_TENSORS or members > MAX_MEMBERS:
            self._refuse("it announces more tensors or members than any model has")
        metadata: dict[str, Any] = {}
        for _ in range(members):
            name = self._text(MAX_NAME_BYTES)
            if name in metadata:
                self._refuse(f"{name[:80]} is there twice")
            metadata[name] = self._value(self._unsigned("I"))
        described = [self._tensor() for _ in range(tensors)]
        alignment = metadata.get(_ALIGNMENT, 32)
        if type(alignment) is not int or alignment not in _ALIGNMENTS:
            self._refuse(f"{_ALIGNMENT} is {str(alignment)[:20]}")
        return GgufHead(version, metadata, self._placed(described, alignment))

    def _placed(
        self, described: list[tuple[GgufTensor, int]], alignment: int
    ) -> dict[str, GgufTensor]:
        begin = -(-self._at // alignment) * alignment
        found: dict[str, GgufTensor] = {}
        end = begin
        for tensor, offset in sorted(described, key=lambda one: one[1]):
            start = begin + offset
            if tensor.name in found:
                self._refuse(f"tensor {tensor.name[:80]} is there twice")
            if offset % alignment or start < end or start + tensor.bytes > self._size:
                self._refuse(f"tensor {tensor.name[:80]} lies on another or beyond the end")
            end = start + tensor.bytes
            found[tensor.name] = GgufTensor(
                tensor.name, tensor.shape, tensor.kind, start, tensor.bytes
            )
        return found

    def _tensor(self) -> tuple[GgufTensor, int]:
        name = self._text(MAX_NAME_BYTES)
        dimensions = self._unsigned("I")
        if not 1 <= dimensions <= _MAX_DIMENSIONS:
            self._refuse(f"tensor {name[:80]} has {dimensions} dimensions")
        lengths = [self._unsigned("Q") for _ in range(dimensions)]
        number, offset = self._unsigned("I"), self._unsigned("Q")
        if number not in BLOCKS:
            raise PolicyError(
                "unknown-model",
                f"{self._name}: tensor {name[:80]} has the type {number}, which is not read",
                hint=f"take a file with {', '.join(kind for kind, _, _ in BLOCKS.values())}",
            )
        kind, block, size = BLOCKS[number]
        count = math.prod(lengths)
        if not 0 < count <= 1 << 50 or lengths[0] % block:
            self._refuse(f"tensor {name[:80]} has the lengths {lengths}")
        return GgufTensor(name, tuple(reversed(lengths)), kind, 0, count // block * size), offset

    def _value(self, kind: int) -> Any:
        if kind == _TEXT:
            return self._text(MAX_TEXT_BYTES)
        if kind == _LIST:
            inner, count = self._unsigned("I"), self._unsigned("Q")
            self._items_left -= count
            if inner == _LIST or self._items_left < 0:
                self._refuse("a list of lists, or more in lists than any model has")
            return self._items(inner, count)
        return self._items(kind, 1)[0]

    def _items(self, kind: int, count: int) -> list[Any]:
        if kind == _TEXT:
            return [self._text(MAX_TEXT_BYTES) for _ in range(count)]
        if kind not in _SCALARS:
            self._refuse(f"a value of the type {kind}")
        scalar = _SCALARS[kind]
        data = self._take(scalar.size * count)
        found = [one for (one,) in scalar.iter_unpack(data)]
        if kind == _BOOL:
            if any(one > 1 for one in found):
                self._refuse("a truth value is neither")
            return [bool(one) for one in found]
        if any(isinstance(one, float) and not math.isfinite(one) for one in found):
            self._refuse("a number is none")
        return found

    def _text(self, most: int) -> str:
        length = self._unsigned("Q")
        if length > most:
            self._refuse("a text longer than any")
        try:
            return self._take(length).decode("utf-8")
        except UnicodeDecodeError:
            self._refuse("a text is not UTF-8")

    def _unsigned(self, code: str) -> int:
        scalar = struct.Struct(f"<{code}")
        (value,) = scalar.unpack(self._take(scalar.size))
        return int(value)

    def _take(self, size: int) -> bytes:
        if size > self._left:
            self._refuse("it ends too early")
        data = self._file.read(size)
        if len(data) != size:
            self._refuse("it ends too early")
        self._left -= size
        self._at += size
        return data

    def _refuse(self, reason: str) -> NoReturn:
        raise PolicyError(
            "unsafe-model",
            f"{self._name}: {reason}",
            hint="get the file again from whoever publishes the model",
        )
