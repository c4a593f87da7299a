"""Comparison of a dataset's manifest body with its files and records (spec §11.7.4)."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.canon.json import JSON, encode
from lyrikstore.canon.quoting import quote
from lyrikstore.history.manifests.row_files import SUFFIXES, is_of_rows
from lyrikstore.history.trees.tree import Tree
from lyrikstore.verify.datasets.files import columns_of, files_by, formats
from lyrikstore.verify.datasets.reading import MeasuredRecords

MEASURED = frozenset({"derivedFrom", "formats", "generatedBy", "stats"})
"""Fields of the descriptor that are measured."""

OF_FILES = ("files", "bytes", "columns")
"""Members of ``stats`` that follow from the files."""

OF_ROWS = ("labels", "labelsAbove", "severalLabels", "fieldsAbove")
"""Members of ``stats`` that follow from rows, and that some datasets of rows lack."""

OF_LABELS = ("labels", "labelsAbove", "severalLabels")
"""Members of :data:`OF_ROWS` that exist only if a field has the role label."""

_FILES, _RECORDS = "does not follow from its files", "does not follow from its records"


class BodyFault(Struct, frozen=True):
    """A member of a body that contradicts the data.

    Attributes:
        member: Path of the member.
        why: The contradiction, for people.
    """

    member: str
    why: str

    def __str__(self) -> str:
        return f"{quote(self.member)} {self.why}"


def measured_field(body: Mapping[str, Any], name: str) -> Any:
    """Return the value of a measured field of the descriptor, or None."""
    field = body["descriptor"].get(name, {})
    return field.get("value") if field.get("basis") == "measured" else None


def stats_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the measured ``stats`` of a body; empty if it has none."""
    return _members(measured_field(body, "stats"))


def is_same(said: JSON, follows: JSON) -> bool:
    """Return whether two values are the same JSON; ``true`` is not 1."""
    return encode(said) == encode(follows)


def find_file_faults(body: Mapping[str, Any], tree: Tree) -> Iterator[BodyFault]:
    """Yield the members of a dataset's body that contradict its files.

    Args:
        body: The body.
        tree: The files.
    """
    yield from _differing(body, {"bytes": tree.total_bytes, "fileCount": len(tree)})
    if not frozenset(tree.paths).issuperset(body.get("companions", ())):
        yield BodyFault("companions", "names a file that it does not have")
    named = body.get("metadata", {}).get("columns", ())
    if "metadata" in body and any(not set(meta).issubset(named) for meta in tree.metas.values()):
        yield BodyFault("metadata.columns", "lacks a column that its files have")
    for name, field in sorted(body["descriptor"].items()):
        # ATTACK: what somebody claims, called measured.
        if field.get("basis") == "measured" and name not in MEASURED:
            yield BodyFault(f"descriptor.{name}", "is called measured, and nothing measures it")
    said = measured_field(body, "formats")
    if said is not None and not is_same(said, files_by("suffix", formats(tree.paths))):
        yield BodyFault("formats", _FILES)
    stats = stats_of(body)
    yield from _differing(stats, {"files": len(tree), "bytes": tree.total_bytes}, "stats.")
    filled = columns_of(tree.metas.values(), named)
    if "columns" in stats and not is_same(stats["columns"], filled):
        yield BodyFault("stats.columns", _FILES)


def find_record_faults(body: Mapping[str, Any], measured: MeasuredRecords) -> Iterator[BodyFault]:
    """Yield the members of a dataset's body that contradict its records."""
    yield from _differing(body, {"records": measured.records})
    if measured.repeats:
        # ATTACK A88: splits by group and opt-outs by id, over ids that several records have.
        yield BodyFault("fields.id", "names a field that has one value in several records")
    stats, found = stats_of(body), measured.stats
    yield from _differing(stats, {"records": measured.records}, "stats.")
    names = {name for name in (*found, *OF_ROWS) if name != "sample" and name in stats}
    names -= _without_roles(body)
    for name in sorted(names) if found else ():
        # ATTACK: labels that no record has, where the measure gives none, or too many to list.
        if name not in found or not is_same(stats[name], found[name]):
            yield BodyFault(f"stats.{name}", _RECORDS)
    said = _members(stats.get("sample"))
    for name, value in _members(found.get("sample")).items():
        if name in said and not is_same(said[name], value):
            yield BodyFault(f"stats.sample.{name}", _RECORDS)


def not_measured(body: Mapping[str, Any], measured: MeasuredRecords) -> list[str]:
    """Return the measured members of a body that were not measured again here."""
    stats, found = stats_of(body), measured.stats
    known = {*OF_FILES, *found, *(OF_ROWS if found else ()), "records", "sample"}
    known -= _without_roles(body)
    sample = set(_members(stats.get("sample"))) - set(_members(found.get("sample")))
    return [
        # Over the rows of the sheet in their order, which is not kept.
        *(["metadata.sheetDigest"] if "metadata" in body else ()),
        *(f"stats.{name}" for name in sorted(stats) if name not in known),
        *(f"stats.sample.{name}" for name in sorted(sample)),
    ]


def companions_of(body: Mapping[str, Any], tree: Tree) -> frozenset[str]:
    """Return the paths of files that hold no records.

    Early imports of rows have no list of them: there, they are the files without a reader of rows.
    """
    reader = body["reader"]
    if body["origin"] == "imported" and "companions" not in body and reader in SUFFIXES:
        return frozenset(path for path in tree.paths if not is_of_rows(path, reader))
    return frozenset(body.get("companions", ()))


def _without_roles(body: Mapping[str, Any]) -> frozenset[str]:
    """Return the members that cannot be measured, if an import does not state the roles of fields.

    Early imports have the statistics of the other store, but not the roles of fields.
    """
    if body["origin"] != "imported" or "fields" in body:
        return frozenset()
    # Of more fields than are listed those with a role come first.
    fields = ("fields", "fieldsAbove") if "fieldsAbove" in stats_of(body) else ()
    return frozenset((*OF_LABELS, *fields))


def _members(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _differing(
    said: Mapping[str, Any], follows: Mapping[str, int], where: str = ""
) -> Iterator[BodyFault]:
    for name, value in follows.items():
        if name in said and not is_same(said[name], value):
            yield BodyFault(f"{where}{name}", f"is {quote(said[name])}, and {value} follows")
