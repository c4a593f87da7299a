"""Issuing in the name of an organisation, whose did:web names the keys of its people.

Whoever issues signs with a key of his own. That it speaks for the organisation is for its DID
document to say; the document of that day travels with the credential, which pins it by digest.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError, PolicyError
from lyrikstore.canon.jsontext import JSON
from lyrikstore.credentials.did import KnownDocument, Resolver, Source, parse_did
from lyrikstore.credentials.did.document import build_document
from lyrikstore.credentials.vcdm import sha256_multibase
from lyrikstore.crypto.multikey import encode_multikey
from lyrikstore.crypto.signer import OrganisationSigner, Signer
from lyrikstore.history.repository import Repository


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation that issues.

    Attributes:
        signer: Signs in its name.
        document: Its DID document, byte-exact.
    """

    signer: OrganisationSigner
    document: bytes

    @classmethod
    def of(cls, person: Signer, did: str, document: bytes | None, at: datetime) -> Self:
        """Return the organisation ``did`` with a key that its document lists.

        Args:
            person: Holds the key.
            did: A did:web.
            document: Its published document; None makes one that lists this key alone.
            at: Now.

        Raises:
            InvalidInputError: (``not-an-organisation``) not a did:web; (``not-listed``) the
                document is another's, or does not let this key issue.
        """
        if not did.startswith("did:web:"):
            raise InvalidInputError("not-an-organisation", f"{did[:200]!a} is not a did:web")
        signer = OrganisationSigner(person, did)
        try:
            parse_did(did)
            if document is None:
                key = encode_multikey(person.public)
                document = json.dumps(build_document(did, {key: key}), indent=2).encode()
            known = KnownDocument.of(document, Source.PINNED)
            Resolver([known]).key(signer.method, "assertionMethod", at)
        except LyrikstoreError as error:
            raise InvalidInputError(
                "not-listed",
                f"{did[:200]!a} cannot issue with this key: {error.message}",
                hint="list it under assertionMethod: lyrikstore key document",
            ) from None
        return cls(signer, document)

    @property
    def file_name(self) -> str:
        """What the document is called in a delivery."""
        rest = self.signer.did.removeprefix("did:web:")
        safe = "".join(c if c.isalnum() or c in ".-" else "_" for c in rest)
        return f"did-{safe[:100]}.json"

    @property
    def related(self) -> dict[str, JSON]:
        """The ``relatedResource`` that pins the document in a credential."""
        return {
            "id": self.signer.did,
            "mediaType": "application/json",
            "digestMultibase": sha256_multibase(self.document),
        }


def speaking_for(
    repository: Repository, person: Signer, issuer: str, signed_by: Sequence[str]
) -> Signer:
    """Return who signs for ``issuer``: the person himself, or the organisation he speaks for.

    Args:
        repository: The store.
        person: Holds a key.
        issuer: Who issued.
        signed_by: The keys that signed in that name here before.

    Raises:
        PolicyError: (``not-the-issuer``) this person does not.
    """
    if issuer == person.did:
        return person
    policy = repository.policy
    ours = policy.keys | {item.key for item in policy.retired if item.suspect_from is None}
    if issuer.startswith("did:web:") and person.did in policy.keys and ours >= set(signed_by):
        return OrganisationSigner(person, issuer)
    raise PolicyError("not-the-issuer", f"only {issuer} can change its standing")
