"""A store against a dictionary, with a crash before or after any operation, and kill -9."""

import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import NotFoundError, StorageError
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.check.checker import verify_blobs
from lyrikstore.objects.io.scratch import clean_leftovers
from lyrikstore.objects.store.blobs import open_blobs
from lyrikstore.objects.store.transactions import LogItem, Transaction, TransactionLog
from lyrikstore.testing.backends import CrashError, FaultyBackend
from tests.sweep import examples

pytestmark = pytest.mark.crash

BLOBS = st.one_of(
    st.binary(max_size=200),
    st.integers(0, 3).map(lambda n: bytes([n]) * (1_100_000 + n) + b"%d" % n * 1000),
)


def commit(backend, blobs) -> None:
    log = TransactionLog(backend)
    with open_blobs(backend, log.live()).writer() as writer:
        ids = [writer.put_bytes(blob) for blob in blobs]
        changes = writer.finish()
    items = tuple(LogItem("manifest", blob) for blob in ids)
    assert log.append(Transaction(log.count(), items, changes.added, (), changes.chunk_lists))


class StoreAgainstDict(RuleBasedStateMachine):
    """Acknowledged commits are never lost; unacknowledged ones are there whole or not at all."""

    stored = Bundle("stored")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.backend = LocalBackend(Path(self.folder.name))
        self.model: dict[Digest, bytes] = {}
        self.commits = 0

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(target=stored, blobs=st.lists(BLOBS, max_size=5))
    def commit(self, blobs):
        commit(self.backend, blobs)
        self.commits += 1
        self.model.update((Digest.of(blob), blob) for blob in blobs)
        return blobs

    @rule(
        blobs=st.lists(BLOBS, min_size=1, max_size=5),
        fail_at=st.integers(1, 12),
        fault=st.sampled_from(["crash", "disk-full", "io", "read-only"]),
        after=st.booleans(),
    )
    def commit_that_fails(self, blobs, fail_at, fault, after):
        with suppress(CrashError, StorageError):
            commit(FaultyBackend(self.backend, fail_at, fault, after=after), blobs)
        count = TransactionLog(self.backend).count()
        assert count - self.commits in {0, 1}
        if count > self.commits:
            self.commits = count
            self.model.update((Digest.of(blob), blob) for blob in blobs)

    @rule(blobs=stored)
    def commit_again_adds_nothing(self, blobs):
        with open_blobs(self.backend, TransactionLog(self.backend).live()).writer() as writer:
            for blob in blobs:
                writer.put_bytes(blob)
            assert writer.finish().added == ()

    @rule()
    def clean(self):
        clean_leftovers(self.backend.scratch)
        assert list(self.backend.scratch.glob("*")) == []

    @rule(blob=BLOBS)
    def what_is_not_there(self, blob):
        store = open_blobs(self.backend, TransactionLog(self.backend).live())
        if Digest.of(blob) not in self.model and not store.has(Digest.of(blob)):
            with pytest.raises(NotFoundError):
                store.read(Digest.of(blob), max_bytes=1 << 30)

    @invariant()
    def all_is_there_and_sound(self):
        store = open_blobs(self.backend, TransactionLog(self.backend).live())
        for digest, blob in self.model.items():
            assert store.read(digest, max_bytes=1 << 30) == blob
        assert not [check for check in verify_blobs(store) if check.problem]


TestStoreAgainstDict = StoreAgainstDict.TestCase
TestStoreAgainstDict.settings = settings(
    max_examples=examples(20), stateful_step_count=12, deadline=None
)

WRITER = """
import random, sys
from pathlib import Path
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.io.scratch import clean_leftovers
from lyrikstore.objects.store.blobs import open_blobs
from lyrikstore.objects.store.lock import StoreLock
from lyrikstore.objects.store.transactions import LogItem, Transaction, TransactionLog
root = Path(sys.argv[1])
backend, number = LocalBackend(root), int(sys.argv[2])
log = TransactionLog(backend)
while True:
    number += 1
    data = [random.Random(f"{number}-{part}").randbytes(40_000) for part in range(60)]
    with open_blobs(backend, log.live()).writer() as writer:
        ids = [writer.put_bytes(blob) for blob in data]
        changes = writer.finish()
    with StoreLock(root / "lock", timeout=20):
        clean_leftovers(backend.scratch)
        items = tuple(LogItem("manifest", blob) for blob in ids)
        assert log.append(Transaction(log.count(), items, changes.added, (), changes.chunk_lists))
    print(number, ids[-1], flush=True)
"""


def test_kill_9_in_a_loop(root: Path) -> None:
    backend = LocalBackend(root)
    acknowledged: list[Digest] = []
    for attempt in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(root), str(attempt * 1000)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        acknowledged.append(Digest.parse(process.stdout.readline().split()[1]))
        time.sleep(0.013 * attempt)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        process.wait()
        process.stdout.close()
        acknowledged += [
            Digest.parse(line.split()[1])
            for line in rest.splitlines(keepends=True)
            if line.endswith("\n")
        ]
        log = TransactionLog(backend)
        store = open_blobs(backend, log.live())
        for digest in acknowledged:
            assert len(store.read(digest, max_bytes=40_000)) == 40_000
        for seq in range(log.count()):
            assert all(store.has(item.id) for item in log.read(seq).log)
        assert not [check for check in verify_blobs(store) if check.problem]
    clean_leftovers(backend.scratch)
    assert list(backend.scratch.iterdir()) == []
    assert len(acknowledged) >= 12
