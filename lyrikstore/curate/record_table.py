"""The records of versions as one table, read in place: ``records`` in queries."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON
from lyrikstore.curate.readers.batches import BATCH_BYTES
from lyrikstore.curate.readers.columns import (
    STRING,
    ColumnKinds,
    arrow_column,
    arrow_type,
    measured_kind,
)
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT
from lyrikstore.curate.readers.rows import Fields
from lyrikstore.curate.recipes.source import (
    Batch,
    RecordSource,
    parse_rows,
    read_document,
)
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import document_id, record_id
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree

if TYPE_CHECKING:
    import pyarrow as pa

OWN_COLUMNS: Mapping[str, str] = {
    "manifest": "id of the version",
    "dataset": "its full name",
    "path": "the record's file",
    "position": "its position in the file, from 0",
    "record": "its id, 64 hex digits",
}
"""Columns of every record, before its fields: name → meaning."""

TEXT_COLUMN = "text"
"""The column with the text of a document; null if it is not UTF-8."""

_PREFIX = "field_"


class RecordTable:
    """The records of one or more versions, in storage order.

    Args:
        repository: The store.
        manifests: Versions of datasets; repeated ones count once.

    Raises:
        InvalidInputError: (``no-reader``, ``bad-record``) records of a version cannot be read;
            (``too-many-columns``) they have more different fields than a table can have.
        IncompleteError: The data of a version is retired or missing.
        FormatError, VerificationError: Data is damaged.

    Cost: one tree for each version, if its statistics determine the columns; else a read of its
        rows, because statistics show neither whether lists have only texts nor how large numbers
        are.
    """

    def __init__(self, repository: Repository, manifests: Iterable[Manifest]) -> None:
        once = {manifest.id: manifest for manifest in manifests}
        self._versions = [_Version(repository, manifest) for manifest in once.values()]
        kinds, shown = ColumnKinds(), dict[str, str]()
        for version in self._versions:
            for name, column in version.columns.items():
                version.columns[name] = shown.setdefault(column.casefold(), column)
                kinds.join(version.columns[name], version.kinds[name])
        self._kinds = kinds.to_dict()

    @property
    def schema(self) -> "pa.Schema":
        """Its columns: :data:`OWN_COLUMNS`, then the fields."""
        import pyarrow as pa

        own = [(name, pa.int64() if name == "position" else pa.string()) for name in OWN_COLUMNS]
        return pa.schema([*own, *((name, arrow_type(kind)) for name, kind in self._kinds.items())])

    def batches(self) -> "Iterator[pa.RecordBatch]":
        """Yield the records, in the same order every time.

        Raises:
            InvalidInputError: (``bad-record``, ``too-large``) a record cannot be read.
            FormatError: (``bad-statistics``) the rows contradict the statistics.
            VerificationError, IncompleteError: A blob is damaged or missing.

        Cost: one read; memory for some thousand rows.
        """
        import pyarrow as pa

        schema = self.schema
        for version in self._versions:
            names = {column: name for name, column in version.columns.items()}
            for records in version.records():
                count = len(records.fields)
                own = [
                    pa.repeat(str(version.manifest.id), count),
                    pa.repeat(version.manifest.name, count),
                    pa.array(records.paths, pa.string()),
                    pa.array(records.positions, pa.int64()),
                    pa.array(records.ids, pa.string()),
                ]
                try:
                    fields = [
                        arrow_column(kind, [one.get(names[column]) for one in records.fields])
                        if column in names
                        else pa.nulls(count, arrow_type(kind))
                        for column, kind in self._kinds.items()
                    ]
                except (pa.ArrowException, TypeError, OverflowError):
                    raise version.unlike_statistics() from None
                yield pa.RecordBatch.from_arrays([*own, *fields], schema=schema)


class _Records:
    """Some records, in columns."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.positions: Sequence[int] = []
        self.ids: list[str] = []
        self.fields: list[Fields] = []


class _Version:
    """A version, with its fields, their kinds and the names of their columns."""

    def __init__(self, repository: Repository, manifest: Manifest) -> None:
        self.manifest = manifest
        self._open = repository.blobs.open
        self._source = RecordSource.of(manifest, present_tree(repository, manifest))
        if self._source.is_rows:
            kinds = self._row_kinds()
            self.kinds = {name: kinds[name] for name in sorted(kinds)}
            self.columns = _column_names(self.kinds, OWN_COLUMNS)
        else:
            columns = manifest.body.get("metadata", {}).get("columns", ())
            self.kinds = dict.fromkeys((*columns, DOCUMENT_TEXT), STRING)
            self.columns = _column_names(columns, (*OWN_COLUMNS, TEXT_COLUMN))
            self.columns[DOCUMENT_TEXT] = TEXT_COLUMN
        self._known = self.kinds.keys()

    def records(self) -> Iterator[_Records]:
        """Yield the records, in batches."""
        for batch in self._source.batches(self._open):
            yield from (self._rows(batch),) if self._source.is_rows else self._documents(batch)

    def unlike_statistics(self) -> FormatError:
        """Return the error for rows that contradict the statistics of the descriptor."""
        error = FormatError(
            "bad-statistics",
            f"the rows of {self.manifest.name} contradict the statistics in its descriptor",
        )
        error.hint = (
            "if it is your data, commit it again, which measures it again; if it was imported, "
            "run: lyrikstore verify"
        )
        return error

    def _row_kinds(self) -> dict[str, str]:
        """Return field → kind, from the statistics if they determine it, else from the rows."""
        stats = self.manifest.body.get("descriptor", {}).get("stats", {}).get("value", {})
        kinds, unsure = ColumnKinds(), set[str]()
        if measured := "fields" in stats and "fieldsAbove" not in stats:
            for one in stats["fields"]:
                kind = measured_kind(item["type"] for item in one["types"])
                if kind is None:
                    unsure.add(one["field"])
                else:
                    kinds.join(one["field"], kind)
        if unsure or not measured:
            for batch in self._source.batches(self._open):
                for fields in parse_rows(batch, self._source.reader):
                    kinds.add(
                        {name: fields[name] for name in unsure if name in fields}
                        if measured
                        else fields
                    )
        return kinds.to_dict()

    def _rows(self, batch: Batch) -> _Records:
        found = _Records()
        reader = self._source.reader
        found.fields = list(parse_rows(batch, reader))
        if any(not fields.keys() <= self._known for fields in found.fields):
            raise self.unlike_statistics()  # else a field would be missing unnoticed
        found.paths = [batch.path] * len(batch.rows)
        found.positions = range(batch.position, batch.position + len(batch.rows))
        found.ids = [record_id(reader, row).hex for row in batch.rows]
        return found

    def _documents(self, batch: Batch) -> Iterator[_Records]:
        found, size = _Records(), 0
        for entry in batch.entries:
            fields: dict[str, JSON] = {**(entry.meta or {}), DOCUMENT_TEXT: self._text(entry)}
            found.fields.append(fields)
            found.paths.append(entry.path)
            found.ids.append(document_id(entry.blake3).hex)
            found.positions = [0] * len(found.paths)
            size += entry.bytes
            if size >= BATCH_BYTES:
                yield found
                found, size = _Records(), 0
        if found.paths:
            yield found

    def _text(self, entry: Any) -> str | None:
        try:
            return read_document(entry, self._open).decode()
        except UnicodeDecodeError:
            return None


def _column_names(fields: Iterable[str], own: Iterable[str]) -> dict[str, str]:
    """Return field → column: SQL names ignore case, have no NUL and are not empty."""
    taken = {name.casefold() for name in own}
    found: dict[str, str] = {}
    for name in fields:
        column = name.replace("\0", "\ufffd") or _PREFIX
        while column.casefold() in taken:
            column = _PREFIX + column
        taken.add(column.casefold())
        found[name] = column
    return found
