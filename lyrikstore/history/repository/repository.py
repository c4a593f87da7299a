"""The repository: read access to a store's log, refs and manifests (spec/08-refs-and-identity.md).

Opening needs no key and writes nothing. It checks the signature on the log checkpoint and that
the transaction records give its root; manifests and blobs are verified when they are read.
Everything kept between calls follows from verified bytes. It is kept in memory; the members that
refs depend on are also kept in the user's cache (:mod:`lyrikstore.history.repository.ref_cache`).
In a mirror, the pending entries of its local log follow the entries of the home log.
"""

from collections.abc import Callable, Iterator
from copy import copy
from datetime import datetime
from pathlib import Path
from typing import Self

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    InvalidInputError,
    KeyMaterialError,
    NotFoundError,
    VerificationError,
)
from lyrikstore.canon.timestamps import Clock
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.crypto.multikey import did_key
from lyrikstore.history.log.entries import (
    NO_RECORDS,
    LoggedEntry,
    check_format,
)
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.policy.key_history import check_head
from lyrikstore.history.policy.policy import Policy
from lyrikstore.history.repository.clock_floor import (
    ClockBehind,
    ClockFloors,
    DatedEntries,
    check_gap,
)
from lyrikstore.history.repository.ref_cache import WORTH, RefCache
from lyrikstore.history.repository.refs import Flagged, RefState, RefTable
from lyrikstore.history.repository.resolve import credentials_by_subject, resolve, state_of
from lyrikstore.history.repository.store_view import StoreView
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.backends.base import Backend, LocalBackend

AcceptGap = Callable[[InvalidInputError], bool]


class Repository(StoreView):
    """The verified view of one store, returned by :meth:`open`.

    The view shows one moment; :meth:`refresh` moves it to now. Not safe for several threads.

    Attributes:
        log_signer: Holds the key of the log that is extended here; needed only to append.
        clock: The writer's clock, compared with the log; None to compare no clock.
        accept_gap: Called with the `date-gap` error before an entry is dated more than 400 days
            after the last date in the log; returns whether that is intended. By default it is not.
        own_cache: The user's folder of derived data of this store, or None: never evidence.
        clock_behind: The clock, if it was behind the log when something was signed or appended.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        location: Path | str,
        memory: LogMemory | None = None,
        log_signer: Signer | None = None,
        known: "Repository | None" = None,
        cache_dir: Path | None = None,
    ) -> None:
        self.log_signer = log_signer
        self.clock: Clock | None = known.clock if known else None
        self.accept_gap: AcceptGap = known.accept_gap if known else _refuse_gap
        self.clock_behind: ClockBehind | None = None
        self._memory = memory
        self._recalled = 0
        self._table = RefTable()
        self._applied = 0
        if known is not None:
            self._table, self._applied = known.home_table.copy(), known.checkpoint.size
        self._whole: RefTable | None = None
        self._about: dict[str, list[LoggedEntry]] | None = None
        super().__init__(
            backend,
            location,
            known.records if known else NO_RECORDS,
            known._manifests.copy() if known else None,  # noqa: SLF001 - another of this class
        )
        self.own_cache = caches = cache_dir / self.store_id.short if cache_dir else None
        self._cache = RefCache(caches) if caches else None
        self._dated: DatedEntries = known._dated.copy() if known else DatedEntries(caches)  # noqa: SLF001

    @classmethod
    def open(
        cls,
        root: Path,
        *,
        memory: LogMemory | None = None,
        log_signer: Signer | None = None,
        cache_dir: Path | None = None,
    ) -> Self:
        """Return the store in the folder ``root`` (the ``.lyrikstore`` folder itself).

        Args:
            root: The store's folder; read permission is enough.
            memory: The user's memory of signed log checkpoints; needed only to append.
            log_signer: Holds the key of the store's log; needed only to append.
            cache_dir: The user's cache folder of verified refs. None to verify every manifest
                again.

        Raises:
            NotFoundError: (``no-store``) there is no store.
            FormatError: (``newer-format``) a later version made it, or a file is damaged.
            VerificationError: The log does not verify.
            StorageError: Storage backend error: disk full, read-only, I/O error.

        Cost: one small file per transaction, and one manifest.
        """
        return cls.over(
            LocalBackend(root),
            location=root,
            memory=memory,
            log_signer=log_signer,
            cache_dir=cache_dir,
        )

    @classmethod
    def over(
        cls,
        backend: Backend,
        *,
        location: Path | str,
        memory: LogMemory | None = None,
        log_signer: Signer | None = None,
        known: "Repository | None" = None,
        cache_dir: Path | None = None,
    ) -> Self:
        """Return the store whose files are in ``backend``, here or on another machine.

        Args:
            backend: The store's files.
            location: A folder, or the name of the place in messages and in the memory.
            memory: As for :meth:`open`.
            log_signer: As for :meth:`open`.
            known: An earlier view of the same store; only later entries are read.
            cache_dir: As for :meth:`open`.

        Raises:
            LyrikstoreError: As :meth:`open`; RemoteError as the backend.
        """
        check_format(backend)
        return cls(
            backend,
            location=location,
            memory=memory,
            log_signer=log_signer,
            known=known,
            cache_dir=cache_dir,
        )

    def renew(self) -> None:
        """Drop everything kept except the log: manifests, credentials and refs are read again.

        Used for verification: no cache is evidence, nor is data that was read for another command.
        """
        self._cache, self.own_cache = None, None
        self._table, self._applied, self._recalled = RefTable(), 0, 0
        self._dated = DatedEntries(None)
        self._forget()
        self.refresh()

    def afresh(self) -> Self:
        """Return a new view of the store without caches; see :meth:`renew`."""
        fresh = copy(self)
        fresh.renew()
        return fresh

    @property
    def memory(self) -> LogMemory | None:
        """The user's log memory; None if the store was opened without it."""
        return self._memory

    @property
    def policy(self) -> Policy:
        """The policy in force now."""
        return self.table.policy or self._founded.policy

    def policy_before(self, index: int | None) -> Policy:
        """Return the policy in force before a log entry; None: the one in force now.

        Raises:
            LyrikstoreError: As :attr:`table`.
        """
        if index is not None:
            for since, policy in reversed(self.table.policies):
                if since < index:
                    return policy
        return self.policy

    def is_suspect(self, data: bytes, index: int) -> bool:
        """Return whether the key of a credential was compromised when the credential was logged.

        Args:
            data: The credential.
            index: Its log index.
        """
        suspects = self.policy.suspects
        if not suspects or (key := self.signing_key(data)) is None:
            return False
        return index >= suspects.get(did_key(key), index + 1)

    def floor(self, index: int | None = None) -> datetime:
        """Return the clock floor of the entry at ``index`` (spec §7.9); None: of the next entry."""
        return self.floors().at(index)

    def floors(self, table: RefTable | None = None) -> ClockFloors:
        """Return the clock floors of the log (spec §7.9).

        Args:
            table: The refs, with the policies that apply; by default those of the log.
        """
        return self._dated.floors(self, table or self.table)

    def known_floors(self, table: RefTable | None = None) -> ClockFloors:
        """Return the clock floors for a writer: no floor if an entry cannot be read.

        Otherwise nobody could repair a damaged store, or revoke a key in it.
        """
        try:
            return self.floors(table)
        except (IncompleteError, NotFoundError, VerificationError):
            return ClockFloors()

    def unsaid(self, moment: datetime) -> frozenset[int]:
        """Return the indices of the entries that were not yet in the log at a moment (spec §7.9).

        Raises:
            LyrikstoreError: An entry cannot be read: its date is not known.
        """
        return self._dated.unsaid(self, self.table, moment)

    def signing_date(self, clock: Clock, table: RefTable | None = None) -> datetime:
        """Return the date for a signature now: the clock's, or the floor if the clock is behind.

        Args:
            clock: The signer's clock.
            table: As for :meth:`floors`.
        """
        now, floors = clock(), self.known_floors(table)
        self.clock_behind = floors.behind(now) or self.clock_behind
        return floors.signing_date(now)

    def check_gap(self, date: datetime, floors: ClockFloors | None = None) -> None:
        """Raise `date-gap` if a date is long after the log's last date and the gap is not accepted.

        Args:
            date: The date claimed by the entry to be logged.
            floors: The floors of the log, if they are known.

        Raises:
            InvalidInputError: (``date-gap``) it is, and ``accept_gap`` returns False.
        """
        try:
            check_gap(floors or self.known_floors(), date)
        except InvalidInputError as error:
            if not self.accept_gap(error):
                raise
            self.accept_gap = _take_gap  # asked once

    @property
    def table(self) -> RefTable:
        """The refs, flags and policy that follow from the whole log; treat as read-only.

        Raises:
            IncompleteError, VerificationError: A logged manifest is lost or damaged. The name it
                moved is then unknown, so no ref is returned at all: the manifest before it would
                be a silent rollback (attack case A30). Or (``retired-log-key``) the head of the
                log is signed by a key that the log itself retired.

        Cost: on first use, one read and one signature verification per manifest that is not in
        the cache.
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
        """As :attr:`table`, without pending entries."""
        size, cache = self._signed.size, self._cache
        if cache is not None and self._applied == 0:
            self._applied, steps = cache.load(self._records.hashes[:size])
            self._table, self._recalled = RefTable.after(steps), self._applied
        while self._applied < size:
            self._apply(self._table, self._records.entries[self._applied])
            self._applied += 1
        check_head(self._signed, self._table.policies)
        if cache is not None and size - self._recalled >= WORTH:
            cache.save(self._records.hashes[:size], self._table.steps)
            self._recalled = size
        return self._table

    @property
    def refs(self) -> dict[str, RefState]:
        """Name → state of every ref; raises as :attr:`table`."""
        return dict(self.table.refs)

    @property
    def flagged(self) -> tuple[Flagged, ...]:
        """Logged manifests without effect, in log order; raises as :attr:`table` does."""
        return tuple(self.table.flagged)

    def all_manifests(self) -> Iterator[tuple[LoggedEntry, Manifest]]:
        """Yield every logged manifest that is valid, in log order, each once.

        Valid manifests that are flagged are included.

        Raises:
            IncompleteError, VerificationError: As :attr:`table`.
        """
        invalid = {item.index for item in self.flagged if item.reason in _NO_MANIFEST}
        for entry in self.entries():
            if entry.type == "manifest" and entry.index not in invalid:
                yield entry, self._read_manifest(entry.id)

    def credentials_about(self, identity: Digest) -> list[LoggedEntry]:
        """Return the logged credentials about a manifest, a tree or the files of one.

        Args:
            identity: A manifest id, tree id or files id. A credential is about the ids that its
                subject has as ``id``, ``manifest`` or ``files``; the credential itself is not
                verified here.

        Returns the log entries, oldest first. Cost: on first use, one read per logged credential.
        """
        if self._about is None:
            self._about = credentials_by_subject(self.entries(), self.credential)
        return list(self._about.get(identity.urn, ()))

    def tree(self, manifest: Manifest) -> Tree:
        """Return the tree a manifest names; its bytes are checked against the id.

        Raises:
            NotFoundError: (``no-tree``, ``no-blob``) its kind has no tree, or the tree is not here.
            FormatError, IncompleteError, VerificationError: The bytes are not a tree, or it is lost
                or damaged.
        """
        if manifest.tree is None:
            raise NotFoundError("no-tree", f"a {manifest.kind} has no files")
        with self._blobs.open(manifest.tree) as stream:
            return Tree.parse(stream)

    def resolve(self, text: str) -> Manifest:
        """Return the manifest that a REF names.

        Args:
            text: NAME, NAME~N, a full id, or at least 8 hex digits of one.

        Raises:
            LyrikstoreError: As :func:`resolve`.
        """
        return resolve(self, text)

    def history(self, name: str) -> list[Manifest]:
        """Return every version of the full name that was current, newest first.

        Raises:
            LyrikstoreError: As :func:`state_of`.
        """
        return [self.manifest(identity) for identity in state_of(self, name).history]

    def _load(self) -> None:
        super()._load()
        if self._signed.size < self._applied:
            self._table, self._applied = RefTable(), 0
        self._whole = self._about = None

    def _apply(self, table: RefTable, entry: LoggedEntry) -> None:
        if entry.type != "manifest":
            return
        # Lost or damaged bytes raise here, before anything is applied. Intact bytes that are no
        # manifest have no effect, for every reader alike.
        found = self._manifests.get(entry.id)
        data = found.data if found else self._read_bytes(entry.id)
        try:
            found = found or parse_manifest(data)
        except (FormatError, KeyMaterialError, VerificationError) as error:
            if error.kind == "newer-format":
                raise
            table.flag(entry.index, entry.id, "invalid")
            return
        self._manifests[entry.id] = found
        table.apply(entry.index, found)


def _refuse_gap(_: InvalidInputError) -> bool:
    return False


def _take_gap(_: InvalidInputError) -> bool:
    return True


_NO_MANIFEST = frozenset({"invalid", "already-logged"})
