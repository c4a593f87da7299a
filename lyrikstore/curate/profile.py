"""Profile of a version: fields, lengths, labels, duplicates, personal data, languages.

All of it is measured from the records, not taken from the manifest. No text is quoted.
"""

import heapq
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.progress import Progress
from lyrikstore.context import StoreContext
from lyrikstore.curate.diff.versions import compare_versions
from lyrikstore.curate.language import LEAST_PROBABILITY, open_language_model
from lyrikstore.curate.personal.find import find
from lyrikstore.curate.readers.batches import batched, rough_size
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT, say_which
from lyrikstore.curate.readers.row_values import RowValues
from lyrikstore.curate.readers.sampling import drawn
from lyrikstore.curate.readers.statistics import MAX_DISTINCT, RowStatistics
from lyrikstore.curate.reading.documents import ReadDocument, read_documents
from lyrikstore.curate.recipes.filters.contract import TEXT, FilterRecord
from lyrikstore.curate.recipes.references import read_dataset_records
from lyrikstore.curate.recipes.source import resolve_dataset
from lyrikstore.curate.text import normalise
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository

SAMPLE, SAMPLE_CHARACTERS = 1000, 20_000
"""Number of sampled records that are searched for personal data and languages, and the characters
read of the text of each, and of its other fields."""

LISTED = 1000
"""Largest number of labels, and of licences, that are listed."""

SHOWN = 20
MAX_VALUES_BYTES = 1 << 20
"""Largest total bytes of distinct labels, or licences, that are counted."""

Numbers = Any


class DataProfile(Struct, frozen=True):
    """The profile of one version.

    Attributes:
        manifest: The version.
        records: Number of its records.
        statistics: The statistics of its fields.
        lengths: Power of two → records whose text has at least that many characters, and fewer
            than twice as many; 0 for no text.
        labels: Label → records, the most frequent first; None if there are too many to count.
        conflicts: Number of records whose text occurs in other records with another label.
        places: Path and line of some of them.
        duplicates: Number of records whose text an earlier record has: byte for byte, and in
            normal form. Records without text are not counted.
        sampled: Number of records drawn for the following members.
        personal: Kind of personal data → records of the sample in which patterns find it.
        searched: Names of the searched fields: those with texts.
        languages: ISO 639 code → records of the sample; empty code for records whose language is
            unsure.
        untold: Why languages are not identified; empty if they are.
        licences: Licence → records, if a field has that role; None if there are too many.
        since: The previous version, and the number of changed rows or files by kind of change.
        unread: Reason → documents whose text was not read. They count as records, but not in
            numbers about texts.
        unread_paths: Paths of some of these documents.
        partly: Number of documents of which pages or parts were not read.
    """

    manifest: Manifest
    records: int
    statistics: RowStatistics
    lengths: Mapping[int, int]
    labels: Sequence[tuple[str, int]] | None
    conflicts: int
    places: Sequence[tuple[str, int]]
    duplicates: tuple[int, int]
    sampled: int
    personal: Mapping[str, int]
    searched: Sequence[str]
    languages: Mapping[str, int]
    untold: str
    licences: Sequence[tuple[str, int]] | None
    since: tuple[Digest, Mapping[str, int]] | None
    unread: Mapping[str, int] = {}
    unread_paths: Sequence[str] = ()
    partly: int = 0

    def to_json(self) -> dict[str, JSON]:
        """Return the profile as JSON, by ``schemas/cli/profile.schema.json``."""
        return {
            "id": str(self.manifest.id),
            "name": self.manifest.name,
            "recordCount": self.records,
            "bytes": self.manifest.body["bytes"],
            "reader": self.manifest.body["reader"],
            "fieldRoles": self.manifest.body.get("fields", {}),
            "fieldFacts": [
                _field_json(name, self.statistics) for name in sorted(self.statistics.fields)
            ],
            "textLengths": [
                {"fromLength": low, "recordCount": self.lengths[low]}
                for low in sorted(self.lengths)
            ],
            "labelCounts": _counts_json(self.labels),
            "labelsAbove": MAX_DISTINCT if self.labels is None else None,
            "labelConflicts": self.conflicts,
            "conflictPlaces": [{"path": path, "line": line} for path, line in self.places],
            "exactDuplicates": self.duplicates[0],
            "normalisedDuplicates": self.duplicates[1],
            "sampled": self.sampled,
            "personalFound": _counts_json(sorted(self.personal.items())),
            "personalSearched": list(self.searched),
            "languagesFound": _counts_json(
                sorted(self.languages.items(), key=lambda item: (-item[1], item[0]))
            ),
            "languagesUntold": self.untold or None,
            "licenceCounts": _counts_json(self.licences),
            "licencesAbove": MAX_DISTINCT if self.licences is None else None,
            "previousVersion": None if self.since is None else str(self.since[0]),
            "previousChanges": _counts_json(self.since and self.since[1].items()),
            "documentsUnread": _counts_json(sorted(self.unread.items())),
            "unreadPaths": list(self.unread_paths),
            "documentsPartlyRead": self.partly,
        }


def profile_version(context: StoreContext, ref: str) -> DataProfile:
    """Return the profile of a dataset version.

    Args:
        context: The store.
        ref: The version.

    Raises:
        VerificationError, IncompleteError: Its data is damaged, missing or retired.
        LyrikstoreError: See :func:`resolve_dataset` and :func:`read_dataset_records`.

    Cost: one read, with parsers for documents that are not plain text, and a comparison with the
    previous version; memory for some 30 bytes a record, the statistics, and a thousand texts of the
    sample.
    """
    repository, progress = context.repository, context.progress
    manifest = resolve_dataset(repository, ref)
    look = _Look()
    records = read_dataset_records(repository, manifest, long_ones=True)
    others: list[FilterRecord] = []
    for batch in batched((one, rough_size(dict(one.fields))) for one in records):
        look.at([one for one in batch if one.text is not None or not one.is_document])
        others += (one for one in batch if one.text is None and one.is_document)
        progress(Progress(look.records, manifest.body["records"], phase="looking"))
    tree = repository.tree(manifest)
    for document in read_documents(repository, tree, others):
        look.at_document(document)
        progress(Progress(look.records, manifest.body["records"], phase="reading documents"))
    return look.finish(manifest, _since(repository, manifest))


def _since(repository: Repository, manifest: Manifest) -> tuple[Digest, Mapping[str, int]] | None:
    if not manifest.parents:
        return None
    before = manifest.parents[0]
    found = compare_versions(repository, str(before), str(manifest.id))
    if found.rows is not None:
        return before, {f"rows {what}": count for what, count in found.rows.counts.items()}
    return before, {
        "files added": len(found.added),
        "files removed": len(found.removed),
        "files changed": len(found.differing),
        "files moved": len(found.moved),
    }


class _Look:
    """The profile while it is collected, record by record."""

    def __init__(self) -> None:
        self._statistics = RowStatistics()
        self._lengths: Counter[int] = Counter()
        self._labels, self._licences = _Values(), _Values()
        self._exact, self._normal, self._label = array("Q"), array("Q"), array("Q")
        self._paths: list[str] = []
        self._file, self._line = array("I"), array("Q")
        self._drawn: list[tuple[int, _Drawn]] = []
        self._unread: Counter[str] = Counter()
        self._unread_paths: list[str] = []
        self._partly = 0

    @property
    def records(self) -> int:
        """Number of records added so far."""
        return self._statistics.records

    def at(self, batch: Sequence[FilterRecord]) -> None:
        """Add some records."""
        self._count(batch)
        for record in batch:
            text = record.text or ""
            self._lengths[1 << (len(text).bit_length() - 1) if text else 0] += 1
            self._compare(record, text, record.roles.labels(record.fields))
            self._draw(record, text)

    def at_document(self, document: ReadDocument) -> None:
        """Add a document; for one that was not read, only its values in the sheet.

        ATTACK A148: a scan, or a file with a password, counts as empty, and as one in which no
        personal data was found.
        """
        self._partly += document.is_partly
        if not document.reason:
            self.at([document.record])
            return
        self._count([document.record])
        self._unread[document.reason] += 1
        if len(self._unread_paths) < SHOWN:
            self._unread_paths.append(document.record.path)

    def _count(self, batch: Sequence[FilterRecord]) -> None:
        fields = [{name: one.fields[name] for name in _columns(one)} for one in batch]
        self._statistics.add(RowValues.of(fields))
        for record in batch:
            self._labels.add(record.roles.labels(record.fields))
            if record.roles.licence:
                self._licences.add([record.value(record.roles.licence) or ""])

    def _compare(self, record: FilterRecord, text: str, labels: Sequence[str]) -> None:
        normal = normalise(text)
        if not normal:  # without a text all records would be equal
            return
        self._exact.append(_number(text))
        self._normal.append(_number(normal))
        self._label.append(_number("\0".join(sorted(set(labels)))) if labels else 0)
        if not self._paths or self._paths[-1] != record.path:
            self._paths.append(record.path)
        self._file.append(len(self._paths) - 1)
        self._line.append(record.position + 1)

    def _draw(self, record: FilterRecord, text: str) -> None:
        late = -int.from_bytes(drawn("0", record.id.hex), "big")
        if len(self._drawn) < SAMPLE:
            heapq.heappush(self._drawn, (late, _Drawn.of(record, text)))
        elif late > self._drawn[0][0]:
            heapq.heapreplace(self._drawn, (late, _Drawn.of(record, text)))

    def finish(
        self, manifest: Manifest, since: tuple[Digest, Mapping[str, int]] | None
    ) -> DataProfile:
        """Return the profile."""
        exact, normal, label = (
            np.frombuffer(one, np.uint64) if len(one) else np.zeros(0, np.uint64)
            for one in (self._exact, self._normal, self._label)
        )
        places = _conflicts(normal, label)
        sample = [one for _, one in sorted(self._drawn, reverse=True)]
        personal: Counter[str] = Counter()
        for one in sample:
            personal.update({hit.kind for text in one.texts for hit in find(text, ("patterns",))})
        languages, untold = _languages([one.text for one in sample])
        return DataProfile(
            manifest,
            self._statistics.records,
            self._statistics,
            dict(self._lengths),
            self._labels.listed(),
            len(places),
            [(self._paths[self._file[at]], int(self._line[at])) for at in places[:SHOWN]],
            (len(exact) - len(np.unique(exact)), len(normal) - len(np.unique(normal))),
            len(sample),
            dict(personal),
            sorted(set().union(*(one.names for one in sample)))[:LISTED],
            languages,
            untold,
            self._licences.listed(),
            since,
            dict(self._unread),
            self._unread_paths,
            self._partly,
        )


class _Values:
    """Counts of values, until there are too many different ones."""

    def __init__(self) -> None:
        self._found: Counter[str] | None = Counter()
        self._bytes = 0

    def add(self, values: Iterable[str]) -> None:
        """Count the values of one record."""
        for value in values:
            if self._found is None:
                return
            if value not in self._found:
                self._bytes += len(value)
            self._found[value] += 1
            if len(self._found) > MAX_DISTINCT or self._bytes > MAX_VALUES_BYTES:
                self._found = None

    def listed(self) -> list[tuple[str, int]] | None:
        """Return the most frequent values with their counts; None if there are too many values."""
        return None if self._found is None else self._found.most_common(LISTED)


class _Drawn(Struct, frozen=True, order=True):
    """A record of the sample.

    Attributes:
        text: The beginning of its text.
        texts: The strings in its fields, up to a limit, which are searched for personal data.
        names: Names of the fields that have strings.
    """

    text: str
    texts: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, record: FilterRecord, text: str) -> Self:
        """Return the sample's entry for a record whose text is ``text``."""
        texts, names, left = [text[:SAMPLE_CHARACTERS]], [], SAMPLE_CHARACTERS
        for name, value in record.fields.items():
            found = list(_strings(value))
            if found:
                names.append(TEXT if name == DOCUMENT_TEXT and record.is_document else name)
            if name in record.text_fields:
                continue
            for one in found:
                texts.append(one[:left])
                left -= len(texts[-1])
        return cls(texts[0], tuple(filter(None, texts)), tuple(names))


def _columns(record: FilterRecord) -> Iterator[str]:
    """Yield the names of the fields, except the field with the text of a document."""
    return (name for name in record.fields if name != DOCUMENT_TEXT or not record.is_document)


def _strings(value: JSON) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _strings(one)


def _counts_json(counts: Iterable[tuple[str, int]] | None) -> list[JSON]:
    return [{"valueText": one, "recordCount": n} for one, n in counts or ()]


def _number(text: str) -> int:
    return int.from_bytes(blake3(text.encode()).digest(8), "little")


def _conflicts(texts: Numbers, labels: Numbers) -> list[int]:
    """Return the positions of records whose text occurs with another label, in order."""
    labelled = np.flatnonzero(labels)
    order = labelled[np.lexsort((labels[labelled], texts[labelled]))]
    same = texts[order][1:] == texts[order][:-1]
    other = same & (labels[order][1:] != labels[order][:-1])
    groups = np.concatenate([[0], np.cumsum(~same)]) if len(order) else np.zeros(0, int)
    wrong = np.isin(groups, groups[1:][other])
    return sorted(int(at) for at in order[wrong])


def _languages(texts: Sequence[str]) -> tuple[dict[str, int], str]:
    try:
        identify = open_language_model()[0]
    except IncompleteError as error:
        return {}, f"{error.message}; {error.hint}" if error.hint else error.message
    found: Counter[str] = Counter()
    if texts and not any(texts):
        return {}, f"no record has a text; {say_which('--text FIELD')}"
    for text in filter(None, texts):
        code, probability = identify(text)
        found[code if probability >= LEAST_PROBABILITY else ""] += 1
    return dict(found), ""


def _field_json(name: str, statistics: RowStatistics) -> dict[str, JSON]:
    found = statistics.fields[name].to_json(name, statistics.records)
    lengths = found.get("lengths")
    return {
        "fieldName": name,
        "typeCounts": [
            {"valueText": one["type"], "recordCount": one["records"]} for one in found["types"]
        ],
        "missing": found["missing"],
        "distinct": found.get("distinct"),
        "lengthLeast": lengths["least"] if lengths else None,
        "lengthMedian": lengths["median"] if lengths else None,
        "lengthMost": lengths["most"] if lengths else None,
    }
