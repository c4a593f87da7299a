"""Signers that are the same in every run. Their seeds are public: never trust them.

Example:
    >>> signer_for("ada").did
    'did:key:z6MknELxeN5TSjH8y2Z72KLKEEhHH45WYAJSC3RQBC6YPmfS'
"""

from datetime import datetime
from hashlib import sha256

from msgspec import Struct, field

from lyrikstore.canon.json import JSON, encode
from lyrikstore.canon.timestamps import Clock
from lyrikstore.crypto.ed25519 import PrivateKey, PublicKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof
from lyrikstore.testing.clocks import FrozenClock


def key_for(name: str) -> PrivateKey:
    """Return the private key of ``name``, the same on every machine."""
    return PrivateKey.from_seed(sha256(b"lyrikstore test key\0" + name.encode()).digest())


def signer_for(name: str) -> KeySigner:
    """Return a signer with the key of :func:`key_for`."""
    return KeySigner(key_for(name))


class TestIssuer(Struct, frozen=True):
    """A publisher who signs any document of a test, invalid ones included.

    Attributes:
        name: Determines the key.
        clock: Returns the time for ``created``.
    """

    __test__ = False  # pytest would collect a class of this name

    name: str = "issuer"
    clock: Clock = field(default_factory=FrozenClock)

    @property
    def signer(self) -> KeySigner:
        """The issuer's signer."""
        return signer_for(self.name)

    @property
    def did(self) -> str:
        """The issuer's DID."""
        return self.signer.did

    @property
    def public(self) -> PublicKey:
        """The issuer's public key."""
        return self.signer.public

    def secure(
        self, document: dict[str, JSON], *, created: datetime | None = None
    ) -> dict[str, JSON]:
        """Return ``document`` with this issuer's proof.

        Args:
            document: The document, which is signed without checks.
            created: Claimed time; by default the clock's.
        """
        return add_proof(document, self.signer, created=created or self.clock())

    def issue(self, document: dict[str, JSON]) -> bytes:
        """Return the canonical bytes of the signed document, as they would be delivered."""
        return encode(self.secure(document))
