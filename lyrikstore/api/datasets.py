"""What a store does with folders and records: commit, status, filter, why."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.timestamps import Clock
from lyrikstore.history.repository.repository import Repository

if TYPE_CHECKING:
    from lyrikstore.crypto.keys.signer import Signer
    from lyrikstore.curate.commit.diff import VersionDiff
    from lyrikstore.curate.commit.inputs import CommitMetadata, CommitOptions
    from lyrikstore.curate.commit.plan import CommitResult
    from lyrikstore.curate.commit.status import FolderStatus
    from lyrikstore.curate.recipes.apply import FilterResult
    from lyrikstore.curate.recipes.recipe import Recipe
    from lyrikstore.curate.recipes.why import Explanation
    from lyrikstore.curate.scan.listing import Listing
    from lyrikstore.objects.parallel.tasks import Pools


class Curating(ABC):
    """The part of a store that makes versions of datasets."""

    repository: Repository
    clock: Clock

    @property
    @abstractmethod
    def own_cache(self) -> Path | None:
        """Where is remembered what belongs to this store, or None."""

    @abstractmethod
    def signer(self) -> "Signer":
        """Return who signs here; see :meth:`lyrikstore.api.store.Store.signer`."""

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
            pools: Workers on other machines, as
                :func:`lyrikstore.curate.commit.commit.commit_folder` takes them.
            listing: A listing of this folder that began before, as ``commit_folder`` takes it.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.curate.commit.commit.commit_folder`.
        """
        from lyrikstore.curate.commit.commit import commit_folder

        return commit_folder(
            self.repository,
            Path(folder),
            name,
            stated,
            signer=self.signer(),
            allow=allow,
            progress=progress,
            clock=self.clock,
            cache_dir=self.own_cache,
            dry_run=dry_run,
            pools=pools,
            listing=listing,
        )

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

        return folder_statuses(self.repository, self.own_cache, folder) if self.own_cache else []

    def filter(
        self,
        ref: str,
        recipe: "Recipe",
        as_name: str,
        *,
        message: str = "",
        progress: OnProgress = silent,
        pools: "Pools | None" = None,
    ) -> "FilterResult":
        """Derive ``as_name`` from the dataset ``ref`` by a recipe.

        Args:
            ref: The source version.
            recipe: What to do.
            as_name: The new dataset's name.
            message: Free text, signed with the new dataset.
            progress: Progress callback, called per record.
            pools: Workers on other machines that examine the records.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.curate.recipes.apply.apply_recipe`.
        """
        from lyrikstore.curate.recipes.apply import apply_recipe

        return apply_recipe(
            self.repository,
            ref,
            recipe,
            as_name,
            signer=self.signer(),
            message=message,
            progress=progress,
            clock=self.clock,
            pools=pools,
        )

    def compare(self, old: str, new: str) -> "VersionDiff":
        """Return what differs between two versions: files, sheet, and what is stated.

        Args:
            old: A REF of a dataset or a checkpoint.
            new: Another.

        Raises:
            InvalidInputError: (``no-files``) one of them has none; else as :meth:`Store.resolve`.
            VerificationError, IncompleteError, FormatError: A tree is damaged or lost.
        """
        from lyrikstore.curate.commit.diff import compare_versions

        return compare_versions(self.repository, old, new)

    def why(self, ref: str, record: str) -> "Explanation":
        """Return what happened to one record on its way to a dataset.

        Args:
            ref: The dataset.
            record: A path, or a record id or at least 8 hex digits of one.

        Raises:
            NotFoundError, InvalidInputError: As :meth:`resolve` and
                :func:`lyrikstore.curate.recipes.why.why`.
        """
        from lyrikstore.curate.recipes.why import why

        return why(self.repository, ref, record)
