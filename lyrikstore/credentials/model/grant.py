"""Licence grants: permissions of a publisher for one named buyer (spec §20.4)."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON
from lyrikstore.credentials.model.credential import (
    GRANT,
    Claims,
    CredentialMetadata,
    check_credential_shape,
)
from lyrikstore.credentials.terms.model import UsageLimits


class Grant(Struct, frozen=True):
    """The content of a well-formed grant.

    Attributes:
        holder: DID of the holder's key.
        name: The dataset's name.
        tree: Identity of its content, with metadata.
        files: Identity of its files alone.
        manifest: Manifest id of the version.
        store: Id of the store that logged it.
        terms: Digest of the canonical form of the dataset credential with the terms.
        permits: Acts that the holder may do.
        requires: The holder's duties, besides those of the terms.
        limits: Limits of the permissions, as ``TermLimits``.
    """

    holder: str
    name: str
    tree: Digest
    files: Digest
    manifest: Digest
    store: Digest
    terms: Digest
    permits: tuple[str, ...]
    requires: tuple[str, ...]
    limits: Mapping[str, Any]

    @classmethod
    def of(cls, subject: Mapping[str, Any]) -> Self:
        """Return the grant in a subject that satisfies the schema."""
        grant = subject["grant"]
        dataset = grant["dataset"]
        return cls(
            holder=subject["id"],
            name=dataset["name"],
            tree=Digest.parse_urn(dataset["id"]),
            files=Digest.parse_urn(dataset["files"]),
            manifest=Digest.parse_urn(dataset["manifest"]),
            store=Digest.parse_urn(dataset["store"]),
            terms=Digest.parse_urn(grant["terms"]["digest"]),
            permits=tuple(grant["permits"]),
            requires=tuple(grant.get("requires", ())),
            limits=grant.get("limits", {}),
        )

    def is_about(self, claims: Claims) -> bool:
        """Return whether the grant and ``claims`` are about the same dataset (A44)."""
        return (self.name, self.tree, self.files, self.manifest, self.store) == (
            claims.name,
            claims.tree,
            claims.files,
            claims.manifest,
            claims.store,
        )


def build_grant(
    metadata: CredentialMetadata,
    about: Claims,
    *,
    terms: Mapping[str, JSON],
    holder: str,
    permits: Sequence[str],
    requires: Sequence[str] = (),
    limits: Mapping[str, JSON] | None = None,
    holder_name: str | None = None,
) -> dict[str, JSON]:
    """Return an unsigned grant under the terms of a dataset credential.

    Args:
        metadata: Validity of the grant, and its issuer, who is that of the terms.
        about: The claims of that credential.
        terms: The reference to it, from :func:`lyrikstore.credentials.issue.reference_to`.
        holder: DID of the buyer.
        permits: Acts that the holder may do.
        requires: Duties besides those of the terms.
        limits: Limits of the permissions, without ``type``.
        holder_name: Name of the buyer; claimed, never trusted.

    Raises:
        FormatError: The result would not be a valid grant; the message names the place.
    """
    grant: dict[str, JSON] = {
        "type": "LicenceGrant",
        "dataset": about.reference(),
        "terms": dict(terms),
        "permits": list(dict.fromkeys(permits)),
    }
    if requires:
        grant["requires"] = list(dict.fromkeys(requires))
    if limits:
        grant["limits"] = {"type": "TermLimits", **limits}
    document: dict[str, JSON] = {
        **metadata.members(GRANT),
        "name": f"Licence grant: {about.name}",
        "credentialSubject": {
            "id": holder,
            "type": "Licensee",
            **({"name": holder_name} if holder_name else {}),
            "grant": grant,
        },
    }
    check_credential_shape(document, GRANT)
    return document


def exceeds(grant: Grant, until: str, about: Claims, terms: Mapping[str, JSON]) -> str | None:
    """Return the reason why a grant exceeds its terms, or None.

    Args:
        grant: The grant.
        until: End of its validity.
        about: The claims of the dataset credential.
        terms: That credential as a document.
    """
    given = UsageLimits.of(grant.limits)
    for partition in about.terms.partitions:
        for word in grant.permits:
            if word not in {*partition.permits, *partition.grantable}:
                return f"{word} is neither permitted nor grantable there"
        wider = given.exceeds(partition.limits)
        if wider is not None:
            return f"its use is not limited as theirs: {wider}"
    end = terms.get("validUntil")
    # Both are of one form, so the order of the texts is that of the moments.
    if isinstance(end, str) and until > end:
        return f"it goes on after {end}, when the terms end"
    return None
