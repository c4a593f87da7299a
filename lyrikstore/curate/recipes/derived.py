"""The tree, the statistics and the manifest body of a derived dataset."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.commit.rows.check import FileCheck, RowLayout, repeated_hashes
from lyrikstore.curate.descriptor import describe
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.statistics import RowStatistics
from lyrikstore.curate.recipes.decisions import VERSION
from lyrikstore.curate.recipes.recipe import Recipe
from lyrikstore.curate.recipes.step_results import work_lost
from lyrikstore.curate.recipes.union import FilterSource, sheet_of
from lyrikstore.curate.recipes.write_outcome import RecipeOutcome, Shard
from lyrikstore.curate.work_folder import storing
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import DOCUMENT
from lyrikstore.history.records.rows import JSONL
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.parallel.processes import Workers, cores
from lyrikstore.objects.parallel.tasks import Message
from lyrikstore.objects.store.writer import BlobWriter
from lyrikstore.verify.datasets.files import columns_of, files_by, formats

MANY_BYTES = 8 << 20
"""Total size of shards from which several processes measure them."""

_TARGET = "lyrikstore.curate.commit.rows.check:check_task"


class DerivedPart(Struct, frozen=True):
    """One of the datasets that a filter makes.

    Attributes:
        part: The name of the part; empty without a split.
        tree: Its files.
        roles: The roles of its fields.
        statistics: The statistics of its rows; None for documents.
        shards: Path → file of rows; empty for documents.
    """

    part: str
    tree: Tree
    roles: FieldRoles = FieldRoles()
    statistics: RowStatistics | None = None
    shards: Mapping[str, Shard] = {}

    def store(self, writer: BlobWriter) -> None:
        """Store the shards and delete their files.

        Raises:
            StorageError: A shard cannot be read, or the store cannot be written; (``work-lost``) a
                shard changed after it was written.
        """
        for path, shard in self.shards.items():
            with storing(f"storing {path}"):
                with shard.file.open("rb") as stream:
                    digest, _ = writer.put_file(stream)
                shard.file.unlink()
            if digest != shard.blake3:  # ATTACK A78
                raise work_lost()


def measure_shards(
    shards: Mapping[str, Shard], roles: FieldRoles
) -> tuple[RowStatistics, FieldRoles]:
    """Return the statistics of the rows in shards, and the roles of their fields.

    The role ``id`` is removed if two rows have the same id, such as after redaction (spec §12.8.1).

    Raises:
        InvalidInputError: (``bad-rows``) a row does not fit the roles of its fields.
        StorageError: A shard cannot be read; (``work-lost``) a shard changed after it was written.

    Cost: one read; 8 bytes in memory for each row with an id.
    """
    setup = msgspec.to_builtins(RowLayout(JSONL, roles))
    tasks = (
        Message({"path": path, "location": str(one.file), "digest": True})
        for path, one in shards.items()
    )
    total = sum(one.bytes for one in shards.values())
    count = min(cores(), len(shards)) if cores() > 1 and total >= MANY_BYTES else 0
    checks: dict[int, FileCheck] = {}
    written = [one.blake3.hex for one in shards.values()]
    with Workers(_TARGET, setup, count) as workers:
        for result in workers.map(tasks):
            if result.header["blake3"] != written[result.task]:
                raise work_lost()
            checks[result.task] = msgspec.msgpack.decode(result.buffers[0], type=FileCheck)
    statistics = RowStatistics(named=roles.names)
    for _, check in sorted(checks.items()):
        statistics.merge(check.statistics)
        for bad in check.bad:
            raise InvalidInputError(
                "bad-rows",
                f"the recipe makes an invalid row: {bad.path} line {bad.line}: {bad.reason}",
                hint="correct the step that changes this field",
            )
    if roles.id and repeated_hashes(check.ids for check in checks.values()):
        roles = replace(roles, id="")
    return statistics, roles


def tree_of_shards(shards: Mapping[str, Shard]) -> Tree:
    """Return the tree of the written shards."""
    return Tree.of(TreeEntry(path, one.bytes, one.blake3, None) for path, one in shards.items())


def derived_body(
    source: FilterSource, recipe: Recipe, used: Manifest, outcome: RecipeOutcome, made: DerivedPart
) -> dict[str, Any]:
    """Return the body of a derived dataset (spec §12.4).

    Args:
        source: The datasets that the filter read.
        recipe: The recipe.
        used: The filter manifest.
        outcome: The outcome of the recipe.
        made: The part, with its files.
    """
    tree, part = made.tree, outcome.parts[made.part]
    counts = outcome.counts(made.part)
    stats: dict[str, Any] = {
        "files": len(tree.entries),
        "bytes": tree.total_bytes,
        "records": part.records,
    }
    members = dict(source.members)
    if made.statistics is not None:
        members.pop("metadata", None)
        stats |= made.statistics.to_json(made.roles)
    elif columns := recipe.columns(source.columns):
        # ATTACK A72: with the digest of the source's sheet, guesses at its cells could be verified.
        members["metadata"] = sheet_of(columns, tree)
        stats["columns"] = columns_of(tree.metas.values(), columns)
    else:
        members.pop("metadata", None)
    generated = {
        "filter": str(used.id),
        "steps": [step.use for step in recipe.steps],
        "counts": counts,
        "dropped": dict(outcome.dropped),
    }
    derivation: dict[str, Any] = {
        "counts": counts,
        "dropped": dict(outcome.dropped),
        "changed": dict(part.changed),
        "decisions": VERSION,
    }
    if part.reported:
        derivation["reported"] = dict(part.reported)
    if made.part:
        derivation["part"] = made.part
    measured = {
        "derivedFrom": [str(one.id) for one in source.manifests],
        "generatedBy": [generated],
        "formats": files_by("suffix", formats(tree.paths)),
        "stats": stats,
    }
    body = {
        "reader": DOCUMENT if made.statistics is None else JSONL,
        "records": part.records,
        "bytes": tree.total_bytes,
        "fileCount": len(tree.entries),
        "origin": "filtered",
        "descriptor": describe({}, measured, inherited=_inherited(source.descriptor, recipe)),
        "derivation": derivation,
        **members,
    }
    if made.roles.names:
        body["fields"] = made.roles.to_json()
    return body


def _inherited(descriptor: Mapping[str, Any], recipe: Recipe) -> dict[str, Any]:
    inherited = dict(descriptor)
    redactions = {step.use for step in recipe.steps if step.use.startswith("redact/")}
    if redactions:
        # Detectors miss what they do not know; nothing proves that no personal data is left.
        by = "pattern" if redactions == {"redact/1"} else "detectors"
        inherited["deidentification"] = {
            "state": "value",
            "value": f"personal data replaced by {by}; residual risk not assessed",
            "basis": "tool-asserted",
        }
    return inherited
