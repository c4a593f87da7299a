"""Copying a log between stores, fast-forward only: clone, pull, and filling a mirror.

Packs first, then records, then tiles, the log checkpoint last: whenever copying stops, the visible
part is complete (spec §15.4).
"""

from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    InvalidInputError,
    VerificationError,
    storage_errors,
)
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.history.commit.publisher import (
    create_files,
    foreign_record,
    location_text,
    log_files,
)
from lyrikstore.history.log.checkpoint import SignedCheckpoint
from lyrikstore.history.log.entries import CHECKPOINT, FORMAT, Records
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.log.memory_files import LogName
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.clone import MARK, MirrorMarker, local_origin, read_mark
from lyrikstore.history.repository.liveness import document_blobs, require_collected
from lyrikstore.history.repository.log_keys import copy_log_keys
from lyrikstore.history.repository.partial_clone import (
    PARTIAL,
    Selection,
    documents_of,
    holders,
    read_selection,
    refuse_audit_clone,
)
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.sync.audit_clone import fetch_audited
from lyrikstore.history.sync.first_contact import initial_fetch
from lyrikstore.history.sync.negotiate import (
    LogRelation,
    Negotiation,
    check_memory,
    negotiate,
    refuse_itself,
    rolled_back,
    while_it_grows,
)
from lyrikstore.objects.backends.base import Backend, LocalBackend
from lyrikstore.objects.pack.format import PackRef
from lyrikstore.objects.store.lock import StoreLock
from lyrikstore.objects.store.transactions import fold
from lyrikstore.objects.transfer import Moved, absent, copy_packs


class PullResult(Struct, frozen=True):
    """The result of a pull or clone.

    Attributes:
        before: Number of log entries here before.
        after: Number of log entries here afterwards.
        packs: The copied packs; in a dry run, those that would be copied.
        missing: Packs that are not fetched, because the clone is partial.
        known: Whether the store was known before, or is trusted on first use.
    """

    before: int
    after: int
    packs: Moved
    missing: int
    known: bool = True


def pull(
    repository: Repository,
    backend: Backend,
    where: str,
    *,
    memory: LogMemory,
    all_data: bool = False,
    dry_run: bool = False,
    progress: OnProgress = silent,
) -> PullResult:
    """Update this store's copy of the home log to the state of a remote.

    Args:
        repository: A clone, or a home whose newest state only a mirror has.
        backend: The remote.
        where: Its name in messages.
        memory: The log checkpoints seen before.
        all_data: Whether to fetch also the data that a partial clone left out, and make it a
            complete clone.
        dry_run: Compute the result; change nothing.
        progress: Progress callback, called per pack.

    Raises:
        VerificationError: (``remote-rolled-back``, ``remote-forked``, ``pack-damaged``, …) the
            remote's log or a pack does not verify.
        NotFoundError, RemoteError, StorageError, LockedError: Storage backend errors.
        LyrikstoreError: As :func:`copy_log` and :func:`negotiate`.
    """
    with StoreLock(repository.root / "lock"):
        repository.refresh()
        contact = while_it_grows(backend, lambda: _meet(repository, backend, where, memory))
        here = repository.checkpoint
        ahead = contact.relation is LogRelation.AHEAD
        signed = contact.signed if ahead else here
        live = fold(contact.records.transactions[: contact.records.covered(signed.size)])
        selection = read_selection(repository.backend)
        if all_data:
            refuse_audit_clone(selection, "its data stays at the home")
            selection = None
        for_audit = selection is not None and selection.for_audit
        wanted = list(live.packs) if selection is None else documents_of(live.packs)
        local = repository.backend
        fetched = Moved()
        if selection is not None and for_audit:
            wanted = []
            if not dry_run:
                records = contact.records
                fetched = fetch_audited(backend, local, records, signed.size, selection)
        if dry_run:
            return PullResult(here.size, signed.size, Moved.of(absent(local, wanted)), 0)
        if ahead:
            moved = copy_log(
                backend,
                local,
                contact.records,
                signed,
                here,
                packs=wanted,
                genesis=repository.genesis,
                progress=progress,
            )
        else:
            moved = copy_packs(backend, local, wanted, progress)
        mark = read_mark(local)
        if mark is not None and mark.moving and contact.mark is None:
            local.replace(MARK, MirrorMarker().encode())  # the new home is there: the move is done
        if all_data:
            local.remove(PARTIAL)
        repository.refresh()
        moved = _add(
            _add(moved, fetched), _fetch_selected(repository, backend, selection, progress)
        )
        memory.remember_head(signed.head, signed.signers, repository.store_id)
        return PullResult(here.size, signed.size, moved, _missing(repository))


def _meet(repository: Repository, backend: Backend, where: str, memory: LogMemory) -> Negotiation:
    contact = negotiate(backend, repository, where)
    lagging = contact.mark is not None
    if contact.relation is LogRelation.BEHIND and not lagging:
        raise rolled_back(where, contact.signed.head, repository.checkpoint.head)
    keys = dict.fromkeys((*repository.log_keys, *contact.signed.signers))
    logs: list[LogName] = [*keys, repository.store_id]
    check_memory(memory, logs, contact.signed, contact.records, where, lagging=lagging)
    return contact


def clone(
    backend: Backend,
    where: str,
    root: Path,
    *,
    memory: LogMemory,
    expected: Digest | None = None,
    selection: Selection | None = None,
    progress: OnProgress = silent,
) -> tuple[Repository, PullResult]:
    """Clone the store at a remote into the new folder ``root``.

    An interrupted clone continues where it stopped, and is not a store before it is complete.

    Args:
        backend: The remote.
        where: Its name in messages.
        root: The store folder to create; its parent is created if missing.
        memory: The log checkpoints seen before.
        expected: The store's id, if known.
        selection: The data to fetch; None for everything.
        progress: Progress callback, called per pack.

    Raises:
        ConflictError: (``store-exists``) there is a store, or another file, at ``root``.
        InvalidInputError, NotFoundError: A REF of ``selection`` is not in the store.
        VerificationError, FormatError, RemoteError, StorageError: See :func:`pull`.
        LyrikstoreError: As :func:`initial_fetch` and :func:`require_collected`.
    """
    local = LocalBackend(root)
    if isinstance(backend, LocalBackend):
        refuse_itself(local, backend.root)
    if local.size("format") is not None or (root.is_dir() and any(root.iterdir())):
        begun = root.is_dir() and local.size("format") is None and local.size(MARK) is not None
        if not begun:
            raise ConflictError(
                "store-exists", f"{root} exists already", hint="choose another folder, or pull"
            )
    try:
        found = initial_fetch(backend, where, memory=memory, expected=expected)
    except VerificationError as error:
        if error.kind == "bad-genesis":  # a pack that no record names may have it
            refuse_audit_clone(read_selection(backend), "clone the home of its store")
        raise
    with storage_errors(f"making {root}"):
        root.mkdir(parents=True, exist_ok=True)
    with StoreLock(root / "lock"):
        local.create(MARK, MirrorMarker().encode())
        # Whatever clone was here before is gone because the user makes another.
        memory.forget_place(location_text(root), local_origin(found.signed.origin))
        earlier = read_selection(local)
        if earlier and selection and earlier.for_audit and selection.for_audit:
            selection = earlier  # with the packs that it has already
        if selection is not None:
            local.replace(PARTIAL, selection.encode())
        live = fold(found.records.transactions[: found.records.covered(found.signed.size)])
        documents = documents_of(live.packs)
        fetched = Moved()
        if selection is not None and selection.for_audit:
            size = found.signed.size
            fetched = fetch_audited(backend, local, found.records, size, selection)
            documents = []
        moved = copy_log(
            backend,
            local,
            found.records,
            found.signed,
            None,
            packs=documents,
            genesis=found.genesis,
            progress=progress,
        )
        moved = _add(moved, fetched)
        data = [pack for pack in live.packs if pack not in set(documents)]
        if selection is None or selection.only:
            hint = (
                "run lyrikstore gc at the home of the store, or ask its owner to; then clone again"
            )
            require_collected(Repository(local, location=root), data, backend, hint)
        if selection is None:
            moved = _add(moved, copy_packs(backend, local, data, progress))
        local.create("format", FORMAT)
        repository = Repository.open(root, memory=memory)
        moved = _add(moved, _fetch_selected(repository, backend, selection, progress))
        memory.remember_head(found.signed.head, found.signed.signers, repository.store_id)
    result = PullResult(0, found.signed.size, moved, _missing(repository), found.known)
    return repository, result


def copy_log(
    source: Backend,
    target: Backend,
    records: Records,
    signed: SignedCheckpoint,
    old: SignedCheckpoint | None,
    *,
    packs: list[PackRef],
    genesis: Manifest,
    progress: OnProgress = silent,
) -> Moved:
    """Update a copy of a log from one log checkpoint to a later one.

    A new copy is not a store yet: the caller creates the file ``format`` last.

    Args:
        source: The backend with the packs.
        target: The copy.
        records: Verified records, up to the later log checkpoint at least.
        signed: The later log checkpoint, verified.
        old: The copy's log checkpoint; None if it has none.
        packs: The packs that the copy will have.
        genesis: The store's verified genesis manifest.
        progress: Progress callback, called per pack.

    Raises:
        ConflictError: (``foreign-record``) the copy has a different record in a slot; (``busy``)
            another process updated the copy meanwhile.
        VerificationError, StorageError, RemoteError: See :func:`copy_packs`.
    """
    moved = copy_packs(source, target, packs, progress)
    size, old_size = signed.size, old.size if old else 0
    first = records.covered(old_size) if old else 0
    new = {one.name: one for one in records.transactions[first : records.covered(size)]}
    # All at once: nobody looks at any of them before the log checkpoint covers them.
    files = {name: one.encode() for name, one in new.items()} | log_files(records, size, old_size)
    for name in create_files(target, files):
        if name in new:
            raise foreign_record(new[name].seq)
        target.replace(name, files[name])
    copy_log_keys(source, target, genesis)  # before a log checkpoint that needs them
    if old is None:
        target.replace(CHECKPOINT, signed.note)
    elif old.note != signed.note and not target.swap(CHECKPOINT, old.note, signed.note):
        raise ConflictError("busy", "another process updated it meanwhile", hint="run again")
    return moved


def _fetch_selected(
    repository: Repository,
    backend: Backend,
    selection: Selection | None,
    progress: OnProgress,
) -> Moved:
    if selection is None or not selection.only:
        return Moved()
    wanted: set[Digest] = set()
    documents = document_blobs(repository)
    for ref in selection.only:
        manifest = repository.resolve(ref)
        if manifest.tree is None:
            raise InvalidInputError("no-tree", f"{ref}: a {manifest.kind} has no files")
        for entry in repository.tree(manifest).entries:
            if entry.blake3 in repository.live.chunk_lists:
                chunks = documents.chunks(entry.blake3)
                wanted.update(Digest(chunks.digest(number)) for number in range(len(chunks)))
            else:
                wanted.add(entry.blake3)
    data = [pack for pack in repository.live.packs if pack.role == "data"]
    here = {pack.id for pack in data} - {pack.id for pack in absent(repository.backend, data)}
    lacking = [pack for pack in data if pack.id not in here]
    moved = copy_packs(backend, repository.backend, holders(backend, lacking, wanted), progress)
    repository.refresh()
    return moved


def _missing(repository: Repository) -> int:
    if read_selection(repository.backend) is None:
        return 0
    return len(absent(repository.backend, repository.live.packs))


def _add(one: Moved, other: Moved) -> Moved:
    return Moved(one.files + other.files, one.bytes + other.bytes)
