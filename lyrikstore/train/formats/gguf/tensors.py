"""Tensors of GGUF files, as bf16 (spec §13.12.1).

In numpy alone, a part at a time: nothing here needs more memory than one tensor takes in fp32.
"""

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lyrikstore.train.formats.gguf.reader import BLOCKS, GgufTensor

_Floats = NDArray[np.float32]
_Blocks = NDArray[Any]


def read_floats(file: BinaryIO, tensor: GgufTensor) -> _Floats:
    """Return a tensor in fp32.

    Args:
        file: The GGUF file.
        tensor: One of its tensors.

    Raises:
        ValueError: The file ends too early, or a number is infinite or none.
        OSError: It cannot be read.
    """
    file.seek(tensor.start)
    data = file.read(tensor.bytes)
    if len(data) != tensor.bytes:
        raise ValueError(f"{tensor.name} ends too early")
    found = _READERS[tensor.kind](data).reshape(tensor.shape)
    if not np.isfinite(found).all():
        raise ValueError(f"{tensor.name} has infinity or NaN")
    return found


def to_bf16(values: _Floats) -> bytes:
    """Return numbers as bf16, little endian: rounded to the nearest, of two to the even one."""
    bits = np.ascontiguousarray(values, "<f4").view("<u4")
    rounded = bits + (((bits >> 16) & 1) + np.uint32(0x7FFF))
    return bytes((rounded >> 16).astype("<u2").data)


def unpermuted(values: _Floats, heads: int) -> _Floats:
    """Return the rows of a query or key matrix in the order of safetensors files.

    A GGUF file of the Llama family has the two halves of each head dealt one by one, as its rotary
    embedding wants them.

    Args:
        values: The matrix.
        heads: Heads in its rows.
    """
    rows, width = values.shape
    half = rows // heads // 2
    return values.reshape(heads, half, 2, width).swapaxes(1, 2).reshape(rows, width)


def _blocks(kind: str, data: bytes) -> _Blocks:
    size = next(size for name, _, size in BLOCKS.values() if name == kind)
    return np.frombuffer(data, np.uint8).reshape(-1, size)


def _halves(blocks: _Blocks, start: int) -> _Floats:
    return np.ascontiguousarray(blocks[:, start : start + 2]).view("<f2").astype(np.float32)


def _nibbles(blocks: _Blocks) -> _Floats:
    both = np.concatenate([blocks & 15, blocks >> 4], axis=1)
    return both.astype(np.float32)


def _q4_0(data: bytes) -> _Floats:
    blocks = _blocks("Q4_0", data)
    return np.asarray(_halves(blocks, 0) * (_nibbles(blocks[:, 2:]) - np.float32(8)))


def _q4_1(data: bytes) -> _Floats:
    blocks = _blocks("Q4_1", data)
    return np.asarray(_halves(blocks, 0) * _nibbles(blocks[:, 4:]) + _halves(blocks, 2))


def _q8_0(data: bytes) -> _Floats:
    blocks = _blocks("Q8_0", data)
    return np.asarray(_halves(blocks, 0) * blocks[:, 2:].view(np.int8).astype(np.float32))


def _f32(data: bytes) -> _Floats:
    return np.frombuffer(data, "<f4").astype(np.float32)


def _f16(data: bytes) -> _Floats:
    return np.frombuffer(data, "<f2").astype(np.float32)


def _bf16(data: bytes) -> _Floats:
    return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)


_READERS: Mapping[str, Callable[[bytes], _Floats]] = {
    "F32": _f32,
    "F16": _f16,
    "BF16": _bf16,
    "Q4_0": _q4_0,
    "Q4_1": _q4_1,
    "Q8_0": _q8_0,
}
