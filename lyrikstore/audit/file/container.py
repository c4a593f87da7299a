"""The file around the evidence: a page that verifies itself, or an archive (spec §22.2)."""

import gzip
import io
import re
import zipfile
import zlib
from base64 import b64encode
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from lyrikstore.audit.file.evidence import refuse
from lyrikstore.canon import json
from lyrikstore.canon.base64 import decode_base64
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.files import PACKAGE, read_at_most, read_packaged
from lyrikstore.canon.limits import MAX_AUDIT_EVIDENCE_BYTES, MAX_AUDIT_FILE_BYTES
from lyrikstore.canon.text import pluralize
from lyrikstore.verify.report import Check, failed, passed, warned

if TYPE_CHECKING:
    from lyrikstore.audit.file.opened import OpenedEvidence

_TEMPLATE = PACKAGE / "web" / "audit.html"
_EVIDENCE, _TITLE = "@EVIDENCE@", "@TITLE@"
_START = re.compile(rb'<script type="application/gzip" id="evidence">')
_END = b"</script>"
_PARTS = ("evidence.json", "answers.json")
_DATE = (1980, 1, 1, 0, 0, 0)
_ZIP = b"PK\x03\x04"


class Container(Protocol):
    """An audit file as it was read.

    Attributes:
        evidence: The bytes of the evidence, not parsed.
    """

    @property
    def evidence(self) -> bytes:
        """The bytes of the evidence."""

    def judge(self, opened: "OpenedEvidence") -> Check:
        """Return ``audit.file``: whether the rest of the file is what it should be."""


class AuditPage(Struct, frozen=True):
    """An audit file that is a page.

    Attributes:
        evidence: The bytes of the evidence.
        rest: The bytes of the page without the evidence: before it, and after it.
    """

    evidence: bytes
    rest: tuple[bytes, bytes]

    def judge(self, opened: "OpenedEvidence") -> Check:
        """Return ``audit.file``: whether the page is the one that this program writes."""
        size = f"{pluralize(len(self.evidence), 'byte')} of evidence"
        if self.rest == around(title_of(opened)):
            return passed("audit.file", f"{size}, in the page that this program writes")
        text = f"{size}, in a page that another program wrote: what a browser shows is not verified"
        return warned("audit.file", "other-page", text)


class AuditArchive(Struct, frozen=True):
    """An audit file that is an archive for programs.

    Attributes:
        evidence: The bytes of the evidence.
        answers: The bytes of the answers.
    """

    evidence: bytes
    answers: bytes

    def judge(self, opened: "OpenedEvidence") -> Check:
        """Return ``audit.file``: whether the answers are those that the evidence gives."""
        from lyrikstore.audit.file.answers import answers_of

        if self.answers == json.encode(json.as_json(answers_of(opened))):
            return passed(
                "audit.file",
                f"{pluralize(len(self.evidence), 'byte')} of evidence, with its answers",
            )
        text = "the answers in it are not those that its evidence gives"
        return failed("audit.file", "other-answers", text)


def title_of(opened: "OpenedEvidence") -> str:
    """Return the title of a page: what it is about, by name if the evidence has it."""
    [(word, stated)] = opened.evidence.about.items()
    for identity, one in opened.manifests.items():
        if str(identity) == stated:
            return f"Audit of {one.name} ({identity.short})"
    return f"Audit of {word} {stated.removeprefix('blake3:')[:64]}"


def write_page(evidence: bytes, title: str) -> bytes:
    """Return an audit file as a page.

    Args:
        evidence: The bytes of the evidence.
        title: As :func:`title_of` gives it.

    Raises:
        FormatError: (``bad-audit``) it is too large.
    """
    before, after = around(title)
    page = before + b64encode(gzip.compress(evidence, 9, mtime=0)) + after
    if len(page) > MAX_AUDIT_FILE_BYTES:
        refuse(f"a page of more than {MAX_AUDIT_FILE_BYTES} bytes")
    return page


def write_archive(evidence: bytes, answers: bytes) -> bytes:
    """Return an audit file as an archive for programs; the same input gives the same bytes.

    Args:
        evidence: The bytes of the evidence.
        answers: The answers, canonical JSON.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in zip(_PARTS, (evidence, answers), strict=True):
            archive.writestr(zipfile.ZipInfo(name, _DATE), data, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def read_container(path: Path) -> Container:
    """Return the parts of an audit file; the evidence is inflated, and not parsed.

    Raises:
        NotFoundError: (``no-file``) there is no such file.
        InvalidInputError: (``unreadable``) it cannot be read.
        FormatError: (``bad-audit``) it is no audit file, or larger than one may be.
    """
    data = read_at_most(path, MAX_AUDIT_FILE_BYTES + 1)
    if len(data) > MAX_AUDIT_FILE_BYTES:
        refuse(f"more than {MAX_AUDIT_FILE_BYTES} bytes")
    return _read_archive(data) if data.startswith(_ZIP) else _read_page(data)


def is_audit_file(path: Path) -> bool:
    """Return whether a file looks like an audit file, from its first bytes and its name."""
    try:
        head = read_at_most(path, MAX_AUDIT_FILE_BYTES + 1)
    except (InvalidInputError, FormatError):
        return False
    if head.startswith(_ZIP):
        return _PARTS[0].encode() in head[:128]
    return _START.search(head) is not None


def _read_page(data: bytes) -> AuditPage:
    found = list(_START.finditer(data))
    if len(found) != 1:
        refuse("it has no evidence, or several")
    start = found[0].end()
    end = data.find(_END, start)
    if end < 0:
        refuse("its evidence does not end: it was cut")
    try:
        packed = decode_base64(data[start:end].decode("ascii"), "bad-audit")
    except (FormatError, UnicodeDecodeError):
        refuse("its evidence is no base64")
    return AuditPage(_inflate(packed), (data[:start], data[end:]))


def _inflate(packed: bytes) -> bytes:
    """Return what was compressed. ATTACK A07: it would fill the memory."""
    stream = zlib.decompressobj(wbits=31)
    try:
        found = stream.decompress(packed, MAX_AUDIT_EVIDENCE_BYTES + 1)
    except zlib.error:
        refuse("its evidence cannot be inflated")
    if len(found) > MAX_AUDIT_EVIDENCE_BYTES:
        refuse(f"its evidence has more than {MAX_AUDIT_EVIDENCE_BYTES} bytes")
    if not stream.eof or stream.unused_data:
        refuse("its evidence is cut, or something follows it")
    return found


def _read_archive(data: bytes) -> AuditArchive:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if tuple(one.filename for one in parts) != _PARTS:
                refuse("an archive with other members")
            if any(one.file_size > MAX_AUDIT_EVIDENCE_BYTES for one in parts):
                refuse(f"a member has more than {MAX_AUDIT_EVIDENCE_BYTES} bytes")
            # The sizes that it states bound what is inflated: zipfile stops there.
            evidence, answers = (archive.read(one) for one in parts)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        refuse("a broken archive")
    return AuditArchive(evidence, answers)


@cache
def _template() -> str:
    return read_packaged(_TEMPLATE).decode()


def around(title: str) -> tuple[bytes, bytes]:
    """Return the page before and after the evidence, as this program writes it."""
    before, _, after = _template().replace(_TITLE, escape(title), 1).partition(_EVIDENCE)
    return before.encode(), after.encode()
