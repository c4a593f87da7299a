"""The state of recorded rights after their use: revoked, ended or renewed (spec §11.7.2)."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import listed
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.credentials.terms.ends import TermsEnd
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.credential.status import LoggedStatusUpdates
from lyrikstore.verify.rights.judge import (
    ENDED_LATER,
    Reason,
    Request,
    RightCandidate,
    Ruling,
    judge,
)
from lyrikstore.verify.rights.search import find_renewal


class Afterwards(Struct, frozen=True):
    """Collects how verified rights changed after their use, and when they end.

    Attributes:
        repository: The store.
        status_updates: Status updates of issuers.
        at: The moment of verification.
    """

    repository: Repository
    status_updates: LoggedStatusUpdates
    at: datetime
    _ends: list[TermsEnd] = field(default_factory=list)
    _renewed_by: dict[Digest, None] = field(default_factory=dict)

    def of(self, candidate: RightCandidate, ruling: Ruling, request: Request) -> Ruling:
        """Return a ruling with the log index of a revocation, without the end of a renewed right.

        Args:
            candidate: The documents that gave the right.
            ruling: The ruling on them.
            request: The use for which the right was given.
        """
        later = ruling.later
        if later is None:
            return ruling
        if later.code != ENDED_LATER:
            text = f"{later.text}, by log entry {self._revoked_at(candidate, request)}"
            return replace(ruling, later=Reason(later.code, text))
        renewal = find_renewal(self.repository, ruling, request)
        if renewal is None:
            return ruling
        self._renewed_by.update((one.id, None) for one in renewal[0].documents)
        return replace(ruling, later=None, end=renewal[1].end)

    def note_end(self, rulings: Sequence[Ruling]) -> None:
        """Add the end of the right to one source; of several rulings the last end counts."""
        ends = [ruling.end for ruling in rulings if ruling.fault is None]
        if ends and all(ends):
            self._ends.append(max(one for one in ends if one is not None))

    def to_detail(self) -> dict[str, JSON]:
        """Return, as JSON, the earliest end of a right, and the documents that renewed rights."""
        found: dict[str, JSON] = {}
        if self._ends:
            found["until"] = format_timestamp(min(self._ends).at)
            found["deleteOnExpiry"] = any(one.delete for one in self._ends)
        if self._renewed_by:
            found["renewedBy"] = listed([str(one) for one in self._renewed_by])
        return found

    def _revoked_at(self, candidate: RightCandidate, request: Request) -> int:
        """Return the log index of the entry that revoked a right."""
        found = index = request.index or 0
        for change in reversed(self.status_updates.changes_since(index)):
            found = change
            known = (self.at, self.status_updates.before(change))
            later = judge(candidate, replace(request, now=known)).later
            if later is None or later.code == ENDED_LATER:
                break
        return found
