"""Which partitions of a source dataset somebody uses who uses datasets made from it.

Terms are about files, and a filter keeps the paths of what it keeps (spec §12.5.1).
But a manifest only says what a filter did, and whoever signs it may call a file by the path of a
freer one. So a file counts as that of its path only if it has the same bytes there, which the
digests in both trees show; any other counts as made from all that the filter read. Wherever that
cannot be followed, every partition counts as used.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import or_

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.credentials.terms.model import Terms
from lyrikstore.credentials.terms.partitioning import assign
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.trees.tree import Tree


def partitions_used(
    terms: Terms,
    source: Manifest,
    datasets: Iterable[Manifest],
    *,
    manifest_of: Callable[[Digest], Manifest],
    tree_of: Callable[[Manifest], Tree],
) -> tuple[str, ...]:
    """Return the names of the partitions of ``source`` whose files ``datasets`` may hold.

    Args:
        terms: The terms of ``source``.
        source: A dataset without dataset inputs.
        datasets: Datasets in use; ``source`` itself, others made from it, and unrelated ones.
        manifest_of: Gives a logged manifest.
        tree_of: Gives a dataset's tree.

    Cost: nothing where there is one partition; else O(files of the source and of every dataset on
    the way from it).
    """
    names = tuple(partition.name for partition in terms.partitions)
    if len(names) == 1:
        return names
    chains = []
    for dataset in datasets:
        chain = _chain(dataset, manifest_of)
        if chain is None or dataset.id == source.id:
            return names
        if chain[0].id == source.id:
            chains.append(chain)
    try:
        tree = tree_of(source)
        origin = _Held(tree, [1 << number for number in assign(tree, terms.partitions)])
        used = 0
        for chain in chains:
            held = origin
            for derived in chain[1:]:
                held = held.filtered(tree_of(derived))
            used |= held.all
    except (KeyError, FormatError):  # a path that was not there before; unsound terms
        return names
    return tuple(name for at, name in enumerate(names) if used >> at & 1)


class _Held(Struct, frozen=True):
    """The files of one dataset, and the partitions each may come from, as bits of an integer."""

    tree: Tree
    partitions: Sequence[int]

    @property
    def all(self) -> int:
        return reduce(or_, self.partitions, 0)

    def filtered(self, tree: Tree) -> "_Held":
        place = {path: at for at, path in enumerate(self.tree.paths)}
        before, after, anything = self.tree.digests, tree.digests, self.all
        partitions = []
        for number, path in enumerate(tree.paths):
            at = place[path] * 32
            # ATTACK: the bytes of a file that may not be used, under the path of one that may.
            same = before[at : at + 32] == after[number * 32 : number * 32 + 32]
            partitions.append(self.partitions[at // 32] if same else anything)
        return _Held(tree, partitions)


def _chain(
    dataset: Manifest, manifest_of: Callable[[Digest], Manifest]
) -> tuple[Manifest, ...] | None:
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
            chain.insert(0, manifest_of(inner[0]))
        except (KeyError, LyrikstoreError):
            return None
