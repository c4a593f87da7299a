"""The body of a committed version's manifest, and the lists attached to it."""

from collections.abc import Callable, Mapping
from typing import Any

from lyrikstore.canon.json import encode
from lyrikstore.curate.commit.model_files import Weights
from lyrikstore.curate.commit.rows.read import CommittedRows
from lyrikstore.curate.descriptor import Descriptor, describe
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.scan.scan import Scan
from lyrikstore.curate.sheets.sheet import Joined, Sheet
from lyrikstore.history.manifests.manifest import Attachment
from lyrikstore.history.trees.tree import Tree
from lyrikstore.verify.datasets.files import columns_of, files_by

Attach = Callable[[str, bytes], Attachment]
"""A function that returns the attachment for a role and bytes."""


def dataset_body(
    tree: Tree,
    scan: Scan,
    sheet: Sheet | None,
    joined: Joined,
    rows: CommittedRows | None,
    *,
    records: int,
    reader: str,
    roles: FieldRoles,
    descriptor: Descriptor,
    licence: str | None,
    formats: Mapping[str, int],
) -> dict[str, Any]:
    """Return the body of a committed dataset (spec §12.4)."""
    stats: dict[str, Any] = {
        "files": len(tree),
        "bytes": tree.total_bytes,
        "records": records,
    }
    if sheet is not None:
        stats["columns"] = columns_of(joined.meta.values(), sheet.columns)
    if rows is not None:
        stats |= rows.statistics.to_json(roles)
        if rows.sample:
            stats["sample"] = dict(rows.sample)
    body: dict[str, Any] = {
        "reader": reader,
        "records": records,
        "bytes": tree.total_bytes,
        "fileCount": len(tree),
        "origin": "committed",
        "descriptor": describe(
            descriptor, {"formats": files_by("suffix", formats), "stats": stats}
        ),
        "ignored": len(scan.ignored),
    }
    if sheet is not None:
        body["metadata"] = {
            "columns": list(sheet.columns),
            "key": sheet.key,
            "sheetDigest": str(sheet.digest),
            "orphanRows": len(joined.orphan_rows),
            "orphanFiles": len(joined.orphan_files),
        }
    if licence is not None:
        body["licence"] = {"expression": licence}
    if roles.names:
        body["fields"] = roles.to_json()
    if rows is not None and rows.companions:
        body["companions"] = list(rows.companions)
    if rows is not None and rows.skipped:
        body["skipped"] = len(rows.skipped)
    return body


def checkpoint_body(
    weights: Weights, rights: str | None, source: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the body of an imported checkpoint.

    Args:
        weights: The checked weights.
        rights: The licence or rights that the user asserts, if any.
        source: Members that state what the files were made from.
    """
    body: dict[str, Any] = {"origin": "imported", "format": weights.format, **source}
    if rights is not None:
        body["rights"] = {"asserted": rights}
    return body


def lists(
    scan: Scan, joined: Joined, rows: CommittedRows | None, attach: Attach
) -> list[Attachment]:
    """Return the attached lists: ignored files, files and rows without a match, skipped lines."""
    found: list[Attachment] = []
    if scan.ignored:
        items = [{"path": item.path, "reason": item.reason} for item in scan.ignored]
        found.append(attach("ignored", encode(items)))
    if joined.orphan_rows or joined.orphan_files:
        orphans = {
            "rows": [{"row": row.number, "key": row.key} for row in joined.orphan_rows],
            "files": list(joined.orphan_files),
        }
        found.append(attach("orphans", encode(orphans)))
    if rows is not None and rows.skipped:
        found.append(attach("skipped", rows.skipped_list))
    return found
