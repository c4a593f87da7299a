"""Protocols of the data that checks of datasets read: rows, decisions and statistics."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Protocol

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.history.records.order_root import DOCUMENT
from lyrikstore.history.trees.tree import Tree

OpenBlob = Callable[[Digest], Any]
"""Function that returns a verified, seekable stream of a blob."""

Rows = Iterator[tuple[int, Sequence[bytes]]]
"""Number of a file in the tree, from 0, and the bytes of some of its records, in storage order."""


CONTENT_BYTES = 16
"""Length of a content id in bytes."""


class MeasuredRecords(Struct, frozen=True):
    """Measured facts about the records of a dataset.

    Attributes:
        records: Number of records.
        stats: Their members of the descriptor's ``stats`` (spec §12.4.2).
        repeats: Whether two rows have the same value in the field of the role id.
    """

    records: int
    stats: Mapping[str, Any] = {}
    repeats: bool = False


class DecisionRow(Protocol):
    """One row of a decision table (spec §12.6); columns that its version lacks are None."""

    @property
    def action(self) -> str:
        """The decision on the record, such as ``kept`` or ``dropped``."""

    @property
    def step(self) -> int | None:
        """Number of the step, from 1."""

    @property
    def filter(self) -> str | None:
        """Name of the step."""

    @property
    def reason(self) -> str | None:
        """Code of the reason."""

    @property
    def field(self) -> str | None:
        """The field of the record that the decision is about."""

    @property
    def count(self) -> int | None:
        """For ``divided``: the number of records made."""

    @property
    def part(self) -> str | None:
        """The part that the record was assigned to."""

    @property
    def file(self) -> int | None:
        """Number of its file in the source."""

    @property
    def path(self) -> str | None:
        """Path of its file in the source."""

    @property
    def position(self) -> int:
        """Position of the record in that file."""

    @property
    def item(self) -> int | None:
        """Number of the record among those made from one record."""

    @property
    def new_path(self) -> str | None:
        """Path of its file in the result."""

    @property
    def new_position(self) -> int | None:
        """Position of the record in that file of the result."""

    @property
    def record(self) -> str | None:
        """Record id in the source."""

    @property
    def new_record(self) -> str | None:
        """Record id in the result."""


class DatasetReading(Protocol):
    """Protocol of a reader of stored datasets, such as ``StoredDatasets`` of ``curate``."""

    def rows(self, body: Mapping[str, Any], tree: Tree, open_blob: OpenBlob) -> Rows:
        """Yield the records of a dataset of rows.

        Raises:
            InvalidInputError: (``no-reader``, ``bad-record``) the files have no valid records.
            VerificationError, IncompleteError: A blob is damaged or absent.
        """
        ...

    def measure(self, body: Mapping[str, Any], tree: Tree, open_blob: OpenBlob) -> MeasuredRecords:
        """Return the measured facts about the records of a dataset; raises as :meth:`rows`."""
        ...

    def contents(
        self, body: Mapping[str, Any], tree: Tree, open_blob: OpenBlob
    ) -> Iterator[tuple[int, bytes]]:
        """Yield file number in the tree and content id (spec §11.7.3) of each record.

        Raises:
            InvalidInputError, VerificationError, IncompleteError: As :meth:`rows`.
        """
        ...

    def decisions(self, stream: BinaryIO) -> tuple[int, Iterator[DecisionRow]]:
        """Return the version of a decision table and its rows, in order.

        Raises:
            FormatError: (``bad-decisions``) the stream is not a decision table.
        """
        ...


def measured_records(
    reading: DatasetReading, body: Mapping[str, Any], tree: Tree, open_blob: OpenBlob
) -> MeasuredRecords:
    """Return the measured facts about the records of any dataset; documents are not read.

    Raises:
        LyrikstoreError: As :meth:`DatasetReading.measure`.
    """
    if body["reader"] == DOCUMENT:
        return MeasuredRecords(len(tree) - len(body.get("companions", ())))
    return reading.measure(body, tree, open_blob)
