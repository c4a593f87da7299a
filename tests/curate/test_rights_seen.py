"""A right that the user's own trust file or memory speaks against is none."""

import shutil
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.errors import PolicyError
from lyrikstore.credentials.terms.model import Use
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.credentials.trust.model import AllowedKeys
from lyrikstore.curate.terms.combined import mix
from lyrikstore.curate.terms.sources import Asker, sources_of_datasets
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.sync.pull import clone, pull
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.rights.required import check_rights
from tests.credentialed import log_credential

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
OWNER, OTHER = signer_for("owner"), signer_for("other")
TRUST = Trust((TrustedIssuer(did=OWNER.did, nickname="me"),))
USE = Use(("train",), AT)


def log(bench: Any, valid_until: datetime) -> None:
    """Log a credential that permits to train on the dataset."""
    source = bench.repo.resolve("acme/docs")
    log_credential(bench.repo, source, OWNER, ["train"], (AT, valid_until))


@pytest.fixture
def permitted(bench: Any) -> Any:
    bench.write({"a.txt": b"the first", "b.txt": b"the second"})
    bench.commit()
    log(bench, AT + timedelta(days=10))
    return bench


def ask(repository: Repository, trust: Trust = TRUST) -> list[Any]:
    return check_rights(repository, [repository.resolve("acme/docs")], USE, trust=trust)


def test_only_the_keys_that_trust_allows_give_rights(permitted: Any) -> None:
    """Attack case A19: the trust file believes the issuer, but not by this key or algorithm."""
    assert ask(permitted.repo, replace(TRUST, allowed=AllowedKeys(frozenset({OWNER.did}))))
    for allowed in (
        AllowedKeys(frozenset({OTHER.did})),
        AllowedKeys(hashes=frozenset({"sha2-256"})),
        AllowedKeys(cryptosuites=frozenset({"eddsa-rdfc-2022"})),
    ):
        with pytest.raises(PolicyError, match="does not allow"):
            ask(permitted.repo, replace(TRUST, allowed=allowed))


def test_a_clone_that_was_put_back_gives_no_rights(permitted: Any) -> None:
    """ATTACK: whoever holds a clone puts the home log back to before what takes a right away."""
    home, memory = LocalBackend(permitted.repo.root), LogMemory(permitted.root / "mine")
    root, older = permitted.root / "clone", permitted.root / "older"
    desk, _ = clone(home, "home", root, memory=memory)
    shutil.copytree(root, older)
    assert ask(desk)
    log(permitted, AT + timedelta(days=5))
    pull(desk, home, "home", memory=memory)
    assert ask(desk)
    shutil.rmtree(root)
    shutil.copytree(older, root)
    desk = Repository.open(root, memory=memory)
    with pytest.raises(PolicyError, match="this clone is behind") as caught:
        ask(desk)
    assert caught.value.kind == "log-behind"
    sources = sources_of_datasets(desk, [desk.resolve("acme/docs")], Asker(TRUST, AT))
    assert mix(sources, USE).verdict == "incomplete"
    (root / "mirror").unlink()
    desk = Repository.open(root, memory=memory)
    with pytest.raises(PolicyError, match="rolled back"):
        ask(desk)
    sources = sources_of_datasets(desk, [desk.resolve("acme/docs")], Asker(TRUST, AT))
    assert mix(sources, USE).ruling[0] == "unknown"
    assert ask(Repository.open(root, memory=LogMemory(permitted.root / "another's")))
