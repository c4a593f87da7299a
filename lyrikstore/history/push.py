"""Bringing work to a remote: filling a mirror, moving the home, or appending to it (spec §15.5).

A log has one home. The first remote that a store is pushed to becomes it: from then on the folder
here is a clone like any other, and nobody has to guess who may extend the log. ``--mirror`` keeps
the home where it is, and makes the remote a copy that nobody extends.
"""

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    IncompleteError,
    NotFoundError,
    RemoteError,
)
from lyrikstore.canon.grammar import counted
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.crypto.signer import Signer
from lyrikstore.history.accept import require_blobs
from lyrikstore.history.append import Appender, ref_moved
from lyrikstore.history.contact import (
    Contact,
    Relation,
    is_missing,
    meet,
    rolled_back,
    two_homes,
)
from lyrikstore.history.local import MARK, Mark, read_mark
from lyrikstore.history.logview import LoggedEntry
from lyrikstore.history.manifest import Manifest
from lyrikstore.history.memory import LogMemory
from lyrikstore.history.pull import copy_log, pull
from lyrikstore.history.refs import RefTable
from lyrikstore.history.repository import Repository
from lyrikstore.objects.backend import Backend
from lyrikstore.objects.lock import StoreLock
from lyrikstore.objects.remote import probe
from lyrikstore.objects.sync import Moved, Overlay, absent, copy_packs
from lyrikstore.objects.transactions import LogItem, PackChanges, Transaction, TransactionLog


class PushResult(Struct, frozen=True):
    """What a push did.

    Attributes:
        what: ``filled`` a mirror, ``moved`` the home there, or ``appended`` to the home.
        before: Log entries at the remote before.
        after: And afterwards.
        logged: Ids that the home log has now, in order; empty unless ``appended``.
        overtaken: Pending versions that others overtook, and that stay here.
        pending: What still waits in the local log.
        packs: What was copied, or for a dry run would be.
    """

    what: str
    before: int
    after: int
    logged: tuple[Digest, ...]
    overtaken: tuple[Manifest, ...]
    pending: int
    packs: Moved


class Remote(Struct, frozen=True):
    """A remote as a push needs to know it.

    Attributes:
        backend: Its files.
        location: Its folder, or its URL without secrets.
        name: What to call it in messages.
        mirror: Whether it shall be a mirror.
    """

    backend: Backend
    location: Path | str
    name: str
    mirror: bool = False

    @property
    def id(self) -> str:
        """What a store remembers of the place its home is being moved to."""
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
    """Bring what is here and not there to a remote.

    Args:
        repository: This store.
        remote: The remote.
        memory: What the log key signed before, and what was seen of the log.
        log_signer: Gives a signer whose key the genesis lists; asked only if the home log is to be
            extended.
        dry_run: Find out what would happen; change nothing.
        progress: Told about packs.

    Raises:
        ConflictError: (``ref-moved``) somebody else pushed another version of a name; nothing was
            pushed; (``remote-ahead``) pull first; (``no-home``, ``two-homes``) it is not clear
            where the home is; (``other-store``, ``foreign-record``, ``copied-store``, ``busy``).
        KeyMaterialError: No log key of the home is at hand.
        VerificationError: (``remote-rolled-back``, ``remote-forked``, ``pack-damaged``, …)
        IncompleteError: (``not-fetched``) a partial clone cannot fill a mirror.
        RemoteError, StorageError, LockedError: As the media. What was copied stays there.
    """
    try:
        contact = meet(remote.backend, repository, remote.name)
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
    if contact.relation is Relation.AHEAD:
        raise ConflictError(
            "remote-ahead",
            f"{remote.name} has {counted(contact.signed.size, 'log entry')}, this store "
            f"{repository.checkpoint.size}",
            hint="lyrikstore pull first",
        )
    if contact.mark is None:
        if repository.is_mirror:
            raise ConflictError(
                "two-homes",
                f"{remote.name} is the home of this store, and cannot be its mirror too",
                hint="lyrikstore remote remove and add it again without --mirror",
            )
        if not dry_run:
            remote.backend.create(MARK, Mark().encode())
    return _fill(repository, remote, contact, "filled", dry_run=dry_run, progress=progress)


def _begin(
    repository: Repository, remote: Remote, *, dry_run: bool, progress: OnProgress
) -> PushResult:
    local = repository.backend
    if remote.mirror:
        if not dry_run:
            remote.backend.create(MARK, Mark().encode())
        return _fill(repository, remote, None, "filled", dry_run=dry_run, progress=progress)
    mark = read_mark(local)
    if mark is not None and mark.moving != remote.id:
        raise ConflictError(
            "no-home",
            f"there is no store at {remote.name}, and the home of this one is elsewhere",
            hint="push there with --mirror for a copy, or to the remote this was cloned from",
        )
    if dry_run:
        return _fill(repository, remote, None, "moved", dry_run=True, progress=progress)
    # Where nothing can be written there is no home: the log would have none at all.
    if mark is None and not probe(remote.backend).writable:
        raise RemoteError(
            "remote-read-only",
            f"nothing can be written at {remote.name}",
            hint="ask for the right to write there, or push to another place",
        )
    # First nobody extends the log here any more, then it can be extended there: in between it has
    # no home, and the next push goes on.
    if mark is None:
        with StoreLock(repository.root / "lock"):
            repository.refresh()
            local.create(MARK, Mark(remote.id).encode())
        repository.refresh()
    result = _fill(repository, remote, None, "moved", dry_run=False, progress=progress)
    local.replace(MARK, Mark().encode())
    repository.refresh()
    return result


def _fill(
    repository: Repository,
    remote: Remote,
    contact: Contact | None,
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
        raise IncompleteError(
            "not-fetched",
            f"{counted(len(missing), 'pack is', 'packs are')} "
            "not here, so this clone cannot fill a mirror",
            hint="lyrikstore pull --all-data",
        )
    if dry_run:
        lacking = absent(remote.backend, packs)
        moved = Moved(len(lacking), sum(pack.bytes for pack in lacking))
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
    before = old.size if old else 0
    return PushResult(what, before, signed.size, (), (), len(repository.pending), moved)


def _append(
    repository: Repository,
    remote: Remote,
    contact: Contact,
    *,
    memory: LogMemory,
    log_signer: Callable[[], Signer],
    dry_run: bool,
    progress: OnProgress,
) -> PushResult:
    if contact.relation is Relation.BEHIND:
        raise rolled_back(remote.name, contact.signed.head, repository.checkpoint.head)
    there = Repository.over(
        Overlay(remote.backend, repository.backend),
        location=remote.location,
        memory=memory,
        known=repository,
    )
    before = there.checkpoint.size
    choice, entries = _missing(repository, there)
    wanted = entries
    if entries and not dry_run:
        appender = Appender(there, log_signer=log_signer(), memory=memory)
        if TransactionLog(remote.backend).taken(there.records.covered(before)):
            # Of a push that died before what it had brought was visible, perhaps: then it is done.
            with appender.locked():
                choice, entries = _missing(repository, there)
    holders = _holders(repository, entries)
    packs = [pack for holder in holders for pack in holder.added]
    if dry_run or not entries:
        lacking = absent(remote.backend, packs)
        moved = Moved(len(lacking), sum(pack.bytes for pack in lacking)) if entries else Moved()
        if not dry_run:
            pull(repository, remote.backend, remote.name, memory=memory, progress=progress)
        after = before + len(entries) + 1 if entries else there.checkpoint.size
        logged = tuple(entry.id for entry in wanted)
        return PushResult(
            "appended", before, after, logged, choice.overtaken, len(repository.pending), moved
        )
    # Before any lock is held: only then may the record name them, and nobody waits meanwhile.
    moved = copy_packs(repository.backend, remote.backend, packs, progress)
    manifests = [repository.manifest(entry.id) for entry in entries if entry.type == "manifest"]
    lists = dict(pair for holder in holders for pair in holder.chunk_lists)
    changes = _complete(
        repository, there, manifests, PackChanges(tuple(dict.fromkeys(packs)), tuple(lists.items()))
    )
    copy_packs(repository.backend, remote.backend, changes.added)

    opened = frozenset(there.live.packs)

    def check(stored: PackChanges) -> None:
        # Whoever collects garbage there may have dropped what was found there when this began.
        if not opened <= frozenset(there.live.packs):
            relied = [entry.id for entry in entries if entry.type != "transaction"]
            require_blobs(there, manifests, stored, repacked=relied)

    def won(record: Transaction) -> None:
        # Whoever collects garbage there may have taken our packs before a record named them.
        copy_packs(repository.backend, remote.backend, record.added)

    appender.append(
        [LogItem(entry.type, entry.id) for entry in entries if entry.type != "transaction"],
        manifests,
        lambda: changes,
        overtaken=frozenset(manifest.id for manifest in choice.needed),
        check=check,
        won=won,
    )
    pull(repository, remote.backend, remote.name, memory=memory)
    return PushResult(
        "appended",
        before,
        there.checkpoint.size,
        tuple(entry.id for entry in wanted),
        choice.overtaken,
        len(repository.pending),
        moved,
    )


class _Choice(Struct, frozen=True):
    # What of the pending entries goes home: those with effect, and overtaken ones that they rest
    # on; other overtaken ones stay.
    entries: tuple[LoggedEntry, ...]
    needed: tuple[Manifest, ...]
    overtaken: tuple[Manifest, ...]


def _missing(repository: Repository, there: Repository) -> tuple[_Choice, list[LoggedEntry]]:
    # What the home lacks.
    choice = _choose(repository, there.home_table)
    return choice, [entry for entry in choice.entries if not there.is_logged(entry.id, entry.type)]


def _choose(repository: Repository, home: RefTable) -> _Choice:
    without_effect = {item.index for item in repository.flagged}
    table = home.copy()
    index = 1 << 52  # any number will do: nobody sees this table
    wanted: set[Digest] = set()
    overtaken: dict[Digest, Manifest] = {}
    for entry in repository.pending:
        if entry.type != "manifest":
            continue
        manifest = repository.manifest(entry.id)
        if entry.index in without_effect:
            overtaken[entry.id] = manifest
            continue
        current = table.refs.get(manifest.name)
        index += 1
        reason = table.apply(index, manifest)
        # What the policy forbids by now is said when the slot is asked for; what is there already
        # was brought by a push whose answer got lost.
        there = reason == "already-logged" and _moved(home, entry.id)
        if reason is not None and reason != "unauthorised" and not there:
            raise ref_moved(
                manifest,
                current.id if current else None,
                hint="lyrikstore pull, then push again: what was issued goes along, and stays good"
                if manifest.kind == "records"  # of one version issued in two places: it has one
                else "lyrikstore pull, then make the change again on what is current",
            )
        wanted.update(item.id for item in manifest.inputs)
    needed: list[Manifest] = []
    for identity in reversed(list(overtaken)):
        if identity in wanted:
            manifest = overtaken.pop(identity)
            needed.insert(0, manifest)
            wanted.update(item.id for item in manifest.inputs)
    entries = tuple(entry for entry in repository.pending if entry.id not in overtaken)
    return _Choice(entries, tuple(needed), tuple(overtaken.values()))


def _moved(table: RefTable, identity: Digest) -> bool:
    return any(identity in state.history for state in table.refs.values())


def _holders(repository: Repository, entries: list[LoggedEntry]) -> list[Transaction]:
    ids = {entry.id for entry in entries}
    return [
        transaction
        for transaction in repository.pending_transactions
        if any(item.id in ids for item in transaction.log)
    ]


def _complete(
    repository: Repository, there: Repository, manifests: list[Manifest], changes: PackChanges
) -> PackChanges:
    # What goes home may rest on blobs in packs that do not go with it: of an overtaken version
    # with the same files, or that the home dropped since. Every blob is looked for there, and
    # where one would be missing those packs go along.
    try:
        require_blobs(there, manifests, changes)
    except IncompleteError:
        first = repository.records.covered(repository.checkpoint.size)
        dropped = {
            pack
            for transaction in there.records.transactions[first:]
            for pack in transaction.dropped
        }
        known = {pack.id for pack in (*there.live.packs, *changes.added)}
        ours = [pack for pack in repository.home_live.packs if pack.id in dropped]
        ours += [pack for one in repository.pending_transactions for pack in one.added]
        lists = {pair for one in repository.pending_transactions for pair in one.chunk_lists}
        more = dict.fromkeys(pack for pack in ours if pack.id not in known)
        changes = PackChanges(
            (*changes.added, *more), tuple(dict((*changes.chunk_lists, *lists)).items())
        )
        require_blobs(there, manifests, changes)
    return changes
