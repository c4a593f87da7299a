"""The partitions of a source dataset that are in use through datasets made from it.

Terms are about files, and a filter keeps the paths of the files that it keeps (spec §12.5.1).
But a manifest is only a claim about a filter, and its signer could give a file the path of one with
freer terms. So a file counts as the source file of its path only if the digests in both trees are
equal. A file of rows counts as the source files that contain all its records, which the data
shows. Any other file counts as made from all inputs of the filter. Where the lineage cannot be
followed, every partition counts as in use.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from itertools import pairwise
from operator import or_
from typing import Self

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    LyrikstoreError,
    NotFoundError,
    VerificationError,
)
from lyrikstore.credentials.terms.model import Terms
from lyrikstore.credentials.terms.partitioning import assign
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.contained import OpenBlob, RowFiles
from lyrikstore.history.records.rows import JSONL
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.chunk.stream import NOT_FETCHED


class PartitionsUsed(Struct, frozen=True):
    """The partitions of a source in use.

    Attributes:
        names: Their names, in the order of the terms.
        unread: Why fewer may be in use: the data that would show it cannot be read; else empty.
        left_out: Whether it cannot be read because this copy leaves it out by its user's choice.
    """

    names: tuple[str, ...]
    unread: str = ""
    left_out: bool = False


def partitions_used(
    terms: Terms,
    source: Manifest,
    datasets: Iterable[Manifest],
    *,
    lineage: Lineage,
    tree_of: Callable[[Manifest], Tree],
    rows: "RowsHeld",
) -> PartitionsUsed:
    """Return the partitions of ``source`` whose files may be in ``datasets``.

    Args:
        terms: The terms of ``source``.
        source: A dataset without dataset inputs.
        datasets: Datasets in use; ``source`` itself, others made from it, and unrelated ones.
        lineage: The lineage of the datasets.
        tree_of: Function that returns a dataset's tree.
        rows: Compares the records of files of rows, each pair once.

    Cost: nothing for one partition; else O(files of the source and of every dataset derived from
    it on the way). If a filter made rows from several partitions, one read of its inputs and of
    its output; 40 bytes for each record that it read.
    """
    names = tuple(partition.name for partition in terms.partitions)
    if len(names) == 1:
        return PartitionsUsed(names)
    chains = []
    for dataset in datasets:
        if not _may_hold(dataset, source.id, lineage):
            continue
        chain = _chain(dataset, lineage)
        if chain is None or dataset.id == source.id:
            return PartitionsUsed(names)
        if chain[0].id == source.id:
            chains.append(chain)
    looked: list[_Between] = []
    used = (1 << len(names)) - 1
    try:
        tree = tree_of(source)
        origin = _Held(tree, [1 << number for number in assign(tree, terms.partitions)])
        held_by = []
        for chain in chains:
            held = origin
            for before, derived in pairwise(chain):
                looked.append(rows.between(before, derived, held.tree))
                with looked[-1] as between:
                    held = held.filtered(tree_of(derived), between)
            held_by.append(held.all)
        used = reduce(or_, held_by, 0)
    except (KeyError, FormatError):  # a path that was not there before; unsound terms
        pass
    except (IncompleteError, NotFoundError, VerificationError) as error:  # retired, perhaps
        why = f"files of {source.name} cannot be followed: {error.message}"
        return PartitionsUsed(names, why, error.kind == NOT_FETCHED)
    found = tuple(name for at, name in enumerate(names) if used >> at & 1)
    unread = [one for one in looked if one.unread]
    if not unread:
        return PartitionsUsed(found)
    return PartitionsUsed(found, unread[0].unread, all(one.left_out for one in unread))


class RowsHeld:
    """Finds the input files of a filter that contain all records of an output file, each once.

    Args:
        open_blob: Function that opens a file; it may raise any of our errors.
    """

    def __init__(self, open_blob: OpenBlob) -> None:
        self._open = open_blob
        self._between: dict[tuple[Digest, Digest], _Between] = {}

    def between(self, before: Manifest, derived: Manifest, tree: Tree) -> "_Between":
        """Return the comparison of two versions' files; ``tree`` is that of the first version."""
        key = before.id, derived.id
        if key not in self._between:
            self._between[key] = _Between(before, derived, tree, self._open)
        return self._between[key]


class _Between:
    """The input and the output of a filter, if both are rows whose lines can be equal.

    A context manager: at its end the records are freed, and the results are kept.
    """

    def __init__(
        self, before: Manifest, derived: Manifest, tree: Tree, open_blob: OpenBlob
    ) -> None:
        self._name, self._tree, self._open = before.name, tree, open_blob
        self._can = before.body["reader"] == derived.body["reader"] == JSONL
        self._not_rows = [frozenset(one.body.get("companions", ())) for one in (before, derived)]
        self._files: RowFiles | None = None
        self._found: dict[Digest, list[int]] = {}
        self.unread = ""
        self.left_out = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files = None

    def holding(self, path: str, digest: Digest) -> list[int]:
        """Return the numbers of the input files with all records of a file; empty if unknown."""
        if not self._can or path in self._not_rows[1]:
            return []
        if digest not in self._found:
            self._found[digest] = self._look(digest)
        return self._found[digest]

    def _look(self, digest: Digest) -> list[int]:
        try:
            if self._files is None:
                self._files = self._read()
            return self._files.holding(digest)
        except FormatError:  # something else than records: what is in it, no record tells
            self._can = self._files is not None
        except LyrikstoreError as error:
            self._can = False
            self.unread = f"records of {self._name} cannot be read: {error.message}"
            self.left_out = error.kind == NOT_FETCHED
        return []

    def _read(self) -> RowFiles:
        files = (
            (at, entry.blake3)
            for at, entry in enumerate(self._tree.entries)
            if entry.path not in self._not_rows[0]
        )
        return RowFiles(files, self._open)


class _Held(Struct, frozen=True):
    """The files of one dataset, and the partitions each may come from, as bits of an integer."""

    tree: Tree
    partitions: Sequence[int]

    @property
    def all(self) -> int:
        return reduce(or_, self.partitions, 0)

    def filtered(self, tree: Tree, rows: _Between) -> "_Held":
        place = {path: at for at, path in enumerate(self.tree.paths)}
        before, after, anything = self.tree.digests, tree.digests, self.all
        partitions = []
        for number, path in enumerate(tree.paths):
            raw, at = after[number * 32 : number * 32 + 32], place.get(path)
            # ATTACK: the bytes of a file that may not be used, under the path of one that may.
            if at is not None and before[at * 32 : at * 32 + 32] == raw:
                partitions.append(self.partitions[at])
                continue
            several = anything & (anything - 1)
            holding = rows.holding(path, Digest(raw)) if several or at is None else []
            if not holding and at is None:
                raise KeyError(path)
            partitions.append(
                reduce(or_, (self.partitions[one] for one in holding)) if holding else anything
            )
        return _Held(tree, partitions)


def _may_hold(dataset: Manifest, source: Digest, lineage: Lineage) -> bool:
    """Return whether a dataset is, or was made from, another; true if it cannot be followed."""
    try:
        behind = lineage.datasets_behind([dataset.id], strict=True)
    except LyrikstoreError:
        return True
    return any(one.id == source for one in behind)


def _chain(dataset: Manifest, lineage: Lineage) -> tuple[Manifest, ...] | None:
    """Return the datasets from the single source of ``dataset`` to it, or None for several sources.

    It is also None if the lineage cannot be followed, or a dataset on the way was not made by a
    filter.
    """
    chain = [dataset]
    while True:
        inner = chain[0].made_from
        if not inner:
            return tuple(chain)
        if len(inner) > 1 or chain[0].body.get("origin") != "filtered":
            return None
        try:
            chain.insert(0, lineage.manifest(inner[0]))
        except LyrikstoreError:
            return None
