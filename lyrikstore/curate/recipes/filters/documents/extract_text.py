"""``extract-text/1`` and ``/2``: make a row of each document (spec §12.5.10, §12.5.26)."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar, Self

from msgspec.structs import replace

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import encode
from lyrikstore.canon.limits import MAX_RECORD_BYTES
from lyrikstore.curate.extract.document import ExtractOptions, check_encoding
from lyrikstore.curate.extract.result import Unreadable
from lyrikstore.curate.extract.rows import EXTRACTED_FIELDS, PARENT, TEXT, document_row, free_name
from lyrikstore.curate.extract.workers import Extractor
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT, FieldRoles
from lyrikstore.curate.recipes.filters.contract import (
    DATA,
    Change,
    Decide,
    Drop,
    FieldChange,
    FieldReport,
    Filter,
    FilterRecord,
    Outcome,
)
from lyrikstore.curate.recipes.filters.parameters import Parameter

_OF_DOCUMENTS = ("title", "from", "to", "cc", "date", "subject", "message-id")
_LIBRARIES = ("charset-normalizer", "lxml", "pypdfium2")


@dataclass(frozen=True, slots=True)
class ExtractText(Filter):
    """Makes a row of each document: its text, where its pages begin, what a sheet says of it.

    Attributes:
        encoding: Of texts without a byte-order mark; None: what they say, or a guess.
    """

    USE: ClassVar[str] = "extract-text/2"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "encoding",
            "string",
            "the encoding of TXT, HTML and mail without a byte-order mark, such as cp1252; "
            "otherwise what they state, UTF-8, or a guess",
            optional=True,
        ),
    )
    MAKES_ROWS: ClassVar[bool] = True

    encoding: str | None

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the step.

        Raises:
            LyrikstoreError: As :func:`check_encoding`.
        """
        encoding = values.get("encoding")
        return cls(None if encoding is None else check_encoding(encoding))

    def reads(self) -> tuple[str, ...]:
        """Return that the step reads the documents' bytes, and all columns."""
        return (DATA, "meta:*")

    def fields_after(self, before: frozenset[str]) -> frozenset[str]:
        """Return the columns, and what documents say of themselves."""
        columns = before - {DOCUMENT_TEXT}
        kept = {free_name(name, columns) for name in columns}
        return EXTRACTED_FIELDS | kept | frozenset(_OF_DOCUMENTS)

    def roles(self, before: FieldRoles) -> FieldRoles:
        """Return that ``text`` is the text."""
        return replace(before, text=(TEXT,))

    def libraries(self) -> Mapping[str, str]:
        """Return the versions of the parsers.

        Raises:
            InvalidInputError: (``no-parser``) one of them is not installed.
        """
        try:
            return {name: version(name) for name in _LIBRARIES}
        except PackageNotFoundError as error:
            raise InvalidInputError(
                "no-parser",
                f"{error.name} is not installed, which reads documents",
                hint="pip install 'lyrikstore[documents]'",
            ) from None

    def start(self) -> Decide:
        """Return the decision function; it has one parser process, which ends with it."""
        extractor = Extractor(ExtractOptions(self.encoding), count=1)

        def decide(record: FilterRecord) -> Outcome:
            if not record.is_document:
                raise InvalidInputError(
                    "bad-recipe",
                    f"{self.USE} reads documents, and these are rows",
                    hint="put it first, and leave it out where the data is rows",
                )
            return _decide(record, extractor, self.parent(record))

        return decide

    def parent(self, record: FilterRecord) -> str:  # noqa: ARG002
        """Return the digest of its document that a row states; empty: none."""
        return ""


class ExtractTextWithParent(ExtractText):
    """States the record id of the document, too: whoever has the row can try out guesses at it."""

    USE: ClassVar[str] = "extract-text/1"
    STATES: ClassVar[frozenset[str]] = frozenset({PARENT})
    GIVES_AWAY: ClassVar[str] = "digests of the documents that were read, and of attachments"
    SUCCESSOR: ClassVar[str] = ExtractText.USE

    def parent(self, record: FilterRecord) -> str:
        """Return the record id of the document."""
        return record.id.hex


def _decide(record: FilterRecord, extractor: Extractor, parent: str) -> Outcome:
    found = extractor.extract(record.path, record.data)
    if isinstance(found, Unreadable):
        return Drop(found.reason, found.detail)
    columns = {name: value for name, value in record.fields.items() if name != DOCUMENT_TEXT}
    row = document_row(found, path=record.path, parent=parent, columns=columns)
    if len(encode(row)) > MAX_RECORD_BYTES:
        return Drop("too-large", f"its row has more than {MAX_RECORD_BYTES} bytes")
    change = FieldChange(TEXT, f"extracted-{found.format}", max(1, len(found.pages)))
    reports = tuple(FieldReport(note.code, TEXT, detail=note.detail) for note in found.notes)
    return Change(row, (change,), reports)
