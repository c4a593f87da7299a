"""``store.query``: SQL over the index, lineage, impact, and the events of the log."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyrikstore.api import stages
from lyrikstore.api.bound import bound, bound_view
from lyrikstore.canon.digest import Digest
from lyrikstore.context import StoreContext
from lyrikstore.history.manifests.manifest import Manifest

if TYPE_CHECKING:
    from lyrikstore.history.lineage import Lineage
    from lyrikstore.history.log.checkpoint import LogCheckpoint
    from lyrikstore.history.repository.refs import RefState
    from lyrikstore.index.impact import Impact
    from lyrikstore.index.query import QueryResult
    from lyrikstore.index.query_tables import ServedTable


@dataclass
class Queries:
    """The queries of a store."""

    store: StoreContext

    def sql(
        self,
        query: str,
        parameters: Sequence[Any] = (),
        *,
        records: Sequence[str] = (),
        rows: int = 10_000,
    ) -> "QueryResult":
        """Return the result of one SELECT over the index, which is updated first.

        Args:
            query: A SELECT; docs/index-views.md has the tables.
            parameters: Values for ``?``.
            records: Versions of datasets for the tables ``records`` and ``record_decisions``; they
            are read in place, as often as the query scans them.
            rows: Most rows of the result.

        Raises:
            InvalidInputError, FormatError, NotFoundError, StorageError: As
                :func:`lyrikstore.index.build.ask` and
                :class:`lyrikstore.curate.record_table.RecordTable`.
        """
        repository = self.store.repository
        path = stages.index_path(repository, self.store.own_cache)
        return stages.ask(
            repository,
            query,
            parameters,
            path=path,
            limits=stages.QueryLimits(rows=rows),
            tables=self._tables(records),
            progress=self.store.progress,
        )

    def _tables(self, refs: Sequence[str]) -> "dict[str, ServedTable]":
        if not refs:
            return {}

        repository = self.store.repository
        manifests = [stages.resolve_dataset(repository, ref) for ref in refs]
        return {
            "records": stages.RecordTable(repository, manifests),
            "record_decisions": stages.DecisionTable(repository, manifests),
        }

    def rebuild_index(self) -> Path:
        """Build the index again from scratch, and return its path.

        Raises:
            IncompleteError, VerificationError, StorageError: As
                :func:`lyrikstore.index.build.ensure_index`.
        """
        repository = self.store.repository
        path = stages.index_path(repository, self.store.own_cache)
        return stages.ensure_index(
            repository, path, rebuild=True, progress=self.store.progress
        ).path

    def lineage(self, ref: str) -> "Lineage":
        """Return the lineage of ``ref``: all its inputs; errors in it are listed in ``problems``.

        Args:
            ref: An argument of :meth:`lyrikstore.api.store.Store.resolve`.

        Raises:
            InvalidInputError, NotFoundError: As ``Store.resolve``.
            StorageError: Storage backend error: disk full, read-only, I/O error.
        """
        repository = self.store.repository
        return stages.Lineage.read(repository, repository.resolve(ref).id)

    def impact(self, *identities: Digest, read: bool = False) -> "Impact":
        """Return all objects that depend on logged manifests or credentials.

        Args:
            identities: Their ids. Objects that cannot be read are in ``unfollowed`` of the result.
            read: Whether to read records, to find the unions that no longer contain any of them.
        """
        return stages.impact_of(self.store.repository, identities, read=read)

    def names(self) -> "list[RefState]":
        """Return every name and its current version, sorted by name."""
        return sorted(self.store.repository.refs.values(), key=lambda state: state.name)

    def versions(self, ref: str) -> list[Manifest]:
        """Return a version and all earlier versions of its name, newest first.

        Args:
            ref: An argument of :meth:`lyrikstore.api.store.Store.resolve`.

        Raises:
            InvalidInputError, NotFoundError: As ``Store.resolve``.
        """
        repository = self.store.repository
        manifest = repository.resolve(ref)
        versions = repository.history(manifest.name)
        return versions[[version.id for version in versions].index(manifest.id) :]

    checkpoints_of = bound_view(lambda: stages.checkpoints_of)

    evaluations_of = bound_view(lambda: stages.evaluations_of)
    evaluation_facts = bound_view(lambda: stages.evaluation_facts)
    data_names = bound_view(lambda: stages.data_names)

    def decisions_about(self, manifests: Iterable[Manifest]) -> dict[Digest, list[dict[str, Any]]]:
        """Return the approvals of cards and their withdrawals: the last decision of each key.

        Args:
            manifests: Cards; or checkpoints and datasets, for the cards about them.

        Returns:
            Id → rows of ``lyrikstore log --json``.
        """
        return stages.decisions_about(self.store, manifests)

    def events_of(self, manifests: Iterable[Manifest]) -> dict[Digest, list[dict[str, Any]]]:
        """Return the deliveries of datasets, and the exports and predictions of checkpoints.

        Args:
            manifests: Datasets and checkpoints; others are ignored.

        Returns:
            Id → rows of ``lyrikstore log --json``, in the order of the log.
        """
        found = stages.events_of(self.store.repository, manifests)
        return {
            identity: [stages.event_facts(one) for one in some] for identity, some in found.items()
        }

    def reproductions_of(self, manifests: Iterable[Manifest]) -> dict[Digest, list[dict[str, Any]]]:
        """Return the reproductions of runs, by run and by checkpoint.

        Args:
            manifests: Runs and checkpoints; others are ignored.

        Returns:
            Id → rows of ``lyrikstore log --json``, in the order of the log.
        """
        repository = self.store.repository
        found = stages.reproductions_of(repository, manifests)
        return {
            identity: [stages.reproduction_facts(repository, one) for one in some]
            for identity, some in found.items()
        }

    log = bound_view(lambda: stages.log_entries)
    outside_times = bound(lambda: stages.outside_times)
    audit = bound(lambda: stages.make_audit)
    drill = bound(lambda: stages.run_drill)
    stamp_request = bound_view(lambda: stages.stamp_request)
    witness_request = bound_view(lambda: stages.witness_request)

    def log_head(self) -> "LogCheckpoint":
        """Return the verified head of the home log: its size and root hash."""
        return self.store.repository.checkpoint.head
