"""A file that may be a credential, parsed and verified at most once.

Example:
    >>> from lyrikstore.credentials.model.opened import OpenedCredential
    >>> opened = OpenedCredential(b'{"type": ["VerifiableCredential", "GrantCredential"]}')
    >>> opened.kind.words
    'grant credential'
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import Document, may_contain, parse
from lyrikstore.canon.timestamps import parse_foreign_timestamp, parse_timestamp
from lyrikstore.credentials.model.credential import (
    Claims,
    CredentialKind,
    check_credential_shape,
    is_ours,
    issuer_of,
    kind_of,
)
from lyrikstore.credentials.model.status_entry import (
    StatusEntry,
    log_entries,
    status_entries,
)
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.multikey import did_key, parse_method_fragment
from lyrikstore.crypto.proofs.eddsa_jcs import Verified, verify_proof

LIST_TYPE = "BitstringStatusListCredential"

BEGINNING = datetime.min.replace(tzinfo=UTC)
"""The date of a status list without a date."""


class OpenedCredential:
    """A file that may be a credential, with its stated properties.

    Each property is computed on first use, and then kept. Properties are unverified: only the
    result of :meth:`verify` is signed.

    Args:
        data: The bytes of the file.
        signing_key: Function that returns the key of its valid signature, from a cache.
    """

    def __init__(
        self, data: bytes, signing_key: Callable[[bytes], PublicKey | None] | None = None
    ) -> None:
        self.data = data
        self._signing_key = signing_key
        self._document: Document | None = None
        self._refused: FormatError | None = None
        self._shape: tuple[CredentialKind, Claims | None] | None = None
        self._verified: Verified | None = None

    def parsed(self) -> Document:
        """Return the document, read strictly (spec §10.2).

        Raises:
            FormatError: (``bad-json``) the file is not such a document.
        """
        if self._document is not None:
            return self._document
        if self._refused is not None:
            raise self._refused
        try:
            self._document = Document.parse(self.data)
        except FormatError as error:
            self._refused = error
            raise
        return self._document

    def claims_as(self, kind: CredentialKind) -> Claims | None:
        """Return the claims after checking the document against the schema of ``kind``.

        Raises:
            FormatError: As :func:`~lyrikstore.credentials.model.credential.check_credential_shape`.
        """
        if self._shape is None or self._shape[0] is not kind:
            self._shape = kind, check_credential_shape(self.parsed().members, kind)
        return self._shape[1]

    def verify(self, resolve: Callable[[str], PublicKey]) -> Verified:
        """Verify the proof with the key that ``resolve`` finds, and return the signed content.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.crypto.proofs.eddsa_jcs.verify_proof`.

        Cost: one signature check for each different key.
        """
        known = self._verified
        if known is None or resolve(known.verification_method) != known.key:
            checked = self._signing_key(self.data) if self._signing_key is not None else None
            document = self.parsed()
            self._verified = known = verify_proof(document, resolve=resolve, checked=checked)
        return known

    @cached_property
    def digest(self) -> Digest:
        """BLAKE3 of the file."""
        return Digest.of(self.data)

    @cached_property
    def id(self) -> Digest | None:
        """BLAKE3 of the canonical form, equal for every spelling; None if unreadable."""
        try:
            return Digest.of(self.parsed().canonical)
        except FormatError:
            return None

    @cached_property
    def document(self) -> dict[str, Any] | None:
        """The document, read strictly; None if the file is not such a document."""
        try:
            return self.parsed().members
        except FormatError:
            return None

    @cached_property
    def stated(self) -> dict[str, Any] | None:
        """The document, which may have fractions and nulls if it is of another profile."""
        if self.document is not None:
            return self.document
        try:
            found = parse(self.data, floats=True, nulls=True)
        except FormatError:
            return None
        return found if isinstance(found, dict) else None

    @cached_property
    def kind(self) -> CredentialKind | None:
        """The stated kind of a lyrik credential, or None."""
        return None if self.document is None else kind_of(self.document)

    @property
    def profile(self) -> str:
        """The profile of its verification: ``lyrik`` or ``w3c`` (spec §17.1).

        An unreadable file is ``lyrik``, which refuses it.
        """
        return "lyrik" if self.stated is None or is_ours(self.stated) else "w3c"

    @cached_property
    def issuer(self) -> str | None:
        """The stated issuer, or None."""
        said = self.document or self.stated
        return None if said is None else issuer_of(said)

    @cached_property
    def signer(self) -> str | None:
        """The key of the valid signature, as did:key, or None.

        It does not depend on the stated issuer; the key of an organisation is the one in its URL.
        """
        try:
            return did_key(self.verify(parse_method_fragment).key)
        except LyrikstoreError:
            return None

    @property
    def valid_until(self) -> datetime | None:
        """The stated end of validity; None without an end, or if it is not a time."""
        try:
            return parse_timestamp((self.document or {}).get("validUntil"))
        except FormatError:
            return None

    @property
    def is_listed(self) -> bool:
        """Whether it names status lists, in which outsiders can see a revocation."""
        return "credentialStatus" in (self.document or {})

    @cached_property
    def entries(self) -> tuple[StatusEntry, ...]:
        """The places of its status bits: in the lists that it names, or in its issuer's log.

        Raises:
            LyrikstoreError: As :func:`status_entries`.
        """
        if self.document is None or (not self.is_listed and self.kind is None):
            return ()
        if self.is_listed or self.id is None:
            return status_entries(self.document)
        return log_entries(self.id)

    @cached_property
    def supersedes(self) -> str | None:
        """The digest, as a URN, of the credential that it replaces, or None."""
        reference = self._naming("supersedes").get("supersedes")
        digest = reference.get("digest") if isinstance(reference, dict) else None
        return digest if isinstance(digest, str) else None

    @cached_property
    def list_url(self) -> str | None:
        """The stated URL of a status list; None if it is not a list."""
        stated = self._naming(LIST_TYPE)
        types, url = stated.get("type"), stated.get("id")
        if LIST_TYPE not in (types if isinstance(types, list) else [types]):
            return None
        return url if isinstance(url, str) else None

    @cached_property
    def made(self) -> datetime:
        """The stated start of validity; :data:`BEGINNING` if there is none."""
        try:
            return parse_foreign_timestamp((self.stated or {}).get("validFrom"))
        except FormatError:
            return BEGINNING

    def _naming(self, word: str) -> dict[str, Any]:
        # Most sibling files are something else, and need not be read to know it.
        return (self.stated or {}) if may_contain(self.data, word) else {}
