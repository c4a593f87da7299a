"""Format ``generations/2``: the figures of each generated text, without the text (§13.12.8).

JSON Lines: a head, then a line for each sampled record, in storage order. ``generations/1``, whose
lines have record ids and plain digests of the texts, is read, too.
"""

from collections.abc import Collection, Iterator
from typing import Annotated, Any, BinaryIO, Literal

from blake3 import blake3
from msgspec import UNSET, Meta, Struct, UnsetType

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode
from lyrikstore.verify.evaluation.answers import WHOLE, named
from lyrikstore.verify.evaluation.generation.texts import WrittenAnswer
from lyrikstore.verify.evaluation.lines import Lines

FORMAT, FORMAT_BY_ID = "generations/2", "generations/1"
"""The version that is written, and the earlier versions that are read."""

MAX_RECORDS, MAX_LINE = 1 << 20, 1 << 16
_SAMPLE = "lyrikstore 2026-11 sample"

_Hex = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
_Count = Annotated[int, Meta(ge=0, le=1 << 24)]


class _Head(Struct, frozen=True, forbid_unknown_fields=True):
    answerers: Annotated[list[str], Meta(min_length=1, max_length=2)]
    format: Literal["generations/1", "generations/2"]
    of: _Count
    seed: Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]
    task: Literal["sft"]


class _Output(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    ended: bool
    exact: bool
    refused: bool
    token_f1: Annotated[int, Meta(ge=0, le=WHOLE)]
    tokens: _Count
    output_blake3: _Hex | UnsetType = UNSET
    choice: _Count | UnsetType = UNSET


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    outputs: list[_Output]
    place: _Count


class _LineById(Struct, frozen=True, forbid_unknown_fields=True):
    outputs: list[_Output]
    record: _Hex


class Generations(Struct, frozen=True):
    """The answers of model and base to some records of a test set.

    Attributes:
        records: Names of the records, in the order of the test set: places, in version 1 ids.
        outputs: For each record, the answers of the model and of the base.
        of: Number of records of the test set.
        seed: Seed of the sample, if not all records were used.
    """

    records: tuple[Digest | int, ...]
    outputs: tuple[tuple[WrittenAnswer, ...], ...]
    of: int
    seed: int

    def __len__(self) -> int:
        return len(self.records)

    @property
    def answerers(self) -> int:
        """Number of answerers: model and base."""
        return len(self.outputs[0])

    @property
    def by_place(self) -> bool:
        """Whether places name the records; else ids do, and plain digests name the texts."""
        return isinstance(self.records[0], int)

    @property
    def format(self) -> str:
        """The format that it is written in."""
        return FORMAT if self.by_place else FORMAT_BY_ID


def sample_records(records: Collection[Digest], count: int, seed: int) -> frozenset[Digest]:
    """Return the records that are used if the test set is sampled.

    Args:
        records: The records of the test set.
        count: Size of the sample.
        seed: The seed of the run, so that no one can choose the records.
    """
    drawn = draw_sample({one.raw for one in records}, count, seed)
    return frozenset(map(Digest, drawn))


def draw_sample(names: Collection[bytes], count: int, seed: int) -> frozenset[bytes]:
    """Return a sample of distinct names, which depends only on names and seed."""
    prefix = seed.to_bytes(8, "big")

    def key(name: bytes) -> bytes:
        return blake3(prefix + name, derive_key_context=_SAMPLE).digest()

    return frozenset(sorted(names, key=key)[:count])


def write_generations(found: Generations) -> Iterator[bytes]:
    """Yield the lines of the attachment."""
    head = {
        "answerers": ["model", "base"][: found.answerers],
        "format": found.format,
        "of": found.of,
        "seed": found.seed,
        "task": "sft",
    }
    yield encode(head) + b"\n"
    for record, outputs in zip(found.records, found.outputs, strict=True):
        yield encode({"outputs": list(map(_output, outputs)), **named(record)}) + b"\n"


def _output(one: WrittenAnswer) -> dict[str, Any]:
    found = one.identifier
    identifier = {"choice": found} if isinstance(found, int) else {"outputBlake3": found.hex}
    return {
        "ended": one.ended,
        "exact": one.exact,
        "refused": one.refused,
        "tokenF1": one.token_f1,
        "tokens": one.tokens,
        **identifier,
    }


def read_generations(stream: BinaryIO) -> Generations:
    """Parse an attachment of generations.

    Raises:
        FormatError: (``bad-predictions``) the stream is not such an attachment.
    """
    lines = Lines(stream, "bad-predictions", max_line=MAX_LINE)
    head = lines.need(_Head)
    if head.answerers != ["model", "base"][: len(head.answerers)]:
        raise lines.bad("others answered")
    by_id = head.format == FORMAT_BY_ID
    records: list[Any] = []
    outputs: list[tuple[WrittenAnswer, ...]] = []
    kind: type[_Line | _LineById] = _LineById if by_id else _Line
    for line in lines.rest(kind):
        if len(line.outputs) != len(head.answerers) or lines.number > MAX_RECORDS:
            raise lines.bad("its outputs, or its number, cannot be")
        record = Digest.parse_hex(line.record) if isinstance(line, _LineById) else line.place
        if not by_id and records and record <= records[-1]:
            raise lines.bad("its place is not after the one before")
        records.append(record)
        parsed = [_parse_output(one, by_id=by_id) for one in line.outputs]
        outputs.append(tuple(one for one in parsed if one is not None))
        if None in parsed:
            raise lines.bad("an output needs exactly one member that identifies its text")
    if not records:
        raise lines.bad("there are no records")
    return Generations(tuple(records), tuple(outputs), head.of, head.seed)


def _parse_output(one: _Output, *, by_id: bool) -> WrittenAnswer | None:
    """Return an output; None unless exactly one member identifies its text."""
    if one.output_blake3 is not UNSET and one.choice is UNSET:
        identifier: Digest | int = Digest.parse_hex(one.output_blake3)
    elif one.choice is not UNSET and one.output_blake3 is UNSET and not by_id:
        identifier = one.choice
    else:
        return None
    return WrittenAnswer(identifier, one.exact, one.token_f1, one.refused, one.tokens, one.ended)
