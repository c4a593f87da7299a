"""``why``: what happened to one record, through every filter between its source and a version."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.canon.text import pluralize
from lyrikstore.curate.readers.records import ROWS, iter_records
from lyrikstore.curate.recipes.decisions import Decision, DecisionQuery, read_decisions
from lyrikstore.curate.recipes.source import resolve_dataset
from lyrikstore.curate.recipes.union import path_prefix
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import document_id
from lyrikstore.history.repository.repository import Repository

_HEX = re.compile(r"(?:blake3:)?([0-9a-f]{8,64})")
_LINE = re.compile(r"(.+):([1-9][0-9]{0,14})")
MAX_ROWS = 100_000
"""Most decisions that are looked at for one question."""

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
        path: The path of its file in the version asked about, or what it would be there.
        line: Of a row its 1-based place in that file; where it is not there, in the committed one.
        record: Its id in the committed dataset, hex.
        current: Its id in the version asked about, hex; ``None`` if it is not there.
        root: The committed version it comes from.
        stages: From the first filter to the version asked about; they end where it was dropped.
        dataset: The version asked about.
    """

    path: str
    line: int | None
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
        prefix: What its sources' paths have in front in what the filter read: a union's do.
    """

    version: Manifest
    filter: Manifest | None
    prefix: str = ""


_Chain = tuple[_Hop, ...]
"""From the version asked about to one of the committed ones it was made from."""


class _Place(Struct, frozen=True):
    """Where a record is in a version.

    Attributes:
        path: Its file.
        position: Its place there, from 0.
        item: Of what a filter made of a record: which of them, from 0.
    """

    path: str
    position: int = 0
    item: int | None = None


class _Found(Struct, frozen=True):
    """A record that was asked for.

    Attributes:
        chain: The way it came.
        root: Its place in the committed version.
        items: What was made of it on the way and is asked for: version → which.
    """

    chain: _Chain
    root: _Place
    items: tuple[tuple[Digest, int], ...] = ()


def why(repository: Repository, ref: str, record: str) -> Explanation:
    """Return what became of one record on its way to a dataset version.

    Args:
        repository: The store; read-only is enough.
        ref: The version asked about.
        record: The path of a document; of a row ``PATH:LINE`` in that version, or, if it is not
            there, in the committed one; or a record id (before or after a change) in full or its
            first 8 hex digits or more.

    Raises:
        NotFoundError: (``no-record``) neither the version nor any of its sources has it.
        InvalidInputError: (``ambiguous-record``) several records fit; some are named.
            (``not-a-dataset``) the ref is no dataset; (``too-deep``) too many filters lie between.

    Cost: one read of each decision table on the way, streamed; for record ids of an unfiltered
    dataset of rows, one read of the whole dataset.
    """
    dataset = resolve_dataset(repository, ref)
    asking = _Asking(repository)
    found = asking.find(_chains(repository, dataset), record)
    if len(found) > 1:
        listed = sorted(asking.called(one) for one in found)
        raise InvalidInputError(
            "ambiguous-record",
            f"{record} names {pluralize(len(found), 'record')}, "
            f"such as {listed[0]} and {listed[1]}",
            hint="name the record by its path, of rows PATH:LINE",
            details={"paths": listed[:1000]},
        )
    if not found:
        raise NotFoundError(
            "no-record",
            f"no record {record[:200]!r} in {ref} or in what it was made from",
            hint="give a path, of rows PATH:LINE, or at least 8 hex digits of a record id",
        )
    return asking.explain(found[0])


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
            pending.append((source, (*before, _Hop(version, used, prefix))))
    return found


class _Asking:
    """The decision tables and trees of one store, asked about one record."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._seen: dict[tuple[Digest, DecisionQuery], list[Decision]] = {}

    def find(self, chains: Iterable[_Chain], record: str) -> list[_Found]:
        """Return the records of the committed versions that ``record`` may name, each once."""
        chains = list(chains)
        line = _LINE.fullmatch(record)
        places = [_Place(record)] + ([_Place(line[1], int(line[2]) - 1)] if line else [])
        for look in (self._behind, self._at_root):
            found = [one for chain in chains for place in places for one in look(chain, place)]
            if found:
                return list(dict.fromkeys(found))
        digits = _HEX.fullmatch(record)
        if digits is None:
            return []
        return list(dict.fromkeys(one for chain in chains for one in self._by_id(chain, digits[1])))

    def called(self, found: _Found) -> str:
        """Return what to call a record in a message."""
        prefix = "".join(hop.prefix for hop in found.chain[:-1])
        path = prefix + found.root.path
        return f"{path}:{found.root.position + 1}" if _is_rows(found.chain[-1].version) else path

    def explain(self, found: _Found) -> Explanation:
        """Return the history of a record."""
        *hops, root = found.chain
        chosen = dict(found.items)
        place: _Place | None = found.root
        stages: list[Stage] = []
        first: str | None = None
        current: str | None = None
        source = root.version
        for hop in reversed(hops):
            if place is None or hop.filter is None:
                break
            wanted = DecisionQuery(path=hop.prefix + place.path, position=place.position)
            rows = self._rows(hop.version, wanted)
            if not rows:
                break
            rows = _of_item(rows, chosen.get(hop.version.id), hop.version)
            stage = Stage(hop.version, source, hop.filter, tuple(rows))
            stages.append(stage)
            first = first or stage.verdict.record
            verdict = stage.verdict
            current = (verdict.new_record or verdict.record) if stage.here else None
            place = _next_place(verdict) if stage.here else None
            source = hop.version
        asked = found.chain[0].version
        if first is None:
            first = current = self._root_id(root.version, found.root).hex
        shown = place or found.root
        if place is None:
            prefix = "".join(hop.prefix for hop in hops)
            shown = _Place(prefix + found.root.path, found.root.position)
        line = shown.position + 1 if _is_rows(asked) or _is_rows(root.version) else None
        return Explanation(shown.path, line, first, current, root.version, tuple(stages), asked)

    def _behind(self, chain: _Chain, place: _Place) -> Iterator[_Found]:
        """Yield what became the record at a place of the version asked about."""
        items: list[tuple[Digest, int]] = []
        for hop in chain[:-1]:
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
            if row is None or not row.path.startswith(hop.prefix):
                return
            if row.item is not None:
                items.append((hop.version.id, row.item))
            place = _Place(row.path.removeprefix(hop.prefix), row.position)
        if self._root_has(chain[-1].version, place):
            yield _Found(chain, place, tuple(items))

    def _at_root(self, chain: _Chain, place: _Place) -> Iterator[_Found]:
        """Yield the record of the committed version at a place as the version asked about says."""
        path = place.path
        for hop in chain[:-1]:
            if not path.startswith(hop.prefix):
                return
            path = path.removeprefix(hop.prefix)
        if self._root_has(chain[-1].version, _Place(path, place.position)):
            yield _Found(chain, _Place(path, place.position))

    def _by_id(self, chain: _Chain, digits: str) -> Iterator[_Found]:
        """Yield the records whose id, in any version on the way, begins so."""
        for at, hop in enumerate(chain[:-1]):
            for row in self._rows(hop.version, DecisionQuery(digits=digits)):
                if not row.path.startswith(hop.prefix):
                    continue
                place = _Place(row.path.removeprefix(hop.prefix), row.position)
                # The id in the source is that of the record, and not of what was made of it.
                is_source = row.item is None or row.record.startswith(digits)
                made = [] if is_source else [(hop.version.id, row.item or 0)]
                for found in self._behind(chain[at + 1 :], place):
                    yield _Found(chain, found.root, (*made, *found.items))
        if len(chain) == 1:
            for place, identity in self._records(chain[0].version):
                if identity.hex.startswith(digits):
                    yield _Found(chain, place)

    def _rows(self, version: Manifest, wanted: DecisionQuery) -> list[Decision]:
        attachments = version.attachments_in("decisions")
        if not attachments:
            raise NotFoundError(
                "no-decisions",
                f"{version.name} ({version.id.short}) carries no decision table",
                hint="it was made by another program",
            )
        key = attachments[0].id, wanted
        if key not in self._seen:
            with self._repository.blobs.open(attachments[0].id) as stream:
                self._seen[key] = list(islice(read_decisions(stream, wanted), MAX_ROWS))
        return self._seen[key]

    def _root_has(self, version: Manifest, place: _Place) -> bool:
        if place.path not in self._repository.tree(version).by_path:
            return False
        if place.path in version.body.get("companions", ()):
            return False
        if not _is_rows(version):
            return place.position == 0
        return any(one == place for one, _ in self._records(version, place))

    def _root_id(self, version: Manifest, place: _Place) -> Digest:
        return next(identity for one, identity in self._records(version, place) if one == place)

    def _records(
        self, version: Manifest, place: _Place | None = None
    ) -> Iterator[tuple[_Place, Digest]]:
        """Yield places and ids of the records of a version; of one file up to a place, if given."""
        tree, reader = self._repository.tree(version), version.body["reader"]
        beside = frozenset(version.body.get("companions", ()))
        for entry in tree.entries if place is None else [tree.by_path[place.path]]:
            if entry.path in beside:
                continue
            if not _is_rows(version):
                yield _Place(entry.path), document_id(entry.blake3)
                continue
            with self._repository.blobs.open(entry.blake3) as stream:
                for record in iter_records(reader, entry.path, stream):
                    yield _Place(entry.path, record.position), record.id
                    if place is not None and record.position == place.position:
                        break


def _is_rows(version: Manifest) -> bool:
    return str(version.body["reader"]) in ROWS


def _has_places(version: Manifest) -> bool:
    return "decisions" in version.body["derivation"]


def _of_item(rows: list[Decision], item: int | None, version: Manifest) -> list[Decision]:
    """Return the rows about a record, and about one of those that were made of it.

    The one that is asked for, or else the first that is in ``version``, or else none; and those
    through which it was made.
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
    """Return what each item was made of; numbers are given step by step (spec §12.6)."""
    divided = [row for row in rows if row.action == "divided"]
    made: list[int | None] = []
    for row in sorted(divided, key=lambda row: row.step or 0):
        made += [row.item] * min(row.count or 0, MAX_ROWS)
    return dict(enumerate(made))


def _next_place(verdict: Decision) -> _Place:
    if verdict.new_path is None:
        return _Place(verdict.path)
    return _Place(verdict.new_path, verdict.new_position or 0)
