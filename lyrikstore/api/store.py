"""The class ``Store``: open, create or clone a store, and use it by its parts.

Example:
    >>> from lyrikstore import Store                                       # doctest: +SKIP
    >>> store = Store.open("corpus", memory_dir=..., trust_file=...)       # doctest: +SKIP
    >>> store.verify().verdict                                             # doctest: +SKIP
    <Verdict.TRUSTED: 'trusted'>
    >>> store.datasets.why("acme/contracts-clean", "letter-0231.txt")      # doctest: +SKIP

A part is imported on first use. An argument ``place`` is a folder, a URL, or a
:class:`~lyrikstore.api.RemotePlace` with options and credentials.
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
    from lyrikstore.audit.statements.export import Export
    from lyrikstore.credentials.trust import Trust
    from lyrikstore.crypto.keys.keyring import KeyFolder
    from lyrikstore.crypto.keys.signer import Signer
    from lyrikstore.history.sync.pull import PullResult
    from lyrikstore.objects.backends.open import RemotePlace
    from lyrikstore.verify.report import Report

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Store(StoreContext):
    """One store with its user, from :meth:`open`, :meth:`create` or :meth:`clone`."""

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
        """Return the store in ``folder``, the ``.lyrikstore`` folder or its parent.

        Args:
            folder: Read permission is enough, unless there is a signer.
            memory_dir: Folder of this user's remembered log checkpoints.
            trust_file: This user's trust file; need not exist.
            keys: This user's keys; a log key among them is used to append with ``signer``, or to
                push.
            signer: Signs the entries that are appended, such as ``keys.signer()``; None: read only.
            clock: Function that returns the time.
            cache_dir: Folder of this user's caches: file hashes, and state of the refs.
            environment: The caller's environment variables; a few harmless ones are passed to the
            workers that train and serve models.
            progress: Progress callback of long operations; ``store.progress`` can be set later.

        Raises:
            NotFoundError: (``no-store``) there is no store.
            FormatError: (``newer-format``) a later version of lyrikstore made it.
            VerificationError: Its log does not verify.
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
        """Create a store, its log key in the user's key folder, and trust in the owner's key.

        Args:
            folder: The new store folder; a missing parent is created.
            signer: The owner, such as ``keys.signer()``; signs the store's first entry.
            keys: The key folder, which gets the log key, without a passphrase: it signs every
                commit.
            memory_dir: Folder of this user's remembered log checkpoints.
            trust_file: Gets an entry for the owner's key, for this store only.
            origin: The log's name; by default a random one.
            clock: Function that returns the time.
            cache_dir: As for :meth:`open`.
            environment: As for :meth:`open`.
            writers: did:key of others who may sign everything but policies.
            log_keys: Keys of others that may sign its log, as did:key or Multikey.

        Raises:
            ConflictError: (``store-exists``) the folder exists.
            KeyMaterialError: (``bad-key``, ``weak-key``) one of the other keys is invalid.
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
                raise ConflictError("store-exists", f"{folder} already exists")
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
        for_audit: bool = False,
        environment: Mapping[str, str] = _NOTHING,
        progress: OnProgress = silent,
    ) -> "tuple[Store, PullResult]":
        """Clone the store at ``place`` and verify it; return the clone, and what was fetched.

        Args:
            place: The remote.
            folder: The new store folder; a missing parent is created.
            memory_dir: As for :meth:`open`, and so are the next five.
            trust_file: This user's trust file.
            keys: This user's keys.
            signer: Signs the entries that are appended here.
            clock: Function that returns the time.
            cache_dir: Folder of this user's caches.
            expected: The store's id, if known; None: any store at ``place`` is accepted.
            only: The REFs whose files are fetched; empty: no data at all; None: everything.
            for_audit: Whether to fetch only documents without data: no file, no path, no tree.
            environment: As for :meth:`open`.
            progress: As for :meth:`open`; called per pack.

        Raises:
            ConflictError, InvalidInputError, NotFoundError, VerificationError, FormatError,
                RemoteError, StorageError: See :func:`lyrikstore.history.sync.pull.clone`.
        """
        from lyrikstore.history.repository.partial_clone import Selection
        from lyrikstore.history.sync.pull import clone
        from lyrikstore.objects.backends.open import open_backend

        root, memory = Path(folder), LogMemory(Path(memory_dir))
        selection = None if only is None else Selection(tuple(only))
        repository, result = clone(
            open_backend(place, scratch=root / "tmp"),
            str(place),
            root,
            memory=memory,
            expected=expected,
            selection=Selection(for_audit=True) if for_audit else selection,
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
    rules = part(lambda: stages.StoreRules)
    reviews = part(lambda: stages.Reviews)

    @property
    def founder(self) -> str:
        """The DID of the key that signed the store's first entry."""
        return self.repository.genesis.author

    @property
    def is_clone(self) -> bool:
        """Whether this is a clone or mirror: entries that are appended here wait for a push."""
        return self.repository.is_mirror

    @property
    def is_for_audit(self) -> bool:
        """Whether this is a clone that has only documents without data."""
        return self.repository.is_for_audit

    def naming_data(self) -> tuple[str, ...]:
        """Return the signed statements that name paths or sheet values of data, as labels.

        Raises:
            IncompleteError, VerificationError: A manifest or credential is lost or damaged.
        """
        from lyrikstore.history.sync.audit_clone import naming_data

        return naming_data(self.repository)

    def floor(self) -> datetime:
        """Return the latest date in the log; no verdict here is for an earlier moment."""
        return self.repository.floor()

    def log_index(self, identity: Digest) -> int:
        """Return the log index of a manifest or a credential.

        Raises:
            NotFoundError: (``not-logged``) it is not in the log.
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
        """Return the report on the whole store, or on one object with its whole lineage.

        Caches are not used.

        Args:
            ref: The object; None for every blob, signature, log entry and link of the store.
            trust: The verifier's trust; by default the trust file.
            at: The moment of the verdict; by default now.
            recompute: Whether to compute the evaluations of an object again; otherwise the verdict
            is at best ``valid``.

        Raises:
            InvalidInputError, NotFoundError: As :meth:`resolve`.
            FormatError: (``bad-trust``) the trust file is invalid.
            StorageError: Storage backend error. Errors of the store are in the report.
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

    def export(self, ref: str, form: str) -> "Export":
        """Verify an object and return it in a format of other tools, such as SLSA provenance.

        Args:
            ref: The object.
            form: Name of the format: ``slsa``, ``test-result``, ``vsa`` or ``croissant``.

        Raises:
            VerificationError: (``not-verified``) the object is invalid or incomplete.
            LyrikstoreError: As :func:`lyrikstore.audit.statements.export.export_object`.
        """
        return stages.export_object(self, ref, form, self.verify(ref))
