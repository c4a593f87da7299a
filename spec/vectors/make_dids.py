"""Makes ``dids/``: names, documents and keys that are found, and those that are refused.

The expected answers are written by hand; keys are those of the did:key method's own examples (see
``make_multikey.py``).
"""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

ALICE = "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
MALLORY = "z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG"
X25519 = "z6LSpTuPkd62C2fWNC3u2APZBdqrAF8vrjYjhgwpPMgDhHQ7"
P256 = "zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv"
DID = "did:web:acme.example"
URL = f"{DID}#{ALICE}"
PURPOSES = ("assertionMethod", "authentication", "capabilityInvocation", "capabilityDelegation")


def names() -> dict[str, Any]:
    """Return where each did:web lives, and what is no DID."""
    urls = {
        "did:web:acme.example": "https://acme.example/.well-known/did.json",
        "did:web:acme.example%3A8443": "https://acme.example:8443/.well-known/did.json",
        "did:web:acme.example:data": "https://acme.example/data/did.json",
        "did:web:a.b-c.example%3A8443:x:Y_2.z": "https://a.b-c.example:8443/x/Y_2.z/did.json",
        "did:web:xn--bcher-kva.example": "https://xn--bcher-kva.example/.well-known/did.json",
    }
    refused = {
        "empty": "",
        "no-did": "web:acme.example",
        "no-id": "did:web:",
        "upper-case-method": "did:WEB:acme.example",
        "upper-case-host": "did:web:Acme.example",
        "white-space": "did:web:acme.example ",
        "newline": "did:web:acme.example\n",
        "single-label": "did:web:localhost",
        "ipv4": "did:web:127.0.0.1",
        "ipv4-short": "did:web:127.1",
        "ipv4-decimal": "did:web:2130706433",
        "ipv4-hexadecimal": "did:web:0x7f.0x1",
        "ipv6": "did:web:[%3A%3A1]",
        "ipv6-bare": "did:web:%3A%3A1",
        "user": "did:web:user@acme.example",
        "user-encoded": "did:web:user%40acme.example",
        "dot-at-the-end": "did:web:acme.example.",
        "empty-label": "did:web:acme..example",
        "hyphen-first": "did:web:-acme.example",
        "label-of-64": f"did:web:{'a' * 64}.example",
        "port-0": "did:web:acme.example%3A0",
        "port-padded": "did:web:acme.example%3A0443",
        "port-too-large": "did:web:acme.example%3A65536",
        "port-empty": "did:web:acme.example%3A",
        "port-lower-case": "did:web:acme.example%3a8443",
        "port-twice": "did:web:acme.example%3A1%3A2",
        "path-empty": "did:web:acme.example:",
        "path-empty-segment": "did:web:acme.example::data",
        "path-dots": "did:web:acme.example:..:data",
        "path-dot": "did:web:acme.example:.:data",
        "path-dots-encoded": "did:web:acme.example:%2E%2E:data",
        "path-dots-encoded-lower": "did:web:acme.example:%2e%2e",
        "path-slash-encoded": "did:web:acme.example:a%2Fb",
        "path-slash": "did:web:acme.example/data",
        "query": "did:web:acme.example?x=1",
        "fragment": "did:web:acme.example#key",
        "backslash": "did:web:acme.example\\data",
        "not-ascii": "did:web:acme\u0301.example",
        "too-long": "did:web:acme.example" + ":a" * 500,
    }
    return {
        "cases": [
            *({"id": did, "did": did, "url": url} for did, url in urls.items()),
            *({"id": name, "did": did, "error": "bad-did"} for name, did in refused.items()),
        ]
    }


def document(**changes: Any) -> dict[str, Any]:
    """Return a sound document with members replaced, or left out where None."""
    whole = {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": DID,
        "verificationMethod": [method()],
        "assertionMethod": [URL],
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def method(**changes: Any) -> dict[str, Any]:
    """Return the method of a sound document with members replaced, or left out where None."""
    whole = {
        "id": URL,
        "type": "Multikey",
        "controller": DID,
        "publicKeyMultibase": ALICE,
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def documents() -> dict[str, Any]:
    """Return documents, what is asked of them, and the key or the kind of error."""
    m = method

    def ask(name: str, answer: str, doc: Any, url: str = URL, purpose: str = PURPOSES[0]) -> Any:
        text = doc if isinstance(doc, str) else json.dumps(doc)
        expected = {"key": answer} if answer.startswith("z6Mk") else {"error": answer}
        return {"id": name, "document": text, "method": url, "purpose": purpose, **expected}

    bad = "bad-did-document"
    plain = json.dumps(document())
    other = f"{DID}#{MALLORY}"
    return {
        "at": "2026-11-24T14:12:39Z",
        "cases": [
            ask("sound", ALICE, document()),
            ask("without-context", ALICE, document(**{"@context": None})),
            ask("cid-context", ALICE, document(**{"@context": "https://www.w3.org/ns/cid/v1"})),
            ask("relative", ALICE, document(
                verificationMethod=[m(id=f"#{ALICE}")], assertionMethod=[f"#{ALICE}"])),
            ask("embedded", ALICE, document(verificationMethod=None, assertionMethod=[m()])),
            ask("embedded-for-another-purpose", "wrong-purpose", document(
                verificationMethod=None, assertionMethod=None, authentication=[m()])),
            ask("other-members", ALICE, document(
                service=[{"id": "#s", "type": "X", "serviceEndpoint": "https://x.example"}],
                alsoKnownAs=["https://acme.example"], controller=[DID, "did:web:x.example"],
                deactivated=None, keyAgreement=["#anything"])),
            ask("other-types-beside-it", ALICE, document(verificationMethod=[
                m(), m(id="#p", publicKeyMultibase=P256), m(id="#x", publicKeyMultibase=X25519),
                {"id": "#j", "type": "JsonWebKey", "controller": DID, "publicKeyJwk": {}}])),
            ask("not-yet-revoked", ALICE, document(
                verificationMethod=[m(revoked="2026-11-24T14:12:40Z")])),
            ask("not-yet-expired", ALICE, document(
                verificationMethod=[m(expires="2026-11-24T15:12:40.5+01:00")])),
            ask("revoked", "method-revoked", document(
                verificationMethod=[m(revoked="2026-11-24T14:12:39Z")])),
            ask("expired", "method-expired", document(
                verificationMethod=[m(expires="2026-11-24T15:12:39+01:00")])),
            ask("not-listed", "no-method", document(), other),
            ask("fragment-of-nothing", "no-method", document(), f"{DID}#key-1"),
            ask("wrong-purpose", "wrong-purpose", document(), purpose="authentication"),
            ask("no-purpose", "wrong-purpose", document(), purpose="verificationMethod"),
            ask("key-agreement", "wrong-purpose", document(keyAgreement=[URL]),
                purpose="keyAgreement"),
            ask("listed-without-method", "no-method", document(assertionMethod=[other]), other),
            ask("foreign-controller", "foreign-controller", document(
                verificationMethod=[m(controller="did:web:mallory.example")])),
            ask("foreign-id", "no-method", document(
                verificationMethod=[m(id=f"did:web:mallory.example#{ALICE}")])),
            ask("p256", "unsupported-method", document(
                verificationMethod=[m(publicKeyMultibase=P256)])),
            ask("base64url", "unsupported-method", document(
                verificationMethod=[m(publicKeyMultibase="u7QE7aifO")])),
            ask("other-type", "unsupported-method", document(
                verificationMethod=[m(type="Ed25519VerificationKey2018")])),
            ask("another-did", "no-document", document(id="did:web:mallory.example")),
            ask("no-fragment", "bad-did", document(), DID),
            ask("empty-fragment", "bad-did", document(), f"{DID}#"),
            ask("path", "bad-did", document(), f"{DID}/x#{ALICE}"),
            ask("query", "bad-did", document(), f"{DID}?x=1#{ALICE}"),
            ask("two-fragments", "bad-did", document(), f"{URL}#x"),
            ask("unknown-did-method", "unsupported-did", document(), f"did:example:acme#{ALICE}"),
            ask("did-key", ALICE, document(), f"did:key:{ALICE}#{ALICE}"),
            ask("did-key-for-login", ALICE, document(), f"did:key:{ALICE}#{ALICE}",
                "authentication"),
            ask("did-key-misspelt", "bad-key", document(), f"did:key:{ALICE[:-1]}&#{ALICE}"),
            ask("did-key-with-a-bracket", "bad-key", document(), f"did:key:{ALICE}#{ALICE[:-1]}]"),
            ask("did-key-of-another", "bad-key", document(), f"did:key:{ALICE}#{MALLORY}"),
            ask("did-key-in-a-document", "bad-key", document(
                id=f"did:key:{ALICE}",
                verificationMethod=[m(id=f"did:key:{ALICE}#{MALLORY}", publicKeyMultibase=MALLORY,
                                      controller=f"did:key:{ALICE}")],
                assertionMethod=[f"did:key:{ALICE}#{MALLORY}"]), f"did:key:{ALICE}#{MALLORY}"),
            ask("not-json", bad, "hello"),
            ask("not-an-object", bad, "[]"),
            ask("duplicate-member", bad, plain[:-1] + f', "id": "{DID}"}}'),
            ask("byte-order-mark", bad, "\ufeff" + plain),
            ask("trailing-text", bad, plain + "x"),
            ask("too-deep", bad, plain[:-1] + ', "x": ' + "[" * 65 + "]" * 65 + "}"),
            ask("too-large", bad, plain[:-1] + f', "x": "{"x" * 65536}"}}'),
            ask("no-id", bad, document(id=None)),
            ask("id-with-path", bad, document(id=f"{DID}/x")),
            ask("other-context", bad, document(**{"@context": "https://x.example"})),
            ask("context-second", bad, document(
                **{"@context": ["https://x.example", "https://www.w3.org/ns/did/v1"]})),
            ask("controller-no-did", bad, document(controller="acme")),
            ask("methods-no-list", bad, document(verificationMethod=m())),
            ask("method-no-object", bad, document(verificationMethod=[URL])),
            ask("method-without-controller", bad, document(
                verificationMethod=[m(controller=None)])),
            ask("method-without-id", bad, document(verificationMethod=[m(id=None)])),
            ask("method-without-type", bad, document(verificationMethod=[m(type=None)])),
            ask("method-twice", bad, document(
                verificationMethod=[m(), m(publicKeyMultibase=MALLORY)])),
            ask("method-twice-once-embedded", bad, document(
                assertionMethod=[m(publicKeyMultibase=MALLORY)])),
            ask("method-twice-once-relative", bad, document(
                verificationMethod=[m(), m(id=f"#{ALICE}", publicKeyMultibase=MALLORY)])),
            ask("listed-twice", bad, document(assertionMethod=[URL, f"#{ALICE}"])),
            ask("65-methods", bad, document(
                verificationMethod=[m(id=f"#k{i}") for i in range(65)])),
            ask("private-key", bad, document(
                verificationMethod=[m(secretKeyMultibase="z3u2")])),
            ask("key-with-wrong-length", bad, document(
                verificationMethod=[m(publicKeyMultibase=ALICE[:-1])])),
            ask("small-order-key", bad, document(verificationMethod=[
                m(publicKeyMultibase="z6MkeXATEjyXENzBXBxgC5EHk2JE5aqd7qMGGtDpLUH1e2Sj")])),
            ask("revoked-without-offset", bad, document(
                verificationMethod=[m(revoked="2026-11-24T14:12:39")])),
            ask("revoked-date-only", bad, document(verificationMethod=[m(revoked="2026-11-24")])),
            ask("revoked-in-year-0", bad, document(
                verificationMethod=[m(revoked="0000-01-01T00:00:00Z")])),
            ask("revoked-before-year-1", bad, document(
                verificationMethod=[m(revoked="0001-01-01T00:00:00+01:00")])),
            ask("revoked-after-year-9999", bad, document(
                verificationMethod=[m(revoked="9999-12-31T23:59:59-01:00")])),
            ask("revoked-no-such-day", bad, document(
                verificationMethod=[m(revoked="2026-02-30T00:00:00Z")])),
            ask("revoked-null", bad, document(
                verificationMethod=[{**m(), "revoked": None}])),
        ],
    }  # fmt: skip


def resolutions() -> dict[str, Any]:
    """Return DIDs and their resolution results, where one document is known."""
    did = f"did:key:{ALICE}"
    url = f"{did}#{ALICE}"
    of_key = {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": did,
        "verificationMethod": [
            {"id": url, "type": "Multikey", "controller": did, "publicKeyMultibase": ALICE}
        ],
        **{purpose: [url] for purpose in PURPOSES},
    }
    errors = {
        "did:key:z2DQUyFHStG42FqbEhyM6LhkEqqV45NGGqKCwNxVWWu7Yzj": "invalidPublicKeyLength",
        "did:key:zQebeJuQS9tiqFzefgHxZeVUbhWECyry6RCNKd2cc5UF3uRJ7": "invalidPublicKeyLength",
        "did:key:" + ALICE + "A": "invalidPublicKeyLength",
        "did:key:u7QE7aifO": "invalidDid",
        "did:key:z0OIl": "invalidDid",
        "did:key:" + X25519: "unsupportedPublicKeyType",
        "did:key:z6MkeXATEjyXENzBXBxgC5EHk2JE5aqd7qMGGtDpLUH1e2Sj": "invalidPublicKey",
        f"did:key:{ALICE}#{ALICE}": "invalidDid",
        f"did:key:1.1:{ALICE}": "invalidDid",
        "did:example:acme": "methodNotSupported",
        "did:web:other.example": "notFound",
        "did:web:127.0.0.1": "invalidDid",
        "acme": "invalidDid",
    }
    return {
        "known": json.dumps(document()),
        "cases": [
            {"id": "did-key", "did": did, "didDocument": of_key},
            {"id": "did-web", "did": DID, "didDocument": document()},
            *({"id": text, "did": text, "error": error} for text, error in errors.items()),
        ],
    }


def dereferences() -> dict[str, Any]:
    """Return DID URLs and what they name, where one document is known."""
    did = f"did:key:{ALICE}"
    key = {
        "id": f"{did}#{ALICE}", "type": "Multikey", "controller": did, "publicKeyMultibase": ALICE,
    }  # fmt: skip
    relative, embedded = method(id="#other"), method(id=f"{DID}#login")
    service = {"id": f"{DID}#files", "type": "Files", "serviceEndpoint": "https://acme.example/f"}
    known = document(
        verificationMethod=[method(), relative], authentication=[embedded], keyAgreement=["#other"],
        service=[service],
    )  # fmt: skip
    purpose = "verificationRelationship"
    form = "publicKeyFormat"

    def case(name: str, url: str, result: Any, **options: str) -> dict[str, Any]:
        said = {"error": result} if isinstance(result, str) else {"content": result}
        return {"id": name, "didUrl": url, "options": options, **said}

    return {
        "known": json.dumps(known),
        "cases": [
            case("key-of-a-did-key", f"{did}#{ALICE}", key),
            case("key-of-a-did-web", URL, method()),
            case("relative-in-the-document", f"{DID}#other", relative),
            case("embedded", f"{DID}#login", embedded),
            case("service", f"{DID}#files", service),
            case("no-fragment", DID, known),
            case("under-its-relationship", URL, method(), **{purpose: "assertionMethod"}),
            case("under-a-relationship-of-others", f"{DID}#other", relative,
                 **{purpose: "keyAgreement"}),
            case("embedded-under-its-relationship", f"{DID}#login", embedded,
                 **{purpose: "authentication"}),
            case("not-under-that-relationship", f"{DID}#other",
                 "invalidRelationshipForVerificationMethod", **{purpose: "assertionMethod"}),
            case("not-a-relationship", URL, "invalidRelationshipForVerificationMethod",
                 **{purpose: "id"}),
            case("a-list-that-is-no-relationship", URL, "invalidRelationshipForVerificationMethod",
                 **{purpose: "verificationMethod"}),
            case("a-document-under-a-relationship", DID, "invalidVerificationMethod",
                 **{purpose: "assertionMethod"}),
            case("no-method-to-be-under-it", f"{DID}#files", "invalidVerificationMethod",
                 **{purpose: "assertionMethod"}),
            case("no-such-fragment", f"{DID}#nothing", "notFound"),
            case("empty-fragment", f"{DID}#", "notFound"),
            case("did-key-of-another", f"{did}#{MALLORY}", "notFound"),
            case("no-encryption-key-is-derived", f"{did}#{X25519}", "notFound"),
            case("path", f"{DID}/whois#x", "notFound"),
            case("query", f"{DID}?versionId=1", "featureNotSupported"),
            case("parameter-as-option", DID, "featureNotSupported", service="files"),
            case("multikey", f"{did}#{ALICE}", key, **{form: "Multikey"}),
            case("known-form", f"{did}#{ALICE}", "unsupportedPublicKeyType",
                 **{form: "JsonWebKey2020"}),
            case("experimental-form", f"{did}#{ALICE}", "invalidPublicKeyType",
                 **{form: "Ed25519VerificationKey2018"}),
            case("experimental-form-of-encryption", f"{did}#{X25519}", "invalidPublicKeyType",
                 **{form: "Ed25519VerificationKey2018"}),
            case("experimental-form-allowed", f"{did}#{ALICE}", "unsupportedPublicKeyType",
                 **{form: "Ed25519VerificationKey2018",
                    "enableExperimentalPublicKeyTypes": "true"}),
            case("unknown-did", f"did:web:other.example#{ALICE}", "notFound"),
            case("unknown-method", "did:example:acme#x", "methodNotSupported"),
            case("key-too-short", "did:key:z6Mk#x", "invalidPublicKeyLength"),
            *(case(f"malformed-{number}", url, "invalidDidUrl") for number, url in enumerate([
                f"{DID}/^bar^/?query=`#x", f"{DID}#a#b", f"{DID}#a b", f"{DID}#%2", f"{DID}#\u00e9",
                f"did:web:127.0.0.1#{ALICE}", "did:key:@#x", "did:web#x", f"{DID}#{'x' * 4000}",
                "https://acme.example#x", "acme#x", "",
            ])),
        ],
    }  # fmt: skip


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {
        "dids/names.json": names(),
        "dids/documents.json": documents(),
        "dids/resolutions.json": resolutions(),
        "dids/dereferences.json": dereferences(),
    }
