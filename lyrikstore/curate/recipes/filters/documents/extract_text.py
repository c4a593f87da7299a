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
    """Filter that makes a row of each document: text, starts of pages, and sheet metadata.

    Attributes:
        encoding: The encoding of texts without a byte-order mark; None: as stated, or guessed.
    """

    USE: ClassVar[str] = "extract-text/2"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "encoding",
            "string",
            "encoding of TXT, HTML and e-mail without a byte-order mark, such as cp1252; default: "
            "the stated one, UTF-8, or a guess",
            optional=True,
        ),
    )
    MAKES_ROWS: ClassVar[bool] = True

    encoding: str | None

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step.

        Raises:
            LyrikstoreError: As :func:`check_encoding`.
        """
        encoding = values.get("encoding")
        return cls(None if encoding is None else check_encoding(encoding))

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: the bytes of documents, and all columns."""
        return (DATA, "meta:*")

    def fields_after(self, before: frozenset[str]) -> frozenset[str]:
        """Return the columns, and the fields extracted from documents."""
        columns = before - {DOCUMENT_TEXT}
        kept = {free_name(name, columns) for name in columns}
        return EXTRACTED_FIELDS | kept | frozenset(_OF_DOCUMENTS)

    def roles(self, before: FieldRoles) -> FieldRoles:
        """Return the roles, with ``text`` as the text."""
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
                f"the package {error.name}, which reads documents, is not installed",
                hint="pip install 'lyrikstore[documents]'",
            ) from None

    def start(self) -> Decide:
        """Return the decision function; its parser process ends with it."""
        extractor = Extractor(ExtractOptions(self.encoding), count=1)

        def decide(record: FilterRecord) -> Outcome:
            if not record.is_document:
                raise InvalidInputError(
                    "bad-recipe",
                    f"{self.USE} reads documents, and the records are rows",
                    hint="make it the first step; remove it if the dataset consists of rows",
                )
            return _decide(record, extractor, self.parent(record))

        return decide

    def parent(self, record: FilterRecord) -> str:  # noqa: ARG002
        """Return the document digest to write into a row; empty for none."""
        return ""


class ExtractTextWithParent(ExtractText):
    """The same with the document's record id, against which guesses can be verified."""

    USE: ClassVar[str] = "extract-text/1"
    STATES: ClassVar[frozenset[str]] = frozenset({PARENT})
    GIVES_AWAY: ClassVar[str] = "digests of the documents that were read, and of attachments"
    SUCCESSOR: ClassVar[str] = ExtractText.USE

    def parent(self, record: FilterRecord) -> str:
        """Return the record id of the document."""
        return record.id.hex


def _decide(record: FilterRecord, extractor: Extractor, parent: str) -> Outcome:
    extract = extractor.extract(record.path, record.data)
    if isinstance(extract, Unreadable):
        return Drop(extract.reason, extract.detail)
    columns = {name: value for name, value in record.fields.items() if name != DOCUMENT_TEXT}
    row = document_row(extract, path=record.path, parent=parent, columns=columns)
    if len(encode(row)) > MAX_RECORD_BYTES:
        return Drop("too-large", f"its row has more than {MAX_RECORD_BYTES} bytes")
    change = FieldChange(TEXT, f"extracted-{extract.format}", max(1, len(extract.pages)))
    reports = tuple(FieldReport(note.code, TEXT, detail=note.detail) for note in extract.notes)
    return Change(row, (change,), reports)
