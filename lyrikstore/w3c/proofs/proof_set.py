"""Proofs of foreign documents, profile ``w3c``: sets, chains, two suites (spec §3.6).

Attacks on other verifiers: one valid proof of a set is accepted for all of them, and a
``previousProof`` that names no proof is ignored. Here every proof must verify, over exactly the
earlier proofs that it names.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, NoReturn

from msgspec import Struct

from lyrikstore.canon.errors import FormatError, InvalidInputError, VerificationError
from lyrikstore.canon.json import JSON, encode
from lyrikstore.canon.limits import MAX_PROOFS
from lyrikstore.canon.timestamps import CLOCK_SKEW, format_timestamp, parse_foreign_timestamp
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.crypto.multikey import parse_verification_method
from lyrikstore.crypto.proofs import eddsa_jcs as single
from lyrikstore.w3c.proofs import eddsa_rdfc
from lyrikstore.w3c.values import items_of

Resolve = Callable[[str, str], PublicKey]
"""Function from verification method and proof purpose to the key. It raises KeyMaterialError
(``bad-key``), or IncompleteError if the DID document that lists the key is not available."""


_CANONICAL: Mapping[str, Callable[[dict[str, JSON]], bytes]] = {
    single.CRYPTOSUITE: encode,
    eddsa_rdfc.CRYPTOSUITE: eddsa_rdfc.canonical,
}
SUITES = tuple(_CANONICAL)
"""The cryptosuites that lyrikstore signs with and verifies."""


class VerifiedProof(Struct, frozen=True):
    """One proof of a set.

    Attributes:
        key: The key that signed.
        verification_method: The URL that named it.
        suite: ``cryptosuite``.
        created: The claimed time, never trusted; ``None`` if the proof has none.
        options: The proof without ``proofValue``, which is signed too.
    """

    key: PublicKey
    verification_method: str
    suite: str
    created: datetime | None
    options: dict[str, JSON]


class VerifiedProofs(Struct, frozen=True):
    """The result of verifying all proofs of a document; use nothing else of the input.

    Attributes:
        document: The document without ``proof``, which every proof signed.
        proofs: The proofs in the order of the document; at least one.
    """

    document: dict[str, JSON]
    proofs: tuple[VerifiedProof, ...]


def resolve_did_key(method: str, purpose: str) -> PublicKey:  # noqa: ARG001
    """Return the key of a ``did:key`` URL, for any purpose; the simplest `Resolve`.

    Raises:
        KeyMaterialError: (``bad-key``, ``weak-key``).
    """
    return parse_verification_method(method)


def verify_proofs(
    document: dict[str, JSON],
    *,
    at: datetime,
    purpose: str = "assertionMethod",
    resolve: Resolve = resolve_did_key,
    domain: str | None = None,
    challenge: str | None = None,
) -> VerifiedProofs:
    """Verify all proofs of ``document`` and return the signed document and the proofs.

    The caller must check that a key is the right one (``issuer``, ``holder``, a trusted one).

    Args:
        document: Parsed JSON with a ``proof``: one object or a list; it is not changed.
        at: The moment of verification, for ``created`` and ``expires``.
        purpose: The required ``proofPurpose`` of each proof.
        resolve: Finds the keys.
        domain: Required in each proof: its ``domain`` is this, or a list with it. ``None``: any.
        challenge: The required ``challenge`` of each proof. ``None``: any.

    Raises:
        VerificationError: (``bad-proof``) no proof, too many, or a malformed one;
            (``unknown-suite``) neither eddsa-jcs-2022 nor eddsa-rdfc-2022; (``bad-domain``,
            ``bad-challenge``) another domain or challenge than required; (``proof-expired``,
            ``proof-not-yet``) not valid at this moment; (``bad-chain``) a previous proof is
            missing, ambiguous or circular; (``bad-signature``) a signature is invalid;
            (``bad-rdf``) see :func:`lyrikstore.crypto.proofs.eddsa_jcs.signed_bytes`.
        IncompleteError: (``missing-extra``) a proof of eddsa-rdfc-2022, and PyLD is not installed.
        KeyMaterialError: (``bad-key``, ``weak-key``) from ``resolve``.
        FormatError: (``bad-json``) the document has no canonical form.

    Cost: one canonicalization of the document for each proof; that of RDF is much slower.
    """
    proofs = _proofs_of(document)
    unsecured = {name: value for name, value in document.items() if name != "proof"}

    # 1. All cheap checks of all proofs, before anything is hashed.
    for proof in proofs:
        _check_options(proof, document, purpose, domain=domain, challenge=challenge, at=at)

    # 2. Each proof signs the document with exactly the earlier proofs that it names.
    verified = []
    for proof, earlier in zip(proofs, _check_links(proofs), strict=True):
        method, suite = proof["verificationMethod"], proof["cryptosuite"]
        options = single.without_value(proof)
        key = resolve(method, purpose)
        single.check_signature(key, proof, _signed_bytes(unsecured, earlier, options))
        verified.append(VerifiedProof(key, method, suite, _moment(proof, "created"), options))
    return VerifiedProofs(unsecured, tuple(verified))


def add_proof(
    document: dict[str, JSON],
    signer: Signer,
    *,
    suite: str = single.CRYPTOSUITE,
    purpose: str = "assertionMethod",
    method: str | None = None,
    created: datetime | None = None,
    expires: datetime | None = None,
    domain: str | Sequence[str] | None = None,
    challenge: str | None = None,
    proof_id: str | None = None,
    previous: str | Sequence[str] | None = None,
) -> dict[str, JSON]:
    """Return a copy of ``document`` with an additional proof.

    Args:
        document: A document with any number of proofs; it is not changed.
        signer: The signer.
        suite: One of :data:`SUITES`.
        purpose: The ``proofPurpose``.
        method: The URL that names the signer's key; ``None``: its did:key.
        created: Claimed time of signing.
        expires: End of the proof's validity.
        domain: The verifiers that the proof is made for: one or several.
        challenge: The challenge that the verifier chose.
        proof_id: A URL by which later proofs can name this one.
        previous: The ``id`` of earlier proofs that this one signs too.

    Raises:
        InvalidInputError: (``unknown-suite``, ``bad-proof``, ``bad-chain``, ``proof-expired``) no
            verifier would accept such a proof, or those already present; (``naive-time``) a time
            without a zone.
        VerificationError: (``bad-rdf``) the document cannot be signed as RDF;
            (``bad-signature``) the signer did not return a signature by its own key.
        IncompleteError: (``missing-extra``) eddsa-rdfc-2022, and PyLD is not installed.
        FormatError: (``bad-json``) the document has no canonical form.
    """
    options: dict[str, Any] = {
        "type": single.PROOF_TYPE,
        "cryptosuite": suite,
        "verificationMethod": method or signer.method,
        "proofPurpose": purpose,
    }
    optional: dict[str, Any] = {
        "id": proof_id,
        "created": created and format_timestamp(created),
        "expires": expires and format_timestamp(expires),
        "domain": domain,
        "challenge": challenge,
        "previousProof": previous,
    }
    for name, value in optional.items():
        if value is not None:
            options[name] = value if isinstance(value, str) else list(value)
    if suite == single.CRYPTOSUITE and "@context" in document:
        options["@context"] = deepcopy(document["@context"])  # two lists, never one shared

    unsecured = {name: value for name, value in document.items() if name != "proof"}
    proofs = []
    try:  # sign only what would verify
        if "proof" in document:
            proofs = _proofs_of(document)
        candidate = {**options, "proofValue": ""}
        moment = created or datetime.min.replace(tzinfo=UTC)
        _check_options(candidate, document, purpose, domain=None, challenge=challenge, at=moment)
        earlier = _check_links([*proofs, candidate])[-1]
    except VerificationError as error:
        raise InvalidInputError(error.kind, error.message) from None
    message = _signed_bytes(unsecured, earlier, options)
    proof = {**options, "proofValue": single.sign(message, signer)}
    return {**unsecured, "proof": [*proofs, proof] if proofs else proof}


def _proofs_of(document: dict[str, JSON]) -> list[dict[str, JSON]]:
    proofs = items_of(document.get("proof"))
    if not 0 < len(proofs) <= MAX_PROOFS:
        single.refuse(f"a document has 1 to {MAX_PROOFS} proofs, this one {len(proofs)}")
    for proof in proofs:
        if not isinstance(proof, dict):
            single.refuse("a proof is missing or not an object")
    return proofs


def _check_options(
    proof: dict[str, JSON],
    document: dict[str, JSON],
    purpose: str,
    *,
    domain: str | None,
    challenge: str | None,
    at: datetime,
) -> None:
    single.check_members(proof)
    suite = proof["cryptosuite"]
    if suite not in SUITES:
        raise VerificationError(
            "unknown-suite", f"the cryptosuite {suite[:80]!a} is not verified here"
        )
    if proof["proofPurpose"] != purpose:
        single.refuse(f"proofPurpose is not {purpose}")
    for name in ("id", "challenge", "nonce"):
        if name in proof and not (isinstance(proof[name], str) and proof[name]):
            single.refuse(f"{name} is not a string")
    domains = _strings(proof, "domain")
    if domain is not None and domain not in domains:
        raise VerificationError("bad-domain", f"the proof was not made for {domain[:200]!a}")
    if challenge is not None and proof.get("challenge") != challenge:
        raise VerificationError("bad-challenge", "the proof does not answer the challenge")
    created, expires = _moment(proof, "created"), _moment(proof, "expires")
    if created is not None and created - at > CLOCK_SKEW:
        raise VerificationError("proof-not-yet", f"the proof was made later: {proof['created']}")
    if expires is not None and expires <= at:
        raise VerificationError("proof-expired", f"the proof expired on {proof['expires']}")
    # Dialect A of eddsa-jcs-2022 repeats the context; with RDF it would be one more to process.
    if suite != single.CRYPTOSUITE and "@context" in proof:
        single.refuse(f"a proof of {suite} has no @context of its own")
    single.check_context(document, proof)


def _check_links(proofs: list[dict[str, JSON]]) -> list[list[dict[str, JSON]]]:
    """Return the earlier proofs that each proof names, in the order of the document."""
    position: dict[str, int] = {}
    for number, proof in enumerate(proofs):
        if "id" in proof:
            if proof["id"] in position:
                _refuse_chain(f"two proofs have the id {proof['id'][:200]!a}")
            position[proof["id"]] = number
    named: list[list[int]] = []
    for proof in proofs:
        ids = _strings(proof, "previousProof")
        if "previousProof" in proof and not ids:
            _refuse_chain("previousProof names nothing")
        for missing in (name for name in ids if name not in position):
            _refuse_chain(f"there is no proof {missing[:200]!a}")
        named.append(sorted({position[name] for name in ids}))
    # A signature cannot sign itself, but the code below need not rely on that.
    resolved: set[int] = set()
    while ready := {
        number
        for number, before in enumerate(named)
        if number not in resolved and resolved.issuperset(before)
    }:
        resolved |= ready
    if len(resolved) != len(proofs):
        _refuse_chain("the previous proofs go round in a circle")
    return [[proofs[number] for number in before] for before in named]


def _signed_bytes(
    unsecured: dict[str, JSON], earlier: list[dict[str, JSON]], options: dict[str, JSON]
) -> bytes:
    signed = {**unsecured, "proof": earlier} if earlier else unsecured
    suite = options["cryptosuite"]
    if suite == eddsa_rdfc.CRYPTOSUITE:  # the document's contexts define the terms of the options
        options = {**options, "@context": unsecured.get("@context")}
    return single.signed_bytes(signed, options, _CANONICAL[suite])


def _strings(proof: dict[str, JSON], name: str) -> list[str]:
    values = items_of(proof.get(name, []))
    if not all(isinstance(value, str) and value for value in values):
        single.refuse(f"{name} is neither a string nor a list of strings")
    return values


def _moment(proof: dict[str, JSON], name: str) -> datetime | None:
    if name not in proof:
        return None
    try:
        return parse_foreign_timestamp(proof[name])
    except FormatError as error:
        single.refuse(f"{name}: {error.message}")


def _refuse_chain(reason: str) -> NoReturn:
    raise VerificationError("bad-chain", f"bad proof chain: {reason}")
