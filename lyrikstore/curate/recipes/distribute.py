"""``filter`` on the machines of a cluster: each examines its share of the records.

Workers do what depends on one record alone and store the changed documents in packs of their own.
What depends on earlier records (duplicates) is settled in path order by the one who ordered it,
from keys the workers send; so the decisions, the trees and the manifests are those of one core.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.curate.recipes.engine import Examiner, Foreign, foreign_files
from lyrikstore.curate.recipes.findings import Finding, finding_from_json, finding_to_json
from lyrikstore.curate.recipes.recipe import Recipe
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.backends.address import address_of
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.backends.open import open_backend
from lyrikstore.objects.distributed import changes_from, changes_to_json, shares
from lyrikstore.objects.parallel.tasks import Message, Pools, one_answer_each
from lyrikstore.objects.store.writer import BlobWriter


class Examined(NamedTuple):
    """What a cluster found.

    Attributes:
        findings: Of each record, in path order.
        foreign: Files that a text filter cannot read, in path order.
    """

    findings: list[list[Finding]]
    foreign: list[Foreign]


def spread_recipe(
    recipe: Recipe,
    tree: Tree,
    repository: Repository,
    writer: BlobWriter,
    pools: Pools,
    progress: OnProgress = silent,
) -> Examined:
    """Have the records of a tree examined by a pool's workers, which must see the store.

    Args:
        recipe: What to do.
        tree: The source.
        repository: The store.
        writer: Takes over what the workers stored.
        pools: Makes the pool.
        progress: Progress callback, called per record.

    Raises:
        InvalidInputError: (``backend-not-shared``) the store is where no other process can open
            it.
        FormatError: (``bad-answer``) a worker answered for something else.
        LyrikstoreError: What a worker raised that is not about one record.

    Cost: memory for the findings; this process reads no record.
    """
    setup = {
        **address_of(repository.backend),
        "size": len(repository.entries()),
        "recipe": recipe.to_json(),
    }
    entries = tree.entries
    parts = list(shares(tree.sizes))

    def share(part: Sequence[int]) -> Message:
        return Message({}, (Tree(entries[at] for at in sorted(part)).encode(),))

    findings: list[list[Finding]] = [[] for _ in entries]
    foreign: list[Foreign] = []
    done = 0
    with pools("lyrikstore.curate.recipes.distribute:examine_share", setup) as pool:
        for result in one_answer_each(pool.map(share(part) for part in parts), len(parts)):
            places = sorted(parts[result.task])
            for at, items in zip(places, _items(result.header, len(places)), strict=True):
                findings[at] = [finding_from_json(item) for item in items]
            writer.adopt(changes_from(result.header))
            foreign += _foreign(result.header)
            done += len(places)
            progress(Progress(done, len(entries)))
    return Examined(findings, sorted(foreign))


def _items(header: Mapping[str, Any], count: int) -> list[list[Any]]:
    found = header.get("findings")
    if not isinstance(found, list) or len(found) != count:
        raise FormatError("bad-answer", "a worker answered for other records than asked")
    if not all(isinstance(items, list) for items in found):
        raise FormatError("bad-answer", "invalid response from worker: 'findings' missing")
    return found


def _foreign(header: Mapping[str, Any]) -> list[Foreign]:
    try:
        return [(str(path), str(label)) for path, label in header["foreign"]]
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError("bad-answer", "a worker names files that are none") from error


def examine_share(
    setup: Mapping[str, Any], _task: Mapping[str, Any], share: bytes
) -> Iterator[tuple[dict[str, Any]]]:
    """Examine the records of a share: what a worker does; see ``objects.targets``."""
    blobs = _repository(setup["url"], tuple(sorted(setup["options"].items())), setup["size"]).blobs
    recipe, tree = Recipe.from_json(setup["recipe"]), Tree.parse(share)
    foreign = foreign_files(tree, blobs.open) if recipe.reads_text else []
    with blobs.writer(workers=0) as writer:
        examiner = Examiner(recipe, blobs.open, writer.put_data)
        findings: Sequence[list[Finding]] = (
            [[] for _ in tree.entries]  # the whole command fails: nothing need be done
            if foreign
            else [examiner.all_of(entry) for entry in tree.entries]
        )
        changes = writer.finish()
    yield (
        {
            "findings": [[finding_to_json(item) for item in items] for items in findings],
            "foreign": foreign,
            **changes_to_json(changes),
        },
    )


@lru_cache(maxsize=2)
def _repository(url: str, options: tuple[tuple[str, str], ...], _size: int) -> Repository:
    # Kept between tasks, until the store has grown.
    backend = open_backend(url, options=dict(options))
    location = backend.root if isinstance(backend, LocalBackend) else url
    return Repository.over(backend, location=location)
