"""The ways from a version back to the committed ones that it was made from."""

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.source_files import SourceFiles, path_prefix

MAX_CHAIN, MAX_HOPS = 1000, 100_000
"""Most filters in a row, and versions on all ways together: unions of unions have many."""


class Hop(Struct, frozen=True):
    """One version on the way to a committed one.

    Attributes:
        version: The version.
        filter: What made it; None for the committed one.
        prefix: What the paths of the next version on the way have in front in what the filter
            read: those of a union do.
        files: The files of all that it read.
    """

    version: Manifest
    filter: Manifest | None
    prefix: str = ""
    files: SourceFiles | None = None


Chain = tuple[Hop, ...]
"""From the version asked about to one of the committed ones it was made from."""


class RecordPlace(Struct, frozen=True):
    """Where a record is in a version.

    Attributes:
        path: Its file.
        position: Its place there, from 0.
        item: Of what a filter made of a record: which of them, from 0.
    """

    path: str
    position: int = 0
    item: int | None = None


class FoundRecord(Struct, frozen=True):
    """A record that was asked for.

    Attributes:
        chain: The way it came.
        root: Its place in the committed version.
        items: What was made of it on the way and is asked for: version → which.
    """

    chain: Chain
    root: RecordPlace
    items: tuple[tuple[Digest, int], ...] = ()


def find_chains(repository: Repository, dataset: Manifest) -> list[Chain]:
    """Return the ways from ``dataset`` back to the committed ones."""
    found: list[Chain] = []
    pending: list[tuple[Manifest, Chain]] = [(dataset, ())]
    hops = 0
    while pending:
        version, before = pending.pop()
        hops += 1 + len(before)
        if len(before) == MAX_CHAIN or hops > MAX_HOPS:
            raise InvalidInputError(
                "too-deep", f"more than {len(before)} filters in a row", hint="ask a source instead"
            )
        if version.body["origin"] != "filtered":
            found.append((*before, Hop(version, None)))
            continue
        used = repository.manifest(version.inputs_in("filter")[0].id)
        sources = [repository.manifest(item.id) for item in version.inputs_in("source")]
        files = SourceFiles(repository, sources)
        for source in reversed(sources):
            prefix = path_prefix(source) if files.is_union else ""
            pending.append((source, (*before, Hop(version, used, prefix, files))))
    return found
