"""Rows as JSON objects: strict parsing, comparison as text, encoding of changes (spec §12.8)."""

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON, encode
from lyrikstore.canon.limits import MAX_JSON_DEPTH
from lyrikstore.canon.text import WHITE_SPACE

Fields = Mapping[str, JSON]
"""Name → value of one record; for a document its values in the sheet, and its text."""

_DECODER = msgspec.json.Decoder()
_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class RowError(Exception):
    """The bytes are not a valid row.

    Attributes:
        code: The code that the signed list of skipped lines states for it (spec §12.8.3).
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def parse_row(data: bytes) -> dict[str, JSON]:
    """Return the members of one row.

    Args:
        data: A JSON text (RFC 8259) in UTF-8.

    Raises:
        RowError: It is not JSON, is not an object, repeats a member, has a lone surrogate, NaN or a
            number beyond a double's range, or is nested too deeply.

    Cost: some 300 MB/s for rows without backslashes.
    """
    try:
        value = _DECODER.decode(data)
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError as error:
        raise RowError("not-utf-8", f"not UTF-8 (byte {error.start} of a string)") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise _why_not(data, str(error)) from None
    if type(value) is not dict:
        raise RowError("no-object", f"no JSON object but {_kind(value)}")
    # ATTACK: of a repeated member one program takes the first, another the last. Every string has
    # two quotes in the text, so a string that is missing in the parsed value is detected.
    if quotes_in(data) != quotes_of(value):
        _look_closely(data)
    return value


def quotes_in(data: bytes) -> int:
    """Return the number of quotes that begin or end strings in one or more JSON texts."""
    if b"\\" not in data:
        return data.count(b'"')
    plain = data.replace(b"\\\\", b"")  # in a run of backslashes the first escapes the second
    return plain.count(b'"') - plain.count(b'\\"')


def quotes_of(value: Any, depth: int = MAX_JSON_DEPTH) -> int:
    """Return the number of quotes that begin or end strings in the JSON of a list or an object.

    Raises:
        RowError: The value is nested deeper than ``depth``.
    """
    if not depth:
        raise RowError("too-deep", f"nested more than {MAX_JSON_DEPTH} deep")
    found, held = 0, value
    if type(value) is dict:
        found, held = 2 * len(value), value.values()
    kinds = list(map(type, held))
    found += 2 * kinds.count(str)
    if dict in kinds or list in kinds:
        found += sum(quotes_of(one, depth - 1) for one in held if type(one) in _NESTED)
    return found


def encode_row(data: bytes, before: Fields, after: Fields) -> bytes:
    """Return the line of a row after some fields changed (spec §12.8.2).

    Its members are sorted as in JCS; unchanged values keep their bytes, so that no number loses a
    digit.

    Args:
        data: The line before the change.
        before: Its members, as :func:`parse_row` returned them.
        after: The new members; a value that is the same object as before is unchanged.
    """
    raw = _RAW.decode(data)
    missing = object()
    parts = [
        encode(name)
        + b":"
        + (bytes(raw[name]) if before.get(name, missing) is value else encode_value(value))
        for name, value in sorted(after.items(), key=_jcs_key)
    ]
    return b"{" + b",".join(parts) + b"}"


def encode_value(value: JSON) -> bytes:
    """Return the bytes of a value in rows that a step creates or changes (spec §12.8.2).

    They are the canonical form; integers without one, as programs read them differently, are
    written as their digits.

    Raises:
        LyrikstoreError: See :func:`encode`.
    """
    try:
        return encode(value)
    except FormatError:
        pass
    if isinstance(value, dict):
        members = (
            encode(name) + b":" + encode_value(one)
            for name, one in sorted(value.items(), key=_jcs_key)
        )
        return b"{" + b",".join(members) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(encode_value, value)) + b"]"
    return str(value).encode() if type(value) is int else encode(value)


def has_value(value: JSON) -> bool:
    """Return whether a value is present: not null, an empty string or an empty list."""
    return value is not None and value not in ("", [])


def as_text(value: JSON) -> str | None:
    """Return the text by which a value is compared; ``None`` if it counts as missing.

    Strings stay as they are, booleans become ``true`` and ``false``, numbers their shortest decimal
    digits, lists and objects their canonical JSON. Null, an empty string and an empty list count
    as missing.
    """
    if isinstance(value, str):
        return value or None
    if not has_value(value):
        return None
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float_text(value)
    try:
        return encode(value).decode()
    except FormatError:  # an integer that programs read differently
        return json.dumps(value, sort_keys=True, ensure_ascii=False)


def as_texts(value: JSON, separator: str = "") -> list[str]:
    """Return the texts of a value: one for each item of a list, none for a missing value.

    A string that is a JSON list of strings is that list, for a cell of a table can hold no other;
    with a separator, any string is what stands between.
    """
    if isinstance(value, str):
        if value[:1] == "[" and value.endswith("]"):
            value = _listed(value)
        elif separator:
            value = [part.strip(WHITE_SPACE) for part in value.split(separator)]
        else:
            return [value] if value else []
    found = value if isinstance(value, list) else [value]
    return [text for one in found if (text := as_text(one)) is not None]


def _listed(text: str) -> JSON:
    try:
        found = _DECODER.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return text
    if isinstance(found, list) and all(isinstance(one, str) for one in found):
        return found
    return text


def _jcs_key(item: tuple[str, JSON]) -> bytes:
    return item[0].encode("utf-16-be")


def _float_text(value: float) -> str:
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return format(Decimal(repr(value)), "f")


_NESTED = (dict, list)


def _look_closely(data: bytes) -> None:
    try:
        value = json.loads(data, object_pairs_hook=_once)
        text = json.dumps(value, ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError:
        raise _lone_surrogate() from None
    except RecursionError:
        raise _too_deep() from None


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise RowError("member-twice", f"the member {name[:80]!r} stands twice")
        members[name] = value
    return members


def _too_deep() -> RowError:
    return RowError("too-deep", "nested too deeply")


def _lone_surrogate() -> RowError:
    return RowError("lone-surrogate", "a lone surrogate, which is no character")


def _why_not(data: bytes, reason: str) -> RowError:
    if _SURROGATE.search(data):
        try:
            json.dumps(json.loads(data), ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return _lone_surrogate()
        except (ValueError, RecursionError):
            pass
    for name in (b"NaN", b"Infinity"):
        if name in data:
            try:
                json.loads(data)
            except (ValueError, RecursionError):
                break
            return RowError("not-json", f"{name.decode()}, which is no JSON number")
    return RowError("not-json", f"no JSON: {reason.removeprefix('JSON is malformed: ')[:200]}")


def _kind(value: JSON) -> str:
    names = {list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
