"""Statistics of rows that are added one by one (spec §12.4.2)."""

from collections.abc import Iterator
from typing import Any

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.curate.readers.batches import BATCH_BYTES, BATCH_ROWS
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.row_values import RowValues, RowValuesReader
from lyrikstore.curate.readers.rows import RowError, parse_row
from lyrikstore.curate.readers.statistics import RowStatistics


class RowMeter:
    """The statistics of rows, which are added one by one.

    Args:
        roles: The roles of the fields.

    Example:
        >>> meter = RowMeter(FieldRoles())
        >>> meter.add(b'{"n":1}')
        >>> meter.to_json()["fields"][0]["types"]
        [{'type': 'integer', 'records': 1}]
    """

    def __init__(self, roles: FieldRoles) -> None:
        self._roles = roles
        self._labels = (roles.label,) if roles.label else ()
        self._statistics = RowStatistics(named=roles.names)
        self._reader = RowValuesReader()
        self._waiting: list[bytes] = []
        self._size, self._problem = 0, ""

    def add(self, data: bytes) -> None:
        """Add a row."""
        self._waiting.append(data)
        self._size += len(data)
        if len(self._waiting) == BATCH_ROWS or self._size >= BATCH_BYTES:
            self._measure()

    def to_json(self) -> dict[str, Any]:
        """Return the members of the descriptor's ``stats`` for these rows.

        Raises:
            InvalidInputError: (``bad-record``) a row is malformed.
        """
        self._measure()
        if self._problem:
            raise InvalidInputError("bad-record", f"a row is malformed: {self._problem}")
        return self._statistics.to_json(self._roles)

    def _measure(self) -> None:
        values = self._reader.read(self._waiting)
        if values is None:
            values = RowValues.of(list(self._one_by_one()))
        self._statistics.add(values, self._labels, self._roles.label_separator)
        self._waiting.clear()
        self._size = 0

    def _one_by_one(self) -> Iterator[dict[str, JSON]]:
        for data in self._waiting:
            try:
                yield parse_row(data)
            except RowError as error:
                self._problem = self._problem or str(error)
