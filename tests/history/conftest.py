"""A small real store for the tests of this folder: fixed keys, and a clock that stands still."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.transaction import (
    TransactionBuilder,
    create_repository,
    open_transaction,
)
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree, TreeEntry

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
ORIGIN = "example.org/archive"
OWNER = KeySigner(PrivateKey.from_seed(b"\x01" * 32))
LOG = KeySigner(PrivateKey.from_seed(b"\x02" * 32))
STRANGER = KeySigner(PrivateKey.from_seed(b"\x03" * 32))


def dataset_body(**changes: Any) -> dict[str, Any]:
    """Return the smallest body of a dataset."""
    return {
        "reader": "document/1",
        "records": 1,
        "bytes": 5,
        "fileCount": 1,
        "origin": "committed",
        "descriptor": {},
        "ignored": 0,
        **changes,
    }


def filter_body() -> dict[str, Any]:
    """Return the smallest body of a filter."""
    return {"recipe": {}, "steps": [{"use": "empty/1"}], "reads": ["text"], "engine": "builtin/1"}


@dataclass
class Shelf:
    """A store being tested, and how to put things into it."""

    root: Path
    memory: LogMemory
    repo: Repository = field(init=False)
    owner = OWNER
    log = LOG
    stranger = STRANGER
    now = NOW
    origin = ORIGIN
    dataset_body = staticmethod(dataset_body)
    filter_body = staticmethod(filter_body)

    def __post_init__(self) -> None:
        self.repo = Repository.open(self.root, memory=self.memory, log_signer=self.log)

    def again(self) -> Repository:
        """Return the store as somebody else opens it now."""
        return Repository.open(self.root)

    def manifest(
        self,
        tx: TransactionBuilder,
        name: str = "datasets/acme/texts",
        content: Mapping[str, bytes] | None = None,
        **changes: Any,
    ) -> Manifest:
        """Return a signed dataset whose blobs are in ``tx``."""
        entries = []
        for path, data in (content or {"a.txt": b"hello"}).items():
            entries.append(TreeEntry(path, len(data), tx.writer.put_bytes(data), None))
        tree = Tree.of(entries)
        tx.writer.put_bytes(tree.encode())
        options: dict[str, Any] = {
            "kind": "dataset",
            "store": self.repo.store_id,
            "name": name,
            "body": dataset_body(),
            "tree": tree.id,
            "files": tree.files_id,
            "signer": OWNER,
            "created": NOW,
        }
        return sign_manifest(**(options | changes))

    def commit(
        self,
        name: str = "datasets/acme/texts",
        content: Mapping[str, bytes] | None = None,
        parents: tuple[Digest, ...] | None = None,
        **changes: Any,
    ) -> Manifest:
        """Commit a version of a dataset that succeeds the current one."""
        if parents is None:
            state = self.repo.refs.get(name)
            parents = (state.id,) if state else ()
        with open_transaction(self.repo) as tx:
            manifest = self.manifest(tx, name, content, parents=parents, **changes)
            tx.log_manifest(manifest)
            tx.commit()
        return manifest

    def derive(self, source: Manifest, name: str = "datasets/acme/clean") -> Manifest:
        """Commit a filter and the dataset it gives."""
        with open_transaction(self.repo) as tx:
            made_by = sign_manifest(
                kind="filter",
                store=self.repo.store_id,
                name="filters/acme/clean",
                body=filter_body(),
                signer=OWNER,
                created=NOW,
            )
            result = self.manifest(
                tx,
                name,
                body=dataset_body(origin="filtered"),
                inputs=(
                    Input("source", "dataset", source.id),
                    Input("filter", "filter", made_by.id),
                ),
            )
            tx.log_manifest(made_by)
            tx.log_manifest(result)
            tx.commit()
        return result


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A new store with its genesis only."""
    root = tmp_path / "project" / ".lyrikstore"
    root.parent.mkdir()
    memory = LogMemory(tmp_path / "memory")
    create_repository(
        root,
        origin=ORIGIN,
        signer=OWNER,
        log_signer=LOG,
        clock=lambda: NOW,
        memory=memory,
        nonce=b"\x09" * 16,
    )
    return Shelf(root, memory)
