"""Licences that a version and its records state, and the records that state none (spec §12.4.3).

Nothing is looked up and nothing is inferred: the licence of one record does not apply to another.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.credentials.terms.claim import licence_ids
from lyrikstore.history.records.order_root import DOCUMENT
from lyrikstore.history.trees.tree import Tree
from lyrikstore.verify.datasets.body import stats_of

LICENCE_COLUMNS = frozenset({"licence", "license"})
"""Columns of a sheet with the licence of a file, compared without regard to case."""

LISTED, MAX_CHARACTERS = 100, 200
"""Most licences that are listed one by one, and most characters of each."""


class LicenceCount(Struct, frozen=True):
    """Counts of the licences that a version and its records state.

    Attributes:
        expression: The licence expression of the whole version, or None.
        field: The field, or column, with the licence of each record, or None.
        records: Number of records; for documents, of files.
        unstated: Number of records without a value in that field; without a field, all records if
        ``expression`` is None, else none of them; None: not counted.
        values: Licence → number of records, the most frequent first, at most :data:`LISTED`; empty
        for rows.
    """

    expression: str | None
    field: str | None
    records: int
    unstated: int | None
    values: tuple[tuple[str, int], ...] = ()

    @property
    def has_gaps(self) -> bool:
        """Whether the records have a licence field, and it is empty in some of them."""
        return self.field is not None and bool(self.unstated)

    @property
    def others(self) -> tuple[str, ...]:
        """The listed licences that the licence expression of the whole version does not name."""
        known = licence_ids(self.expression)
        if not known:
            return ()
        return tuple(one for one, _ in self.values if licence_ids(one) - known)

    def to_json(self) -> dict[str, Any]:
        """Return the counts as members of command results."""
        return {
            "licence": self.expression,
            "licenceField": self.field,
            "licenceCounts": [{"valueText": one, "recordCount": n} for one, n in self.values],
            "licencesUnstated": self.unstated,
        }


def licence_field(body: Mapping[str, Any]) -> str | None:
    """Return the field with the licence of each record, or None.

    It is the field of the role ``licence``; for documents without one, the column of this name.
    """
    named: str | None = body.get("fields", {}).get("licence")
    if named is not None or body["reader"] != DOCUMENT:
        return named
    columns = body.get("metadata", {}).get("columns", ())
    return next((one for one in columns if one.casefold() in LICENCE_COLUMNS), None)


def count_licences(body: Mapping[str, Any], tree: Tree | None) -> LicenceCount:
    """Return the licences that a dataset's manifest and tree state; no data is read.

    Args:
        body: Body of the manifest.
        tree: Its files; None: licences are not listed one by one.

    Cost: O(files that have metadata).
    """
    expression: str | None = body.get("licence", {}).get("expression")
    field, records = licence_field(body), int(body["records"])
    if field is None:
        return LicenceCount(expression, None, records, 0 if expression else records)
    stats = stats_of(body)
    if body["reader"] != DOCUMENT:
        found = [one for one in stats.get("fields", ()) if one["field"] == field]
        # Empty strings, which state nothing either, are not counted there.
        counted = found and found[0].get("lengths", {}).get("least", 1) > 0
        unstated = found[0]["missing"] if counted else None
        return LicenceCount(expression, field, records, unstated)
    if tree is None:
        filled = [one["files"] for one in stats.get("columns", ()) if one["column"] == field]
        return LicenceCount(expression, field, records, records - filled[0] if filled else None)
    seen = Counter(meta[field][:MAX_CHARACTERS] for meta in tree.metas.values() if field in meta)
    values = sorted(seen.items(), key=lambda one: (-one[1], one[0]))[:LISTED]
    return LicenceCount(expression, field, records, records - seen.total(), tuple(values))
