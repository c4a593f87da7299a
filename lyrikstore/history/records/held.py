"""Search for records of one dataset in other datasets, by record id (spec §12.7.1)."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from lyrikstore.canon.errors import IncompleteError
from lyrikstore.canon.text import pluralize

MAX_HELD_RECORDS = 1 << 24
"""Maximum number of record ids of a dataset that are kept: half a gibibyte."""

_BATCH = 1 << 16


class HeldIds:
    """The distinct record ids of a dataset, and which of them were found in other datasets.

    Args:
        ids: The ids, 32 bytes each, in any order; read once.

    Raises:
        IncompleteError: (``too-many-records``) there are more than :data:`MAX_HELD_RECORDS`.

    Cost: 33 bytes for each record.
    """

    def __init__(self, ids: Iterable[bytes]) -> None:
        import numpy as np

        raw = bytearray()
        for some in _batches(ids):
            raw += some
            if len(raw) > MAX_HELD_RECORDS * 32:
                most = pluralize(MAX_HELD_RECORDS, "record")
                raise IncompleteError("too-many-records", f"more than {most}")
        self._ids: Any = np.frombuffer(raw, "S32")
        self._ids.sort()
        self._found: Any = np.zeros(len(self._ids), np.bool_)

    def __len__(self) -> int:
        return len(self._ids)

    def find(self, ids: Iterable[bytes]) -> bool:
        """Return whether at least one of ``ids`` is in the set, and mark those found.

        Cost: a search for each; one batch of them in memory.
        """
        import numpy as np

        any_found = False
        for some in _batches(ids):
            wanted = np.frombuffer(some, "S32")
            at = np.searchsorted(self._ids, wanted)
            at[at == len(self._ids)] = 0
            here = at[self._ids[at] == wanted] if len(self._ids) else at[:0]
            self._found[here] = True
            any_found = any_found or len(here) > 0
        return any_found

    @property
    def all_found(self) -> bool:
        """Whether every id of the set was found."""
        # Equal ids stand next to each other, and a search finds the first.
        first = self._found.copy()
        first[1:] |= self._ids[1:] == self._ids[:-1]
        return bool(first.all())


def _batches(ids: Iterable[bytes]) -> Iterator[bytes]:
    source = iter(ids)
    while some := b"".join(islice(source, _BATCH)):
        yield some
