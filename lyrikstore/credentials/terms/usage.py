"""Which partitions of a source dataset somebody uses who uses datasets made from it.

A filter keeps the paths of what it keeps (spec/12-curation.md §12.5.1), so the files of a filtered
dataset are under the terms of the files of its source that have the same paths. Wherever that
cannot be followed, every partition counts as used.
"""

from collections.abc import Callable, Iterable

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.credentials.terms.model import Terms
from lyrikstore.credentials.terms.partitioning import assign
from lyrikstore.history.manifest import Manifest
from lyrikstore.history.tree import Tree


def partitions_used(
    terms: Terms,
    source: Manifest,
    datasets: Iterable[Manifest],
    *,
    manifest_of: Callable[[Digest], Manifest],
    tree_of: Callable[[Manifest], Tree],
) -> tuple[str, ...]:
    """Return the names of the partitions of ``source`` from which ``datasets`` have files.

    Args:
        terms: The terms of ``source``.
        source: A dataset without dataset inputs.
        datasets: Datasets in use; ``source`` itself, others made from it, and unrelated ones.
        manifest_of: Gives a logged manifest.
        tree_of: Gives a dataset's tree.

    Cost: nothing where there is one partition; else O(files of the source and the datasets).
    """
    names = tuple(partition.name for partition in terms.partitions)
    if len(names) == 1:
        return names
    ends = []
    for dataset in datasets:
        root = _root(dataset, manifest_of)
        if root is None or dataset.id == source.id:
            return names
        if root.id == source.id:
            ends.append(dataset)
    try:
        tree = tree_of(source)
        numbers = assign(tree, terms.partitions)
        place = {path: at for at, path in enumerate(tree.paths)}
        used = {numbers[place[path]] for end in ends for path in tree_of(end).paths}
    except (KeyError, FormatError):  # a path that the source does not have; unsound terms
        return names
    return tuple(name for at, name in enumerate(names) if at in used)


def _root(dataset: Manifest, manifest_of: Callable[[Digest], Manifest]) -> Manifest | None:
    """Return the one source of a dataset, or None if it has several or cannot be followed."""
    while True:
        inner = [item.id for item in dataset.inputs if item.kind == "dataset"]
        if not inner:
            return dataset
        if len(inner) > 1 or dataset.body.get("origin") != "filtered":
            return None
        try:
            dataset = manifest_of(inner[0])
        except (KeyError, LyrikstoreError):
            return None
