"""Statistics of rows: types, missing values, lengths, distinct values, labels (spec §12.4.2).

All numbers are exact and do not depend on the order of files or on the number of processes: the
results of several processes are added up.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import msgspec
from blake3 import blake3
from msgspec import Struct, field

from lyrikstore.canon.json import JSON
from lyrikstore.curate.readers.fields import FieldRoles, kind_of
from lyrikstore.curate.readers.row_values import FieldValues, RowValues
from lyrikstore.curate.readers.rows import as_text, as_texts

MAX_DISTINCT = 10_000
"""Largest number of distinct values, or labels, that are counted."""

MAX_FIELDS, MAX_NAME = 250, 200
"""Largest number of measured fields without a role, and the longest name of such a field."""

MAX_LABELS, MAX_LABEL_BYTES = 1000, 64 << 10
"""Largest number of listed labels, and their total bytes, so that a manifest can hold them."""

MAX_LENGTHS = 65_536
"""Largest number of distinct lengths of a field; with more, its median is unknown."""


class FieldStatistics(Struct):
    """The statistics of one field.

    Attributes:
        present: Number of records that have it, null or not.
        types: JSON type → records.
        lengths: Length → records: characters of a string, items of a list.
        values: First 16 bytes of the BLAKE3 of each distinct value; None if they are too many.
    """

    present: int = 0
    types: dict[str, int] = field(default_factory=dict)
    lengths: dict[int, int] | None = field(default_factory=dict)
    values: set[bytes] | None = field(default_factory=set)

    def add(self, found: FieldValues) -> None:
        """Add the values of some records."""
        self.present += found.count
        for kind, count in found.kinds.items():
            name = kind_of(kind())
            self.types[name] = self.types.get(name, 0) + count
        if self.values is not None:
            texts = found.texts if found.of(str) else _spelt_all(found.values)
            self.values.update(blake3(text.encode()).digest(16) for text in texts)
        if self.lengths is not None:
            for length, count in found.lengths().items():
                self.lengths[length] = self.lengths.get(length, 0) + count
        self._forget()

    def merge(self, other: Self) -> None:
        """Add the statistics of other records."""
        self.present += other.present
        for name, count in other.types.items():
            self.types[name] = self.types.get(name, 0) + count
        if self.lengths is not None and other.lengths is not None:
            for length, count in other.lengths.items():
                self.lengths[length] = self.lengths.get(length, 0) + count
        else:
            self.lengths = None
        if self.values is not None and other.values is not None:
            self.values |= other.values
        else:
            self.values = None
        self._forget()

    def to_json(self, name: str, records: int) -> dict[str, Any]:
        """Return the descriptor's member for the field; ``records`` counts all records."""
        found: dict[str, Any] = {
            "field": name,
            "types": [
                {"type": kind, "records": self.types[kind]}
                for kind in sorted(self.types)
                if kind != "null"
            ],
            "missing": records - self.present + self.types.get("null", 0),
        }
        if self.values is None:
            found["distinctAbove"] = MAX_DISTINCT
        else:
            found["distinct"] = len(self.values)
        if self.lengths:
            found["lengths"] = {
                "least": min(self.lengths),
                "median": _median(self.lengths),
                "most": max(self.lengths),
            }
        return found

    def _forget(self) -> None:
        if self.lengths is not None and len(self.lengths) > MAX_LENGTHS:
            self.lengths = None
        if self.values is not None and len(self.values) > MAX_DISTINCT:
            self.values = None


class RowStatistics(Struct):
    """The statistics of the rows of a dataset, or of a part of them.

    Attributes:
        records: Number of rows.
        fields: Name → statistics.
        more: Whether the rows have more than :data:`MAX_FIELDS` fields.
        labels: For each field that may hold labels: label → records; None: more than
            :data:`MAX_DISTINCT` labels.
        several: For each such field, the number of records with more than one label.
        named: Fields that are always measured, as they have or may have a role.
    """

    records: int = 0
    fields: dict[str, FieldStatistics] = field(default_factory=dict)
    more: bool = False
    labels: dict[str, dict[str, int] | None] = field(default_factory=dict)
    several: dict[str, int] = field(default_factory=dict)
    named: tuple[str, ...] = ()

    def add(self, rows: RowValues, labels: Sequence[str] = (), separator: str = "") -> None:
        """Add some records.

        Args:
            rows: The records.
            labels: Names of the fields that may hold their labels.
            separator: Separator of several labels in one string.
        """
        self.records += rows.records
        self._keep_first(rows.fields)
        for name in self.fields.keys() & rows.fields.keys():
            self.fields[name].add(rows.fields[name])
        for label in labels:
            if label in rows.fields:
                self._count(label, *_labels(rows.fields[label], separator))

    def merge(self, other: Self) -> None:
        """Add the statistics of other records."""
        self.records += other.records
        self.more = self.more or other.more
        self._keep_first(other.fields)
        for name in self.fields.keys() & other.fields.keys():
            self.fields[name].merge(other.fields[name])
        for label, counts in other.labels.items():
            self._count(label, counts, other.several[label])

    def to_json(self, roles: FieldRoles) -> dict[str, Any]:
        """Return the members of the descriptor's ``stats`` that the statistics provide."""
        shown = self._first(self.fields, roles.names)
        found: dict[str, Any] = {
            "fields": [self.fields[name].to_json(name, self.records) for name in shown]
        }
        if self.more or len(shown) < len(self.fields):
            found["fieldsAbove"] = MAX_FIELDS
        label = roles.label
        counts = self.labels.get(label, {})
        if counts is None or _too_much(counts):
            found["labelsAbove"] = MAX_LABELS
        elif counts:
            found["labels"] = [{"label": one, "records": counts[one]} for one in sorted(counts)]
        if label in self.several:
            found["severalLabels"] = self.several[label]
        return found

    def _keep_first(self, names: Iterable[str]) -> None:
        """Keep only the first fields by name, so that the result does not depend on their order."""
        new = [name for name in names if name not in self.fields]
        if new:
            kept = self._first([*self.fields, *new], self.named)
            self.more = self.more or len(kept) < len(self.fields) + len(new)
            self.fields = {name: self.fields.get(name) or FieldStatistics() for name in kept}

    @staticmethod
    def _first(names: Iterable[str], always: Iterable[str]) -> list[str]:
        known = frozenset(names)
        short = sorted(name for name in known if len(name) <= MAX_NAME)
        return sorted({*short[:MAX_FIELDS], *known.intersection(always)})

    def _count(self, label: str, counts: Mapping[str, int] | None, several: int) -> None:
        self.several[label] = self.several.get(label, 0) + several
        known = self.labels.setdefault(label, {})
        if known is None or counts is None:
            self.labels[label] = None
            return
        for one, count in counts.items():
            known[one] = known.get(one, 0) + count
        if len(known) > MAX_DISTINCT:
            self.labels[label] = None

    def unstated(self, name: str) -> int | None:
        """Return the number of records without a value in a field; an empty string is no value.

        Returns:
            None if it is unknown because the values have too many different lengths.
        """
        found = self.fields.get(name, FieldStatistics())
        if found.lengths is None:
            return None
        absent = self.records - found.present + found.types.get("null", 0)
        return absent + found.lengths.get(0, 0)

    def encode(self) -> bytes:
        """Return the statistics as bytes, which :meth:`decode` reads in another process."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> "RowStatistics":
        """Return the statistics that :meth:`encode` wrote."""
        return msgspec.msgpack.decode(data, type=RowStatistics)


def _labels(found: FieldValues, separator: str) -> tuple[Counter[str], int]:
    """Return the count of each label, and the number of values with more than one label."""
    counts: Counter[str] = Counter()
    several = 0
    # Labels have few distinct texts, so each distinct text is split once.
    for text, count in found.texts.items():
        labels = as_texts(text, separator)
        several += count * (len(labels) > 1)
        for label in labels:
            counts[label] += count
    for value in () if found.of(str) else found.values:
        if type(value) is not str:
            labels = as_texts(value, separator)
            several += len(labels) > 1
            counts.update(labels)
    return counts, several


def _too_much(labels: Mapping[str, int]) -> bool:
    size = sum(len(one.encode()) for one in labels)
    return len(labels) > MAX_LABELS or size > MAX_LABEL_BYTES


def _spelt_all(values: Sequence[JSON]) -> set[str]:
    # A number and the string of its digits are two values.
    return {
        one if isinstance(one, str) else f"\0{as_text(one)}" for one in values if one is not None
    }


def _median(lengths: Mapping[int, int]) -> int:
    half = (sum(lengths.values()) + 1) // 2
    seen = 0
    for length in sorted(lengths):
        seen += lengths[length]
        if seen >= half:
            return length
    raise AssertionError("a median of nothing")
