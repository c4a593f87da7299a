"""Decoding of texts whose encoding may be unknown (spec §12.5.10).

In order: a byte-order mark, the declared encoding, UTF-8, UTF-16 without a mark, a guess.
"""

import codecs
import re

from msgspec import Struct

from lyrikstore.curate.extract.result import UnreadableError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like the next
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# Encodings that mail and the web name differently from Python, with the WHATWG rule for Latin-1.
_ALIASES = {
    "iso8859-1": "cp1252",
    "ascii": "utf-8",  # a text declared as ASCII that has other bytes is most often UTF-8
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "utf-16": "utf-16-le",
    "utf-32": "utf-32-le",
    "utf-8-sig": "utf-8",
}

GUESSED = (
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp1257",
    "iso8859_2",
    "iso8859_5",
    "iso8859_7",
    "koi8_r",
    "mac_roman",
    "cp437",
    "cp850",
    "cp932",
    "euc_jp",
    "gb18030",
    "big5",
    "cp949",
)
"""The encodings that a guess may return. Others, such as EBCDIC, fit short texts by chance."""

_GUESS_BYTES = 1 << 18
"""Bytes that a guess reads, from the first byte that is not ASCII."""

_MOST_DISORDER = 0.1
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MOST_CONTROLS = 0.001  # share of the characters of a text; other files have far more


class Decoded(Struct, frozen=True):
    """A decoded text, its encoding, and where the encoding comes from.

    Attributes:
        text: The text without the byte-order mark.
        encoding: Python's name of the encoding.
        source: ``bom``, ``declared``, ``content`` or ``guessed``.
        others: Other encodings that a guess found likely and that give a different text.
    """

    text: str
    encoding: str
    source: str
    others: tuple[str, ...] = ()


def normalise_encoding(name: str) -> str | None:
    """Return Python's name of a text encoding, or None if Python does not know it."""
    try:
        info = codecs.lookup(name.strip().strip("\"'"))
    except (LookupError, ValueError):  # ValueError: a NUL
        return None
    if not getattr(info, "_is_text_encoding", True) or info.name in {"idna", "punycode", "utf-7"}:
        return None  # "base64" and "zip" are codecs, too, but not of texts, and "zip" unpacks
    if info.name in {"unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}:
        return None
    return _ALIASES.get(info.name, info.name)


def decode(data: bytes, *, demanded: str | None = None, stated: str | None = None) -> Decoded:
    """Return the text of ``data``.

    Args:
        data: The whole text, in bytes.
        demanded: The encoding that the user named, by Python's name; no other one is tried.
        stated: The encoding that the document declares; ignored if it is unknown or does not fit.

    Raises:
        UnreadableError: (``undecodable``) no encoding fits; the detail names the first byte that
            does not.

    Cost: O(length); a guess reads 256 KiB.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return Decoded(_strict(data[len(mark) :], name), name, "bom")
    if demanded is not None:
        return _plausible(Decoded(_strict(data, demanded), demanded, "declared"))
    encoding = normalise_encoding(stated) if stated else None
    if encoding is not None and (text := _try(data, encoding)) is not None:
        return Decoded(text, encoding, "declared")
    text = _try(data, "utf-8")
    if text is not None and "\0" not in text:
        return _plausible(Decoded(text, "utf-8", "content"))
    if b"\0" in data:
        return _plausible(_without_mark(data))
    return _plausible(_guess(data))


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        return None


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeError as error:
        raise UnreadableError("undecodable", f"not {encoding}: {_place(error)}") from None


def _place(error: UnicodeError) -> str:
    return f"byte {error.start}" if isinstance(error, UnicodeDecodeError) else "its bytes"


def _without_mark(data: bytes) -> Decoded:
    # In UTF-16 line ends and spaces of every script have a zero byte, always on the same side.
    first, second = data[0::2].count(0), data[1::2].count(0)
    if len(data) % 2 == 0 and (first == 0) != (second == 0):
        encoding = "utf-16-le" if second else "utf-16-be"
        return Decoded(_strict(data, encoding), encoding, "content")
    raise UnreadableError("undecodable", f"zero bytes, the first is byte {data.index(0)}")


def _plausible(found: Decoded) -> Decoded:
    if len(_CONTROL.findall(found.text)) > len(found.text) * _MOST_CONTROLS:
        raise UnreadableError("undecodable", "control characters: it is no text")
    return found


def _guess(data: bytes) -> Decoded:
    from charset_normalizer import from_bytes

    first = _first_fault(data)
    if _is_mixed(data):
        raise UnreadableError("undecodable", f"UTF-8 with other bytes in it, the first at {first}")
    # Only bytes that are not ASCII differ by encoding; those before the first are skipped.
    sample = data[max(0, first - 4096) :][:_GUESS_BYTES]
    found = from_bytes(sample, cp_isolation=list(GUESSED), enable_fallback=False)
    likely = [one for one in found if one.chaos <= _MOST_DISORDER]
    likely.sort(key=lambda one: (one.chaos, -one.coherence, GUESSED.index(one.encoding)))
    # Encodings that give the same text are one answer, by the first name of the list.
    names = [min(one.could_be_from_charset, key=GUESSED.index) for one in likely]
    for name in names:
        if (text := _try(data, name)) is not None:
            others = tuple(sorted({*names} - {name}, key=GUESSED.index))
            return Decoded(text, name, "guessed", others[:5])
    raise UnreadableError("undecodable", f"not UTF-8, from byte {first}, and no other fits")


def _first_fault(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _is_mixed(data: bytes) -> bool:
    # Letters of another encoding are almost never well-formed UTF-8. If most letters are, a part of
    # the text is UTF-8 and a part is not, and every encoding would garble one of the two.
    text = data.decode("utf-8", "replace")
    faults = text.count("\ufffd")
    letters = len(text) - faults - len(re.findall(r"[\x00-\x7f]", text))
    return letters >= faults
