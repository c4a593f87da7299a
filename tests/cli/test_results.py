"""Every command runs once with ``--json`` and prints each form that its schema has."""

from pathlib import Path

import pytest

from lyrikstore.canon.schemas import load_schema, schema_names
from tests.cli import tour

NEED_A_MODEL = {
    *("approve", "card", "checkpoints-add", "checkpoints-merge", "deploy", "error"),
    *("evaluate", "monitor", "predict", "reproduce", "train"),
}
RESULTS = {name.removeprefix("cli/") for name in schema_names() if name.startswith("cli/")}


@pytest.mark.ci
def test_every_result_is_as_its_schema_says(tmp_path: Path) -> None:
    found = tour.tour(tmp_path)
    # `ui` serves until it is stopped: tests/explorer/test_command.py holds its result.
    assert found.keys() == RESULTS - NEED_A_MODEL - {"common", "ui"}
    for name, forms in found.items():
        assert len(forms) == len(load_schema(f"cli/{name}").get("oneOf", [0])), name


@pytest.mark.ci
@pytest.mark.train
def test_so_are_those_that_need_a_model(tmp_path: Path) -> None:
    assert tour.trained(tmp_path).keys() >= NEED_A_MODEL
