"""The store of tests/index, with fixtures of its own here."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _load() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "index" / "conftest.py"
    spec = importlib.util.spec_from_file_location("chain_of_index_tests", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up by name
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


WORLD = _load()


@pytest.fixture(scope="session")
def world() -> ModuleType:
    """The module that makes chains."""
    return WORLD


@pytest.fixture
def chain(untouched_chain: Any, tmp_path: Path) -> Any:
    """A whole chain of one's own."""
    return untouched_chain.copy(tmp_path / "home")


@pytest.fixture(scope="session")
def untouched_chain(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A whole chain to be copied."""
    return WORLD.Chain(tmp_path_factory.mktemp("untouched")).build()


@pytest.fixture(scope="session")
def full_chain(untouched_chain: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A whole chain, for tests that do not change the store."""
    return untouched_chain.copy(tmp_path_factory.mktemp("chain"))
