"""Deleting packs that were unneeded for the whole grace period (spec §16.4).

A pack that no record keeps live is first only listed in ``gc/waiting``; later runs increase its
age, and one of them deletes it. Clocks are not trusted, so a single run never increases an age by
more than half the grace period, and a clock that went back restarts all ages: neither a jump of a
clock nor machines with different clocks can delete a pack too early.
"""

import re
from collections.abc import Collection
from datetime import datetime, timedelta

from msgspec import Struct

from lyrikstore.canon import json
from lyrikstore.canon.errors import FormatError, InvalidInputError, NotFoundError, StorageError
from lyrikstore.canon.timestamps import format_timestamp, parse_timestamp
from lyrikstore.objects.backends.base import NOT_A_FILE, Backend

WAITING = "gc/waiting"
"""The packs to be deleted, with their ages; a derived file: if removed, all ages restart."""

GRACE = timedelta(days=14)
_TOLERANCE = timedelta(days=1)
_PACK = re.compile(r"packs/[0-9a-f]{2}/[0-9a-f]{64}\.pack")
_MAX_BYTES = 64 << 20


class Sweep(Struct, frozen=True):
    """The result of a sweep, or of its dry run.

    Attributes:
        deleted: Names of the deleted packs.
        bytes: Their total size.
        waiting: Names of packs that no record keeps live, with the age of each in seconds.
    """

    deleted: tuple[str, ...]
    bytes: int
    waiting: dict[str, int]


def sweep(
    backend: Backend,
    needed: Collection[str],
    *,
    now: datetime,
    grace: timedelta = GRACE,
    at_once: bool = False,
    dry_run: bool = False,
) -> Sweep:
    """Delete the packs that were seen unneeded for the whole of ``grace``.

    Call it while holding the store's lock, if it has one: a writer that finds an existing pack of
    the right name uses it.

    Args:
        backend: The store, a clone of it, or a remote.
        needed: Names of the packs that any record a reader may follow keeps live.
        now: The time; not trusted alone.
        grace: How long a pack must have been seen unneeded, over at least three runs; with zero,
            two runs.
        at_once: Whether to delete all of them now; only allowed if no other process reads or
            writes there.
        dry_run: Return the result; write nothing.

    Raises:
        InvalidInputError: (``bad-grace``) ``grace`` is negative.
        StorageError, RemoteError: Storage backend error; all packs deleted before it were due.

    Cost: lists the packs.
    """
    if grace < timedelta(0):
        raise InvalidInputError("bad-grace", "the grace cannot be negative")
    last, ages = _read(backend)
    step, at = _passed(last, now, grace)
    if last is not None and now < last - _TOLERANCE:
        ages = {}
    unneeded = [
        name for name in backend.list("packs/") if _PACK.fullmatch(name) and name not in needed
    ]
    waiting = {name: ages[name] + step if name in ages else 0 for name in unneeded}
    due = tuple(
        name
        for name in unneeded
        if at_once or (name in ages and waiting[name] >= grace.total_seconds())
    )
    left = {name: age for name, age in waiting.items() if name not in due}
    freed = sum(backend.size(name) or 0 for name in due)
    if not dry_run:
        # Written first: after a crash what is left of the deletions is due again.
        if waiting or ages:
            backend.replace(WAITING, _encode(at, waiting))
        for name in due:
            backend.remove(name)
    return Sweep(due, freed, left)


def _passed(last: datetime | None, now: datetime, grace: timedelta) -> tuple[int, datetime]:
    # How many seconds may be counted since the last run, and what to write down as its time.
    if last is None or now < last - _TOLERANCE:
        return 0, now
    if now < last:
        return 0, last  # a clock a little behind: no second is counted twice
    return int(min(now - last, grace / 2).total_seconds()), now


def _encode(at: datetime, ages: dict[str, int]) -> bytes:
    return json.encode({"v": 1, "at": format_timestamp(at), "waiting": ages})


def _read(backend: Backend) -> tuple[datetime | None, dict[str, int]]:
    try:
        data = backend.read(WAITING, 0, _MAX_BYTES + 1)
        document = json.parse_canonical(data, max_bytes=_MAX_BYTES)
        if isinstance(document, dict) and document.get("v") == 1:
            ages = document["waiting"]
            if all(type(age) is int and age >= 0 for age in ages.values()):
                return parse_timestamp(document["at"]), ages
    except (NotFoundError, FormatError, KeyError, AttributeError, TypeError):
        pass
    except StorageError as error:
        if error.kind != NOT_A_FILE:
            raise
    return None, {}  # absent or damaged: waiting starts anew, which is always safe
