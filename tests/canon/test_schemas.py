"""Schemas are found by name, and names from documents reach nothing else."""

import contextlib

import pytest

from lyrikstore.canon import schemas
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.files import data_folder
from lyrikstore.canon.schemas import check_schema, load_schema


def all_names():
    found = []
    for entry in data_folder("schemas").iterdir():
        if entry.is_dir():
            found += [f"{entry.name}/{inner.name}" for inner in entry.iterdir()]
        else:
            found.append(entry.name)
    return sorted(name.removesuffix(".schema.json") for name in found if name.endswith(".json"))


@pytest.mark.parametrize("name", all_names())
def test_every_schema_is_one(name):
    from jsonschema import Draft202012Validator  # slow to load

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


@pytest.mark.parametrize("name", all_names())
def test_every_schema_is_applied_by_an_engine_without_backtracking(name):
    for document in ({}, [], {"id": "\n"}):
        with contextlib.suppress(FormatError):
            check_schema(document, name)


@pytest.mark.parametrize("end", ["", "\n", "\r", "\u2028", "Z"])
def test_nothing_may_follow_what_a_pattern_wants(end):
    stamp, digest = f"2026-11-24T00:00:00Z{end}", f"sha384-{'A' * 64}{end}"
    document = {"validFrom": stamp, "credentialSchema": {"digestSRI": digest}}
    errors = schemas._validator("dataset-credential-1").iter_errors(document)
    places = {"/".join(map(str, error.instance_path)) for error in errors}
    both = {"validFrom", "credentialSchema/digestSRI"}
    assert places & both == (both if end else set())
