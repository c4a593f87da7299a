"""The records, statistics and decisions of stored datasets, for verification (spec §11.7.4)."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import encode
from lyrikstore.curate.commit.rows.check import (
    RowLayout,
    check_rows,
    id_hash,
    repeated_hashes,
    row_ids,
)
from lyrikstore.curate.readers.batches import batched
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.records import ROWS, iter_rows
from lyrikstore.curate.readers.statistics import RowStatistics
from lyrikstore.curate.reading.contents import content_ids
from lyrikstore.curate.recipes.decisions import read_strange_decisions
from lyrikstore.history.records.order_root import record_id
from lyrikstore.history.records.rows import BadRow
from lyrikstore.history.trees.tree import Tree
from lyrikstore.verify.datasets.body import OF_ROWS, companions_of, stats_of
from lyrikstore.verify.datasets.reading import DecisionRow, MeasuredRecords, OpenBlob, Rows

_KEPT_BYTES = 64 << 20


class _FileFound(Struct, frozen=True):
    """The result for one file: number of records, and their statistics and id hashes as bytes."""

    records: int
    statistics: bytes = b""
    ids: bytes = b""

    @property
    def bytes(self) -> int:
        return len(self.statistics) + len(self.ids)


class StoredDatasets:
    """Reads datasets for :mod:`lyrikstore.verify.datasets`.

    The results for files are kept, up to 64 MiB in all, so that a file that is in several versions
    is measured once.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, _FileFound] = OrderedDict()
        self._bytes = 0

    def rows(self, body: Mapping[str, Any], tree: Tree, open_blob: OpenBlob) -> Rows:
        """Yield the records; see :meth:`DatasetReading.rows`."""
        for at, path, digest in _files(body, tree):
            with open_blob(digest) as stream:
                for some in batched((row, len(row)) for row in _rows(body, path, stream)):
                    yield at, some

    def measure(self, body: Mapping[str, Any], tree: Tree, open_blob: OpenBlob) -> MeasuredRecords:
        """Return the statistics of the records; see :meth:`DatasetReading.measure`.

        Cost: one read; a second one if a sample was measured.
        """
        stated, roles = stats_of(body), FieldRoles.of_body(body)
        layout = RowLayout(body["reader"], roles)
        is_rows = layout.reader in ROWS
        # ATTACK A88: labels that no record has, beside no fields for which rows would be measured.
        measures = is_rows and not {"fields", *OF_ROWS}.isdisjoint(stated)
        has_ids = bool(roles.id) and is_rows
        key = encode([layout.reader, roles.to_json(), measures])
        records, statistics, ids = 0, RowStatistics(named=roles.names), list[bytes]()
        for _, path, digest in _files(body, tree):
            found = self._recalled(key + digest.raw)
            if found is None:
                with open_blob(digest) as stream:
                    if measures or has_ids:
                        found = _check(path, stream, layout)
                    else:
                        found = _FileFound(sum(1 for _ in _rows(body, path, stream)))
                self._keep(key + digest.raw, found)
            records += found.records
            ids.append(found.ids)
            if measures:
                statistics.merge(RowStatistics.decode(found.statistics))
        stats = statistics.to_json(roles) if measures else {}
        if measures and "sample" in stated and roles.text:
            stats["sample"] = self._sample(body, tree, open_blob, roles)
        repeats = has_ids and self._repeats(body, tree, open_blob, layout, ids)
        return MeasuredRecords(records, stats, repeats)

    def contents(
        self, body: Mapping[str, Any], tree: Tree, open_blob: OpenBlob
    ) -> Iterator[tuple[int, bytes]]:
        """Yield the content ids of the records; see :meth:`DatasetReading.contents`."""
        return content_ids(body, tree, open_blob)

    def decisions(self, stream: BinaryIO) -> tuple[int, Iterator[DecisionRow]]:
        """Return version and rows of a decision table; see :meth:`DatasetReading.decisions`."""
        return read_strange_decisions(stream)

    def _sample(
        self, body: Mapping[str, Any], tree: Tree, open_blob: OpenBlob, roles: FieldRoles
    ) -> dict[str, Any]:
        # Loaded only here: few datasets have a sample, and the module loads language detection.
        from lyrikstore.curate.commit.rows.sample import TOKENS, RowSample

        sample = RowSample(roles.text)
        for _, rows in self.rows(body, tree, open_blob):
            for row in rows:
                sample.add(record_id(body["reader"], row).hex, row)
        return sample.to_json([TOKENS])

    def _repeats(
        self,
        body: Mapping[str, Any],
        tree: Tree,
        open_blob: OpenBlob,
        layout: RowLayout,
        ids: Sequence[bytes],
    ) -> bool:
        again, seen = repeated_hashes(ids), set[str]()
        for _, path, digest in _files(body, tree) if again else ():
            with open_blob(digest) as stream:
                for _, identity in row_ids(path, stream, layout):
                    if id_hash(identity) in again:
                        if identity in seen:
                            return True
                        seen.add(identity)
        return False

    def _recalled(self, key: bytes) -> "_FileFound | None":
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
        return found

    def _keep(self, key: bytes, found: "_FileFound") -> None:
        self._known[key] = found
        self._bytes += len(key) + found.bytes
        while self._bytes > _KEPT_BYTES:
            old, gone = self._known.popitem(last=False)
            self._bytes -= len(old) + gone.bytes


def _files(body: Mapping[str, Any], tree: Tree) -> Iterator[tuple[int, str, Digest]]:
    companions = companions_of(body, tree)
    for at, path in enumerate(tree.paths):
        if path not in companions:
            yield at, path, Digest(tree.digests[at * 32 : at * 32 + 32])


def _rows(body: Mapping[str, Any], path: str, stream: BinaryIO) -> Iterator[bytes]:
    for row in iter_rows(body["reader"], path, stream):
        if isinstance(row, BadRow):
            raise InvalidInputError("bad-record", f"{row.place(body['reader'])}: {row.reason}")
        yield row.data


def _check(path: str, stream: BinaryIO, layout: RowLayout) -> _FileFound:
    found = check_rows(path, stream, layout)
    for bad in found.bad:
        raise InvalidInputError("bad-record", f"line {bad.line}: {bad.reason}")
    return _FileFound(found.statistics.records, found.statistics.encode(), found.ids)
