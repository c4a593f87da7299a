"""Detection of traces of removed data in derived datasets (ATTACK A72).

Earlier versions of filters wrote digests of the original texts next to the redacted ones, which
allows guesses at the removed values to be verified. Such datasets stay valid; the publisher gets a
warning.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from lyrikstore.canon.digest import Digest
from lyrikstore.curate.recipes.decisions import FILES_SINCE
from lyrikstore.curate.recipes.filters.fields.map import copied
from lyrikstore.curate.recipes.filters.fields.template import Template
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import DOCUMENT
from lyrikstore.history.repository.repository import Repository

GIVEN_AWAY = {
    "digests": "its rows contain digests of the original texts, against which guesses at removed "
    "values can be verified",
    "names": "names of files, and names and digests of attachments, may contain removed values",
    "chunks": "values found in one chunk of a text were removed from that chunk only, and may be "
    "in paths and fields of other chunks",
    "texts": "its texts were read again from the files after values had been removed",
    "decisions": "its manifest contains the digest of a decision table with record ids of the "
    "source and without a random salt",
}
"""Code → description of the trace."""

_STATE_DIGESTS = frozenset({"extract-text/1", "chunk/1"})
_DIGESTS = frozenset({"document", "parent"})
_LEAVE_NAMES = frozenset({"redact/1", "redact/2"})
_TAKE_OUT = frozenset({*_LEAVE_NAMES, "redact/3", "drop-personal/1"})


class GivenAway(Struct, frozen=True):
    """A trace of removed data in a dataset.

    Attributes:
        dataset: The version.
        code: A key of :data:`GIVEN_AWAY`.
        filters: The filters that left the trace, sorted; empty for ``decisions``.
    """

    dataset: Manifest
    code: str
    filters: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the trace as commands print it with ``--json``."""
        return {
            "name": self.dataset.name,
            "id": str(self.dataset.id),
            "code": self.code,
            "filters": list(self.filters),
        }


class _Traces(Struct):
    """The traces in the records of a version, updated step by step.

    Attributes:
        documents: Whether the records were made from documents.
        digests: Filters that wrote digests of the texts as they were then.
        whole: Filters that wrote digests of the texts that they passed on; these digests reveal
            what later steps drop.
        exposed: Those of both kinds of filters after which a step removed data from the texts.
        copied: Those whose digests were copied to another field, where redact/3 keeps them.
        names: Filters that removed data from texts and left it in file names.
        cut: Filters that cut texts into chunks.
        alone: Filters that removed data from chunks, each without regard to the others.
        texts: Filters that removed data before the texts were read again from the files.
    """

    documents: bool = False
    digests: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    exposed: frozenset[str] = frozenset()
    copied: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    cut: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    def joined(self, other: "_Traces") -> "_Traces":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return _Traces(*(one | another for one, another in pairs))

    def after(self, use: str, copies: Collection[str]) -> None:
        """Update the traces after a step that copies or renames the fields ``copies``."""
        if use.startswith("extract-text/"):
            self.documents = True
        if use in _STATE_DIGESTS:
            self.digests |= {use}
        if use.startswith("chunk/"):
            self.cut |= {use}
        if use == "chunk/2":
            self.whole |= {use}
        if not _DIGESTS.isdisjoint(copies):
            self.copied |= self.digests | self.whole
        if use == "redact/3":
            # It cannot find names in paths that an earlier step already removed from the texts.
            self.digests = self.whole = frozenset()
            self.exposed = self.copied
            self.alone |= self.cut
        elif use in _TAKE_OUT:
            self.exposed |= self.digests | self.whole
            if use in _LEAVE_NAMES and self.documents:
                self.names |= {use}


def given_away(repository: Repository, version: Manifest) -> tuple[GivenAway, ...]:
    """Return the traces of removed data in a version.

    Args:
        repository: The store.
        version: A dataset; for any other manifest, such as a checkpoint or a card, the datasets
            that it names and those of the runs in its lineage are checked.

    Raises:
        LyrikstoreError: As :meth:`Repository.manifest`.

    Cost: one read of each manifest in its lineage.
    """
    lineage = Lineage.read(repository, version.id)
    used = [version.id] if version.kind == "dataset" else _named(lineage, version)
    behind = {one.id for one in lineage.datasets_behind(used, strict=True)}
    known: dict[Digest, _Traces] = {}
    for one in lineage.in_order:
        if one.id in behind:
            known[one.id] = _traces(lineage, one, known)
    datasets = [lineage[identity] for identity in used if identity in known]
    return tuple(
        trace for dataset in datasets for trace in _given_away(lineage, dataset, known[dataset.id])
    )


def _named(lineage: Lineage, version: Manifest) -> list[Digest]:
    datasets = (
        item.id
        for one in lineage.values()
        if one.kind == "run" or one.id == version.id
        for item in one.inputs
        if item.kind == "dataset"
    )
    return list(dict.fromkeys(datasets))


def _given_away(lineage: Lineage, dataset: Manifest, traces: _Traces) -> Iterator[GivenAway]:
    reasons = {
        "digests": traces.exposed,
        "names": traces.names,
        "chunks": traces.alone,
        "texts": traces.texts,
    }
    for code, filters in reasons.items():
        if filters:
            yield GivenAway(dataset, code, tuple(sorted(filters)))
    has_table = bool(dataset.attachments_in("decisions"))
    is_old = dataset.body.get("derivation", {}).get("decisions", 1) < FILES_SINCE
    uses = {step["use"] for step in _steps(lineage, dataset)}
    if has_table and is_old and not _TAKE_OUT.isdisjoint(uses):
        yield GivenAway(dataset, "decisions", ())


def _traces(lineage: Lineage, version: Manifest, known: Mapping[Digest, _Traces]) -> _Traces:
    """Return the traces of a version, given the traces of all its sources."""
    traces = _Traces()
    for item in version.inputs_in("source"):
        traces = traces.joined(known.get(item.id, _Traces()))
    if version.body["reader"] == DOCUMENT:
        traces.documents = True
    taken: set[str] = set()
    for step in _steps(lineage, version):
        if step["use"].startswith("extract-text/"):
            traces.texts |= taken  # it reads the original files again
        elif step["use"].startswith("redact/"):
            traces.texts = frozenset()
            taken.add(step["use"])
        traces.after(step["use"], _copies(step))
    return traces


def _steps(lineage: Lineage, version: Manifest) -> Iterator[Mapping[str, Any]]:
    """Yield the steps of the filter that made a version, in order."""
    for item in version.inputs_in("filter"):
        steps: Iterable[Any] = lineage.manifest(item.id).body.get("steps", ())
        for step in steps:
            if isinstance(step, dict) and isinstance(step.get("use"), str):
                yield step


def _copies(step: Mapping[str, Any]) -> frozenset[str]:
    """Return the fields whose values a step copies or renames."""
    if step["use"] != "map/1":
        return frozenset()
    combine = {
        name: Template.parse(text, "combine") for name, text in step.get("combine", {}).items()
    }
    return copied(step.get("rename", {}), combine)
