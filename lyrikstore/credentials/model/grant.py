"""Licence grants: what the publisher lets a buyer do, by name (spec §20.4)."""

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
    """What a well-formed grant says.

    Attributes:
        holder: DID of the key it is granted to.
        name: The dataset's name.
        tree: Its content, with metadata.
        files: Its files alone.
        manifest: The version.
        store: The store that logged it.
        terms: The dataset credential under whose terms it is granted, by its canonical form.
        permits: What the holder may do.
        requires: The holder's duties, besides those of the terms.
        limits: Within what; as ``TermLimits``.
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
        """Read the subject of a grant that has the right shape."""
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
        """Return whether the grant names the dataset that ``claims`` describe (A44)."""
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
        metadata: Who grants: the issuer of the terms; and how it may end.
        about: What that credential says.
        terms: The reference to it, as :func:`lyrikstore.credentials.issue.reference_to`
            gives.
        holder: DID of the buyer.
        permits: What the holder may do.
        requires: Duties besides those of the terms.
        limits: Within what; without ``type``.
        holder_name: What the buyer is called; claimed, never trusted.

    Raises:
        FormatError: The result would not be a grant; the message names the place.
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
    """Return what a grant gives that its terms do not let anybody be given, or None.

    Args:
        grant: The grant.
        until: End of its validity.
        about: What the dataset credential says.
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
