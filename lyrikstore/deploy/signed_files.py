"""``model.sig``: a deployed folder's files, signed for OpenSSF Model Signing (spec §14.7.8)."""

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from lyrikstore.verify.deployment.model_sig import model_sig_of, signed_bytes, statement_of


class SignedFiles(Struct, frozen=True):
    """Files that were signed by a key made for them.

    Attributes:
        bundle: The bytes of ``model.sig``.
        public_key: The key, in PEM, as the deployment's manifest names it.
    """

    bundle: bytes
    public_key: str


def sign_files(files: Mapping[str, bytes]) -> SignedFiles:
    """Return these files signed by a key of their own, whose private half is kept nowhere.

    Args:
        files: Path → SHA-256, of each file outside ``lyrikstore/``.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    statement = statement_of(files)
    signature = key.sign(signed_bytes(statement), ec.ECDSA(SHA256()))
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return SignedFiles(model_sig_of(statement, signature, pem), pem)
