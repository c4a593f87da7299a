"""Search for files of rows that contain all records of another file (spec §19.3)."""

from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.history.records.order_root import record_id
from lyrikstore.history.records.rows import JSONL, BadRow, read_lines

OpenBlob = Callable[[Digest], BinaryIO]
"""A function that opens a verified stream of a blob."""


class RowFiles:
    """The records of some ``jsonl/1`` files, each with the number of its occurrences.

    Args:
        files: Number → digest.
        open_blob: Opens the files.

    Raises:
        FormatError: (``bad-record``) a file contains a line that is not a record.
        VerificationError, IncompleteError: A file is damaged or not here.

    Cost: one read; 40 bytes for each record.
    """

    def __init__(self, files: Iterable[tuple[int, Digest]], open_blob: OpenBlob) -> None:
        self._open = open_blob
        self._files = [(number, _Records(digest, open_blob)) for number, digest in files]

    def holding(self, digest: Digest) -> list[int]:
        """Return the numbers of the files that contain all records of another file.

        Raises:
            FormatError, VerificationError, IncompleteError: As the class, for the other file.

        Cost: one read; a search for each record in each file that has the first.
        """
        part = _Records(digest, self._open)
        return [number for number, whole in self._files if whole.holds(part)]


class _Records:
    """Distinct record ids in order, with the number of occurrences of each."""

    def __init__(self, digest: Digest, open_blob: OpenBlob) -> None:
        import numpy as np

        raw = bytearray()
        with open_blob(digest) as stream:
            for row in read_lines(stream):
                if isinstance(row, BadRow):
                    raise FormatError("bad-record", f"{row.place(JSONL)}: {row.reason}")
                raw += record_id(JSONL, row.data).raw
        found = np.unique(np.frombuffer(raw, "S32"), return_counts=True)
        self.ids: Any = found[0]
        self.counts: Any = found[1]

    def holds(self, part: "_Records") -> bool:
        return self._has(part, 1) and self._has(part, len(part.ids))

    def _has(self, part: "_Records", first: int) -> bool:
        import numpy as np

        wanted, counts = part.ids[:first], part.counts[:first]
        if not len(wanted):
            return True
        if not len(self.ids):
            return False
        at = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        return bool(np.all((self.ids[at] == wanted) & (self.counts[at] >= counts)))
