"""A right to use data that a stolen key gave away is none, before training and after."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lyrikstore.canon.errors import PolicyError
from lyrikstore.credentials.terms.mix import mix
from lyrikstore.credentials.terms.model import Use
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.signer import KeySigner
from lyrikstore.curate.rights import check_rights
from lyrikstore.curate.termsources import sources_of_datasets
from lyrikstore.history.succession import change_policy, revoked


def test_a_right_given_by_a_stolen_key_is_none(world: SimpleNamespace, tmp_path: Path) -> None:
    publisher = world.make_publisher(tmp_path)
    repository, trust = publisher.repository, world.trusting(world.OWNER.did)
    with repository.transaction(log_signer=world.LOG) as transaction:
        transaction.log_credential(publisher.credential())
        index = transaction.commit()[0]
    use = Use(("train",), world.NOW)
    asked = (repository, [publisher.manifest], use)
    assert check_rights(*asked, trust=trust)

    def mixed() -> Any:
        sources = sources_of_datasets(repository, [publisher.manifest], trust=trust, at=world.NOW)
        return mix(sources, use)

    following = KeySigner(PrivateKey.from_seed(b"\x42" * 32))
    for suspect in (index + 1, index):
        signer = world.OWNER if suspect > index else following
        change_policy(
            repository,
            revoked(world.OWNER.did, suspect, following.did if suspect > index else None),
            signer=signer,
            log_signer=world.LOG,
            clock=lambda: world.NOW + timedelta(hours=1),
        )
        repository.refresh()
        if suspect > index:
            assert check_rights(*asked, trust=trust)  # it was logged before
            assert mixed().ruling[0] == "permitted"
        else:
            assert mixed().ruling[0] == "unknown"
            with pytest.raises(PolicyError, match="compromised"):
                check_rights(*asked, trust=trust)
