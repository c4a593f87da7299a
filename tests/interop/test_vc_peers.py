"""Software written by others accepts what we issue, offline, and refuses what was changed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from awr.didkey import parse_did_key as awr_parse_did_key
from awr.didkey import verification_method_for
from awr.jcs import canonicalize
from awr.proof import verify_document_signature
from openvc.did.did_key import DidKeyResolver
from openvc.errors import OpenvcError
from openvc.proof.errors import ProofError
from openvc.resolvers import default_status_list_resolver
from openvc.schema import SchemaValidationError
from openvc.verify import (
    CredentialRevoked,
    IssuerBindingError,
    VerificationPolicy,
    verify_credential,
)

import make_credentials
from lyrikstore.canon.json import encode, parse
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES
from lyrikstore.credentials.model.credential import DATASET, schema_bytes
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.credentials.model.status_list import sign_list
from lyrikstore.credentials.trust import Trust
from lyrikstore.verify.credential.credential import check_credential
from lyrikstore.verify.credential.status import StatusUpdates

NOW = datetime(2026, 11, 24, 15, 0, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def made() -> Any:
    return make_credentials


@pytest.fixture(scope="module")
def credential(made: Any) -> bytes:
    return made.world().credential


def fetch_schema(url: str) -> bytes:
    assert url == DATASET.schema_id  # nothing else is asked for: no network
    return schema_bytes(DATASET)


def openvc(document: dict[str, Any], now: datetime = NOW, **more: Any) -> Any:
    return verify_credential(
        document,
        policy=VerificationPolicy(
            now=now, require_schema=True, expected_types=["DatasetCredential"]
        ),
        resolver=DidKeyResolver(),
        resolve_credential_schema=fetch_schema,
        **more,
    )


def awr(document: dict[str, Any]) -> bool:
    # awr's whole-document check is for its own receipt types; its proof check is general.
    proof = document["proof"]
    key = awr_parse_did_key(document["issuer"]["id"])
    if proof["verificationMethod"] != verification_method_for(document["issuer"]["id"]):
        return False
    return verify_document_signature(document, proof, key)


def change_claim(document: dict[str, Any]) -> None:
    document["credentialSubject"]["licence"]["partitions"][0]["permits"].append("redistribute")


def change_created(document: dict[str, Any]) -> None:
    document["proof"]["created"] = "2026-11-24T14:12:40Z"


def change_period(document: dict[str, Any]) -> None:
    document["validUntil"] = "2037-11-01T00:00:00Z"


CHANGES = [change_claim, change_created, change_period]


def test_openvc_accepts(credential: bytes, made: Any) -> None:
    result = openvc(parse(credential))
    assert result.issuer == made.OWNER.did
    assert result.subject == made.world().tree.id.urn
    assert result.schema.validated  # our schema, through its pinned digest, by their validator
    assert result.format == "data-integrity:eddsa-jcs-2022"


def test_awr_accepts(credential: bytes) -> None:
    assert awr(parse(credential))


def test_awr_canonicalises_alike(credential: bytes) -> None:
    assert canonicalize(parse(credential)) == encode(parse(credential)) == credential


@pytest.mark.parametrize("change", CHANGES)
def test_both_refuse_changes(credential: bytes, change: Any) -> None:
    document = parse(credential)
    change(document)
    assert not awr(document)
    with pytest.raises(ProofError):
        openvc(document)


def test_both_refuse_a_foreign_key(credential: bytes, made: Any) -> None:
    document = parse(made.resigned(credential, lambda d: d, made.MALLORY))
    assert not awr(document)
    with pytest.raises(IssuerBindingError):
        openvc(document)


def test_openvc_refuses_an_expired_one(credential: bytes) -> None:
    with pytest.raises(OpenvcError):
        openvc(parse(credential), datetime(2028, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("raised", [False, True])
def test_openvc_reads_our_status_lists_alike(credential: bytes, made: Any, raised: bool) -> None:
    url = "https://data.example/status/revocation-1.json"
    entry = StatusEntry("revocation", 94_567, url)
    revocable = made.resigned(credential, lambda d: d.update(credentialStatus=entry.to_json()))
    bits = bytearray(STATUS_LIST_ENTRIES // 8)
    bits[94_567 // 8] |= (128 >> 94_567 % 8) * raised
    signed = sign_list(url, "revocation", bytes(bits), made.OWNER, NOW, timedelta(days=30))

    # Their resolver, which verifies the list as a credential; only its network is ours.
    resolve = default_status_list_resolver(
        resolver=DidKeyResolver(), fetch={url: signed.decode()}.__getitem__
    )
    outcome = check_credential(
        OpenedCredential(revocable),
        trust=Trust(),
        at=NOW,
        status_updates=StatusUpdates.among(map(OpenedCredential, [signed])),
    )
    ours = next(check for check in outcome.checks if check.id == "status")
    if raised:
        assert ours.state == "fail"
        with pytest.raises(CredentialRevoked):
            openvc(parse(revocable), resolve_status_list=resolve)
    else:
        assert ours.state == "pass"
        assert not openvc(parse(revocable), resolve_status_list=resolve).status.revoked


def test_openvc_applies_our_schema(credential: bytes, made: Any) -> None:
    forged = made.resigned(credential, lambda d: d["credentialSubject"].update(fileCount="5"))
    with pytest.raises(SchemaValidationError):
        openvc(parse(forged))
