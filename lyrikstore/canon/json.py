"""Strict JSON in, RFC 8785 canonical JSON out (spec/02-canonical-json.md).

The parser refuses what other parsers silently accept and disagree about: duplicate members,
NaN, integers beyond 2^53-1, lone surrogates, byte-order marks, deep nesting. Two readers that
see different documents under one signature are how signed JSON is attacked.
"""

import json
import math
import re
from datetime import datetime
from typing import Any, NoReturn, Self

import msgspec
import orjson
import rfc8785

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.limits import MAX_JSON_BYTES, MAX_JSON_DEPTH
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import format_timestamp

JSON = Any
"""None, bool, int, float, str, list[JSON] or dict[str, JSON]."""

MAX_INTEGER = 2**53 - 1

# A bracket, or a whole string (closed or cut off) so that its brackets are skipped. Possessive:
# a text of a million quotes must not make the scan quadratic.
_BRACKET_OR_STRING = re.compile(r'[\[\]{}]|"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SPACE = (b" ", b"\t", b"\n", b"\r")
_DEPTH_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}

_OPTIONS = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)


def parse(
    data: bytes, *, max_bytes: int = MAX_JSON_BYTES, floats: bool = False, nulls: bool = False
) -> JSON:
    """Return the value of one JSON text.

    Args:
        data: UTF-8, no byte-order mark.
        max_bytes: Refuse longer input before looking at it.
        floats: Accept numbers with a fraction or exponent (foreign documents only).
        nulls: Accept ``null`` (foreign documents only).

    Raises:
        FormatError: (``bad-json``) anything outside the strict subset; the message names it.

    Cost: O(n) time and memory; nothing is allocated before the size is checked. Text that is
    canonical already is read several times faster.
    """
    return _read(data, max_bytes, floats=floats, nulls=nulls)[0]


def encode(value: JSON) -> bytes:
    """Return the RFC 8785 canonical bytes of ``value``.

    Raises:
        FormatError: (``bad-json``) the value has no canonical form: NaN, an integer beyond
            2^53-1, a lone surrogate, a member name that is not a string, a circle.

    Cost: some 300 MB/s for values without floats and with ASCII member names, else about 5.
    """
    return _encode(value)[0]


def may_contain(data: bytes, text: str) -> bool:
    r"""Return whether a string in the JSON text ``data`` may contain ``text``; False is certain.

    ATTACK: ``\u0043redential`` is the same word to a JSON parser, and another one to a search.
    """
    return text.encode() in data or b"\\u" in data


def parse_canonical(data: bytes, *, max_bytes: int = MAX_JSON_BYTES) -> JSON:
    """Return the value of ``data``, which must already be canonical (attack case A18).

    Raises:
        FormatError: (``bad-json``) not strict JSON; (``not-canonical``) other bytes than
            :func:`encode` would give.
    """
    value, canonical = _read(data, max_bytes)
    if not canonical and encode(value) != data:
        raise FormatError("not-canonical", "the JSON is not in canonical form (RFC 8785)")
    return value


class Document:
    """A JSON object with its canonical form, which is computed once.

    Args:
        members: The object; do not change it afterwards.

    Raises:
        FormatError: (``bad-json``) as :func:`encode`.

    Attributes:
        members: The object.
        canonical: Its canonical bytes.
        plain: Whether it has neither fractions nor names beyond ASCII.
    """

    __slots__ = ("canonical", "members", "plain")

    def __init__(self, members: dict[str, JSON]) -> None:
        self.members = members
        self.canonical, self.plain = _encode(members)

    @classmethod
    def parse(cls, data: bytes, *, max_bytes: int = MAX_JSON_BYTES) -> Self:
        """Parse an object, canonical or not; raises as :func:`parse`."""
        value, canonical = _read(data, max_bytes)
        if not isinstance(value, dict):
            _refuse("not a JSON object")
        if not canonical:
            return cls(value)
        document = cls.__new__(cls)
        document.members, document.canonical, document.plain = value, data, True
        return document

    def encode_part(self, part: dict[str, JSON]) -> bytes:
        """Return the canonical bytes of some members of the object, or of an inner object."""
        return orjson.dumps(part, option=_OPTIONS) if self.plain else encode(part)

    def holding(self, name: str, value: JSON) -> bytes:
        """Return the canonical bytes of the object with ``value`` as its member ``name``."""
        plain = self.plain and _encode({name: value})[1]
        held = {**self.members, name: value}
        return orjson.dumps(held, option=_OPTIONS) if plain else encode(held)


def _read(
    data: bytes, max_bytes: int, *, floats: bool = False, nulls: bool = False
) -> tuple[JSON, bool]:
    # The value, and whether the text is known to be its canonical form.
    if len(data) > max_bytes:
        _refuse(f"{pluralize(len(data), 'byte')} is more than the {max_bytes} allowed here")
    found = _canonical_value(data)
    if found is not None:
        return found[0], True
    if data.startswith(b"\xef\xbb\xbf"):
        _refuse("starts with a byte-order mark")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("bad-json", f"not UTF-8 (byte {error.start})") from None
    _check_depth(text)
    try:
        value = _DECODERS[floats].decode(text)
    except json.JSONDecodeError as error:
        raise FormatError("bad-json", f"not JSON: {error.msg} at character {error.pos}") from None
    # Decoded UTF-8 holds no surrogate, so only an escape can bring one; most texts skip the walk.
    surrogates = _SURROGATE_ESCAPE.search(text) is not None
    if surrogates or (not nulls and "null" in text):
        _check_values(value, nulls=nulls, surrogates=surrogates)
    return value, False


def _canonical_value(data: bytes) -> tuple[JSON] | None:
    # A text that the encoder gives back byte for byte is the canonical form of that very value,
    # and the strict reader below would read the same from it: whatever this quick reader lets
    # pass (a member twice, -0, an integer beyond 2^53-1) is not written that way again. Where the
    # encoder is not exact, and for nulls, which not every caller takes, None: the reader decides.
    if data[1:2] in _SPACE or b"null" in data:
        return None
    try:
        value = _QUICK.decode(data)
        if orjson.dumps(value, option=_OPTIONS) != data:
            return None
    except (msgspec.MsgspecError, orjson.JSONEncodeError, ValueError, RecursionError):
        return None
    if data.isascii() and data.count(b"{") + data.count(b"[") <= MAX_JSON_DEPTH:
        return (value,)  # neither names beyond ASCII nor depth; floats were refused: all is plain
    return (value,) if _is_plain(value, ascii_names=data.isascii()) else None


def _encode(value: JSON) -> tuple[bytes, bool]:
    # The canonical bytes, and whether the value is plain.
    try:
        data = orjson.dumps(value, option=_OPTIONS)
        if _is_plain(value, ascii_names=data.isascii()):
            return data, True
    except orjson.JSONEncodeError:
        pass  # no canonical form, or nested deeper than orjson goes
    try:
        return rfc8785.dumps(value), False
    except RecursionError:
        raise FormatError("bad-json", "no canonical form: nested too deeply") from None
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise FormatError("bad-json", f"no canonical form: {error}") from None


def _is_plain(value: JSON, *, ascii_names: bool) -> bool:
    # Whether orjson's encoding of the value, which it did encode, is that of RFC 8785: it sorts
    # names by code point (the order of UTF-16 units in ASCII) and writes strings and the integers
    # it takes alike, but not floats; and it takes what is no JSON value at all (a UUID, an enum).
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        deeper: list[JSON] = []
        for item in level:
            kind = type(item)
            if kind is dict:
                if not ascii_names and not "".join(item).isascii():
                    return False
                held = item.values()
            elif kind is list:
                held = item
            elif kind is int or kind is bool or kind is str or item is None:
                continue
            else:
                return False
            for inner in held:
                if type(inner) is not str:  # most are, and need no look
                    deeper.append(inner)  # noqa: PERF401 (a comprehension is a call more)
        if not deeper:
            return True
        level = deeper
    return False


def as_json(value: Any) -> JSON:
    """Return the JSON form of a record.

    Members have the names that the class declares (``rename``); members with default values are
    left out if the class declares ``omit_defaults``. A value with a text form, such as a digest or
    a moment, becomes that text.
    """
    if isinstance(value, list | tuple):  # most hold texts or numbers, which need no look
        return [one if type(one) in (int, str) else as_json(one) for one in value]
    if isinstance(value, msgspec.Struct):
        if type(value).__str__ is not object.__str__:
            return str(value)
        names, silent = value.__struct_fields__, {}
        if value.__struct_config__.omit_defaults:
            silent = dict(zip(reversed(names), reversed(value.__struct_defaults__), strict=False))
        return {
            written: as_json(held)
            for name, written in zip(names, value.__struct_encode_fields__, strict=True)
            if (held := getattr(value, name)) != silent.get(name, msgspec.NODEFAULT)
        }
    if isinstance(value, dict):
        return {name: as_json(held) for name, held in value.items()}
    return format_timestamp(value) if isinstance(value, datetime) else value


def _refuse(reason: str) -> NoReturn:
    raise FormatError("bad-json", reason)


def _check_depth(text: str) -> None:
    # Before json.loads, whose recursion a 20,000-deep document would exhaust. Brackets inside
    # strings are skipped exactly, or a licence text full of "[" would be refused.
    if text.count("[") + text.count("{") <= MAX_JSON_DEPTH:
        return
    depth = 0
    for found in _BRACKET_OR_STRING.finditer(text):
        depth += _DEPTH_STEP.get(found[0], 0)
        if depth > MAX_JSON_DEPTH:
            _refuse(f"nested deeper than {MAX_JSON_DEPTH}")


def _unique_members(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                _refuse(f"member {name[:80]!r} occurs twice")
            seen.add(name)
    return members


def _safe_integer(literal: str) -> int:
    if len(literal) > 17 or abs(int(literal)) > MAX_INTEGER:
        _refuse(f"integer {literal[:24]} is beyond 2^53-1")
    if literal == "-0":
        _refuse("-0 is not an integer here")
    return int(literal)


def _no_float(literal: str) -> NoReturn:
    _refuse(f"{literal[:24]} is not an integer; decimals are strings here")


def _finite_float(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        _refuse(f"{literal[:24]} is not a finite number")
    return value


def _no_constant(literal: str) -> NoReturn:
    _refuse(f"{literal} is not JSON")


def _check_values(value: JSON, *, nulls: bool, surrogates: bool) -> None:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item.values())
            if surrogates:
                pending.extend(item)
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, str):
            if surrogates:
                _check_string(item)
        elif item is None and not nulls:
            _refuse("null is not used here; leave the member out")


def _check_string(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise FormatError("bad-json", "a string holds a lone surrogate") from None


_QUICK = msgspec.json.Decoder(float_hook=_no_float)

# Made once: making one costs half as much as reading a credential. By whether floats are accepted.
_DECODERS = {
    floats: json.JSONDecoder(
        object_pairs_hook=_unique_members,
        parse_int=_safe_integer,
        parse_float=_finite_float if floats else _no_float,
        parse_constant=_no_constant,
    )
    for floats in (False, True)
}
