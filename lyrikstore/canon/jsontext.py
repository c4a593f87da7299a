"""Strict JSON in, RFC 8785 canonical JSON out (spec/02-canonical-json.md).

The parser refuses what other parsers silently accept and disagree about: duplicate members,
NaN, integers beyond 2^53-1, lone surrogates, byte-order marks, deep nesting. Two readers that
see different documents under one signature are how signed JSON is attacked.
"""

import json
import math
import re
from typing import Any, NoReturn

import rfc8785

from lyrikstore.canon.errors import FormatError

JSON = Any
"""None, bool, int, float, str, list[JSON] or dict[str, JSON]."""

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_INTEGER = 2**53 - 1

# A bracket, or a whole string (closed or cut off) so that its brackets are skipped. Possessive:
# a text of a million quotes must not make the scan quadratic.
_BRACKET_OR_STRING = re.compile(r'[\[\]{}]|"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_MAX_VALUES = 1 << 20
_DEPTH_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}

_fast_encoder = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def parse(
    data: bytes, *, max_bytes: int = MAX_BYTES, floats: bool = False, nulls: bool = False
) -> JSON:
    """Return the value of one JSON text.

    Args:
        data: UTF-8, no byte-order mark.
        max_bytes: Refuse longer input before looking at it.
        floats: Accept numbers with a fraction or exponent (foreign documents only).
        nulls: Accept ``null`` (foreign documents only).

    Raises:
        FormatError: (``bad-json``) anything outside the strict subset; the message names it.

    Cost: O(n) time and memory; nothing is allocated before the size is checked.
    """
    if len(data) > max_bytes:
        _refuse(f"{len(data)} bytes is more than the {max_bytes} allowed here")
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
    return value


def encode(value: JSON) -> bytes:
    """Return the RFC 8785 canonical bytes of ``value``.

    Raises:
        FormatError: (``bad-json``) the value has no canonical form: NaN, an integer beyond
            2^53-1, a lone surrogate, a member name that is not a string, a circle.

    Cost: 10 to 35 MB/s for values without floats and with ASCII member names, else about 5.
    """
    try:
        if _is_plain(value):
            return _fast_encoder.encode(value).encode("utf-8")
        return rfc8785.dumps(value)
    except RecursionError:
        raise FormatError("bad-json", "no canonical form: nested too deeply") from None
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise FormatError("bad-json", f"no canonical form: {error}") from None


def parse_canonical(data: bytes, *, max_bytes: int = MAX_BYTES) -> JSON:
    """Return the value of ``data``, which must already be canonical (attack case A18).

    Raises:
        FormatError: (``bad-json``) not strict JSON; (``not-canonical``) other bytes than
            :func:`encode` would give.
    """
    value = parse(data, max_bytes=max_bytes)
    if encode(value) != data:
        raise FormatError("not-canonical", "the JSON is not in canonical form (RFC 8785)")
    return value


class Around:
    """The canonical form of an object around one of its members, encoded once for both uses.

    A proof signs the document without it and is then part of the document: encoding both from the
    start is most of what a signature costs beside its curve.

    Args:
        document: Is not changed.
        member: An ASCII name; the document may have it.

    Raises:
        FormatError: As :func:`encode`.

    Attributes:
        without: The canonical bytes of the document without the member.
    """

    def __init__(self, document: dict[str, JSON], member: str) -> None:
        # By code point and by UTF-16 unit, everything else that is not ASCII comes after.
        before = {name: value for name, value in document.items() if name < member}
        after = {name: value for name, value in document.items() if name > member}
        self._sides = encode(before)[1:-1], encode(after)[1:-1]
        self._member = member
        self.without = b"{%b}" % b",".join(filter(None, self._sides))

    def holding(self, value: JSON) -> bytes:
        """Return the canonical bytes of the document with ``value`` as the member."""
        before, after = self._sides
        held = encode({self._member: value})[1:-1]
        return b"{%b}" % b",".join(filter(None, (before, held, after)))


def _is_plain(value: JSON) -> bool:
    # Where the standard library's encoder gives RFC 8785 bytes: it sorts names by code point (the
    # same order as UTF-16 in ASCII) and writes small integers and strings alike; floats differ.
    pending = [value]
    seen = 0
    while pending:
        item = pending.pop()
        kind = type(item)
        if kind is dict:
            try:
                if not "".join(item).isascii():
                    return False
            except TypeError:  # a name that is no string
                return False
            item = item.values()
        elif kind is not list:
            if kind is int:
                if not -MAX_INTEGER <= item <= MAX_INTEGER:
                    return False
            elif kind is not str and kind is not bool and item is not None:
                return False
            continue
        for inner in item:
            if type(inner) is not str:  # most are, and need no look
                pending.append(inner)  # noqa: PERF401 (a comprehension is a call more)
        seen += 1 + len(item)
        if seen > _MAX_VALUES:  # a circle never ends
            return False
    return True


def _refuse(reason: str) -> NoReturn:
    raise FormatError("bad-json", reason)


def _check_depth(text: str) -> None:
    # Before json.loads, whose recursion a 20,000-deep document would exhaust. Brackets inside
    # strings are skipped exactly, or a licence text full of "[" would be refused.
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for found in _BRACKET_OR_STRING.finditer(text):
        depth += _DEPTH_STEP.get(found[0], 0)
        if depth > MAX_DEPTH:
            _refuse(f"nested deeper than {MAX_DEPTH}")


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
