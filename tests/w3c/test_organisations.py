"""Foreign issuers with a name of their own (did:web), and a verifier who limits what counts."""

import json
from typing import Any

import pytest

from lyrikstore.canon.json import parse
from lyrikstore.credentials.did import DocumentSource, Resolver, documents_among
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import PinnedDocument, Trust, TrustedIssuer, parse_trust
from lyrikstore.crypto.multikey import encode_multikey
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.report import Report
from lyrikstore.w3c.profile.presentation import verify_foreign
from lyrikstore.w3c.profile.verify import Surroundings, verify_w3c

DID = "did:web:university.example"


def document(made: Any, key: Any, purpose: str = "assertionMethod") -> bytes:
    method = {
        "id": f"{DID}#key-1",
        "type": "Multikey",
        "controller": DID,
        "publicKeyMultibase": encode_multikey(key.public),
    }
    context = ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"]
    return json.dumps(
        {"@context": context, "id": DID, "verificationMethod": [method], purpose: [method["id"]]}
    ).encode()


def judge(made: Any, text: str, documents: list[Any], extra: str = "") -> Report:
    trust = f'version = 1\n{extra}\n[[issuer]]\ndid = "{DID}"\nnickname = "University"\n'
    surroundings = Surroundings(parse_trust(trust.encode()), made.NOW, resolver=Resolver(documents))
    return verify_w3c(text.encode(), surroundings)


@pytest.fixture
def text(made: Any) -> str:
    return made.signed(made.base(issuer=DID), method=f"{DID}#key-1")


def test_pinned_is_trusted_and_a_snapshot_is_not(made: Any, text: str) -> None:
    files = [document(made, made.ALICE)]
    pinned = documents_among(files, source=DocumentSource.PINNED)
    assert judge(made, text, pinned).verdict == "trusted"
    beside = judge(made, text, documents_among(files))
    assert beside.verdict == "valid"
    assert beside.check("issuer.document").detail["reason"] == "snapshot-only"
    nothing = judge(made, text, [])
    assert nothing.verdict == "incomplete"
    assert nothing.check("proof").detail["reason"] == "no-document"


@pytest.mark.parametrize(
    ("where", "verdict"),
    [("nowhere", "incomplete"), ("beside", "valid"), ("fetched", "trusted"), ("pinned", "trusted")],
)
def test_a_document_counts_by_where_it_comes_from(
    made: Any, text: str, where: str, verdict: str
) -> None:
    found = document(made, made.ALICE)
    pinned = (PinnedDocument(DID, found),) if where == "pinned" else ()
    trust = Trust((TrustedIssuer(did=DID, nickname="University"),), documents=pinned)
    fetched = documents_among([found], source=DocumentSource.FETCHED)
    report = verify_foreign(
        text.encode(),
        siblings={"did.json": found} if where == "beside" else {},
        status_files=(),
        resources={},
        challenge=None,
        domain=None,
        trust=trust,
        at=made.NOW,
        fetched=fetched if where == "fetched" else (),
    )
    assert report.verdict == verdict


def test_a_document_beside_it_gives_no_key_to_a_status_list(made: Any) -> None:
    entry = {**made.entry(), "id": "https://lists.example/1#1"}
    text = made.signed(made.base(issuer=DID, credentialStatus=entry), method=f"{DID}#key-1")
    pinned = documents_among([document(made, made.ALICE)], source=DocumentSource.PINNED)
    beside = documents_among([document(made, made.MALLORY).replace(b"#key-1", b"#key-2")])
    status = parse(made.status_list().encode())
    del status["proof"]
    unsigned = {**status, "issuer": DID}
    own = made.signed(unsigned, method=f"{DID}#key-1")
    thief = made.signed(unsigned, made.MALLORY, method=f"{DID}#key-2")
    trust = parse_trust(f'version = 1\n[[issuer]]\ndid = "{DID}"\nnickname = "U"\n'.encode())
    for documents, lists, verdict in (
        (pinned, own, "trusted"),
        ([*pinned, *beside], thief, "incomplete"),
        ([*pinned, *beside], own, "trusted"),
    ):
        around = Surroundings(
            trust,
            made.NOW,
            Resolver(documents),
            StatusUpdates.among(map(OpenedCredential, [lists.encode()])),
        )
        assert verify_w3c(text.encode(), around).verdict == verdict


def test_another_key_and_another_purpose(made: Any, text: str) -> None:
    for files in (
        [document(made, made.MALLORY)],
        [document(made, made.ALICE, "authentication")],
    ):
        documents = documents_among(files, source=DocumentSource.PINNED)
        assert judge(made, text, documents).verdict == "invalid"


def test_only_what_the_verifier_allows(made: Any, text: str) -> None:
    documents = documents_among([document(made, made.ALICE)], source=DocumentSource.PINNED)
    for allow, verdict in (
        ('cryptosuites = ["eddsa-jcs-2022"]', "trusted"),
        ('cryptosuites = ["eddsa-rdfc-2022"]', "invalid"),
        (f'keys = ["{made.ALICE.did}"]', "trusted"),
        (f'keys = ["{made.MALLORY.did}"]', "invalid"),
    ):
        assert judge(made, text, documents, f"[allow]\n{allow}\n").verdict == verdict, allow


def test_trust_for_one_type_of_credential(made: Any, text: str) -> None:
    documents = documents_among([document(made, made.ALICE)], source=DocumentSource.PINNED)
    surroundings = {"at": made.NOW, "resolver": Resolver(documents)}
    for pattern, verdict in (
        ("credentials/ExampleAlumniCredential", "trusted"),
        ("credentials/*", "trusted"),
        ("credentials/OtherCredential", "valid"),
        ("datasets/*", "valid"),
    ):
        trust = (
            f'version = 1\n[[issuer]]\ndid = "{DID}"\nnickname = "University"\n'
            f'names = ["{pattern}"]\n'
        )
        report = verify_w3c(
            text.encode(), Surroundings(parse_trust(trust.encode()), **surroundings)
        )
        assert report.verdict == verdict, pattern
