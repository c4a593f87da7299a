"""Transactions: the only code that appends to a store (spec §7.6).

Blobs wait in scratch files while a transaction is open. ``commit`` then takes the store's lock,
looks again at what is current, wins the next slot by creating its record, and publishes. Before
the record exists nothing has happened; afterwards everything has, even if this process dies:
whoever extends the log next, with the same memory, publishes it.
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
    """One transaction being made; a context manager. Leaving it without :meth:`commit` undoes all.

    Args:
        repository: The store.
        log_signer: Holds its log key.
        memory: What that key signed before.

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
        """Check that this store is the one whose log its key signs; else :func:`recover` raises."""
        self._appender.check_original()

    @property
    def writer(self) -> "BlobWriter":
        """Takes the blobs of this transaction.

        Raises:
            InvalidInputError: (``transaction-closed``) outside ``with``, or after the commit.
        """
        if self._writer is None:
            raise InvalidInputError("transaction-closed", "the transaction is not open")
        return self._writer

    def log_manifest(
        self, manifest: Manifest, tree: Tree | None = None, *, new: Sequence[int] | None = None
    ) -> Digest:
        """Store a manifest and have it logged, after those given before; return its id.

        Args:
            manifest: The manifest.
            tree: The tree it names, already put, if it need not be read back.
            new: Positions in ``tree`` of the files that its first parent does not have alike:
                only these are looked for before the commit. None for all.
        """
        self.writer.put_bytes(manifest.encode())
        if tree is not None and tree.id == manifest.tree:
            self._trees[tree.id] = tree
            if new is not None and manifest.parents:
                self._new[manifest.id] = new
        self._manifests.append(manifest)
        return self._log("manifest", manifest.id)

    def log_credential(self, data: bytes) -> Digest:
        """Store a credential, byte-exact, and have it logged; return its id.

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
        """Have the transaction add packs and drop others that they make superfluous.

        Args:
            added: Complete and durable; nobody's yet.
            dropped: Live packs.
            still_good: Called once nothing can change any more; raises if what was committed
                meanwhile forbids it.
        """
        self._added, self._dropped = tuple(added), tuple(dropped)
        self._still_good = still_good

    def hold(self, still_good: Callable[[], None]) -> None:
        """Have something asked once nothing can change any more.

        Args:
            still_good: Raises if what was committed meanwhile forbids the transaction.
        """
        self._still_good = still_good

    def commit(self) -> list[int]:
        """Make everything durable and visible, or nothing.

        Returns:
            The log indices of what was logged, in the order given.

        Raises:
            InvalidInputError: (``nothing-to-log``) no manifest or credential was given;
                (``bad-manifest``) one can have no effect in this store;
                (``file-changed``) see :meth:`BlobWriter.settle`.
            ConflictError: (``ref-moved``) somebody else changed a name meanwhile;
                (``repacked``) garbage that this transaction relied on was dropped meanwhile;
                (``copied-store``) this is not the original store; (``foreign-record``) the next
                slot holds what this user did not make; (``busy``) other writers win every slot.
            PolicyError: (``unauthorised``) the policy does not let an author say this.
            IncompleteError: (``blob-missing``) a manifest names a blob that is not in the store.
            LockedError: (``locked``) another process holds the store for more than 30 s.
            StorageError: Storage backend error. The record may exist; then the next writer
                publishes it, and nothing needs to be done again.
        """
        if not self._items and self._still_good is None:
            raise InvalidInputError("nothing-to-log", "the transaction logs nothing")
        self.writer.settle()  # not while others wait for the lock
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
            raise repacked_error(f"pack {gone[0].short} is gone")
        self._still_good()

    def _log(self, kind: LogType, identity: Digest) -> Digest:
        self._items.append(LogItem(kind, identity))
        return identity


def open_transaction(repository: Repository) -> TransactionBuilder:
    """Return a transaction to be used in ``with``: put blobs, log manifests, commit.

    Args:
        repository: The store, opened with a memory and a log signer.

    Raises:
        InvalidInputError: (``no-memory``) it was opened without a memory.
        KeyMaterialError: (``no-signer``, ``wrong-log-key``) no key of this log is available.
    """
    if repository.memory is None:
        raise InvalidInputError(
            "no-memory", "the store was opened for reading", hint="open it with a LogMemory"
        )
    if repository.log_signer is None:
        raise KeyMaterialError(
            "no-signer", "the store was opened for reading", hint="give it a log signer"
        )
    return TransactionBuilder(
        repository, log_signer=repository.log_signer, memory=repository.memory
    )


def recover(repository: Repository) -> None:
    """Publish what an earlier writer of this user committed before it died, and refresh.

    Call it before working out what a new version succeeds, and before hours of work that is to be
    logged: a copy of a store is refused here.

    Raises:
        ConflictError: (``copied-store``) see :meth:`Publisher.check_original`.
        LyrikstoreError: As :func:`open_transaction`.

    Cost: one look for a file if there is nothing to do, and one into the memory.
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
    """Make a new store in the folder ``root`` and return it, opened to append.

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
    """Make a store at ``root``, whole or not at all.

    Args:
        root: The folder to make; its parent exists.
        origin: Name of its log, such as ``example.org/archive``.
        signer: The owner; signs the genesis manifest.
        log_signer: Signs log checkpoints; another key than the owner's.
        clock: Tells when the genesis claims to be signed.
        memory: Where to remember what the log key signed.
        nonce: 16 bytes; random unless a test wants to know them.
        writers: DIDs of others who may say everything but the policy.
        log_keys: Further keys that may sign the log, for the life of the store: one per machine
            or person that pushes.

    Raises:
        ConflictError: (``store-exists``) there is something at ``root``; (``log-key-used``) the
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
