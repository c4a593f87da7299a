"""The kind table agrees with the schemas and refuses inputs of another kind."""

import json

import pytest

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.files import data_folder
from lyrikstore.canon.schemas import load_schema
from lyrikstore.history.manifests.kinds import KINDS, PREFIXES, check_inputs, kind_of


def test_every_kind_has_a_schema_and_every_schema_a_kind():
    names = {path.name for path in data_folder("schemas").joinpath("kinds").iterdir()}
    assert names == {f"{name}.schema.json" for name in KINDS}


def test_schemas_are_strict():
    def walk(schema, place):
        if isinstance(schema, dict):
            if "properties" in schema and place and schema.get("type") == "object":
                opened = "additionalProperties" not in schema
                assert not opened or schema["properties"].keys() == {"use"}, place
            for key, value in schema.items():
                walk(value, f"{place}/{key}")
        elif isinstance(schema, list):
            for position, value in enumerate(schema):
                walk(value, f"{place}/{position}")

    for name in KINDS:
        schema = load_schema(f"kinds/{name}")
        assert schema["additionalProperties"] is False
        walk(schema, name)
        assert '"type": "number"' not in json.dumps(schema)


def test_origins_of_the_schemas_are_those_of_the_table():
    for name, kind in KINDS.items():
        origins = load_schema(f"kinds/{name}")["properties"].get("origin", {}).get("enum", ())
        assert set(origins) == set(kind.origins or ())


def test_prefixes():
    assert PREFIXES["policies"] == {"genesis", "policy"}
    assert PREFIXES["datasets"] == {"dataset"}
    with pytest.raises(FormatError):
        kind_of("blob")


@pytest.mark.parametrize(
    ("kind", "body", "inputs", "good"),
    [
        ("dataset", {"origin": "committed"}, [], True),
        ("dataset", {"origin": "committed"}, [("source", "dataset")], False),
        ("dataset", {"origin": "filtered"}, [("source", "dataset"), ("filter", "filter")], True),
        ("dataset", {"origin": "filtered"}, [("source", "dataset")], False),
        ("dataset", {"origin": "filtered"}, [("source", "filter"), ("filter", "filter")], False),
        ("dataset", {"origin": "other"}, [("source", "dataset")], False),
        ("records", {}, [("dataset", "dataset")], True),
        ("records", {}, [], False),
        ("records", {}, [("dataset", "dataset")] * 2, False),
        ("run", {}, [("train", "dataset"), ("base", "checkpoint")], True),
        ("run", {}, [("train", "checkpoint")], False),
        ("run", {}, [("train", "dataset"), ("base", "checkpoint"), ("base", "checkpoint")], False),
        ("checkpoint", {"origin": "trained"}, [("run", "run"), ("train", "dataset")], True),
        ("checkpoint", {"origin": "trained"}, [("train", "dataset")], False),
        ("checkpoint", {"origin": "imported"}, [("run", "run")], False),
        ("evaluation", {}, [("checkpoint", "checkpoint"), ("test", "dataset")], True),
        ("evaluation", {}, [("checkpoint", "dataset"), ("test", "dataset")], False),
        ("filter", {}, [("anything", "dataset")], False),
        ("genesis", {}, [("anything", "dataset")], False),
    ],
)
def test_inputs_are_typed(kind, body, inputs, good):
    if good:
        check_inputs(kind_of(kind), body, inputs)
        return
    with pytest.raises(FormatError) as caught:
        check_inputs(kind_of(kind), body, inputs)
    assert caught.value.kind == "bad-input"
