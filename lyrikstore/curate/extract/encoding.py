"""From bytes to text when nobody says which encoding it is (spec §12.5.10).

In order: a byte-order mark, the encoding that is declared, UTF-8, UTF-16 without a mark, a guess.
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

# What mail and the web write and Python calls otherwise; the web's rule for Latin-1 (WHATWG).
_ALIASES = {
    "iso8859-1": "cp1252",
    "ascii": "utf-8",  # what says so and is not is most often UTF-8
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
"""What a guess may be. Others, such as EBCDIC, fit short texts by chance."""

_GUESS_BYTES = 1 << 18
"""How much a guess looks at, from the first byte that is not ASCII."""

_MOST_DISORDER = 0.1
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MOST_CONTROLS = 0.001  # of the characters of a text; what is not text has far more


class Decoded(Struct, frozen=True):
    """A text and how it was found.

    Attributes:
        text: Without the byte-order mark.
        encoding: As Python names it.
        source: ``bom``, ``declared``, ``content`` or ``guessed``.
        others: Encodings that a guess found as likely and that give another text.
    """

    text: str
    encoding: str
    source: str
    others: tuple[str, ...] = ()


def normalise_encoding(name: str) -> str | None:
    """Return Python's name of an encoding of texts, or None where there is none."""
    try:
        info = codecs.lookup(name.strip().strip("\"'"))
    except (LookupError, ValueError):  # ValueError: a NUL
        return None
    if not getattr(info, "_is_text_encoding", True) or info.name in {"idna", "punycode", "utf-7"}:
        return None  # "base64" or "zip" are codecs as well, and unpack
    if info.name in {"unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}:
        return None
    return _ALIASES.get(info.name, info.name)


def decode(data: bytes, *, demanded: str | None = None, stated: str | None = None) -> Decoded:
    """Return the text of ``data``.

    Args:
        data: All of it.
        demanded: The encoding that the user names, as Python names it; nothing else is tried.
        stated: What the document says of itself; passed over where it is unknown or does not fit.

    Raises:
        UnreadableError: (``undecodable``) no encoding fits; the detail names the first byte that
            does not.

    Cost: O(length); a guess looks at 256 KiB.
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
    # Line ends and spaces of every script have a zero byte in UTF-16, always on the same side.
    even, odd = data[0::2].count(0), data[1::2].count(0)
    if len(data) % 2 == 0 and (even == 0) != (odd == 0):
        encoding = "utf-16-le" if odd else "utf-16-be"
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
    # The encoding shows where bytes are not ASCII; what is before says nothing.
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
    # Letters of another encoding are almost never well-formed UTF-8: where most are, some of the
    # text is UTF-8 and some is not, and every single encoding would garble one of both.
    text = data.decode("utf-8", "replace")
    faults = text.count("\ufffd")
    letters = len(text) - faults - len(re.findall(r"[\x00-\x7f]", text))
    return letters >= faults
