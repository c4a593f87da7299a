"""Grants by organisations and to them: rights of the keys that their documents list."""

import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import PolicyError
from lyrikstore.canon.json import parse
from lyrikstore.credentials.did.document import build_document
from lyrikstore.credentials.issue import issue, reference_to
from lyrikstore.credentials.model.credential import Claims, CredentialMetadata
from lyrikstore.credentials.model.grant import build_grant
from lyrikstore.credentials.trust import PinnedDocument, Trust, TrustedIssuer
from lyrikstore.crypto.keys.signer import OrganisationSigner
from lyrikstore.crypto.multikey import encode_multikey
from lyrikstore.curate.terms.sources import Asker, sources_of_datasets
from lyrikstore.history.commit.policy_change import change_policy, revoked
from lyrikstore.history.commit.transaction import open_transaction
from tests.curate.grants.granting import (
    AT,
    OTHER,
    OWNER,
    TRAINER,
    TRUST,
    ask,
    grant,
    issued,
    refused,
)


def test_nobody_grants_in_the_name_of_another_organisation(bench: Any, terms: bytes) -> None:
    with pytest.raises(PolicyError, match=f"only {OWNER.did}, which issued"):
        grant(bench, terms, organisation="did:web:other.example")


def test_a_copy_of_an_organisations_document_gives_no_right(bench: Any) -> None:
    web = "did:web:acme.example"
    terms = issued(bench, OrganisationSigner(OWNER, web))
    key = encode_multikey(OWNER.public)
    document = json.dumps(build_document(web, {key: key})).encode()
    grant(bench, terms, did_document=document)  # which logs it: whoever hands it over wrote it
    named = Trust((TrustedIssuer(did=web, nickname="Acme"),))
    refused("taken in with it", bench, "evaluate", trust=named)
    refused("taken in with it", bench, trust=named)
    pinned = replace(named, documents=(PinnedDocument(web, document),))
    assert ask(bench, "evaluate", trust=pinned)[0].issuer == web
    (right,) = ask(bench, trust=pinned)
    assert right.grant is not None
    datasets = [bench.repo.resolve("acme/docs")]
    for trust, known in ((named, False), (pinned, True)):
        (source,) = sources_of_datasets(bench.repo, datasets, Asker(trust, AT))
        assert (source.verdict == "trusted") is known, source.note


def test_a_grant_to_an_organisation_is_a_right_of_its_keys(bench: Any, terms: bytes) -> None:
    web = "did:web:buyer.example"
    made = grant(bench, terms, holder=web)
    with pytest.raises(PolicyError, match="you pinned no document") as caught:
        ask(bench)
    assert "trust add" in (caught.value.hint or "")
    document = build_document(web, {key: key for key in [encode_multikey(TRAINER.public)]})
    data = json.dumps(document).encode()
    # ATTACK: whoever has a copy of the grant brings a document that lists another key.
    with open_transaction(bench.repo) as transaction:
        transaction.log_credential(data)
        transaction.commit()
    refused("you pinned no document", bench)
    trust = replace(TRUST, documents=(PinnedDocument(web, data),))
    (right,) = ask(bench, trust=trust)
    assert right.grant == made.id
    refused("train is not permitted", bench, trust=trust, user=OTHER.did)
    other = json.dumps({**document, "authentication": []}).encode()
    refused("train is not", bench, trust=replace(TRUST, documents=(PinnedDocument(web, other),)))
    # One that calls another key by the name of the trainer's does not list the trainer's.
    named, held = (encode_multikey(one.public) for one in (TRAINER, OTHER))
    other = json.dumps(build_document(web, {named: held})).encode()
    refused("train is not", bench, trust=replace(TRUST, documents=(PinnedDocument(web, other),)))


def test_a_grant_under_terms_by_a_stolen_key_is_none(bench: Any) -> None:
    """ATTACK: a thief issues terms for an organisation, whose other key grants under them."""
    web = "did:web:acme.example"
    terms = issued(bench, OrganisationSigner(OWNER, web))
    named = [encode_multikey(one.public) for one in (OWNER, OTHER)]
    document = json.dumps(build_document(web, {key: key for key in named})).encode()
    trust = Trust(
        (TrustedIssuer(did=web, nickname="Acme"),), documents=(PinnedDocument(web, document),)
    )
    granted = build_grant(
        CredentialMetadata(web, AT, AT + timedelta(days=5)),
        Claims.of(parse(terms)["credentialSubject"]),
        terms=reference_to(terms),
        holder=TRAINER.did,
        permits=["train"],
        limits={"type": "TermLimits", "seats": 3},
    )
    with open_transaction(bench.repo) as transaction:
        transaction.log_credential(issue(granted, OrganisationSigner(OTHER, web), AT))
        transaction.commit()
    assert ask(bench, trust=trust)[0].grant is not None
    since = bench.repo.index_of(Digest.of(terms), "credential")
    change = revoked(OWNER.did, since, OTHER.did)
    change_policy(bench.repo, change, signer=OWNER, clock=lambda: AT + timedelta(minutes=5))
    bench.repo.refresh()
    refused("key that was compromised", bench, trust=trust)
