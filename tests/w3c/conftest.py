"""A foreign issuer, a holder, and what they sign."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Person
from tests.w3c.serving import Server, start, stop

SCRIPT = Path(__file__).resolve().parents[2] / "spec" / "vectors" / "make_hostile.py"


@pytest.fixture(scope="session")
def made() -> Any:
    spec = importlib.util.spec_from_file_location("make_hostile", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    person = Person(tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work"))
    person.ok("key", "new", "api", "--no-passphrase")
    process, said = start(person, "--signer", "api")
    yield Server(said["url"], said["issuer"])
    stop(process)
