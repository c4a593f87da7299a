"""Building of dataset credentials: claims about one dataset version (spec/10-credentials.md).

:func:`build_dataset_credential` states only facts that the manifest, its tree and its records
manifest commit to, and the publisher's terms; :func:`lyrikstore.credentials.issue.issue` signs the
credential.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.timestamps import format_timestamp, parse_timestamp
from lyrikstore.credentials.model.credential import (
    DATASET,
    DATASET_CONTEXT,
    TREE_PROFILE,
    CredentialMetadata,
    check_credential_shape,
    context_sri,
    sha256_multibase,
)
from lyrikstore.credentials.terms.claim import licence_claim
from lyrikstore.credentials.terms.model import Terms
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.trees.tree import Tree

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def build_dataset_credential(
    metadata: CredentialMetadata,
    *,
    manifest: Manifest,
    tree: Tree,
    records: Manifest | None,
    log_origin: str,
    log_index: int,
    terms: Terms,
    licence_texts: Sequence[tuple[str | None, bytes]] = (),
    partition_records: Sequence[int] | None = None,
    more: Mapping[str, JSON] | None = None,
) -> dict[str, JSON]:
    """Return an unsigned dataset credential about ``manifest``.

    Args:
        metadata: Issuer and validity of the credential.
        manifest: A dataset manifest, already logged.
        tree: Its tree.
        records: The ``records`` manifest that commits to its records, or None.
        log_origin: Origin of the log that holds the manifest.
        log_index: Index of the manifest's leaf in it.
        terms: The terms of each partition: permissions, prohibitions and duties.
        licence_texts: Licence texts, each with the id of the licence; the text that the manifest
        names by digest is required.
        partition_records: Records in each partition; None if every file is one record, or there
        is one partition.
        more: ``version``, ``quality``, ``regulatory`` of spec §10.4, if the issuer states them.

    Raises:
        InvalidInputError: (``wrong-object``) the parts do not belong together;
        (``contradiction``) an act is both permitted and prohibited.
        FormatError: The result would not be a credential of profile ``lyrik``.
        LyrikstoreError: As :func:`licence_claim`.

    Cost: O(files) for the tree's two digests.
    """
    store = _check_parts(manifest, tree, records)
    if partition_records is None and len(terms.partitions) == 1:
        partition_records = [manifest.body["records"]]
    stated = manifest.body.get("licence", {})
    licence = licence_claim(terms, tree, stated, licence_texts, partition_records)
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
        "age": age_of(manifest),
        "descriptor": descriptor_of(manifest),
        **(more or {}),
    }
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
        **metadata.members(DATASET),
        "name": f"Dataset credential: {manifest.name}",
        "credentialSubject": subject,
        "relatedResource": _related(manifest, licence_texts),
    }
    check_credential_shape(document, DATASET)
    _check_days(subject, format_timestamp(metadata.valid_from)[:10])
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


def age_of(manifest: Manifest) -> dict[str, JSON]:
    """Return the ``age`` of a credential about ``manifest``, as its author claims it."""
    age: dict[str, JSON] = {"type": "DataAge", "snapshotAt": manifest.created}
    collected = manifest.body.get("descriptor", {}).get("collectedDuring", {}).get("value")
    if isinstance(collected, dict):
        for member, ours in (("start", "collectedFrom"), ("end", "collectedUntil")):
            day = collected.get(member)
            if isinstance(day, str) and _is_day(day[:10]):
                age[ours] = day[:10]
    return age


def collected_too_late(age: Mapping[str, Any]) -> bool:
    """Return whether the stated end of collection is after the version was made.

    One more day is accepted: it may be the date in a time zone east of UTC.
    """
    last = age.get("collectedUntil")
    made = parse_timestamp(age["snapshotAt"]).date()
    return last is not None and (date.fromisoformat(last) - made).days > 1


def _check_days(subject: Mapping[str, Any], today: str) -> None:
    """Raise ``bad-credential`` if a date would make the credential invalid for every verifier."""
    if collected_too_late(subject["age"]):
        raise InvalidInputError(
            "contradiction",
            "the descriptor states that data was collected after this version was made",
            hint="commit again with another collectedDuring",
        )
    for statement in subject.get("regulatory", ()):
        if statement["asOf"] > today:
            raise InvalidInputError(
                "contradiction", f"{statement['regime']} is assessed as of a future day"
            )


def _is_day(text: str) -> bool:
    try:
        return _DAY.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _check_parts(manifest: Manifest, tree: Tree, records: Manifest | None) -> Digest:
    if manifest.kind != "dataset" or manifest.store is None:
        raise InvalidInputError(
            "wrong-object", f"{manifest.name} is a {manifest.kind}, not a dataset"
        )
    if tree.id != manifest.tree or tree.files_id != manifest.files:
        raise InvalidInputError("wrong-object", f"the tree is not that of {manifest.name}")
    if records is None:
        return manifest.store
    about = [item.id for item in records.inputs_in("dataset")]
    if records.kind != "records" or about != [manifest.id] or records.store != manifest.store:
        raise InvalidInputError(
            "wrong-object", f"{records.name} does not commit to the records of {manifest.name}"
        )
    return manifest.store


def _related(
    manifest: Manifest, licence_texts: Sequence[tuple[str | None, bytes]]
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
    resources += [
        {
            "id": Digest.of(data).urn,
            "mediaType": "text/plain",
            "digestMultibase": sha256_multibase(data),
        }
        for data in dict.fromkeys(data for _, data in licence_texts)
    ]
    return resources
