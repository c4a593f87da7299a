"""Signing credentials of kinds of one's own, by profile ``w3c`` (spec §17.10).

Knows how to refuse before it signs: a signature under a malformed credential is the issuer's
mistake for ever. What is bound to a store is not signed here: others name it by its bytes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.json import JSON, encode, parse
from lyrikstore.credentials.model.credential import is_ours
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.verify.report import CheckState
from lyrikstore.w3c.profile.model import check_credential_model
from lyrikstore.w3c.profile.resources import Resources, check_related
from lyrikstore.w3c.profile.schema.check import check_schemas
from lyrikstore.w3c.profile.status import check_entry_models
from lyrikstore.w3c.proofs.proof_set import SUITES, add_proof
from lyrikstore.w3c.values import id_of


def check_unsigned(credential: Mapping[str, Any], issuer: str, resources: Resources) -> None:
    """Return if ``issuer`` can sign ``credential`` as its own.

    Args:
        credential: Unsigned; ``id`` and ``validFrom`` may be absent.
        issuer: DID of the signer.
        resources: The available schemas and resources, to refuse what does not satisfy them.

    Raises:
        InvalidInputError: (``has-proof``) it is signed already; (``store-bound``) of a kind that is
            issued from a store; (``wrong-issuer``) of another issuer.
        FormatError: (``bad-credential``, ``bad-status``, ``bad-digest``, ``digest-mismatch``,
            ``failure``) malformed, or not what it pins or what its schema demands.
    """
    if "proof" in credential:
        raise InvalidInputError("has-proof", "the credential is signed already")
    if is_ours(credential):
        # It would be judged by profile lyrik, which takes no such signature.
        raise InvalidInputError(
            "store-bound",
            "dataset credentials, attestations and grants are not signed as they come",
            hint="make them with: lyrikstore issue, attest, grant",
        )
    check_credential_model(dict(credential), secured=False)
    check_entry_models(dict(credential))
    if id_of(credential["issuer"]) != issuer:
        raise InvalidInputError("wrong-issuer", f"the issuer here is {issuer}")
    for check in (
        check_related(dict(credential), resources),
        check_schemas(dict(credential), resources),
    ):
        if check.state is CheckState.FAIL:
            raise FormatError(str(check.detail["reason"]), check.summary)


def sign_credential(
    credential: Mapping[str, Any],
    signer: Signer,
    suites: Sequence[str],
    created: datetime,
    resources: Resources,
) -> bytes:
    """Return the signed credential in canonical form, read back.

    Args:
        credential: As for :func:`check_unsigned`; without an ``issuer`` it gets the signer's DID.
        signer: Its issuer.
        suites: One proof by each; several make a proof set, all of which have to verify.
        created: Now; claimed time, never trusted.
        resources: As for :func:`check_unsigned`.

    Raises:
        InvalidInputError, FormatError: As :func:`check_unsigned`; (``unknown-suite``) none, or one
            twice, or of another name; (``bad-json``) a number in it does not read back.
        VerificationError: (``bad-rdf``) it cannot be signed as RDF.
        IncompleteError: (``unknown-context``, ``missing-extra``) likewise.
    """
    if not suites or len(set(suites)) != len(suites) or not set(suites) <= set(SUITES):
        raise InvalidInputError(
            "unknown-suite", f"cryptosuites are {' and '.join(SUITES)}, each at most once"
        )
    document: dict[str, JSON] = {**credential}
    document.setdefault("issuer", signer.did)
    check_unsigned(document, signer.did, resources)
    for suite in suites:
        document = add_proof(document, signer, suite=suite, created=created)
    return encode_signed(document)


def encode_signed(document: dict[str, JSON]) -> bytes:
    """Return what was signed in canonical form.

    Raises:
        FormatError: (``bad-json``) a number in it has no canonical form that reads back.
    """
    data = encode(document)
    # 1e20 is written out as an integer that no strict reader takes: better refused here.
    if parse(data, floats=True, nulls=True) != document:
        raise FormatError("bad-json", "a number in it has no canonical form that reads back")
    return data
