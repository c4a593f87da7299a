"""People who share a store: a home, a remote, clones, in one process and fast."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.transaction import create_repository, open_transaction, recover
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.sync.pull import PullResult, clone, pull
from lyrikstore.history.sync.push import PushResult, Remote, push
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.backends.base import Backend, LocalBackend
from lyrikstore.objects.backends.memory import MemoryBackend

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
OWNER = KeySigner(PrivateKey.from_seed(b"\x01" * 32))
LOG = KeySigner(PrivateKey.from_seed(b"\x02" * 32))
NAME = "datasets/acme/texts"


def key(number: int) -> KeySigner:
    """Return the key of a local log."""
    return KeySigner(PrivateKey.from_seed(bytes([100 + number]) * 32))


@dataclass
class Desk:
    """One folder at which somebody works."""

    repo: Repository
    memory: LogMemory
    log: KeySigner
    number: int = 0

    def commit(
        self,
        content: Mapping[str, bytes],
        name: str = NAME,
        parents: tuple[Digest, ...] | None = None,
    ) -> Manifest:
        """Commit a version of a dataset that succeeds the current one."""
        self.repo.log_signer = key(self.number) if self.repo.is_mirror else self.log
        recover(self.repo)
        if parents is None:
            state = self.repo.refs.get(name)
            parents = (state.id,) if state else ()
        with open_transaction(self.repo) as tx:
            entries = [
                TreeEntry(path, len(data), tx.writer.put_data(data), None)
                for path, data in sorted(content.items())
            ]
            tree = Tree.of(entries)
            tx.writer.put_bytes(tree.encode())
            manifest = sign_manifest(
                kind="dataset",
                store=self.repo.store_id,
                name=name,
                body={
                    "reader": "document/1",
                    "records": len(content),
                    "bytes": tree.total_bytes,
                    "fileCount": len(content),
                    "origin": "committed",
                    "descriptor": {},
                    "ignored": 0,
                },
                tree=tree.id,
                files=tree.files_id,
                parents=parents,
                signer=OWNER,
                created=NOW,
            )
            tx.log_manifest(manifest)
            tx.commit()
        return manifest

    def push(self, backend: Backend, *, mirror: bool = False, **options: object) -> PushResult:
        """Push to ``backend``."""
        where = backend.root if isinstance(backend, LocalBackend) else f"memory://{id(backend)}"
        remote = Remote(backend, where, "origin", mirror)
        return push(self.repo, remote, memory=self.memory, log_signer=lambda: self.log, **options)  # type: ignore[arg-type]

    def pull(self, backend: Backend, **options: object) -> PullResult:
        """Pull from ``backend``."""
        return pull(self.repo, backend, "origin", memory=self.memory, **options)  # type: ignore[arg-type]

    def again(self) -> Repository:
        """Return the store as it is found anew."""
        return Repository.open(self.repo.root, memory=self.memory, log_signer=self.log)


@dataclass
class Office:
    """Where desks are made."""

    folder: Path
    count: int = 0

    def memory(self, name: str = "memory") -> LogMemory:
        """Return somebody's memory."""
        return LogMemory(self.folder / name)

    def home(self) -> Desk:
        """Make a new store."""
        root = self.folder / "home" / ".lyrikstore"
        root.parent.mkdir()
        memory = self.memory()
        repo = create_repository(
            root,
            origin="example.org/archive",
            signer=OWNER,
            log_signer=LOG,
            clock=lambda: NOW,
            memory=memory,
            nonce=b"\x09" * 16,
        )
        return Desk(repo, memory, LOG)

    def clone(self, backend: Backend, memory: str = "memory", **options: object) -> Desk:
        """Clone what is at ``backend``."""
        self.count += 1
        root = self.folder / f"clone-{self.count}"
        kept = self.memory(memory)
        repo, _ = clone(backend, "origin", root, memory=kept, **options)  # type: ignore[arg-type]
        return Desk(repo, kept, LOG, self.count)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return a place without anything in it."""
    return Office(tmp_path)


REMOTES = (
    "folder",
    "memory",
    "moto",
    pytest.param("ceph", marks=pytest.mark.s3),
    pytest.param("sftp", marks=pytest.mark.sftp),
)
EMULATORS = (
    pytest.param("azurite", marks=pytest.mark.azure),
    pytest.param("google", marks=pytest.mark.gcs),
)


@pytest.fixture(params=[*REMOTES, *EMULATORS])
def make_remote(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Backend]:
    """Return a maker of empty remotes: folders, and places without locks, on real servers."""

    def make(name: str = "remote") -> Backend:
        if request.param == "folder":
            return LocalBackend(tmp_path / name)
        scratch = tmp_path / f"{name}-scratch"
        scratch.mkdir(exist_ok=True)
        if request.param == "memory":
            return MemoryBackend(scratch)
        if request.param == "sftp":
            place = tmp_path / name
            place.mkdir()
            return request.getfixturevalue("sshd").backend(place, scratch)  # type: ignore[no-any-return]
        return request.getfixturevalue(request.param).backend(monkeypatch, scratch)  # type: ignore[no-any-return]

    return make


@pytest.fixture
def remote(make_remote: Callable[[str], Backend]) -> Backend:
    """Return an empty remote."""
    return make_remote("remote")
