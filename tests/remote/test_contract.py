"""The contract suite over every kind of remote, on real servers."""

import uuid

import pytest

from lyrikstore.objects.remote import open_backend
from lyrikstore.testing.backends import BackendContract


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


@pytest.mark.sftp
class TestSftp(BackendContract):
    swaps_exclusively = False

    @pytest.fixture
    def backend(self, tmp_path, sshd):
        backend = sshd.backend(tmp_path / "store", tmp_path / "scratch")
        yield backend
        backend.close()
