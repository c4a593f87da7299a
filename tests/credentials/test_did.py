"""DIDs: only the document's own keys are found, whatever a document or a URL claims."""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    KeyMaterialError,
    LyrikstoreError,
)
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.credentials.did import (
    DocumentSource,
    KnownDocument,
    Resolver,
    documents_among,
    parse_did,
    parse_document,
    web_url,
)
from lyrikstore.credentials.did.dereferencing import dereference
from lyrikstore.credentials.did.document import build_document
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.multikey import did_key, encode_multikey

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
DID = "did:web:acme.example"
KEYS = [encode_multikey(PrivateKey.from_seed(bytes([i]) * 32).public) for i in range(3)]


def cases(name: str) -> list[Any]:
    return json.loads((VECTORS / "dids" / name).read_text("ascii"))["cases"]


@pytest.mark.parametrize("case", cases("names.json"), ids=lambda case: case["id"][:40])
def test_names(case: dict[str, str]) -> None:
    if "url" in case:
        assert web_url(case["did"]) == case["url"]
        return
    with pytest.raises(FormatError) as caught:
        web_url(case["did"])
    assert caught.value.kind == case["error"]


@pytest.mark.parametrize("case", cases("documents.json"), ids=lambda case: case["id"])
def test_documents(case: dict[str, str]) -> None:
    at = parse_timestamp(json.loads((VECTORS / "dids/documents.json").read_text())["at"])

    def ask() -> str:
        known = KnownDocument.of(case["document"].encode(), DocumentSource.PINNED)
        return encode_multikey(Resolver([known]).key(case["method"], case["purpose"], at))

    if "key" in case:
        assert ask() == case["key"]
        return
    with pytest.raises(LyrikstoreError) as caught:
        ask()
    assert caught.value.kind == case["error"]


@pytest.mark.parametrize("case", cases("resolutions.json"), ids=lambda case: case["id"])
def test_resolutions(case: dict[str, Any]) -> None:
    known = json.loads((VECTORS / "dids/resolutions.json").read_text())["known"]
    result = Resolver([KnownDocument.of(known.encode(), DocumentSource.PINNED)]).resolve(
        case["did"]
    )
    made = result.to_json()
    assert made["didDocument"] == case.get("didDocument")
    assert made["didResolutionMetadata"].get("error") == case.get("error")
    json.dumps(made)


@pytest.mark.parametrize("case", cases("dereferences.json"), ids=lambda case: case["id"])
def test_dereferences(case: dict[str, Any]) -> None:
    known = json.loads((VECTORS / "dids/dereferences.json").read_text())["known"]
    resolver = Resolver([KnownDocument.of(known.encode(), DocumentSource.PINNED)])
    found = dereference(resolver, case["didUrl"], case["options"])
    assert (found.error, found.content) == (case.get("error", ""), case.get("content"))
    older, made = found.as_resolution(), found.to_json()
    assert older["didDocument"] == made["content"] == case.get("content")
    error = older["didDereferencingMetadata"].get("error")
    assert error == case.get("error")
    said = made["dereferencingMetadata"].get("error", {}).get("type", "")
    assert said.rpartition("#")[2].replace("_", "").lower() == (error or "").lower()
    json.dumps([older, made])


def document(*keys: str) -> bytes:
    return json.dumps(build_document(DID, {key: key for key in keys})).encode()


def test_what_the_user_pinned_comes_before_what_lies_beside_the_credential() -> None:
    old, new = KEYS[0], KEYS[1]
    snapshot = KnownDocument.of(document(old), DocumentSource.SNAPSHOT)
    pinned = KnownDocument.of(document(new), DocumentSource.PINNED)
    fetched = KnownDocument.of(document(KEYS[2]), DocumentSource.FETCHED)
    resolver = Resolver([snapshot, pinned, fetched])

    def found(key: str) -> tuple[DocumentSource, tuple[DocumentSource, ...]]:
        one = resolver.find(f"{DID}#{key}", "assertionMethod", NOW)
        assert encode_multikey(one.key) == key
        return one.source, one.missing_from

    assert found(KEYS[2]) == (DocumentSource.FETCHED, ())
    assert found(new) == (DocumentSource.PINNED, (DocumentSource.FETCHED,))
    # Whoever hands over the credential wrote that document: the caller must not call it proof.
    assert found(old) == (DocumentSource.SNAPSHOT, (DocumentSource.FETCHED, DocumentSource.PINNED))


def test_a_revoked_method_is_not_rescued_by_an_older_document() -> None:
    value = build_document(DID, {KEYS[0]: KEYS[0]})
    value["verificationMethod"][0]["revoked"] = "2026-01-01T00:00:00Z"
    pinned = KnownDocument.of(json.dumps(value).encode(), DocumentSource.PINNED)
    snapshot = KnownDocument.of(document(KEYS[0]), DocumentSource.SNAPSHOT)
    with pytest.raises(KeyMaterialError) as caught:
        Resolver([snapshot, pinned]).key(f"{DID}#{KEYS[0]}", "assertionMethod", NOW)
    assert caught.value.kind == "method-revoked"


def test_a_resolver_without_documents_opens_nothing() -> None:
    with pytest.raises(IncompleteError):
        Resolver().key(f"{DID}#{KEYS[0]}", "assertionMethod", NOW)
    assert Resolver().resolve(DID).error == "notFound"


def test_documents_are_found_among_files_by_what_they_are() -> None:
    cut = b'{"verificationMethod": ["did:'
    files = [b"{}", b"\xff" * 10, document(KEYS[0]), cut, document()]
    assert [known.document.id for known in documents_among(files, DID)] == [DID, DID]
    assert documents_among(files, "did:web:other.example") == []
    # A document of another DID that names this one says nothing about it.
    value = {**build_document("did:web:other.example", {}), "alsoKnownAs": [DID]}
    assert documents_among([json.dumps(value).encode()], DID) == []
    many = [json.dumps({"verificationMethod": [], "n": n, "x": "did:"}).encode() for n in range(99)]
    assert documents_among([*many, document(KEYS[0])]) == []  # capped


def test_credentials_do_not_hide_the_document_that_lies_behind_them() -> None:
    credential = json.dumps(
        {"issuer": DID, "proof": {"verificationMethod": f"{DID}#{KEYS[0]}", "proofValue": "z"}}
    ).encode()
    files = [*(credential + b" " * n for n in range(40)), document(KEYS[0])]
    assert [known.document.id for known in documents_among(files, DID)] == [DID]


def test_did_key_documents_name_their_own_key() -> None:
    for key in KEYS:
        did = f"did:key:{key}"
        shown = Resolver().resolve(did).document
        assert shown is not None
        parsed = parse_document(json.dumps(dict(shown)).encode())
        assert {did_key(m.key) for m in parsed.methods.values() if m.key} == {did}


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", DID, "#x", "Multikey"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["id", "type", "controller", "publicKeyMultibase", "expires", "@context"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from([*build_document(DID, {}), "controller", "keyAgreement"]), anything
    )
)
def test_any_document_is_read_or_refused(value: dict[str, Any]) -> None:
    with contextlib.suppress(FormatError):  # and no other exception
        assert parse_document(json.dumps(value).encode()).id == value["id"]


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_document(data)


@given(st.text(max_size=60))
def test_a_did_is_in_its_grammar_or_refused(text: str) -> None:
    for candidate in (text, f"did:web:{text}", f"did:web:a.example:{text}"):
        try:
            method, rest = parse_did(candidate)
        except FormatError:
            continue
        assert candidate == f"did:{method}:{rest}"
        if method == "web":
            url = web_url(candidate)
            assert url.isascii()
            assert url.startswith("https://")
            assert not {"@", "\\", "?", "#", " "} & set(url)
            assert "/../" not in url


def test_an_organisation_signs_with_a_persons_key() -> None:
    from lyrikstore.crypto.keys.signer import KeySigner, OrganisationSigner
    from lyrikstore.crypto.proofs.eddsa_jcs import add_proof, verify_proof

    person = KeySigner(PrivateKey.from_seed(bytes(32)))
    signer = OrganisationSigner(person, DID)
    signed = add_proof({"a": "b"}, signer)
    keys = Resolver([KnownDocument.of(document(KEYS[0]), DocumentSource.PINNED)]).at(NOW)
    verified = verify_proof(signed, resolve=keys)
    assert verified.verification_method == f"{DID}#{KEYS[0]}"
    assert keys.find(verified.verification_method).did == DID
    with pytest.raises(KeyMaterialError):
        verify_proof(signed)  # a did:key reader does not guess
