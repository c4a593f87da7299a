"""``why``: the history of one record, from its committed version to a derived one."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice, pairwise

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    IncompleteError,
    InvalidInputError,
    LyrikstoreError,
    NotFoundError,
)
from lyrikstore.canon.text import pluralize
from lyrikstore.curate.extract.rows import PAGE, PATH, START
from lyrikstore.curate.readers.records import ROWS, Record, iter_records
from lyrikstore.curate.readers.rows import RowError, as_text, parse_row
from lyrikstore.curate.recipes.decisions import (
    FILES_SINCE,
    Decision,
    DecisionQuery,
    read_decisions,
)
from lyrikstore.curate.recipes.explain.source_paths import (
    Chain,
    FoundRecord,
    Hop,
    RecordPlace,
    find_chains,
)
from lyrikstore.curate.recipes.filters.fields.reviewed import Reviewed
from lyrikstore.curate.recipes.references import prepared_review
from lyrikstore.curate.recipes.source import resolve_dataset
from lyrikstore.curate.scan.mapping import ORIGINAL_PATH
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import document_id
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import (
    present_attachments,
    present_tree,
    retired_versions,
)
from lyrikstore.history.repository.source_files import SourceFiles
from lyrikstore.history.trees.tree import Tree

_COMPARING = frozenset({"decontaminate/1"})
"""Filters whose decisions refer to records of the datasets that they compare with."""

_HEX = re.compile(r"(?:blake3:)?([0-9a-f]{8,64})")
_LINE = re.compile(r"(.+):([1-9][0-9]{0,14})")
MAX_ROWS = 100_000
"""Most decisions that are read for one question."""


class Stage(Struct, frozen=True):
    """The decisions of one filter on the record.

    Attributes:
        dataset: The derived version.
        source: The version that the filter read.
        filter: The filter manifest.
        decisions: The record's decisions, in order; the last one is kept or dropped.
    """

    dataset: Manifest
    source: Manifest
    filter: Manifest
    decisions: tuple[Decision, ...]

    @property
    def verdict(self) -> Decision:
        """The last decision: kept or dropped."""
        return self.decisions[-1]

    @property
    def here(self) -> bool:
        """Whether the record is in :attr:`dataset`, and not in another part."""
        part = self.dataset.body["derivation"].get("part")
        return self.verdict.action == "kept" and self.verdict.part == part


class Explanation(Struct, frozen=True):
    """The history of one record up to one version.

    Attributes:
        path: The path of its file in the version in question, or the path that it would have.
        original_path: The path of the committed file in its folder, if that path differs.
        document_path: For a row, the document that it was made from; ``None`` if there is none.
        document_page: The page of the document where the row begins, from 1; ``None`` if unknown.
        line: For a row, its line in that file, from 1; if dropped, its line in the committed file.
        record: Its id in the committed dataset, hex; ``None`` if the data is retired.
        current: Its id in the version in question, hex; ``None`` if it was dropped or is retired.
        kept: Whether the record is in the version in question.
        root: The committed version that it comes from.
        stages: The filters up to the version in question, or up to the one that dropped the record.
        dataset: The version in question.
    """

    path: str
    line: int | None
    record: str | None
    current: str | None
    kept: bool
    root: Manifest
    stages: tuple[Stage, ...]
    dataset: Manifest
    original_path: str | None = None
    document_path: str | None = None
    document_page: int | None = None


def why(repository: Repository, ref: str, record: str) -> Explanation:
    """Return the history of one record up to a dataset version.

    Args:
        repository: The store; read-only is enough.
        ref: The version in question.
        record: The path of a document; for a row, ``PATH:LINE`` in that version or, if not found,
            in the committed one; the path of the committed file in its folder; the value of the
            field with the role id; or a record id (before or after a change) in full, or its first
            8 hex digits or more.

    Raises:
        NotFoundError: (``no-record``) neither the version nor any of its sources has the record.
        InvalidInputError: (``ambiguous-record``) several records match; the message names some.
            (``not-a-dataset``) the ref is not a dataset; (``too-deep``) the chain of filters is too
            long.

    Cost: one read of each decision table in the chain, streamed; for ids, also one read of the
    datasets of rows in the chain.
    """
    dataset = resolve_dataset(repository, ref)
    histories = _Histories(repository)
    found = histories.find(find_chains(repository, dataset), record)
    if len(found) > 1:
        listed = sorted(map(histories.called, found))
        raise InvalidInputError(
            "ambiguous-record",
            f"{record} names {pluralize(len(found), 'record')}, "
            f"such as {listed[0]} and {listed[1]}",
            hint="name the record by its path; a row by PATH:LINE",
            details={"paths": listed[:1000]},
        )
    if not found:
        raise NotFoundError(
            "no-record",
            f"no record {record[:200]!r} in {ref} or in what it was made from",
            hint="give a path; for a row PATH:LINE, or the value of its id field; or at least 8 "
            "hex digits of a record id",
        )
    return histories.explain(found[0])


class _Histories:
    """Search for a record in the decision tables and trees of one store."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._trees: dict[Digest, Tree] = {}
        self._seen: dict[tuple[Digest, DecisionQuery], list[Decision]] = {}
        self._reviews: dict[Digest, dict[tuple[str, int], str]] = {}

    def find(self, chains: Iterable[Chain], record: str) -> list[FoundRecord]:
        """Return the records of committed versions that ``record`` can name, each once."""
        chains = list(chains)
        line = _LINE.fullmatch(record)
        places = [RecordPlace(record)] + ([RecordPlace(line[1], int(line[2]) - 1)] if line else [])
        for by_place in (self._trace_back, self._at_committed_place):
            matches = [
                match for chain in chains for place in places for match in by_place(chain, place)
            ]
            if matches:
                return list(dict.fromkeys(matches))
        for by_name in (self._by_original_path, self._by_id_field):
            matches = [match for chain in chains for match in by_name(chain, record)]
            if matches:
                return list(dict.fromkeys(matches))
        digits = _HEX.fullmatch(record)
        if digits is None:
            return []
        return list(
            dict.fromkeys(match for chain in chains for match in self._by_id(chain, digits[1]))
        )

    def called(self, found: FoundRecord) -> str:
        """Return the name of a record in messages."""
        prefix = "".join(hop.prefix for hop in found.chain[:-1])
        path = prefix + found.root.path
        return f"{path}:{found.root.position + 1}" if _is_rows(found.chain[-1].version) else path

    def explain(self, found: FoundRecord) -> Explanation:
        """Return the history of a record."""
        *hops, root = found.chain
        chosen = dict(found.items)
        place: RecordPlace | None = found.root
        stages: list[Stage] = []
        source = root.version
        for hop in reversed(hops):
            if place is None or hop.filter is None:
                break
            rows = self._rows(hop.version, self._about(hop, source, place))
            if not rows:
                break
            path = hop.prefix + place.path
            rows = _of_item(
                [replace(row, path=path) for row in rows], chosen.get(hop.version.id), hop.version
            )
            stage = Stage(
                hop.version,
                source,
                hop.filter,
                tuple(self._with_other(hop, row) for row in rows),
            )
            stages.append(stage)
            place = _next_place(stage.verdict) if stage.here else None
            source = hop.version
        dataset = found.chain[0].version
        kept = place is not None and source is dataset
        first = self._id_at(root.version, found.root)
        current = self._id_at(dataset, place) if kept and place is not None else None
        shown = place or found.root
        if place is None:
            prefix = "".join(hop.prefix for hop in hops)
            shown = RecordPlace(prefix + found.root.path, found.root.position)
        line = shown.position + 1 if _is_rows(dataset) or _is_rows(root.version) else None
        return Explanation(
            shown.path,
            line,
            first,
            current,
            kept,
            root.version,
            tuple(stages),
            dataset,
            self._original_path(root.version, found.root),
            *self._document(dataset, place if kept else None, root.version, found.root),
        )

    def _original_path(self, version: Manifest, place: RecordPlace) -> str | None:
        meta = self._tree(version).by_path[place.path].meta or {}
        return meta.get(ORIGINAL_PATH)

    def _document(
        self, dataset: Manifest, place: RecordPlace | None, root: Manifest, at_root: RecordPlace
    ) -> tuple[str | None, int | None]:
        """Return document and page of a row, from its lineage or else from its own fields."""
        document = None if _is_rows(root) or not _is_rows(dataset) else at_root.path
        if place is None or not _is_rows(dataset):
            return document, None
        with suppress(IncompleteError, RowError):  # its data is retired
            for at, record in self._data(dataset, place):
                if at == place:
                    fields = parse_row(record.data)
                    path, page = fields.get(PATH), fields.get(PAGE)
                    if document is None and isinstance(path, str) and START in fields:
                        document = path
                    if document is not None and type(page) is int and page > 0:
                        return document, page
        return document, None

    def _about(self, hop: Hop, source: Manifest, place: RecordPlace) -> DecisionQuery:
        """Return the query for the decisions of a hop on the record at a place of its source."""
        if hop.files is None or not _has_files(hop.version):
            return DecisionQuery(path=hop.prefix + place.path, position=place.position)
        return DecisionQuery(file=hop.files.number(source, place.path), position=place.position)

    def _source_place(self, hop: Hop, source: Manifest, row: Decision) -> RecordPlace | None:
        """Return the place in ``source`` of the record of a decision; None if in another source."""
        if row.file is not None and hop.files is not None:
            found = hop.files.find(row.file)
            if found is None or found[0].id != source.id:
                return None
            return RecordPlace(found[1], row.position)
        if row.path is None or not row.path.startswith(hop.prefix):
            return None
        return RecordPlace(row.path.removeprefix(hop.prefix), row.position)

    def _with_other(self, hop: Hop, row: Decision) -> Decision:
        """Return a decision whose detail names the place of the other record."""
        if row.filter == Reviewed.USE and row.action != "kept":
            return replace(row, detail=self._votes(hop, row))
        other, files = row.other, hop.files
        if other is None or files is None:
            return row
        if row.filter in _COMPARING:
            compared = [self._repository.manifest(i.id) for i in hop.version.inputs_in("against")]
            if len(compared) != 1:  # the recipe names it by a REF that may have moved
                return row
            files = SourceFiles(self._repository, compared)
        found = files.find(other.file)
        if found is None:
            return row
        line = f":{other.position + 1}" if _is_rows(found[0]) else ""
        item = "" if other.item is None else f", item {other.item}"
        return replace(row, detail=f"{files.path(other.file)}{line}{item}")

    def _votes(self, hop: Hop, row: Decision) -> str | None:
        """Return by which review a record was decided, and how many agree; None if unknown."""
        reviews = hop.version.inputs_in("review")
        steps = [] if hop.filter is None else hop.filter.body["recipe"]["step"]
        refs = list(dict.fromkeys(one["review"] for one in steps if one["use"] == Reviewed.USE))
        found = None if hop.files is None or row.file is None else hop.files.find(row.file)
        if row.step is None or found is None or len(refs) != len(reviews):
            return None
        review = reviews[refs.index(steps[row.step - 1]["review"])].id
        if review not in self._reviews:
            said: dict[tuple[str, int], str] = {}
            with suppress(LyrikstoreError):  # retired, or not in this copy of the store
                made = prepared_review(self._repository, self._repository.manifest(review))
                said = Reviewed.configure({"review": "", "unreviewed": "keep"}).bind(made).votes
            self._reviews[review] = said
        return self._reviews[review].get((found[1], row.position))

    def _trace_back(self, chain: Chain, place: RecordPlace) -> Iterator[FoundRecord]:
        """Yield the committed record from which the record at a place was made."""
        items: list[tuple[Digest, int]] = []
        for hop, source in pairwise(chain):
            if _has_places(hop.version):
                wanted = DecisionQuery(new_path=place.path, new_position=place.position)
            else:
                wanted = DecisionQuery(path=place.path)
            part = hop.version.body["derivation"].get("part")
            row = next(
                (
                    row
                    for row in self._rows(hop.version, wanted)
                    if row.action == "kept" and row.part == part
                ),
                None,
            )
            earlier = None if row is None else self._source_place(hop, source.version, row)
            if row is None or earlier is None:
                return
            if row.item is not None:
                items.append((hop.version.id, row.item))
            place = earlier
        if self._root_has(chain[-1].version, place):
            yield FoundRecord(chain, place, tuple(items))

    def _at_committed_place(self, chain: Chain, place: RecordPlace) -> Iterator[FoundRecord]:
        """Yield the committed record at a place whose path has the chain's prefixes."""
        path = place.path
        for hop in chain[:-1]:
            if not path.startswith(hop.prefix):
                return
            path = path.removeprefix(hop.prefix)
        if self._root_has(chain[-1].version, RecordPlace(path, place.position)):
            yield FoundRecord(chain, RecordPlace(path, place.position))

    def _by_id(self, chain: Chain, digits: str) -> Iterator[FoundRecord]:
        """Yield the records whose id begins with ``digits`` in any version of the chain.

        Decision tables of versions 1 and 2 contain the ids; otherwise the data is hashed.
        """
        for at, (hop, source) in enumerate(pairwise(chain)):
            if _has_files(hop.version):
                continue
            for row in self._rows(hop.version, DecisionQuery(digits=digits)):
                place = self._source_place(hop, source.version, row)
                if place is None:
                    continue
                # The id in the source belongs to the record itself, not to one made from it.
                is_source = row.item is None or (row.record or "").startswith(digits)
                made = [] if is_source else [(hop.version.id, row.item or 0)]
                for found in self._trace_back(chain[at + 1 :], place):
                    yield FoundRecord(chain, found.root, (*made, *found.items))
        for at, hop in enumerate(chain):
            derived = chain[at - 1] if hop.filter is None and at else hop
            if derived.filter is not None and not _has_files(derived.version):
                continue
            with suppress(IncompleteError):  # its data is retired
                for place, identity in self._records(hop.version):
                    if identity.hex.startswith(digits):
                        for found in self._trace_back(chain[at:], place):
                            yield FoundRecord(chain, found.root, found.items)

    def _by_original_path(self, chain: Chain, record: str) -> Iterator[FoundRecord]:
        """Yield the document or row with this path in the committed folder."""
        name, _, line = record.rpartition(":")
        for at, meta in self._tree(chain[-1].version).metas.items():
            was = meta.get(ORIGINAL_PATH)
            if was == record or (was == name and line.isdecimal()):
                path = self._tree(chain[-1].version).paths[at]
                place = RecordPlace(path, 0 if was == record else int(line) - 1)
                if self._root_has(chain[-1].version, place):
                    yield FoundRecord(chain, place)

    def _by_id_field(self, chain: Chain, record: str) -> Iterator[FoundRecord]:
        """Yield the records with this value in the field of the role id, in any version."""
        for at, hop in enumerate(chain):
            if not (name := hop.version.body.get("fields", {}).get("id")):
                continue
            with suppress(IncompleteError, RowError):  # its data is retired
                for place in self._with_id(hop.version, name, record):
                    for found in self._trace_back(chain[at:], place):
                        yield FoundRecord(chain, found.root, found.items)

    def _with_id(self, version: Manifest, name: str, identity: str) -> Iterator[RecordPlace]:
        tree = self._tree(version)
        if not _is_rows(version):
            for at, meta in tree.metas.items():
                if meta.get(name) == identity:
                    yield RecordPlace(tree.paths[at])
            return
        for place, record in self._data(version):
            if as_text(parse_row(record.data).get(name)) == identity:
                yield place

    def _rows(self, version: Manifest, wanted: DecisionQuery) -> list[Decision]:
        attachments = present_attachments(self._repository, version, "decisions")
        if not attachments:
            raise NotFoundError(
                "no-decisions",
                f"{version.name} ({version.id.short}) has no decision table",
                hint="ask about one of its sources; another program made this version",
            )
        key = attachments[0].id, wanted
        if key not in self._seen:
            with self._repository.blobs.open(attachments[0].id) as stream:
                self._seen[key] = list(islice(read_decisions(stream, wanted), MAX_ROWS))
        return self._seen[key]

    def _root_has(self, version: Manifest, place: RecordPlace) -> bool:
        if place.path not in self._tree(version).by_path:
            return False
        if place.path in version.body.get("companions", ()):
            return False
        if not _is_rows(version):
            return place.position == 0
        if version.id in retired_versions(self._repository):
            return True  # cannot be checked: the data is retired
        return any(at == place for at, _ in self._records(version, place))

    def _tree(self, version: Manifest) -> Tree:
        if version.id not in self._trees:
            self._trees[version.id] = self._repository.tree(version)
        return self._trees[version.id]

    def _id_at(self, version: Manifest, place: RecordPlace) -> str | None:
        """Return the id of the record at a place; None if its data is retired."""
        if _is_rows(version) and version.id in retired_versions(self._repository):
            return None
        records = self._records(version, place)
        return next((identity.hex for at, identity in records if at == place), None)

    def _records(
        self, version: Manifest, place: RecordPlace | None = None
    ) -> Iterator[tuple[RecordPlace, Digest]]:
        """Yield places and ids of records of a version; with ``place``, of its file up to it."""
        if _is_rows(version):
            yield from ((at, record.id) for at, record in self._data(version, place))
            return
        tree = self._tree(version)
        for entry in tree.entries if place is None else [tree.by_path[place.path]]:
            if entry.path not in version.body.get("companions", ()):
                yield RecordPlace(entry.path), document_id(entry.blake3)

    def _data(
        self, version: Manifest, place: RecordPlace | None = None
    ) -> Iterator[tuple[RecordPlace, Record]]:
        """Yield places and rows of a version; with ``place``, of its file up to it."""
        tree, reader = self._tree(version), version.body["reader"]
        present_tree(self._repository, version)
        beside = frozenset(version.body.get("companions", ()))
        for entry in tree.entries if place is None else [tree.by_path[place.path]]:
            if entry.path in beside:
                continue
            with self._repository.blobs.open(entry.blake3) as stream:
                for record in iter_records(reader, entry.path, stream):
                    yield RecordPlace(entry.path, record.position), record
                    if place is not None and record.position == place.position:
                        break


def _is_rows(version: Manifest) -> bool:
    return str(version.body["reader"]) in ROWS


def _has_places(version: Manifest) -> bool:
    return "decisions" in version.body["derivation"]


def _has_files(version: Manifest) -> bool:
    """Return whether its decisions contain file numbers instead of record ids (spec §12.6)."""
    return bool(version.body["derivation"].get("decisions", 1) >= FILES_SINCE)


def _of_item(rows: list[Decision], item: int | None, version: Manifest) -> list[Decision]:
    """Return the decisions on a record, and those on one record that was made from it.

    That record is number ``item``, or else the first one in ``version``, or else none. Decisions on
    the records between the two are included.
    """
    if all(row.item is None for row in rows):
        return rows
    part = version.body["derivation"].get("part")
    if item is None:
        kept = [
            row.item
            for row in rows
            if row.item is not None and row.action == "kept" and row.part == part
        ]
        item = kept[0] if kept else None
    parents = _parents(rows)
    wanted = {None, item}
    while item is not None:
        item = parents.get(item)
        wanted.add(item)
    return [row for row in rows if row.item in wanted]


def _parents(rows: list[Decision]) -> dict[int, int | None]:
    """Return item → the item that it was made from; numbered step by step (spec §12.6)."""
    divided = [row for row in rows if row.action == "divided"]
    made: list[int | None] = []
    for row in sorted(divided, key=lambda row: row.step or 0):
        made += [row.item] * min(row.count or 0, MAX_ROWS)
    return dict(enumerate(made))


def _next_place(verdict: Decision) -> RecordPlace:
    if verdict.new_path is None:
        return RecordPlace(verdict.path or "")
    return RecordPlace(verdict.new_path, verdict.new_position or 0)
