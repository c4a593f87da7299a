"""What the checks of datasets are given: rows, decisions and statistics, read by somebody else."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Protocol

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.history.records.order_root import DOCUMENT
from lyrikstore.history.trees.tree import Tree

OpenBlob = Callable[[Digest], Any]
"""Gives a verified, seekable stream of a blob."""

Rows = Iterator[tuple[int, Sequence[bytes]]]
"""Which file of the tree, from 0, and the bytes of some of its records, in storage order."""


CONTENT_BYTES = 16
"""Length of the id of what a record says."""


class MeasuredRecords(Struct, frozen=True):
    """What was measured of the records of a dataset.

    Attributes:
        records: How many there are.
        stats: The members that its descriptor's ``stats`` has of them (spec §12.4.2).
        repeats: Whether two rows have the same value in the field that is their id.
    """

    records: int
    stats: Mapping[str, Any] = {}
    repeats: bool = False


class DecisionRow(Protocol):
    """One row of a decision table (spec §12.6); what its version lacks is None."""

    @property
    def action(self) -> str:
        """What became of the record."""

    @property
    def step(self) -> int | None:
        """Number of the step, from 1."""

    @property
    def filter(self) -> str | None:
        """Name of the step."""

    @property
    def reason(self) -> str | None:
        """Stable code."""

    @property
    def field(self) -> str | None:
        """Where in the record."""

    @property
    def count(self) -> int | None:
        """Of ``divided``, how many records were made."""

    @property
    def part(self) -> str | None:
        """The part it went to."""

    @property
    def file(self) -> int | None:
        """Number of its file in the source."""

    @property
    def path(self) -> str | None:
        """Path of its file in the source."""

    @property
    def position(self) -> int:
        """Its place in that file."""

    @property
    def item(self) -> int | None:
        """Which of the records that were made of it."""

    @property
    def new_path(self) -> str | None:
        """Its file in the result."""

    @property
    def new_position(self) -> int | None:
        """Its place there."""

    @property
    def record(self) -> str | None:
        """Its id in the source."""

    @property
    def new_record(self) -> str | None:
        """Its id in the result."""


class DatasetReading(Protocol):
    """Reads stored datasets; :class:`lyrikstore.curate.reading.datasets.StoredDatasets` does."""

    def rows(self, body: Mapping[str, Any], tree: Tree, open_blob: OpenBlob) -> Rows:
        """Yield the records of a dataset whose records are not its files.

        Raises:
            InvalidInputError: (``no-reader``, ``bad-record``) there are no such records.
            VerificationError, IncompleteError: A blob is damaged or absent.
        """
        ...

    def measure(self, body: Mapping[str, Any], tree: Tree, open_blob: OpenBlob) -> MeasuredRecords:
        """Return what is measured of the records of a dataset; raises as :meth:`rows`."""
        ...

    def contents(
        self, body: Mapping[str, Any], tree: Tree, open_blob: OpenBlob
    ) -> Iterator[tuple[int, bytes]]:
        """Yield which file of the tree, and the content id (spec §11.7.3) of each record there.

        Raises:
            InvalidInputError, VerificationError, IncompleteError: As :meth:`rows`.
        """
        ...

    def decisions(self, stream: BinaryIO) -> tuple[int, Iterator[DecisionRow]]:
        """Return the version of a decision table and its rows, in order.

        Raises:
            FormatError: (``bad-decisions``) it is none.
        """
        ...


def measured_records(
    reading: DatasetReading, body: Mapping[str, Any], tree: Tree, open_blob: OpenBlob
) -> MeasuredRecords:
    """Return what is measured of the records of any dataset; documents are not read for it.

    Raises:
        LyrikstoreError: As :meth:`DatasetReading.measure`.
    """
    if body["reader"] == DOCUMENT:
        return MeasuredRecords(len(tree) - len(body.get("companions", ())))
    return reading.measure(body, tree, open_blob)
