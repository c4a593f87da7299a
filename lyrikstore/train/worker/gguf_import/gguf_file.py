"""Strict reading of an untrusted GGUF file with the library of the format (spec §13.12.1).

The library trusts the lengths in a file. Here each length is compared with the rest of the file,
and with a limit, before memory of that length is allocated.
"""

from collections.abc import Mapping
from typing import Any, BinaryIO, cast

import numpy as np
from gguf import GGUFReader, GGUFValueType, ReaderTensor

from lyrikstore.canon.errors import PolicyError

MAX_TENSORS, MAX_MEMBERS = 10_000, 10_000
MAX_ITEMS = 2_000_000
"""Most items of all lists together; most of them are the merges of a large vocabulary."""

MAX_TEXT_BYTES = 1 << 20
_ARRAY = int(GGUFValueType.ARRAY)
_HELD = ("_build_fields", "_build_tensor_info", "_get", "_get_field_parts", "_get_str")
if not all(hasattr(GGUFReader, name) for name in _HELD):
    # ATTACK: a release that reads by other methods would read without limits.
    raise ImportError("the reader of this release of gguf cannot be limited")


class _Reader(GGUFReader):
    """The library's reader, with limits that no real model exceeds."""

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
                raise ValueError("a list of lists, or more list items than any model has")
        return super()._get_field_parts(orig_offs, raw_type)

    def _build_fields(self, offs: Any, count: Any) -> Any:
        if count > MAX_MEMBERS:
            raise ValueError("it declares more fields than any model has")
        return super()._build_fields(offs, count)

    def _build_tensor_info(self, offs: Any, count: Any) -> Any:
        if count > MAX_TENSORS:
            raise ValueError("it declares more tensors than any model has")
        return super()._build_tensor_info(offs, count)


class GgufFile:
    """Metadata of a GGUF file, and the places of its tensors.

    Args:
        file: The file; it stays open while tensors are read.
        name: The file's name in messages.

    Raises:
        PolicyError: (``unsafe-model``) the file is not a supported GGUF file, or a length in it
        exceeds its limit.
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
        """Version of the GGUF format."""
        return int(self.value("GGUF.version"))

    @property
    def fields(self) -> Mapping[str, Any]:
        """Name → metadata field."""
        return self._reader.fields

    @property
    def tensors(self) -> Mapping[str, ReaderTensor]:
        """Name → tensor."""
        return {one.name: one for one in self._reader.tensors}

    def value(self, name: str, otherwise: Any = None) -> Any:
        """Return a field's number, text, boolean or list; ``otherwise`` if the field is absent.

        Raises:
            PolicyError: (``unsafe-model``) a text is not UTF-8.
        """
        field = self._reader.fields.get(name)
        try:
            return otherwise if field is None else field.contents()
        except UnicodeDecodeError:
            raise self._unsafe("a text is not UTF-8") from None

    def unknown(self, reason: str) -> PolicyError:
        """Return the error for a model that cannot be converted."""
        return PolicyError(
            "unknown-model",
            f"{self._name}: {reason}",
            hint="commit the model as safetensors: lyrikstore commit FOLDER -d checkpoints/…",
        )

    def _check_places(self) -> None:
        if self._reader.byte_order != "I":  # whose tensors the library does not turn around
            raise ValueError("its byte order is big-endian")
        end, alignment = self._reader.data_offset, self._reader.alignment
        for tensor in sorted(self._reader.tensors, key=lambda one: one.data_offset):
            if tensor.data_offset < end or tensor.data_offset % alignment:
                raise ValueError(f"tensor {tensor.name[:80]} lies on another")
            end = tensor.data_offset + tensor.n_bytes

    def _unsafe(self, reason: str) -> PolicyError:
        return PolicyError(
            "unsafe-model",
            f"{self._name}: {reason}",
            hint="download the file again from the model's publisher",
        )
