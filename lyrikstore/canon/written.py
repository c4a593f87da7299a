"""What a person wrote, held to its schema: what is wrong with it, in the words of the file."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.near import near
from lyrikstore.canon.schemas import find_fault, whole_schema

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

_KINDS = {
    "string": "text, in quotes",
    "integer": "a whole number, without quotes",
    "array": "a list, in brackets",
    "object": "a table of its own",
}


def check_written(document: Any, schema: str, *, inside: Sequence[str] = ()) -> None:
    """Return if a file that a person wrote satisfies a schema.

    Args:
        document: What the file says, or a document that it became a part of.
        schema: As for :func:`~lyrikstore.canon.schemas.check_schema`.
        inside: Members of the document that the file knows nothing of; they are left out where a
            place is named.

    Raises:
        FormatError: (``schema``) it does not. The message counts tables from 1, as people do; the
            hint, if there is one, says what to write instead.
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
        return f"{name[:80]!r} is unknown", near(name, known) or f"known: {', '.join(known)[:300]}"
    if kind.name == "required":
        return f"{kind.property!r} is missing", ""
    if kind.name == "type" and kind.types == ["array"] and isinstance(fault.instance, dict):
        return f"a table has to be one of a list: [[{fault.instance_path[-1]}]]", ""
    if kind.name == "type" and len(kind.types) == 1 and kind.types[0] in _KINDS:
        return f"{got} has to be {_KINDS[kind.types[0]]}", ""
    if kind.name == "enum":
        options = list(map(str, kind.options))
        return f"{got} is none of {', '.join(options)}", near(str(fault.instance), options)
    if kind.name == "falseSchema":
        return "cannot stand here beside the rest", ""
    if kind.name == "pattern" and rule.get("examples"):
        examples = " or ".join(map(str, rule["examples"]))
        return f"{got} is not written as it has to be", f"such as {examples}"
    if kind.name == "oneOf":
        return f"{got} has none of the forms it may have", ""
    return " ".join(fault.message.split())[:200], ""
