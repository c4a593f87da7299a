"""The clock floor: the latest trusted date in the log, a lower bound for later dates (spec §7.9).

Dates in documents prove nothing, and clocks can be set back. But each signer of a store states a
date, and an entry that is logged later is later. So the latest of those dates is a floor for all
entries after it. One wrong clock blocks no writer: a writer whose clock is behind the floor signs
with the floor as date.
"""

import contextlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from operator import itemgetter
from pathlib import Path
from typing import Any

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    InvalidInputError,
    LyrikstoreError,
)
from lyrikstore.canon.files import open_regular, remember
from lyrikstore.canon.json import parse
from lyrikstore.canon.timestamps import CLOCK_SKEW, format_timestamp, parse_timestamp
from lyrikstore.crypto.multikey import did_key
from lyrikstore.history.log import merkle
from lyrikstore.history.log.entries import LoggedEntry
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.policy import Policy
from lyrikstore.history.repository.refs import RefTable
from lyrikstore.history.repository.store_view import MAX_READ, StoreView
from lyrikstore.version import __version__

BEGINNING = datetime.min.replace(tzinfo=UTC)

MAX_GAP = timedelta(days=400)
"""Maximum time between the floor and a later date, unless the writer accepts the gap."""

MAX_BYTES = 1 << 26
"""Maximum size of the file of remembered dates; a larger one is neither read nor written."""

WORTH = 64
"""Number of newly read log entries after which the file is written."""

_SUM = 32


class Dated(Struct, frozen=True):
    """The claimed signing date of a log entry, with its key.

    Attributes:
        index: Its log index.
        key: As did:key.
        at: The moment that it claims.
    """

    index: int
    key: str
    at: datetime


def date_of_credential(repository: StoreView, data: bytes) -> tuple[str, datetime] | None:
    """Return the key that signed a credential and the date it claims; None if it claims none.

    The date is its ``validFrom``, or the date of its proof if that is earlier: a licence that
    begins next month was signed today.

    Args:
        repository: The store in which it is logged, or will be.
        data: The credential.
    """
    key = repository.signing_key(data)
    if key is None:
        return None
    try:
        document = parse(data)
        proof = document["proof"]
        dates = [document["validFrom"], *([proof["created"]] if "created" in proof else [])]
        return did_key(key), min(parse_timestamp(date) for date in dates)
    except (FormatError, KeyError, TypeError):
        return None


class ClockFloors(Struct, frozen=True):
    """The clock floors of a log.

    Attributes:
        rises: The log indices at which the floor rises, ascending, with the latest date up to each.
        wrong: The dates that misdated entries claim; later entries with these dates raise no floor
            either.
    """

    rises: tuple[tuple[int, datetime], ...] = ()
    wrong: frozenset[datetime] = frozenset()

    def at(self, index: int | None) -> datetime:
        """Return the floor for the entry at a log index; None: for the next entry."""
        end = len(self.rises)
        if index is not None:
            end = bisect_left(self.rises, index, key=itemgetter(0))
        return self.rises[end - 1][1] if end else BEGINNING

    def size_at(self, moment: datetime) -> int | None:
        """Return the number of log entries at a moment, by their dates; None: all of them."""
        return next((index for index, at in self.rises if at > moment), None)

    def behind(self, now: datetime) -> "ClockBehind | None":
        """Return how far a clock at ``now`` is behind the log, or None within the tolerance."""
        if not self.rises or self.rises[-1][1] - now <= CLOCK_SKEW:
            return None
        index, floor = self.rises[-1]
        return ClockBehind(now, floor, index)

    def signing_date(self, now: datetime) -> datetime:
        """Return the date for a manifest signed when the clock shows ``now``."""
        behind = self.behind(now)
        return behind.floor if behind else now


class ClockBehind(Struct, frozen=True):
    """A writer's clock that is behind the log.

    Attributes:
        clock: The time that the clock shows.
        floor: The floor of the log, which becomes the date of manifests instead.
        index: Log index of the entry that claims this date.
    """

    clock: datetime
    floor: datetime
    index: int


def floors_of(
    dates: Iterable[Dated], policies: Sequence[tuple[int, Policy]], authors: Sequence[str] = ()
) -> ClockFloors:
    """Return the floors of a log.

    An entry counts if its key had a role at its index and is not known now to have been suspect
    there, no owner declares it misdated, and it does not claim exactly the date of an earlier
    misdated entry.

    Args:
        dates: Dates of log entries, in order.
        policies: Every policy that took effect, with its log index, in order; the first is that
            of entry 0. Each is in force for the entries after its own.
        authors: The signer of each policy, as did:key; needed only if a key was suspect.

    Cost: one step per date.
    """
    if not policies:
        return ClockFloors()
    starts = [index for index, _ in policies]
    keys = [policy.keys for _, policy in policies]
    suspects = policies[-1][1].suspects
    misdated = _misdated(policies, authors, suspects)
    wrong: set[datetime] = set()
    found: list[tuple[int, datetime]] = []
    for one in dates:
        if one.index >= suspects.get(one.key, one.index + 1):
            continue
        if one.key not in keys[max(bisect_left(starts, one.index) - 1, 0)]:
            continue
        if one.index in misdated:
            wrong.add(one.at)
        # Whose clock was behind a wrong floor signed with it as date.
        elif one.at not in wrong and (not found or one.at > found[-1][1]):
            found.append((one.index, one.at))
    return ClockFloors(tuple(found), frozenset(wrong))


def _misdated(
    policies: Sequence[tuple[int, Policy]], authors: Sequence[str], suspects: Mapping[str, int]
) -> set[int]:
    wrong: set[int] = set()
    named: set[int] = set()
    for (since, policy), author in zip_longest(policies, authors):
        # ATTACK: a stolen key calls every date wrong, also of entries to come. Who owns the store
        # must say it after the thief for good, and does not thereby say it.
        if since < suspects.get(author, since + 1):
            wrong |= {index for index in policy.misdated if index < since and index not in named}
        named.update(policy.misdated)
    return wrong


def latest_date(floors: ClockFloors, now: datetime, dates: Iterable[datetime]) -> datetime:
    """Return the latest date to be logged; raise `dated-ahead` if one is in the future.

    Args:
        floors: The floors of the log.
        now: The writer's clock.
        dates: The dates claimed by entries whose keys have a role in the store; the dates of
            misdated entries raise no floor, and do not count.

    Raises:
        ConflictError: (``dated-ahead``) a date is later than this clock and the log.
    """
    latest = max((date for date in dates if date not in floors.wrong), default=BEGINNING)
    if latest - floors.signing_date(now) > CLOCK_SKEW:
        raise ConflictError(
            "dated-ahead",
            f"it claims to be signed at {format_timestamp(latest)}, but this clock shows "
            f"{format_timestamp(now)}",
            hint="set the clock, here or where it was signed, and sign it again",
            details={"now": format_timestamp(now), "dated": format_timestamp(latest)},
        )
    return latest


def check_gap(floors: ClockFloors, date: datetime) -> None:
    """Raise `date-gap` if ``date`` is long after the last date in the log.

    ATTACK A98: one commit by a clock that is years ahead, after which every other clock is behind.

    Raises:
        InvalidInputError: (``date-gap``) it is.
    """
    floor = floors.at(None)
    if floors.rises and date - floor > MAX_GAP:
        raise InvalidInputError(
            "date-gap",
            f"the last date in the log is {format_timestamp(floor)}, and this would be dated "
            f"{format_timestamp(date)}: {(date - floor).days} days later",
            hint="set the clock if it is wrong: everybody who writes later gets this date or a "
            "later one; if it is right, add --after-gap",
            details={"floor": format_timestamp(floor), "dated": format_timestamp(date)},
        )


class DatedEntries:
    """The dates of a store's log, read once and cached by log root.

    Args:
        directory: Cache folder of this user for this store; None to store nothing on disk.

    Cost: one read of each entry not read before, and one signature check per credential among them.
    """

    def __init__(self, directory: Path | None) -> None:
        self._path = None if directory is None else directory / "dates"
        self._dates: list[Dated] = []
        self._size = 0
        self._recalled = 0
        self._floors = ClockFloors()
        self._state: object = None

    def copy(self) -> "DatedEntries":
        """Return a copy for another view of the same log, which may be longer."""
        other = DatedEntries(None)
        other._dates, other._size = list(self._dates), self._size
        return other

    def floors(self, repository: StoreView, table: RefTable) -> ClockFloors:
        """Return the clock floors of a store.

        Args:
            repository: The store.
            table: The refs, with the policies that apply.

        Raises:
            LyrikstoreError: An entry cannot be read: its date may be the latest.
        """
        home, pending = repository.checkpoint.size, repository.pending
        policies, authors = tuple(table.policies), tuple(table.authors)
        state = (home, pending, policies)
        if state != self._state:
            self._update(repository, home)
            dates = [*self._dates, *_read(repository, pending)]
            self._floors = floors_of(dates, policies, authors)
            self._state = state
        return self._floors

    def unsaid(self, repository: StoreView, table: RefTable, moment: datetime) -> frozenset[int]:
        """Return the log indices of entries that were not yet logged at a moment (spec §7.9).

        Args:
            repository: The store.
            table: As for :meth:`floors`, whose errors this raises.
            moment: An earlier one.

        Returns:
            All indices from the one where the floor rises above the moment; and earlier entries
                that claim a later date, which raise no floor if keys without a role signed them.
        """
        floors = self.floors(repository, table)
        count = len(repository.entries())
        end = floors.size_at(moment)
        dated = [*self._dates, *_read(repository, repository.pending)]
        return frozenset(range(count if end is None else end, count)).union(
            one.index for one in dated if one.at > moment and one.at not in floors.wrong
        )

    def _update(self, repository: StoreView, size: int) -> None:
        hashes = repository.records.hashes
        if size < self._size:
            self._dates, self._size = [], 0
        if self._size == 0 and self._path is not None:
            self._recall(self._path, hashes[:size])
        if size == self._size:
            return
        self._dates += _read(repository, repository.entries()[self._size : size])
        self._size = size
        if self._path is not None and size - self._recalled >= WORTH:
            self._save(self._path, hashes[:size])
            self._recalled = size

    def _recall(self, path: Path, hashes: Sequence[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, IndexError):
            with open_regular(path) as file:
                data = file.read(MAX_BYTES + 1)
            found = json.loads(data[_SUM:]) if blake3(data[_SUM:]).digest() == data[:_SUM] else {}
            size, keys = found["size"], found["keys"]
            if (
                found["version"] == __version__
                and 0 < size <= len(hashes)
                and merkle.root(hashes[:size]).hex() == found["root"]
            ):
                self._dates = [
                    Dated(index, keys[key], parse_timestamp(at))
                    for index, key, at in found["dates"]
                ]
                self._size = self._recalled = size

    def _save(self, path: Path, hashes: Sequence[bytes]) -> None:
        keys = {key: number for number, key in enumerate(dict.fromkeys(d.key for d in self._dates))}
        saved: dict[str, Any] = {
            "version": __version__,
            "size": len(hashes),
            "root": merkle.root(hashes).hex(),
            "keys": list(keys),
            "dates": [(one.index, keys[one.key], format_timestamp(one.at)) for one in self._dates],
        }
        text = json.dumps(saved).encode()
        if len(text) + _SUM > MAX_BYTES:
            return
        remember(path, blake3(text).digest() + text)  # as refs are: what is torn is no memory


def date_of_manifest(manifest: Manifest) -> datetime:
    """Return the date at which a manifest claims to be signed."""
    return parse_timestamp(manifest.created)


def _read(repository: StoreView, entries: Iterable[LoggedEntry]) -> list[Dated]:
    found: list[Dated] = []
    for entry in entries:
        if entry.type == "manifest":
            try:
                manifest = repository.manifest(entry.id)
            except LyrikstoreError:
                # What is no manifest has no date. What cannot be read may have the latest.
                repository.blobs.read(entry.id, max_bytes=MAX_READ)
                continue
            found.append(Dated(entry.index, manifest.author, date_of_manifest(manifest)))
        elif entry.type == "credential":
            dated = date_of_credential(repository, repository.credential(entry.id))
            if dated is not None:
                found.append(Dated(entry.index, *dated))
    return found
