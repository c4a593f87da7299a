"""What a version and its records state of licences, and of how many records nothing (spec §12.4.3).

Nothing is looked up and nothing is inferred: a licence that stands in one record says nothing of
another.
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
"""Columns of a sheet that say under which licence a file is, in whatever case."""

LISTED, MAX_CHARACTERS = 100, 200
"""Licences that are listed one by one, and of how many characters: a cell may hold anything."""


class LicenceCount(Struct, frozen=True):
    """What a version and its records state of licences.

    Attributes:
        expression: What is stated for the whole version, or None.
        field: The field, or column, in which records state their own, or None.
        records: How many records there are; of documents they are the files.
        unstated: Those that have nothing in that field; without a field all or none of them, as
            ``expression`` says; None: not counted.
        values: Licence → records, the most frequent first, at most :data:`LISTED`; of rows none.
    """

    expression: str | None
    field: str | None
    records: int
    unstated: int | None
    values: tuple[tuple[str, int], ...] = ()

    @property
    def has_gaps(self) -> bool:
        """Whether records can state a licence of their own, and some of them do not."""
        return self.field is not None and bool(self.unstated)

    @property
    def others(self) -> tuple[str, ...]:
        """The listed values that name a licence which the expression for the whole does not."""
        known = licence_ids(self.expression)
        if not known:
            return ()
        return tuple(one for one, _ in self.values if licence_ids(one) - known)

    def to_json(self) -> dict[str, Any]:
        """Return the members that results of commands have of it."""
        return {
            "licence": self.expression,
            "licenceField": self.field,
            "licenceCounts": [{"valueText": one, "recordCount": n} for one, n in self.values],
            "licencesUnstated": self.unstated,
        }


def licence_field(body: Mapping[str, Any]) -> str | None:
    """Return the field in which the records of a dataset state their licence, if there is one.

    It is that of the role ``licence``; of documents without one, the column that is called so.
    """
    named: str | None = body.get("fields", {}).get("licence")
    if named is not None or body["reader"] != DOCUMENT:
        return named
    columns = body.get("metadata", {}).get("columns", ())
    return next((one for one in columns if one.casefold() in LICENCE_COLUMNS), None)


def count_licences(body: Mapping[str, Any], tree: Tree | None) -> LicenceCount:
    """Return what a dataset's manifest and tree state of licences; no data is read.

    Args:
        body: Of the manifest.
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
