"""``filter``: a recipe applied to a dataset version gives new versions, with a reason for all.

The counts reconcile exactly: of the records that came in, each was kept, dropped, or went to
another part; a changed record is among those kept.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import EmptyResultError, InvalidInputError
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import Clock, now
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.curate.commit.statement import Statement, current_version, formats, put_attachment
from lyrikstore.curate.descriptor import describe, files_by
from lyrikstore.curate.readers import DOCUMENT
from lyrikstore.curate.recipes.decisions import encode_decisions
from lyrikstore.curate.recipes.distribute import spread_recipe
from lyrikstore.curate.recipes.engine import (
    WHOLE,
    Applied,
    Foreign,
    foreign_files,
    run_recipe,
    settle,
)
from lyrikstore.curate.recipes.recipe import Recipe, Unmatched
from lyrikstore.curate.recipes.union import FilterSource, check_union, source_of
from lyrikstore.history.commit.transaction import TransactionBuilder, open_transaction
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.history.manifests.names import Name, parse_name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.parallel.tasks import Pools
from lyrikstore.objects.store.writer import BlobWriter


class FilterResult(Struct, frozen=True):
    """What a filter did.

    Attributes:
        sources: The versions it read, in the order they were named.
        filter: The filter manifest, new or as it was.
        manifests: Part (``""`` without a split) -> its current version.
        log_indices: Part -> log index, for those that are new.
        counts: Part -> ``in``, ``kept``, ``dropped``, ``changed``, ``elsewhere``.
        dropped: Reason -> records.
        changed: Reason -> records, over all parts.
        unchanged: Whether nothing had to be logged.
        unmatched: Values on lists of the recipe that no record of the source has.
    """

    sources: tuple[Manifest, ...]
    filter: Manifest
    manifests: Mapping[str, Manifest]
    log_indices: Mapping[str, int]
    counts: Mapping[str, Mapping[str, int]]
    dropped: Mapping[str, int]
    changed: Mapping[str, int]
    unchanged: bool
    unmatched: tuple[Unmatched, ...]


def apply_recipe(
    repository: Repository,
    refs: Sequence[str],
    recipe: Recipe | None,
    as_name: str,
    *,
    signer: Signer,
    message: str = "",
    progress: OnProgress = silent,
    clock: Clock = now,
    pools: Pools | None = None,
) -> FilterResult:
    """Derive ``as_name`` (with a split: ``as_name.train``, …) from one dataset or several.

    Args:
        repository: The store, opened to append.
        refs: The source versions; of several their union (spec §12.4.1).
        recipe: What to do; None, with several sources: nothing but the union.
        as_name: The new dataset's name.
        signer: The author.
        message: Free text.
        progress: Progress callback, called per record.
        clock: Tells the claimed time.
        pools: Workers on other machines that examine the records; see ``objects.cluster``. The
            versions made are the same.

    Raises:
        InvalidInputError: (``no-reader``) a text filter over documents that are no text, such as
            PDF; (``undecodable-text``); (``unknown-column``); (``not-a-dataset``);
            (``same-name``) the result would replace its own source; (``no-recipe``) there is
            nothing to do; else as :func:`lyrikstore.curate.recipes.union.source_of`.
        EmptyResultError: (``nothing-kept``) no record, or none of a part, was kept.
        ConflictError, LockedError, KeyMaterialError, PolicyError, StorageError: see
            ``TransactionBuilder``. Whatever is raised, nothing was logged.

    Cost: one read of every record; memory for the decisions, not for the texts.
    """
    source, recipe = _sources(repository, refs, recipe)
    name = parse_name(as_name)
    targets = _targets(name, recipe)
    for read in source.manifests:
        if read.name in targets.values():
            raise InvalidInputError(
                "same-name", f"{read.name} would replace its own source", hint="choose another name"
            )
    tree = source.tree
    recipe.check_columns(frozenset(source.columns), source.name)
    unmatched = recipe.unmatched(tree.metas.values())
    if recipe.reads_text and pools is None:
        _check_readable(foreign_files(tree, repository.blobs.open))
    with open_transaction(repository) as transaction:
        applied = _run(recipe, tree, repository, transaction.writer, pools, progress)
        _check_kept(applied, targets, unmatched)
        log = partial(_log, transaction, repository, signer=signer, clock=clock, message=message)
        used, is_new = log(
            Statement(
                "filter", str(Name("filters", name.namespace, name.leaf)), recipe.body(), None
            )
        )
        decisions = put_attachment(
            transaction.writer.put_bytes, "decisions", encode_decisions(applied.decisions)
        )
        manifests: dict[str, Manifest] = {}
        fresh: list[str] = []
        for part, target in targets.items():
            part_tree = Tree.of(applied.parts[part].entries)
            statement = Statement(
                "dataset",
                target,
                _body(source, used, part, part_tree, applied, recipe=recipe),
                part_tree,
                inputs=(
                    *(Input("source", "dataset", one.id) for one in source.manifests),
                    Input("filter", "filter", used.id),
                ),
                attachments=(decisions, *source.texts),
            )
            manifests[part], part_is_new = log(statement)
            if part_is_new:
                fresh.append(part)
        logged: dict[str, int] = {}
        if is_new or fresh:
            indices = transaction.commit()
            logged = dict(zip(fresh, indices[len(indices) - len(fresh) :], strict=True))
    return FilterResult(
        source.manifests,
        used,
        manifests,
        logged,
        {part: applied.counts(part) for part in targets},
        dict(applied.dropped),
        dict(sum((outcome.changed for outcome in applied.parts.values()), Counter())),
        unchanged=not (is_new or fresh),
        unmatched=unmatched,
    )


def _run(
    recipe: Recipe,
    tree: Tree,
    repository: Repository,
    writer: BlobWriter,
    pools: Pools | None,
    progress: OnProgress,
) -> Applied:
    if pools is None:
        return run_recipe(recipe, tree, repository.blobs.open, writer.put_data, progress)
    found = spread_recipe(recipe, tree, repository, writer, pools, progress)
    _check_readable(found.foreign)
    return settle(recipe, tree, found.findings)


def _log(
    transaction: TransactionBuilder,
    repository: Repository,
    statement: Statement,
    *,
    signer: Signer,
    clock: Clock,
    message: str,
) -> tuple[Manifest, bool]:
    """Return the version that says this, and whether it had to be made."""
    current = current_version(repository, statement.name)
    if current is not None and statement.repeats(current):
        return current, False
    if statement.tree is not None:
        transaction.writer.put_bytes(statement.tree.encode())
    manifest = statement.sign(repository, current, signer=signer, clock=clock, message=message)
    transaction.log_manifest(manifest, statement.tree)
    return manifest, True


def _sources(
    repository: Repository, refs: Sequence[str], recipe: Recipe | None
) -> tuple[FilterSource, Recipe]:
    """Return what is read, and all that is done with it."""
    found = [_source(repository, ref) for ref in refs]
    if recipe is None and len(found) < 2:
        raise InvalidInputError(
            "no-recipe",
            "one dataset without a recipe would be itself again",
            hint="say what to do with --recipe FILE, or name a second dataset to put with it",
        )
    check_union(found)
    for manifest in found:
        if manifest.body["reader"] != DOCUMENT:
            raise InvalidInputError(
                "no-reader",
                f"{manifest.name} is read by {manifest.body['reader']}; "
                "filters read documents only",
                hint="commit one file per record",
            )
    source = source_of(found, [present_tree(repository, one) for one in found])
    recipe = recipe or Recipe((), "")
    return source, recipe.of_union() if source.is_union else recipe


def _source(repository: Repository, ref: str) -> Manifest:
    source = repository.resolve(ref)
    if source.kind != "dataset":
        raise InvalidInputError(
            "not-a-dataset", f"{ref} is a {source.kind}, not a dataset", hint="name a dataset"
        )
    return source


def _targets(name: Name, recipe: Recipe) -> dict[str, str]:
    if name.prefix != "datasets":
        raise InvalidInputError(
            "bad-name", f"a filter makes datasets, not {name.prefix}", hint=f"such as {name.part}"
        )
    if recipe.split is None:
        return {WHOLE: str(name)}
    return {part: str(parse_name(f"{name}.{part}")) for part in recipe.split.parts}


def _check_readable(foreign: Sequence[Foreign]) -> None:
    if foreign:
        path, label = foreign[0]
        more = f" and {pluralize(len(foreign) - 1, 'more file')}" if len(foreign) > 1 else ""
        raise InvalidInputError(
            "no-reader",
            f"no reader for {label}: {path}{more}",
            hint="convert them to text first, or name them in .lyrikignore and commit again",
            details={"files": [item[0] for item in foreign[:1000]], "count": len(foreign)},
        )


def _check_kept(
    applied: Applied, targets: Mapping[str, str], unmatched: Sequence[Unmatched]
) -> None:
    reasons = ", ".join(f"{reason} {count}" for reason, count in applied.dropped.most_common())
    if not any(outcome.entries for outcome in applied.parts.values()):
        raise EmptyResultError(
            "nothing-kept",
            f"no record of {applied.total} was kept ({reasons or 'there were none'})",
            hint="; ".join(map(str, unmatched[:3])) or "check the recipe's allow lists and columns",
            details={"dropped": dict(applied.dropped)},
        )
    for part, target in targets.items():
        if not applied.parts[part].entries:
            sizes = {name: len(outcome.entries) for name, outcome in applied.parts.items()}
            raise EmptyResultError(
                "nothing-kept",
                f"the {part} part ({target}) would be empty: "
                + ", ".join(f"{name} {count}" for name, count in sizes.items()),
                hint='deal anew with another seed, such as seed = "1", in the split/1 step; '
                "or take larger shares, or group by a column with more values",
                details={"records": sizes},
            )


def _body(
    source: FilterSource, used: Manifest, part: str, tree: Tree, applied: Applied, *, recipe: Recipe
) -> dict[str, Any]:
    counts = applied.counts(part)
    stats: dict[str, Any] = {
        "files": len(tree.entries),
        "bytes": tree.total_bytes,
        "records": len(tree.entries),
    }
    if "metadata" in source.members:
        filled = Counter(column for entry in tree.entries for column in entry.meta or ())
        stats["columns"] = files_by("column", {name: filled[name] for name in source.columns})
    generated = {
        "filter": str(used.id),
        "steps": [step.use for step in recipe.steps],
        "counts": counts,
        "dropped": dict(applied.dropped),
    }
    derivation: dict[str, Any] = {
        "counts": counts,
        "dropped": dict(applied.dropped),
        "changed": dict(applied.parts[part].changed),
    }
    if part:
        derivation["part"] = part
    measured = {
        "derivedFrom": [str(one.id) for one in source.manifests],
        "generatedBy": [generated],
        "formats": files_by("suffix", formats(tree.paths)),
        "stats": stats,
    }
    return {
        "reader": DOCUMENT,
        "records": len(tree.entries),
        "bytes": tree.total_bytes,
        "fileCount": len(tree.entries),
        "origin": "filtered",
        "descriptor": describe({}, measured, inherited=_inherited(source.descriptor, recipe)),
        "derivation": derivation,
        **source.members,
    }


def _inherited(descriptor: Mapping[str, Any], recipe: Recipe) -> dict[str, Any]:
    inherited = dict(descriptor)
    if any(step.use.startswith("redact/") for step in recipe.steps):
        # Patterns find what they know; that nothing is left, nobody has shown.
        inherited["deidentification"] = {
            "state": "value",
            "value": "personal data replaced by pattern; residual risk not assessed",
            "basis": "tool-asserted",
        }
    return inherited
