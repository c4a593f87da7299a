"""Stores with a lineage: one to read, copies of it to damage, new ones to extend."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.verify.store.honest import Honest
from tests.verify.store.lineage import Lineage, make_lineage


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, world: SimpleNamespace) -> Lineage:
    return make_lineage(tmp_path_factory.mktemp("sound"), world)


@pytest.fixture
def copied(sound: Lineage, tmp_path: Path) -> Lineage:
    """The same store, to be damaged. Read only: its log key would refuse a copy."""
    shutil.copytree(sound.root, tmp_path / ".lyrikstore")
    return Lineage(tmp_path / ".lyrikstore", sound.world, sound.publisher, sound.ids)


@pytest.fixture
def fresh(tmp_path: Path, world: SimpleNamespace) -> Lineage:
    """A store of its own, to be extended."""
    return make_lineage(tmp_path, world)


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Honest:
    """A store with a manifest of every kind, to which versions may be added."""
    made = Honest(tmp_path_factory.mktemp("honest"))
    made.build()
    return made
