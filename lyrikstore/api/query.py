"""``store.query``: SQL over the index, lineage and impact, and what the log says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.context import StoreContext
from lyrikstore.history.manifests.manifest import Manifest

if TYPE_CHECKING:
    from lyrikstore.history.log.checkpoint import LogCheckpoint
    from lyrikstore.history.manifests.lineage import Graph
    from lyrikstore.history.repository.refs import RefState
    from lyrikstore.index.impact import Impact
    from lyrikstore.index.query import QueryResult
    from lyrikstore.index.served import ServedTable


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
        progress: OnProgress = silent,
    ) -> "QueryResult":
        """Return the answer of one SELECT over the index, which is brought up to date first.

        Args:
            query: Reads only; docs/index-views.md has the tables.
            parameters: Values for ``?``.
            records: Versions of datasets whose records the table ``records`` has, and whose
                decisions ``record_decisions``; read in place, as often as the query scans them.
            rows: How many at the most.
            progress: Progress callback of building the index.

        Raises:
            InvalidInputError, FormatError, NotFoundError, StorageError: As
                :func:`lyrikstore.index.build.ask` and
                :class:`lyrikstore.curate.record_table.RecordTable`.
        """
        from lyrikstore.index.build import ask, index_path
        from lyrikstore.index.query import QueryLimits

        repository = self.store.repository
        path = index_path(repository, self.store.own_cache)
        return ask(
            repository,
            query,
            parameters,
            path=path,
            limits=QueryLimits(rows=rows),
            tables=self._tables(records),
            progress=progress,
        )

    def _tables(self, refs: Sequence[str]) -> "dict[str, ServedTable]":
        if not refs:
            return {}
        from lyrikstore.curate.decision_table import DecisionTable
        from lyrikstore.curate.recipes.source import resolve_dataset
        from lyrikstore.curate.record_table import RecordTable

        repository = self.store.repository
        manifests = [resolve_dataset(repository, ref) for ref in refs]
        return {
            "records": RecordTable(repository, manifests),
            "record_decisions": DecisionTable(repository, manifests),
        }

    def rebuild_index(self, *, progress: OnProgress = silent) -> Path:
        """Make the index anew and return its path.

        Args:
            progress: Progress callback of building the index, called per log entry.

        Raises:
            IncompleteError, VerificationError, StorageError: As
                :func:`lyrikstore.index.build.ensure_index`.
        """
        from lyrikstore.index.build import ensure_index, index_path

        repository = self.store.repository
        path = index_path(repository, self.store.own_cache)
        return ensure_index(repository, path, rebuild=True, progress=progress).path

    def lineage(self, ref: str) -> "Graph":
        """Return everything ``ref`` was made from; what is wrong with it stands in its problems.

        Args:
            ref: As :meth:`lyrikstore.api.store.Store.resolve` takes it.

        Raises:
            InvalidInputError, NotFoundError: As that.
            StorageError: Storage backend error: disk full, read-only, I/O error.
        """
        from lyrikstore.history.manifests.lineage import walk

        repository = self.store.repository
        return walk(repository, repository.resolve(ref).id)

    def impact(self, *identities: Digest, read: bool = False) -> "Impact":
        """Return what rests on manifests or credentials that are logged here.

        Args:
            identities: Their ids. What cannot be read stands in ``unfollowed`` of the answer.
            read: Whether to read records, to say which unions hold none of them any more.
        """
        from lyrikstore.index.impact import impact_of

        return impact_of(self.store.repository, identities, read=read)

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

    def checkpoints_of(self, runs: Iterable[Manifest]) -> dict[Digest, list[Digest]]:
        """Return the ids of the checkpoints that came of each run: of one that failed, none.

        Args:
            runs: Run manifests; others are left out.
        """
        from lyrikstore.index.log_view import checkpoints_of

        return checkpoints_of(self.store.repository, runs)

    def evaluations_of(self, checkpoints: Iterable[Manifest]) -> dict[Digest, list[Manifest]]:
        """Return what was measured of each checkpoint, in the order of the log, monitors as well.

        Args:
            checkpoints: Checkpoint manifests; others are left out.
        """
        from lyrikstore.index.log_view import evaluations_of

        return evaluations_of(self.store.repository, checkpoints)

    def reproductions_of(self, manifests: Iterable[Manifest]) -> dict[Digest, list[dict[str, Any]]]:
        """Return what came when runs were done again, by run and by checkpoint.

        Args:
            manifests: Runs and checkpoints; others are left out.

        Returns:
            Id → in the order of the log, what ``lyrikstore log --json`` lists.
        """
        from lyrikstore.index.log_view import reproduction_facts, reproductions_of

        repository = self.store.repository
        found = reproductions_of(repository, manifests)
        return {
            identity: [reproduction_facts(repository, one) for one in some]
            for identity, some in found.items()
        }

    def log(self) -> list[dict[str, Any]]:
        """Return every entry of the log, oldest first, with what it says of itself.

        Returns:
            As ``lyrikstore log --audit --json`` lists them (``schemas/cli/log.schema.json``).

        Raises:
            VerificationError, IncompleteError, StorageError: An entry cannot be read.
        """
        from lyrikstore.index.log_view import log_entries

        return log_entries(self.store.repository)

    def log_head(self) -> "LogCheckpoint":
        """Return the verified head of the home log: its size and root hash."""
        return self.store.repository.checkpoint.head
