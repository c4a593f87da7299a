"""The proof ``eddsa-jcs-2022``, with which lyrikstore signs all documents (spec §3.3).

This is the profile ``lyrik``: exactly one proof, without ignored members. Foreign credentials
(profile ``w3c``) are verified by :mod:`lyrikstore.w3c.proofs.proof_set`, with the same steps.

Works on parsed documents (:func:`lyrikstore.canon.json.parse`), reads no clock and no network.
Callers of :func:`verify_proof` must continue with ``Verified.document_without_proof``, never with
the input: only the former was signed.
"""

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from hashlib import sha256
from typing import Any, NoReturn

from msgspec import Struct

from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    VerificationError,
)
from lyrikstore.canon.json import JSON, Document, encode
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import format_timestamp, parse_timestamp
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.crypto.multikey import (
    decode_base58,
    did_key,
    encode_base58,
    parse_method_fragment,
    parse_verification_method,
)

PROOF_TYPE = "DataIntegrityProof"
CRYPTOSUITE = "eddsa-jcs-2022"

_REQUIRED = ("type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue")
_KNOWN = frozenset({*_REQUIRED, "created", "@context"})


class Verified(Struct, frozen=True):
    """The result of a verified proof; nothing else of the input may be used.

    Attributes:
        document_without_proof: The signed document.
        key: The key that signed.
        verification_method: The DID URL that named the key.
        created: The claimed time as written, never trusted; ``None`` if the proof has none.
        options: The proof without ``proofValue``, which is signed as well.
    """

    document_without_proof: dict[str, JSON]
    key: PublicKey
    verification_method: str
    created: str | None
    options: dict[str, JSON]


def add_proof(
    document: dict[str, JSON],
    signer: Signer,
    *,
    purpose: str = "assertionMethod",
    created: datetime | None = None,
) -> dict[str, JSON]:
    """Return a copy of ``document`` with its ``proof``; see :func:`add_proof_encoded`."""
    return add_proof_encoded(document, signer, purpose=purpose, created=created)[0]


def add_proof_encoded(
    document: dict[str, JSON],
    signer: Signer,
    *,
    purpose: str = "assertionMethod",
    created: datetime | None = None,
) -> tuple[dict[str, JSON], bytes]:
    """Return a copy of ``document`` with its ``proof``, and the canonical bytes of that copy.

    Args:
        document: A document without ``proof``; it is not changed.
        signer: Signs the document.
        purpose: The ``proofPurpose``.
        created: Claimed time of signing; ``None`` omits the member, so that signing the same
            document twice gives the same bytes.

    Raises:
        InvalidInputError: (``has-proof``) it already has a proof.
        VerificationError: (``bad-signature``) the signer did not return a valid signature by its
            own key; this function never returns an invalid proof.
        LyrikstoreError: As :func:`encode`.
    """
    if "proof" in document:
        raise InvalidInputError("has-proof", "the document already has a proof")
    options: dict[str, Any] = {
        "type": PROOF_TYPE,
        "cryptosuite": CRYPTOSUITE,
        "verificationMethod": signer.method,
        "proofPurpose": purpose,
    }
    if created is not None:
        options["created"] = format_timestamp(created)
    if "@context" in document:
        options["@context"] = _copy(document["@context"])  # two lists, never one shared
    unsecured = Document(document)
    message = _message(encode(options), unsecured.canonical)
    proof = {**options, "proofValue": sign(message, signer)}
    return {**document, "proof": proof}, unsecured.holding("proof", proof)


def verify_proof(
    document: dict[str, JSON] | Document,
    *,
    purpose: str = "assertionMethod",
    resolve: Callable[[str], PublicKey] = parse_verification_method,
    checked: PublicKey | None = None,
) -> Verified:
    """Verify the single proof of ``document`` and return its result.

    The caller checks whether the key is the right one (``author``, ``issuer``, a trusted one).

    Args:
        document: Parsed JSON with a ``proof``; it is not changed. A :class:`Document` is not
            encoded again.
        purpose: The required ``proofPurpose``.
        resolve: Verification method → key; the default accepts only did:key.
        checked: The key with which the signature of this document was verified before, if any.

    Raises:
        VerificationError: (``bad-proof``) no proof, several, or one that is not of this form;
            (``bad-signature``) the signature does not verify.
        KeyMaterialError: (``bad-key``, ``weak-key``) from ``resolve``.
        FormatError: (``bad-json``) the document has no canonical form.
    """
    if isinstance(document, dict):
        document = Document(document)
    members = document.members
    proof = members.get("proof")
    if not isinstance(proof, dict):
        refuse("not exactly one proof object")
    unsecured = members.copy()
    del unsecured["proof"]

    # 1. The proof says what this function does, and nothing that it ignores.
    check_members(proof)
    if proof["cryptosuite"] != CRYPTOSUITE:
        refuse(f"cryptosuite is not {CRYPTOSUITE}")
    if proof["proofPurpose"] != purpose:
        refuse(f"proofPurpose is not {purpose}")
    if not proof.keys() <= _KNOWN:  # previousProof, expires, domain, challenge too
        refuse(f"unknown member {min(proof.keys() - _KNOWN)[:80]!a}")
    created = proof.get("created")
    if "created" in proof:
        try:
            parse_timestamp(created)
        except FormatError as error:
            refuse(error.message)

    # 2. Context dialects A (a copy in the proof) and B (none); C is an unsent member and fails
    #    at the signature.
    check_context(members, proof)

    # 3. Key and signature.
    options = without_value(proof)
    key = resolve(proof["verificationMethod"])
    if key != checked:
        message = _message(document.encode_part(options), document.encode_part(unsecured))
        check_signature(key, proof, message)
    return Verified(unsecured, key, proof["verificationMethod"], created, options)


# The steps, shared with :mod:`lyrikstore.w3c.proofs.proof_set`.


def signing_key(data: bytes) -> PublicKey | None:
    """Return the key whose signature on the document in ``data`` verifies, or None.

    The author or issuer that the document names, and trust in it, do not matter here: this is for
    finding the documents that one key signed. The key of an organisation is the one in its URL.
    """
    try:
        return verify_proof(Document.parse(data), resolve=parse_method_fragment).key
    except LyrikstoreError:
        return None


def signed_by(data: bytes) -> str | None:
    """Return the did:key of the key whose signature on ``data`` verifies, or None."""
    key = signing_key(data)
    return None if key is None else did_key(key)


def signed_bytes(
    document: dict[str, JSON],
    options: dict[str, JSON],
    canonical: Callable[[dict[str, JSON]], bytes] = encode,
) -> bytes:
    """Return the 64 bytes that are signed: SHA-256 of the proof options, then of the document.

    Args:
        document: The document without ``proof``.
        options: The proof without ``proofValue``.
        canonical: The canonical form that the cryptosuite hashes.

    Raises:
        LyrikstoreError: As :func:`encode`.
    """
    return _message(canonical(options), canonical(document))


def sign(message: bytes, signer: Signer) -> str:
    """Sign ``message`` and return the ``proofValue``.

    Raises:
        VerificationError: (``bad-signature``) the returned signature does not verify with its key.
    """
    signature = signer.sign(message)
    if not signer.public.verify(signature, message):
        raise VerificationError(
            "bad-signature",
            f"the signer {signer.did} returned a signature that does not verify with its key",
        )
    return "z" + encode_base58(signature)


def check_members(proof: dict[str, JSON]) -> None:
    """Raise `bad-proof` unless a proof has the five members and the right type.

    Raises:
        VerificationError: (``bad-proof``) it does not.
    """
    for name in _REQUIRED:
        if not isinstance(proof.get(name), str):
            refuse(f"{name} is missing or not a string")
    if proof["type"] != PROOF_TYPE:
        refuse(f"type is not {PROOF_TYPE}")


def check_context(document: dict[str, JSON], proof: dict[str, JSON]) -> None:
    """Raise `bad-proof` if a proof has an ``@context`` other than that of the document.

    The Recommendation allows appending unsigned contexts, and then removes them; software that
    shows the received document would show unsigned terms.

    Raises:
        VerificationError: (``bad-proof``) it has another one.
        LyrikstoreError: As :func:`encode`.
    """
    if "@context" not in proof:
        return
    signed, found = proof["@context"], document.get("@context")
    if signed == found and _are_names(signed):
        return
    # Compared as canonical bytes: in Python 1 == True == 1.0.
    if encode(found) != encode(signed):
        refuse("its @context is not the document's")


def without_value(proof: dict[str, JSON]) -> dict[str, JSON]:
    """Return the options of ``proof``: all members except ``proofValue``."""
    options = proof.copy()
    del options["proofValue"]
    return options


def check_signature(key: PublicKey, proof: dict[str, JSON], message: bytes) -> None:
    """Raise `bad-signature` unless ``proofValue`` is the signature of ``message`` by ``key``.

    Raises:
        VerificationError: (``bad-proof``) it is not ``z`` and base58btc of 64 bytes;
            (``bad-signature``) it does not verify.
    """
    if not key.verify(_parse_signature(proof["proofValue"]), message):
        raise VerificationError(
            "bad-signature",
            f"the signature does not fit the document and '{proof['verificationMethod'][:200]}'",
            hint="the document or its proof was changed after signing",
        )


def refuse(reason: str) -> NoReturn:
    """Raise the error of a malformed proof."""
    raise VerificationError("bad-proof", f"bad proof: {reason}")


def _copy(context: JSON) -> JSON:
    return list(context) if _are_names(context) else deepcopy(context)


def _are_names(context: JSON) -> bool:
    # As nearly always.
    return isinstance(context, list) and set(map(type, context)) <= {str}


def _message(options: bytes, document: bytes) -> bytes:
    return sha256(options).digest() + sha256(document).digest()


def _parse_signature(text: str) -> bytes:
    if not text.startswith("z"):  # exactly one multibase, or one proof has many spellings
        refuse("proofValue does not start with z")
    try:
        signature = decode_base58(text[1:])
    except FormatError as error:
        refuse(f"proofValue: {error.message}")
    if len(signature) != 64:
        refuse(f"proofValue has {pluralize(len(signature), 'byte')}, not 64")
    return signature
