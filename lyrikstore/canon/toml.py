"""Bounded parsing of TOML files, with limits that the standard library does not have.

To `tomllib` a key of n dotted parts costs n² memory and n³ time (attack: 100 KB of ``a.a.a…`` take
gigabytes), an integer of 5,000 digits is a bare ``ValueError``, and ``1e999999999`` is a decimal
that takes a gigabyte to write out.
"""

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.schemas import find_fault, whole_schema
from lyrikstore.canon.text import suggest

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

_KINDS = {
    "string": "text, in quotes",
    "integer": "a whole number, without quotes",
    "array": "a list, in brackets",
    "object": "a table of its own",
}

MAX_KEY_PARTS = 32
"""Most parts of a dotted key or table name."""

MAX_EXPONENT = 30
"""Largest exponent of a decimal, either way."""

_INTEGERS = range(-(1 << 63), 1 << 63)  # what TOML 1.0 asks of every parser

# Every alternative ends, closed or not, so that nothing is looked at twice.
_STRING_OR_COMMENT = re.compile(
    r'"""(?:[^\\]|\\.)*?(?:"""|\Z)'
    r"|'''.*?(?:'''|\Z)"
    r'|"(?:[^"\\\n]|\\.)*+"?'
    r"|'[^'\n]*+'?"
    r"|\#[^\n]*+",
    re.DOTALL,
)
_LONG_KEY = re.compile(
    rf"(?<![\w-])[\w-]++(?:[ \t]*+\.[ \t]*+[\w-]++){{{MAX_KEY_PARTS}}}", re.ASCII
)


def parse_toml(
    data: bytes, *, max_bytes: int, decimal: Callable[[Decimal], Any] = lambda value: value
) -> dict[str, Any]:
    """Parse a TOML file.

    Args:
        data: The file.
        max_bytes: Largest size; larger files are refused.
        decimal: Function that converts each decimal, which is finite and within
        :data:`MAX_EXPONENT`; by default decimals stay decimals.

    Raises:
        FormatError: (``bad-toml``) too long, not UTF-8, not TOML, or beyond the bounds: keys of
            more than :data:`MAX_KEY_PARTS` parts, integers of more than 64 bits, nesting beyond
            what Python can hold, decimals that are not finite or too large or small to write out.
    """
    if not data:
        return {}
    import tomllib  # 2 ms, and most files that may be there are not

    if len(data) > max_bytes:
        raise _bad(f"longer than {max_bytes} bytes")

    def read_decimal(literal: str) -> Any:
        try:
            value = Decimal(literal.replace("_", ""))
        except InvalidOperation:  # an exponent beyond what decimals can have
            value = Decimal("NaN")
        if not value.is_finite() or abs(value.adjusted()) > MAX_EXPONENT:
            raise _bad(f"{literal[:40]} cannot be used as a number here")
        return decimal(value)

    try:
        text = data.decode("utf-8-sig")  # editors of Windows begin with a byte-order mark
        if _LONG_KEY.search(_STRING_OR_COMMENT.sub(_placeholder, text)):
            raise _bad(f"a key has more than {MAX_KEY_PARTS} parts")
        document = tomllib.loads(text, parse_float=read_decimal)
        _check_integers(document)
    except FormatError:
        raise
    except RecursionError:
        raise _bad("nested too deeply") from None
    except UnicodeDecodeError:
        raise _bad("not UTF-8 text") from None
    except ValueError as error:  # also of integers too long to read
        raise _bad(f"not TOML: {' '.join(str(error).split())[:200]}") from None
    return document


def _placeholder(found: re.Match[str]) -> str:
    return " " if found[0].startswith("#") else "q"  # a quoted part of a key is a part


def _check_integers(value: Any) -> None:
    match value:
        case bool():
            pass
        case int() if value not in _INTEGERS:
            raise _bad("an integer has more than 64 bits")
        case dict():
            for item in value.values():
                _check_integers(item)
        case list():
            for item in value:
                _check_integers(item)


def _bad(reason: str) -> FormatError:
    return FormatError("bad-toml", reason)


def check_user_file(document: Any, schema: str, *, inside: Sequence[str] = ()) -> None:
    """Raise ``schema`` unless a file that a person wrote satisfies a schema.

    Args:
        document: The content of the file, or a document that contains it.
        schema: As for :func:`~lyrikstore.canon.schemas.check_schema`.
        inside: Path of the file's content in the document; it is left out of named places.

    Raises:
        FormatError: (``schema``) the document violates it. The message counts tables from 1, as
        people do; the hint, if there is one, states what to write instead.
    """
    fault = find_fault(document, schema)
    if fault is None:
        return
    if isinstance(fault, str):
        raise FormatError("schema", fault, details={"schema": schema})
    place = _place([part for part in fault.instance_path if part not in inside])
    said, hint = _words(fault, _rule(whole_schema(schema), fault.schema_path[:-1]))
    raise FormatError("schema", f"{place}{said}", hint=hint, details={"schema": schema})


def _place(path: Sequence[str | int]) -> str:
    place = ""
    for before, part in zip(("", *path), path, strict=False):
        if isinstance(part, int):
            place += f" {part + 1}"
        else:
            place += f"{', ' if isinstance(before, int) else '.' if place else ''}{part}"
    return f"{place}: " if place else ""


def _rule(schema: dict[str, Any], path: Sequence[str | int]) -> dict[str, Any]:
    rule: Any = schema
    for part in path:
        rule = rule[part]
    return rule if isinstance(rule, dict) else {}


def _words(fault: "ValidationError", rule: dict[str, Any]) -> tuple[str, str]:
    kind: Any = fault.kind
    got = json.dumps(fault.instance, ensure_ascii=False, default=str)[:80]
    if kind.name == "additionalProperties":
        name = kind.unexpected[0]
        known = sorted(rule.get("properties", ()))
        return f"{name[:80]!r} is unknown", suggest(
            name, known
        ) or f"known: {', '.join(known)[:300]}"
    if kind.name == "required":
        return f"{kind.property!r} is missing", ""
    if kind.name == "type" and kind.types == ["array"] and isinstance(fault.instance, dict):
        return f"a table has to be one of a list: [[{fault.instance_path[-1]}]]", ""
    if kind.name == "type" and len(kind.types) == 1 and kind.types[0] in _KINDS:
        return f"{got} has to be {_KINDS[kind.types[0]]}", ""
    if kind.name == "enum":
        options = list(map(str, kind.options))
        return f"{got} is none of {', '.join(options)}", suggest(str(fault.instance), options)
    if kind.name == "falseSchema":
        return "cannot stand here beside the rest", ""
    if kind.name == "pattern" and rule.get("examples"):
        examples = " or ".join(map(str, rule["examples"]))
        return f"{got} is not written as it has to be", f"such as {examples}"
    if kind.name == "oneOf":
        return f"{got} has none of the forms it may have", ""
    return " ".join(fault.message.split())[:200], ""
