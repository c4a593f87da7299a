"""Schemas are found by name, and names from documents reach nothing else."""

import pytest
from jsonschema import Draft202012Validator

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.schemas import check_schema, load_schema, schema_root


def all_names():
    found = []
    for entry in schema_root().iterdir():
        if entry.is_dir():
            found += [f"{entry.name}/{inner.name}" for inner in entry.iterdir()]
        else:
            found.append(entry.name)
    return sorted(name.removesuffix(".schema.json") for name in found if name.endswith(".json"))


@pytest.mark.parametrize("name", all_names())
def test_every_schema_is_one(name):
    schema = load_schema(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    "name", ["", "nothing", "../pyproject", "kinds/../report", "/etc/passwd", "a\0b", "kinds/"]
)
def test_unknown_names(name):
    with pytest.raises(FormatError) as caught:
        check_schema({}, name)
    assert caught.value.kind == "schema"


def test_the_message_names_the_place():
    with pytest.raises(FormatError) as caught:
        check_schema({"verdict": "green"}, "report")
    assert caught.value.kind == "schema"
    assert caught.value.details == {"schema": "report"}
    assert "\n" not in caught.value.message
