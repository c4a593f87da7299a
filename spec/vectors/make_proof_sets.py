"""Makes ``proof-sets/``: documents with one or several proofs, as the profile ``w3c`` judges them.

A case is the document, what the verifier demands (``at``, ``purpose``, ``domain``, ``challenge``),
and the ``outcome``: ``verifies``, or the kind of the error.
"""

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from lyrikstore.canon.limits import MAX_PROOFS
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.crypto.multikey import verification_method
from lyrikstore.crypto.proofs.eddsa_jcs import PROOF_TYPE, sign, signed_bytes
from lyrikstore.testing.clocks import DEFAULT_START
from lyrikstore.testing.keys import signer_for
from lyrikstore.w3c.proofs.proof_set import add_proof

ISSUER, AUDITOR, LAWYER = signer_for("publisher"), signer_for("auditor"), signer_for("lawyer")
CREDENTIAL: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiableCredential"],
    "issuer": ISSUER.did,
    "validFrom": "2026-11-24T12:00:00Z",
    "credentialSubject": {"id": "urn:uuid:3f0a1d52-6c86-4f0e-9a44-6a1f2a0f6f1b"},
}
ONE, TWO, THREE = "urn:uuid:1", "urn:uuid:2", "urn:uuid:3"


def _forged(document: dict[str, Any], signer: KeySigner = ISSUER, **options: Any) -> dict[str, Any]:
    """Return ``document`` with a proof that our own signing refuses to make."""
    proof = {
        "type": PROOF_TYPE,
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": verification_method(signer.public),
        "proofPurpose": "assertionMethod",
        "@context": document["@context"],
        **options,
    }
    proof = {name: value for name, value in proof.items() if value is not None}
    return {
        **document,
        "proof": {**proof, "proofValue": sign(signed_bytes(document, proof), signer)},
    }


def _changed(
    document: dict[str, Any], change: Callable[[dict[str, Any]], object]
) -> dict[str, Any]:
    copied = copy.deepcopy(document)
    change(copied)
    return copied


def cases() -> list[dict[str, Any]]:
    """Return every case."""
    now = DEFAULT_START
    single = add_proof(CREDENTIAL, ISSUER, created=now)
    pair = add_proof(
        add_proof(CREDENTIAL, ISSUER, created=now, proof_id=ONE), AUDITOR, created=now, proof_id=TWO
    )
    chain = add_proof(pair, LAWYER, created=now, proof_id=THREE, previous=[TWO, ONE])
    longer = add_proof(chain, ISSUER, created=now, previous=THREE)
    bound = add_proof(
        CREDENTIAL,
        ISSUER,
        purpose="authentication",
        created=now,
        domain="a.example",
        challenge="c1",
    )
    several = add_proof(CREDENTIAL, ISSUER, created=now, domain=["a.example", "b.example"])
    short = add_proof(CREDENTIAL, ISSUER, created=now, expires=now + timedelta(days=1))
    many = CREDENTIAL
    for _ in range(MAX_PROOFS):
        many = add_proof(many, ISSUER, created=now)
    authentication = {"purpose": "authentication"}

    def at(moment: Any) -> dict[str, str]:
        return {"at": format_timestamp(moment)}

    table: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
        ("one-proof", "verifies", single, {}),
        (
            "one-proof-in-a-list",
            "verifies",
            _changed(single, lambda d: d.update(proof=[d["proof"]])),
            {},
        ),
        ("dialect-b-no-context", "verifies", _forged(CREDENTIAL, **{"@context": None}), {}),
        (
            "dialect-c-context-not-sent",
            "bad-signature",
            _changed(single, lambda d: d["proof"].pop("@context")),
            {},
        ),
        ("set-of-two", "verifies", pair, {}),
        ("set-in-another-order", "verifies", _changed(pair, lambda d: d["proof"].reverse()), {}),
        ("set-of-eight", "verifies", many, {}),
        (
            "set-of-nine",
            "bad-proof",
            _changed(many, lambda d: d["proof"].append(d["proof"][0])),
            {},
        ),
        ("set-empty", "bad-proof", {**CREDENTIAL, "proof": []}, {}),
        ("set-with-a-string", "bad-proof", _changed(pair, lambda d: d["proof"].append("z")), {}),
        ("set-with-a-null", "bad-proof", _changed(pair, lambda d: d["proof"].append(None)), {}),
        ("set-nested", "bad-proof", _changed(pair, lambda d: d.update(proof=[d["proof"]])), {}),
        (
            "set-first-is-bad",
            "bad-signature",
            _changed(pair, lambda d: d["proof"][0].update(created="2026-11-24T11:00:00Z")),
            {},
        ),
        (
            "set-last-is-bad",
            "bad-signature",
            _changed(pair, lambda d: d["proof"][1].update(created="2026-11-24T11:00:00Z")),
            {},
        ),
        (
            "set-one-of-another-key",
            "bad-signature",
            _changed(
                pair,
                lambda d: d["proof"][1].update(
                    verificationMethod=verification_method(LAWYER.public)
                ),
            ),
            {},
        ),
        (
            "set-one-of-an-unknown-suite",
            "unknown-suite",
            _changed(pair, lambda d: d["proof"][1].update(cryptosuite="ecdsa-jcs-2019")),
            {},
        ),
        (
            "set-one-of-another-purpose",
            "bad-proof",
            add_proof(single, AUDITOR, purpose="authentication", created=now),
            {},
        ),
        (
            "set-two-of-one-id",
            "bad-chain",
            _changed(pair, lambda d: d["proof"][1].update(id=ONE)),
            {},
        ),
        (
            "claim-added-to-a-set",
            "bad-signature",
            {**pair, "validUntil": "2099-01-01T00:00:00Z"},
            {},
        ),
        ("chain", "verifies", chain, {}),
        ("chain-of-three-links", "verifies", longer, {}),
        (
            "chain-in-another-order",
            "bad-signature",
            _changed(chain, lambda d: d["proof"].reverse()),
            {},
        ),
        (
            "chain-names-one-twice",
            "verifies",
            add_proof(pair, LAWYER, created=now, proof_id=THREE, previous=[ONE, ONE]),
            {},
        ),
        ("chain-previous-missing", "bad-chain", _changed(chain, lambda d: d["proof"].pop(0)), {}),
        (
            "chain-previous-altered",
            "bad-signature",
            _changed(chain, lambda d: d["proof"][0].update(created="2026-11-24T11:00:00Z")),
            {},
        ),
        (
            "chain-previous-replaced",
            "bad-signature",
            _changed(
                chain,
                lambda d: d["proof"].__setitem__(
                    1, add_proof(CREDENTIAL, LAWYER, created=now, proof_id=TWO)["proof"]
                ),
            ),
            {},
        ),
        (
            "chain-link-removed",
            "bad-signature",
            _changed(chain, lambda d: d["proof"][2].pop("previousProof")),
            {},
        ),
        ("chain-names-nothing", "bad-chain", _forged(CREDENTIAL, previousProof="urn:uuid:9"), {}),
        ("chain-empty-list", "bad-chain", _forged(CREDENTIAL, previousProof=[]), {}),
        ("chain-empty-name", "bad-proof", _forged(CREDENTIAL, previousProof=""), {}),
        ("chain-number", "bad-proof", _forged(CREDENTIAL, previousProof=1), {}),
        ("chain-names-itself", "bad-chain", _forged(CREDENTIAL, id=ONE, previousProof=ONE), {}),
        (
            "chain-circle",
            "bad-chain",
            {
                **CREDENTIAL,
                "proof": [
                    _forged(CREDENTIAL, id=ONE, previousProof=TWO)["proof"],
                    _forged(CREDENTIAL, AUDITOR, id=TWO, previousProof=ONE)["proof"],
                ],
            },
            {},
        ),
        (
            "domain-and-challenge",
            "verifies",
            bound,
            {**authentication, "domain": "a.example", "challenge": "c1"},
        ),
        ("domain-of-several", "verifies", several, {"domain": "b.example"}),
        ("domain-not-demanded", "verifies", bound, authentication),
        ("domain-other", "bad-domain", bound, {**authentication, "domain": "b.example"}),
        ("domain-prefix", "bad-domain", bound, {**authentication, "domain": "a.example.org"}),
        ("domain-absent", "bad-domain", single, {"domain": "a.example"}),
        ("domain-number", "bad-proof", _forged(CREDENTIAL, domain=1), {}),
        ("domain-list-of-a-number", "bad-proof", _forged(CREDENTIAL, domain=["a.example", 1]), {}),
        ("challenge-other", "bad-challenge", bound, {**authentication, "challenge": "c2"}),
        ("challenge-absent", "bad-challenge", single, {"challenge": "c1"}),
        ("challenge-list", "bad-proof", _forged(CREDENTIAL, challenge=["c1"]), {}),
        (
            "challenge-altered",
            "bad-signature",
            _changed(bound, lambda d: d["proof"].update(challenge="c2")),
            {**authentication, "challenge": "c2"},
        ),
        ("purpose-other", "bad-proof", bound, {}),
        ("created-five-minutes-ahead", "verifies", single, at(now - timedelta(minutes=5))),
        ("created-later", "proof-not-yet", single, at(now - timedelta(seconds=301))),
        ("created-no-zone", "verifies", _forged(CREDENTIAL, created="2026-11-24T12:00:00"), {}),
        (
            "created-offset",
            "verifies",
            _forged(CREDENTIAL, created="2026-11-24T13:00:00.25+01:00"),
            {},
        ),
        (
            "created-offset-later",
            "proof-not-yet",
            _forged(CREDENTIAL, created="2026-11-24T12:00:00-01:00"),
            {},
        ),
        ("created-date-only", "bad-proof", _forged(CREDENTIAL, created="2026-11-24"), {}),
        (
            "created-leap-second",
            "bad-proof",
            _forged(CREDENTIAL, created="2026-06-30T23:59:60Z"),
            {},
        ),
        (
            "created-lower-case",
            "bad-proof",
            _forged(CREDENTIAL, created="2026-11-24t12:00:00z"),
            {},
        ),
        ("created-week", "bad-proof", _forged(CREDENTIAL, created="2026-W48-2T12:00:00Z"), {}),
        ("created-number", "bad-proof", _forged(CREDENTIAL, created=1), {}),
        ("expires-later", "verifies", short, {}),
        ("expires-now", "proof-expired", short, at(now + timedelta(days=1))),
        ("expires-past", "proof-expired", short, at(now + timedelta(days=2))),
        (
            "expires-altered",
            "bad-signature",
            _changed(short, lambda d: d["proof"].update(expires="2099-01-01T00:00:00Z")),
            {},
        ),
        ("expires-date-only", "bad-proof", _forged(CREDENTIAL, expires="2099-01-01"), {}),
        (
            "context-appended",
            "bad-proof",
            _changed(single, lambda d: d["@context"].append("https://www.w3.org/ns/did/v1")),
            {},
        ),
        (
            "context-appended-inline",
            "bad-proof",
            _changed(single, lambda d: d["@context"].append({"x": "urn:x"})),
            {},
        ),
        (
            "context-appended-dialect-b",
            "bad-signature",
            _changed(
                _forged(CREDENTIAL, **{"@context": None}),
                lambda d: d["@context"].append("https://www.w3.org/ns/did/v1"),
            ),
            {},
        ),
        (
            "context-nested",
            "bad-signature",
            _changed(single, lambda d: d["credentialSubject"].update({"@context": {"x": "urn:x"}})),
            {},
        ),
        (
            "value-base64url",
            "bad-proof",
            _changed(
                single, lambda d: d["proof"].update(proofValue="u" + d["proof"]["proofValue"][1:])
            ),
            {},
        ),
        (
            "value-trailing-blank",
            "bad-proof",
            _changed(
                single, lambda d: d["proof"].update(proofValue=d["proof"]["proofValue"] + " ")
            ),
            {},
        ),
        ("type-other", "bad-proof", _forged(CREDENTIAL, type="Ed25519Signature2020"), {}),
        ("id-number", "bad-proof", _forged(CREDENTIAL, id=1), {}),
        ("id-empty", "bad-proof", _forged(CREDENTIAL, id=""), {}),
        ("nonce", "verifies", _forged(CREDENTIAL, nonce="n-1"), {}),
        ("nonce-number", "bad-proof", _forged(CREDENTIAL, nonce=1), {}),
        ("nonce-list", "bad-proof", _forged(CREDENTIAL, nonce=["n-1"]), {}),
        ("nonce-object", "bad-proof", _forged(CREDENTIAL, nonce={"@value": "n-1"}), {}),
        ("nonce-empty", "bad-proof", _forged(CREDENTIAL, nonce=""), {}),
        (
            "nonce-altered",
            "bad-signature",
            _changed(_forged(CREDENTIAL, nonce="n-1"), lambda d: d["proof"].update(nonce="n-2")),
            {},
        ),
        ("cryptosuite-draft", "unknown-suite", _forged(CREDENTIAL, cryptosuite="eddsa-2022"), {}),
        ("cryptosuite-list", "bad-proof", _forged(CREDENTIAL, cryptosuite=["eddsa-jcs-2022"]), {}),
        ("cryptosuite-absent", "bad-proof", _forged(CREDENTIAL, cryptosuite=None), {}),
        ("type-list", "bad-proof", _forged(CREDENTIAL, type=[PROOF_TYPE]), {}),
        (
            "context-as-text",
            "bad-proof",
            _changed(single, lambda d: d.update({"@context": d["@context"][0]})),
            {},
        ),
        (
            "context-of-the-proof-shorter",
            "bad-proof",
            _forged(
                {
                    **CREDENTIAL,
                    "@context": [*CREDENTIAL["@context"], "https://www.w3.org/ns/did/v1"],
                },
                **{"@context": CREDENTIAL["@context"]},
            ),
            {},
        ),
    ]
    return [
        {
            "id": name,
            "profile": "w3c",
            "at": format_timestamp(now),
            "purpose": "assertionMethod",
            **demanded,
            "outcome": outcome,
            "document": document,
        }
        for name, outcome, document, demanded in table
    ]


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {"proof-sets/jcs.json": {"cases": cases()}}
