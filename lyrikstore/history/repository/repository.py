"""The repository: read access to a store's log, refs and manifests (spec/08-refs-and-identity.md).

Opening needs no key and writes nothing. It checks the signature on the log checkpoint and that
the transaction records give its root; manifests and blobs are verified when they are read.
Everything kept between calls follows from verified bytes; it is kept in memory, and what refs
follow from in the user's own cache (:mod:`lyrikstore.history.repository.ref_cache`). In a mirror,
what its local log holds and the home log does not have yet follows the entries of the home log.
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
from lyrikstore.history.repository.store_view import MAX_READ, StoreView
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.backends.base import Backend, LocalBackend

AcceptGap = Callable[[InvalidInputError], bool]


class Repository(StoreView):
    """The verified view of one store, by :meth:`open`.

    The view is of one moment; :meth:`refresh` moves it to now. Not for use from several threads.

    Attributes:
        log_signer: Holds the key of the log that is extended here; needed to append only.
        clock: That of whoever appends, held against the log; None where nobody's is.
        accept_gap: Asked with the error that else is raised before something is dated more than
            400 days after all that the log holds; whether that is meant. By default it is not.
        own_cache: Where its user keeps what was worked out of it, if anywhere: never evidence.
        clock_behind: That clock, if it was behind the log when something was signed or appended.
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
            memory: The user's memory of signed log checkpoints; needed to append only.
            log_signer: Holds the key of the store's log; needed to append only.
            cache_dir: Where this user remembers what refs followed from, verified before. None to
                verify all of it anew.

        Raises:
            NotFoundError: (``no-store``) there is none.
            FormatError: (``newer-format``) a later version made it, or a file is damaged.
            VerificationError: The log does not hold.
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
        """Return the store whose files ``backend`` holds, wherever they are.

        Args:
            backend: The store's files.
            location: A folder, or what messages and the memory call the place.
            memory: As for :meth:`open`.
            log_signer: As for :meth:`open`.
            known: The same store as seen before; only what came after it is read.
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
        """Remember nothing but the log: manifests, credentials and refs are read anew, each once.

        For whoever verifies: no cache is evidence, nor is what was read for another command.
        """
        self._cache, self.own_cache = None, None
        self._table, self._applied, self._recalled = RefTable(), 0, 0
        self._dated = DatedEntries(None)
        self._forget()
        self.refresh()

    def afresh(self) -> Self:
        """Return the store as to somebody who remembers nothing of it; see :meth:`renew`."""
        fresh = copy(self)
        fresh.renew()
        return fresh

    @property
    def memory(self) -> LogMemory | None:
        """What its user signed and saw of logs before; None if it was opened without."""
        return self._memory

    @property
    def policy(self) -> Policy:
        """The policy in force now."""
        return self.table.policy or self._founded.policy

    def is_suspect(self, data: bytes, index: int) -> bool:
        """Return whether a credential is by a key that was compromised when it was logged.

        Args:
            data: The credential.
            index: Its log index.
        """
        suspects = self.policy.suspects
        if not suspects or (key := self.signing_key(data)) is None:
            return False
        return index >= suspects.get(did_key(key), index + 1)

    def floor(self, index: int | None = None) -> datetime:
        """Return the clock floor for what has ``index`` (spec §7.9); None: for what comes next."""
        return self.floors().at(index)

    def floors(self, table: RefTable | None = None) -> ClockFloors:
        """Return the clock floors of the log (spec §7.9).

        Args:
            table: With the policies to judge by; those logged by default.
        """
        return self._dated.floors(self, table or self.table)

    def known_floors(self, table: RefTable | None = None) -> ClockFloors:
        """Return the same for a writer: none where an entry cannot be read.

        Who repairs a damaged store, or revokes a key, must be able to say so.
        """
        try:
            return self.floors(table)
        except (IncompleteError, NotFoundError, VerificationError):
            return ClockFloors()

    def unsaid(self, moment: datetime) -> frozenset[int]:
        """Return the indices of the entries that were not in the log yet at a moment (spec §7.9).

        Raises:
            LyrikstoreError: An entry cannot be read: what it claims is not known.
        """
        return self._dated.unsaid(self, self.table, moment)

    def signing_date(self, clock: Clock, table: RefTable | None = None) -> datetime:
        """Return the date of what is signed now: the clock's, or the floor if it is behind.

        Args:
            clock: The signer's.
            table: As for :meth:`floors`.
        """
        now, floors = clock(), self.known_floors(table)
        self.clock_behind = floors.behind(now) or self.clock_behind
        return floors.signing_date(now)

    def check_gap(self, date: datetime, floors: ClockFloors | None = None) -> None:
        """Check that a date is not long after all that the log holds, or is meant.

        Args:
            date: What is to be logged claims it.
            floors: Those of the log, if they are known.

        Raises:
            InvalidInputError: (``date-gap``) it is, and ``accept_gap`` says no.
        """
        try:
            check_gap(floors or self.known_floors(), date)
        except InvalidInputError as error:
            if not self.accept_gap(error):
                raise
            self.accept_gap = _take_gap  # asked once

    @property
    def table(self) -> RefTable:
        """Refs, flags and policy as the whole log gives them; treat as read-only.

        Raises:
            IncompleteError, VerificationError: A logged manifest is lost or damaged. Which name
                it moved cannot be known then, so no ref is given at all: the one before it would
                be a silent rollback (attack case A30). Or (``retired-log-key``) the head of the
                log is by a key that it says was retired.

        Cost: at first use, one read and one signature verification per manifest, but for those
        that are remembered.
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

        Those flagged for another reason are among them.

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
            identity: A manifest id, tree id or files id. A credential is about what its subject
                names as ``id``, ``manifest`` or ``files``; the credential itself is not verified
                here.

        Returns the log entries, oldest first. Cost: at first use, one read per logged credential.
        """
        if self._about is None:
            self._about = credentials_by_subject(self.entries(), self.credential)
        return list(self._about.get(identity.urn, ()))

    def tree(self, manifest: Manifest) -> Tree:
        """Return the tree a manifest names; its bytes are checked against the id.

        Raises:
            NotFoundError: (``no-tree``, ``no-blob``) its kind has none, or it is not here.
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


def _refuse_gap(_: InvalidInputError) -> bool:
    return False


def _take_gap(_: InvalidInputError) -> bool:
    return True


_NO_MANIFEST = frozenset({"invalid", "already-logged"})
