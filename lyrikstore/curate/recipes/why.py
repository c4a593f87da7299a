"""``why``: what happened to one record, through every filter between its source and a version."""

import re
from collections.abc import Iterable

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.canon.text import pluralize
from lyrikstore.curate.recipes.decisions import MAX_BYTES, Decision, decode_decisions
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import document_id
from lyrikstore.history.repository.repository import Repository

_HEX = re.compile(r"(?:blake3:)?([0-9a-f]{8,64})")
MAX_CHAIN = 1000


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
        path: The record's path, the same in all versions.
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


def why(repository: Repository, ref: str, record: str) -> Explanation:
    """Return what became of one record on its way to a dataset version.

    Args:
        repository: The store; read-only is enough.
        ref: The version asked about.
        record: A path, or a record id (before or after a change) in full or its first 8 hex
            digits or more.

    Raises:
        NotFoundError: (``no-record``) neither the version nor any of its sources has it.
        InvalidInputError: (``ambiguous-record``) several records fit; the paths are named.
            (``not-a-dataset``) the ref is no dataset.

    Cost: one read of each decision table on the way; for record ids of an unfiltered dataset, one
    read of the whole dataset.
    """
    dataset = repository.resolve(ref)
    if dataset.kind != "dataset":
        raise InvalidInputError(
            "not-a-dataset", f"{ref} is a {dataset.kind}, not a dataset", hint="name a dataset"
        )
    chain = _chain(repository, dataset)
    rows = [_read(repository, version) for version, _ in chain[:-1]]
    path = _find_path(repository, chain, rows, record, ref)
    return _explain(repository, chain, rows, path)


def _chain(repository: Repository, dataset: Manifest) -> list[tuple[Manifest, Manifest | None]]:
    """Return (version, filter that made it) from ``dataset`` back to the committed one."""
    chain: list[tuple[Manifest, Manifest | None]] = []
    while dataset.body["origin"] == "filtered":
        if len(chain) == MAX_CHAIN:
            raise InvalidInputError(
                "too-deep", f"more than {MAX_CHAIN} filters in a row", hint="ask a source instead"
            )
        used = repository.manifest(dataset.inputs_in("filter")[0].id)
        chain.append((dataset, used))
        dataset = repository.manifest(dataset.inputs_in("source")[0].id)
    chain.append((dataset, None))
    return chain


def _read(repository: Repository, version: Manifest) -> dict[str, list[Decision]]:
    attachments = version.attachments_in("decisions")
    if not attachments:
        raise NotFoundError(
            "no-decisions",
            f"{version.name} ({version.id.short}) carries no decision table",
            hint="it was made by another program",
        )
    data = repository.blobs.read(attachments[0].id, max_bytes=MAX_BYTES)
    rows: dict[str, list[Decision]] = {}
    for row in decode_decisions(data):
        rows.setdefault(row.path, []).append(row)
    return rows


def _find_path(
    repository: Repository,
    chain: list[tuple[Manifest, Manifest | None]],
    rows: list[dict[str, list[Decision]]],
    record: str,
    ref: str,
) -> str:
    root_tree = repository.tree(chain[-1][0])
    if record in root_tree.by_path:
        return record
    found = _HEX.fullmatch(record)
    if found is not None:
        prefix = found[1]
        paths = _paths_by_id(rows, prefix)
        if not rows:
            paths = {
                entry.path
                for entry in root_tree.entries
                if document_id(entry.blake3).hex.startswith(prefix)
            }
        if len(paths) > 1:
            listed = sorted(paths)
            raise InvalidInputError(
                "ambiguous-record",
                f"{record} names {pluralize(len(paths), 'record')}, "
                f"such as {listed[0]} and {listed[1]}",
                hint="name the record by its path",
                details={"paths": listed[:1000]},
            )
        if paths:
            return paths.pop()
    raise NotFoundError(
        "no-record",
        f"no record {record[:200]!r} in {ref} or in what it was made from",
        hint="give a path, or at least 8 hex digits of a record id",
    )


def _paths_by_id(rows: Iterable[dict[str, list[Decision]]], prefix: str) -> set[str]:
    return {
        path
        for table in rows
        for path, decisions in table.items()
        for row in decisions
        if row.record.startswith(prefix)
        or (row.new_record is not None and row.new_record.startswith(prefix))
    }


def _explain(
    repository: Repository,
    chain: list[tuple[Manifest, Manifest | None]],
    rows: list[dict[str, list[Decision]]],
    path: str,
) -> Explanation:
    root = chain[-1][0]
    stages: list[Stage] = []
    first: str | None = None
    current: str | None = None
    for place in range(len(chain) - 2, -1, -1):
        version, used = chain[place]
        decisions = rows[place].get(path)
        if decisions is None or used is None:
            break
        stage = Stage(version, chain[place + 1][0], used, tuple(decisions))
        stages.append(stage)
        first = first or stage.verdict.record
        current = (stage.verdict.new_record or stage.verdict.record) if stage.here else None
        if current is None:
            break
    if first is None:
        first = current = document_id(repository.tree(root).by_path[path].blake3).hex
    return Explanation(path, first, current, root, tuple(stages), chain[0][0])
