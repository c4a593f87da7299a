"""The verified log of a store, and in a mirror the entries to be pushed (spec §7.6).

Everything here follows from the log checkpoint, the records and the genesis;
:mod:`lyrikstore.history.repository.repository` adds manifests and refs.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar, get_args

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    IncompleteError,
    InvalidInputError,
    NotFoundError,
    VerificationError,
)
from lyrikstore.canon.limits import MAX_CREDENTIAL_BYTES
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.proofs.eddsa_jcs import signing_key
from lyrikstore.history.log.checkpoint import EntryType, SignedCheckpoint, TlogProof
from lyrikstore.history.log.entries import (
    NO_RECORDS,
    LoggedEntry,
    Records,
    check_root,
    check_tiles,
    claimed_size,
    prove,
    read_checkpoint,
    read_records,
)
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.repository.clone import (
    LOCAL,
    LocalLog,
    OwnLog,
    SubBackend,
    check_local_key,
    read_own_mark,
)
from lyrikstore.history.repository.log_keys import open_head
from lyrikstore.history.repository.partial_clone import Selection, read_selection
from lyrikstore.history.repository.refs import check_genesis
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.chunk.stream import NOT_FETCHED, absent_blob
from lyrikstore.objects.pack.format import PackRef
from lyrikstore.objects.store.blobs import BlobStore, open_audited, open_blobs, open_fetched
from lyrikstore.objects.store.transactions import LiveObjects, Transaction, fold

T = TypeVar("T")

MAX_READ = 16 << 20
"""Read limit, above the maximum size of a manifest, which the manifest's parser checks."""


class StoreView:
    """The verified state of a store's log at one moment; :meth:`refresh` moves it to now.

    Args:
        backend: The store's files.
        location: Its folder, or the name of the place in messages and in the memory.
        known: The records of the same store, as read before.
        manifests: Verified manifests of the same store.
    """

    def __init__(
        self,
        backend: Backend,
        location: Path | str,
        known: Records = NO_RECORDS,
        manifests: dict[Digest, Manifest] | None = None,
    ) -> None:
        self._backend = backend
        self._location = location
        self._records = known
        self._live = LiveObjects((), {})
        self._blobs = open_blobs(backend, self._live)
        self._manifests = manifests or {}
        self._local: LocalLog | None = None
        self._selection: Selection | None = None
        self._index: dict[tuple[EntryType, Digest], int] | None = None
        self._judged: tuple[SignedCheckpoint, tuple[VerifierKey, ...]] | None = None
        self._signed_by: dict[Digest, PublicKey | None] = {}
        self._derived: dict[object, Any] = {}
        self._load()

    def _forget(self) -> None:
        self._blobs = open_blobs(self._backend, self._live)
        self._manifests, self._signed_by = {}, {}

    def refresh(self) -> None:
        """Move the view to the state that is published now, verified as by :meth:`open`."""
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
                f"{self._location} is not a folder of this machine",
                hint="make a clone: lyrikstore clone URL",
            )
        return self._location

    @property
    def location(self) -> Path | str:
        """The store's folder, or the name of its place in the memory."""
        return self._location

    @property
    def is_mirror(self) -> bool:
        """Whether the log is extended in another place, so that commits here go to a local log."""
        return self._mark is not None

    @property
    def own_log(self) -> OwnLog:
        """The log that commits here extend: the home log, or in a mirror the local log."""
        if not self.is_mirror:
            return OwnLog(self._backend, self._records, self._signed)
        records = self._local.records if self._local else NO_RECORDS
        signed = self._local.signed if self._local else None
        return OwnLog(SubBackend(self._backend, LOCAL), records, signed)

    @property
    def pending(self) -> tuple[LoggedEntry, ...]:
        """The entries that only the local log of a mirror has, in order."""
        return self._pending

    @property
    def pending_transactions(self) -> tuple[Transaction, ...]:
        """The local records that contain pending entries."""
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
    def log_keys(self) -> tuple[VerifierKey, ...]:
        """The keys with which the log checkpoint was verified; a policy may have added more."""
        return self._log_keys

    @property
    def live(self) -> LiveObjects:
        """The packs and chunk lists of the covered transactions, pending ones included."""
        return self._live

    @property
    def home_live(self) -> LiveObjects:
        """As :attr:`live`, without pending transactions."""
        return fold(self._records.transactions[: self._records.covered(self._signed.size)])

    @property
    def blobs(self) -> BlobStore:
        """The blobs of the covered transactions."""
        return self._blobs

    @property
    def selection(self) -> Selection | None:
        """What a partial clone fetches; None for a store with all data."""
        return self._selection

    @property
    def is_for_audit(self) -> bool:
        """Whether this is a clone that has only documents without data."""
        return self._selection is not None and self._selection.for_audit

    @property
    def is_without_data(self) -> bool:
        """Whether this is a clone whose user left out all data, and nothing else."""
        return self._selection is not None and self._selection.is_provable

    @property
    def records(self) -> Records:
        """The covered records of the home log."""
        return self._records

    @property
    def checkpoint(self) -> SignedCheckpoint:
        """The verified log checkpoint of the home log."""
        return self._signed

    def entries(self) -> Sequence[LoggedEntry]:
        """Return the covered log entries, in order; pending entries of a local log come last."""
        return (*self._records.entries[: self._signed.size], *self._pending)

    def is_logged(self, identity: Digest, kind: EntryType | None = None) -> bool:
        """Return whether a covered entry of this type, or of any, has this id."""
        kinds = get_args(EntryType) if kind is None else (kind,)
        return any((one, identity) in self._positions() for one in kinds)

    def index_of(self, identity: Digest, kind: EntryType = "manifest") -> int:
        """Return the log index of the first entry of this type with this id.

        Raises:
            NotFoundError: (``not-logged``) there is none: only a log entry makes bytes a manifest
                or a credential (attack cases A17, A36).
        """
        index = self._positions().get((kind, identity))
        if index is None:
            raise NotFoundError("not-logged", f"{identity.short} is not logged as a {kind}")
        return index

    def manifest(self, identity: Digest) -> Manifest:
        """Return the logged manifest with this id, verified.

        Raises:
            NotFoundError: (``not-logged``, ``no-blob``) it is not a logged manifest, or not here.
            IncompleteError, VerificationError, FormatError, KeyMaterialError: Its bytes are lost,
                damaged, or not a valid manifest.
        """
        self.index_of(identity)
        return self._read_manifest(identity)

    def credential(self, identity: Digest) -> bytes:
        """Return the bytes of a logged credential; only their digest is checked.

        Raises:
            NotFoundError: (``not-logged``) no log entry lists these bytes as a credential.
            IncompleteError, VerificationError: They are lost or damaged.
        """
        self.index_of(identity, "credential")
        return _read_logged(self._blobs, identity, MAX_CREDENTIAL_BYTES)

    def signing_key(self, data: bytes) -> PublicKey | None:
        """Return the key whose signature on a credential verifies, or None.

        As :func:`~lyrikstore.crypto.proofs.eddsa_jcs.signing_key`; the same bytes are checked only
        once.
        """
        identity = Digest.of(data)
        if identity not in self._signed_by:
            self._signed_by[identity] = signing_key(data)
        return self._signed_by[identity]

    def derived(self, make: Callable[[Self], T]) -> T:
        """Return the result of ``make`` for this view, computed once until the view moves."""
        if make not in self._derived:
            self._derived[make] = make(self)
        found: T = self._derived[make]
        return found

    def _read_manifest(self, identity: Digest) -> Manifest:
        found = self._manifests.get(identity)
        if found is None:
            found = parse_manifest(self._read_bytes(identity))
            self._manifests[identity] = found
        return found

    def _read_bytes(self, identity: Digest) -> bytes:
        return _read_logged(self._blobs, identity, MAX_READ)

    def entry_of(self, identity: Digest) -> LoggedEntry:
        """Return the first entry of the manifest with this id; raises as :meth:`index_of`."""
        return self.entries()[self.index_of(identity)]

    def proof_for(self, index: int) -> TlogProof:
        """Return the proof that the log checkpoint covers the entry at ``index``.

        Raises:
            InvalidInputError: (``not-pushed``) it is pending in the local log.
            LyrikstoreError: As :func:`prove`.
        """
        if self._signed.size <= index < self._signed.size + len(self._pending):
            raise InvalidInputError(
                "not-pushed",
                "it is still in the local log; only the home log can prove it to others",
                hint="send it to the home log: lyrikstore push",
            )
        return prove(self._records, self._signed, index)

    def check_tiles(self) -> list[str]:
        """Return the errors in the log's tiles and bundles, one line each; reads them all."""
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
        mark = read_own_mark(self._backend)
        local = LocalLog.open(self._backend, first, self._local) if mark is not None else None
        pending: tuple[LoggedEntry, ...] = ()
        holders: tuple[Transaction, ...] = ()
        if local is not None:
            home = {(entry.type, entry.id) for entry in records.entries[:size]}
            pending, holders = local.pending(home, size, len(covered))
        live = fold((*covered, *holders))
        if holders:
            # What waits may rest on data that the home has let go of since.
            kept = _kept_packs(self._backend, covered, live)
            live = LiveObjects((*live.packs, *kept), live.chunk_lists)
        selection = None if mark is None else read_selection(self._backend)
        made_here = [pack for holder in holders for pack in holder.added]
        if selection is not None and selection.for_audit:
            blobs = open_audited(self._backend, live, (*selection.packs, *made_here))
        elif selection is not None:
            blobs = open_fetched(self._backend, live, made_here)
        else:
            blobs = (
                self._blobs
                if live == self._live and self._selection is None
                else open_blobs(self._backend, live, self._blobs)
            )
        genesis = self._manifests.get(first)
        if genesis is None:
            genesis = parse_manifest(_read_logged(blobs, first, MAX_READ))
        founded = check_genesis(genesis)
        if self._judged is not None and self._judged[0].note == note:
            signed, keys = self._judged
        else:
            signed, keys = open_head(self._backend, genesis, note, ())
            check_root(signed, records)
        if signed.origin != founded.origin:
            raise VerificationError(
                "bad-genesis", "the name of the log is not the one in its genesis"
            )
        if local is not None:
            check_local_key(local.signed.signers[0], signed.origin)
        self._records, self._live, self._blobs = records, live, blobs
        self._genesis, self._founded, self._signed = genesis, founded, signed
        self._log_keys, self._judged = keys, (signed, keys)
        self._selection = selection
        self._mark, self._local, self._pending, self._holders = mark, local, pending, holders
        self._manifests[genesis.id] = genesis
        self._index, self._derived = None, {}

    def _positions(self) -> dict[tuple[EntryType, Digest], int]:
        if self._index is None:
            self._index = {}
            for entry in self.entries():
                self._index.setdefault((entry.type, entry.id), entry.index)
        return self._index


def _read_logged(blobs: BlobStore, identity: Digest, max_bytes: int) -> bytes:
    """Return the bytes of a logged manifest or credential, which no clone leaves out."""
    try:
        return blobs.read(identity, max_bytes=max_bytes)
    except IncompleteError as error:
        if error.kind != NOT_FETCHED:
            raise
        raise absent_blob(identity, {}, partial=False) from None


def _kept_packs(
    backend: Backend, transactions: Sequence[Transaction], live: LiveObjects
) -> list[PackRef]:
    """Return the packs that ``transactions`` drop and whose files still exist."""
    known = {pack.id for pack in live.packs}
    added = {pack.id: pack for one in transactions for pack in one.added}
    dropped = dict.fromkeys(pack for one in transactions for pack in one.dropped)
    gone = [added[pack] for pack in dropped if pack not in known]
    return [pack for pack in gone if backend.size(pack.name) == pack.bytes]
