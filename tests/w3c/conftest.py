"""A foreign issuer, a holder, and what they sign."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "spec" / "vectors" / "make_hostile.py"


@pytest.fixture(scope="session")
def made() -> Any:
    spec = importlib.util.spec_from_file_location("make_hostile", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
