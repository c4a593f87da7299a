"""The mistakes of a sheet, collected so that one error reports all of them."""

from collections.abc import Mapping
from typing import Any

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.limits import MAX_NAMED
from lyrikstore.canon.text import pluralize


class Mistakes:
    """The mistakes of one sheet, in the order in which they were found.

    Attributes:
        rows: Numbers of rows in which a cell could not be read.
    """

    def __init__(self) -> None:
        self.rows: set[int] = set()
        self._first: InvalidInputError | None = None
        self._kept: list[Mapping[str, str]] = []
        self._details: dict[str, Any] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, error: InvalidInputError, row: int | None = None) -> None:
        """Add a mistake.

        Args:
            error: The error to raise if it is the only mistake.
            row: The number of the row, if one of its cells could not be read.
        """
        self._count += 1
        self._first = self._first or error
        self._details = {**error.details, **self._details}
        if row is not None:
            self.rows.add(row)
        if len(self._kept) < MAX_NAMED:  # bounds the report of a sheet with a million bad rows
            self._kept.append({"kind": error.kind, "message": error.message, "hint": error.hint})

    def check(self) -> None:
        """Raise the first mistake, if any, with all of them in its details.

        Raises:
            InvalidInputError: The first mistake; ``details`` lists the mistakes as ``mistakes``,
                and has their number as ``mistakesCount``.
        """
        if self._first is None:
            return
        more = f" (and {pluralize(self._count - 1, 'more mistake')})" if self._count > 1 else ""
        raise InvalidInputError(
            self._first.kind,
            f"{self._first.message}{more}",
            hint=self._first.hint,
            details={
                **self._details,
                "mistakes": list(self._kept),
                "mistakesCount": self._count,
            },
        )

    def fail(self, error: InvalidInputError) -> InvalidInputError:
        """Add a mistake after which reading cannot continue, and return the error to raise."""
        self.add(error)
        try:
            self.check()
        except InvalidInputError as found:
            return found
        return error
