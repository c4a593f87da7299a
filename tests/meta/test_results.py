"""What commands print with ``--json`` is described by schemas: all of it, strictly, one way."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from lyrikstore.canon.schemas import load_schema, schema_names, whole_schema
from tests.epilogs import commands, result_of

SCHEMAS = [name for name in schema_names() if name.startswith("cli/")]
OPEN = {
    "document": "signed, or made for other software: its own format describes it",
    "details": "depends on the kind",
}
"""Members that hold any object, and why."""

VERSIONS = {
    "cli/verify": 2,
    "cli/diff": 3,
    "cli/evaluate": 2,
    "cli/predict": 2,
    "cli/train": 2,
    "cli/card": 2,
    "cli/key-admit": 2,
    "cli/help": 2,
}
"""Results of which a later version than the first is printed."""

SEVERAL = {
    "body": "each kind of manifest has a form of its own",
    "kind": "each sort of thing has kinds of its own",
    "name": "keys, remotes, formats and credentials are called otherwise than what is signed",
    "path": "on this machine, or within a dataset",
    "answer": "what terms say to a use, or a model to a text",
    "candidates": "of models to train, or of labels",
    "holds": "whether a lock does, or a dataset records of another",
    "format": "each command that writes several has its own",
}
"""Names that mean something else in another place, and why they do."""


def test_every_command_has_a_schema_and_every_schema_a_command() -> None:
    named = {f"cli/{result_of(words)}" for words in commands()}
    assert named | {"cli/error", "cli/common"} == set(SCHEMAS)


def objects(part: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(part, dict):
        if part.get("type") == "object":
            yield name, part
        for key, value in part.items():
            yield from objects(value, key)
    elif isinstance(part, list):
        for value in part:
            yield from objects(value, name)


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_strict_and_say_what_each_member_is(name: str) -> None:
    schema = load_schema(name)
    examples = schema.get("examples", [])
    schema = {key: value for key, value in schema.items() if key != "examples"}
    assert schema["title"]
    for member, one in objects(schema):
        if "properties" in one:
            closed = one.get("additionalProperties") is False
            assert closed or schema.get("unevaluatedProperties") is False, member
            assert set(one.get("required", [])) == set(one["properties"]) or member == "limits"
            assert all(
                "description" in value or "$ref" in value for value in one["properties"].values()
            ), member
        else:
            assert isinstance(one.get("additionalProperties"), dict) or member in OPEN, member
    if name == "cli/common":
        return
    for form in schema.get("oneOf", [schema]):
        said = form["properties"]["schema"]["const"]
        assert said == f"lyrikstore/{name}/v{VERSIONS.get(name, 1)}"
    # By another engine than the one that the tests of the command line use.
    validator = Draft202012Validator(whole_schema(name))
    assert examples
    for example in examples:
        validator.validate(example)
        assert not validator.is_valid({**example, "another": 1})
        for member in example.keys() - {"issuer", "profile", "parts"}:
            assert not validator.is_valid({k: v for k, v in example.items() if k != member})


def test_the_same_name_is_the_same_thing_everywhere() -> None:
    kinds: dict[str, set[str]] = {}
    for name in SCHEMAS:
        schema = {key: value for key, value in load_schema(name).items() if key != "examples"}
        for _, one in objects(schema):
            for member, value in one.get("properties", {}).items():
                kinds.setdefault(member, set()).add(_kind(value))
    differing = {member: kind for member, kind in kinds.items() if len(kind) > 1}
    assert {m: k for m, k in differing.items() if m not in SEVERAL and m != "schema"} == {}


def _kind(member: dict[str, Any]) -> str:
    """Return the type of a member, whatever is said of it, and whether or not it can be null."""
    if "anyOf" in member:
        member = member["anyOf"][0]
    if "items" in member:
        return f"list of {_kind(member['items'])}"
    if "properties" in member:
        return f"object of {sorted(member['properties'])}"
    reference = member.get("$ref", "").removeprefix("common.schema.json")
    return str(reference or member.get("type") or member.get("enum"))
