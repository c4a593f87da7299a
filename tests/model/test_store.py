"""The whole store against a dictionary, with a death before or after any call to its medium.

Nothing acknowledged is ever lost or wrong, nothing unacknowledged is ever there in part, and no
crash needs a hand: the next command just works.
"""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import ConflictError, LyrikstoreError, StorageError
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.checkout.checkout import checkout_tree
from lyrikstore.history.commit.transaction import (
    TransactionBuilder,
    create_repository,
    open_transaction,
    recover,
)
from lyrikstore.history.gc.gc import collect
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import retired_versions
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.check.checker import verify_blobs
from lyrikstore.testing.backends import CrashError, FaultyBackend, MemoryBackend
from tests.sweep import examples

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
OWNER = KeySigner(PrivateKey.from_seed(b"\x01" * 32))
LOG = KeySigner(PrivateKey.from_seed(b"\x02" * 32))
NAMES = ("datasets/acme/a", "datasets/acme/b")

CONTENT = st.one_of(
    st.sampled_from([b"", b"same", b"other"]),
    st.binary(max_size=60),
    st.integers(0, 2).map(lambda n: b"".join(b"%d line %d\n" % (n, i) for i in range(110_000))),
)
FILES = st.dictionaries(st.sampled_from(["a", "b", "deep/c"]), CONTENT, min_size=1, max_size=3)
FAULTS = st.sampled_from(["crash", "crash", "io", "disk-full"])


class StoreAgainstDict(RuleBasedStateMachine):
    """Versions by name, as acknowledged; at most one more whose fate its author did not learn."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.root = self.folder / ".lyrikstore"
        self.memory = LogMemory(self.folder / "memory")
        self.now = NOW
        self.versions: dict[str, list[tuple[Digest, dict[str, bytes]]]] = {n: [] for n in NAMES}
        self.retired: set[Digest] = set()
        self.unsure: tuple[str, Digest, dict[str, bytes]] | None = None
        self.retiring: set[Digest] = set()

    @initialize()
    def create(self) -> None:
        create_repository(
            self.root,
            origin="example.org/model",
            signer=OWNER,
            log_signer=LOG,
            clock=lambda: NOW,
            memory=self.memory,
        )
        self.backend = self.medium()

    def medium(self) -> Backend:
        return Repository.open(self.root).backend

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def open(self, fail_at: int = 0, fault: str = "crash", *, after: bool = False) -> Repository:
        faulty = FaultyBackend(self.backend, fail_at, fault, after=after) if fail_at else None
        backend = faulty or self.backend
        return Repository.over(backend, location=self.root, memory=self.memory, log_signer=LOG)

    # ---- what people do

    def write(self, transaction: TransactionBuilder, name: str, files: dict[str, bytes]):
        repository = transaction._repository
        entries = [
            TreeEntry(path, len(data), transaction.writer.put_data(data), None)
            for path, data in files.items()
        ]
        tree = Tree.of(entries)
        transaction.writer.put_bytes(tree.encode())
        state = repository.refs.get(name)
        manifest = sign_manifest(
            kind="dataset",
            store=repository.store_id,
            name=name,
            body={
                "reader": "document/1",
                "records": len(files),
                "bytes": tree.total_bytes,
                "fileCount": len(files),
                "origin": "committed",
                "descriptor": {},
                "ignored": 0,
            },
            tree=tree.id,
            files=tree.files_id,
            parents=(state.id,) if state else (),
            signer=OWNER,
            created=self.now,
        )
        transaction.log_manifest(manifest)
        return manifest

    def commit_to(self, repository: Repository, name: str, files: dict[str, bytes]) -> Manifest:
        recover(repository)
        with open_transaction(repository) as transaction:
            manifest = self.write(transaction, name, files)
            self.unsure = (name, manifest.id, files)
            transaction.commit()
        self.acknowledge()
        return manifest

    def acknowledge(self) -> None:
        name, identity, files = self.unsure
        self.versions[name].append((identity, files))
        self.unsure = None

    def recheck(self) -> None:
        """Let the next writer come: what was won is published, what was not never happened."""
        repository = self.open()
        recover(repository)
        if self.unsure is not None:
            name, identity, _ = self.unsure
            state = repository.refs.get(name)
            if state is not None and state.id == identity:
                self.acknowledge()
            self.unsure = None
        found = retired_versions(repository)
        assert self.retired <= found <= self.retired | self.retiring
        self.retired, self.retiring = set(found), set()

    def fails(self, act: Callable[[], object]) -> None:
        with suppress(CrashError, StorageError):
            act()
        self.recheck()

    @rule(name=st.sampled_from(NAMES), files=FILES)
    def commit(self, name, files):
        self.recheck()
        self.commit_to(self.open(), name, files)

    @rule(
        name=st.sampled_from(NAMES),
        files=FILES,
        fail_at=st.integers(1, 40),
        fault=FAULTS,
        after=st.booleans(),
    )
    def commit_that_dies(self, name, files, fail_at, fault, after):
        self.recheck()
        with suppress(CrashError, StorageError):
            self.commit_to(self.open(fail_at, fault, after=after), name, files)
        # Not settled: readers come before the next writer does.

    @rule(data=st.data(), files=FILES)
    def commits_at_the_same_time(self, data, files):
        self.recheck()
        slow, name = self.open(), NAMES[0]
        if self.versions[name] and data.draw(st.booleans(), "old content again"):
            files = data.draw(st.sampled_from(self.versions[name]))[1]
        with open_transaction(slow) as transaction:
            manifest = self.write(transaction, name, files)
            if data.draw(st.booleans(), "gc meanwhile"):
                self.collect((name, 1) if self.versions[name] else None)
            other = data.draw(st.sampled_from((*NAMES, "")), "commit meanwhile")
            if other:
                self.commit_to(self.open(), other, data.draw(FILES))
            try:
                transaction.commit()
            except ConflictError as error:
                assert error.kind == "repacked" or other == name  # noqa: PT017
                return
        assert other != name
        self.versions[name].append((manifest.id, files))

    def collect(self, keep: tuple[str, int] | None, **options: object) -> None:
        repository = self.open(**options)
        if keep is not None:
            self.retiring = {one for one, _ in self.versions[keep[0]][: -keep[1]]}
        recover(repository)
        collect(repository, clock=lambda: self.now, signer=OWNER, keep=keep, share=0.1)
        self.retired |= self.retiring
        self.retiring = set()

    @rule(keep=st.none() | st.integers(1, 3), at=st.integers(0, 1))
    def gc(self, keep, at):
        self.recheck()
        keeping = (NAMES[at], keep) if keep and self.versions[NAMES[at]] else None
        self.collect(keeping)

    @rule(
        keep=st.none() | st.integers(1, 3),
        at=st.integers(0, 1),
        fail_at=st.integers(1, 60),
        fault=FAULTS,
        after=st.booleans(),
    )
    def gc_that_dies(self, keep, at, fail_at, fault, after):
        self.recheck()
        keeping = (NAMES[at], keep) if keep and self.versions[NAMES[at]] else None
        self.fails(lambda: self.collect(keeping, fail_at=fail_at, fault=fault, after=after))

    @rule(days=st.sampled_from([1, 7, 20, -3, 400]))
    def time_passes(self, days):
        self.now = max(self.now + timedelta(days=days), NOW)

    @rule(content=st.binary(max_size=100))
    def a_killed_writer_left_a_torn_file(self, content):
        self.backend.scratch.mkdir(exist_ok=True)
        (self.backend.scratch / "1-dead").write_bytes(content)

    @rule(fail_at=st.integers(1, 30))
    def a_reader_dies(self, fail_at):
        with suppress(CrashError):
            repository = self.open(fail_at, "crash")
            for _, manifest in repository.all_manifests():
                repository.resolve(str(manifest.id))

    @precondition(lambda self: any(self.versions.values()))
    @rule(data=st.data())
    def checkout(self, data):
        name = data.draw(st.sampled_from([n for n in NAMES if self.versions[n]]))
        identity, files = data.draw(st.sampled_from(self.versions[name]))
        repository, target = self.open(), self.folder / "out"
        tree = repository.tree(repository.manifest(identity))
        try:
            checkout_tree(tree, repository.blobs, target)
        except LyrikstoreError:
            assert identity in self.retired | self.retiring
        else:
            found = {
                str(path.relative_to(target)): path.read_bytes()
                for path in target.rglob("*")
                if path.is_file()
            }
            assert found == files
        finally:
            shutil.rmtree(target, ignore_errors=True)

    @rule()
    def verify(self):
        self.recheck()
        repository = self.open()
        assert not [check for check in verify_blobs(repository.blobs) if check.problem]
        assert repository.check_tiles() == []
        assert repository.flagged == ()

    # ---- what always holds

    @invariant()
    def acknowledged_versions_are_there_and_right(self):
        repository = self.open()
        retired = self.retired | self.retiring
        for name, versions in self.versions.items():
            state = repository.refs.get(name)
            found = list(reversed(state.history)) if state else []
            assert found[: len(versions)] == [identity for identity, _ in versions]
            more = found[len(versions) :]
            if more:  # published, though its author never learnt it
                assert self.unsure is not None
                assert (name, more) == (self.unsure[0], [self.unsure[1]])
                more = [(self.unsure[1], self.unsure[2])]
            for identity, files in (*versions, *more):
                tree = repository.tree(repository.manifest(identity))
                assert set(tree.by_path) == set(files)
                for path, entry in tree.by_path.items():
                    if identity not in retired or repository.blobs.is_whole(entry.blake3):
                        data = repository.blobs.read(entry.blake3, max_bytes=1 << 30)
                        assert data == files[path]


class InMemory(StoreAgainstDict):
    """The same over a medium without folders and names that could be lost."""

    def medium(self) -> Backend:
        local = Repository.open(self.root).backend
        scratch = self.folder / "scratch"
        scratch.mkdir()
        memory = MemoryBackend(scratch)
        for prefix in ("packs/", "tx/", "log/"):
            memory.files.update({name: local.read(name) for name in local.list(prefix)})
        memory.files["format"] = local.read("format")
        return memory


BOUNDED = settings(max_examples=examples(15), stateful_step_count=16, deadline=None)
LONG = settings(max_examples=150, stateful_step_count=40, deadline=None)


class TestOnDisk(StoreAgainstDict.TestCase):
    settings = BOUNDED


class TestInMemory(InMemory.TestCase):
    settings = BOUNDED


@pytest.mark.slow
class TestOnDiskLong(StoreAgainstDict.TestCase):
    settings = LONG


@pytest.mark.slow
class TestInMemoryLong(InMemory.TestCase):
    settings = LONG
