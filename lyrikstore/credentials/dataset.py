"""What a publisher says to strangers about one dataset version (spec/10-credentials.md).

:func:`build_dataset_credential` states only what the manifest, its tree and its records manifest
already bind, plus what the publisher grants; :func:`lyrikstore.credentials.envelope.issue` signs
it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.jsontext import JSON
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.credentials.statuslist import StatusEntry
from lyrikstore.credentials.vcdm import (
    DATASET,
    DATASET_CONTEXT,
    TREE_PROFILE,
    check_credential_shape,
    context_sri,
    sha256_multibase,
)
from lyrikstore.history.manifest import Manifest
from lyrikstore.history.tree import Tree

PERMISSIONS = (
    "train",
    "evaluate",
    "test",
    "research",
    "commercialUse",
    "modify",
    "redistribute",
    "reidentify",
)
"""Words for ``permits`` and ``prohibits``; others start with ``x-``. What is not permitted is not
permitted; ``prohibits`` only says it aloud."""

DUTIES = ("attribution", "shareAlike", "deleteOnExpiry", "noticeOfChange")
"""Words for ``requires``; others start with ``x-``."""


def build_dataset_credential(
    *,
    manifest: Manifest,
    tree: Tree,
    records: Manifest | None,
    log_origin: str,
    log_index: int,
    issuer: str,
    permits: Sequence[str],
    valid_from: datetime,
    valid_until: datetime | None,
    prohibits: Sequence[str] = (),
    requires: Sequence[str] = (),
    grantable: Sequence[str] = (),
    supersedes: Mapping[str, JSON] | None = None,
    issuer_name: str | None = None,
    licence_text: bytes | None = None,
    version: str | None = None,
    extra_subject: dict[str, JSON] | None = None,
    credential_id: str | None = None,
    status: Sequence[StatusEntry] = (),
) -> dict[str, JSON]:
    """Return an unsigned dataset credential about ``manifest``.

    Args:
        manifest: A dataset manifest, already logged.
        tree: Its tree.
        records: The ``records`` manifest that commits to its records, or None.
        log_origin: Origin of the log that holds the manifest.
        log_index: Index of the manifest's leaf in it.
        issuer: DID of the key that will sign.
        permits: What the issuer allows, words of :data:`PERMISSIONS`.
        valid_from: First moment of validity.
        valid_until: Last moment, or None for no end.
        prohibits: What the issuer forbids in so many words.
        requires: Duties, words of :data:`DUTIES`.
        grantable: What the issuer may grant to named holders besides (spec/20 §4).
        supersedes: The credential that this one replaces, as
            :func:`lyrikstore.credentials.envelope.reference_to` gives it.
        issuer_name: What the issuer calls itself; claimed, never trusted.
        licence_text: The text the manifest's licence names by digest; demanded where it does.
        version: Human version label.
        extra_subject: Claim groups ``age``, ``quality``, ``regulatory``, where the issuer has them.
        credential_id: ``urn:uuid:`` v4; a new one by default.
        status: Where its bits are in the issuer's status lists; none: it cannot be revoked.

    Raises:
        InvalidInputError: (``wrong-object``) the parts do not belong together; (``unknown-word``)
            a permission or duty nobody would understand; (``contradiction``) permitted and
            prohibited at once; (``licence-text``) the licence text is absent or another one.
        FormatError: The result would not be a credential of profile ``lyrik``.

    Cost: O(files) for the tree's two digests.
    """
    store = _check_parts(manifest, tree, records)
    _check_words((*permits, *grantable), prohibits, requires)
    licence, text_id = _licence(manifest, permits, prohibits, requires, licence_text)
    if grantable:
        licence["grantable"] = list(dict.fromkeys(grantable))
    subject: dict[str, JSON] = {
        "id": tree.id.urn,
        "type": "Dataset",
        "name": manifest.name,
        "contentRoot": {
            "type": "ContentRoot",
            "hashAlgorithm": "blake3",
            "treeProfile": TREE_PROFILE,
            "hashValue": tree.id.hex,
            "digestMultibase": tree.id.multibase,
        },
        "files": tree.files_id.urn,
        "manifest": manifest.id.urn,
        "store": store.urn,
        "byteSize": str(tree.total_bytes),
        "fileCount": len(tree.entries),
        "recordCount": str(manifest.body["records"]),
        "licence": licence,
        "log": {"type": "LogPosition", "origin": log_origin, "index": log_index},
        "descriptor": descriptor_of(manifest),
        **(extra_subject or {}),
    }
    if version is not None:
        subject["version"] = version
    if records is not None:
        root = records.body["roots"][0]
        subject["recordsRoot"] = {
            "type": "OrderRoot",
            "manifest": records.id.urn,
            "hashValue": root["root"],
            "count": str(root["count"]),
        }
    sources = derived_from(manifest)
    if sources:
        subject["derivedFrom"] = sources
    document: dict[str, JSON] = {
        **DATASET.head(issuer, issuer_name),
        "name": f"Dataset credential: {manifest.name}",
        "validFrom": format_timestamp(valid_from),
        "credentialSubject": subject,
        "relatedResource": _related(manifest, licence_text, text_id),
    }
    if credential_id is not None:
        document["id"] = credential_id
    if valid_until is not None:
        document["validUntil"] = format_timestamp(valid_until)
    if supersedes is not None:
        document["supersedes"] = dict(supersedes)
    if status:
        document["credentialStatus"] = [entry.to_json() for entry in status]
    check_credential_shape(document, DATASET)
    return document


def derived_from(manifest: Manifest) -> list[dict[str, JSON]]:
    """Return the ``derivedFrom`` of a credential about ``manifest``: its datasets, in order."""
    return [
        {"type": "SourceDataset", "id": item.id.urn, "role": item.role}
        for item in manifest.inputs
        if item.kind == "dataset"
    ]


def descriptor_of(manifest: Manifest) -> list[dict[str, JSON]]:
    """Return the ``descriptor`` of a credential about ``manifest``, sorted by field."""
    fields: dict[str, dict[str, Any]] = manifest.body.get("descriptor", {})
    return [{"type": "DescriptorField", "field": name, **fields[name]} for name in sorted(fields)]


def _check_parts(manifest: Manifest, tree: Tree, records: Manifest | None) -> Digest:
    if manifest.kind != "dataset" or manifest.store is None:
        raise InvalidInputError(
            "wrong-object", f"{manifest.name} is a {manifest.kind}, not a dataset"
        )
    if tree.id != manifest.tree or tree.files_id != manifest.files:
        raise InvalidInputError("wrong-object", f"that is not the tree of {manifest.name}")
    if records is None:
        return manifest.store
    about = [item.id for item in records.inputs_in("dataset")]
    if records.kind != "records" or about != [manifest.id] or records.store != manifest.store:
        raise InvalidInputError(
            "wrong-object", f"{records.name} does not commit to the records of {manifest.name}"
        )
    return manifest.store


def _check_words(permits: Sequence[str], prohibits: Sequence[str], requires: Sequence[str]) -> None:
    for what, words, known in (
        ("permission", permits, PERMISSIONS),
        ("prohibition", prohibits, PERMISSIONS),
        ("duty", requires, DUTIES),
    ):
        for word in words:
            if word not in known and not word.startswith("x-"):
                raise InvalidInputError(
                    "unknown-word",
                    f"{word[:80]!r} is no known {what}",
                    hint=f"use {', '.join(known)}, or a word of your own that starts with x-",
                )
    both = sorted(set(permits) & set(prohibits))
    if both:
        raise InvalidInputError("contradiction", f"{both[0]!r} is both permitted and prohibited")


def _licence(
    manifest: Manifest,
    permits: Iterable[str],
    prohibits: Iterable[str],
    requires: Iterable[str],
    text: bytes | None,
) -> tuple[dict[str, JSON], Digest | None]:
    stated: dict[str, Any] = manifest.body.get("licence", {})
    licence: dict[str, JSON] = {
        "type": "LicenceTerms",
        "permits": list(dict.fromkeys(permits)),
        "prohibits": list(dict.fromkeys(prohibits)),
        "requires": list(dict.fromkeys(requires)),
    }
    if "expression" in stated:
        licence["spdxExpression"] = stated["expression"]
    text_id = Digest.parse(stated["textDigest"]) if "textDigest" in stated else None
    if text_id is not None:
        licence["digestMultibase"] = text_id.multibase
    if (text is None) != (text_id is None) or (text is not None and Digest.of(text) != text_id):
        raise InvalidInputError(
            "licence-text", "the licence text is not the one that the manifest names by digest"
        )
    return licence, text_id


def _related(
    manifest: Manifest, licence_text: bytes | None, text_id: Digest | None
) -> list[dict[str, JSON]]:
    resources: list[dict[str, JSON]] = [
        {
            "id": DATASET_CONTEXT,
            "mediaType": "application/ld+json",
            "digestSRI": context_sri(),
        },
        {
            "id": manifest.id.urn,
            "mediaType": "application/json",
            "digestMultibase": sha256_multibase(manifest.encode()),
        },
    ]
    if licence_text is not None and text_id is not None:
        resources.append(
            {
                "id": text_id.urn,
                "mediaType": "text/plain",
                "digestMultibase": sha256_multibase(licence_text),
            }
        )
    return resources
