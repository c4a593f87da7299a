"""Assignment of files to partitions, always computed from a tree.

Every file belongs to exactly one partition. A file that two partitions select, or none, is refused
(spec §19.3).
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.quoting import quote
from lyrikstore.credentials.terms.model import Partition, Selector
from lyrikstore.history.trees.tree import Tree


class Extent(Struct, frozen=True):
    """The size of a partition.

    Attributes:
        files: Number of files.
        bytes: Total size of the files.
    """

    files: int
    bytes: int


def assign(tree: Tree, partitions: Sequence[Partition]) -> bytes:
    """Return the number of each file's partition, one byte a file, in tree order.

    Args:
        tree: All files with their metadata.
        partitions: At most 255.

    Raises:
        FormatError: (``bad-partition``) two partitions select a file, or none; it is named.

    Cost: O(depth of its path + columns) a file, however many selectors; one byte a file.
    """
    chooser = _Chooser(partitions)
    result = bytearray(len(tree))
    for at, path in enumerate(tree.paths):
        result[at] = chooser.choose(path, tree.metas.get(at))
    return bytes(result)


def extents(tree: Tree, assignment: bytes, count: int) -> list[Extent]:
    """Return the size of each of ``count`` partitions, from the result of :func:`assign`."""
    files, sizes = [0] * count, [0] * count
    for number, size in zip(assignment, tree.sizes, strict=True):
        files[number] += 1
        sizes[number] += size
    return [Extent(*pair) for pair in zip(files, sizes, strict=True)]


class _Chooser:
    """Looks paths and values up in tables, so that a thousand selectors cost no more than one."""

    def __init__(self, partitions: Sequence[Partition]) -> None:
        self._names = [partition.name for partition in partitions]
        self._paths: dict[str, int] = {}
        self._columns: dict[str, dict[str, int]] = {}
        self._rest: int | None = None
        for number, partition in enumerate(partitions):
            if not partition.select:
                if self._rest is not None:
                    raise FormatError(
                        "bad-partition",
                        f"partitions {quote(self._names[self._rest])} and "
                        f"{quote(partition.name)} both take what is left",
                    )
                self._rest = number
            for selector in partition.select:
                self._add(selector, number)

    def _add(self, selector: Selector, number: int) -> None:
        keys: tuple[str, ...]
        if selector.path is not None:
            place, keys = self._paths, (selector.path,)
        else:
            place, keys = self._columns.setdefault(selector.column or "", {}), selector.values
        for key in keys:
            if place.setdefault(key, number) != number:
                names = f"{quote(self._names[place[key]])} and {quote(self._names[number])}"
                raise FormatError("bad-partition", f"{quote(key)} selects {names}")

    def choose(self, path: str, meta: Mapping[str, str] | None) -> int:
        found = {self._paths[part] for part in _prefixes(path) if part in self._paths}
        if meta is not None:
            for column, values in self._columns.items():
                number = values.get(meta[column]) if column in meta else None
                if number is not None:
                    found.add(number)
        if len(found) > 1:
            names = " and ".join(quote(self._names[number]) for number in sorted(found)[:3])
            raise FormatError("bad-partition", f"{quote(path)} is in partitions {names}")
        if found:
            return found.pop()
        if self._rest is None:
            raise FormatError("bad-partition", f"{quote(path)} is in no partition")
        return self._rest


def _prefixes(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]
