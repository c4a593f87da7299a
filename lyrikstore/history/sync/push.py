"""Push: fill a mirror, move the home log, or append to it (spec §15.5).

A log has one home. The first remote that a store is pushed to becomes its home: from then on the
folder here is a clone like any other, so that it is always clear where the log is extended.
``--mirror`` keeps the home where it is, and makes the remote a copy that is never extended.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    IncompleteError,
    NotFoundError,
    RemoteError,
    VerificationError,
)
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.text import pluralize
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.commit.admission import require_blobs
from lyrikstore.history.commit.appender import Appender
from lyrikstore.history.log.entries import FORMAT
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.clone import MARK, MirrorMarker, read_mark
from lyrikstore.history.repository.liveness import require_collected
from lyrikstore.history.repository.partial_clone import refuse_audit_clone
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.sync.first_contact import is_missing
from lyrikstore.history.sync.negotiate import (
    LogRelation,
    Negotiation,
    negotiate,
    rolled_back,
    two_homes,
)
from lyrikstore.history.sync.pull import copy_log, pull
from lyrikstore.history.sync.select_pending import complete, packs_of, select_pending
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.backends.open import probe
from lyrikstore.objects.pack.format import PackRef
from lyrikstore.objects.store.lock import StoreLock
from lyrikstore.objects.store.transactions import LogItem, PackChanges, Transaction, TransactionLog
from lyrikstore.objects.transfer import Moved, Overlay, absent, copy_packs


class PushResult(Struct, frozen=True):
    """The result of a push.

    Attributes:
        what: ``filled`` a mirror, ``moved`` the home there, or ``appended`` to the home.
        before: Number of log entries at the remote before.
        after: Number of log entries at the remote afterwards.
        logged: Ids that the home log now has, in order; empty unless ``appended``.
        overtaken: Pending versions that another writer overtook, and that stay here.
        pending: Entries that are still only in the local log.
        packs: The copied packs; in a dry run, those that would be copied.
    """

    what: str
    before: int
    after: int
    logged: tuple[Digest, ...]
    overtaken: tuple[Manifest, ...]
    pending: int
    packs: Moved


class Remote(Struct, frozen=True):
    """A remote, as a parameter of a push.

    Attributes:
        backend: Its files.
        location: Its folder, or its URL without secrets.
        name: Its name in messages.
        mirror: Whether to make it a mirror.
    """

    backend: Backend
    location: Path | str
    name: str
    mirror: bool = False

    @property
    def id(self) -> str:
        """The id that a store records for the place to which its home is being moved."""
        return str(Digest.of(str(self.location).encode("utf-8", "surrogateescape")))


def push(
    repository: Repository,
    remote: Remote,
    *,
    memory: LogMemory,
    log_signer: Callable[[], Signer],
    dry_run: bool = False,
    progress: OnProgress = silent,
) -> PushResult:
    """Send the entries and packs that a remote lacks to the remote.

    Args:
        repository: This store.
        remote: The remote.
        memory: The log checkpoints that the log key signed, and those seen of the log.
        log_signer: Returns a signer whose key the genesis lists; called only if the home log will
            be extended.
        dry_run: Compute the result; change nothing.
        progress: Progress callback, called per pack.

    Raises:
        ConflictError: (``ref-moved``) another writer pushed a different version of a name; nothing
            was pushed; (``remote-ahead``) pull first; (``no-home``, ``two-homes``) it is not clear
            where the home is; (``other-store``, ``foreign-record``, ``copied-store``, ``busy``).
        KeyMaterialError: No log key of the home is available.
        VerificationError: (``remote-rolled-back``, ``remote-forked``, ``pack-damaged``, …) the
            remote's log or a pack does not verify.
        IncompleteError: (``not-fetched``) a partial clone cannot fill a mirror; (``retired``) a
            pack that would be copied contains data of retired versions.
        RemoteError, StorageError, LockedError: Storage backend errors. Copied files stay there.
    """
    try:
        contact = negotiate(remote.backend, repository, remote.name)
    except NotFoundError as error:
        if not is_missing(error):
            raise
        return _begin(repository, remote, dry_run=dry_run, progress=progress)
    if contact.mark is None and not remote.mirror:
        if not repository.is_mirror:
            raise two_homes(remote.name)
        return _append(
            repository,
            remote,
            contact,
            memory=memory,
            log_signer=log_signer,
            dry_run=dry_run,
            progress=progress,
        )
    if contact.relation is LogRelation.AHEAD:
        raise ConflictError(
            "remote-ahead",
            f"{remote.name} has {pluralize(contact.signed.size, 'log entry')}, this store "
            f"{repository.checkpoint.size}",
            hint="lyrikstore pull first",
        )
    if contact.mark is None and repository.is_mirror:
        raise ConflictError(
            "two-homes",
            f"{remote.name} is the home of this store, and cannot also be its mirror",
            hint="lyrikstore remote remove NAME; then add it again without --mirror",
        )
    return _fill(repository, remote, contact, "filled", dry_run=dry_run, progress=progress)


def _begin(
    repository: Repository, remote: Remote, *, dry_run: bool, progress: OnProgress
) -> PushResult:
    local = repository.backend
    if remote.mirror:
        return _fill(repository, remote, None, "filled", dry_run=dry_run, progress=progress)
    mark = read_mark(local)
    if mark is not None and mark.moving != remote.id:
        raise ConflictError(
            "no-home",
            f"there is no store at {remote.name}, and the home of this store is at another place",
            hint="push there with --mirror for a copy, or to the remote this store was cloned from",
        )
    if mark is None:
        _require_collected(repository, repository.home_live.packs)  # no gc could help later
    if dry_run:
        return _fill(repository, remote, None, "moved", dry_run=True, progress=progress)
    # Where nothing can be written there is no home: the log would have none at all.
    if mark is None and not probe(remote.backend).writable:
        raise RemoteError(
            "remote-read-only",
            f"{remote.name} cannot be written",
            hint="ask for write access there, or push to another remote",
        )
    # First nobody extends the log here any more, then it can be extended there: in between it has
    # no home, and the next push goes on.
    if mark is None:
        with StoreLock(repository.root / "lock"):
            repository.refresh()
            local.create(MARK, MirrorMarker(remote.id).encode())
        repository.refresh()
    result = _fill(repository, remote, None, "moved", dry_run=False, progress=progress)
    local.replace(MARK, MirrorMarker().encode())
    repository.refresh()
    return result


def _fill(
    repository: Repository,
    remote: Remote,
    contact: Negotiation | None,
    what: str,
    *,
    dry_run: bool,
    progress: OnProgress,
) -> PushResult:
    signed, records = repository.checkpoint, repository.records
    old = contact.signed if contact else None
    first = records.covered(old.size) if old else 0
    transactions = records.transactions[: records.covered(signed.size)]
    live = repository.home_live
    added = {pack.id for transaction in transactions[first:] for pack in transaction.added}
    packs = [pack for pack in live.packs if pack.id in added]
    missing = absent(repository.backend, packs)
    if missing:
        refuse_audit_clone(repository.selection, "it cannot fill a mirror")
        raise IncompleteError(
            "not-fetched",
            f"{pluralize(len(missing), 'pack is', 'packs are')} "
            "not here, so this clone cannot fill a mirror",
            hint="lyrikstore pull --all-data",
        )
    if what == "filled":
        _require_collected(repository, packs)
        if not dry_run and (contact is None or contact.mark is None):  # before anything else
            remote.backend.create(MARK, MirrorMarker().encode())
    if dry_run:
        moved = Moved.of(absent(remote.backend, packs))
    else:
        moved = copy_log(
            repository.backend,
            remote.backend,
            records,
            signed,
            old,
            packs=packs,
            genesis=repository.genesis,
            progress=progress,
        )
        remote.backend.create("format", FORMAT)
    before = old.size if old else 0
    return PushResult(what, before, signed.size, (), (), len(repository.pending), moved)


def _require_collected(repository: Repository, packs: Sequence[PackRef]) -> None:
    hint = "lyrikstore gc, then push again"
    if repository.is_mirror:
        hint = "collect garbage at the home: lyrikstore gc --remote origin; then push again"
    require_collected(repository, packs, repository.backend, hint)


def _append(
    repository: Repository,
    remote: Remote,
    contact: Negotiation,
    *,
    memory: LogMemory,
    log_signer: Callable[[], Signer],
    dry_run: bool,
    progress: OnProgress,
) -> PushResult:
    if contact.relation is LogRelation.BEHIND:
        raise rolled_back(remote.name, contact.signed.head, repository.checkpoint.head)
    with suppress(IncompleteError, NotFoundError, VerificationError):
        repository.floor()  # read here, and not once more over there
    there = Repository.over(
        Overlay(remote.backend, repository.backend),
        location=remote.location,
        memory=memory,
        known=repository,
    )
    before = there.checkpoint.size
    work = select_pending(repository, there)
    logged = tuple(entry.id for entry in work.entries)
    if work.entries and not dry_run:
        appender = Appender(there, log_signer=log_signer(), memory=memory)
        if TransactionLog(remote.backend).taken(there.records.covered(before)):
            # Of a push that died before what it had brought was visible, perhaps: then it is done.
            with appender.locked():
                work = select_pending(repository, there)
    brought = packs_of(repository, work.entries)
    if dry_run or not work.entries:
        moved = Moved.of(absent(remote.backend, brought.added))
        if not dry_run:
            pull(repository, remote.backend, remote.name, memory=memory, progress=progress)
        after = before + len(work.entries) + 1 if work.entries else there.checkpoint.size
        return PushResult(
            "appended", before, after, logged, work.overtaken, len(repository.pending), moved
        )
    items = [LogItem(one.type, one.id) for one in work.entries if one.type != "transaction"]
    manifests = [repository.manifest(item.id) for item in items if item.type == "manifest"]
    credentials = [repository.credential(item.id) for item in items if item.type == "credential"]
    # Before any lock is held: only then may the record name them, and nobody waits meanwhile.
    appender.check_dates(manifests, credentials)
    moved = copy_packs(repository.backend, remote.backend, brought.added, progress)
    changes = complete(repository, there, manifests, brought)
    copy_packs(repository.backend, remote.backend, changes.added)

    opened = frozenset(there.live.packs)

    def check(stored: PackChanges) -> None:
        # Whoever collects garbage there may have dropped what was found there when this began.
        if not opened <= frozenset(there.live.packs):
            require_blobs(there, manifests, stored, repacked=[item.id for item in items])

    def won(record: Transaction) -> None:
        # Whoever collects garbage there may have taken our packs before a record named them.
        copy_packs(repository.backend, remote.backend, record.added)

    appender.append(
        items,
        manifests,
        lambda: changes,
        credentials=credentials,
        overtaken=frozenset(manifest.id for manifest in work.needed),
        check=check,
        won=won,
    )
    repository.clock_behind = there.clock_behind
    pull(repository, remote.backend, remote.name, memory=memory)
    return PushResult(
        "appended",
        before,
        there.checkpoint.size,
        logged,
        work.overtaken,
        len(repository.pending),
        moved,
    )
