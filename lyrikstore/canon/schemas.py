"""The bundled JSON Schemas, and validation by them."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.files import data_folder, read_packaged
from lyrikstore.canon.json import JSON

_NAME = re.compile(r"[a-z0-9-]+(?:/[a-z0-9-]+)*")
_BASE = "https://w3id.org/lyrikstore/schemas/"

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Return the schema ``NAME.schema.json``.

    Args:
        name: Name of the schema, such as ``manifest`` or ``kinds/dataset``.

    Raises:
        FormatError: (``schema``) lyrikstore has no such schema; the name may come from a document.
    """
    place = data_folder("schemas").joinpath(*f"{name}.schema.json".split("/"))
    if not _NAME.fullmatch(name) or not place.is_file():
        raise FormatError("schema", f"no schema is named {name[:80]!a}", hint="upgrade lyrikstore")
    schema: dict[str, Any] = json.loads(read_packaged(place))
    return schema


def schema_names() -> list[str]:
    """Return the names of all schemas, sorted."""
    root = data_folder("schemas")
    paths = (path.relative_to(root).as_posix() for path in root.rglob("*.schema.json"))
    return sorted(path.removesuffix(".schema.json") for path in paths)


@cache
def whole_schema(name: str) -> dict[str, Any]:
    """Return a schema with all referenced schemas embedded, so that it can be applied by itself.

    Each is embedded under ``$defs`` by its ``$id`` (JSON Schema 2020-12, section 9.3.1).

    Raises:
        LyrikstoreError: As :func:`load_schema`.
    """
    schema = load_schema(name)
    embedded: dict[str, Any] = {}
    waiting = [schema]
    while waiting:
        for other in _named_in(waiting.pop()):
            if other not in embedded and other != schema["$id"]:
                embedded[other] = load_schema(_name_of(other))
                waiting.append(embedded[other])
    if not embedded:
        return schema
    return {**schema, "$defs": {**schema.get("$defs", {}), **embedded}}


def _named_in(schema: dict[str, Any]) -> Iterator[str]:
    waiting: list[Any] = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            named = part.get("$ref")
            if isinstance(named, str) and not named.startswith("#"):
                yield urljoin(schema["$id"], named).partition("#")[0]
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _name_of(identity: str) -> str:
    return identity.removeprefix(_BASE).removesuffix(".json").removesuffix(".schema")


def check_schema(document: JSON, name: str) -> None:
    """Raise ``schema`` unless ``document`` satisfies the schema ``name``.

    Raises:
        FormatError: (``schema``) the document violates it; the message names place and rule.
    """
    fault = find_fault(document, name)
    if fault is None:
        return
    if not isinstance(fault, str):
        place = "/".join(map(str, fault.instance_path)) or "document"
        fault = f"{place}: {' '.join(fault.message.split())[:200]}"
    raise FormatError("schema", fault, details={"schema": name})


def find_fault(document: Any, name: str) -> "ValidationError | str | None":
    """Return one fault of ``document`` by the schema ``name``, or None.

    There may be more faults. The fault is a sentence if it has no place, because ``document`` is
    not JSON.
    """
    from jsonschema_rs import ValidationError

    try:
        if _validator(name).is_valid(document):
            return None
        # ATTACK: every error holds a copy of the value it is about. Of a megabyte of digits that is
        # thirty, so only one is asked for.
        _validator(name).validate(document)
    except ValidationError as error:
        return error
    # A date of TOML, say: no JSON at all. That something else is wrong may be noticed before it.
    except (TypeError, ValueError, OverflowError) as error:
        return f"document: {error}"[:200]
    return "document: not valid"


@cache
def _validator(name: str) -> "Draft202012Validator":
    # 40 ms: only when something is validated.
    from jsonschema_rs import Draft202012Validator, RegexOptions

    # The lookahead is for engines whose $ also matches before a last line feed. This one's does
    # not; and it has no lookahead, and matches whatever it is given in linear time.
    text = json.dumps(whole_schema(name)).replace("$(?!\\n)", "$")
    return Draft202012Validator(json.loads(text), pattern_options=RegexOptions())
