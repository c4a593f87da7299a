"""The vectors are what their modules make, nothing else lies among them, and ids are unique."""

import json
from pathlib import Path

import pytest

from write import HERE, MODULES, made

KEPT = {"w3c-eddsa"}  # what W3C made, as it came


@pytest.mark.parametrize("module", MODULES)
def test_vectors_are_current(module: str) -> None:
    files = made(module)
    assert files
    for name, text in files.items():
        assert (HERE / name).read_text("ascii") == text, name
        cases = json.loads(text).get("cases", [])
        ids = [case["id"] for case in cases if "id" in case]
        assert len(set(ids)) == len(ids), name


def test_no_vector_is_left_behind() -> None:
    there = {
        str(path.relative_to(HERE))
        for path in Path(HERE).rglob("*.json")
        if path.relative_to(HERE).parts[0] not in KEPT
    }
    assert there == {name for module in MODULES for name in made(module)}
