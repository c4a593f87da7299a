"""Signing credentials of any other kind, by profile ``w3c`` (spec §17.10).

All checks are made before signing, as a signature under a malformed credential cannot be undone.
Credentials that are bound to a store are not signed here: other documents name them by their bytes.
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
    """Raise an error unless ``issuer`` can sign ``credential``.

    Args:
        credential: The unsigned credential; ``id`` and ``validFrom`` may be absent.
        issuer: DID of the signer.
        resources: The available schemas and resources, which the credential must satisfy.

    Raises:
        InvalidInputError: (``has-proof``) it is signed already; (``store-bound``) its kind is
            issued from a store; (``wrong-issuer``) it names another issuer.
        FormatError: (``bad-credential``, ``bad-status``, ``bad-digest``, ``digest-mismatch``,
            ``failure``) it is malformed, a resource that it pins differs, or it violates its
            schema.
    """
    if "proof" in credential:
        raise InvalidInputError("has-proof", "the credential is signed already")
    if is_ours(credential):
        # It would be verified by profile lyrik, which refuses such a signature.
        raise InvalidInputError(
            "store-bound",
            "dataset credentials, attestations and grants can only be issued from a store",
            hint="issue them with: lyrikstore issue, attest or grant",
        )
    check_credential_model(dict(credential), secured=False)
    check_entry_models(dict(credential))
    if id_of(credential["issuer"]) != issuer:
        raise InvalidInputError(
            "wrong-issuer", f"the credential names another issuer than the signer, {issuer}"
        )
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
    """Sign a credential and return it in canonical form.

    Args:
        credential: As for :func:`check_unsigned`; without an ``issuer`` it gets the signer's DID.
        signer: Its issuer.
        suites: Cryptosuites; one proof is added for each. Several make a proof set.
        created: The current time, which is claimed and never trusted.
        resources: As for :func:`check_unsigned`.

    Raises:
        InvalidInputError, FormatError: As :func:`check_unsigned`; (``unknown-suite``) no suite, an
            unknown one, or one twice; (``bad-json``) a number in it does not read back.
        VerificationError: (``bad-rdf``) it cannot be signed as RDF.
        IncompleteError: (``unknown-context``, ``missing-extra``) it cannot be signed as RDF in this
            installation.
    """
    if not suites or len(set(suites)) != len(suites) or not set(suites) <= set(SUITES):
        raise InvalidInputError(
            "unknown-suite",
            f"cryptosuites must be among {' and '.join(SUITES)}, each at most once",
        )
    document: dict[str, JSON] = {**credential}
    document.setdefault("issuer", signer.did)
    check_unsigned(document, signer.did, resources)
    for suite in suites:
        document = add_proof(document, signer, suite=suite, created=created)
    return encode_signed(document)


def encode_signed(document: dict[str, JSON]) -> bytes:
    """Return a signed document in canonical form.

    Raises:
        FormatError: (``bad-json``) a number in it has no canonical form that reads back.
    """
    data = encode(document)
    # 1e20 would be written as an integer that strict readers refuse.
    if parse(data, floats=True, nulls=True) != document:
        raise FormatError("bad-json", "a number in it has no canonical form that reads back")
    return data
