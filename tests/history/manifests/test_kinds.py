"""The kind table agrees with the schemas and refuses inputs of another kind."""

import json

import pytest

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.schemas import load_schema, schema_names
from lyrikstore.history.manifests.kinds import KINDS, PREFIXES, check_inputs, kind_of
from lyrikstore.history.manifests.versions import least_version

SCHEMAS = sorted(
    kind.schema(version)
    for kind in KINDS.values()
    for version in range(kind.first, kind.newest + 1)
)


def test_every_kind_has_its_schemas_and_every_schema_a_kind():
    assert [name for name in schema_names() if name.startswith("kinds")] == SCHEMAS


def taken(old, new, place):
    """What the old schema takes, the new one takes too: it has more members and more choices."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in ("properties", "$defs"):
            for name in old.get(key, ()):
                taken(old[key][name], new[key][name], f"{place}/{key}/{name}")
        assert set(new.get("required", ())) <= set(old.get("required", ())), place
        assert set(new.get("enum", ())) >= set(old.get("enum", ())), place
        added = set(new.get("properties", ())) - set(old.get("properties", ()))
        for member, others in new.get("dependentRequired", {}).items():
            assert {member, *others} <= added | set(old.get("required", ())), place
        # One of several members: what was required, and nothing that was there.
        choices = [set(one["required"]) for one in new.get("oneOf", ())]
        first = [one for one in choices if one <= set(old.get("required", ()))]
        assert len(first) == bool(choices), place
        assert all(one & added for one in choices if one not in first), place
        free = {"properties", "$defs", "required", "enum", "dependentRequired", "allOf", "oneOf"}
        free |= {"$id", "title", "description", "minItems"}
        assert new.get("minItems", 0) <= old.get("minItems", 0), place
        for key in (old.keys() | new.keys()) - free:
            taken(old[key], new[key], f"{place}/{key}")
        return
    if isinstance(old, list) and isinstance(new, list):
        assert len(old) == len(new), place
        for position, (before, after) in enumerate(zip(old, new, strict=True)):
            taken(before, after, f"{place}/{position}")
        return
    assert old == new, place


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.first < kind.newest])
def test_version_2_takes_what_version_1_takes(name):
    kind = KINDS[name]
    taken(load_schema(kind.schema(1)), load_schema(kind.schema(2)), name)


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name.startswith("kinds-")])
def test_every_new_member_is_described(name):
    def walk(schema, before, place):
        for member, part in schema.get("properties", {}).items():
            old = before.get("properties", {}).get(member)
            if old is None:
                assert "description" in part, f"{place}/{member}"
            walk(part, old or {}, f"{place}/{member}")
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                walk(schema[key], before.get(key, {}), f"{place}/{key}")

    kind = KINDS[name.partition("/")[2]]
    walk(load_schema(name), load_schema(kind.schema(1)) if kind.first == 1 else {}, name)


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

    for name in SCHEMAS:
        schema = load_schema(name)
        assert schema["additionalProperties"] is False
        walk(schema, name)
        assert '"type": "number"' not in json.dumps(schema)


def test_origins_of_the_schemas_are_those_of_the_table():
    for kind in KINDS.values():
        schema = load_schema(kind.schema(kind.newest))
        origins = schema["properties"].get("origin", {}).get("enum", ())
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
        check_inputs(kind_of(kind), 1, body, inputs)
        return
    with pytest.raises(FormatError) as caught:
        check_inputs(kind_of(kind), 1, body, inputs)
    assert caught.value.kind == "bad-input"


def test_a_role_of_version_2_needs_it():
    kind = kind_of("dataset")
    inputs = [("source", "dataset"), ("filter", "filter"), ("against", "dataset")]
    check_inputs(kind, 2, {"origin": "filtered"}, inputs)
    with pytest.raises(FormatError) as caught:
        check_inputs(kind, 1, {"origin": "filtered"}, inputs)
    assert caught.value.kind == "bad-input"


def test_what_fits_no_version_is_said_to_be_of_the_newest():
    assert least_version(kind_of("dataset"), {}, []) == 2
    assert least_version(kind_of("records"), {}, []) == 1
