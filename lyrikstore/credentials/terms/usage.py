"""Which partitions of a source dataset somebody uses who uses datasets made from it.

Terms are about files, and a filter keeps the paths of what it keeps (spec §12.5.1).
But a manifest only says what a filter did, and whoever signs it may call a file by the path of a
freer one. So a file counts as that of its path only if it has the same bytes there, which the
digests in both trees show; a file of rows also as those of which it holds nothing but records,
which the data shows. Any other counts as made from all that the filter read. Wherever that cannot
be followed, every partition counts as used.
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


class PartitionsUsed(Struct, frozen=True):
    """Which partitions of a source are used.

    Attributes:
        names: Their names, in the order of the terms.
        unread: Why it may be fewer: data that would show it cannot be read; else empty.
    """

    names: tuple[str, ...]
    unread: str = ""


def partitions_used(
    terms: Terms,
    source: Manifest,
    datasets: Iterable[Manifest],
    *,
    lineage: Lineage,
    tree_of: Callable[[Manifest], Tree],
    rows: "RowsHeld",
) -> PartitionsUsed:
    """Return the partitions of ``source`` whose files ``datasets`` may hold.

    Args:
        terms: The terms of ``source``.
        source: A dataset without dataset inputs.
        datasets: Datasets in use; ``source`` itself, others made from it, and unrelated ones.
        lineage: Of the datasets.
        tree_of: Gives a dataset's tree.
        rows: Looks into files of rows; what it found once it is not looked for again.

    Cost: nothing where there is one partition; else O(files of the source and of every dataset on
    the way from it). Where a filter made rows of several partitions, one read of what it read and
    of what it made; 40 bytes for each record that it read.
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
        return PartitionsUsed(names, f"files of {source.name} cannot be followed: {error.message}")
    found = tuple(name for at, name in enumerate(names) if used >> at & 1)
    return PartitionsUsed(found, next((one.unread for one in looked if one.unread), ""))


class RowsHeld:
    """Looks, once for each, which files that a filter read hold all records of one that it made.

    Args:
        open_blob: Opens a file; may raise what it likes of ours.
    """

    def __init__(self, open_blob: OpenBlob) -> None:
        self._open = open_blob
        self._between: dict[tuple[Digest, Digest], _Between] = {}

    def between(self, before: Manifest, derived: Manifest, tree: Tree) -> "_Between":
        """Return what looks into the files of two versions; ``tree`` is that of the first."""
        key = before.id, derived.id
        if key not in self._between:
            self._between[key] = _Between(before, derived, tree, self._open)
        return self._between[key]


class _Between:
    """What a filter read and what it made, if both are rows whose lines may be the same.

    A context manager: the records that it read are forgotten at the end, what was found is not.
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files = None

    def holding(self, path: str, digest: Digest) -> list[int]:
        """Return the numbers of the files that hold all records of a file; none if unknown."""
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
    """Return whether a dataset is, or was made from, another; also if it cannot be followed."""
    try:
        behind = lineage.datasets_behind([dataset.id], strict=True)
    except LyrikstoreError:
        return True
    return any(one.id == source for one in behind)


def _chain(dataset: Manifest, lineage: Lineage) -> tuple[Manifest, ...] | None:
    """Return the datasets from the one source of ``dataset`` to it, or None if there are several.

    Also if it cannot be followed, or something else than a filter made one on the way.
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
