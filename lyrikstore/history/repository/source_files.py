"""The files of all datasets that a filter read, in one order (spec §12.4.1)."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree


def path_prefix(dataset: Manifest) -> str:
    """Return the prefix of the paths of a dataset's files in a union."""
    return dataset.name.removeprefix("datasets/") + "/"


class SourceFiles:
    """The numbered files of a union: from 0, in the order of their paths in the union.

    The paths in a union begin with the names of the datasets, so that the files of one dataset are
    consecutive. Trees are read on demand, each once.

    Args:
        repository: The store.
        sources: The datasets that were read together.
    """

    def __init__(self, repository: Repository, sources: Sequence[Manifest]) -> None:
        self._repository = repository
        self._sources = sorted(sources, key=path_prefix)
        self._firsts = [0]
        for source in self._sources:
            self._firsts.append(self._firsts[-1] + int(source.body["fileCount"]))
        self._trees: dict[Digest, Tree] = {}

    @property
    def is_union(self) -> bool:
        """Whether there are several datasets."""
        return len(self._sources) > 1

    def number(self, source: Manifest, path: str) -> int:
        """Return the number of a file of a source, given its path there.

        Raises:
            LyrikstoreError: As :meth:`Repository.tree`.
        """
        at = next(at for at, one in enumerate(self._sources) if one.id == source.id)
        return self._firsts[at] + bisect_left(self.tree(source).paths, path)

    def find(self, file: int) -> tuple[Manifest, str] | None:
        """Return the source of a file and its path there; None if no file has this number.

        Raises:
            LyrikstoreError: As :meth:`Repository.tree`.
        """
        if not 0 <= file < self._firsts[-1]:
            return None
        at = bisect_right(self._firsts, file) - 1
        source = self._sources[at]
        paths = self.tree(source).paths
        inside = file - self._firsts[at]
        return (source, paths[inside]) if inside < len(paths) else None

    def path(self, file: int) -> str | None:
        """Return the path of a file in the union; None if no file has this number.

        Raises:
            LyrikstoreError: As :meth:`Repository.tree`.
        """
        found = self.find(file)
        if found is None:
            return None
        return (path_prefix(found[0]) if self.is_union else "") + found[1]

    def tree(self, source: Manifest) -> Tree:
        """Return the tree of a source.

        Raises:
            LyrikstoreError: As :meth:`Repository.tree`.
        """
        if source.id not in self._trees:
            self._trees[source.id] = self._repository.tree(source)
        return self._trees[source.id]
