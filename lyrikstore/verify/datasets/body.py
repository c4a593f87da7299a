"""What the body of a dataset's manifest says, held against its files and records (spec §11.7.4)."""

from collections.abc import Iterator, Mapping
from typing import Any

from lyrikstore.canon.quoting import quote
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.trees.tree import Tree
from lyrikstore.verify.datasets.files import columns_of, files_by, formats
from lyrikstore.verify.datasets.reading import MeasuredRecords

MEASURED = frozenset({"derivedFrom", "formats", "generatedBy", "stats"})
"""Fields of the descriptor that are measured."""

MAX_SAMPLE = 1000
"""Records of which a sample has no more."""

OF_FILES = ("files", "bytes", "columns")
"""Members of ``stats`` that follow from the files."""

OF_RECORDS = ("labels", "labelsAbove", "severalLabels", "fieldsAbove")
"""Members of ``stats`` that follow from rows, and that not all rows have."""


def measured_field(body: Mapping[str, Any], name: str) -> Any:
    """Return the value of a measured field of the descriptor; None where there is none."""
    field = body["descriptor"].get(name, {})
    return field.get("value") if field.get("basis") == "measured" else None


def stats_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the measured ``stats`` of a body; nothing where it has none."""
    found = measured_field(body, "stats")
    return found if isinstance(found, Mapping) else {}


def find_file_faults(manifest: Manifest, tree: Tree) -> Iterator[str]:
    """Yield what a body says that does not follow from the list of files.

    Args:
        manifest: Of a dataset.
        tree: Its files.
    """
    body = manifest.body
    follows = {"bytes": tree.total_bytes, "fileCount": len(tree)}
    yield from _differing(body, follows)
    paths = frozenset(tree.paths)
    if not paths.issuperset(body.get("companions", ())):
        yield "companions names a file that it does not have"
    named = body.get("metadata", {}).get("columns", ())
    if any(not set(meta).issubset(named) for meta in tree.metas.values()):
        yield "metadata.columns lacks a column that its files have"
    for name, field in body["descriptor"].items():
        # ATTACK: what somebody claims, called measured.
        if field.get("basis") == "measured" and name not in MEASURED:
            yield f"descriptor {quote(name)} is called measured, and nothing measures it"
    said = measured_field(body, "formats")
    if said is not None and said != files_by("suffix", formats(tree.paths)):
        yield "formats does not follow from its files"
    stats = stats_of(body)
    yield from _differing(stats, {"files": len(tree), "bytes": tree.total_bytes}, "stats.")
    if "columns" in stats and stats["columns"] != columns_of(tree.metas.values(), named):
        yield "stats.columns does not follow from its files"


def find_record_faults(body: Mapping[str, Any], measured: MeasuredRecords) -> Iterator[str]:
    """Yield what a body says that does not follow from the records."""
    yield from _differing(body, {"records": measured.records})
    stats = stats_of(body)
    yield from _differing(stats, {"records": measured.records}, "stats.")
    for name, found in measured.stats.items():
        if name != "sample" and name in stats and stats[name] != found:
            yield f"stats.{name} does not follow from its records"
    # ATTACK: labels that no record has, where the measure gives none or too many to be listed.
    for name in OF_RECORDS:
        if name in stats and measured.stats and name not in measured.stats:
            yield f"stats.{name} does not follow from its records"
    said, found = stats.get("sample", {}), measured.stats.get("sample", {})
    for name in ("records", "seed", "tokens"):
        if name in said and found and said[name] != found.get(name):
            yield f"stats.sample.{name} does not follow from its records"


def not_measured(body: Mapping[str, Any], measured: MeasuredRecords) -> list[str]:
    """Return the members of ``stats`` that were not measured again here."""
    stats, found = stats_of(body), measured.stats
    known = {*OF_FILES, *OF_RECORDS, *found, "records", "sample"}
    sample = set(stats.get("sample", ())) - set(found.get("sample", ()))
    return [
        *(f"stats.{name}" for name in stats if name not in known),
        *(f"stats.sample.{name}" for name in sorted(sample)),
    ]


def _differing(
    said: Mapping[str, Any], follows: Mapping[str, int], where: str = ""
) -> Iterator[str]:
    for name, value in follows.items():
        if name in said and said[name] != value:
            yield f"{where}{name} is {quote(said[name])}, and {value} follows"
