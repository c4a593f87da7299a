"""Statistics of rows that pass one by one (spec §12.4.2)."""

from typing import Any

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.curate.readers.batches import BATCH_BYTES, BATCH_ROWS
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.rows import RowError, parse_row
from lyrikstore.curate.readers.statistics import RowStatistics


class RowMeter:
    """Measures rows while they pass.

    Args:
        roles: Which field has which role.

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
        self._waiting: list[dict[str, JSON]] = []
        self._size, self._problem = 0, ""

    def add(self, data: bytes) -> None:
        """Look at a row."""
        try:
            self._waiting.append(parse_row(data))
        except RowError as error:
            self._problem = self._problem or str(error)
        self._size += len(data)
        if len(self._waiting) == BATCH_ROWS or self._size >= BATCH_BYTES:
            self._measure()

    def to_json(self) -> dict[str, Any]:
        """Return the members that the descriptor's ``stats`` has of them.

        Raises:
            InvalidInputError: (``bad-record``) a row is none.
        """
        if self._problem:
            raise InvalidInputError("bad-record", f"a row is none: {self._problem}")
        self._measure()
        return self._statistics.to_json(self._roles)

    def _measure(self) -> None:
        self._statistics.add(self._waiting, self._labels, self._roles.label_separator)
        self._waiting.clear()
        self._size = 0
