"""Garbage collection: GC roots, repack at home, sweep anywhere (spec/16-gc.md)."""

import contextlib
from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    IncompleteError,
    InvalidInputError,
    NotFoundError,
    VerificationError,
)
from lyrikstore.canon.json import JSON
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.timestamps import Clock
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.gc.purge import Purged, check_purged, clear_leftovers, refuse_pending
from lyrikstore.history.gc.retention import Retirement, plan_retirement, retire
from lyrikstore.history.gc.still_held import StillHeld, still_held
from lyrikstore.history.log.entries import read_records
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.liveness import live_blobs, live_roots
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import Retirements, removable, retirements
from lyrikstore.objects.backends.base import SCRATCH
from lyrikstore.objects.gc.plan import GARBAGE_SHARE, RepackPlan, plan_repack
from lyrikstore.objects.gc.repack import Repacked, repack
from lyrikstore.objects.gc.sweep import GRACE, Sweep, sweep
from lyrikstore.objects.io.safe_folder import refuse_link
from lyrikstore.objects.pack.format import PackRef
from lyrikstore.objects.store.blobs import open_blobs
from lyrikstore.objects.store.lock import StoreLock
from lyrikstore.objects.store.transactions import LiveObjects

_TRIES = 3
_Done = tuple[RepackPlan, Repacked, int | None]


class Collected(Struct, frozen=True):
    """The result of a garbage collection, or of its dry run.

    Attributes:
        retirement: The versions retired first; ``None`` if the call retires none.
        retention: The manifest of the retirement; ``None`` if there was nothing new to retire.
        plan: The repack plan; ``None`` where only a sweep is allowed.
        repacked: The rewritten packs; ``None`` likewise.
        swept: The deleted files, and those to be deleted later.
        seq: The transaction that dropped the packs; ``None`` if none was needed.
        purged: The result of a purge; ``None`` without a purge, or in a dry run.
        held: Versions that are not retired and contain data of versions retired now or earlier.
        along: Deployments that are retired together with their inputs.
    """

    retirement: Retirement | None
    retention: Manifest | None
    plan: RepackPlan | None
    repacked: Repacked | None
    swept: Sweep
    seq: int | None
    purged: Purged | None = None
    held: tuple[StillHeld, ...] = ()
    along: tuple[Manifest, ...] = ()

    def to_json(self) -> dict[str, JSON]:
        """Return the result in the form of ``schemas/cli/gc.schema.json``."""
        done, retired = self.repacked, self.retirement.versions if self.retirement else ()
        dropped, added = (done.dropped, done.added) if done else ((), ())
        return {
            "retired": [str(version.id) for version in retired],
            "retiredAlong": [{"id": str(one.id), "name": one.name} for one in self.along],
            "retention": str(self.retention.id) if self.retention else None,
            "packs": self.plan.packs if self.plan else 0,
            "garbageBytes": self.plan.garbage if self.plan else 0,
            "packsDropped": [{"id": str(pack.id), "bytes": pack.bytes} for pack in dropped],
            "packsAdded": [{"id": str(pack.id), "bytes": pack.bytes} for pack in added],
            "blobsCopied": done.blobs if done else 0,
            "leftAlone": [
                {"id": str(pack), "reason": why}
                for pack, why in (done.skipped.items() if done else ())
            ],
            "transaction": self.seq,
            "deleted": list(self.swept.deleted),
            "deletedBytes": self.swept.bytes,
            "waiting": [
                {"pack": pack, "seconds": seconds} for pack, seconds in self.swept.waiting.items()
            ],
            "stillHeldBy": [one.to_json() for one in self.held],
        }


def collect(
    repository: Repository,
    *,
    clock: Clock,
    signer: Signer | None = None,
    keep: tuple[str, int] | None = None,
    message: str = "",
    grace: timedelta = GRACE,
    share: float = GARBAGE_SHARE,
    purge: bool = False,
    dry_run: bool = False,
    progress: OnProgress = silent,
) -> Collected:
    """Collect garbage: rewrite packs with much garbage, and delete packs dropped long ago.

    Only a home repacks. The packs of a clone or mirror are those its home lists: there only packs
    that the home dropped are deleted.

    Args:
        repository: The store, here or on another machine. One without a log signer is only swept.
        clock: Returns the time.
        signer: Signs a retention; not needed if no version is retired.
        keep: A name and how many versions of it, the newest first, to keep: older versions are
            retired first.
        message: Free text, signed with the retention.
        grace: See :func:`lyrikstore.objects.gc.sweep.sweep`.
        share: See :func:`lyrikstore.objects.gc.plan.plan_repack`.
        purge: Rewrite every pack with any garbage, and delete at once all packs that no record
            names and all leftovers of crashed writers and repairs. No other process may read or
            write there: its operation fails. :func:`check_collected` then searches for leftovers.
        dry_run: Compute the exact result; change nothing.
        progress: Progress callback, called per pack that is rewritten.

    Raises:
        InvalidInputError, NotFoundError: As :func:`plan_retirement`; (``not-home``) ``keep`` in a
            clone or mirror; (``not-pushed``) ``purge`` in a clone where something is pending.
        IncompleteError, VerificationError, FormatError: Data that must stay cannot be read:
            repair the store first. Nothing was changed.
        ConflictError: (``repacked``) other writers repeatedly used data that was to be dropped, or
            repeatedly collected data that this one reads.
        LockedError, StorageError: As :meth:`TransactionBuilder.commit`; (``linked-folder``) a part
            of the store lies behind a link.

    Cost: reads every tree and chunk list, the footer of every pack, and the whole of each pack
        that is rewritten. Other writers wait only while the record is written.
    """
    plan = repacked = seq = retention = None
    share = 0 if purge else share
    if isinstance(repository.location, Path):
        # Before anything is written, and in a dry run: deletion itself would refuse weeks later.
        for part in ("packs", "gc", SCRATCH):
            refuse_link(repository.location / part)
    if purge:
        refuse_pending(repository)
    home = not repository.is_mirror
    if keep and not home:
        raise InvalidInputError(
            "not-home",
            "only the home of a store retires versions, and this is a clone or a mirror",
            hint=f"lyrikstore gc --remote origin --keep {keep[1]} {keep[0]}",
        )
    retirement = plan_retirement(repository, *keep) if keep else None
    retiring = frozenset(one.id for one in retirement.versions) if retirement else frozenset()
    before, after = retirements(repository), retirements(repository, retiring)
    along = after.versions - before.versions - retiring
    held = still_held(repository, after, after.versions if purge else along | retiring)
    if retirement and retiring and signer and not dry_run:
        retention = retire(
            repository,
            retirement,
            signer=signer,
            clock=clock,
            message=message,
        )
    if home:
        plan, repacked, seq = _repack_beside_others(
            repository, lambda: _repack(repository, retiring, share, dry_run, progress)
        )
    dropped = {pack.name for pack in repacked.dropped} if repacked and dry_run else set()
    found = Collected(
        retirement,
        retention,
        plan,
        repacked,
        _sweep(repository, clock, grace, dropped, purge=purge, dry_run=dry_run),
        seq,
        held=tuple(held),
        along=tuple(repository.manifest(one) for one in sorted(along)),
    )
    if not purge or dry_run:
        return found
    return replace(found, purged=_clear(repository, found.swept))


def _clear(repository: Repository, swept: Sweep) -> Purged:
    retired, folder = retirements(repository), repository.location
    attached = [one for one in map(repository.manifest, retired.versions)
                if removable(one) and not retired.gone(one)]  # fmt: skip
    found = Purged(swept.bytes, len(retired.versions), len(attached))
    if not isinstance(folder, Path):
        return found
    with StoreLock(folder / "lock"):
        return replace(found, bytes=found.bytes + clear_leftovers(folder))


def _repack_beside_others(repository: Repository, act: Callable[[], _Done]) -> _Done:
    # Somebody else may drop and delete what this one reads: then it is not lost, nor damaged.
    for attempt in range(_TRIES):
        opened = frozenset(repository.live.packs)
        try:
            plan, repacked, seq = act()
        except ConflictError as error:
            if error.kind != "repacked" or attempt == _TRIES - 1:
                raise
        except (FormatError, IncompleteError, NotFoundError, VerificationError) as error:
            repository.refresh()
            if opened <= frozenset(repository.live.packs):
                raise
            if attempt == _TRIES - 1:
                raise ConflictError(
                    "repacked",
                    "another process is collecting garbage in this store",
                    hint="run gc again when that process has ended",
                ) from error
        else:
            if repacked.skipped:
                repository.refresh()
                live = {pack.id for pack in repository.live.packs}
                left = {pack: why for pack, why in repacked.skipped.items() if pack in live}
                repacked = replace(repacked, skipped=left)
            return plan, repacked, seq
    raise AssertionError  # the last try returns or raises


def _repack(
    repository: Repository,
    retiring: Collection[Digest],
    share: float,
    dry_run: bool,
    progress: OnProgress,
) -> _Done:
    if dry_run or repository.log_signer is None:
        return *_rewrite(repository, retiring, share, dry_run=True, progress=progress), None
    with open_transaction(repository) as transaction:
        plan, repacked = _rewrite(repository, retiring, share, dry_run=False, progress=progress)
        if not repacked.dropped:
            return plan, repacked, None
        size = len(repository.entries())
        gone = {pack.id for pack in repacked.dropped}
        transaction.replace_packs(
            repacked.added, gone, lambda: _check_new(repository, repacked.added, gone, size)
        )
        transaction.commit()
    repository.refresh()
    return plan, repacked, len(repository.records.transactions) - 1


def _rewrite(
    repository: Repository,
    retiring: Collection[Digest],
    share: float,
    *,
    dry_run: bool,
    progress: OnProgress,
) -> tuple[RepackPlan, Repacked]:
    retired = retirements(repository, retiring)
    live = live_blobs(repository, retired)
    plan = plan_repack(repository.backend, repository.live, live, share=share)
    return plan, repack(repository.backend, plan, dry_run=dry_run, progress=progress)


def _check_new(
    repository: Repository, added: Collection[PackRef], gone: Collection[Digest], size: int
) -> None:
    # What was committed meanwhile may rely on blobs that were garbage when this began.
    if len(repository.entries()) == size:
        return
    live = repository.live
    packs = (*(pack for pack in live.packs if pack.id not in gone), *added)
    blobs = open_blobs(repository.backend, LiveObjects(packs, live.chunk_lists))
    for root in live_roots(repository, retired=Retirements(), since=size):
        if not blobs.is_whole(root):
            raise ConflictError(
                "repacked",
                f"another commit uses blob {root.short}, which was to be dropped",
                hint="run gc again",
            )


def _sweep(
    repository: Repository,
    clock: Clock,
    grace: timedelta,
    dropped: Collection[str],
    *,
    purge: bool,
    dry_run: bool,
) -> Sweep:
    folder = repository.location
    with contextlib.ExitStack() as held:
        if not dry_run:
            if isinstance(folder, Path):
                held.enter_context(StoreLock(folder / "lock"))
            repository.refresh()
        needed = _needed(repository, purge=purge) - frozenset(dropped)
        return sweep(
            repository.backend,
            needed,
            now=clock(),
            grace=grace,
            at_once=purge,
            dry_run=dry_run,
        )


def check_collected(repository: Repository) -> None:
    """Raise `not-purged` if retired data is left after a purge; see :func:`check_purged`."""
    repository.refresh()
    check_purged(repository, _needed(repository, purge=True))


def _needed(repository: Repository, *, purge: bool) -> frozenset[str]:
    # Live now, or added by a later record, whether or not its writer has published it; of a clone
    # also whatever its local log ever added, unless all of it is to go that is not pending.
    records = read_records(repository.backend, repository.records)
    later = records.transactions[len(repository.records.transactions) :]
    if repository.is_mirror:
        own = repository.own_log
        local = read_records(own.backend, own.records).transactions
        later += local[len(own.records.transactions) :] if purge else local
    needed = {pack.name for pack in repository.live.packs}
    if repository.selection is not None:  # of a clone for an audit
        needed.update(pack.name for pack in repository.selection.packs)
    needed.update(pack.name for transaction in later for pack in transaction.added)
    return frozenset(needed)
