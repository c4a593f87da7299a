"""Finds the sources of which a dataset contains no record (spec §12.7.1).

A dataset made from several datasets may contain no record of one of them, and then the terms of
that source do not apply to it. Manifests and decision tables cannot prove this, because their
author only states it. Records can: every record of the dataset is in one of its sources, and none
is in that source. A record that a filter changed is in no source, and may come from any of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.contained import OpenBlob
from lyrikstore.history.records.held import HeldIds
from lyrikstore.history.records.order_root import DOCUMENT, record_id
from lyrikstore.history.records.rows import JSONL, BadRow, read_lines
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.chunk.stream import NOT_FETCHED
from lyrikstore.verify.datasets.body import companions_of

GROUND = "no-record"
"""Why a source needs no right, as runs and evaluations record it."""


class Held(StrEnum):
    """Whether a dataset contains records of a dataset from which it was made."""

    NONE = "none"
    SOME = "some"
    NOT_CHECKED = "not-checked"


class SourceRecords(Struct, frozen=True):
    """Whether records of one source are contained.

    Attributes:
        held: Whether some are contained; ``SOME`` also if records cannot show that none are.
        why: Why this was not checked; empty if it was checked.
        left_out: Whether it was not because this copy leaves the records out by its user's choice.
    """

    held: Held
    why: str = ""
    left_out: bool = False

    def unsure(self, source: str) -> str:
        """Return the message that the source with this name was not checked."""
        return f"may be without {source}: not checked: {self.why}"


_SOME = SourceRecords(Held.SOME)


class SourcesHeld:
    """Finds, once for each dataset, the sources of which it contains records.

    Args:
        lineage: The lineage of the datasets.
        tree_of: Gives a dataset's tree; may raise any LyrikstoreError.
        open_blob: Opens a file; may raise any LyrikstoreError.
    """

    def __init__(
        self,
        lineage: Lineage,
        tree_of: Callable[[Manifest], Tree],
        open_blob: OpenBlob,
    ) -> None:
        self._lineage, self._tree_of, self._open = lineage, tree_of, open_blob
        self._sources: dict[Digest, _Sources] = {}
        self._found: dict[Digest, Mapping[Digest, SourceRecords]] = {}

    def of(self, datasets: Iterable[Manifest], source: Digest) -> SourceRecords:
        """Return whether any of ``datasets`` that rest on a source contain records of it.

        Args:
            datasets: Datasets in use.
            source: A dataset without dataset inputs.

        Cost: nothing if a dataset has one source. Otherwise one read of the dataset and of each of
        its sources, and 33 bytes for each of its records; for documents only their trees.
        """
        found = [one for data in datasets if (one := self._of(data, source)) is not None]
        for held in (Held.SOME, Held.NOT_CHECKED):
            for one in found:
                if one.held is held:
                    return one
        return found[0] if found else _SOME

    def _of(self, dataset: Manifest, source: Digest) -> SourceRecords | None:
        if dataset.id not in self._sources:
            self._sources[dataset.id] = _Sources.of(dataset, self._lineage)
        sources = self._sources[dataset.id]
        if source not in sources.found:
            return None
        if dataset.id not in self._found:
            self._found[dataset.id] = self._look(dataset, sources)
        return self._found[dataset.id].get(source, _SOME)

    def _look(self, dataset: Manifest, sources: "_Sources") -> Mapping[Digest, SourceRecords]:
        """Return the result for each source; records of an omitted source may be contained."""
        # ATTACK: rows of a source in a file that is said to hold no records.
        if len(sources.found) == 1 or dataset.body.get("companions"):
            return {}
        reader = dataset.body["reader"]
        compare = {JSONL: self._rows, DOCUMENT: self._documents}.get(reader)
        if compare is None:
            return {}
        try:
            if sources.absent is None:
                return compare(dataset, sources)
            lost = SourceRecords(Held.NOT_CHECKED, f"{sources.absent.short} cannot be followed")
        except FormatError:  # something else than records: what is in it, no record tells
            return {}
        except LyrikstoreError as error:
            lost = _unread(dataset, error)
        unknown = {one.id: lost for one in sources.comparable(reader)}
        return sources.final_results(unknown, all_found=True)

    def _rows(self, dataset: Manifest, sources: "_Sources") -> Mapping[Digest, SourceRecords]:
        ids = HeldIds(self._record_ids(dataset))
        # ATTACK: what a source says, in the metadata of a file of other rows.
        if not len(ids) or self._tree_of(dataset).metas:
            return {}
        found = {}
        for source in sources.comparable(JSONL):
            try:
                held = Held.SOME if ids.find(self._record_ids(source)) else Held.NONE
                found[source.id] = SourceRecords(held)
            except FormatError:
                found[source.id] = _SOME
            except LyrikstoreError as error:
                found[source.id] = _unread(source, error)
        return sources.final_results(found, all_found=ids.all_found)

    def _record_ids(self, dataset: Manifest) -> Iterator[bytes]:
        tree = self._tree_of(dataset)
        companions = companions_of(dataset.body, tree)
        for entry in tree.entries:
            if entry.path in companions:
                continue
            with self._open(entry.blake3) as stream:
                for row in read_lines(stream):
                    if isinstance(row, BadRow):
                        raise FormatError("bad-record", f"{row.place(JSONL)}: {row.reason}")
                    yield record_id(JSONL, row.data).raw

    def _documents(self, dataset: Manifest, sources: "_Sources") -> Mapping[Digest, SourceRecords]:
        # What the sheet says of a document belongs to its record: labels, fields that are read.
        left: dict[Digest, list[Mapping[str, str]]] = {}
        for entry in self._tree_of(dataset).entries:
            left.setdefault(entry.blake3, []).append(entry.meta or {})
        if not left:
            return {}
        found = {}
        for source in sources.comparable(DOCUMENT):
            try:
                entries = self._tree_of(source).entries
            except LyrikstoreError as error:
                found[source.id] = _unread(source, error)
                continue
            held = Held.NONE
            for entry in entries:
                if entry.blake3 in left:
                    held, has = Held.SOME, (entry.meta or {}).items()
                    wanted = left[entry.blake3]
                    wanted[:] = [meta for meta in wanted if not meta.items() <= has]
            found[source.id] = SourceRecords(held)
        return sources.final_results(found, all_found=not any(left.values()))


class RecordedWithout:
    """Checks the member ``without`` of runs and evaluations: the sources that need no right.

    Args:
        held: Compares the records of datasets and sources.
        lineage: The lineage of the runs and evaluations.
    """

    def __init__(self, held: SourcesHeld, lineage: Lineage) -> None:
        self._held, self._lineage = held, lineage
        self._so: dict[tuple[Digest, Digest], str] = {}

    @property
    def names(self) -> list[str]:
        """Sorted names of the sources of which no record is contained, as recorded."""
        return sorted({*self._so.values()})

    def is_so(self, use: Manifest, datasets: Iterable[Manifest], source: Manifest) -> bool:
        """Return whether a use records no record of a source, and ``datasets`` contain none."""
        if source.id not in _recorded(use):
            return False
        if self._held.of(datasets, source.id).held is not Held.NONE:
            return False
        self._so[use.id, source.id] = source.name
        return True

    def unsure(
        self, use: Manifest, datasets: Iterable[Manifest], source: Manifest
    ) -> SourceRecords | None:
        """Return why the recorded claim cannot be checked; None if it can, or nothing claims so."""
        found = self._held.of(datasets, source.id) if source.id in _recorded(use) else _SOME
        return found if found.held is Held.NOT_CHECKED else None

    def faults(self, use: Manifest) -> Iterator[str]:
        """Yield recorded claims that are wrong; call it after all data of the use was judged."""
        for identity in _recorded(use):
            if (use.id, identity) in self._so:
                continue
            # What its own data was compared with may hold some, and have a right of its own.
            inputs = (self._lineage.get(item.id) for item in use.inputs)
            own = [one for one in inputs if one is not None and one.kind == "dataset"]
            if self._held.of(own, identity).held is Held.SOME:
                source = self._lineage.get(identity)
                name = identity.short if source is None else source.name
                yield f"records do not show that it is without {name}"


def _recorded(use: Manifest) -> list[Digest]:
    return [Digest.parse(one["dataset"]) for one in use.body.get("without", ())]


class _Sources(Struct, frozen=True):
    """The sources of a dataset.

    Attributes:
        found: The datasets at its roots, by id.
        written: Sources from which a model may have written text: such text is in no record of
            theirs.
        absent: A part of the lineage that cannot be followed, if there is one.
    """

    found: Mapping[Digest, Manifest]
    written: frozenset[Digest]
    absent: Digest | None

    @classmethod
    def of(cls, dataset: Manifest, lineage: Lineage) -> "_Sources":
        behind = lineage.datasets_behind([dataset.id])
        by_model = [one for one in behind if one.body.get("origin") != "filtered"]
        read = lineage.datasets_behind(above for one in by_model for above in one.made_from)
        known = {one.id for one in behind}
        named = (above for one in behind for above in one.made_from)
        return cls(
            {one.id: one for one in behind if not one.made_from},
            frozenset(one.id for one in read if not one.made_from),
            next((above for above in named if above not in known), None),
        )

    def comparable(self, reader: str) -> Iterator[Manifest]:
        """Yield the sources whose record ids can be compared with those of that reader."""
        return (one for one in self.found.values() if one.body["reader"] == reader)

    def final_results(
        self, found: Mapping[Digest, SourceRecords], *, all_found: bool
    ) -> Mapping[Digest, SourceRecords]:
        """Return the final result for each source, given whether each record is in a source."""
        unread = [one for one in found.values() if one.held is Held.NOT_CHECKED]
        # What is in no source that was read, may be of any of the others, or was changed.
        otherwise = None if all_found else next(iter(unread), _SOME)
        return {
            identity: otherwise if otherwise and one.held is Held.NONE else one
            for identity, one in found.items()
            if identity not in self.written
        }


def _unread(dataset: Manifest, error: LyrikstoreError) -> SourceRecords:
    text = f"records of {dataset.name} cannot be read: {error.message}"
    return SourceRecords(Held.NOT_CHECKED, text, error.kind == NOT_FETCHED)
