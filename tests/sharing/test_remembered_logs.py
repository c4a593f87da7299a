"""What is remembered of logs outside the stores: nobody else writes in it; nothing is missed."""

from datetime import UTC, datetime

import pytest

from lyrikstore.credentials.report import Report
from lyrikstore.credentials.storecheck import verify_store_at
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.signer import KeySigner
from lyrikstore.history.memory import LogMemory
from lyrikstore.history.transact import create_store
from lyrikstore.objects.backend import LocalBackend

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


def verify(root, memory: LogMemory, *friends: str) -> Report:
    trust = Trust(tuple(TrustedIssuer(did, did[-8:]) for did in friends))
    return verify_store_at(root, trust=trust, at=NOW, memory=memory)
