"""The one way lyrikstore secures a document: ``eddsa-jcs-2022`` (spec/03-keys-and-proofs.md §3).

Works on parsed documents (:func:`lyrikstore.canon.jsontext.parse`), reads no clock and no network.
Whoever calls :func:`verify_proof` goes on with ``Verified.document_without_proof``, never with the
input: only the former is what was signed.
"""

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, NoReturn

from lyrikstore.canon.errors import FormatError, InvalidInputError, VerificationError
from lyrikstore.canon.jsontext import JSON, encode
from lyrikstore.canon.timestamps import format_timestamp, parse_timestamp
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.multikey import (
    decode_base58,
    encode_base58,
    parse_verification_method,
    verification_method,
)
from lyrikstore.crypto.signer import Signer

PROOF_TYPE = "DataIntegrityProof"
CRYPTOSUITE = "eddsa-jcs-2022"

_REQUIRED = ("type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue")
_KNOWN = frozenset({*_REQUIRED, "created", "@context"})
_XSD_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verified proof establishes; nothing else of the input may be used.

    Attributes:
        document_without_proof: The signed document.
        key: The key that signed.
        verification_method: The DID URL that named the key.
        created: The claimed time as written, never trusted; ``None`` where the proof has none.
        options: The proof without ``proofValue``, signed too. A caller that passed
            ``strict=False`` judges ``expires``, ``domain`` and ``challenge`` here.
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
    """Return a copy of ``document`` with its ``proof``.

    Args:
        document: Has no ``proof`` yet; it is not changed.
        signer: Whose key signs.
        purpose: ``proofPurpose``.
        created: Claimed time of signing; ``None`` leaves the member out, so that signing the same
            document twice gives the same bytes.

    Raises:
        InvalidInputError: (``has-proof``) it already has one.
        FormatError: (``bad-json``) it has no canonical form.
        VerificationError: (``bad-signature``) the signer returned something else than a signature
            by its own key; nothing wrong leaves this function.
    """
    if "proof" in document:
        raise InvalidInputError("has-proof", "the document already has a proof")
    options: dict[str, Any] = {
        "type": PROOF_TYPE,
        "cryptosuite": CRYPTOSUITE,
        "verificationMethod": verification_method(signer.public),
        "proofPurpose": purpose,
    }
    if created is not None:
        options["created"] = format_timestamp(created)
    if "@context" in document:
        options["@context"] = deepcopy(document["@context"])  # two lists, never one shared
    message = signed_bytes(document, options)
    signature = signer.sign(message)
    if not signer.public.verify(signature, message):
        raise VerificationError(
            "bad-signature",
            f"the signer {signer.did} gave a signature that its key does not verify",
        )
    return {**document, "proof": {**options, "proofValue": "z" + encode_base58(signature)}}


def verify_proof(
    document: dict[str, JSON],
    *,
    purpose: str = "assertionMethod",
    strict: bool = True,
    resolve: Callable[[str], PublicKey] = parse_verification_method,
) -> Verified:
    """Return what the one proof of ``document`` establishes.

    Whether the key is the right one (``author``, ``issuer``, a trusted one) is for the caller.

    Args:
        document: Parsed JSON with a ``proof``; it is not changed.
        purpose: The ``proofPurpose`` demanded.
        strict: The lyrik profile: no proof members but the known ones, ``created`` spelled as we
            spell it, ``@context`` absent or equal to the document's. ``False`` is the w3c profile:
            further members are handed back in ``options``, and contexts that were appended
            unsigned are *removed* from the result.
        resolve: Verification method → key; the default takes did:key only.

    Raises:
        VerificationError: (``bad-proof``) no proof, several, or one that is not of this form;
            (``bad-signature``) the signature does not fit.
        KeyMaterialError: (``bad-key``, ``weak-key``) from ``resolve``.
        FormatError: (``bad-json``) the document has no canonical form.
    """
    proof = document.get("proof")
    if not isinstance(proof, dict):
        _refuse("not exactly one proof object")
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    unsecured = {name: value for name, value in document.items() if name != "proof"}

    # 1. The proof says what this function does, and nothing that it ignores.
    for name in _REQUIRED:
        if not isinstance(proof.get(name), str):
            _refuse(f"{name} is missing or not a string")
    if proof["type"] != PROOF_TYPE or proof["cryptosuite"] != CRYPTOSUITE:
        _refuse(f"not {PROOF_TYPE} {CRYPTOSUITE}")
    if proof["proofPurpose"] != purpose:
        _refuse(f"proofPurpose is not {purpose}")
    if strict and (unknown := sorted(proof.keys() - _KNOWN)):
        _refuse(f"unknown member {unknown[0][:80]!a}")
    if "previousProof" in proof:  # a chain of proofs is not judged by its last link
        _refuse("previousProof is not supported")
    created = proof.get("created")
    if "created" in proof:
        _check_created(created, strict=strict)

    # 2. Context dialects A (a copy in the proof) and B (none); C is an unsent member and fails
    #    at the signature.
    if "@context" in proof:
        _check_context(document.get("@context"), proof["@context"], strict=strict)
        unsecured["@context"] = proof["@context"]

    # 3. Key and signature.
    key = resolve(proof["verificationMethod"])
    signature = _parse_signature(proof["proofValue"])
    if not key.verify(signature, signed_bytes(unsecured, options)):
        raise VerificationError(
            "bad-signature",
            f"the signature does not fit the document and {proof['verificationMethod'][:200]!a}",
            hint="the document or its proof was changed after signing",
        )
    return Verified(unsecured, key, proof["verificationMethod"], created, options)


def signed_bytes(document: dict[str, JSON], options: dict[str, JSON]) -> bytes:
    """Return the 64 bytes that are signed: SHA-256 of the proof options, then of the document.

    Args:
        document: Without ``proof``.
        options: The proof without ``proofValue``.

    Raises:
        FormatError: (``bad-json``) no canonical form.
    """
    return sha256(encode(options)).digest() + sha256(encode(document)).digest()


def _refuse(reason: str) -> NoReturn:
    raise VerificationError("bad-proof", f"bad proof: {reason}")


def _check_created(created: JSON, *, strict: bool) -> None:
    if strict:
        try:
            parse_timestamp(created)
        except FormatError as error:
            _refuse(error.message)
        return
    if not isinstance(created, str) or not _XSD_DATE_TIME.fullmatch(created):
        _refuse("created is not a dateTimeStamp")
    try:
        datetime.fromisoformat(created)
    except ValueError:
        _refuse("created is no such date or time")


def _check_context(of_document: JSON, of_proof: JSON, *, strict: bool) -> None:
    # Compared as canonical bytes: in Python 1 == True == 1.0.
    if encode(of_document) == encode(of_proof):
        return
    if strict:
        _refuse("its @context is not the document's")
    whole, prefix = _as_list(of_document), _as_list(of_proof)
    if not prefix or encode(whole[: len(prefix)]) != encode(prefix):
        _refuse("the document's @context does not start with the proof's")


def _as_list(context: JSON) -> list[JSON]:
    return context if isinstance(context, list) else [context]


def _parse_signature(text: str) -> bytes:
    if not text.startswith("z"):  # exactly one multibase, or one proof has many spellings
        _refuse("proofValue does not start with z")
    try:
        signature = decode_base58(text[1:])
    except FormatError as error:
        _refuse(f"proofValue: {error.message}")
    if len(signature) != 64:
        _refuse(f"proofValue has {len(signature)} bytes, not 64")
    return signature
