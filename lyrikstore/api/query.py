"""What a store answers: SELECT over the index, which is made from its log and objects."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.history.repository.repository import Repository

if TYPE_CHECKING:
    from lyrikstore.index.impact import Impact
    from lyrikstore.index.query import QueryResult


class Asking(ABC):
    """The part of a store that answers questions."""

    repository: Repository

    @property
    @abstractmethod
    def own_cache(self) -> Path | None:
        """Where is remembered what belongs to this store, or None."""

    def query(
        self,
        sql: str,
        parameters: Sequence[Any] = (),
        *,
        rows: int = 10_000,
        progress: OnProgress = silent,
    ) -> "QueryResult":
        """Return the answer of one SELECT over the index, which is brought up to date first.

        Args:
            sql: Reads only; docs/index-views.md has the tables.
            parameters: Values for ``?``.
            rows: How many at the most.
            progress: Progress callback of building the index.

        Raises:
            InvalidInputError, FormatError, NotFoundError, StorageError: As
                :func:`lyrikstore.index.build.ask`.
        """
        from lyrikstore.index.build import ask, index_path
        from lyrikstore.index.query import QueryLimits

        path = index_path(self.repository, self.own_cache)
        limits = QueryLimits(rows=rows)
        return ask(self.repository, sql, parameters, path=path, limits=limits, progress=progress)

    def impact(self, *identities: Digest) -> "Impact":
        """Return what rests on manifests or credentials that are logged here.

        Args:
            identities: Their ids. What cannot be read stands in ``unfollowed`` of the answer.
        """
        from lyrikstore.index.impact import impact_of

        return impact_of(self.repository, identities)

    def rebuild_index(self, *, progress: OnProgress = silent) -> Path:
        """Make the index anew and return its path.

        Args:
            progress: Progress callback of building the index, called per log entry.

        Raises:
            IncompleteError, VerificationError, StorageError: As
                :func:`lyrikstore.index.build.ensure_index`.
        """
        from lyrikstore.index.build import ensure_index, index_path

        path = index_path(self.repository, self.own_cache)
        return ensure_index(self.repository, path, rebuild=True, progress=progress).path
