"""Signers: objects with a public key and a ``sign`` method, named by URI (spec §3.4).

Other packages use only the protocol :class:`Signer`. An agent, a PKCS#11 token or a KMS is one more
function in :data:`SIGNER_FOR_URI_SCHEME`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, unquote

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.crypto.ed25519 import PrivateKey, PublicKey
from lyrikstore.crypto.multikey import did_key, encode_multikey, verification_method

if TYPE_CHECKING:
    from lyrikstore.crypto.keys.key_file import PassphraseSource


class Signer(Protocol):
    """A signer with one Ed25519 key, stored in any place."""

    @property
    def public(self) -> PublicKey:
        """The key that verifies the signatures."""

    @property
    def did(self) -> str:
        """The DID of the signer: ``did:key:z6Mk…`` of the key, or the DID of an organisation."""

    @property
    def method(self) -> str:
        """The DID URL that names the key in proofs."""

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of ``message``.

        Raises:
            KeyMaterialError: The key cannot be used now.
        """


class KeySigner(Struct, frozen=True):
    """A signer with a private key in memory.

    Attributes:
        private: The private key; its repr shows no secret.
    """

    private: PrivateKey

    @property
    def public(self) -> PublicKey:
        """The key that verifies the signatures."""
        return self.private.public

    @property
    def did(self) -> str:
        """The key as ``did:key:z6Mk…``."""
        return did_key(self.private.public)

    @property
    def method(self) -> str:
        """The DID URL that names the key in proofs."""
        return verification_method(self.private.public)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of ``message``."""
        return self.private.sign(message)


class DeferredSigner:
    """A signer that is opened on first use, so that commands that do not sign ask no passphrase.

    Args:
        load: Returns the opened signer; called once.
    """

    def __init__(self, load: Callable[[], Signer]) -> None:
        self._load = load
        self._signer: Signer | None = None

    @property
    def public(self) -> PublicKey:
        """The key that verifies the signatures."""
        return self._opened().public

    @property
    def did(self) -> str:
        """The key as ``did:key:z6Mk…``."""
        return self._opened().did

    @property
    def method(self) -> str:
        """The DID URL that names the key in proofs."""
        return self._opened().method

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of ``message``."""
        return self._opened().sign(message)

    def _opened(self) -> Signer:
        if self._signer is None:
            self._signer = self._load()
        return self._signer


class OrganisationSigner(Struct, frozen=True):
    """A signer of credentials for an organisation, with the key of an authorised person.

    Attributes:
        person: The signer of the person.
        did: The organisation's DID, such as ``did:web:acme.example``; its document lists the key
            under the fragment that spells the key.
    """

    person: Signer
    did: str

    @property
    def public(self) -> PublicKey:
        """The key that verifies the signatures."""
        return self.person.public

    @property
    def method(self) -> str:
        """The DID URL that names the key in proofs."""
        return f"{self.did}#{encode_multikey(self.person.public)}"

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of ``message``."""
        return self.person.sign(message)


def _file_signer(rest: str, passphrase: "PassphraseSource | None") -> Signer:
    from lyrikstore.crypto.keys.key_file import load_key  # verification starts without OpenSSL

    path = unquote(rest.removeprefix("//") if rest.startswith("///") else rest)
    if not path.startswith("/") or path.startswith("//") or "\0" in path:
        raise InvalidInputError(
            "bad-signer",
            f"not an absolute path: file:{rest[:200]!a}",
            hint="write file:/absolute/path/to/key",
        )
    return KeySigner(load_key(Path(path), passphrase))


SIGNER_FOR_URI_SCHEME: dict[str, Callable[[str, "PassphraseSource | None"], Signer]] = {
    "file": _file_signer,
}
"""Scheme → function of (the rest after ``scheme:``, passphrase source) that returns a signer."""


def file_uri(path: Path) -> str:
    """Return the signer URI of a key file, percent-encoded.

    Raises:
        InvalidInputError: (``bad-signer``) the path is not absolute.
    """
    if not path.is_absolute():
        raise InvalidInputError("bad-signer", f"not an absolute path: {str(path)!a}")
    return f"file:{quote(str(path))}"


def signer_from_uri(uri: str, passphrase: "PassphraseSource | None") -> Signer:
    """Return the signer that ``uri`` names.

    Args:
        uri: Such as ``file:/home/ada/.config/lyrikstore/keys/ada`` (percent-encoded).
        passphrase: Called only if the key needs a passphrase.

    Raises:
        InvalidInputError: (``bad-signer``) an unknown scheme, or not an absolute path.
        KeyMaterialError: The key is missing, locked, damaged, or readable by others.
    """
    scheme, separator, rest = uri.partition(":")
    make = SIGNER_FOR_URI_SCHEME.get(scheme)
    if not separator or make is None:
        known = ", ".join(f"{name}:" for name in sorted(SIGNER_FOR_URI_SCHEME))
        raise InvalidInputError(
            "bad-signer", f"no such signer: {uri[:200]!a}", hint=f"signers start with {known}"
        )
    return make(rest, passphrase)
