"""Weights of a trained base: the imported file with replaced tensors (spec §13.15.1).

Bytes are copied and no number is computed, so the result is the same on every machine.
"""

from collections.abc import Mapping
from typing import Any

from lyrikstore.canon.json import encode, parse
from lyrikstore.train.formats.base_model import MAX_HEADER_BYTES, check_weights
from lyrikstore.train.formats.check import refuse

_METADATA = "__metadata__"


def with_weights(base: bytes, trained: bytes, name: str) -> bytes:
    """Return a weight file in which trained tensors replace those of the base.

    Args:
        base: ``model.safetensors`` of a base model.
        trained: ``encoder.safetensors`` of a checkpoint that was trained from it; its tensor
            names have no prefix, those of the base may have one.
        name: Name of the checkpoint, for errors.

    Raises:
        FormatError: (``bad-checkpoint``) a tensor has no counterpart of its shape in the base.
        LyrikstoreError: As :func:`check_weights`.
    """
    head, data = _split(base)
    new, own = _split(trained)
    check_weights(name, trained[: len(trained) - len(own)], len(trained))
    parts: dict[str, tuple[dict[str, Any], bytes]] = {
        tensor: (about, _bytes(about, data)) for tensor, about in head.items()
    }
    for tensor, about in new.items():
        places = [one for one in parts if one == tensor or one.endswith(f".{tensor}")]
        if len(places) != 1 or parts[places[0]][0]["shape"] != about["shape"]:
            refuse(name, f"{tensor[:80]} is not a tensor of its base model")
        parts[places[0]] = (about, _bytes(about, own))
    return _joined(parts)


def _split(data: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(data[:8], "little")
    header: Any = parse(data[8 : 8 + length], max_bytes=MAX_HEADER_BYTES, floats=True, nulls=True)
    header.pop(_METADATA, None)
    return header, data[8 + length :]


def _bytes(about: Mapping[str, Any], data: bytes) -> bytes:
    start, stop = about["data_offsets"]
    return data[start:stop]


def _joined(parts: Mapping[str, tuple[Mapping[str, Any], bytes]]) -> bytes:
    header, at = {}, 0
    for name, (about, data) in parts.items():
        header[name] = {**about, "data_offsets": [at, at + len(data)]}
        at += len(data)
    head = encode(header)
    head += b" " * (-len(head) % 8)
    return b"".join((len(head).to_bytes(8, "little"), head, *(data for _, data in parts.values())))
