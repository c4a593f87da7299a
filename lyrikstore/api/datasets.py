"""``store.datasets``: folders become signed versions, and versions become folders again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.context import StoreContext
from lyrikstore.history.repository.repository import Repository

if TYPE_CHECKING:
    from lyrikstore.curate.commit.inputs import CommitMetadata, CommitOptions
    from lyrikstore.curate.commit.result import CommitResult
    from lyrikstore.curate.commit.status import FolderStatus
    from lyrikstore.curate.diff.versions import VersionDiff
    from lyrikstore.curate.lock_file import LockedState, LockFile
    from lyrikstore.curate.profile import DataProfile
    from lyrikstore.curate.recipes.apply import FilterResult
    from lyrikstore.curate.recipes.explain.given_away import GivenAway
    from lyrikstore.curate.recipes.explain.why import Explanation
    from lyrikstore.curate.recipes.recipe import Recipe
    from lyrikstore.curate.scan.listing import Listing
    from lyrikstore.curate.terms.contribution import TermSource
    from lyrikstore.curate.terms.sources import Asker, AssertedModel
    from lyrikstore.history.gc.gc import Collected
    from lyrikstore.history.manifests.manifest import Manifest
    from lyrikstore.history.trees.tree import Tree
    from lyrikstore.objects.backends.open import RemotePlace
    from lyrikstore.objects.parallel.tasks import Pools


@dataclass
class Datasets:
    """The versions of datasets in a store; a REF is what ``Store.resolve`` takes."""

    store: StoreContext

    def commit(
        self,
        folder: Path | str,
        name: str,
        stated: "CommitMetadata | None" = None,
        *,
        allow: "CommitOptions | None" = None,
        dry_run: bool = False,
        progress: OnProgress = silent,
        pools: "Pools | None" = None,
        listing: "Listing | None" = None,
    ) -> "CommitResult":
        """Make ``folder`` the current version of ``name``.

        Args:
            folder: The snapshot; files gone from it leave the dataset.
            name: The dataset, or a name below ``checkpoints/``.
            stated: What is said of the files: a sheet, the licence, a description.
            allow: What it may do that is else refused.
            dry_run: Find out what would change; write nothing.
            progress: Progress callback, called per file; unchanged ones count too.
            pools: Workers on other machines.
            listing: A listing of this folder that began before.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.curate.commit.commit.commit_folder`.
        """
        from lyrikstore.curate.commit.commit import commit_folder

        store = self.store
        return commit_folder(
            store.repository,
            Path(folder),
            name,
            stated,
            signer=store.signer(),
            allow=allow,
            progress=progress,
            clock=store.clock,
            cache_dir=store.own_cache,
            dry_run=dry_run,
            pools=pools,
            listing=listing,
        )

    def given_away(self, version: "Manifest") -> "tuple[GivenAway, ...]":
        """Return what a version, or what it was made from, gives away of what filters took out.

        Args:
            version: A dataset, or a checkpoint or its card for the data of its runs.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.curate.recipes.explain.given_away.given_away`.
        """
        from lyrikstore.curate.recipes.explain.given_away import given_away

        return given_away(self.store.repository, version)

    def status(self, folder: Path | None = None) -> "list[FolderStatus]":
        """Return how the folders that were committed from here differ from their versions.

        Args:
            folder: Only those at, below or above this path.

        Raises:
            NotFoundError: (``not-committed``) none of them is.
            IncompleteError, VerificationError, StorageError: As
                :func:`lyrikstore.curate.commit.status.folder_statuses`.
        """
        from lyrikstore.curate.commit.status import folder_statuses

        cache = self.store.own_cache
        return folder_statuses(self.store.repository, cache, folder) if cache else []

    def filter(
        self,
        ref: "str | Sequence[str]",
        recipe: "Recipe | None",
        as_name: str,
        *,
        message: str = "",
        dry_run: bool = False,
        progress: OnProgress = silent,
        pools: "Pools | None" = None,
    ) -> "FilterResult":
        """Derive ``as_name`` from a dataset by a recipe, or from several put together.

        Args:
            ref: The source version; or several, whose union is made first.
            recipe: What to do; None, with several sources: nothing more.
            as_name: The new dataset's name.
            message: Free text, signed with the new dataset.
            dry_run: Find out everything; write nothing.
            progress: Progress callback, called per batch of records.
            pools: Workers on other machines that examine the records.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.curate.recipes.apply.apply_recipe`.
        """
        from lyrikstore.curate.recipes.apply import apply_recipe

        return apply_recipe(
            self.store.repository,
            [ref] if isinstance(ref, str) else list(ref),
            recipe,
            as_name,
            signer=self.store.signer(),
            message=message,
            progress=progress,
            clock=self.store.clock,
            cache_dir=self.store.own_cache,
            dry_run=dry_run,
            pools=pools,
        )

    def diff(self, old: str, new: str) -> "VersionDiff":
        """Return what differs between two versions: files, sheet, and what is stated.

        Args:
            old: A REF of a dataset or a checkpoint.
            new: Another.

        Raises:
            InvalidInputError: (``no-files``) one of them has none; else as ``Store.resolve``.
            VerificationError, IncompleteError, FormatError: A tree is damaged or lost.
        """
        from lyrikstore.curate.diff.versions import compare_versions

        return compare_versions(self.store.repository, old, new)

    def why(self, ref: str, record: str) -> "Explanation":
        """Return what happened to one record on its way to a dataset.

        Args:
            ref: The dataset.
            record: A path, of rows ``PATH:LINE``, or a record id or at least 8 hex digits of one.

        Raises:
            NotFoundError, InvalidInputError: As ``Store.resolve`` and
                :func:`lyrikstore.curate.recipes.explain.why.why`.
        """
        from lyrikstore.curate.recipes.explain.why import why

        return why(self.store.repository, ref, record)

    def tree(self, ref: str) -> "Tree":
        """Return the list of the files of a version, with what the sheet says of each.

        Raises:
            NotFoundError, InvalidInputError: As ``Store.resolve``.
            VerificationError, IncompleteError, FormatError: It is damaged or lost.
        """
        repository = self.store.repository
        return repository.tree(repository.resolve(ref))

    def checkout(self, ref: str, folder: Path | str, *, progress: OnProgress = silent) -> "Tree":
        """Write the files of a version into a new or empty folder and return its tree.

        Args:
            ref: The version.
            folder: Where to.
            progress: Progress callback, called per file.

        Raises:
            IncompleteError: (``retired``) a signed retention says that its data goes.
            NotFoundError, InvalidInputError: As ``Store.resolve``.
            ConflictError, InvalidInputError, VerificationError, StorageError: As
                :func:`lyrikstore.history.checkout.checkout.checkout_tree`; nothing stays behind.
        """
        from lyrikstore.history.checkout.checkout import checkout_tree
        from lyrikstore.history.repository.retired import present_tree

        repository = self.store.repository
        tree = present_tree(repository, repository.resolve(ref))
        checkout_tree(tree, repository.blobs, Path(folder), progress=progress)
        return tree

    def convert(
        self, ref: str, folder: Path | str, form: str, *, progress: OnProgress = silent
    ) -> "tuple[Tree, int]":
        """Write the records of a version into a new or empty folder, in one format.

        Args:
            ref: The version.
            folder: Where to.
            form: ``jsonl``, ``csv`` or ``parquet``.
            progress: Progress callback, called per file.

        Returns:
            The tree of what was written, and of CSV how many cells a spreadsheet program could
            take for formulas.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.curate.convert.convert` and :meth:`checkout`;
                nothing stays behind.
        """
        from lyrikstore.curate.convert import convert
        from lyrikstore.curate.work import work_folder
        from lyrikstore.history.checkout.checkout import checkout_tree

        repository = self.store.repository
        with work_folder(self.store.own_cache) as work:
            made = convert(repository, repository.resolve(ref), form, work.path, progress)
            checkout_tree(made.tree, made, Path(folder), progress=progress)
            return made.tree, made.formulas

    def lock(self, refs: Sequence[str], known: "LockFile | None" = None) -> "LockFile":
        """Return a lock file with these versions, and the other names of ``known``.

        Raises:
            InvalidInputError, NotFoundError: As
                :func:`lyrikstore.curate.lock_file.lock_versions`.
        """
        from lyrikstore.curate.lock_file import lock_versions

        return lock_versions(self.store.repository, refs, known)

    def check_lock(self, lock: "LockFile") -> "list[LockedState]":
        """Return how each version of a lock file stands in this store.

        Raises:
            InvalidInputError: (``other-store``) it is of another store.
        """
        from lyrikstore.curate.lock_file import check_lock

        return check_lock(self.store.repository, lock)

    def locked(self, lock: "LockFile", name: str) -> "Manifest":
        """Return the version that a lock file names.

        Raises:
            InvalidInputError, NotFoundError: As
                :func:`lyrikstore.curate.lock_file.locked_version`.
        """
        from lyrikstore.curate.lock_file import locked_version

        return locked_version(self.store.repository, lock, name)

    def profile(self, ref: str, *, progress: OnProgress = silent) -> "DataProfile":
        """Return what a dataset holds: fields, lengths, labels, duplicates and more.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.curate.profile.profile_version`.
        """
        from lyrikstore.curate.profile import profile_version

        return profile_version(self.store.repository, ref, progress)

    def term_sources(
        self, refs: "list[str]", asker: "Asker", *, as_of: bool = False
    ) -> "list[TermSource]":
        """Return the terms of the datasets that versions rest on, as ``mix`` takes them.

        Args:
            refs: Datasets, checkpoints, runs or deployments; of each source the partitions count
                whose files they kept. A model rests on what it and its bases learned from.
            asker: Who wants to use it, and when.
            as_of: Only what the log said at that moment counts (spec §7.9).

        Raises:
            InvalidInputError: (``no-terms``) it is something else.
            NotFoundError, InvalidInputError: As ``Store.resolve``.
        """
        from lyrikstore.curate.terms.earlier import EarlierLog
        from lyrikstore.curate.terms.sources import sources_of_datasets

        repository = self.store.repository
        log = EarlierLog(repository, asker.at) if as_of else repository
        return sources_of_datasets(log, self._in_use(refs), asker)

    def asserted_models(self, refs: "list[str]") -> "list[AssertedModel]":
        """Return the models from elsewhere that versions rest on, with what is said of a licence.

        Args:
            refs: As for :meth:`term_sources`, whose errors it raises.
        """
        from lyrikstore.curate.terms.sources import asserted_models

        return asserted_models(self.store.repository, self._in_use(refs))

    def _in_use(self, refs: "list[str]") -> "list[Manifest]":
        found = [self.store.repository.resolve(ref) for ref in refs]
        for ref, one in zip(refs, found, strict=True):
            if one.kind not in {"dataset", "checkpoint", "run", "deployment"}:
                raise InvalidInputError(
                    "no-terms",
                    f"{ref} is a {one.kind}: it rests on no data of its own",
                    hint="name a dataset, or the model that it is about",
                )
        return found

    def retired(self) -> frozenset[Digest]:
        """Return the ids of the versions whose data need no longer be kept, by signed decisions.

        Raises:
            LyrikstoreError: A retention cannot be read.
        """
        from lyrikstore.history.repository.retired import retired_versions

        return retired_versions(self.store.repository)

    def gc(
        self,
        *,
        at: "str | RemotePlace | None" = None,
        keep: tuple[str, int] | None = None,
        purge: bool = False,
        dry_run: bool = False,
        **options: Any,
    ) -> "Collected":
        """Free the space of what no version needs.

        Args:
            at: The home of this store, to do it there; what it logs is pulled. None: here.
            keep: A name, and how many of its versions, the newest first, to keep: older ones are
                retired first, which is signed.
            purge: Leave nothing of it at ``at`` and here: see ``collect``; indexes and what is
                remembered of sheets go, too, and then it is looked for what is left.
            dry_run: Find out everything; change nothing.
            options: ``message``, ``grace``, ``share`` and ``progress``, as
                :func:`lyrikstore.history.gc.gc.collect`, whose errors it raises.

        Raises:
            InvalidInputError: (``not-home``) ``at`` is a mirror; (``not-pushed``) ``purge``, and
                something waits here to be pushed.
            KeyMaterialError: A key is missing that signs a retention, or the log.
            IncompleteError: (``not-purged``) ``left`` of its details says what could not go.

        Cost: that of ``collect``; elsewhere over the network: what is rewritten comes and goes.
        """
        from lyrikstore.api.purge import clear_work
        from lyrikstore.history.gc.gc import collect

        store = self.store
        if not dry_run:
            clear_work(store.repository, store.own_cache)
        options |= {"purge": purge, "dry_run": dry_run, "clock": store.clock}
        if at is None:
            signs = not dry_run and not store.repository.is_mirror
            signer = store.signer() if signs else None
            found = collect(store.repository, signer=signer, keep=keep, **options)
            return self._purge(found, store.repository) if found.purged else found
        from lyrikstore.api.remotes import Remotes
        from lyrikstore.history.gc.purge import refuse_pending

        if purge:
            refuse_pending(store.repository)
        there = store.at_home(at, None if dry_run else store.home_log_signer())
        signer = None if dry_run or keep is None else store.signer(away=True)
        found = collect(there, signer=signer, keep=keep, **options)
        if not dry_run:
            Remotes(store).pull(at)
        if found.purged is None:
            return found
        here = collect(store.repository, purge=True, clock=store.clock)
        return self._purge(found, store.repository, there, freed=here.swept.bytes)

    def _purge(self, found: "Collected", *places: Repository, freed: int = 0) -> "Collected":
        from msgspec.structs import replace

        from lyrikstore.api.purge import purge_caches
        from lyrikstore.history.gc.gc import check_collected

        for place in places:
            freed += purge_caches(place, self.store.own_cache)
        for place in places:
            check_collected(place)
        purged = found.purged
        return replace(found, purged=purged and replace(purged, bytes=purged.bytes + freed))
