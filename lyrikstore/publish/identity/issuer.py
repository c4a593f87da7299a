"""The issuer: a person with a key, or an organisation with the key of one of its people.

Whoever issues signs with a key of their own. That it speaks for the organisation is for its DID
document to say; the document of that day travels with the credential, which pins it by digest.
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
"""What to do where another key is needed."""

_DOES = {"assertionMethod": "issue", "authentication": "present"}


class Issuance(Struct, frozen=True):
    """In whose name a credential is issued, and how it may end.

    Attributes:
        name: What the issuer calls itself; claimed, never trusted.
        organisation: DID (did:web) of the organisation that issues; None: the signer does.
        did_document: Its published document; None makes one that lists the signer's key alone.
        status_url: The https URL below which the issuer publishes its status lists; None makes a
            credential that nobody can take back.
        supersedes: The credential that this one replaces; revoke it with ``supersede`` after.
    """

    name: str | None = None
    organisation: str | None = None
    did_document: bytes | None = None
    status_url: str | None = None
    supersedes: bytes | None = None


class Issuer(Struct, frozen=True):
    """Who issues, or presents what was issued to them.

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
            person: Holds the key.
            organisation: A did:web, or None.
            document: Its published document; None makes one that lists this key alone.
            at: Now.
            purpose: Under what the document has to list the key: ``authentication`` to present.

        Raises:
            InvalidInputError: (``not-an-organisation``) not a did:web, or a document of nobody;
                (``not-listed``) the document is another's, or does not let this key do that.
        """
        if organisation is None:
            if document is not None:
                raise InvalidInputError(
                    "not-an-organisation",
                    "a DID document, and no organisation that issues: a key is its own",
                    hint="leave --did-document out, or issue in the name of a did:web",
                )
            return cls(person)
        if not organisation.startswith("did:web:"):
            raise InvalidInputError(
                "not-an-organisation",
                f"{organisation[:200]!a} is not a did:web",
                hint="such as did:web:acme.example, by the name of its web site",
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
                f"{organisation[:200]!a} cannot {_DOES[purpose]} with this key: {error.message}",
                hint=f"list it under {purpose}: lyrikstore key document",
            ) from None
        return cls(signer, document)

    @property
    def did(self) -> str:
        """The issuer's DID."""
        return self.signer.did

    @property
    def file_name(self) -> str:
        """What the document is called in a delivery."""
        rest = self.did.removeprefix("did:web:")
        safe = "".join(c if c.isalnum() or c in ".-" else "_" for c in rest)
        return f"did-{safe[:100]}.json"

    def pin(self, credential: dict[str, Any]) -> None:
        """Add to an unsigned credential of this issuer's the digest of its DID document, if any."""
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
        """Return what a credential of this issuer's says besides its claims; no status yet.

        Args:
            issuance: What the issuer calls itself, and what the credential replaces.
            kind: What it is.
            valid_from: First moment of validity.
            valid_until: Last moment, or None for no end.

        Raises:
            FormatError: What it is to replace is no credential.
            InvalidInputError: (``wrong-kind``) that is of another kind.
            PolicyError: (``not-the-issuer``) another one issued that, also an earlier key of
                theirs: the replacement would count for nobody (spec §10.6).
        """
        old = issuance.supersedes
        return CredentialMetadata(
            issuer=self.did,
            valid_from=valid_from,
            valid_until=valid_until,
            issuer_name=issuance.name,
            supersedes=None if old is None else self._in_place_of(old, kind),
        )

    def _in_place_of(self, old: bytes, kind: CredentialKind) -> dict[str, JSON]:
        opened = OpenedCredential(old)
        reference = reference_to(old)
        if opened.kind is not kind:
            raise InvalidInputError("wrong-kind", f"what it replaces is no {kind.type}")
        if (before := opened.issuer) != self.did:
            raise PolicyError(
                "not-the-issuer",
                f"only {before} can issue a credential in its place",
                hint="issue without --supersedes; by the key that issued the old one: lyrikstore "
                "revoke --signer NAME",
            )
        return reference

    def to_log(self, repository: Repository) -> list[bytes]:
        """Return the DID document, if there is one that is not logged yet."""
        if self.document is None or repository.is_logged(Digest.of(self.document)):
            return []
        return [self.document]


def speaking_for(
    repository: Repository, person: Signer, issuer: str, signed_by: Sequence[str]
) -> Signer:
    """Return who signs for ``issuer``: the person, or the organisation they speak for.

    Args:
        repository: The store.
        person: Holds a key.
        issuer: Who issued.
        signed_by: The keys that signed in that name here before.

    Raises:
        PolicyError: (``not-the-issuer``) this person does not; (``suspect-key``) the key may be
            in other hands, and no list that it signs now counts.
    """
    policy = repository.policy
    if person.did in policy.suspects:
        raise PolicyError(
            "suspect-key",
            f"{person.did} is compromised in this store: no status list that it signs counts",
            hint="issue anew by the next key; what the old one issued can no longer be verified "
            "once its status lists run out",
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
            f"only {issuer} can do that, and {person.did} may not sign in its name here",
            hint="sign with a key that the policy of this store lists now: --signer NAME",
        )
    raise PolicyError(
        "not-the-issuer",
        f"only {issuer} can do that",
        hint="that key is compromised, and no list that it signs counts: issue anew by yours"
        if issuer in policy.suspects
        else SIGN_AS_ISSUER,
    )


def check_current(policy: Policy, person: Signer) -> None:
    """Refuse to issue with a key that the store's policy took out of every role.

    What such a key issues counts for nobody (spec §11.4.5). What it issued
    before, it can still take back.

    Args:
        policy: The newest of the issuer's store.
        person: Holds the key.

    Raises:
        PolicyError: (``retired-key``) it was replaced or revoked.
    """
    if person.did not in {item.key for item in policy.retired}:
        return
    successor = policy.successor(person.did)
    raise PolicyError(
        "retired-key",
        f"{person.did} was replaced or revoked in this store: nobody would believe what it issues",
        hint=f"sign with {successor or 'a key that the policy names'}: --signer NAME",
    )


def own_keys(policy: Policy) -> frozenset[str]:
    """Return the keys of the store's own people, those that sign no more included."""
    return policy.keys | {item.key for item in policy.retired}


def own_documents(policy: Policy, organisation: str) -> list[KnownDocument]:
    """Return documents in which an organisation lists :func:`own_keys`, as its own store sees it.

    Nobody publishes these. Whoever takes a credential back need not have logged the document that
    lists that person's key, and it counts here all the same.

    Args:
        policy: The store's.
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
