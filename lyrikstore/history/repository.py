"""A store as one thing: its log, its refs, its manifests (spec/08-refs-and-identity.md).

Opening needs no key and writes nothing. It checks the signature on the log checkpoint and that
the transaction records give its root; manifests and blobs are verified when they are read.
Everything kept between calls is kept in memory only, and follows from verified bytes. In a mirror,
what its local log holds and the home log does not have yet follows the entries of the home log.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, get_args

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    KeyMaterialError,
    NotFoundError,
    VerificationError,
)
from lyrikstore.crypto.signer import Signer
from lyrikstore.history.local import LOCAL, LocalLog, OwnLog, Within, read_mark
from lyrikstore.history.log import EntryType, SignedCheckpoint, TlogProof
from lyrikstore.history.logview import (
    NO_RECORDS,
    LoggedEntry,
    Records,
    check_format,
    check_head,
    check_tiles,
    claimed_size,
    prove,
    read_checkpoint,
    read_records,
)
from lyrikstore.history.manifest import Manifest, parse_manifest
from lyrikstore.history.memory import LogMemory
from lyrikstore.history.policy import Policy
from lyrikstore.history.refs import Flagged, RefState, RefTable, check_genesis
from lyrikstore.history.resolve import credentials_by_subject, resolve, state_of
from lyrikstore.history.tree import Tree
from lyrikstore.objects.backend import Backend, LocalBackend
from lyrikstore.objects.blobs import BlobStore, open_blobs
from lyrikstore.objects.transactions import LiveObjects, Transaction, TransactionLog, fold

if TYPE_CHECKING:
    from lyrikstore.history.transact import TransactionBuilder

MAX_CREDENTIAL_BYTES = 1 << 20
MAX_READ = 16 << 20
"""More than a manifest may have: its size is judged by its own parser, not by a pack's index."""


class Repository:
    """The verified view of one store. Make it with :meth:`open` or :meth:`create`.

    The view is of one moment; :meth:`refresh` moves it to now. Not for use from several threads.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        location: Path | str,
        memory: LogMemory | None = None,
        known: "Repository | None" = None,
    ) -> None:
        self._backend = backend
        self._location = location
        self._memory = memory
        self._records: Records = NO_RECORDS
        self._live = LiveObjects((), {})
        self._blobs = open_blobs(backend, self._live)
        self._manifests: dict[Digest, Manifest] = {}
        self._table = RefTable()
        self._applied = 0
        if known is not None:
            self._records, self._applied = known.records, known.checkpoint.size
            self._table = known.home_table.copy()
            self._manifests = known._manifests.copy()  # noqa: SLF001 - another of this class
        self._local: LocalLog | None = None
        self._whole: RefTable | None = None
        self._about: dict[str, list[LoggedEntry]] | None = None
        self._index: dict[tuple[EntryType, Digest], int] | None = None
        self._load()

    @classmethod
    def open(cls, root: Path, *, memory: LogMemory | None = None) -> Self:
        """Return the store in the folder ``root`` (the ``.lyrikstore`` folder itself).

        Args:
            root: The store's folder; read permission is enough.
            memory: The user's memory of signed log checkpoints; needed for :meth:`transaction`
                only.

        Raises:
            NotFoundError: (``no-store``) there is none.
            FormatError: (``newer-format``) a later version made it, or a file is damaged.
            VerificationError: The log does not hold.
            StorageError: The disk said no.

        Cost: one small file per transaction, and one manifest.
        """
        return cls.over(LocalBackend(root), location=root, memory=memory)

    @classmethod
    def over(
        cls,
        backend: Backend,
        *,
        location: Path | str,
        memory: LogMemory | None = None,
        known: "Repository | None" = None,
    ) -> Self:
        """Return the store whose files ``backend`` holds, wherever they are.

        Args:
            backend: The store's files.
            location: A folder, or what messages and the memory call the place.
            memory: As for :meth:`open`.
            known: The same store as seen before; only what came after it is read.

        Raises:
            LyrikstoreError: As :meth:`open`; RemoteError as the backend.
        """
        check_format(backend)
        return cls(backend, location=location, memory=memory, known=known)

    @classmethod
    def create(cls, root: Path, *, memory: LogMemory, **options: Any) -> Self:
        """Make a new store in the folder ``root`` and return it.

        Arguments and errors are those of :func:`lyrikstore.history.transact.create_store`.
        """
        from lyrikstore.history.transact import create_store

        create_store(root, memory=memory, **options)
        return cls.open(root, memory=memory)

    def transaction(self, *, log_signer: Signer) -> "TransactionBuilder":
        """Return a transaction to be used in ``with``: put blobs, log manifests, commit.

        Args:
            log_signer: Holds the log key of this store.

        Raises:
            InvalidInputError: (``no-memory``) the store was opened without a memory.
            KeyMaterialError: (``wrong-log-key``) it is not this log's key.
        """
        from lyrikstore.history.transact import TransactionBuilder

        if self._memory is None:
            raise InvalidInputError(
                "no-memory", "the store was opened for reading", hint="open it with a LogMemory"
            )
        return TransactionBuilder(self, log_signer=log_signer, memory=self._memory)

    def recover(self, *, log_signer: Signer) -> None:
        """Publish what an earlier writer of this user committed before it died, and refresh.

        Call it before working out what a new version succeeds. Arguments and errors are those of
        :meth:`transaction`. Cost: one look for a file if there is nothing to do.
        """
        own = self.own_log
        if TransactionLog(own.backend).taken(len(own.records.transactions)):
            with self.transaction(log_signer=log_signer):
                pass

    def refresh(self) -> None:
        """Move the view to what is published now; verified as by :meth:`open`."""
        self._load()

    @property
    def root(self) -> Path:
        """The store's folder.

        Raises:
            InvalidInputError: (``not-a-folder``) the store is on another machine.
        """
        if not isinstance(self._location, Path):
            raise InvalidInputError(
                "not-a-folder",
                f"{self._location} is no folder of this machine",
                hint="make a clone: lyrikstore clone URL",
            )
        return self._location

    @property
    def location(self) -> Path | str:
        """Where the store is: its folder, or what the memory calls the place."""
        return self._location

    @property
    def is_mirror(self) -> bool:
        """Whether the log is extended elsewhere, so that commits go to a local log."""
        return self._mark is not None

    @property
    def own_log(self) -> OwnLog:
        """The log that commits here extend: the home log, in a mirror the local one."""
        if not self.is_mirror:
            return OwnLog(self._backend, self._records, self._signed)
        records = self._local.records if self._local else NO_RECORDS
        signed = self._local.signed if self._local else None
        return OwnLog(Within(self._backend, LOCAL), records, signed)

    @property
    def pending(self) -> tuple[LoggedEntry, ...]:
        """What the local log of a mirror has and the home log has not, in order."""
        return self._pending

    @property
    def pending_transactions(self) -> tuple[Transaction, ...]:
        """The local records that hold anything pending."""
        return self._holders

    @property
    def backend(self) -> Backend:
        """The store's files."""
        return self._backend

    @property
    def store_id(self) -> Digest:
        """The store's identity: the id of its genesis manifest."""
        return self._genesis.id

    @property
    def genesis(self) -> Manifest:
        """The verified genesis manifest."""
        return self._genesis

    @property
    def origin(self) -> str:
        """Name of the store's log."""
        return self._signed.origin

    @property
    def policy(self) -> Policy:
        """The policy in force now."""
        return self.table.policy or self._founded.policy

    @property
    def founding_policy(self) -> Policy:
        """The policy in the genesis manifest, whose ``logs`` hold for the life of the log."""
        return self._founded.policy

    @property
    def live(self) -> LiveObjects:
        """The packs and piece lists of the covered transactions, pending ones included."""
        return self._live

    @property
    def home_live(self) -> LiveObjects:
        """As :attr:`live`, without what is pending."""
        return fold(self._records.transactions[: self._records.covered(self._signed.size)])

    @property
    def blobs(self) -> BlobStore:
        """The blobs of the covered transactions."""
        return self._blobs

    @property
    def records(self) -> Records:
        """The covered records of the home log."""
        return self._records

    @property
    def checkpoint(self) -> SignedCheckpoint:
        """The verified log checkpoint of the home log."""
        return self._signed

    @property
    def table(self) -> RefTable:
        """Refs, flags and policy as the whole log gives them; treat as read-only.

        Raises:
            IncompleteError, VerificationError: A logged manifest is lost or damaged. Which name
                it moved cannot be known then, so no ref is given at all: the one before it would
                be a silent rollback (attack case A30).

        Cost: at first use, one read and one signature verification per manifest.
        """
        home = self.home_table
        if not self._pending:
            return home
        if self._whole is None:
            whole = home.copy()
            for entry in self._pending:
                self._apply(whole, entry)
            self._whole = whole
        return self._whole

    @property
    def home_table(self) -> RefTable:
        """As :attr:`table`, without what is pending."""
        while self._applied < self._signed.size:
            self._apply(self._table, self._records.entries[self._applied])
            self._applied += 1
        return self._table

    @property
    def refs(self) -> dict[str, RefState]:
        """Name → state of every ref; raises as :attr:`table` does."""
        return dict(self.table.refs)

    @property
    def flagged(self) -> tuple[Flagged, ...]:
        """Logged manifests without effect, in log order; raises as :attr:`table` does."""
        return tuple(self.table.flagged)

    def entries(self) -> Sequence[LoggedEntry]:
        """Return the covered log entries, in order; those of a local log still pending last."""
        return (*self._records.entries[: self._signed.size], *self._pending)

    def is_logged(self, identity: Digest) -> bool:
        """Return whether a covered entry of any type has this id."""
        return any((kind, identity) in self._positions() for kind in get_args(EntryType))

    def index_of(self, identity: Digest, kind: EntryType = "manifest") -> int:
        """Return the log index of the first entry of this type with this id.

        Raises:
            NotFoundError: (``not-logged``) there is none: bytes are a manifest, or a credential,
                only because an entry says so (attack cases A17, A36).
        """
        index = self._positions().get((kind, identity))
        if index is None:
            raise NotFoundError("not-logged", f"{identity.short} is not logged as a {kind}")
        return index

    def entry_of(self, identity: Digest, kind: EntryType = "manifest") -> LoggedEntry:
        """Return the first entry of this type with this id; raises as :meth:`index_of`."""
        return self.entries()[self.index_of(identity, kind)]

    def proof_for(self, index: int) -> TlogProof:
        """Return the proof that the entry at ``index`` is under the log checkpoint.

        Raises:
            InvalidInputError: (``bad-index``) there is no such entry; (``not-pushed``) it waits in
                the local log.
        """
        if self._signed.size <= index < self._signed.size + len(self._pending):
            raise InvalidInputError(
                "not-pushed",
                "it waits in the local log; only the home log can prove it to others",
                hint="lyrikstore push brings it there",
            )
        return prove(self._records, self._signed, index)

    def manifest(self, identity: Digest) -> Manifest:
        """Return the logged manifest with this id, verified.

        Raises:
            NotFoundError: (``not-logged``) no log entry says that these bytes are a manifest;
                (``no-blob``) the bytes are not here.
            IncompleteError, VerificationError, FormatError, KeyMaterialError: They are lost,
                damaged, or no valid manifest.
        """
        self.index_of(identity)
        return self._read_manifest(identity)

    def all_manifests(self) -> Iterator[tuple[LoggedEntry, Manifest]]:
        """Yield every logged manifest that is valid, in log order, each once.

        Those with another reason to be flagged are among them; :attr:`flagged` names them.

        Raises:
            IncompleteError, VerificationError: As :attr:`table`.
        """
        invalid = {item.index for item in self.flagged if item.reason in _NO_MANIFEST}
        for entry in self.entries():
            if entry.type == "manifest" and entry.index not in invalid:
                yield entry, self._read_manifest(entry.id)

    def credential(self, identity: Digest) -> bytes:
        """Return the bytes of a logged credential; only their digest is checked.

        Raises:
            NotFoundError: (``not-logged``) no entry says that these bytes are a credential.
            IncompleteError, VerificationError: They are lost or damaged.
        """
        self.index_of(identity, "credential")
        return self._blobs.read(identity, max_bytes=MAX_CREDENTIAL_BYTES)

    def credentials_about(self, identity: Digest) -> list[LoggedEntry]:
        """Return the logged credentials about a manifest, a tree or the files of one.

        Args:
            identity: A manifest id, tree id or files id. A credential is about what its subject
                names as ``id``, ``manifest`` or ``files``; the credential itself is not verified
                here.

        Returns:
            Log entries, oldest first. Cost: at first use, one read per logged credential.
        """
        if self._about is None:
            self._about = credentials_by_subject(self.entries(), self.credential)
        return list(self._about.get(identity.urn, ()))

    def tree(self, manifest: Manifest) -> Tree:
        """Return the tree a manifest names; its bytes are checked against the id.

        Raises:
            NotFoundError: (``no-tree``) manifests of this kind have none; (``no-blob``) it is
                not in this store.
            FormatError, IncompleteError, VerificationError: It is no tree, lost or damaged.
        """
        if manifest.tree is None:
            raise NotFoundError("no-tree", f"a {manifest.kind} has no files")
        with self._blobs.open(manifest.tree) as stream:
            return Tree.parse(stream)

    def resolve(self, text: str) -> Manifest:
        """Return the manifest a person means.

        Args:
            text: NAME, NAME~N, a full id, or at least 8 hex digits of one.

        Raises:
            InvalidInputError: (``bad-ref``, ``bad-name``) it cannot be a REF; (``ambiguous``)
                several ids start so.
            NotFoundError: (``no-ref``, ``no-version``, ``no-id``) nothing is called so.
        """
        return resolve(self, text)

    def history(self, name: str) -> list[Manifest]:
        """Return every version of the full name that was current, newest first.

        Raises:
            NotFoundError: (``no-ref``) there is no such name.
        """
        return [self.manifest(identity) for identity in state_of(self, name).history]

    def check_tiles(self) -> list[str]:
        """Return what is wrong with the log's tiles and bundles; reads them all."""
        return check_tiles(self._backend, self._records, self._signed.size)

    def _load(self) -> None:
        # The checkpoint first: records only grow, so those read after it are enough for it.
        note = read_checkpoint(self._backend)
        size = claimed_size(note)
        records = read_records(self._backend, self._records, size=size)
        covered = records.transactions[: records.covered(size)]
        if records.entries[0].type != "manifest":
            raise VerificationError("bad-genesis", "the log does not begin with a manifest")
        first = records.entries[0].id
        mark = read_mark(self._backend)
        local = LocalLog.open(self._backend, first, self._local) if mark is not None else None
        pending: tuple[LoggedEntry, ...] = ()
        holders: tuple[Transaction, ...] = ()
        if local is not None:
            home = {(entry.type, entry.id) for entry in records.entries[:size]}
            pending, holders = local.pending(home, size, len(covered))
        live = fold((*covered, *holders))
        blobs = self._blobs if live == self._live else open_blobs(self._backend, live)
        genesis = self._manifests.get(first)
        if genesis is None:
            genesis = parse_manifest(blobs.read(first, max_bytes=MAX_READ))
        founded = check_genesis(genesis)
        signed = check_head(note, founded.policy.logs, records)
        if signed.origin != founded.origin:
            raise VerificationError("bad-genesis", "the log has another name than its genesis says")
        if signed.size < self._applied:
            self._table, self._applied = RefTable(), 0
        self._records, self._live, self._blobs = records, live, blobs
        self._genesis, self._founded, self._signed = genesis, founded, signed
        self._mark, self._local, self._pending, self._holders = mark, local, pending, holders
        self._manifests[genesis.id] = genesis
        self._whole = self._about = self._index = None

    def _apply(self, table: RefTable, entry: LoggedEntry) -> None:
        if entry.type != "manifest":
            return
        # Lost or damaged bytes raise here, before anything is applied. Intact bytes that are no
        # manifest have no effect, for every reader alike.
        found = self._manifests.get(entry.id)
        data = found.data if found else self._blobs.read(entry.id, max_bytes=MAX_READ)
        try:
            found = found or parse_manifest(data)
        except (FormatError, KeyMaterialError, VerificationError) as error:
            if error.kind == "newer-format":
                raise
            table.flag(entry.index, entry.id, "invalid")
            return
        self._manifests[entry.id] = found
        table.apply(entry.index, found)

    def _read_manifest(self, identity: Digest) -> Manifest:
        found = self._manifests.get(identity)
        if found is None:
            found = parse_manifest(self._blobs.read(identity, max_bytes=MAX_READ))
            self._manifests[identity] = found
        return found

    def _positions(self) -> dict[tuple[EntryType, Digest], int]:
        if self._index is None:
            self._index = {}
            for entry in self.entries():
                self._index.setdefault((entry.type, entry.id), entry.index)
        return self._index


_NO_MANIFEST = frozenset({"invalid", "already-logged"})
