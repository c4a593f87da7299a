"""Signing a credential of one of our kinds (spec §10.5)."""

from datetime import datetime

from lyrikstore.canon.errors import FormatError, InvalidInputError, VerificationError
from lyrikstore.canon.json import JSON
from lyrikstore.credentials.model.credential import issuer_of
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof_encoded


def issue(document: dict[str, JSON], signer: Signer, created: datetime) -> bytes:
    """Return the signed credential in canonical form, read back and verified.

    Args:
        document: An unsigned credential of one of our kinds.
        signer: Must be the issuer.
        created: Now; claimed time, never trusted.

    Raises:
        InvalidInputError: (``wrong-issuer``) the document names another issuer.
        FormatError: The document is not a credential of the kind it says it is.
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
        raise VerificationError("bad-signature", "the credential does not survive being written")
    return data


def reference_to(data: bytes) -> dict[str, JSON]:
    """Return the reference by which other credentials name the one in ``data``.

    Raises:
        FormatError: ``data`` is no credential.
    """
    credential = OpenedCredential(data)
    identity = credential.parsed().members.get("id")
    if credential.kind is None or credential.id is None or not isinstance(identity, str):
        raise FormatError("bad-credential", "not a credential of lyrikstore's")
    return {"type": "CredentialReference", "id": identity, "digest": credential.id.urn}
