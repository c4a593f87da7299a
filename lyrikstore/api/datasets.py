"""``store.datasets``: versions from folders and back; ``store.reviews``: what people decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyrikstore.api import stages
from lyrikstore.api.bound import bound, bound_view
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.context import StoreContext
from lyrikstore.history.repository.repository import Repository

if TYPE_CHECKING:
    from lyrikstore.curate.terms.contribution import TermSource
    from lyrikstore.curate.terms.sources import Asker, AssertedModel
    from lyrikstore.history.gc.gc import Collected
    from lyrikstore.history.manifests.manifest import Manifest
    from lyrikstore.history.trees.tree import Tree
    from lyrikstore.objects.backends.open import RemotePlace


@dataclass
class Datasets:
    """The versions of datasets in a store; a REF is an argument of ``Store.resolve``."""

    store: StoreContext

    commit = bound(lambda: stages.commit_folder)
    given_away = bound_view(lambda: stages.given_away)
    status = bound(lambda: stages.folder_statuses)
    filter = bound(lambda: stages.apply_recipe)
    diff = bound_view(lambda: stages.compare_versions)
    why = bound_view(lambda: stages.why)

    def tree(self, ref: str) -> "Tree":
        """Return the list of a version's files, with the sheet columns of each.

        Raises:
            NotFoundError, InvalidInputError: As ``Store.resolve``.
            VerificationError, IncompleteError, FormatError: The list is damaged or missing.
        """
        repository = self.store.repository
        return repository.tree(repository.resolve(ref))

    def checkout(self, ref: str, folder: Path | str) -> "Tree":
        """Write the files of a version into a new or empty folder and return its tree.

        Args:
            ref: The version.
            folder: The destination.

        Raises:
            NotFoundError, InvalidInputError: As ``Store.resolve``.
            ConflictError, InvalidInputError, VerificationError, StorageError: As
                :func:`lyrikstore.history.checkout.checkout.checkout_tree`; nothing stays behind.
            LyrikstoreError: As :func:`present_tree`.
        """
        repository = self.store.repository
        tree = stages.present_tree(repository, repository.resolve(ref))
        stages.checkout_tree(tree, repository.blobs, Path(folder), progress=self.store.progress)
        return tree

    def convert(
        self, ref: str, folder: Path | str, form: str, *, without: Sequence[str] = (), to: str = ""
    ) -> "tuple[Tree, int]":
        """Write the records of a version into a new or empty folder, in one format.

        Args:
            ref: The version.
            folder: The destination.
            form: ``jsonl``, ``csv`` or ``parquet``.
            without: Fields that are left out; the log then gets an entry that records this.
            to: The recipient, for this entry; empty: no recipient is named.

        Returns:
            The tree of the written files, and for CSV the number of cells that a spreadsheet
            program could read as formulas.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.curate.convert.convert` and :meth:`checkout`,
            after which the folder is as before; as
            :func:`lyrikstore.publish.deliveries.record_delivery`.
        """
        repository, progress = self.store.repository, self.store.progress
        version = repository.resolve(ref)
        with stages.work_folder(self.store.own_cache) as work:
            made = stages.convert(
                repository, version, form, work.path, progress, without=tuple(without)
            )
            stages.checkout_tree(made.tree, made, Path(folder), progress=progress)
            if without:
                stages.record_delivery(self.store, version, to=to, without=list(without))
            return made.tree, made.formulas

    lock = bound_view(lambda: stages.lock_versions)
    check_lock = bound_view(lambda: stages.check_lock)
    locked = bound_view(lambda: stages.locked_version)
    profile = bound(lambda: stages.profile_version)

    def term_sources(
        self, refs: "list[str]", asker: "Asker", *, as_of: bool = False
    ) -> "list[TermSource]":
        """Return the terms of the datasets from which versions were made, as arguments of ``mix``.

        Args:
            refs: Datasets, checkpoints, runs or deployments; of each source only the partitions
            with kept files count. For a model these are the training data of it and of its bases.
            asker: The user of the data, and the moment of use.
            as_of: Only the log up to that moment counts (spec §7.9).

        Raises:
            InvalidInputError: (``no-terms``) a ref is something else.
            NotFoundError, InvalidInputError: As ``Store.resolve``.
        """
        repository = self.store.repository
        log = stages.PastRepository(repository, asker.at) if as_of else repository
        return stages.sources_of_datasets(log, self._in_use(refs), asker)

    def asserted_models(self, refs: "list[str]") -> "list[AssertedModel]":
        """Return the external base models of versions, with their asserted licences.

        Args:
            refs: As for :meth:`term_sources`, whose errors it raises.
        """
        return stages.asserted_models(self.store.repository, self._in_use(refs))

    def _in_use(self, refs: "list[str]") -> "list[Manifest]":
        found = [self.store.repository.resolve(ref) for ref in refs]
        for ref, one in zip(refs, found, strict=True):
            if one.kind not in {"dataset", "checkpoint", "run", "deployment"}:
                raise InvalidInputError(
                    "no-terms",
                    f"{ref} is a {one.kind}, which has no data",
                    hint="name a dataset, or the model that it is about",
                )
        return found

    retired = bound_view(lambda: stages.retired_versions)

    def gc(
        self,
        *,
        at: "str | RemotePlace | None" = None,
        keep: tuple[str, int] | None = None,
        purge: bool = False,
        dry_run: bool = False,
        **options: Any,
    ) -> "Collected":
        """Free the space of data that no version needs.

        Args:
            at: The home of this store, to run it there; the new log entries are pulled. None: here.
            keep: A name, and the number of its newest versions to keep: older ones are retired
            first, by a signed entry.
            purge: Remove the data completely at ``at`` and here: see ``collect``; indexes and
            cached sheets are removed, too, and the store is then searched for remaining copies.
            dry_run: Return the result without changing anything.
            options: ``message``, ``grace`` and ``share``, as
                :func:`lyrikstore.history.gc.gc.collect`, whose errors it raises.

        Raises:
            InvalidInputError: (``not-home``) ``at`` is a mirror.
            KeyMaterialError: A key for signing a retention, or the log, is missing.
            IncompleteError: (``not-purged``) ``left`` of its details lists the remaining copies.
            LyrikstoreError: As :func:`refuse_pending`.

        Cost: that of ``collect``; over the network, rewritten packs are downloaded and uploaded.
        """
        from lyrikstore.api.purge import clear_work, forget_explored

        store = self.store
        if not dry_run:
            clear_work(store.repository, store.own_cache)
        options |= {"purge": purge, "dry_run": dry_run, "clock": store.clock}
        options["progress"] = store.progress
        if at is None:
            signs = not dry_run and not store.repository.is_mirror
            signer = store.signer() if signs else None
            found = stages.collect(store.repository, signer=signer, keep=keep, **options)
            if found.purged:
                return self._purge(found, store.repository)
            if not dry_run:
                forget_explored(store.own_cache, stages.retired_versions(store.repository))
            return found
        from lyrikstore.api.remotes import Remotes

        if purge:
            stages.refuse_pending(store.repository)
        there = store.at_home(at, None if dry_run else store.home_log_signer())
        signer = None if dry_run or keep is None else store.signer(away=True)
        found = stages.collect(there, signer=signer, keep=keep, **options)
        if not dry_run:
            Remotes(store).pull(at)
        if found.purged is None:
            forget_explored(store.own_cache, stages.retired_versions(store.repository))
            return found
        here = stages.collect(store.repository, purge=True, clock=store.clock)
        return self._purge(found, store.repository, there, freed=here.swept.bytes)

    def _purge(self, found: "Collected", *places: Repository, freed: int = 0) -> "Collected":
        from msgspec.structs import replace

        from lyrikstore.api.purge import purge_caches

        for place in places:
            freed += purge_caches(place, self.store.own_cache)
        for place in places:
            stages.check_collected(place)
        purged = found.purged
        return replace(found, purged=purged and replace(purged, bytes=purged.bytes + freed))


@dataclass
class Reviews:
    """Reviews of records by people (spec chapter 26)."""

    store: StoreContext

    plan = bound(lambda: stages.plan_review)
    request = bound(lambda: stages.request_review)
    hand_in = bound(lambda: stages.hand_in)
    close = bound(lambda: stages.close_review)
    adjudicate = bound(lambda: stages.adjudicate)
