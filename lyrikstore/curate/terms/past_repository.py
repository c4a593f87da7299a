"""A store with the state of its log at an earlier moment (spec §7.9)."""

from collections.abc import Sequence
from datetime import datetime

from lyrikstore.history.log.entries import LoggedEntry
from lyrikstore.history.repository.refs import RefTable
from lyrikstore.history.repository.repository import Repository


class PastRepository(Repository):
    """A store with the state of its log at an earlier moment, by the dates that its entries claim.

    Credentials, status lists and policies that were not logged yet are left out. Manifests and data
    are those of now. It is read-only.

    Args:
        now: The store.
        moment: The moment.

    Raises:
        LyrikstoreError: An entry cannot be read, so its date is unknown.

    Cost: one step for each entry.
    """

    def __init__(self, now: Repository, moment: datetime) -> None:
        self.__dict__.update(vars(now))  # all other state is that of the store
        self._said: Sequence[LoggedEntry] = now.entries()
        self._positions()  # loads the positions of all manifests
        unsaid = now.unsaid(moment) - {0}
        self._said = [one for one in self._said if one.index not in unsaid]
        self._about, self._derived = None, {}
        self._then = RefTable()
        for entry in self._said:
            self._apply(self._then, entry)

    def entries(self) -> Sequence[LoggedEntry]:
        """Return the entries up to the moment, in order; indices are those of the whole log."""
        return self._said

    @property
    def table(self) -> RefTable:
        """Refs, flags and policy that follow from these entries."""
        return self._then
