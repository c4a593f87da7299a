"""The issuer of a credential: a person with a key, or an organisation that lists this key.

A person always signs with their own key. The DID document of an organisation states that this key
signs for it; the document of that day is handed over with the credential, which pins its digest.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError, PolicyError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.limits import MAX_DID_METHODS
from lyrikstore.credentials.did import DocumentSource, KnownDocument, Resolver, parse_did
from lyrikstore.credentials.did.document import build_document
from lyrikstore.credentials.issue import reference_to
from lyrikstore.credentials.model.credential import (
    CredentialKind,
    CredentialMetadata,
    sha256_multibase,
)
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.crypto.keys.signer import OrganisationSigner, Signer
from lyrikstore.crypto.multikey import encode_multikey
from lyrikstore.history.policy.policy import Policy
from lyrikstore.history.repository.repository import Repository

SIGN_AS_ISSUER = "sign with the key that issued it: --signer NAME"
"""Hint for errors where another key is needed."""

_VERBS = {"assertionMethod": "issue", "authentication": "present"}


class Issuance(Struct, frozen=True):
    """The issuer's name, its status lists, and the credential that a new one replaces.

    Attributes:
        name: Name that the issuer gives itself; claimed, never trusted.
        organisation: DID (did:web) of the organisation that issues; None: the signer issues.
        did_document: The organisation's published DID document; None: a new one that lists the
            signer's key alone.
        status_url: The https URL below which the issuer publishes its status lists; None: a
            credential without status lists.
        supersedes: The credential that this one replaces; revoke it with ``supersede`` afterwards.
    """

    name: str | None = None
    organisation: str | None = None
    did_document: bytes | None = None
    status_url: str | None = None
    supersedes: bytes | None = None


class Issuer(Struct, frozen=True):
    """The issuer of a credential, or the holder who presents one.

    Attributes:
        signer: Signs in the issuer's name.
        document: The DID document of an organisation, byte-exact; None for a person.
    """

    signer: Signer
    document: bytes | None = None

    @classmethod
    def of(
        cls,
        person: Signer,
        organisation: str | None,
        document: bytes | None,
        at: datetime,
        *,
        purpose: str = "assertionMethod",
    ) -> Self:
        """Return the issuer: the person, or an organisation that lists the person's key.

        Args:
            person: The signer with the key.
            organisation: A did:web, or None.
            document: The organisation's published document; None: a new one with this key alone.
            at: The current time.
            purpose: The relationship under which the document must list the key:
                ``authentication`` to sign a presentation.

        Raises:
            InvalidInputError: (``not-an-organisation``) the organisation is not a did:web, or there
                is a document without an organisation; (``not-listed``) the document is of another
                DID, or does not list this key for the purpose.
        """
        if organisation is None:
            if document is not None:
                raise InvalidInputError(
                    "not-an-organisation",
                    "a DID document needs an organisation that issues; the signer's key needs none",
                    hint="omit --did-document, or name the organisation: --issuer did:web:…",
                )
            return cls(person)
        if not organisation.startswith("did:web:"):
            raise InvalidInputError(
                "not-an-organisation",
                f"{organisation[:200]!a} is not a did:web",
                hint="the DID of an organisation contains its domain: did:web:acme.example",
            )
        signer = OrganisationSigner(person, organisation)
        try:
            parse_did(organisation)
            if document is None:
                document = _listing(organisation, [encode_multikey(person.public)])
            known = KnownDocument.of(document, DocumentSource.PINNED)
            Resolver([known]).key(signer.method, purpose, at)
        except LyrikstoreError as error:
            raise InvalidInputError(
                "not-listed",
                f"{organisation[:200]!a} cannot {_VERBS[purpose]} with this key: {error.message}",
                hint=f"list the key under {purpose}: lyrikstore key document",
            ) from None
        return cls(signer, document)

    @property
    def did(self) -> str:
        """The issuer's DID."""
        return self.signer.did

    @property
    def file_name(self) -> str:
        """File name of the DID document in a delivery."""
        rest = self.did.removeprefix("did:web:")
        safe = "".join(c if c.isalnum() or c in ".-" else "_" for c in rest)
        return f"did-{safe[:100]}.json"

    def pin(self, credential: dict[str, Any]) -> None:
        """Add the digest of the issuer's DID document, if it has one, to an unsigned credential."""
        if self.document is not None:
            credential.setdefault("relatedResource", []).append(
                {
                    "id": self.did,
                    "mediaType": "application/json",
                    "digestMultibase": sha256_multibase(self.document),
                }
            )

    def metadata(
        self,
        issuance: Issuance,
        kind: CredentialKind,
        valid_from: datetime,
        valid_until: datetime | None,
    ) -> CredentialMetadata:
        """Return the metadata of a credential of this issuer, without a status.

        Args:
            issuance: The issuer's name, and the credential to replace.
            kind: Kind of the credential.
            valid_from: First moment of validity.
            valid_until: Last moment, or None for no end.

        Raises:
            FormatError: The credential to replace is malformed.
            InvalidInputError: (``wrong-kind``) the credential to replace is of another kind.
            PolicyError: (``not-the-issuer``) another DID issued it, also if that was an earlier key
                of the same person: verifiers would ignore the replacement (spec §10.6).
        """
        old = issuance.supersedes
        return CredentialMetadata(
            issuer=self.did,
            valid_from=valid_from,
            valid_until=valid_until,
            issuer_name=issuance.name,
            supersedes=None if old is None else self._replacing(old, kind),
        )

    def _replacing(self, old: bytes, kind: CredentialKind) -> dict[str, JSON]:
        opened = OpenedCredential(old)
        reference = reference_to(old)
        if opened.kind is not kind:
            raise InvalidInputError("wrong-kind", f"the credential to replace is not a {kind.type}")
        if (before := opened.issuer) != self.did:
            raise PolicyError(
                "not-the-issuer",
                f"only {before} can issue a credential that replaces it",
                hint="issue without --supersedes, and revoke the old one with its key: lyrikstore "
                "credential revoke --signer NAME",
            )
        return reference

    def to_log(self, repository: Repository) -> list[bytes]:
        """Return the DID document in a list, unless there is none or it is logged already."""
        if self.document is None or repository.is_logged(Digest.of(self.document)):
            return []
        return [self.document]


def speaking_for(
    repository: Repository, person: Signer, issuer: str, signed_by: Sequence[str]
) -> Signer:
    """Return the signer for ``issuer``: the person, or the organisation that they sign for.

    Args:
        repository: The store.
        person: The signer with the key.
        issuer: DID of the issuer.
        signed_by: The keys that signed in the issuer's name in this store before.

    Raises:
        PolicyError: (``not-the-issuer``) this person may not sign for the issuer;
            (``suspect-key``) the key is compromised, and no list that it signs now counts.
    """
    policy = repository.policy
    if person.did in policy.suspects:
        raise PolicyError(
            "suspect-key",
            f"{person.did} is compromised in this store: no status list that it signs counts",
            hint="issue the credentials again with the new key; those of the old key cannot be "
            "verified any more after their status lists expire",
        )
    if issuer == person.did:
        return person
    if (
        issuer.startswith("did:web:")
        and person.did in policy.keys
        and own_keys(policy) >= set(signed_by)
    ):
        return OrganisationSigner(person, issuer)
    if issuer.startswith("did:web:"):
        raise PolicyError(
            "not-the-issuer",
            f"only the issuer {issuer} can do that, and {person.did} may not sign for it in this "
            "store",
            hint="sign with a key in the current policy of this store: --signer NAME",
        )
    raise PolicyError(
        "not-the-issuer",
        f"only the issuer {issuer} can do that",
        hint="that key is compromised, and no list that it signs counts: issue the credential "
        "again with your key"
        if issuer in policy.suspects
        else SIGN_AS_ISSUER,
    )


def check_current(policy: Policy, person: Signer) -> None:
    """Raise ``retired-key`` if the store's policy removed the signer's key from every role.

    Verifiers reject what such a key issues (spec §11.4.5). It can still revoke what it issued
    before.

    Args:
        policy: The newest policy of the issuer's store.
        person: The signer with the key.

    Raises:
        PolicyError: (``retired-key``) the key was replaced or revoked.
    """
    if person.did not in {item.key for item in policy.retired}:
        return
    successor = policy.successor(person.did)
    raise PolicyError(
        "retired-key",
        f"{person.did} was replaced or revoked in this store: verifiers reject what it issues",
        hint=f"sign with {successor or 'a key of the current policy'}: --signer NAME",
    )


def own_keys(policy: Policy) -> frozenset[str]:
    """Return the keys of the store's own users, including retired keys."""
    return policy.keys | {item.key for item in policy.retired}


def own_documents(policy: Policy, organisation: str) -> list[KnownDocument]:
    """Return unpublished DID documents in which an organisation lists :func:`own_keys`.

    With them, an organisation's own store accepts credentials and revocations by its users' keys
    also where the document that lists a key was not logged.

    Args:
        policy: The policy of the store.
        organisation: A did:web.
    """
    keys = sorted(key.removeprefix("did:key:") for key in own_keys(policy))
    return [
        KnownDocument.of(
            _listing(organisation, keys[start : start + MAX_DID_METHODS]), DocumentSource.PINNED
        )
        for start in range(0, len(keys), MAX_DID_METHODS)
    ]


def _listing(organisation: str, multikeys: Sequence[str]) -> bytes:
    document = build_document(organisation, {key: key for key in multikeys})
    return json.dumps(document, indent=2).encode()
