"""A store folder and the two calls every test makes."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.objects.backends.base import Backend, LocalBackend
from lyrikstore.objects.store.blobs import BlobStore, open_blobs
from lyrikstore.objects.store.transactions import LogItem, Transaction, TransactionLog


class Box:
    """A store without floor 3: every commit logs the blobs it stored."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.log = TransactionLog(backend)

    def open(self) -> BlobStore:
        return open_blobs(self.backend, self.log.live())

    def commit(self, blobs: Iterable[bytes]) -> list[Digest]:
        store = self.open()
        with store.writer() as writer:
            ids = [writer.put_bytes(blob) for blob in blobs]
            changes = writer.finish()
        record = Transaction(
            self.log.count(),
            tuple(LogItem("manifest", blob) for blob in ids),
            changes.added,
            (),
            changes.chunk_lists,
        )
        assert self.log.append(record)
        return ids


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "store"
    root.mkdir()
    return root


@pytest.fixture
def box(root: Path) -> Box:
    return Box(LocalBackend(root))
