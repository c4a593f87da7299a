"""The JSON Schemas that ship with lyrikstore, and the one way to apply them."""

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.jsontext import JSON
from lyrikstore.canon.packaged import PACKAGE, read_packaged

_NAME = re.compile(r"[a-z0-9-]+(?:/[a-z0-9-]+)*")

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator


def schema_root() -> Path:
    """Return the folder that holds the schemas, in a wheel as in a checkout."""
    packaged = PACKAGE / "_schemas"
    return packaged if packaged.is_dir() else PACKAGE.parent / "schemas"


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Return the schema ``NAME.schema.json``.

    Args:
        name: Such as ``manifest`` or ``kinds/dataset``.

    Raises:
        FormatError: (``schema``) lyrikstore has no such schema; the name may come from a document.
    """
    place = schema_root().joinpath(*f"{name}.schema.json".split("/"))
    if not _NAME.fullmatch(name) or not place.is_file():
        raise FormatError("schema", f"no schema is named {name[:80]!a}", hint="upgrade lyrikstore")
    schema: dict[str, Any] = json.loads(read_packaged(place))
    return schema


def check_schema(document: JSON, name: str) -> None:
    """Return if ``document`` satisfies the schema ``name``.

    Raises:
        FormatError: (``schema``) it does not; the message names the place and the rule.
    """
    from jsonschema_rs import ValidationError

    try:
        # ATTACK: every error holds a copy of the value it is about. Of a megabyte of digits that is
        # thirty, so only one is asked for.
        _validator(name).validate(document)
    except ValidationError as error:
        place = "/".join(map(str, error.instance_path)) or "document"
        rule = " ".join(error.message.split())[:200]
        raise FormatError("schema", f"{place}: {rule}", details={"schema": name}) from None
    except (TypeError, ValueError, OverflowError) as error:  # a date of TOML, say: no JSON at all
        raise FormatError("schema", f"document: {error}"[:200], details={"schema": name}) from None


@cache
def _validator(name: str) -> "Draft202012Validator":
    # 40 ms: only when something is validated.
    from jsonschema_rs import Draft202012Validator, RegexOptions

    # The lookahead is for engines whose $ also matches before a last line feed. This one's does
    # not; and it has no lookahead, and matches whatever it is given in linear time.
    text = json.dumps(load_schema(name)).replace("$(?!\\n)", "$")
    return Draft202012Validator(json.loads(text), pattern_options=RegexOptions())
