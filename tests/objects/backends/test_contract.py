"""The contract suite over every kind of remote, on real servers."""

import uuid

import pytest

from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.backends.open import open_backend
from lyrikstore.testing.backends import BackendContract
from tests.servers.faulty import FaultyServer


class TestFolder(BackendContract):
    def make(self, scratch):
        return open_backend(f"file://{scratch}/store", scratch=scratch)


class TestMemory(BackendContract):
    def make(self, scratch):
        return open_backend(f"memory://{uuid.uuid4().hex}", scratch=scratch)


class TestMoto(BackendContract):
    @pytest.fixture
    def backend(self, tmp_path, moto, monkeypatch):
        return moto.backend(monkeypatch, tmp_path / "scratch")


@pytest.mark.s3
class TestCeph(BackendContract):
    @pytest.fixture
    def backend(self, tmp_path, ceph, monkeypatch):
        return ceph.backend(monkeypatch, tmp_path / "scratch")


@pytest.mark.azure
class TestAzurite(BackendContract):
    @pytest.fixture
    def backend(self, tmp_path, azurite, monkeypatch):
        return azurite.backend(monkeypatch, tmp_path / "scratch")


@pytest.mark.gcs
class TestGoogle(BackendContract):
    @pytest.fixture
    def backend(self, tmp_path, google, monkeypatch):
        return google.backend(monkeypatch, tmp_path / "scratch")


@pytest.mark.sftp
class TestSftp(BackendContract):
    @pytest.fixture
    def backend(self, tmp_path, sshd):
        backend = sshd.backend(tmp_path / "store", tmp_path / "scratch")
        yield backend
        backend.close()


class WrittenHereReadOverHttp:
    """The suite with its reads going through a web server, its writes to the folder behind it."""

    def __init__(self, folder, web):
        self.folder, self.web = folder, web
        self.scratch = folder.scratch
        self.replace, self.list, self.swap = folder.replace, folder.list, folder.swap
        self.create, self.remove = folder.create, folder.remove
        self.read, self.size = web.read, web.size


class TestHttp(BackendContract):
    @pytest.fixture
    def backend(self, tmp_path):
        folder = tmp_path / "store"
        folder.mkdir()
        with FaultyServer(folder=folder) as server:
            web = open_backend(server.url, scratch=tmp_path / "scratch")
            yield WrittenHereReadOverHttp(LocalBackend(folder), web)
            web.close()
