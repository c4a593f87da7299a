"""A right by a stolen key, or by the word of a copied document, is none: before and after."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import PolicyError
from lyrikstore.credentials.did.document import build_document
from lyrikstore.credentials.envelope import issue
from lyrikstore.credentials.rights import check_rights as rights_of_runs
from lyrikstore.credentials.terms.mix import mix
from lyrikstore.credentials.terms.model import Use
from lyrikstore.credentials.trust import PinnedDocument
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.multikey import encode_multikey
from lyrikstore.crypto.signer import KeySigner, OrganisationSigner
from lyrikstore.curate.rights import check_rights
from lyrikstore.curate.termsources import sources_of_datasets
from lyrikstore.history.manifest import Input, sign_manifest
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


def test_a_run_by_a_copy_of_a_document_is_nobodys_word(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    publisher, web = world.make_publisher(tmp_path), "did:web:acme.example"
    repository, house = publisher.repository, OrganisationSigner(world.OWNER, web)
    key = encode_multikey(world.OWNER.public)
    document = json.dumps(build_document(web, {key: key})).encode()
    credential = issue(publisher.unsigned(issuer=web), house, world.NOW)
    right = {"dataset": str(publisher.manifest.id), "credential": str(Digest.of(credential))}
    run = sign_manifest(
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
            "rights": [{**right, "issuer": web, "permits": ["train"]}],
        },
        inputs=[Input("train", "dataset", publisher.manifest.id)],
        signer=world.OWNER,
        created=world.NOW,
    )
    for logged in ((document, credential), (run,)):
        with repository.transaction(log_signer=world.LOG) as transaction:
            for one in logged:
                if isinstance(one, bytes):
                    transaction.log_credential(one)
                else:
                    transaction.log_manifest(one)
            transaction.commit()
    ancestry = {one.id: one for one in (publisher.manifest, run)}
    named = world.trusting(web)
    found = rights_of_runs(repository, ancestry, trust=named, at=world.NOW)
    assert (found.state, found.id) == ("warn", "rights"), found
    assert "taken in with it" in found.summary
    pinned = replace(named, documents=(PinnedDocument(web, document),))
    assert rights_of_runs(repository, ancestry, trust=pinned, at=world.NOW).state == "pass"
