"""What is remembered of logs outside the stores: nobody else writes in it; nothing is missed."""

import shutil
from datetime import UTC, datetime

import pytest

from lyrikstore.canon.errors import ConflictError, VerificationError
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.curate.reading.datasets import StoredDatasets
from lyrikstore.history.commit.transaction import create_store
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.verify.report import Report
from lyrikstore.verify.store.readers import Readers
from lyrikstore.verify.store.store import verify_store_at

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize("how", ["verified", "cloned"])
def test_a_stranger_makes_no_fork_of_a_log(office, how) -> None:
    """ATTACK: a store that names the log key of another, and is longer than its log."""
    home = office.home()
    first = home.commit({"a.txt": b"one"})
    (key,) = home.repo.log_keys
    thief, other = (KeySigner(PrivateKey.from_seed(bytes([n]) * 32)) for n in (0x61, 0x62))
    hostile = office.folder / "hostile"
    create_store(
        hostile,
        origin=key.name,
        signer=thief,
        log_signer=other,
        clock=lambda: NOW,
        memory=office.memory("thief"),
        log_keys=[key.key],
    )
    if how == "verified":
        assert verify(hostile, office.memory("buyer")).verdict == "valid"
    else:
        office.clone(LocalBackend(hostile), "buyer")
    assert office.memory("buyer").last_seen(key) is None
    assert verify(home.repo.root, office.memory("buyer"), first.author).verdict == "trusted"
    office.clone(LocalBackend(home.repo.root), "buyer")


@pytest.mark.parametrize("left", ["older", "nothing", "a home", "another"])
def test_a_local_log_that_was_rolled_back_is_missed(office, left) -> None:
    """Attack case A30, in a clone: whoever holds it takes away what waits to be pushed."""
    home = office.home()
    first = home.commit({"a.txt": b"one"})
    desk = office.clone(LocalBackend(home.repo.root))
    local, kept = desk.repo.root / "local", office.folder / "kept"
    desk.commit({"a.txt": b"two"})
    shutil.copytree(local, kept)
    desk.commit({"a.txt": b"three"})
    assert verify(desk.repo.root, desk.memory, first.author).verdict == "trusted"
    shutil.rmtree(local)
    if left == "older":
        shutil.copytree(kept, local)
    elif left == "a home":
        (desk.repo.root / "mirror").unlink()
    elif left == "another":
        other = office.clone(LocalBackend(home.repo.root), "thief")
        other.commit({"a.txt": b"four"})
        shutil.copytree(other.repo.root / "local", local)
        for pack in (other.repo.root / "packs").glob("*/*"):
            place = desk.repo.root / "packs" / pack.parent.name / pack.name
            place.parent.mkdir(exist_ok=True)
            if not place.exists():
                shutil.copy(pack, place)
    report = verify(desk.repo.root, desk.memory, first.author)
    assert report.verdict == "invalid"
    assert report.check("log.memory").detail["reason"] == "rollback"
    if left in {"older", "nothing"}:
        desk.repo = desk.again()
        with pytest.raises(ConflictError) as caught:
            desk.commit({"a.txt": b"five"})
        assert caught.value.kind == "copied-store"
    assert verify(desk.repo.root, office.memory("buyer"), first.author).verdict == "trusted"


def test_a_clone_that_was_moved_and_lost_its_local_log_is_said_to_be_perhaps_that(office) -> None:
    """Attack case A30: the memory knows a local log by its place, and the place is another now."""
    home = office.home()
    first = home.commit({"a.txt": b"one"})
    desk = office.clone(LocalBackend(home.repo.root))
    desk.commit({"a.txt": b"two"})
    moved, kept = office.folder / "moved", office.folder / "kept"

    def said() -> list[str]:
        report = verify(moved, desk.memory, first.author)
        assert report.verdict == "trusted"
        return [line for line in report.not_proven if str(desk.repo.root) in line]

    desk.repo.root.rename(moved)
    assert not said()  # it is all there
    shutil.move(moved / "local", kept)
    assert len(said()) == 1
    assert not verify(home.repo.root, desk.memory, first.author).not_proven[6:]  # no clone
    shutil.move(kept, moved / "local")
    assert not said()


def test_a_new_clone_where_another_was(office) -> None:
    home = office.home()
    first = home.commit({"a.txt": b"one"})
    desk = office.clone(LocalBackend(home.repo.root))
    desk.commit({"a.txt": b"two"})
    shutil.rmtree(desk.repo.root)
    office.count = 0
    again = office.clone(LocalBackend(home.repo.root))
    assert again.repo.root == desk.repo.root
    assert verify(again.repo.root, again.memory, first.author).verdict == "trusted"
    again.number = 7
    again.commit({"a.txt": b"two"})
    assert verify(again.repo.root, again.memory, first.author).verdict == "trusted"


def test_a_clone_names_no_log_key_of_its_reader(office) -> None:
    """ATTACK: a clone that somebody else made, whose local log is to be that of the reader."""
    home = office.home()
    home.commit({"a.txt": b"one"})
    desk = office.clone(LocalBackend(home.repo.root))
    (desk.repo.root / "local").mkdir()
    for name in ("elsewhere.example/log", "example.org/archive"):
        (desk.repo.root / "local" / "key").write_text(f"{VerifierKey(name, key(1).public)}\n")
        desk.repo = desk.again()
        with pytest.raises(VerificationError) as caught:
            desk.commit({"a.txt": b"two"})
        assert caught.value.kind == "bad-local-log"


def key(number: int) -> KeySigner:
    """Return the key with which a desk signs its local log."""
    return KeySigner(PrivateKey.from_seed(bytes([100 + number]) * 32))


def verify(root, memory: LogMemory, *friends: str) -> Report:
    trust = Trust(tuple(TrustedIssuer(did, did[-8:]) for did in friends))
    return verify_store_at(
        root, trust=trust, at=NOW, memory=memory, readers=Readers(datasets=StoredDatasets())
    )
