"""A right by a stolen key, or by the word of a copied document, is none: before and after."""

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import PolicyError
from lyrikstore.credentials.did.document import build_document
from lyrikstore.credentials.issue import issue
from lyrikstore.credentials.terms.model import Use
from lyrikstore.credentials.trust import PinnedDocument
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner, OrganisationSigner
from lyrikstore.crypto.multikey import encode_multikey
from lyrikstore.curate.terms.combined import mix
from lyrikstore.curate.terms.sources import Asker, sources_of_datasets
from lyrikstore.history.commit.policy_change import change_policy, revoked, rotated
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, sign_manifest
from lyrikstore.verify.rights.recorded import check_rights as rights_of_runs
from lyrikstore.verify.rights.required import check_rights
from tests.lineages import lineage_of


def test_a_right_given_by_a_stolen_key_is_none(world: SimpleNamespace, tmp_path: Path) -> None:
    publisher = world.make_publisher(tmp_path)
    repository, trust = publisher.repository, world.trusting(world.OWNER.did)
    with open_transaction(repository) as transaction:
        transaction.log_credential(publisher.credential())
        index = transaction.commit()[0]
    use = Use(("train",), world.NOW)
    asked = (repository, [publisher.manifest], use)
    assert check_rights(*asked, trust=trust)

    def mixed() -> Any:
        sources = sources_of_datasets(repository, [publisher.manifest], Asker(trust, world.NOW))
        return mix(sources, use)

    following = KeySigner(PrivateKey.from_seed(b"\x42" * 32))
    for suspect in (index + 1, index):
        signer = world.OWNER if suspect > index else following
        change_policy(
            repository,
            revoked(world.OWNER.did, suspect, following.did if suspect > index else None),
            signer=signer,
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


def run_by(
    repository: Any, source: Any, credential: bytes, issuer: str, signer: Any, created: Any
) -> Any:
    """Return a run that records one right to train on ``source``."""
    return sign_manifest(
        kind="run",
        store=repository.store_id,
        name="runs/acme/classifier",
        body={
            "purpose": "train",
            "config": {},
            "seed": 1,
            "order": {"function": "shuffle/1", "records": {"train": 3}},
            "environment": {"python": "3.11", "platform": "x", "packages": {}, "threads": 1},
            "code": {"package": "x", "version": "1", "digest": str(Digest.of(b"code"))},
            "plannedOutputs": ["checkpoints/acme/classifier"],
            "rights": [
                {
                    "dataset": str(source.id),
                    "credential": str(Digest.of(credential)),
                    "issuer": issuer,
                    "permits": ["train"],
                }
            ],
        },
        inputs=[Input("train", "dataset", source.id)],
        signer=signer,
        created=created,
    )


def test_a_run_by_a_copy_of_a_document_is_nobodys_word(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    publisher, web = world.make_publisher(tmp_path), "did:web:acme.example"
    repository, house = publisher.repository, OrganisationSigner(world.OWNER, web)
    key = encode_multikey(world.OWNER.public)
    document = json.dumps(build_document(web, {key: key})).encode()
    credential = issue(publisher.unsigned(issuer=web), house, world.NOW)
    run = run_by(repository, publisher.manifest, credential, web, world.OWNER, world.NOW)
    for logged in ((document, credential), (run,)):
        with open_transaction(repository) as transaction:
            for one in logged:
                if isinstance(one, bytes):
                    transaction.log_credential(one)
                else:
                    transaction.log_manifest(one)
            transaction.commit()
    ancestry = lineage_of(publisher.manifest, run)
    named = world.trusting(web)
    found = rights_of_runs(repository, ancestry, trust=named, at=world.NOW)
    assert (found.state, found.id) == ("warn", "rights"), found
    assert "taken in with it" in found.summary
    pinned = replace(named, documents=(PinnedDocument(web, document),))
    assert rights_of_runs(repository, ancestry, trust=pinned, at=world.NOW).state == "pass"


def test_an_heir_gives_rights_and_a_thief_gives_none(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    publisher = world.make_publisher(tmp_path)
    repository, trust = publisher.repository, world.trusting(world.OWNER.did)
    heir, thief = (KeySigner(PrivateKey.from_seed(bytes([n]) * 32)) for n in (0x42, 0x43))
    later = world.NOW + timedelta(hours=1)
    use = Use(("train",), later)

    def change(how: Any, signer: Any) -> None:
        change_policy(repository, how, signer=signer, clock=lambda: later)
        repository.refresh()

    def log(data: bytes) -> bytes:
        with open_transaction(repository) as transaction:
            transaction.log_credential(data)
            transaction.commit()
        return data

    def ran() -> Any:
        run = run_by(repository, publisher.manifest, credential, heir.did, heir, later)
        with open_transaction(repository) as transaction:
            transaction.log_manifest(run)
            transaction.commit()
        ancestry = lineage_of(run, publisher.manifest)
        return rights_of_runs(repository, ancestry, trust=trust, at=later)

    change(rotated(world.OWNER.did, heir.did), world.OWNER)
    log(issue(publisher.unsigned(issuer=thief.did), thief, later))
    with pytest.raises(PolicyError, match="does not name"):
        check_rights(repository, [publisher.manifest], use, trust=trust)
    credential = log(issue(publisher.unsigned(issuer=heir.did), heir, later))
    (right,) = check_rights(repository, [publisher.manifest], use, trust=trust)
    assert right.issuer == heir.did
    assert ran().state.value == "pass"
    (source,) = sources_of_datasets(repository, [publisher.manifest], Asker(trust, later))
    assert source.verdict == "trusted"

    # The old key turns out to have been stolen before it named the heir.
    change(revoked(world.OWNER.did, 1), heir)
    with pytest.raises(PolicyError):
        check_rights(repository, [publisher.manifest], use, trust=trust)
