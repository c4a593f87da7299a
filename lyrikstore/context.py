"""The context of a command: one open store and its user.

A function that does the work of a command takes a :class:`StoreContext` first, and then the
arguments of the command; the facade binds such functions to a store (:mod:`lyrikstore.api`).
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import KeyMaterialError
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.timestamps import Clock, now
from lyrikstore.crypto.keys.signer import DeferredSigner, Signer
from lyrikstore.crypto.multikey import encode_multikey
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.clone import read_local_key
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.backends.base import LocalBackend

if TYPE_CHECKING:
    from lyrikstore.credentials.trust import Trust
    from lyrikstore.crypto.keys.keyring import KeyFolder
    from lyrikstore.history.manifests.manifest import Manifest
    from lyrikstore.history.sync.push import Remote
    from lyrikstore.objects.backends.open import RemotePlace


class LogPosition(Struct, frozen=True):
    """The position of a log at one moment.

    Attributes:
        size: Number of entries of the home log.
        pending: The pending entries of the local log.
    """

    size: int
    pending: frozenset[Digest]


@dataclass
class StoreContext:
    """One open store, and its user.

    Attributes:
        repository: The verified view of the store.
        memory: The log checkpoints this user signed and saw.
        trust_file: The trust file of this user; read again at each use.
        clock: The clock for signing and verifying.
        cache_dir: Folder of the caches of file digests and refs, outside the store; None for no
            cache.
        keys: The private keys of this user, including those of the logs they extend.
        person: The signer of appended manifests; None if the store was opened only for reading.
        environment: The caller's environment variables; a few harmless ones are passed to workers.
        progress: Progress callback of long operations.
        believed: The trust of this user, in place of a trust file.
    """

    repository: Repository
    memory: LogMemory
    trust_file: Path
    clock: Clock = now
    cache_dir: Path | None = None
    keys: "KeyFolder | None" = None
    person: Signer | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    progress: OnProgress = silent
    believed: "Trust | None" = None

    def __post_init__(self) -> None:
        self.repository.clock = self.clock
        if self.person is not None:
            self.repository.log_signer = DeferredSigner(self.log_signer)

    def __repr__(self) -> str:
        return f"<Store {self.origin} in {self.repository.root}>"

    @property
    def id(self) -> Digest:
        """The store's identity."""
        return self.repository.store_id

    @property
    def origin(self) -> str:
        """The name of its log."""
        return self.repository.origin

    def afresh(self, *, trust: "Trust | None" = None, at: datetime | None = None) -> "StoreContext":
        """Return a context for verification, in which nothing that was read before is trusted.

        Args:
            trust: The trust of the verifier; by default that of this user.
            at: The moment for which to verify; by default now.
        """
        moment = at or self.clock()
        known = {one.name: getattr(self, one.name) for one in fields(StoreContext)}
        known["repository"] = self.repository.afresh()
        known["believed"] = self.trust if trust is None else trust
        known["clock"] = lambda: moment
        return StoreContext(**known)

    @property
    def trust(self) -> "Trust":
        """The trust of this user, from the current trust file."""
        from lyrikstore.credentials.trust import load_trust

        return load_trust(self.trust_file) if self.believed is None else self.believed

    def resolve(self, ref: "str | Manifest") -> "Manifest":
        """Return the manifest that a REF names.

        Args:
            ref: NAME, NAME~N, a full id, or at least 8 hex digits of one; a manifest is returned
                unchanged.

        Raises:
            InvalidInputError: (``bad-ref``, ``bad-name``) it cannot be a REF; (``ambiguous``)
                several ids start with these digits.
            NotFoundError: (``no-ref``, ``no-version``, ``no-id``) there is no such manifest.
        """
        return self.repository.resolve(ref) if isinstance(ref, str) else ref

    @property
    def user(self) -> str | None:
        """DID of the user, whose licence grants count; None if the store has no user."""
        return None if self.person is None else self.person.did

    @property
    def own_cache(self) -> Path | None:
        """The cache folder of this store, or None."""
        return self.cache_dir / self.id.short if self.cache_dir else None

    @property
    def position(self) -> LogPosition:
        """The current position of the log."""
        pending = frozenset(entry.id for entry in self.repository.pending)
        return LogPosition(self.repository.checkpoint.size, pending)

    def again(self, judge: Callable[[], object]) -> Callable[[], None]:
        """Return a function that calls ``judge`` again if the log has changed since now.

        For :meth:`~lyrikstore.history.commit.transaction.TransactionBuilder.hold`: a check before
        signing is made with an earlier log, which another writer may extend meanwhile.
        """
        judged = self.position

        def judge_again() -> None:
            if self.position != judged:
                judge()

        return judge_again

    def logged_since(self, position: LogPosition) -> list[tuple[Digest, str]]:
        """Return the documents logged since ``position``, in order: each id, with its name or kind.

        Raises:
            LyrikstoreError: The log, or a logged document, cannot be read.
        """
        repository = self.repository
        repository.refresh()
        return [
            (
                entry.id,
                repository.manifest(entry.id).name if entry.type == "manifest" else entry.type,
            )
            for entry in repository.entries()[position.size :]
            if entry.type != "transaction" and entry.id not in position.pending
        ]

    def signer(self, *, away: bool = False) -> Signer:
        """Return the signer of this user, after publishing an unpublished transaction left here.

        Args:
            away: Whether the signed manifest will be appended at the home of the log, not here.

        Raises:
            KeyMaterialError: (``no-signer``) the store was opened only for reading.
            InvalidInputError: (``date-gap``) the log's last date is more than 400 days ago, and
                ``repository.accept_gap`` does not accept it.
        """
        if self.person is None:
            raise KeyMaterialError(
                "no-signer",
                "the store was opened only for reading",
                hint="keys = KeyFolder(PATH); Store.open(…, keys=keys, signer=keys.signer())",
            )
        if not away:
            from lyrikstore.history.commit.transaction import recover

            recover(self.repository)
        self.repository.check_gap(self.clock())
        return self.person

    def home_log_signer(self) -> Signer:
        """Return the signer of the home log, with one of this user's keys.

        Raises:
            KeyMaterialError: (``no-keys``) the store was opened without keys;
                (``log-key-missing``) none of the keys is a key of that log.
        """
        keys = [encode_multikey(entry.key) for entry in self.repository.policy.log_keys]
        return self._keys().log_signer(keys)

    def log_signer(self) -> Signer:
        """Return the signer of the log that is extended here: in a clone, its local log.

        The first call in a clone creates the key of that log.

        Raises:
            KeyMaterialError: As for :meth:`home_log_signer`.
        """
        if not self.repository.is_mirror:
            return self.home_log_signer()
        key = read_local_key(self.repository.backend)
        if key is None:
            return self._keys().new_log_signer(os.urandom(8).hex(), comment="local log key")
        return self._keys().log_signer([encode_multikey(key.key)])

    def reach(self, place: "str | RemotePlace", *, mirror: bool = False) -> "Remote":
        """Return a remote for push, pull and gc; no request is sent yet.

        Args:
            place: A folder, a URL, or a :class:`~lyrikstore.api.RemotePlace`.
            mirror: Whether a push makes it a mirror.

        Raises:
            InvalidInputError, RemoteError: It is not a place that can be reached.
        """
        from lyrikstore.history.sync.push import Remote
        from lyrikstore.objects.backends.open import open_backend

        backend = open_backend(place, scratch=self.repository.backend.scratch)
        location = backend.root if isinstance(backend, LocalBackend) else str(place)
        return Remote(backend, location, str(place), mirror)

    def at_home(self, place: "str | RemotePlace", log_signer: Signer | None) -> Repository:
        """Return the store at ``place``, the home of its log, opened to extend the log there.

        Args:
            place: As for :meth:`reach`.
            log_signer: The signer of that log; None to change nothing.

        Raises:
            ConflictError, VerificationError, RemoteError, StorageError: See
                :func:`lyrikstore.history.sync.negotiate.at_home`.
        """
        from lyrikstore.history.sync.negotiate import at_home

        home = self.reach(place)
        return at_home(
            self.repository,
            home.backend,
            home.location,
            home.name,
            memory=self.memory,
            log_signer=log_signer,
        )

    def _keys(self) -> "KeyFolder":
        if self.keys is None:
            raise KeyMaterialError(
                "no-keys",
                "the store was opened without your keys, and its log needs one",
                hint="Store.open(…, keys=KeyFolder(PATH))",
            )
        return self.keys
