"""The store as notebooks, services and the command line use it.

Example:
    >>> from lyrikstore import Store                                       # doctest: +SKIP
    >>> store = Store.open("corpus", memory_dir=..., trust_file=...)       # doctest: +SKIP
    >>> store.verify().verdict                                             # doctest: +SKIP
    <Verdict.TRUSTED: 'trusted'>

Each floor gives its part: ``Shared`` pulls and pushes, ``Asking`` answers, ``Curating`` makes
versions, ``Training`` makes checkpoints, ``Standing`` keeps credentials. A method loads what it
needs when it is called.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyrikstore.api.credentials import Standing
from lyrikstore.api.datasets import Curating
from lyrikstore.api.models import Training
from lyrikstore.api.query import Asking
from lyrikstore.api.remotes import Shared
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import KeyMaterialError
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.timestamps import Clock, now
from lyrikstore.crypto.keys.signer import DeferredSigner
from lyrikstore.history.commit.transaction import recover
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.locate import store_folder
from lyrikstore.history.repository.repository import Repository

if TYPE_CHECKING:
    from lyrikstore.credentials.trust import Trust
    from lyrikstore.crypto.ed25519 import PublicKey
    from lyrikstore.crypto.keys.keyring import KeyFolder
    from lyrikstore.crypto.keys.signer import Signer
    from lyrikstore.curate.terms.offer import Offer
    from lyrikstore.history.gc.gc import Collected
    from lyrikstore.history.manifests.lineage import Graph
    from lyrikstore.history.repository.partial_clone import Selection
    from lyrikstore.history.sync.pull import PullResult
    from lyrikstore.history.trees.tree import Tree
    from lyrikstore.objects.backends.open import RemotePlace
    from lyrikstore.publish.cards.answers import Responses
    from lyrikstore.publish.cards.card import CardResult
    from lyrikstore.publish.identity.issuer import Issuance
    from lyrikstore.publish.issue.delivery import DeliveryResult
    from lyrikstore.verify.report import Report


@dataclass
class Store(Shared, Asking, Curating, Training, Standing):
    """One store, and who may append to it. Made by :meth:`open`, :meth:`create`, :meth:`clone`.

    Attributes:
        repository: The verified view of the store.
        memory: The log checkpoints this user signed and saw.
        trust_file: Whom this user believes; read anew at each use.
        clock: The time of everything that is signed or judged.
        cache_dir: Where is remembered what files hashed to and what refs followed from; outside
            the store, or nowhere.
        keys: The private keys of this user, among them those of the logs they extend.
    """

    repository: Repository
    memory: LogMemory
    trust_file: Path
    clock: Clock = now
    cache_dir: Path | None = None
    keys: "KeyFolder | None" = None
    _signer: "Signer | None" = None

    def __post_init__(self) -> None:
        self.repository.clock = self.clock
        if self._signer is not None:
            self.repository.log_signer = DeferredSigner(self.log_signer)

    def __repr__(self) -> str:
        return f"<Store {self.origin} in {self.repository.root}>"

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

        Raises:
            NotFoundError: (``no-store``) there is none.
            FormatError: (``newer-format``) a later version made it.
            VerificationError: its log does not hold.
        """
        memory = LogMemory(Path(memory_dir))
        repository = Repository.open(store_folder(Path(folder)), memory=memory, cache_dir=cache_dir)
        return cls(repository, memory, Path(trust_file), clock, cache_dir, keys, signer)

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
        writers: Sequence[str] = (),
        log_keys: Sequence["PublicKey"] = (),
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
            writers: DIDs of others who may say everything but the policy.
            log_keys: Keys of others that may sign its log.

        Raises:
            ConflictError: (``store-exists``) there is one.
            StorageError: Storage backend error: disk full, read-only, I/O error.
        """
        from lyrikstore.api.create import found_store

        repository, memory = found_store(
            Path(folder),
            signer=signer,
            keys=keys,
            memory_dir=Path(memory_dir),
            trust_file=Path(trust_file),
            origin=origin,
            clock=clock,
            writers=writers,
            log_keys=log_keys,
        )
        return cls(repository, memory, Path(trust_file), clock, cache_dir, keys, signer)

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
        selection: "Selection | None" = None,
        progress: OnProgress = silent,
    ) -> "tuple[Store, PullResult]":
        """Make a verified copy of the store at ``place``, to work in; return it and what came.

        Args:
            place: As :func:`lyrikstore.objects.backends.open.open_backend` takes it.
            folder: The store folder to make; its parent is made if missing.
            memory_dir: As for :meth:`open`, and so are the next five.
            trust_file: This user's trust file.
            keys: This user's keys.
            signer: Who signs what is appended here.
            clock: The time.
            cache_dir: This user's cache.
            expected: The store's id, if known; else it is believed to be the one that was meant.
            selection: What data to fetch; None for everything.
            progress: Progress callback, called per pack.

        Raises:
            ConflictError, InvalidInputError, NotFoundError, VerificationError, FormatError,
                RemoteError, StorageError: See :func:`lyrikstore.history.sync.pull.clone`.
        """
        from lyrikstore.history.sync.pull import clone
        from lyrikstore.objects.backends.open import open_backend

        root, memory = Path(folder), LogMemory(Path(memory_dir))
        repository, result = clone(
            open_backend(place, scratch=root / "tmp"),
            str(place),
            root,
            memory=memory,
            expected=expected,
            selection=selection,
            progress=progress,
        )
        store = cls(repository, memory, Path(trust_file), clock, cache_dir, keys, signer)
        return store, result

    @property
    def id(self) -> Digest:
        """The store's identity."""
        return self.repository.store_id

    @property
    def origin(self) -> str:
        """The name of its log."""
        return self.repository.origin

    @property
    def trust(self) -> "Trust":
        """Whom this user believes, as the trust file says now."""
        from lyrikstore.credentials.trust import load_trust

        return load_trust(self.trust_file)

    def resolve(self, ref: str) -> Manifest:
        """Return the manifest a person means.

        Args:
            ref: NAME, NAME~N, a full id, or at least 8 hex digits of one.

        Raises:
            InvalidInputError: (``bad-ref``, ``bad-name``) it cannot be a REF; (``ambiguous``)
                several ids start so.
            NotFoundError: (``no-ref``, ``no-version``, ``no-id``) nothing is called so.
        """
        return self.repository.resolve(ref)

    def lineage(self, ref: str) -> "Graph":
        """Return everything ``ref`` was made from; what is wrong with it stands in its problems.

        Raises:
            InvalidInputError, NotFoundError: As :meth:`resolve`.
            StorageError: Storage backend error: disk full, read-only, I/O error.
        """
        from lyrikstore.history.manifests.lineage import walk

        return walk(self.repository, self.resolve(ref).id)

    def signer(self) -> "Signer":
        """Return who signs here, after publishing what an earlier writer committed and left.

        Raises:
            KeyMaterialError: (``no-signer``) the store was opened for reading.
        """
        if self._signer is None:
            raise KeyMaterialError(
                "no-signer",
                "the store was opened for reading",
                hint="keys = KeyFolder(PATH); Store.open(…, keys=keys, signer=keys.signer())",
            )
        recover(self.repository)
        return self._signer

    def checkout(self, ref: str, folder: Path | str, *, progress: OnProgress = silent) -> "Tree":
        """Write the files of a version into a new or empty folder and return its tree.

        Args:
            ref: The version, as :meth:`resolve` takes it.
            folder: Where to.
            progress: Progress callback, called per file.

        Raises:
            IncompleteError: (``retired``) some of its data is gone, as a signed retention says.
            NotFoundError, InvalidInputError: As :meth:`resolve`.
            ConflictError, InvalidInputError, VerificationError, StorageError: As
                :func:`lyrikstore.history.checkout.checkout.checkout_tree`; nothing stays behind.
        """
        from lyrikstore.history.checkout.checkout import checkout_tree
        from lyrikstore.history.gc.retention import present_tree

        tree = present_tree(self.repository, self.resolve(ref))
        checkout_tree(tree, self.repository.blobs, Path(folder), progress=progress)
        return tree

    def verify(self, *, progress: OnProgress = silent) -> "Report":
        """Return the report on the whole store: every blob, signature, log entry and link.

        Args:
            progress: Progress callback, in bytes, called from another thread.

        Raises:
            FormatError: (``bad-trust``) the trust file is none.
            StorageError: Storage backend error. What is wrong with the store stands in the report.
        """
        from lyrikstore.verify.store.store import verify_store

        return verify_store(
            self.repository,
            trust=self.trust,
            at=self.clock(),
            memory=self.memory,
            progress=progress,
        )

    def gc(self, *, dry_run: bool = False, **options: Any) -> "Collected":
        """Free the space of what no version needs.

        Args:
            dry_run: Find out everything; change nothing.
            options: ``keep``, ``grace``, ``progress`` and more, as
                :func:`lyrikstore.history.gc.gc.collect`, whose errors it raises.
        """
        from lyrikstore.history.gc import gc as liveness

        signer = None if dry_run or self.repository.is_mirror else self.signer()
        return liveness.collect(
            self.repository, clock=self.clock, signer=signer, dry_run=dry_run, **options
        )

    @property
    def own_cache(self) -> Path | None:
        """Where is remembered what belongs to this store, or None."""
        return self.cache_dir / self.id.short if self.cache_dir else None

    def issue(
        self,
        ref: str,
        folder: Path | str,
        *,
        offer: "Offer",
        issuance: "Issuance | None" = None,
        valid_for: timedelta | None = None,
        version: str | None = None,
        progress: OnProgress = silent,
    ) -> "DeliveryResult":
        """Issue a credential about a dataset version and write the delivery to ``folder``.

        Args:
            ref: The version, as :meth:`resolve` takes it.
            folder: A folder that does not exist or is empty.
            offer: What the credential says beyond the manifest.
            issuance: In whose name, and how it may end; None: the signer's, for good.
            valid_for: How long, from now, at most ten years; None for no end.
            version: A version label for people.
            progress: Progress callback, called per file, in the phases ``records`` and ``data``.

        Raises:
            LyrikstoreError: As :meth:`resolve` and
                :func:`lyrikstore.publish.issue.delivery.issue_delivery`.
        """
        from lyrikstore.publish.issue.delivery import issue_delivery

        return issue_delivery(
            self.repository,
            self.resolve(ref),
            Path(folder),
            offer=offer,
            issuance=issuance,
            valid_for=valid_for,
            version=version,
            progress=progress,
            signer=self.signer(),
            clock=self.clock,
        )

    def card(self, checkpoint: str, responses: "Responses | None" = None) -> "CardResult":
        """Make, sign and log the model card of a checkpoint.

        Args:
            checkpoint: A REF.
            responses: The expert's answers, as
                :func:`lyrikstore.publish.cards.answers.parse_responses` gives them.

        Raises:
            LyrikstoreError: As :meth:`resolve` and :func:`lyrikstore.publish.cards.card.make_card`.
        """
        from lyrikstore.publish.cards.card import make_card

        return make_card(
            self.repository,
            self.resolve(checkpoint),
            signer=self.signer(),
            clock=self.clock,
            responses=responses,
        )
