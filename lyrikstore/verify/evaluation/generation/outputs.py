"""The generated texts, in a separate attachment (spec §13.12.8)."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, BinaryIO, Literal

from msgspec import Meta, Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode
from lyrikstore.verify.evaluation.answers import named
from lyrikstore.verify.evaluation.generation.generations import Generations
from lyrikstore.verify.evaluation.lines import Lines

MAX_TEXT_LINE = 16 << 20
"""Longest line: two texts of the greatest length, with every character escaped."""

FORMAT = "outputs/2"
_Hex = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]


class WrittenTexts(Struct, frozen=True):
    """The generated texts.

    Attributes:
        texts: For each record, the texts of the model and of the base.
        salt: Random bytes without which the digests reveal nothing; empty for ``generations/1``.
    """

    texts: Sequence[Sequence[str]]
    salt: bytes


class _Head(Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["outputs/2"]
    salt: _Hex


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    outputs: Annotated[list[str], Meta(max_length=2)]
    place: int


class _LineById(Struct, frozen=True, forbid_unknown_fields=True):
    outputs: Annotated[list[str], Meta(max_length=2)]
    record: str


def write_outputs(records: Sequence[Digest | int], written: WrittenTexts) -> Iterator[bytes]:
    """Yield the lines of the attachment; ``records`` are those of the predictions."""
    if written.salt:
        yield encode({"format": FORMAT, "salt": written.salt.hex()}) + b"\n"
    for record, texts in zip(records, written.texts, strict=True):
        line: dict[str, Any] = {"outputs": list(texts), **named(record)}
        yield encode(line) + b"\n"


def read_outputs(stream: BinaryIO, found: Generations) -> WrittenTexts:
    """Return the texts of each record.

    Args:
        stream: The attachment ``outputs``.
        found: The content of the attachment ``predictions`` of the same evaluation.

    Raises:
        FormatError: (``bad-predictions``) it is not such an attachment, or is about other records.

    Cost: the texts, in memory; nothing beyond the last record is read.
    """
    lines = Lines(stream, "bad-predictions", max_line=MAX_TEXT_LINE)
    salt = bytes.fromhex(lines.need(_Head).salt) if found.by_place else b""
    kind: type[_Line | _LineById] = _Line if found.by_place else _LineById
    texts: list[list[str]] = []
    for record, outputs in zip(found.records, found.outputs, strict=True):
        line = lines.need(kind)
        name = line.record if isinstance(line, _LineById) else line.place
        if name not in named(record).values() or len(line.outputs) != len(outputs):
            raise lines.bad("it is about another record")
        texts.append(line.outputs)
    # ATTACK: lines without end.
    if stream.read(1):
        raise lines.bad("there are more")
    return WrittenTexts(texts, salt)
