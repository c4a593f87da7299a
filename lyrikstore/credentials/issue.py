"""Signing a credential of one of our kinds (spec §10.5)."""

from datetime import datetime

from lyrikstore.canon.errors import FormatError, InvalidInputError, VerificationError
from lyrikstore.canon.json import JSON
from lyrikstore.credentials.model.credential import issuer_of
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof_encoded


def issue(document: dict[str, JSON], signer: Signer, created: datetime) -> bytes:
    """Sign a credential; return it in canonical form, after reading it back and verifying it.

    Args:
        document: An unsigned credential of one of our kinds.
        signer: The issuer's signer.
        created: Now; a claimed time, which verifiers do not trust.

    Raises:
        InvalidInputError: (``wrong-issuer``) the document names another issuer.
        FormatError: The document is not a valid credential of its stated kind.
        KeyMaterialError: The signer cannot sign.
    """
    if issuer_of(document) != signer.did:
        raise InvalidInputError(
            "wrong-issuer", f"the credential names another issuer than its signer {signer.did}"
        )
    signed, data = add_proof_encoded(document, signer, created=created)  # verified there
    # Read back before anybody else does: what verifies here must be what is read there.
    found = OpenedCredential(data)
    if found.kind is None:
        raise FormatError("bad-credential", "not a kind of credential that lyrikstore issues")
    found.claims_as(found.kind)
    if found.document != signed:
        raise VerificationError(
            "bad-signature", "the written credential differs from the one that was signed"
        )
    return data


def reference_to(data: bytes) -> dict[str, JSON]:
    """Return the reference to the credential in ``data``, for use in other credentials.

    Raises:
        FormatError: ``data`` is not a credential.
    """
    credential = OpenedCredential(data)
    identity = credential.parsed().members.get("id")
    if credential.kind is None or credential.id is None or not isinstance(identity, str):
        raise FormatError("bad-credential", "not a credential of lyrikstore")
    return {"type": "CredentialReference", "id": identity, "digest": credential.id.urn}
