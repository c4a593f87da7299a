"""The clock floor of a log: what it costs, what remembers it, what a writer is refused."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import ConflictError, IncompleteError, InvalidInputError
from lyrikstore.canon.json import encode
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof
from lyrikstore.history.commit.policy_change import (
    change_policy,
    revoked,
    with_misdated,
    with_writer,
)
from lyrikstore.history.commit.transaction import create_repository, open_transaction
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.policy.policy import Policy
from lyrikstore.history.repository import clock_floor
from lyrikstore.history.repository.clock_floor import ClockBehind
from lyrikstore.history.repository.repository import Repository
from lyrikstore.testing.clocks import DEFAULT_START, FrozenClock
from lyrikstore.testing.keys import signer_for

OWNER, LOG, OTHER = (signer_for(name) for name in ("owner", "log", "other"))


@pytest.fixture
def store(tmp_path: Path) -> Repository:
    repository = create_repository(
        tmp_path / ".lyrikstore",
        origin="example.org/dates",
        signer=OWNER,
        log_signer=LOG,
        clock=FrozenClock(),
        memory=LogMemory(tmp_path / "memory"),
        nonce=bytes(16),
    )
    repository.clock = FrozenClock()
    return repository


def credential(
    number: int, at: Any = DEFAULT_START, signer: Any = OWNER, begins: Any = None
) -> bytes:
    """Return what looks enough like a credential to be dated."""
    document = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
        "type": ["VerifiableCredential"],
        "issuer": signer.did,
        "validFrom": format_timestamp(begins or at),
    }
    return encode(add_proof(document, signer, created=at))


def log(repository: Repository, *documents: bytes) -> list[int]:
    with open_transaction(repository) as transaction:
        for one in documents:
            transaction.log_credential(one)
        return transaction.commit()


def test_what_was_read_once_is_not_read_again(
    store: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log(store, *(credential(n, DEFAULT_START + timedelta(seconds=n)) for n in range(80)))
    read: list[int] = []
    real = clock_floor.date_of_credential

    def counted(store: Repository, data: bytes) -> Any:
        read.append(len(data))
        return real(store, data)

    monkeypatch.setattr(clock_floor, "date_of_credential", counted)

    def floor() -> Any:
        read.clear()
        return Repository.open(store.root, cache_dir=tmp_path / "cache").floor()

    latest = DEFAULT_START + timedelta(seconds=79)
    assert (floor(), len(read)) == (latest, 80)
    assert (floor(), len(read)) == (latest, 0)
    log(store, credential(99))
    assert (floor(), len(read)) == (latest, 1)
    (file,) = (tmp_path / "cache").rglob("dates")
    damaged = bytearray(file.read_bytes())
    damaged[-9] ^= 1
    file.write_bytes(damaged)
    assert (floor(), len(read)) == (latest, 81)


def test_a_cache_of_another_log_is_none(store: Repository, tmp_path: Path) -> None:
    log(store, *(credential(n) for n in range(80)))
    cache = tmp_path / "cache"
    assert Repository.open(store.root, cache_dir=cache).floor() == DEFAULT_START
    (file,) = cache.rglob("dates")
    other = create_repository(
        tmp_path / "other",
        origin="example.org/other",
        signer=OWNER,
        log_signer=signer_for("other log"),
        clock=FrozenClock(DEFAULT_START - timedelta(days=9)),
        memory=LogMemory(tmp_path / "memory"),
    )
    place = cache / other.store_id.short / "dates"
    place.parent.mkdir()
    place.write_bytes(file.read_bytes())
    seen = Repository.open(other.root, cache_dir=cache)
    assert seen.floor() == DEFAULT_START - timedelta(days=9)


def test_a_writer_is_held_to_the_log(store: Repository) -> None:
    clock = store.clock
    assert isinstance(clock, FrozenClock)
    ahead = DEFAULT_START + timedelta(seconds=301)
    with pytest.raises(ConflictError) as caught:
        log(store, credential(1, ahead))
    assert caught.value.kind == "dated-ahead"
    # Somebody else's date holds nobody up, nor a licence that only begins later.
    log(store, credential(2, ahead, OTHER), credential(3, begins=ahead))
    assert store.floor() == DEFAULT_START
    clock.advance(seconds=-300)
    log(store, credential(4, clock()))
    assert (store.signing_date(clock), store.clock_behind) == (clock(), None)
    clock.advance(seconds=-1)
    log(store, credential(5, clock()))
    assert store.clock_behind == ClockBehind(clock(), DEFAULT_START, 0)
    assert store.signing_date(clock) == DEFAULT_START


def test_who_dates_an_entry_long_after_the_last_is_asked(store: Repository) -> None:
    clock, asked = store.clock, []
    assert isinstance(clock, FrozenClock)
    clock.advance(days=400)
    log(store, credential(1, clock()))
    clock.advance(days=400, seconds=1)
    with pytest.raises(InvalidInputError) as caught:
        log(store, credential(2, clock()))
    assert caught.value.kind == "date-gap"
    assert store.floor() < clock()

    def answered(error: InvalidInputError) -> bool:
        asked.append(error.kind)
        return True

    store.accept_gap = answered
    log(store, credential(2, clock()))
    log(store, credential(3, clock()))
    assert (store.floor(), asked) == (clock(), ["date-gap"])


def test_one_clock_ahead_blocks_nobody(store: Repository) -> None:
    """Who was behind signed with the wrong date. It is named once, and the clock counts again."""
    ahead, honest = DEFAULT_START + timedelta(days=3000), FrozenClock()
    store.clock = FrozenClock(ahead)
    store.accept_gap = lambda _: True
    (wrong,) = log(store, credential(1, ahead))
    store.clock = honest
    admitted = change_policy(store, with_writer(OTHER.did, None), signer=OWNER, clock=honest)
    assert admitted.manifest.created == format_timestamp(ahead)
    honest.advance(seconds=60)
    said = change_policy(
        store, with_misdated([wrong], len(store.entries())), signer=OWNER, clock=honest
    )
    assert said.manifest.created == format_timestamp(honest())
    assert (store.floor(), store.floor(said.index)) == (honest(), DEFAULT_START)
    # What was signed elsewhere with the wrong date, while it was the floor, is still taken.
    log(store, credential(2, ahead))
    assert store.floor() == honest()


def test_a_key_counts_from_when_it_had_a_role(store: Repository) -> None:
    later = DEFAULT_START + timedelta(seconds=200)
    log(store, credential(1, later, OTHER))
    assert store.floor() == DEFAULT_START
    change_policy(store, with_writer(OTHER.did, None), signer=OWNER, clock=FrozenClock())
    assert store.floor() == DEFAULT_START
    (index,) = log(store, credential(2, later, OTHER))
    assert (store.floor(), store.floor(index)) == (later, DEFAULT_START)
    said = with_misdated([index], len(store.entries()))
    change_policy(store, said, signer=OWNER, clock=FrozenClock())
    assert store.floor() == DEFAULT_START


def test_a_thief_lowers_no_floor(store: Repository) -> None:
    later = DEFAULT_START + timedelta(seconds=200)
    log(store, credential(1, later))
    size = len(store.entries())
    soon = DEFAULT_START + timedelta(seconds=1)
    change_policy(store, with_misdated(range(size), size), signer=OWNER, clock=FrozenClock(soon))
    assert store.floor() == soon  # that policy
    gone = revoked(OWNER.did, size, OTHER.did)
    change_policy(store, gone, signer=OWNER, clock=FrozenClock())
    assert store.floor() == later


def test_what_is_said_of_entries_to_come_counts_for_nothing(store: Repository) -> None:
    to_come = len(store.entries()) + 4

    def foretell(policy: Policy) -> Policy:
        return replace(policy, misdated=(to_come,))

    change_policy(store, foretell, signer=OWNER, clock=FrozenClock())
    later = DEFAULT_START + timedelta(seconds=200)
    while len(store.entries()) <= to_come:
        log(store, credential(len(store.entries()), later))
    change_policy(store, with_writer(OTHER.did, None), signer=OWNER, clock=FrozenClock())
    assert store.floor() == later


def test_what_cannot_be_read_has_no_early_date(
    store: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = DEFAULT_START + timedelta(seconds=200)
    log(store, *(credential(n, later if n == 40 else DEFAULT_START) for n in range(80)))
    cache = tmp_path / "cache"
    real = Repository.credential
    lost = store.entries()[45].id

    def failing(self: Repository, identity: Digest) -> bytes:
        if identity == lost:
            raise IncompleteError("blob-lost", "it is not here")
        return real(self, identity)

    with monkeypatch.context() as patched:
        patched.setattr(Repository, "credential", failing)
        seen = Repository.open(store.root, cache_dir=cache)
        for _ in range(2):
            with pytest.raises(IncompleteError):
                seen.floor()
        log(store, credential(99))  # what repairs a store can be said
    assert seen.floor() == Repository.open(store.root, cache_dir=cache).floor() == later
