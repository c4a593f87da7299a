"""A foreign issuer, a holder, and what they sign."""

from collections.abc import Iterator
from typing import Any

import pytest

import foreign
from tests.conftest import Person
from tests.w3c.serving import Server, start, stop


@pytest.fixture(scope="session")
def made() -> Any:
    return foreign


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    person = Person(tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work"))
    person.ok("key", "new", "api", "--no-passphrase")
    process, said = start(person, "--signer", "api")
    yield Server(said["url"], said["issuer"])
    stop(process)
