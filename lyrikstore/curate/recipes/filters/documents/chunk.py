"""``chunk/1``: cuts texts into rows that know their place (spec §12.5.11)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from msgspec.structs import replace

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.extract.chunk import Unit, check_size, chunk
from lyrikstore.curate.extract.rows import (
    CHUNK_FIELDS,
    END,
    PAGE,
    PAGES,
    PATH,
    START,
    TEXT,
    chunk_row,
    page_starts,
)
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT, FieldRoles
from lyrikstore.curate.readers.rows import encode_value
from lyrikstore.curate.recipes.filters import contract
from lyrikstore.curate.recipes.filters.contract import (
    Candidate,
    Decide,
    Divide,
    Drop,
    Filter,
    Made,
    Outcome,
)
from lyrikstore.curate.recipes.filters.parameters import Parameter
from lyrikstore.curate.text import is_blank

MAX_CHUNKS_BYTES, FREE_BYTES, MOST_TIMES = 256 << 20, 64 << 10, 64
"""Most that the chunks of a record may be: in all, and by its own size so much and so many times.
Every chunk repeats the other fields, so that a small record could fill the memory."""

_ROW_BYTES = 256
"""What a chunk counts besides its text and the other fields."""


@dataclass(frozen=True, slots=True)
class Chunks(Filter):
    """Puts the chunks of its text in the place of each record.

    Attributes:
        unit: ``paragraphs`` or ``tokens``.
        size: The most of one chunk.
        overlap: The most that two share.
    """

    USE: ClassVar[str] = "chunk/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "unit",
            "string",
            'whether chunks are of whole "paragraphs" as far as they fit, or of "tokens"',
            default="paragraphs",
            choices=("paragraphs", "tokens"),
        ),
        Parameter("size", "number", "the most of one chunk: characters, or tokens", default=2000),
        Parameter("overlap", "number", "how much of it the next one repeats at most", default=0),
    )
    MAKES_ROWS: ClassVar[bool] = True

    unit: Unit
    size: int
    overlap: int

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the step.

        Raises:
            InvalidInputError: (``bad-chunk-size``) sizes that cannot be.
        """
        check_size(values["size"], values["overlap"])
        return cls(values["unit"], values["size"], values["overlap"])

    def reads(self) -> tuple[str, ...]:
        """Return that the step reads the text, and hands on all fields."""
        return (contract.TEXT, "meta:*")

    def fields_after(self, before: frozenset[str]) -> frozenset[str]:
        """Return the fields, and those of a chunk."""
        return (before - {DOCUMENT_TEXT, PAGES}) | CHUNK_FIELDS

    def roles(self, before: FieldRoles) -> FieldRoles:
        """Return that ``text`` is the text, and no field the id, which a record's chunks share."""
        return replace(before, text=(TEXT,), id="")

    def start(self) -> Decide:
        """Return the decision function."""
        return self._decide

    def _decide(self, candidate: Candidate) -> Outcome:
        text = candidate.require_text(self.USE)
        return Drop("blank") if is_blank(text) else Divide("chunked", self._cut(candidate, text))

    def _cut(self, candidate: Candidate, text: str) -> Iterator[Made]:
        record = dict(candidate.fields)
        pages = page_starts(record)
        if candidate.is_document:
            record[PATH] = candidate.path
        total, carried, most = 0, -1, 0
        for part in chunk(text, self.unit, self.size, self.overlap, pages=pages):
            row = chunk_row(
                part, record=record, record_id=candidate.id.hex, texts=candidate.text_fields
            )
            if carried < 0:
                taken = {name: value for name, value in row.items() if name not in CHUNK_FIELDS}
                carried = len(encode_value(taken))
                most = min(MAX_CHUNKS_BYTES, FREE_BYTES + MOST_TIMES * (carried + len(text)))
            total += _ROW_BYTES + carried + len(part.text)
            if total > most:
                raise InvalidInputError(
                    "too-many-chunks",
                    f"{candidate.place}: its chunks, each with the other fields, would be more "
                    f"than {most} bytes",
                    hint="choose a larger size, or drop large fields before with map/1",
                )
            place = {name: row[name] for name in (START, END, PAGE) if name in row}
            yield Made(row, place)
