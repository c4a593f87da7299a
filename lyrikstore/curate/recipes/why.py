"""``why``: what happened to one record, through every filter between its source and a version."""

import re
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.canon.text import pluralize
from lyrikstore.curate.recipes.decisions import MAX_BYTES, Decision, decode_decisions
from lyrikstore.curate.recipes.union import path_prefix
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import document_id
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree

_HEX = re.compile(r"(?:blake3:)?([0-9a-f]{8,64})")
MAX_CHAIN, MAX_HOPS = 1000, 100_000
"""Most filters in a row, and versions on all ways together: unions of unions have many."""


class Stage(Struct, frozen=True):
    """What one filter did to the record.

    Attributes:
        dataset: The derived version.
        source: The version the filter read.
        filter: The filter manifest.
        decisions: The record's rows, in the order they happened; the last is kept or dropped.
    """

    dataset: Manifest
    source: Manifest
    filter: Manifest
    decisions: tuple[Decision, ...]

    @property
    def verdict(self) -> Decision:
        """The last row: kept or dropped."""
        return self.decisions[-1]

    @property
    def here(self) -> bool:
        """Whether the record is in :attr:`dataset` itself, not only in another part."""
        part = self.dataset.body["derivation"].get("part")
        return self.verdict.action == "kept" and self.verdict.part == part


class Explanation(Struct, frozen=True):
    """The history of one record up to one version.

    Attributes:
        path: The record's path in the version asked about, or what it would be there.
        record: Its id in the committed dataset, hex.
        current: Its id in the version asked about, hex; ``None`` if it is not there.
        root: The committed version it comes from.
        stages: From the first filter to the version asked about; they end where it was dropped.
        dataset: The version asked about.
    """

    path: str
    record: str
    current: str | None
    root: Manifest
    stages: tuple[Stage, ...]
    dataset: Manifest

    @property
    def kept(self) -> bool:
        """Whether the record is in the version asked about."""
        return self.current is not None


class _Hop(Struct, frozen=True):
    """One version on the way to a committed one.

    Attributes:
        version: The version.
        filter: What made it; None for the committed one.
        prefix: What its paths have in front of those of the committed one: a union's do.
    """

    version: Manifest
    filter: Manifest | None
    prefix: str = ""


_Chain = tuple[_Hop, ...]
"""From the version asked about to one of the committed ones it was made from."""


def why(repository: Repository, ref: str, record: str) -> Explanation:
    """Return what became of one record on its way to a dataset version.

    Args:
        repository: The store; read-only is enough.
        ref: The version asked about.
        record: Its path in that version, or a record id (before or after a change) in full or its
            first 8 hex digits or more.

    Raises:
        NotFoundError: (``no-record``) neither the version nor any of its sources has it.
        InvalidInputError: (``ambiguous-record``) several records fit; the paths are named.
            (``not-a-dataset``) the ref is no dataset; (``too-deep``) too many filters lie between.

    Cost: one read of each decision table on the way; for record ids of an unfiltered dataset, one
    read of the whole dataset.
    """
    dataset = repository.resolve(ref)
    if dataset.kind != "dataset":
        raise InvalidInputError(
            "not-a-dataset", f"{ref} is a {dataset.kind}, not a dataset", hint="name a dataset"
        )
    tables = _Tables(repository)
    chain, path = _find(repository, _chains(repository, dataset), tables, record, ref)
    return _explain(repository, chain, tables, path)


def _chains(repository: Repository, dataset: Manifest) -> list[_Chain]:
    """Return the ways from ``dataset`` back to the committed ones."""
    found: list[_Chain] = []
    pending: list[tuple[Manifest, _Chain]] = [(dataset, ())]
    hops = 0
    while pending:
        version, before = pending.pop()
        hops += 1 + len(before)
        if len(before) == MAX_CHAIN or hops > MAX_HOPS:
            raise InvalidInputError(
                "too-deep", f"more than {len(before)} filters in a row", hint="ask a source instead"
            )
        if version.body["origin"] != "filtered":
            found.append((*before, _Hop(version, None)))
            continue
        used = repository.manifest(version.inputs_in("filter")[0].id)
        sources = [repository.manifest(item.id) for item in version.inputs_in("source")]
        for source in reversed(sources):
            prefix = path_prefix(source) if len(sources) > 1 else ""
            grown = tuple(_Hop(hop.version, hop.filter, hop.prefix + prefix) for hop in before)
            pending.append((source, (*grown, _Hop(version, used, prefix))))
    return found


class _Tables:
    """The decision tables of versions, each read once."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._read: dict[Digest, dict[str, list[Decision]]] = {}

    def of(self, version: Manifest) -> dict[str, list[Decision]]:
        """Return path → rows of a derived version."""
        attachments = version.attachments_in("decisions")
        if not attachments:
            raise NotFoundError(
                "no-decisions",
                f"{version.name} ({version.id.short}) carries no decision table",
                hint="it was made by another program",
            )
        identity = attachments[0].id
        if identity not in self._read:
            rows = self._read[identity] = {}
            data = self._repository.blobs.read(identity, max_bytes=MAX_BYTES)
            for row in decode_decisions(data):
                rows.setdefault(row.path, []).append(row)
        return self._read[identity]


def _find(
    repository: Repository, chains: Sequence[_Chain], tables: _Tables, record: str, ref: str
) -> tuple[_Chain, str]:
    """Return the way that a record came, and its path in the committed version."""
    hex_digits = _HEX.fullmatch(record)
    found: dict[str, tuple[_Chain, str]] = {}
    for chain in chains:
        prefix = chain[0].prefix
        tree = repository.tree(chain[-1].version)
        if record.startswith(prefix) and record[len(prefix) :] in tree.by_path:
            return chain, record[len(prefix) :]
        if hex_digits is not None:
            for path in _paths_by_id(chain, tables, tree, hex_digits[1]):
                found[prefix + path] = chain, path
    if len(found) > 1:
        listed = sorted(found)
        raise InvalidInputError(
            "ambiguous-record",
            f"{record} names {pluralize(len(found), 'record')}, "
            f"such as {listed[0]} and {listed[1]}",
            hint="name the record by its path",
            details={"paths": listed[:1000]},
        )
    if found:
        return found.popitem()[1]
    raise NotFoundError(
        "no-record",
        f"no record {record[:200]!r} in {ref} or in what it was made from",
        hint="give a path, or at least 8 hex digits of a record id",
    )


def _paths_by_id(chain: _Chain, tables: _Tables, tree: Tree, digits: str) -> set[str]:
    """Return the paths, in the committed version, of the records whose id begins so."""
    if len(chain) == 1:
        return {
            entry.path for entry in tree.entries if document_id(entry.blake3).hex.startswith(digits)
        }
    return {
        path.removeprefix(hop.prefix)
        for hop in chain[:-1]
        for path, decisions in tables.of(hop.version).items()
        if path.startswith(hop.prefix)
        for row in decisions
        if row.record.startswith(digits)
        or (row.new_record is not None and row.new_record.startswith(digits))
    }


def _explain(repository: Repository, chain: _Chain, tables: _Tables, path: str) -> Explanation:
    root = chain[-1].version
    stages: list[Stage] = []
    first: str | None = None
    current: str | None = None
    for hop, source in reversed(list(pairwise(chain))):
        decisions = tables.of(hop.version).get(hop.prefix + path)
        if decisions is None or hop.filter is None:
            break
        stage = Stage(hop.version, source.version, hop.filter, tuple(decisions))
        stages.append(stage)
        first = first or stage.verdict.record
        current = (stage.verdict.new_record or stage.verdict.record) if stage.here else None
        if current is None:
            break
    if first is None:
        first = current = document_id(repository.tree(root).by_path[path].blake3).hex
    asked = chain[0]
    return Explanation(asked.prefix + path, first, current, root, tuple(stages), asked.version)
