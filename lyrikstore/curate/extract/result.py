"""The result of text extraction: the text with its pages, or the reason why it cannot be read."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from lyrikstore.curate.extract.limits import MAX_TEXT_BYTES

PAGE_BREAK: Final = "\n"
"""Separator of two pages of a text; not a blank line, as a sentence may continue after it."""

REASONS: Final = {
    "no-text-layer": "pages are pictures: run OCR over the file, for example with ocrmypdf",
    "encrypted": "a password protects it: save a copy without one",
    "broken": "it is damaged, or not of its format: save it again from its program",
    "too-large": "it exceeds a size limit: split it into parts",
    "timeout": "reading it took too long: convert or split it",
    "out-of-memory": "reading it took too much memory: convert or split it",
    "unknown-format": "no reader for this format: convert it to PDF, DOCX, HTML, EML or text",
    "old-office": "a format of old Office programs: save it as DOCX",
    "undecodable": "its encoding is unknown: name it in the parameter encoding",
}
"""Reason code -> message with the remedy."""

NOTES: Final = {
    "pages-without-text": "pages that are not empty but have no text, such as scans",
    "encoding-guessed": "the encoding was guessed from the bytes",
    "parts-not-read": "embedded documents whose text is not read",
}
"""Codes of notes about a text that was read, with their messages."""


class Note(Struct, frozen=True):
    """A note about a text that was read.

    Attributes:
        code: Key of :data:`NOTES`.
        detail: The pages, or the other likely encodings, that the note is about.
    """

    code: str
    detail: str


class AttachedFile(Struct, frozen=True):
    """A file attached to a message; it is listed, but not opened.

    Attributes:
        name: Its name in the message; may be empty, and is not safe as a path.
        type: Media type that the message states.
        bytes: Size when decoded.
        blake3: Digest of the decoded bytes, 64 hex digits.
    """

    name: str
    type: str
    bytes: int
    blake3: str


class Extracted(Struct, frozen=True):
    """The text of one document.

    Line ends are LF; other control characters, and code points that are not characters, are left
    out.

    Attributes:
        format: ``pdf``, ``docx``, ``html``, ``eml`` or ``txt``.
        pages: The texts of the pages of a PDF, in order; one text for other formats.
        encoding: Python's name of the encoding of TXT, HTML or a message's text; else None.
        encoding_from: ``bom``, ``declared``, ``content`` or ``guessed``; None without an encoding.
        fields: Metadata in the document: ``title``, or ``from``, ``to``, ``cc``, ``date``
            (RFC 3339 if it can be parsed), ``subject``, ``message-id``.
        attachments: The attachments of a message, in its order.
        notes: Notes about the text, at most one of each code.
    """

    format: str
    pages: tuple[str, ...]
    encoding: str | None = None
    encoding_from: str | None = None
    fields: dict[str, str] = {}
    attachments: tuple[AttachedFile, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def text(self) -> str:
        """The text of all pages, joined by :data:`PAGE_BREAK`."""
        return PAGE_BREAK.join(self.pages)

    @property
    def page_starts(self) -> tuple[int, ...]:
        """Where in :attr:`text` each page begins, in code points; empty unless it is a PDF."""
        if self.format != "pdf":
            return ()
        starts, place = [], 0
        for page in self.pages:
            starts.append(place)
            place += len(page) + len(PAGE_BREAK)
        return tuple(starts)


class Unreadable(Struct, frozen=True):
    """The reason why a document gives no text.

    Attributes:
        reason: Key of :data:`REASONS`.
        detail: What was found, as a phrase for messages that quotes nothing of the document.
    """

    reason: str
    detail: str = ""


class UnreadableError(Exception):
    """Ends the reading of a document; :func:`extract` turns it into :class:`Unreadable`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.result = Unreadable(reason, detail)


_LINE_END = re.compile("\r\n?|[\x0b\x0c\x85\u2028]")
_PARAGRAPH = re.compile("\u2029")
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff\ufdd0-\ufdef]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Return ``text`` with LF line ends, without control characters (spec §12.5.10).

    Lone surrogates become U+FFFD. PDFium replaces the hyphen of a word broken at a line end by
    U+FFFE; it is removed, so that the word is whole again.
    """
    text = _PARAGRAPH.sub("\n\n", _LINE_END.sub("\n", text))
    return _SURROGATE.sub("\ufffd", _NO_TEXT.sub("", text))


class TextSize:
    """Counts the text of a document against :data:`MAX_TEXT_BYTES` while it is read."""

    def __init__(self) -> None:
        self._left = MAX_TEXT_BYTES

    def add(self, text: str) -> str:
        """Count the bytes of ``text``, and return it.

        Raises:
            UnreadableError: (``too-large``) the texts added so far exceed the limit.
        """
        self._left -= len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if self._left < 0:
            raise UnreadableError("too-large", f"more than {MAX_TEXT_BYTES} bytes of text")
        return text


def number_ranges(numbers: Iterable[int], most: int = 20) -> str:
    """Return ascending numbers as ranges, ``1-3, 7``; after ``most`` ranges ``…`` follows."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    shown = [str(a) if a == b else f"{a}-{b}" for a, b in ranges[:most]]
    return ", ".join([*shown, "…"] if len(ranges) > most else shown)


def has_text(pages: Sequence[str]) -> bool:
    """Return whether any page holds more than white space."""
    return any(page and not page.isspace() for page in pages)
