"""The texts that a model wrote, in an attachment of their own (spec §13.12.8)."""

from typing import Annotated, BinaryIO

import msgspec
from msgspec import Meta, Struct

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import parse_canonical
from lyrikstore.verify.evaluation.generation.body import Generations

MAX_TEXT_LINE = 16 << 20
"""Longest line: two texts of as many characters as a model writes, each escaped."""


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    outputs: Annotated[list[str], Meta(max_length=2)]
    record: str


def read_outputs(stream: BinaryIO, found: Generations) -> list[list[str]]:
    """Return the texts of each record, those of the model and of the base.

    Args:
        stream: The attachment ``outputs``.
        found: What the attachment ``predictions`` of the same evaluation holds.

    Raises:
        FormatError: (``bad-predictions``) it is no such attachment, or about other records.

    Cost: the texts, in memory; nothing beyond the last record is read.
    """
    texts: list[list[str]] = []
    for number, record in enumerate(found.records, start=1):
        data = stream.readline(MAX_TEXT_LINE + 1)
        try:
            # ATTACK: a line that is no JSON, is nested without end, or has half a character.
            line = msgspec.convert(parse_canonical(data[:-1], max_bytes=MAX_TEXT_LINE), _Line)
        except (FormatError, msgspec.ValidationError):
            raise _bad(number) from None
        if (
            data[-1:] != b"\n"
            or line.record != record.hex
            or len(line.outputs) != len(found.outputs[number - 1])
        ):
            raise _bad(number)
        texts.append(line.outputs)
    # ATTACK: lines without end.
    if stream.read(1):
        raise _bad(len(texts) + 1)
    return texts


def _bad(number: int) -> FormatError:
    return FormatError(
        "bad-predictions",
        f"line {number} of the texts cannot be",
        hint="the file is damaged, or was made by another version",
    )
