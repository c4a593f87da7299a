"""Repair of a store from a clone, mirror or home of the same store (spec §15.7).

Damaged or missing files are fetched, verified, and put in place; the damaged file is moved to
``quarantine/``. Only the common part of the two logs is repaired: a remote cannot change the
content of this store, only restore it.
"""

from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    LyrikstoreError,
    NotFoundError,
    StorageError,
    VerificationError,
)
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.canon.text import pluralize
from lyrikstore.history.commit.publisher import log_files
from lyrikstore.history.log.entries import (
    CHECKPOINT,
    FORMAT,
    Records,
    check_head,
    claimed_size,
    read_checkpoint,
    read_records,
)
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.log_keys import copy_log_keys, read_log_keys
from lyrikstore.history.repository.partial_clone import Selection, read_selection
from lyrikstore.history.sync.audit_clone import fetch_audited
from lyrikstore.history.sync.first_contact import FetchedStore, initial_fetch
from lyrikstore.history.sync.negotiate import refuse_itself
from lyrikstore.objects.backends.base import NOT_A_FILE, Backend, LocalBackend
from lyrikstore.objects.pack.format import PackRef
from lyrikstore.objects.store.lock import StoreLock
from lyrikstore.objects.store.transactions import TransactionLog, fold, parse_transaction
from lyrikstore.objects.transfer import pack_problem, repair_pack, set_aside


class Repaired(Struct, frozen=True):
    """One repaired file.

    Attributes:
        name: Its name in the store.
        problem: ``missing`` or ``damaged``.
    """

    name: str
    problem: str


def repair_store(
    root: Path,
    source: Backend,
    where: str,
    *,
    memory: LogMemory,
    progress: OnProgress = silent,
) -> list[Repaired]:
    """Repair the damaged or missing files of the store at ``root``.

    Args:
        root: The store's folder; its log may be too damaged to be opened.
        source: A clone, mirror or home of the same store.
        where: Its name in messages.
        memory: The log checkpoints seen before.
        progress: Progress callback, called per pack.

    Returns:
        The repaired files. Files of entries that the source lacks cannot be repaired.

    Raises:
        VerificationError: (``not-repaired``) packs that are damaged here are damaged or missing
            there too: ``details.packs``. All others are repaired: ``details.restored``, by name.
        VerificationError, FormatError, NotFoundError: The source lacks files or does not verify.
        RemoteError, StorageError, LockedError: Storage backend errors.
        LyrikstoreError: As :func:`refuse_itself` and :func:`initial_fetch`.

    Cost: reads every pack here once, and fetches the damaged ones.
    """
    local = LocalBackend(root)
    refuse_itself(source, root)
    found = initial_fetch(source, where, memory=memory, expected=_id_of(local))
    repaired: list[Repaired] = []
    with StoreLock(root / "lock"):
        _restore(local, "format", FORMAT, repaired)
        covered = found.records.covered(found.signed.size)
        for transaction in found.records.transactions[:covered]:
            _restore(local, transaction.name, transaction.encode(), repaired)
        copy_log_keys(source, local, found.genesis)
        size = _restore_head(local, found, repaired)
        records = read_records(local, size=size)
        for name, data in log_files(records, size, 0).items():
            _restore(local, name, data, repaired)
        packs = fold(records.transactions[: records.covered(size)]).packs
        done = 0
        lacking: list[str] = []
        for number, pack in enumerate(packs, 1):
            there = local.size(pack.name) if _is_file(local, pack.name) else None
            if there is None and _is_left_out(local, pack):
                continue  # not fetched is no damage
            problem = "missing" if there is None else "damaged"
            try:
                if repair_pack(local, source, pack):
                    repaired.append(Repaired(pack.name, problem))
            except (NotFoundError, VerificationError):
                lacking.append(pack.name)  # the next one may be whole there
            done += pack.bytes
            progress(Progress(number, len(packs), done))
        _restore_own(local, source, records, size, repaired)
    if lacking:
        raise _not_repaired(where, lacking, repaired)
    return repaired


def _restore_own(
    local: LocalBackend, source: Backend, records: Records, size: int, repaired: list[Repaired]
) -> None:
    """Make the packs that only an audit clone has anew, where they are damaged or missing."""
    selection = read_selection(local)
    sound, found = [], len(repaired)
    for pack in () if selection is None else selection.packs:
        if pack_problem(local, pack) is None:
            sound.append(pack)
            continue
        repaired.append(Repaired(pack.name, "damaged" if _is_file(local, pack.name) else "missing"))
        set_aside(local, pack.name)
    if len(repaired) > found:
        fetch_audited(source, local, records, size, Selection(for_audit=True, packs=tuple(sound)))


def _is_left_out(local: LocalBackend, pack: PackRef) -> bool:
    selection = read_selection(local)
    return selection is not None and (selection.for_audit or pack.role == "data")


def _not_repaired(where: str, lacking: list[str], repaired: list[Repaired]) -> VerificationError:
    shown = Path(lacking[0]).stem[:12] + (", …" if len(lacking) > 1 else "")
    return VerificationError(
        "not-repaired",
        f"{pluralize(len(lacking), 'pack is', 'packs are')} damaged or missing here and at {where} "
        f"too: {shown}",
        hint="all other files are restored; repair these packs from another copy, or list the lost "
        "files: lyrikstore verify",
        details={"packs": lacking, "restored": {one.name: one.problem for one in repaired}},
    )


def _restore_head(local: LocalBackend, found: FetchedStore, repaired: list[Repaired]) -> int:
    # A head of ours that holds is kept, also where it is newer than the source's.
    keys = read_log_keys(local, found.genesis).keys
    problem = "damaged" if (local.root / CHECKPOINT).is_symlink() else "missing"
    if _is_file(local, CHECKPOINT):
        problem = "damaged"
    try:
        note = read_checkpoint(local)
        return check_head(note, keys, read_records(local, size=claimed_size(note))).size
    except (LyrikstoreError, NotFoundError) as error:
        if isinstance(error, StorageError) and error.kind != NOT_A_FILE:
            raise
    set_aside(local, CHECKPOINT)
    local.replace(CHECKPOINT, found.signed.note)
    repaired.append(Repaired(CHECKPOINT, problem))
    return found.signed.size


def _restore(local: LocalBackend, name: str, data: bytes, repaired: list[Repaired]) -> None:
    problem = "missing"
    if _is_file(local, name):
        if local.read(name, 0, len(data) + 1) == data:
            return
        problem = "damaged"
    elif (local.root / name).is_symlink() or (local.root / name).exists():
        problem = "damaged"
    set_aside(local, name)
    local.create(name, data)
    repaired.append(Repaired(name, problem))


def _is_file(local: LocalBackend, name: str) -> bool:
    try:
        return local.size(name) is not None
    except StorageError as error:
        if error.kind != NOT_A_FILE:
            raise
        return False


def _id_of(local: LocalBackend) -> Digest | None:
    try:
        first = parse_transaction(TransactionLog(local).read_bytes(0), 0)
    except (FormatError, NotFoundError, StorageError):
        return None
    return first.log[0].id if first.log else None
