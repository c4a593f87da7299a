"""``chunk/1`` and ``/2``: cut texts into rows with their positions (spec §12.5.11, §12.5.27)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from msgspec.structs import replace

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.curate.extract.chunk import Unit, check_size, chunk
from lyrikstore.curate.extract.rows import (
    CHUNK_FIELDS,
    CHUNK_FIELDS_1,
    DOCUMENT,
    PAGES,
    PARENT,
    PART,
    PATH,
    TEXT,
    chunk_row,
    document_digest,
    is_document_row,
    page_starts,
)
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT, FieldRoles
from lyrikstore.curate.readers.rows import encode_value
from lyrikstore.curate.recipes.filters import contract
from lyrikstore.curate.recipes.filters.contract import (
    Divide,
    Drop,
    Filter,
    FilterRecord,
    Made,
    Outcome,
)
from lyrikstore.curate.recipes.filters.parameters import Parameter
from lyrikstore.curate.text import is_blank

MAX_CHUNKS_BYTES, FREE_BYTES, MOST_TIMES = 256 << 20, 64 << 10, 64
"""Limits of all chunks of a record: bytes in total; free bytes, plus a multiple of its own size.
Every chunk repeats the other fields; without limits, a small record could fill the memory."""

_ROW_BYTES = 256
"""Bytes that a chunk counts in addition to its text and the other fields."""


@dataclass(frozen=True, slots=True)
class Chunks(Filter):
    """Filter that replaces each record by the chunks of its text.

    Attributes:
        unit: ``paragraphs`` or ``tokens``.
        size: The largest size of a chunk, in characters or tokens.
        overlap: The largest overlap of two chunks.
    """

    USE: ClassVar[str] = "chunk/2"
    OWN: ClassVar[frozenset[str]] = CHUNK_FIELDS
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "unit",
            "string",
            'whether to cut into whole "paragraphs" if they fit, or into "tokens"',
            default="paragraphs",
            choices=("paragraphs", "tokens"),
        ),
        Parameter(
            "size",
            "number",
            "largest size of a chunk, in characters or tokens",
            default=2000,
            limits={"minimum": 1},
        ),
        Parameter(
            "overlap",
            "number",
            "largest overlap with the next chunk",
            default=0,
            limits={"maximum": 500_000_000},
        ),
    )
    MAKES_ROWS: ClassVar[bool] = True
    STATES: ClassVar[frozenset[str]] = frozenset({DOCUMENT})

    unit: Unit
    size: int
    overlap: int

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step.

        Raises:
            LyrikstoreError: As :func:`check_size`.
        """
        check_size(values["size"], values["overlap"])
        return cls(values["unit"], values["size"], values["overlap"])

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: the text, and all fields, which it copies into chunks."""
        return (contract.TEXT, "meta:*")

    def fields_after(self, before: frozenset[str]) -> frozenset[str]:
        """Return the fields of the records, and those of a chunk."""
        return (before - {DOCUMENT_TEXT, PAGES}) | self.OWN

    def roles(self, before: FieldRoles) -> FieldRoles:
        """Return the roles: ``text`` is the text; no field is the id, as chunks share its value."""
        return replace(before, text=(TEXT,), id="")

    def decide(self, record: FilterRecord) -> Outcome:
        """Return the decision on a record."""
        text = record.require_text(self.USE)
        return Drop("blank") if is_blank(text) else Divide("chunked", self._cut(record, text))

    def known_by(
        self,
        record: FilterRecord,  # noqa: ARG002
        fields: Mapping[str, JSON],  # noqa: ARG002
        text: str,
    ) -> dict[str, JSON]:
        """Return the fields by which each chunk identifies the record that it was cut from.

        Args:
            record: The record.
            fields: Its fields; for a document, its path is one of them.
            text: Its text.
        """
        return {DOCUMENT: document_digest(text)}

    def _cut(self, record: FilterRecord, text: str) -> Iterator[Made]:
        fields = dict(record.fields)
        pages = page_starts(fields)
        if record.is_document:
            fields[PATH] = record.new_path or record.path
        known_by = self.known_by(record, fields, text)
        total, carried, most = 0, -1, 0
        parts = chunk(text, self.unit, self.size, self.overlap, pages=pages)
        for number, part in enumerate(parts, start=1):
            if PART in self.OWN:
                known_by[PART] = number
            row = chunk_row(
                part, record=fields, texts=record.text_fields, own=self.OWN, known_by=known_by
            )
            if carried < 0:
                taken = {name: value for name, value in row.items() if name not in self.OWN}
                carried = len(encode_value(taken))
                most = min(MAX_CHUNKS_BYTES, FREE_BYTES + MOST_TIMES * (carried + len(text)))
            total += _ROW_BYTES + carried + len(part.text)
            if total > most:
                raise InvalidInputError(
                    "too-many-chunks",
                    f"{record.place}: its chunks, each with the other fields, would be more "
                    f"than {most} bytes",
                    hint="choose a larger size, or drop large fields before with map/1",
                )
            yield Made(row)


class ChunksWithParent(Chunks):
    """The same with a digest of the original text, against which guesses can be verified."""

    USE: ClassVar[str] = "chunk/1"
    OWN: ClassVar[frozenset[str]] = CHUNK_FIELDS_1
    STATES: ClassVar[frozenset[str]] = frozenset({PARENT})
    GIVES_AWAY: ClassVar[str] = "digests of the texts in the source"
    SUCCESSOR: ClassVar[str] = Chunks.USE

    def known_by(
        self,
        record: FilterRecord,
        fields: Mapping[str, JSON],
        text: str,  # noqa: ARG002
    ) -> dict[str, JSON]:
        """Return the record id in the source, or for a document's row the id that it contains."""
        # The positions in such a row are those in the document's text.
        return {PARENT: fields[PARENT] if is_document_row(fields) else record.id.hex}
