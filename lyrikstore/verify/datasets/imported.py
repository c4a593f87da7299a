"""The members of a publisher's manifest that an import copies, and the others (spec §20.7).

Importing, and the verification of imports, use this one rule.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lyrikstore.canon.errors import FormatError
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.store_view import MAX_READ
from lyrikstore.verify.datasets.body import BodyFault, is_same

TAKEN_OVER = (
    *("reader", "records", "bytes", "fileCount", "fields", "companions"),
    *("metadata", "descriptor", "licence"),
)
"""Members of a dataset's body that an import copies from its publisher."""

NOT_TAKEN_OVER: Mapping[str, str] = {
    "origin": "the version was imported here, however it came to be there",
    "ignored": "the list of the files that were left out stays with the publisher",
    "skipped": "the list of the lines that were left out stays with the publisher",
    "derivation": "the filter and what it read are not here",
    "generators": "the models are not here; the terms of their output are read from the carried "
    "manifest",
}
"""The other members → the reason why an import does not copy them."""

_ADDED_LATER = frozenset({"fields", "companions"})
"""Members that the first version of imports did not copy."""


def imported_body(published: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of an import.

    Args:
        published: The body of the publisher's manifest.
    """
    kept = {member: published[member] for member in TAKEN_OVER if member in published}
    return {**kept, "origin": "imported"}


def published_manifest(repository: Repository, dataset: Manifest) -> Manifest | None:
    """Return the publisher's manifest attached to an import; None if ``dataset`` is not an import.

    Raises:
        FormatError: (``bad-import``) the manifest is of another dataset.
        LyrikstoreError: The manifest is lost, damaged or not signed by its author.
    """
    carried = dataset.attachments_in("foreign-manifest")
    if dataset.body.get("origin") != "imported" or not carried:
        return None
    found = parse_manifest(repository.blobs.read(carried[0].id, max_bytes=MAX_READ))
    if found.kind != "dataset" or found.tree != dataset.tree:
        # ATTACK: data imported under the manifest of another, freely licensed dataset.
        raise FormatError("bad-import", f"{dataset.name} carries the manifest of another dataset")
    return found


def stated_by(repository: Repository, dataset: Manifest) -> Manifest:
    """Return the manifest that states how a dataset came to be: of an import, its publisher's.

    Raises:
        LyrikstoreError: As :func:`published_manifest`.
    """
    return published_manifest(repository, dataset) or dataset


def find_import_faults(
    body: Mapping[str, Any], published: Mapping[str, Any]
) -> Iterator[BodyFault]:
    """Yield the members of an import that contradict its publisher's manifest.

    ATTACK A113: an import calls another field the label or the licence, or drops the licence.

    Args:
        body: The body of the import.
        published: The body of the publisher's manifest.
    """
    early = _ADDED_LATER.isdisjoint(body)
    for member in TAKEN_OVER:
        said, theirs = body.get(member), published.get(member)
        if member == "fields":
            same = _keeps_roles(said or {}, theirs or {}) or (early and said is None)
        elif member == "descriptor" and body.get("fields") != published.get("fields"):
            same = is_same(_without_stats(said), _without_stats(theirs))  # stats follow from roles
        else:
            same = is_same(said, theirs) or (member in _ADDED_LATER and early)
        if not same:
            yield BodyFault(member, "is not what the publisher's manifest says")


def _keeps_roles(said: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Return whether roles keep those that a publisher states; further roles are allowed."""
    kept = all(role in said and is_same(said[role], field) for role, field in theirs.items())
    # What stands between several labels is part of what the label means.
    return kept and (
        "label" not in theirs or ("labelSeparator" in said) <= ("labelSeparator" in theirs)
    )


def _without_stats(descriptor: Any) -> Any:
    return {name: field for name, field in (descriptor or {}).items() if name != "stats"}
