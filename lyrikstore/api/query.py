"""``store.query``: SQL over the index, lineage and impact, and what the log says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyrikstore.api import stages
from lyrikstore.api.bound import bound_view
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
    """What a store answers."""

    store: StoreContext

    def sql(
        self,
        query: str,
        parameters: Sequence[Any] = (),
        *,
        records: Sequence[str] = (),
        rows: int = 10_000,
    ) -> "QueryResult":
        """Return the answer of one SELECT over the index, which is brought up to date first.

        Args:
            query: Reads only; docs/index-views.md has the tables.
            parameters: Values for ``?``.
            records: Versions of datasets whose records the table ``records`` has, and whose
                decisions ``record_decisions``; read in place, as often as the query scans them.
            rows: How many at the most.

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
        """Make the index anew and return its path.

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
        """Return everything ``ref`` was made from; what is wrong with it stands in its problems.

        Args:
            ref: As :meth:`lyrikstore.api.store.Store.resolve` takes it.

        Raises:
            InvalidInputError, NotFoundError: As that.
            StorageError: Storage backend error: disk full, read-only, I/O error.
        """
        repository = self.store.repository
        return stages.Lineage.read(repository, repository.resolve(ref).id)

    def impact(self, *identities: Digest, read: bool = False) -> "Impact":
        """Return what rests on manifests or credentials that are logged here.

        Args:
            identities: Their ids. What cannot be read stands in ``unfollowed`` of the answer.
            read: Whether to read records, to say which unions hold none of them any more.
        """
        return stages.impact_of(self.store.repository, identities, read=read)

    def names(self) -> "list[RefState]":
        """Return every name and its current version, sorted by name."""
        return sorted(self.store.repository.refs.values(), key=lambda state: state.name)

    def versions(self, ref: str) -> list[Manifest]:
        """Return a version and all before it of its name, newest first.

        Args:
            ref: As :meth:`lyrikstore.api.store.Store.resolve` takes it.

        Raises:
            InvalidInputError, NotFoundError: As that.
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
        """Return who approved cards, and who took that back: of each key its last decision.

        Args:
            manifests: Cards, checkpoints and datasets, of the latter two the cards about them.

        Returns:
            Id → what ``lyrikstore log --json`` lists.
        """
        return stages.decisions_about(self.store, manifests)

    def events_of(self, manifests: Iterable[Manifest]) -> dict[Digest, list[dict[str, Any]]]:
        """Return to whom datasets were handed, where checkpoints went and what they were asked.

        Args:
            manifests: Datasets and checkpoints; others are left out.

        Returns:
            Id → in the order of the log, what ``lyrikstore log --json`` lists.
        """
        found = stages.events_of(self.store.repository, manifests)
        return {
            identity: [stages.event_facts(one) for one in some] for identity, some in found.items()
        }

    def reproductions_of(self, manifests: Iterable[Manifest]) -> dict[Digest, list[dict[str, Any]]]:
        """Return what came when runs were done again, by run and by checkpoint.

        Args:
            manifests: Runs and checkpoints; others are left out.

        Returns:
            Id → in the order of the log, what ``lyrikstore log --json`` lists.
        """
        repository = self.store.repository
        found = stages.reproductions_of(repository, manifests)
        return {
            identity: [stages.reproduction_facts(repository, one) for one in some]
            for identity, some in found.items()
        }

    log = bound_view(lambda: stages.log_entries)

    def log_head(self) -> "LogCheckpoint":
        """Return the verified head of the home log: its size and root hash."""
        return self.store.repository.checkpoint.head
