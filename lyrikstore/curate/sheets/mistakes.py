"""What is wrong with a sheet, collected, so that whoever corrects it is told all of it at once."""

from collections.abc import Mapping
from typing import Any

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.limits import MAX_NAMED
from lyrikstore.canon.text import pluralize


class Mistakes:
    """The mistakes that were found in one sheet, in the order in which they were found.

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
        """Note a mistake.

        Args:
            error: What would be raised if it were the only one.
            row: The row, if a cell of it could not be read.
        """
        self._count += 1
        self._first = self._first or error
        self._details = {**error.details, **self._details}
        if row is not None:
            self.rows.add(row)
        if len(self._kept) < MAX_NAMED:  # bounds what is said of a sheet of a million bad rows
            self._kept.append({"kind": error.kind, "message": error.message, "hint": error.hint})

    def check(self) -> None:
        """Return if there is none.

        Raises:
            InvalidInputError: The first, with the others in ``details``, in ``mistakes``; there are
                as many as ``mistakesCount`` says.
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
        """Return what to raise for a mistake after which nothing more can be read."""
        self.add(error)
        try:
            self.check()
        except InvalidInputError as found:
            return found
        return error
