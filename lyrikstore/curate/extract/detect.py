"""Detection of a document's format: by content, and by suffix only if the content is ambiguous."""

import re
from pathlib import PurePosixPath

from lyrikstore.curate.extract.result import UnreadableError
from lyrikstore.curate.text import foreign_format

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage\0".encode("utf-16-le")
_HEAD_BYTES = 1024  # PDF readers search the header in this many bytes
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|<\?xml[^>]{0,200}>|<!--.{0,1000}?-->)*+"
    rb"<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_HEADER = re.compile(rb"([!-9;-~]{1,100}):[ \t]*[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*+")
_MAIL = frozenset({b"date", b"message-id", b"mime-version", b"received", b"return-path"})
_MOST_HEADERS = 200
_BY_SUFFIX = {
    ".docx": "docx",
    ".docm": "docx",
    ".eml": "eml",
    ".htm": "html",
    ".html": "html",
    ".pdf": "pdf",
    ".xhtml": "html",
}
_TEXTS = frozenset({".txt", ".text", ".md"})


def find_format(path: str, data: bytes) -> str:
    """Return ``pdf``, ``docx``, ``html``, ``eml`` or ``txt``.

    Every ZIP archive counts as ``docx`` here, and every file that may be text as ``txt``.

    Raises:
        UnreadableError: ``encrypted``, ``old-office`` or ``unknown-format``; (``broken``) the
            suffix is that of a PDF or DOCX and the content is not.
    """
    suffix = PurePosixPath(path).suffix.lower()
    # After the first bytes only if the suffix is .pdf: a text about PDF may contain the mark.
    if data.startswith(b"%PDF-") or (suffix == ".pdf" and b"%PDF-" in data[:_HEAD_BYTES]):
        return "pdf"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "docx"
    if data.startswith(_OLE):
        if _is_encrypted_package(data):
            raise UnreadableError("encrypted", "an Office document with a password")
        raise UnreadableError("old-office", "a document of an old Office program")
    if data.startswith(b"{\\rtf"):
        raise UnreadableError("old-office", "RTF")
    if (name := foreign_format("", data[:16])) is not None:
        raise UnreadableError("unknown-format", name)
    by_suffix = _BY_SUFFIX.get(suffix)
    if by_suffix in {"pdf", "docx"}:
        raise UnreadableError("broken", f"named {suffix}, and is none")
    if _HTML.match(data, 0, _HEAD_BYTES * 4):
        return "html"
    if by_suffix is not None:
        return by_suffix
    if suffix not in _TEXTS and _is_message(data):
        return "eml"
    return "txt"


def _is_encrypted_package(data: bytes) -> bool:
    # A DOCX with a password is an OLE file with this stream. Names of streams stand in directory
    # entries of 128 bytes, with their length at byte 64; the same words in a text do not.
    place = data.find(_ENCRYPTED)
    while place >= 0:
        if place % 128 == 0 and data[place + 64 : place + 66] == b"\x22\x00":
            return True
        place = data.find(_ENCRYPTED, place + 1)
    return False


def _is_message(data: bytes) -> bool:
    # Files in mail folders have no suffix. Notes may begin with "From:" and "Subject:", but not
    # with the headers that mail programs add.
    names, place = set(), 0
    for _ in range(_MOST_HEADERS):
        header = _HEADER.match(data, place)
        if header is None:
            break
        names.add(header[1].lower())
        place = header.end()
    return b"from" in names and len(names & _MAIL) >= 2
