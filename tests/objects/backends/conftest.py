"""Retries that do not wait, and files served by a server that fails as told."""

import pytest

from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.backends.open import Retry, open_backend
from tests.servers.faulty import FaultyServer


@pytest.fixture
def waits():
    """The seconds that retries would have slept."""
    return []


@pytest.fixture
def retry(waits):
    return Retry(sleep=waits.append, jitter=lambda: 1.0)


@pytest.fixture
def files(tmp_path):
    """A folder with a few files of a store."""
    folder = tmp_path / "served"
    folder.mkdir()
    backend = LocalBackend(folder)
    backend.create("format", b"lyrikstore 1\n")
    backend.create("packs/ab/one", bytes(range(256)) * 400)
    backend.create("packs/ab/two", bytes(range(255, -1, -1)) * 400)
    return folder


@pytest.fixture
def server(files):
    with FaultyServer(folder=files) as server:
        yield server


@pytest.fixture
def web(server, tmp_path, retry):
    backend = open_backend(
        f"{server.url}/", scratch=tmp_path / "scratch", options={"timeout": "1"}, retry=retry
    )
    yield backend
    backend.close()
