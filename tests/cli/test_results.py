"""Every command runs once with ``--json``; the examples in docs/json.md were made by these runs."""

from pathlib import Path

import pytest

from lyrikstore.canon.schemas import load_schema, schema_names
from tools import json_examples

NEED_A_MODEL = {"card", "error", "evaluate", "predict", "train"}
RESULTS = {name.removeprefix("cli/") for name in schema_names() if name.startswith("cli/")}


def test_every_result_is_as_its_schema_says(tmp_path: Path) -> None:
    found = json_examples.tour(tmp_path)
    assert found.keys() == RESULTS - NEED_A_MODEL - {"common"}
    for name, forms in found.items():
        assert len(forms) == len(load_schema(f"cli/{name}").get("oneOf", [0])), name


@pytest.mark.train
def test_so_are_those_that_need_a_model(tmp_path: Path) -> None:
    assert json_examples.trained(tmp_path).keys() >= NEED_A_MODEL
