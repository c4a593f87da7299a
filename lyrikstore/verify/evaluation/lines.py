"""Attached JSON Lines: canonical, read one at a time, within limits."""

from collections.abc import Iterator
from typing import BinaryIO, TypeVar

import msgspec

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import parse_canonical

_T = TypeVar("_T")


class Lines:
    """Reads the lines of an attachment.

    Args:
        stream: The attachment.
        kind: Kind of the error where it is none.
        max_line: Longest line, its end included, in bytes.
        max_bytes: Longest attachment.
    """

    def __init__(
        self, stream: BinaryIO, kind: str, *, max_line: int, max_bytes: int = 1 << 62
    ) -> None:
        self._stream, self._kind = stream, kind
        self._max_line, self._left = max_line, max_bytes
        self.number = 0

    def next(self, shape: type[_T]) -> _T | None:
        """Return the next line, or None at the end.

        Raises:
            FormatError: It is too long, not canonical, or of another shape.
        """
        data = self._stream.readline(self._max_line + 1)
        if not data:
            return None
        self.number += 1
        self._left -= len(data)
        # ATTACK: lines without end, or nested without end, or with half a character.
        if not data.endswith(b"\n") or len(data) > self._max_line or self._left < 0:
            raise self.bad("it, or all, is too long, or has no end")
        try:
            return msgspec.convert(parse_canonical(data[:-1], max_bytes=self._max_line), shape)
        except (msgspec.ValidationError, FormatError) as error:
            raise self.bad(str(error)[:300]) from None

    def need(self, shape: type[_T]) -> _T:
        """Return the next line, which must exist; raises as :meth:`next`."""
        found = self.next(shape)
        if found is None:
            raise self.bad("there is none")
        return found

    def rest(self, shape: type[_T]) -> Iterator[_T]:
        """Yield the remaining lines; raises as :meth:`next`."""
        while (line := self.next(shape)) is not None:
            yield line

    def bad(self, why: str) -> FormatError:
        """Return the error that the line read last is malformed."""
        return FormatError(
            self._kind,
            f"line {self.number} of the attachment: {why}",
            hint="the file is damaged, or was made by another version",
        )
