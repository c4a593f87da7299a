"""The chains of versions from a derived dataset back to the committed ones in its lineage."""

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.source_files import SourceFiles, path_prefix

MAX_CHAIN, MAX_HOPS = 1000, 100_000
"""Most filters in a chain, and most versions in all chains; unions of unions have many."""


class Hop(Struct, frozen=True):
    """One version in a chain.

    Attributes:
        version: The version.
        filter: The filter that made it; None for the committed version.
        prefix: The prefix of the next version's paths in the source of the filter; empty unless
            that source is a union.
        files: The files of all sources of the filter.
    """

    version: Manifest
    filter: Manifest | None
    prefix: str = ""
    files: SourceFiles | None = None


Chain = tuple[Hop, ...]
"""The versions from the one in question to one committed version in its lineage."""


class RecordPlace(Struct, frozen=True):
    """The position of a record in a version.

    Attributes:
        path: Its file.
        position: Its position in that file, from 0.
        item: For a record that a filter made from another: its number among these, from 0.
    """

    path: str
    position: int = 0
    item: int | None = None


class FoundRecord(Struct, frozen=True):
    """A record that matches a question.

    Attributes:
        chain: The chain of versions to its committed version.
        root: Its position in the committed version.
        items: If the question is about a record made from this one: version → number of that
            record.
    """

    chain: Chain
    root: RecordPlace
    items: tuple[tuple[Digest, int], ...] = ()


def find_chains(repository: Repository, dataset: Manifest) -> list[Chain]:
    """Return the chains from ``dataset`` back to committed versions."""
    chains: list[Chain] = []
    pending: list[tuple[Manifest, Chain]] = [(dataset, ())]
    hops = 0
    while pending:
        version, before = pending.pop()
        hops += 1 + len(before)
        if len(before) == MAX_CHAIN or hops > MAX_HOPS:
            raise InvalidInputError(
                "too-deep",
                f"more than {len(before)} filters in a row",
                hint="name one of its sources",
            )
        if version.body["origin"] != "filtered":
            chains.append((*before, Hop(version, None)))
            continue
        used = repository.manifest(version.inputs_in("filter")[0].id)
        sources = [repository.manifest(item.id) for item in version.inputs_in("source")]
        files = SourceFiles(repository, sources)
        for source in reversed(sources):
            prefix = path_prefix(source) if files.is_union else ""
            pending.append((source, (*before, Hop(version, used, prefix, files))))
    return chains
