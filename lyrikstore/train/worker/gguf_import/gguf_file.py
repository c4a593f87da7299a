"""A GGUF file of a stranger, by the library of the format (spec §13.12.1).

The library believes what a file says of its lengths. Here each is held against what is left of the
file, and against a limit, before anything of that length is made.
"""

from collections.abc import Mapping
from typing import Any, BinaryIO, cast

import numpy as np
from gguf import GGUFReader, GGUFValueType, ReaderTensor

from lyrikstore.canon.errors import PolicyError

MAX_TENSORS, MAX_MEMBERS = 10_000, 10_000
MAX_ITEMS = 2_000_000
"""Most items of all lists: the merges of a large vocabulary are most of them."""

MAX_TEXT_BYTES = 1 << 20
_ARRAY = int(GGUFValueType.ARRAY)
_HELD = ("_build_fields", "_build_tensor_info", "_get", "_get_field_parts", "_get_str")
if not all(hasattr(GGUFReader, name) for name in _HELD):
    # ATTACK: a release that reads by other methods would read without limits.
    raise ImportError("this release of gguf is not one whose reader can be held to limits")


class _Reader(GGUFReader):
    """The library's reader, which stops at what no model has."""

    # ATTACK: a number of a byte in the file takes two hundred times as much in memory.
    _items_left = MAX_ITEMS

    def _get(self, offset: Any, dtype: Any, count: Any = 1, override_order: Any = None) -> Any:
        found = super()._get(offset, dtype, count, override_order)
        if len(found) != count:
            raise ValueError("it ends too early")
        return found

    def _get_str(self, offset: Any) -> Any:
        if self._get(offset, np.uint64)[0] > MAX_TEXT_BYTES:
            raise ValueError("a text longer than any")
        return super()._get_str(offset)

    def _get_field_parts(self, orig_offs: Any, raw_type: Any) -> Any:
        if raw_type == _ARRAY:
            inner = int(self._get(orig_offs, np.uint32)[0])
            self._items_left -= int(self._get(orig_offs + 4, np.uint64)[0])
            if inner == _ARRAY or self._items_left < 0:
                raise ValueError("a list of lists, or more in lists than any model has")
        return super()._get_field_parts(orig_offs, raw_type)

    def _build_fields(self, offs: Any, count: Any) -> Any:
        if count > MAX_MEMBERS:
            raise ValueError("it announces more members than any model has")
        return super()._build_fields(offs, count)

    def _build_tensor_info(self, offs: Any, count: Any) -> Any:
        if count > MAX_TENSORS:
            raise ValueError("it announces more tensors than any model has")
        return super()._build_tensor_info(offs, count)


class GgufFile:
    """What a file says before its tensors, and where these lie.

    Args:
        file: The file; it stays open as long as tensors are read.
        name: What messages call it.

    Raises:
        PolicyError: (``unsafe-model``) it is no GGUF file that is read, or something in it is
            longer than it can be.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._name = name
        try:
            self._reader = _Reader(cast("Any", file))
            self._check_places()
        except (OSError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the file is no such file
            # The library raises whatever Python does where a file says what it cannot mean.
            words = " ".join(str(error).split())[:200] or type(error).__name__
            raise self._unsafe(words) from None

    @property
    def version(self) -> int:
        """Of the format."""
        return int(self.value("GGUF.version"))

    @property
    def fields(self) -> Mapping[str, Any]:
        """Name → what the file says."""
        return self._reader.fields

    @property
    def tensors(self) -> Mapping[str, ReaderTensor]:
        """Name → tensor."""
        return {one.name: one for one in self._reader.tensors}

    def value(self, name: str, otherwise: Any = None) -> Any:
        """Return a number, text, truth value or list of such; ``otherwise`` where there is none.

        Raises:
            PolicyError: (``unsafe-model``) a text is not UTF-8.
        """
        field = self._reader.fields.get(name)
        try:
            return otherwise if field is None else field.contents()
        except UnicodeDecodeError:
            raise self._unsafe("a text is not UTF-8") from None

    def unknown(self, reason: str) -> PolicyError:
        """Return the error for a model that is not converted."""
        return PolicyError(
            "unknown-model",
            f"{self._name}: {reason}",
            hint="take the model as safetensors: lyrikstore commit FOLDER -d checkpoints/…",
        )

    def _check_places(self) -> None:
        if self._reader.byte_order != "I":  # whose tensors the library does not turn around
            raise ValueError("its bytes are in another order")
        end, alignment = self._reader.data_offset, self._reader.alignment
        for tensor in sorted(self._reader.tensors, key=lambda one: one.data_offset):
            if tensor.data_offset < end or tensor.data_offset % alignment:
                raise ValueError(f"tensor {tensor.name[:80]} lies on another")
            end = tensor.data_offset + tensor.n_bytes

    def _unsafe(self, reason: str) -> PolicyError:
        return PolicyError(
            "unsafe-model",
            f"{self._name}: {reason}",
            hint="get the file again from whoever publishes the model",
        )
