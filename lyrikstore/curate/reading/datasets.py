"""The records, statistics and decisions of stored datasets, for verification (spec §11.7.4)."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import encode
from lyrikstore.curate.commit.rows.check import RowLayout, check_rows
from lyrikstore.curate.readers.batches import batched
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.records import ROWS, iter_rows
from lyrikstore.curate.readers.statistics import RowStatistics
from lyrikstore.curate.recipes.decisions import decision_version, read_decisions
from lyrikstore.history.records.order_root import record_id
from lyrikstore.history.records.rows import BadRow
from lyrikstore.history.trees.tree import Tree
from lyrikstore.verify.datasets.body import stats_of
from lyrikstore.verify.datasets.reading import DecisionRow, MeasuredRecords, OpenBlob, Rows

_KEPT_BYTES = 64 << 20
_NO_STATISTICS = b""


class StoredDatasets:
    """Reads datasets for :mod:`lyrikstore.verify.datasets`.

    What was found of a file is kept, 64 MiB of it in all, so that a file that several versions
    have is measured once.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[int, bytes]] = OrderedDict()
        self._bytes = 0

    def rows(self, body: Mapping[str, Any], tree: Tree, open_blob: OpenBlob) -> Rows:
        """Yield the records; see :meth:`DatasetReading.rows`."""
        for at, path, digest in _files(body, tree):
            with open_blob(digest) as stream:
                for some in batched((row, len(row)) for row in _rows(body, path, stream)):
                    yield at, some

    def measure(self, body: Mapping[str, Any], tree: Tree, open_blob: OpenBlob) -> MeasuredRecords:
        """Return what is measured of the records; see :meth:`DatasetReading.measure`.

        Cost: one read; a second one where something was measured of a sample.
        """
        stated, roles = stats_of(body), FieldRoles.of_body(body)
        layout = RowLayout(body["reader"], roles)
        measures = "fields" in stated and layout.reader in ROWS
        key = encode([layout.reader, roles.to_json(), measures])
        records, statistics = 0, RowStatistics(named=roles.names)
        for _, path, digest in _files(body, tree):
            count, found = self._recalled(key + digest.raw)
            if count < 0:
                with open_blob(digest) as stream:
                    if measures:
                        count, found = _check(path, stream, layout)
                    else:
                        count = sum(1 for _ in _rows(body, path, stream))
                self._keep(key + digest.raw, count, found)
            records += count
            if measures:
                statistics.merge(RowStatistics.decode(found))
        stats = statistics.to_json(roles) if measures else {}
        if measures and "sample" in stated and roles.text:
            stats["sample"] = self._sample(body, tree, open_blob, roles)
        return MeasuredRecords(records, stats)

    def decisions(self, stream: BinaryIO) -> tuple[int, Iterator[DecisionRow]]:
        """Return version and rows of a decision table; see :meth:`DatasetReading.decisions`."""
        return decision_version(stream), read_decisions(stream)

    def _sample(
        self, body: Mapping[str, Any], tree: Tree, open_blob: OpenBlob, roles: FieldRoles
    ) -> dict[str, Any]:
        # Loaded where it is needed: few datasets have one, and it loads what measures languages.
        from lyrikstore.curate.commit.rows.sample import TOKENS, DrawnSample

        sample = DrawnSample(roles.text)
        for _, rows in self.rows(body, tree, open_blob):
            for row in rows:
                sample.add(record_id(body["reader"], row).hex, row)
        return sample.to_json([TOKENS])

    def _recalled(self, key: bytes) -> tuple[int, bytes]:
        found = self._known.get(key)
        if found is None:
            return -1, _NO_STATISTICS
        self._known.move_to_end(key)
        return found

    def _keep(self, key: bytes, count: int, found: bytes) -> None:
        self._known[key] = count, found
        self._bytes += len(key) + len(found)
        while self._bytes > _KEPT_BYTES:
            old, (_, gone) = self._known.popitem(last=False)
            self._bytes -= len(old) + len(gone)


def _files(body: Mapping[str, Any], tree: Tree) -> Iterator[tuple[int, str, Digest]]:
    companions = frozenset(body.get("companions", ()))
    for at, path in enumerate(tree.paths):
        if path not in companions:
            yield at, path, Digest(tree.digests[at * 32 : at * 32 + 32])


def _rows(body: Mapping[str, Any], path: str, stream: BinaryIO) -> Iterator[bytes]:
    for row in iter_rows(body["reader"], path, stream):
        if isinstance(row, BadRow):
            raise InvalidInputError("bad-record", f"{row.place(body['reader'])}: {row.reason}")
        yield row.data


def _check(path: str, stream: BinaryIO, layout: RowLayout) -> tuple[int, bytes]:
    found = check_rows(path, stream, layout)
    for bad in found.bad:
        raise InvalidInputError("bad-record", f"line {bad.line}: {bad.reason}")
    return found.statistics.records, found.statistics.encode()
