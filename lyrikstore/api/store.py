"""A store, as notebooks and the command line use it: opened, created or cloned, then by its parts.

Example:
    >>> from lyrikstore import Store                                       # doctest: +SKIP
    >>> store = Store.open("corpus", memory_dir=..., trust_file=...)       # doctest: +SKIP
    >>> store.verify().verdict                                             # doctest: +SKIP
    <Verdict.TRUSTED: 'trusted'>
    >>> store.datasets.why("acme/contracts-clean", "letter-0231.txt")      # doctest: +SKIP

A part is loaded when it is first asked for. ``place``, wherever something is reached, is a folder,
a URL, or a :class:`~lyrikstore.api.RemotePlace` with what it takes to reach it.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from lyrikstore.api import stages
from lyrikstore.api.bound import part
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import ConflictError, storage_errors
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.timestamps import Clock, now
from lyrikstore.context import StoreContext
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.locate import store_folder
from lyrikstore.history.repository.repository import Repository

if TYPE_CHECKING:
    from lyrikstore.credentials.trust import Trust
    from lyrikstore.crypto.keys.keyring import KeyFolder
    from lyrikstore.crypto.keys.signer import Signer
    from lyrikstore.history.sync.pull import PullResult
    from lyrikstore.objects.backends.open import RemotePlace
    from lyrikstore.verify.report import Report

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Store(StoreContext):
    """One store, and who works in it. Made by :meth:`open`, :meth:`create`, :meth:`clone`."""

    @classmethod
    def open(
        cls,
        folder: Path | str,
        *,
        memory_dir: Path | str,
        trust_file: Path | str,
        keys: "KeyFolder | None" = None,
        signer: "Signer | None" = None,
        clock: Clock = now,
        cache_dir: Path | None = None,
        environment: Mapping[str, str] = _NOTHING,
        progress: OnProgress = silent,
    ) -> "Store":
        """Return the store in ``folder``, the ``.lyrikstore`` folder or the one that holds it.

        Args:
            folder: Read permission is enough, unless there is a signer.
            memory_dir: Where this user's log checkpoints are remembered.
            trust_file: This user's trust file; need not exist.
            keys: This user's keys: one of the log's, to append with ``signer`` or to push.
            signer: Who signs what is appended, such as ``keys.signer()``; None to read only.
            clock: The time.
            cache_dir: Where this user remembers what files hashed to and what refs followed from.
            environment: The caller's environment variables, of which a few harmless ones reach the
                workers that train and serve models.
            progress: Progress callback of whatever takes long; ``store.progress`` can be set.

        Raises:
            NotFoundError: (``no-store``) there is none.
            FormatError: (``newer-format``) a later version made it.
            VerificationError: its log does not hold.
        """
        memory = LogMemory(Path(memory_dir))
        repository = Repository.open(store_folder(Path(folder)), memory=memory, cache_dir=cache_dir)
        return cls(
            repository, memory, Path(trust_file), clock, cache_dir, keys, signer,
            environment, progress,
        )  # fmt: skip

    @classmethod
    def create(
        cls,
        folder: Path | str,
        *,
        signer: "Signer",
        keys: "KeyFolder",
        memory_dir: Path | str,
        trust_file: Path | str,
        origin: str | None = None,
        clock: Clock = now,
        cache_dir: Path | None = None,
        environment: Mapping[str, str] = _NOTHING,
        writers: Sequence[str] = (),
        log_keys: Sequence[str] = (),
    ) -> "Store":
        """Make a store, its log key next to the user's keys, and the owner's trust in it.

        Args:
            folder: The store folder to make; its parent is made if missing.
            signer: The owner, such as ``keys.signer()``; signs the store's first entry.
            keys: Where the log key goes, unprotected: it signs at every commit.
            memory_dir: Where this user's log checkpoints are remembered.
            trust_file: Gets an entry for the owner's key, for this store only.
            origin: The log's name; by default a random one.
            clock: The time.
            cache_dir: As for :meth:`open`.
            environment: Likewise.
            writers: did:key of others who may say everything but the policy.
            log_keys: Keys of others that may sign its log, as did:key or Multikey.

        Raises:
            ConflictError: (``store-exists``) there is one.
            KeyMaterialError: (``bad-key``, ``weak-key``) one of the others' is no such key.
            StorageError: Storage backend error: disk full, read-only, I/O error.
        """
        from lyrikstore.credentials.trust import ROLES, TrustedIssuer
        from lyrikstore.credentials.trust.edit import add_issuer
        from lyrikstore.crypto.multikey import did_key, parse_did_key, parse_public_key
        from lyrikstore.history.commit.transaction import create_repository

        folder, memory = Path(folder), LogMemory(Path(memory_dir))
        others = [did_key(parse_did_key(did)) for did in writers]
        their_keys = [parse_public_key(key) for key in log_keys]
        # Before a log key is made that nobody would ever use.
        with storage_errors(f"making {folder}"):
            if folder.exists():
                raise ConflictError("store-exists", f"there is something at {folder} already")
            folder.parent.mkdir(parents=True, exist_ok=True)
        tag = os.urandom(8).hex()
        repository = create_repository(
            folder,
            origin=origin or f"lyrikstore.local/{tag}",
            signer=signer,
            log_signer=keys.new_log_signer(tag, comment="log key"),
            clock=clock,
            memory=memory,
            writers=others,
            log_keys=their_keys,
        )
        store = cls(
            repository, memory, Path(trust_file), clock, cache_dir, keys, signer, environment
        )
        me = f"me ({store.id.short})"
        add_issuer(
            store.trust_file, TrustedIssuer(signer.did, me, tuple(ROLES), stores=(store.id,))
        )
        return store

    @classmethod
    def clone(
        cls,
        place: "str | RemotePlace",
        folder: Path | str,
        *,
        memory_dir: Path | str,
        trust_file: Path | str,
        keys: "KeyFolder | None" = None,
        signer: "Signer | None" = None,
        clock: Clock = now,
        cache_dir: Path | None = None,
        expected: Digest | None = None,
        only: Sequence[str] | None = None,
        environment: Mapping[str, str] = _NOTHING,
        progress: OnProgress = silent,
    ) -> "tuple[Store, PullResult]":
        """Make a verified copy of the store at ``place``, to work in; return it and what came.

        Args:
            place: Where it is.
            folder: The store folder to make; its parent is made if missing.
            memory_dir: As for :meth:`open`, and so are the next five.
            trust_file: This user's trust file.
            keys: This user's keys.
            signer: Who signs what is appended here.
            clock: The time.
            cache_dir: This user's cache.
            expected: The store's id, if known; else it is believed to be the one that was meant.
            only: The REFs whose files are fetched, none for no data at all; None for everything.
            environment: As for :meth:`open`.
            progress: Likewise; here called per pack.

        Raises:
            ConflictError, InvalidInputError, NotFoundError, VerificationError, FormatError,
                RemoteError, StorageError: See :func:`lyrikstore.history.sync.pull.clone`.
        """
        from lyrikstore.history.repository.partial_clone import Selection
        from lyrikstore.history.sync.pull import clone
        from lyrikstore.objects.backends.open import open_backend

        root, memory = Path(folder), LogMemory(Path(memory_dir))
        repository, result = clone(
            open_backend(place, scratch=root / "tmp"),
            str(place),
            root,
            memory=memory,
            expected=expected,
            selection=None if only is None else Selection(tuple(only)),
            progress=progress,
        )
        store = cls(
            repository,
            memory,
            Path(trust_file),
            clock,
            cache_dir,
            keys,
            signer,
            environment,
            progress,
        )
        return store, result

    datasets = part(lambda: stages.Datasets)
    credentials = part(lambda: stages.Credentials)
    models = part(lambda: stages.Models)
    remotes = part(lambda: stages.Remotes)
    query = part(lambda: stages.Queries)
    policy = part(lambda: stages.StorePolicy)

    @property
    def founder(self) -> str:
        """The DID of the key that signed the store's first entry."""
        return self.repository.genesis.author

    @property
    def is_clone(self) -> bool:
        """Whether the log is extended elsewhere: what is appended here waits for a push."""
        return self.repository.is_mirror

    def floor(self) -> datetime:
        """Return the moment before which nothing is judged here: what the log dates latest."""
        return self.repository.floor()

    def log_index(self, identity: Digest) -> int:
        """Return where a manifest or a credential stands in the log.

        Raises:
            NotFoundError: (``not-logged``) nowhere.
        """
        as_manifest = self.repository.is_logged(identity, "manifest")
        return self.repository.index_of(identity, "manifest" if as_manifest else "credential")

    def verify(
        self,
        ref: str | None = None,
        *,
        trust: "Trust | None" = None,
        at: datetime | None = None,
        recompute: bool = True,
    ) -> "Report":
        """Return the report on the whole store, or on one object with all that it rests on.

        Nothing that is remembered of the store is believed.

        Args:
            ref: The object; None for every blob, signature, log entry and link of the store.
            trust: Whom the verifier believes; by default as the trust file says.
            at: The moment to judge for; by default now.
            recompute: Whether to compute the evaluations again that an object rests on; otherwise
                the verdict is at best ``valid``.

        Raises:
            InvalidInputError, NotFoundError: As :meth:`resolve`.
            FormatError: (``bad-trust``) the trust file is none.
            StorageError: Storage backend error. What is wrong with the store stands in the report.
        """
        readers = stages.all_readers(recompute=recompute)
        context = self.afresh(trust=trust, at=at)
        if ref is None:
            return stages.verify_store(context, readers=readers)
        found = context.repository.resolve(ref)
        if found.kind == "card":
            return stages.verify_logged_card(context, found, readers=readers)
        lineage = stages.Lineage.read(context.repository, found.id)
        return stages.verify_object(context, found.id, readers=readers, lineage=lineage)
