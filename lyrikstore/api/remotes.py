"""What a store does with others: push and pull by URL (spec/15-remotes.md)."""

import os
from typing import TYPE_CHECKING, Any

from lyrikstore.canon.errors import KeyMaterialError
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.crypto.keys.signer import DeferredSigner, Signer
from lyrikstore.crypto.multikey import encode_multikey
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.clone import read_local_key
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.backends.base import LocalBackend

if TYPE_CHECKING:  # most commands never look beyond this machine
    from lyrikstore.crypto.keys.keyring import KeyFolder
    from lyrikstore.history.commit.policy_change import Change, PolicyChange
    from lyrikstore.history.gc.gc import Collected
    from lyrikstore.history.sync.pull import PullResult
    from lyrikstore.history.sync.push import PushResult
    from lyrikstore.objects.backends.open import RemotePlace


class Shared:
    """The part of a store that others see."""

    repository: Repository
    memory: LogMemory
    keys: "KeyFolder | None"

    def pull(
        self,
        place: "str | RemotePlace",
        *,
        all_data: bool = False,
        dry_run: bool = False,
        progress: OnProgress = silent,
    ) -> "PullResult":
        """Bring the copy of the home log here up to what ``place`` has.

        Args:
            place: As :func:`lyrikstore.objects.backends.open.open_backend` takes it.
            all_data: Fetch also what a partial clone left out.
            dry_run: Find out what would come; change nothing.
            progress: Progress callback, called per pack.

        Raises:
            ConflictError, VerificationError, RemoteError, StorageError: See
                :func:`lyrikstore.history.sync.pull.pull`.
        """
        from lyrikstore.history.sync.pull import pull
        from lyrikstore.objects.backends.open import open_backend

        backend = open_backend(place, scratch=self.repository.backend.scratch)
        return pull(
            self.repository,
            backend,
            str(place),
            memory=self.memory,
            all_data=all_data,
            dry_run=dry_run,
            progress=progress,
        )

    def push(
        self,
        place: "str | RemotePlace",
        *,
        mirror: bool = False,
        dry_run: bool = False,
        progress: OnProgress = silent,
    ) -> "PushResult":
        """Bring what is here to ``place``: to the home log, or to a mirror of it.

        Of this user's keys it takes one of the home log, if that is to be extended.

        Args:
            place: As :func:`lyrikstore.objects.backends.open.open_backend` takes it.
            mirror: Whether the remote shall be a mirror.
            dry_run: Find out what would happen; change nothing.
            progress: Progress callback, called per pack.

        Raises:
            ConflictError, VerificationError, RemoteError, KeyMaterialError: See
                :func:`lyrikstore.history.sync.push.push` and :meth:`home_log_signer`.
        """
        from lyrikstore.history.sync.push import Remote, push
        from lyrikstore.objects.backends.open import open_backend

        backend = open_backend(place, scratch=self.repository.backend.scratch)
        location = backend.root if isinstance(backend, LocalBackend) else str(place)
        return push(
            self.repository,
            Remote(backend, location, str(place), mirror),
            memory=self.memory,
            log_signer=self.home_log_signer,
            dry_run=dry_run,
            progress=progress,
        )

    def collect_at(
        self,
        place: "str | RemotePlace",
        *,
        signer: Signer | None,
        **options: Any,
    ) -> "Collected":
        """Collect garbage at ``place``, the home of this store; what it logs is pulled here.

        Args:
            place: As :func:`lyrikstore.objects.backends.open.open_backend` takes it.
            signer: Signs a retention; not needed for a dry run, as no key of the home log is.
            options: As :func:`lyrikstore.history.gc.gc.collect`.

        Raises:
            InvalidInputError: (``not-home``) it is a mirror.
            KeyMaterialError: As for :meth:`home_log_signer`.
            ConflictError, VerificationError, RemoteError, StorageError: See
                :func:`lyrikstore.history.sync.negotiate.negotiate` and ``collect``.

        Cost: that of ``collect``, over the network: what is rewritten comes here and goes back.
        """
        from lyrikstore.history.gc.gc import collect

        changes = not options.get("dry_run")
        there = self._at_home(place, self.home_log_signer() if changes else None)
        found = collect(there, signer=signer, **options)
        if changes:
            self.pull(place)
        return found

    def change_policy_at(
        self, place: "str | RemotePlace", change: "Change", **options: Any
    ) -> "PolicyChange":
        """Change who speaks for this store at ``place``, its home; it is pulled here.

        Args:
            place: As :func:`lyrikstore.objects.backends.open.open_backend` takes it.
            change: As :func:`lyrikstore.history.commit.policy_change.change_policy` takes it.
            options: As ``change_policy``.

        Raises:
            InvalidInputError: (``not-home``) it is a mirror.
            KeyMaterialError: As for :meth:`home_log_signer`.
            ConflictError, VerificationError, RemoteError, StorageError: See
                :func:`lyrikstore.history.sync.negotiate.negotiate` and ``change_policy``.
        """
        from lyrikstore.history.commit.policy_change import change_policy

        there = self._at_home(place, DeferredSigner(self.home_log_signer))
        made = change_policy(there, change, **options)
        self.pull(place)
        return made

    def _at_home(self, place: "str | RemotePlace", log_signer: Signer | None) -> Repository:
        from lyrikstore.history.sync.negotiate import at_home
        from lyrikstore.objects.backends.open import open_backend

        backend = open_backend(place, scratch=self.repository.backend.scratch)
        location = backend.root if isinstance(backend, LocalBackend) else str(place)
        return at_home(
            self.repository,
            backend,
            location,
            str(place),
            memory=self.memory,
            log_signer=log_signer,
        )

    def home_log_signer(self) -> Signer:
        """Return who signs the home log, with one of this user's keys.

        Raises:
            KeyMaterialError: (``no-keys``) the store was opened without them;
                (``log-key-missing``) none of them is a key of that log.
        """
        keys = [encode_multikey(entry.key) for entry in self.repository.policy.log_keys]
        return self._keys().log_signer(keys)

    def log_signer(self) -> Signer:
        """Return who signs the log that is extended here: of a clone, its local one.

        The first that asks in a clone makes the key of that log.

        Raises:
            KeyMaterialError: As for :meth:`home_log_signer`.
        """
        if not self.repository.is_mirror:
            return self.home_log_signer()
        key = read_local_key(self.repository.backend)
        if key is None:
            return self._keys().new_log_signer(os.urandom(8).hex(), comment="local log key")
        return self._keys().log_signer([encode_multikey(key.key)])

    def _keys(self) -> "KeyFolder":
        if self.keys is None:
            raise KeyMaterialError(
                "no-keys",
                "the store was opened without your keys, and its log takes one",
                hint="Store.open(…, keys=KeyFolder(PATH))",
            )
        return self.keys
