"""The page ``docs/json.md``: what every command prints with ``--json``, from the schemas."""

import json
from collections.abc import Iterator
from typing import Any

from lyrikstore.canon.schemas import load_schema, schema_names, whole_schema
from lyrikstore_cli.main import GROUPS

_SHARED = "common.schema.json#/$defs/"
_WORDS = {
    "logIndex": "place in the log",
    "entryPath": "path in a dataset",
    "hex": "64 hex digits",
    "bytes": "bytes",
}
"""A shared definition → what its values are called in the tables; by default its own name."""

_WIDTH = 100

_TEXT = """# Results as JSON

Made by `make docs` from `schemas/cli/`; the examples are real, made by `tools/json_examples.py`.

With `--json` a command prints one JSON object to standard output, and nothing else there. Nothing
is asked, and no progress is shown. A command that fails prints one object to standard error
instead, in one line. Each object is described by a JSON Schema (2020-12), which is strict and comes
with the program; `schema`, a member of every object, names it:

```sh
lyrikstore commit documents -d acme/contracts --json > result.json
lyrikstore schema "$(jq -r .schema result.json)"
lyrikstore schema cli/commit
```

Under one name members are only ever added: ignore those you do not know. What is not there is
`null`, never an empty text or −1; only in the report of `verify`, which is the same from Python and
in the page, and in signed documents, is a member left out. Names mean the same everywhere:

| member | what it is |
| --- | --- |
"""

_CODES = """
`verify`, `terms`, `lineage`, `impact`, `trust check --about` and `page --check` print their result
with another exit code than 0, too: there the code is part of the answer
([exit codes](exit-codes.md)).
"""


def page() -> str:
    """Return the page."""
    shared = load_schema("cli/common")["$defs"]
    common = {
        "id": "What was signed: `blake3:` and the BLAKE3-256 of its bytes, as b3sum prints it.",
        "name": shared["name"]["description"],
        "logIndex": shared["logIndex"]["description"],
        "credential": "The digest of a credential's bytes.",
        "tree": "The content's id: the same files and sheet have the same everywhere.",
        "files": "How many files.",
        "bytes": shared["bytes"]["description"],
        "author, issuer, holder, founder, did": shared["did"]["description"],
        "validFrom, validUntil, created, at": shared["time"]["description"],
        "written": "The files that were written.",
        "changed": "Whether there is anything new; a command run twice says false.",
    }
    lines = [_TEXT.rstrip("\n")]
    lines += [
        f"| {', '.join(f'`{one}`' for one in names.split(', '))} | {what} |"
        for names, what in common.items()
    ]
    lines += [_CODES, *_section("error", "A command that fails")]
    lines += ["", "A wrong command line has the kind `usage`. `details` depends on the kind."]
    names = [one.removeprefix("cli/") for one in schema_names() if one.startswith("cli/")]
    for title, commands in GROUPS.items():
        lines += ["", f"## {title}"]
        for command in commands:
            for name in names:
                if name == command or (
                    name.startswith(f"{command}-") and name not in commands and command != "status"
                ):
                    lines += ["", *_section(name, _typed(name, command))]
    return "\n".join(lines) + "\n"


def _typed(name: str, command: str) -> str:
    return f"`{name if name == command else f'{command} {name[len(command) + 1 :]}'}`"


def _section(name: str, title: str) -> list[str]:
    schema = whole_schema(f"cli/{name}")
    lines = [f"### {title}", "", f"{schema['title']}.", ""]
    examples = schema.get("examples", [])
    for form in schema.get("oneOf", [schema]):
        if form is not schema:
            lines += [f"**{form['title'][0].upper()}{form['title'][1:]}**", ""]
        lines += ["| member | type | |", "| --- | --- | --- |"]
        lines += [
            f"| `{place}` | {kind} | {what} |"
            for place, kind, what in _rows(form, schema)
            if place != "schema"
        ]
        lines.append("")
        for example in examples:
            if example.keys() <= _properties(form, schema).keys():
                lines += ["```json", *_printed(example).split("\n"), "```", ""]
    return lines[:-1]


def _printed(example: Any, indent: str = "") -> str:
    """Return JSON for people: what fits on a line is on one."""
    line = json.dumps(example, ensure_ascii=False)
    if len(indent + line) <= _WIDTH or not isinstance(example, dict | list) or not example:
        return line
    inner = indent + "  "
    if isinstance(example, dict):
        members = [f"{json.dumps(k)}: {_printed(v, inner)}" for k, v in example.items()]
    else:
        members = [_printed(one, inner) for one in example]
    start, end = "{}" if isinstance(example, dict) else "[]"
    return f"{start}\n" + ",\n".join(inner + one for one in members) + f"\n{indent}{end}"


def _rows(
    part: dict[str, Any], schema: dict[str, Any], place: str = ""
) -> Iterator[tuple[str, str, str]]:
    """Yield the members of an object, and of the objects in it: place, type, description."""
    for name, member in _properties(part, schema).items():
        here = f"{place}{name}"
        yield here, _kind(member, schema), _said(member, schema)
        inner, ending = _inside(member, schema)
        if inner is not None and "$ref" not in member:
            yield from _rows(inner, schema, f"{here}{ending}.")


def _inside(member: dict[str, Any], schema: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """Return the object that a member is, or that it holds many of, and how that is written."""
    ending = ""
    while True:
        if "$ref" in member:
            if not member["$ref"].startswith((_SHARED, "#/")):
                return None, ""  # a document, with a schema of its own; or a report in a report
            member = _resolved(member, schema)
        elif "anyOf" in member:
            member = member["anyOf"][0]
        elif "items" in member:
            member, ending = member["items"], ending + "[]"
        elif isinstance(member.get("additionalProperties"), dict):
            member, ending = member["additionalProperties"], ending + ".*"
        else:
            return (member, ending) if "properties" in member else (None, "")


def _properties(part: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    inherited = _resolved(part, schema).get("properties", {}) if "$ref" in part else {}
    return {**part.get("properties", {}), **inherited}


def _resolved(part: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    file, _, fragment = part["$ref"].partition("#")
    *_, name = fragment.split("/")
    found = schema
    if file:
        folder = "" if file.startswith("../") else "cli/"
        found = load_schema(folder + file.removeprefix("../").removesuffix(".schema.json"))
    elif name not in schema.get("$defs", {}):
        found = load_schema("report")  # whose members `verify` has, and refers to from there
    return found["$defs"][name] if name else found


def _kind(member: dict[str, Any], schema: dict[str, Any]) -> str:
    """Return the type of a member in a few words."""
    if "anyOf" in member:
        return f"{_kind(member['anyOf'][0], schema)} or null"
    if "$ref" in member:
        reference = member["$ref"]
        if not reference.startswith((_SHARED, "#")):
            return f"as `{reference.removeprefix('../').removesuffix('.schema.json')}`"
        if reference == "#":
            return "report"
        name = reference.rpartition("/")[2]
        target = _resolved(member, schema)
        return "object" if "properties" in target else _WORDS.get(name, name)
    if "const" in member:
        return f"`{member['const']}`"
    if "enum" in member:
        return ", ".join(f"`{one}`" for one in member["enum"])
    if "items" in member:
        return f"list of {_kind(member['items'], schema)}"
    kind = member.get("type", "anything")
    if isinstance(kind, list):
        return "anything"
    if kind == "object" and isinstance(member.get("additionalProperties"), dict):
        return f"object of {_kind(member['additionalProperties'], schema)}"
    return {"string": "text", "boolean": "true, false"}.get(kind, kind)


def _said(member: dict[str, Any], schema: dict[str, Any]) -> str:
    if "description" in member:
        return str(member["description"])
    return str(_resolved(member, schema).get("description", "")) if "$ref" in member else ""
