"""Text of an e-mail message, its headers as fields, its attachments listed."""

import re
from collections.abc import Iterator
from datetime import UTC
from email import policy
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.curate.extract.encoding import Decoded, decode
from lyrikstore.curate.extract.formats.html import extract_html, guess_notes
from lyrikstore.curate.extract.limits import (
    MAX_FIELD_CHARACTERS,
    MAX_MESSAGE_LEVELS,
    MAX_MESSAGE_PARTS,
)
from lyrikstore.curate.extract.result import (
    AttachedFile,
    Extracted,
    Note,
    TextSize,
    UnreadableError,
    clean,
)

FIELDS = ("from", "to", "cc", "date", "subject", "message-id")
"""The headers that become fields."""

_FORWARDED = ("from", "to", "date", "subject")
_SPACE = re.compile(r"\s+")


_Message = Any  # of the standard library, whose types differ by version


class _Text(Struct, frozen=True):
    text: str
    decoded: Decoded | None = None


def extract_eml(data: bytes, encoding: str | None) -> Extracted:
    """Return the text of a message.

    Of alternative parts the plain text is read, or the HTML if no plain text exists. The text of an
    enclosed message stands at its place, below its headers.

    Args:
        data: The whole message.
        encoding: The encoding that the user demands; it overrides those that the message states.

    Raises:
        UnreadableError: ``encrypted``, ``undecodable``, ``broken``, ``too-large``.
    """
    reader = _Reader(encoding)
    try:
        message = BytesParser(policy=policy.default).parsebytes(data)
    except RecursionError:
        raise _too_deep() from None
    if _is_encrypted(message):
        raise UnreadableError("encrypted", "an encrypted message")
    fields = _read_fields(message)
    if not fields and not message.keys():
        raise UnreadableError("broken", "it has no header")
    texts = [one.text for one in reader.read(message, 1) if one.text]
    found = reader.first
    return Extracted(
        "eml",
        ("\n\n".join(texts),),
        found.encoding if found else None,
        found.source if found else None,
        fields,
        tuple(reader.attachments),
        reader.notes,
    )


class _Reader:
    """Walks the parts of one message."""

    def __init__(self, encoding: str | None) -> None:
        self.attachments: list[AttachedFile] = []
        self.notes: tuple[Note, ...] = ()
        self.first: Decoded | None = None
        self._encoding = encoding
        self._parts = 0
        self._lists_only = False  # in alternatives of a text that was already read
        self._size = TextSize()

    def read(self, part: _Message, level: int) -> Iterator[_Text]:
        """Yield the texts of a part, in reading order."""
        self._parts += 1
        if self._parts > MAX_MESSAGE_PARTS:
            raise UnreadableError("too-large", f"more than {MAX_MESSAGE_PARTS} parts")
        if level > MAX_MESSAGE_LEVELS:
            raise _too_deep()
        kind = part.get_content_type()
        inner = part.get_payload()
        if kind == "message/rfc822" and isinstance(inner, list):
            for message in inner:
                if not self._lists_only:
                    yield _Text(self._size.add(_forwarded(_read_fields(message))))
                yield from self.read(message, level + 1)
        elif isinstance(inner, list):
            yield from self._read_parts(kind, inner, level)
        elif _is_attached(part, kind):
            self._list(part, kind)
        elif kind in {"text/plain", "text/html"}:
            if not self._lists_only:
                yield self._read_text(part, kind)
        else:
            self._list(part, kind)

    def _read_parts(self, kind: str, parts: list[_Message], level: int) -> Iterator[_Text]:
        if kind != "multipart/alternative":
            for part in parts:
                yield from self.read(part, level + 1)
            return
        # The same content in several forms: read the plain one, or else the first that has text.
        before = self._lists_only
        for part in sorted(parts, key=lambda part: part.get_content_type() != "text/plain"):
            texts = [one for one in self.read(part, level + 1) if one.text.strip()]
            yield from texts
            self._lists_only = self._lists_only or bool(texts)
        self._lists_only = before

    def _read_text(self, part: _Message, kind: str) -> _Text:
        data, stated = _payload(part), _charset(part)
        if kind == "text/html":
            page = extract_html(data, self._encoding, stated)
            self.notes = self.notes or page.notes
            text = page.pages[0]
            if page.encoding and page.encoding_from and self.first is None:
                self.first = Decoded("", page.encoding, page.encoding_from)
        else:
            found = decode(data, demanded=self._encoding, stated=stated)
            text = clean(found.text).strip("\n")
            notes = guess_notes(found.encoding, found.source, found.others)
            self.notes = self.notes or notes
            self.first = self.first or found
        return _Text(self._size.add(text))

    def _list(self, part: _Message, kind: str) -> None:
        data = _payload(part)
        if data or _name(part):
            digest = Digest.of(data).hex
            self.attachments.append(AttachedFile(_name(part), kind, len(data), digest))


def _too_deep() -> UnreadableError:
    return UnreadableError("too-large", f"parts within parts, more than {MAX_MESSAGE_LEVELS} deep")


def _is_encrypted(message: _Message) -> bool:
    kind = message.get_content_type()
    if kind not in {"application/pkcs7-mime", "application/x-pkcs7-mime"}:
        return bool(kind == "multipart/encrypted")
    try:
        return bool(message.get_param("smime-type") == "enveloped-data")
    except Exception:  # noqa: BLE001 - as below
        return False


def _is_attached(part: _Message, kind: str) -> bool:
    try:
        disposition = part.get_content_disposition()
    except Exception:  # noqa: BLE001 - a hostile header may make its parser raise anything
        disposition = None
    return disposition == "attachment" or (not kind.startswith("text/")) or bool(_name(part))


def _name(part: _Message) -> str:
    try:
        name = part.get_filename()
    except Exception:  # noqa: BLE001 - as above
        name = None
    return _one_line(str(name or ""))[:255]


def _charset(part: _Message) -> str | None:
    try:
        name = part.get_content_charset()
    except Exception:  # noqa: BLE001 - as above
        return None
    return str(name) if name else None


def _payload(part: _Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError):  # an unknown transfer encoding
        raise UnreadableError("broken", "a part cannot be decoded") from None
    return data if isinstance(data, bytes) else b""


def _read_fields(message: _Message) -> dict[str, str]:
    fields = {}
    for name in FIELDS:
        value = _header(message, name)
        if value:
            fields[name] = _date(value) if name == "date" else value
    return fields


def _header(message: _Message, name: str) -> str:
    try:
        value = message.get(name)
    except Exception:  # noqa: BLE001 - as above
        raw = [text for key, text in message.raw_items() if key.lower() == name]
        value = raw[0] if raw else None
    return _one_line(str(value or ""))[:MAX_FIELD_CHARACTERS]


def _date(value: str) -> str:
    try:
        moment = parsedate_to_datetime(value)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment.tzinfo else value
    except (ValueError, TypeError, IndexError, OverflowError):
        return value


def _one_line(text: str) -> str:
    return _SPACE.sub(" ", clean(text)).strip()


def _forwarded(fields: dict[str, str]) -> str:
    return "\n".join(
        f"{name.capitalize()}: {fields[name]}" for name in _FORWARDED if name in fields
    )
