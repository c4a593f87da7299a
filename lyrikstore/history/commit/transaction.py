"""Transactions: the only code that appends to a store (spec §7.6).

Blobs are kept in scratch files while a transaction is open. ``commit`` then takes the store's lock,
reads the current state again, wins the next slot by creating its record, and publishes. Before the
record exists nothing is committed; afterwards everything is, even if this process crashes: the
next writer of the log with the same memory publishes it.
"""

import os
import shutil
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    InvalidInputError,
    KeyMaterialError,
    storage_error,
)
from lyrikstore.canon.files import sync_directory
from lyrikstore.canon.limits import MAX_CREDENTIAL_BYTES
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import Clock
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.commit.admission import require_blobs
from lyrikstore.history.commit.appender import Appender
from lyrikstore.history.commit.completeness import repacked_error
from lyrikstore.history.commit.publisher import Publisher, location_text
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import LogCheckpoint
from lyrikstore.history.log.entries import FORMAT, read_records
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.log.note import VerifierKey, check_name
from lyrikstore.history.manifests.kinds import GENESIS_NAME
from lyrikstore.history.manifests.manifest import Manifest, sign_manifest
from lyrikstore.history.policy.policy import Genesis, Policy
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.io.scratch import clean_leftovers
from lyrikstore.objects.pack.format import PackRef
from lyrikstore.objects.store.blobs import BlobStore
from lyrikstore.objects.store.transactions import (
    LogItem,
    LogType,
    PackChanges,
    Transaction,
    TransactionLog,
)

if TYPE_CHECKING:
    from lyrikstore.objects.store.writer import BlobWriter


class TransactionBuilder:
    """An open transaction; a context manager. Leaving it without :meth:`commit` undoes everything.

    Args:
        repository: The store.
        log_signer: Holds its log key.
        memory: The log checkpoints that this key signed before.

    Raises:
        KeyMaterialError: (``wrong-log-key``) it is not this log's key.
    """

    def __init__(self, repository: Repository, *, log_signer: Signer, memory: LogMemory) -> None:
        self._repository = repository
        self._appender = Appender(repository, log_signer=log_signer, memory=memory)
        self._writer: BlobWriter | None = None
        self._items: list[LogItem] = []
        self._manifests: list[Manifest] = []
        self._credentials: list[bytes] = []
        self._trees: dict[Digest, Tree] = {}
        self._new: dict[Digest, Sequence[int]] = {}
        self._opened: frozenset[PackRef] = frozenset()
        self._added: tuple[PackRef, ...] = ()
        self._dropped: tuple[Digest, ...] = ()
        self._still_good: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        # Now, not after an hour of hashing: is this the original, and is nothing left undone?
        with self._appender.locked():
            clean_leftovers(self._repository.backend.scratch)
        self._opened = frozenset(self._repository.live.packs)
        self._writer = self._repository.blobs.writer()
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.abort()
            self._writer = None

    def check_original(self) -> None:
        """Raise `copied-store` unless the key signs this store's log, as :func:`recover` does."""
        self._appender.check_original()

    @property
    def writer(self) -> "BlobWriter":
        """The writer for blobs of this transaction.

        Raises:
            InvalidInputError: (``transaction-closed``) outside ``with``, or after the commit.
        """
        if self._writer is None:
            raise InvalidInputError("transaction-closed", "the transaction is not open")
        return self._writer

    def log_manifest(
        self, manifest: Manifest, tree: Tree | None = None, *, new: Sequence[int] | None = None
    ) -> Digest:
        """Store a manifest, to be logged after the earlier ones; return its id.

        Args:
            manifest: The manifest.
            tree: The tree it names, already stored, if it need not be read back.
            new: Positions in ``tree`` of the files that its first parent does not have
                identically: only these are checked before the commit. None for all.
        """
        self.writer.put_bytes(manifest.encode())
        if tree is not None and tree.id == manifest.tree:
            self._trees[tree.id] = tree
            if new is not None and manifest.parents:
                self._new[manifest.id] = new
        self._manifests.append(manifest)
        return self._log("manifest", manifest.id)

    def log_credential(self, data: bytes) -> Digest:
        """Store a credential, byte-exact, to be logged; return its id.

        Raises:
            InvalidInputError: (``too-large``) readers would refuse it.
        """
        if len(data) > MAX_CREDENTIAL_BYTES:
            raise InvalidInputError(
                "too-large",
                f"a credential of {pluralize(len(data), 'byte')}; "
                f"at most {MAX_CREDENTIAL_BYTES} can be read",
            )
        self._credentials.append(data)
        return self._log("credential", self.writer.put_bytes(data))

    def replace_packs(
        self,
        added: Collection[PackRef],
        dropped: Collection[Digest],
        still_good: Callable[[], None],
    ) -> None:
        """Add packs in this transaction, and drop the packs that they replace.

        Args:
            added: Complete and durable packs that no record names yet.
            dropped: Live packs.
            still_good: Called once no other writer can change the store; raises if a commit
                meanwhile forbids the replacement.
        """
        self._added, self._dropped = tuple(added), tuple(dropped)
        self._still_good = still_good

    def hold(self, still_good: Callable[[], None]) -> None:
        """Register a check that is called once no other writer can change the store.

        Args:
            still_good: Raises if a commit meanwhile forbids the transaction.
        """
        self._still_good = still_good

    def commit(self) -> list[int]:
        """Make everything durable and visible, or nothing.

        Returns:
            The log indices of the logged documents, in the order of the calls.

        Raises:
            InvalidInputError: (``nothing-to-log``) the transaction has no manifest or credential;
                (``bad-manifest``) a manifest can have no effect in this store;
                (``file-changed``) see :meth:`BlobWriter.recheck`.
            ConflictError: (``ref-moved``) another writer changed a name meanwhile;
                (``repacked``) garbage that this transaction needs was dropped meanwhile;
                (``copied-store``) this is not the original store; (``foreign-record``) the next
                slot has a record that this user did not make; (``busy``) other writers win every
                slot.
            PolicyError: (``unauthorised``) the policy does not allow an author to sign this.
            IncompleteError: (``blob-missing``) a manifest names a blob that is not in the store.
            LockedError: (``locked``) another process holds the store for more than 30 s.
            StorageError: Storage backend error. The record may exist; then the next writer
                publishes it, and the commit need not be repeated.
        """
        if not self._items and self._still_good is None:
            raise InvalidInputError("nothing-to-log", "the transaction logs nothing")
        self.writer.recheck()  # not while others wait for the lock
        start = self._appender.append(
            self._items,
            self._manifests,
            self._finish,
            credentials=self._credentials,
            check=self._check,
            dropped=self._dropped,
            every_time=self._still_good is not None,
        )
        self._writer = None
        return list(range(start, start + len(self._items)))

    def _finish(self) -> PackChanges:
        changes = self.writer.finish()
        return replace(changes, added=(*changes.added, *self._added))

    def _check(self, stored: PackChanges) -> None:
        # Packs are dropped only when gc ran meanwhile. Then nothing that was live to the writer
        # can be taken for granted, chunks of large blobs included.
        live = frozenset(self._repository.live.packs)
        relied = [item.id for item in self._items] if not self._opened <= live else []
        require_blobs(
            self._repository,
            self._manifests,
            stored,
            self._trees,
            new=self._new,
            repacked=relied,
        )
        if self._still_good is None:
            return
        backend, now = self._repository.backend, {pack.id for pack in live}
        gone = [pack for pack in self._dropped if pack not in now]
        # A sweep may have taken a new one that waited under the same name.
        gone += [pack.id for pack in self._added if backend.size(pack.name) != pack.bytes]
        if gone:
            raise repacked_error(f"pack {gone[0].short} was dropped")
        self._still_good()

    def _log(self, kind: LogType, identity: Digest) -> Digest:
        self._items.append(LogItem(kind, identity))
        return identity


def open_transaction(repository: Repository) -> TransactionBuilder:
    """Return a transaction for use in ``with``: store blobs, log manifests, commit.

    Args:
        repository: The store, opened with a memory and a log signer.

    Raises:
        InvalidInputError: (``no-memory``) it was opened without a memory.
        KeyMaterialError: (``no-signer``, ``wrong-log-key``) no key of this log is available.
    """
    if repository.memory is None:
        raise InvalidInputError(
            "no-memory", "the store was opened only for reading", hint="open it with a LogMemory"
        )
    if repository.log_signer is None:
        raise KeyMaterialError(
            "no-signer", "the store was opened only for reading", hint="give it a log signer"
        )
    return TransactionBuilder(
        repository, log_signer=repository.log_signer, memory=repository.memory
    )


def recover(repository: Repository) -> None:
    """Publish the transaction that an earlier writer of this user committed and left; then refresh.

    Call it before determining the parent of a new version, and before long work whose result is
    logged: a copy of a store is refused here.

    Raises:
        ConflictError: (``copied-store``) see :meth:`Publisher.check_original`.
        LyrikstoreError: As :func:`open_transaction`.

    Cost: one lookup of a file if there is nothing to do, and one in the memory.
    """
    own = repository.own_log
    if TransactionLog(own.backend).taken(len(own.records.transactions)):
        with open_transaction(repository):
            pass
        return
    with suppress(KeyMaterialError):  # without the key of the log nothing can be logged anyway
        open_transaction(repository).check_original()


def create_repository(
    root: Path, *, memory: LogMemory, log_signer: Signer, **options: Any
) -> Repository:
    """Create a store in the folder ``root`` and return it, opened to append.

    Arguments and errors are those of :func:`create_store`.
    """
    create_store(root, memory=memory, log_signer=log_signer, **options)
    return Repository.open(root, memory=memory, log_signer=log_signer)


def create_store(
    root: Path,
    *,
    origin: str,
    signer: Signer,
    log_signer: Signer,
    clock: Clock,
    memory: LogMemory,
    nonce: bytes | None = None,
    writers: Sequence[str] = (),
    log_keys: Sequence[PublicKey] = (),
) -> None:
    """Create a store at ``root``, completely or not at all.

    Args:
        root: The folder to create; its parent exists.
        origin: Name of its log, such as ``example.org/archive``.
        signer: The owner; signs the genesis manifest.
        log_signer: Signs log checkpoints; its key differs from the owner's.
        clock: Returns the claimed signing time of the genesis.
        memory: The memory in which the signed log checkpoint is recorded.
        nonce: 16 bytes; random by default, fixed in tests.
        writers: DIDs of others who may sign everything except the policy.
        log_keys: Further keys that may sign the log, for the life of the store: one per machine
            or person that pushes.

    Raises:
        ConflictError: (``store-exists``) ``root`` exists already; (``log-key-used``) the
            log key already signs the log of a store.
        InvalidInputError: (``bad-origin``) not a log name; (``same-key``) one key for both.
        StorageError: Storage backend error; nothing is left behind.
    """
    check_name(origin)
    if signer.public == log_signer.public:
        # One key for both would let a log checkpoint be mistaken for consent of a person.
        raise InvalidInputError("same-key", "the owner's key and the log key must differ")
    key = VerifierKey(origin, log_signer.public)
    value = os.urandom(16) if nonce is None else nonce
    keys = dict.fromkeys((key, *(VerifierKey(origin, other) for other in log_keys)))
    policy = Policy.first(signer.did, tuple(keys), tuple(dict.fromkeys(writers)))
    body = Genesis(origin, value.hex(), policy).to_json()
    genesis = sign_manifest(
        kind="genesis",
        store=None,
        name=GENESIS_NAME,
        body=body,
        signer=signer,
        created=clock(),
        message="",
    )
    with memory.signing():
        last = memory.last_signed(key)
        if last is not None:
            raise ConflictError(
                "log-key-used",
                f"this key already signs the log {origin}, at {last.location}",
                hint="make a new log key for a new store",
            )
        try:
            head = _build_in_place(root, genesis, key, log_signer)
        except FileExistsError:
            raise ConflictError(
                "store-exists", f"{root} exists already", hint="choose another folder"
            ) from None
        except OSError as error:
            raise storage_error(error, f"making {root}") from error
        # After the move: a store that failed to be made must not block its key.
        memory.remember_signed(key, head, location_text(root))


def _build_in_place(
    root: Path, genesis: Manifest, key: VerifierKey, signer: Signer
) -> LogCheckpoint:
    # Built next to its place and moved in whole: a store that is there at all is a sound one.
    if root.is_symlink() or root.exists():
        raise FileExistsError
    building = root.parent / f"{root.name}.new-{os.urandom(8).hex()}"
    building.mkdir()
    try:
        head = _build(building, genesis, key, signer)
        building.rename(root)
        sync_directory(root.parent)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return head


def _build(building: Path, genesis: Manifest, key: VerifierKey, signer: Signer) -> LogCheckpoint:
    backend = LocalBackend(building)
    with BlobStore(backend, ()).writer() as writer:
        writer.put_bytes(genesis.encode())
        changes = writer.finish()
    item = LogItem("manifest", genesis.id)
    TransactionLog(backend).append(Transaction(0, (item,), changes.added, (), changes.chunk_lists))
    records = read_records(backend)
    Publisher(backend, building, key, signer, None).publish(records, None)
    backend.create("format", FORMAT)
    return LogCheckpoint(key.name, len(records.hashes), merkle.root(records.hashes))
