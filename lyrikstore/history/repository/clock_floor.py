"""The clock floor: no moment is judged before what already stands in the log (spec §7.9).

Dates in documents prove nothing, and clocks can be set back. But whoever signs here says when, and
what is logged later is later. So the latest of those dates is a floor for what comes after it. One
clock that is wrong stops nobody: who is behind the floor signs with the floor as date.
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
"""Between the floor and what is dated after it, unless whoever writes says that it is meant."""

MAX_BYTES = 1 << 26
"""Of the file of remembered dates; a larger one is not read, and not written."""

WORTH = 64
"""Log entries after which what was learnt is written down."""

_SUM = 32


class Dated(Struct, frozen=True):
    """When a log entry says that it was signed, and by which key.

    Attributes:
        index: Its log index.
        key: As did:key.
        at: The moment that it claims.
    """

    index: int
    key: str
    at: datetime


def date_of_credential(repository: StoreView, data: bytes) -> tuple[str, datetime] | None:
    """Return which key signed a credential, and when it says so; None where it does not say.

    That is its ``validFrom``, or when its proof was made if that was earlier: a licence that
    begins next month was signed today.

    Args:
        repository: The store in which it is logged, or is to be.
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
        rises: Where the floor rises: log indices, ascending, with the latest date up to each.
        wrong: The moments that misdated entries claim, which raise no floor of later ones either.
    """

    rises: tuple[tuple[int, datetime], ...] = ()
    wrong: frozenset[datetime] = frozenset()

    def at(self, index: int | None) -> datetime:
        """Return the floor for what has a log index; None: for what comes after all."""
        end = len(self.rises)
        if index is not None:
            end = bisect_left(self.rises, index, key=itemgetter(0))
        return self.rises[end - 1][1] if end else BEGINNING

    def size_at(self, moment: datetime) -> int | None:
        """Return how many entries the log had at a moment, by their dates; None: all of them."""
        return next((index for index, at in self.rises if at > moment), None)

    def behind(self, now: datetime) -> "ClockBehind | None":
        """Return how far a clock that says ``now`` is behind; None: not more than clocks may."""
        if not self.rises or self.rises[-1][1] - now <= CLOCK_SKEW:
            return None
        index, floor = self.rises[-1]
        return ClockBehind(now, floor, index)

    def signing_date(self, now: datetime) -> datetime:
        """Return what a manifest signed when a clock says ``now`` claims as its date."""
        behind = self.behind(now)
        return behind.floor if behind else now


class ClockBehind(Struct, frozen=True):
    """A writer's clock that is behind the log.

    Attributes:
        clock: What it says.
        floor: The floor of the log, which manifests are dated with instead.
        index: Log index of the entry that claims it.
    """

    clock: datetime
    floor: datetime
    index: int


def floors_of(
    dates: Iterable[Dated], policies: Sequence[tuple[int, Policy]], authors: Sequence[str] = ()
) -> ClockFloors:
    """Return the floors of a log.

    An entry counts if its key had a role where it stands, was not suspect there by what is known
    now, no owner calls it misdated, and it does not claim the very moment that a misdated entry
    before it claims.

    Args:
        dates: Of log entries, in order.
        policies: Every policy that took effect, with its log index, in order; the first is that
            of entry 0. Each is in force for the entries after its own.
        authors: Who signed each, as did:key, as far as anybody was suspect.

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
    """Return the latest date that is to be logged, if none is from the future.

    Args:
        floors: Those of the log.
        now: The writer's clock.
        dates: What the entries by the store's own people claim; those that misdated entries claim
            raise no floor, and do not count.

    Raises:
        ConflictError: (``dated-ahead``) one is later than this clock and the log.
    """
    latest = max((date for date in dates if date not in floors.wrong), default=BEGINNING)
    if latest - floors.signing_date(now) > CLOCK_SKEW:
        raise ConflictError(
            "dated-ahead",
            f"it claims to be signed at {format_timestamp(latest)}, and here it is "
            f"{format_timestamp(now)}",
            hint="set the clock, here or where it was signed, and sign it anew",
            details={"now": format_timestamp(now), "dated": format_timestamp(latest)},
        )
    return latest


def check_gap(floors: ClockFloors, date: datetime) -> None:
    """Check that ``date`` is not long after all that the log holds.

    ATTACK A98: one commit by a clock that is years ahead, and everybody after it is behind.

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
    """The dates of a store's log, read once and remembered by log root.

    Args:
        directory: Of this user's, for this store; None to remember nothing on disk.

    Cost: one read of each entry not read before, and one signature per credential among them.
    """

    def __init__(self, directory: Path | None) -> None:
        self._path = None if directory is None else directory / "dates"
        self._dates: list[Dated] = []
        self._size = 0
        self._recalled = 0
        self._floors = ClockFloors()
        self._state: object = None

    def copy(self) -> "DatedEntries":
        """Return the same for another view of the same log, perhaps a longer one."""
        other = DatedEntries(None)
        other._dates, other._size = list(self._dates), self._size
        return other

    def floors(self, repository: StoreView, table: RefTable) -> ClockFloors:
        """Return the clock floors of a store.

        Args:
            repository: The store.
            table: With the policies to judge by.

        Raises:
            LyrikstoreError: An entry cannot be read: what it claims may be the latest.
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
        """Return which entries of a store's log were not there yet at a moment (spec §7.9).

        Args:
            repository: The store.
            table: As for :meth:`floors`, whose errors it raises.
            moment: An earlier one.

        Returns:
            Their log indices: all from where the floor rises above the moment; and those before
            that claim a later date, which raise no floor if others signed them.
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
        told: dict[str, Any] = {
            "version": __version__,
            "size": len(hashes),
            "root": merkle.root(hashes).hex(),
            "keys": list(keys),
            "dates": [(one.index, keys[one.key], format_timestamp(one.at)) for one in self._dates],
        }
        text = json.dumps(told).encode()
        if len(text) + _SUM > MAX_BYTES:
            return
        remember(path, blake3(text).digest() + text)  # as refs are: what is torn is no memory


def date_of_manifest(manifest: Manifest) -> datetime:
    """Return when a manifest says that it was signed."""
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
