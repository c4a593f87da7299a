"""A store with what its log said at an earlier moment (spec §7.9)."""

from collections.abc import Sequence
from datetime import datetime

from lyrikstore.history.log.entries import LoggedEntry
from lyrikstore.history.repository.refs import RefTable
from lyrikstore.history.repository.repository import Repository


class PastRepository(Repository):
    """A store with what its log said at an earlier moment, by the dates that its entries claim.

    Credentials, status lists and policies that were not logged yet are none. Manifests and data are
    those that are here now. To read from alone.

    Args:
        now: The store.
        moment: The moment.

    Raises:
        LyrikstoreError: An entry cannot be read: what it claims is not known.

    Cost: one step for each entry.
    """

    def __init__(self, now: Repository, moment: datetime) -> None:
        self.__dict__.update(vars(now))  # all else is that of the store
        self._said: Sequence[LoggedEntry] = now.entries()
        self._positions()  # of all manifests that are here
        unsaid = now.unsaid(moment) - {0}
        self._said = [one for one in self._said if one.index not in unsaid]
        self._about, self._derived = None, {}
        self._then = RefTable()
        for entry in self._said:
            self._apply(self._then, entry)

    def entries(self) -> Sequence[LoggedEntry]:
        """Return the entries that were there, in order; indices are those of the whole log."""
        return self._said

    @property
    def table(self) -> RefTable:
        """Refs, flags and policy as these entries give them."""
        return self._then
