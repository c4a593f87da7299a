"""The memory of signed and seen log checkpoints."""

import stat

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import ConflictError, FormatError, LockedError
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import LogCheckpoint
from lyrikstore.history.log.memory import LogMemory, MemoryState
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.objects.store.lock import StoreLock

ORIGIN = "example.org/archive"
KEY = VerifierKey(ORIGIN, PrivateKey.from_seed(b"\x01" * 32).public)
OTHER = VerifierKey(ORIGIN, PrivateKey.from_seed(b"\x02" * 32).public)
LEAVES = [merkle.leaf_hash(str(i).encode()) for i in range(20)]
FORKED = [*LEAVES[:3], merkle.leaf_hash(b"other"), *LEAVES[4:]]


def head(size: int, leaves=LEAVES) -> LogCheckpoint:
    return LogCheckpoint(ORIGIN, size, merkle.root(leaves[:size]))


def prover(leaves):
    return lambda old, new: merkle.consistency_proof(leaves[:new], old)


@pytest.fixture
def memory(tmp_path):
    return LogMemory(tmp_path / "state" / "memory")


def test_nothing_is_remembered_at_first(memory, tmp_path):
    assert memory.last_signed(KEY) is None
    assert memory.check_seen(KEY, head(3)) is MemoryState.FIRST
    memory.check_signed(KEY, LEAVES, "/here")
    assert not (tmp_path / "state").exists()  # looking leaves no trace


def test_signed_heads_are_remembered_per_key_and_privately(memory, tmp_path):
    memory.remember_signed(KEY, head(3), "/here")
    found = memory.last_signed(KEY)
    assert (found.head, found.location) == (head(3), "/here")
    assert memory.last_signed(OTHER) is None
    assert memory.last_seen(KEY) is None
    assert stat.S_IMODE((tmp_path / "state" / "memory").stat().st_mode) == 0o700


def test_growing_and_signing_the_same_again_is_fine(memory):
    memory.remember_signed(KEY, head(3), "/here")
    memory.remember_signed(KEY, head(3), "/here")
    memory.check_signed(KEY, LEAVES[:3], "/here")
    memory.check_signed(KEY, LEAVES, "/elsewhere")
    memory.remember_signed(KEY, head(9), "/here")
    assert memory.last_signed(KEY).head.size == 9


def test_an_older_store_is_refused_naming_the_newer(memory):
    memory.remember_signed(KEY, head(9), "/srv/original")
    with pytest.raises(ConflictError) as caught:
        memory.check_signed(KEY, LEAVES[:8], "/copy")
    assert caught.value.kind == "copied-store"
    assert "/srv/original" in caught.value.message
    assert caught.value.hint
    with pytest.raises(ConflictError):
        memory.remember_signed(KEY, head(8), "/copy")


def test_a_fork_is_refused(memory):
    memory.remember_signed(KEY, head(9), "/srv/original")
    with pytest.raises(ConflictError):
        memory.check_signed(KEY, FORKED, "/copy")
    with pytest.raises(ConflictError):
        memory.remember_signed(KEY, head(9, FORKED), "/copy")


def test_seen_heads(memory):
    memory.remember_seen(KEY, head(5))
    assert memory.check_seen(KEY, head(5)) is MemoryState.SAME
    assert memory.check_seen(KEY, head(5, FORKED)) is MemoryState.FORK
    assert memory.check_seen(KEY, head(4)) is MemoryState.OLDER
    assert memory.check_seen(KEY, head(9)) is MemoryState.UNPROVEN
    assert memory.check_seen(KEY, head(9), prover(LEAVES)) is MemoryState.GROWN
    assert memory.check_seen(KEY, head(9, FORKED), prover(FORKED)) is MemoryState.FORK
    assert memory.check_seen(KEY, head(9), lambda a, b: []) is MemoryState.FORK


def test_seen_heads_never_shrink(memory):
    memory.remember_seen(KEY, head(5), "delivery")
    memory.remember_seen(KEY, head(3))
    assert memory.last_seen(KEY).head == head(5)
    memory.remember_seen(KEY, head(9))
    assert memory.last_seen(KEY).head == head(9)


def test_every_cut_of_a_memory_file_is_noticed(memory, tmp_path):
    memory.remember_signed(KEY, head(9), "/srv/original")
    (file,) = (tmp_path / "state" / "memory" / "signed").iterdir()
    data = file.read_bytes()
    file.chmod(0o600)
    for length in range(len(data)):
        file.write_bytes(data[:length])
        with pytest.raises(FormatError) as caught:
            memory.check_signed(KEY, LEAVES, "/here")
        assert caught.value.kind == "bad-memory"
        assert str(file) in caught.value.message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"v":1', b'"v":2'),
        (b'"location"', b'"located"'),
        (b'"v":1', b'"more":1,"v":1'),
        (b"\\n9\\n", b"\\n09\\n"),
        (b"archive+", b"archivf+"),
    ],
)
def test_other_content_is_noticed(memory, tmp_path, old, new):
    memory.remember_signed(KEY, head(9), "/srv/original")
    (file,) = (tmp_path / "state" / "memory" / "signed").iterdir()
    data = file.read_bytes()
    assert old in data
    file.chmod(0o600)
    file.write_bytes(data.replace(old, new))
    with pytest.raises(FormatError):
        memory.last_signed(KEY)


@pytest.mark.parametrize("shelf", ["signed", "seen", "intended"])
@pytest.mark.parametrize("kind", ["folder", "link"])
def test_what_is_no_file_is_no_memory(memory, tmp_path, shelf, kind):
    memory.remember_signed(KEY, head(3), "here")
    memory.remember_seen(KEY, head(3))
    memory.intend(KEY, Digest.of(b"record"))
    (path,) = (tmp_path / "state" / "memory" / shelf).iterdir()
    path.unlink()
    if kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/etc/passwd")
    read = {"signed": memory.last_signed, "seen": memory.last_seen, "intended": memory.intended}
    with pytest.raises(FormatError) as caught:
        read[shelf](KEY)
    assert caught.value.kind == "bad-memory"
    assert str(path) in caught.value.message


def test_intentions(memory, tmp_path):
    assert memory.intended(KEY) is None
    one, two = Digest(b"\1" * 32), Digest(b"\2" * 32)
    memory.intend(KEY, one)
    memory.intend(KEY, two)
    assert memory.intended(KEY) == two
    (file,) = (tmp_path / "state" / "memory" / "intended").iterdir()
    data = file.read_bytes()
    file.chmod(0o600)
    for length in range(len(data)):
        file.write_bytes(data[:length])
        with pytest.raises(FormatError) as caught:
            memory.intended(KEY)
        assert caught.value.kind == "bad-memory"
    for old, new in (
        (b"blake3:", b"blake2:"),
        (b'"record"', b'"recall"'),
        (b"archive+", b"archivf+"),
    ):
        file.write_bytes(data.replace(old, new))
        with pytest.raises(FormatError):
            memory.intended(KEY)


def test_signing_excludes_others(memory, tmp_path):
    lock = tmp_path / "state" / "memory" / "lock"
    with memory.signing(), pytest.raises(LockedError), StoreLock(lock, timeout=0):
        pass
    with memory.signing():
        pass
