"""``filter``: applies a recipe to dataset versions and logs new versions, with a reason per record.

The counts reconcile exactly: each record of the source, and each record that a step made, was kept,
dropped, or put into another part. A changed record counts as kept.
"""

import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    EmptyResultError,
    FormatError,
    IncompleteError,
    InvalidInputError,
)
from lyrikstore.canon.files import open_nameless
from lyrikstore.canon.json import encode
from lyrikstore.canon.text import pluralize
from lyrikstore.context import StoreContext
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.curate.commit.statement import Statement, current_version
from lyrikstore.curate.recipes.decisions import (
    SALT_BYTES,
    Decision,
    DecisionWriter,
    read_salt,
)
from lyrikstore.curate.recipes.derived import (
    DerivedPart,
    derived_body,
    measure_shards,
    tree_of_shards,
)
from lyrikstore.curate.recipes.engine import Engine
from lyrikstore.curate.recipes.explain.drops import LargeDrop, large_drops
from lyrikstore.curate.recipes.filters.fields.reviewed import NOT_REVIEWED
from lyrikstore.curate.recipes.groups import check_groups
from lyrikstore.curate.recipes.recipe import Recipe, Unmatched
from lyrikstore.curate.recipes.references import prepare, resolve_reference
from lyrikstore.curate.recipes.source import resolve_dataset, source_reader
from lyrikstore.curate.recipes.union import FilterSource, check_union, source_of
from lyrikstore.curate.recipes.write_outcome import (
    WHOLE,
    OutcomeWriter,
    PutData,
    RecipeOutcome,
)
from lyrikstore.curate.work_folder import (
    ChangedDocuments,
    WorkFolder,
    kept_work,
    storing,
    work_folder,
)
from lyrikstore.history.commit.transaction import TransactionBuilder, open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest
from lyrikstore.history.manifests.names import Name, parse_name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.parallel.tasks import Pools


class FilterResult(Struct, frozen=True):
    """The result of a filter, or of a dry run.

    Attributes:
        sources: The versions that the filter read, in the order they were named.
        filter: The filter manifest, new or already logged; None after a dry run.
        manifests: Part (``""`` without a split) → its current version; empty after a dry run.
        names: Part → name of its dataset.
        log_indices: Part → log index, for parts with a new version.
        counts: Part → ``in``, ``kept``, ``dropped``, ``changed``, ``elsewhere``, and ``made`` if
            steps made new records.
        dropped: Reason → number of records.
        changed: Reason → number of records, over all parts.
        reported: Reason → number of records, over all parts.
        unchanged: Whether all versions were already logged.
        large_drops: Steps that dropped more than a fifth of the records that reached them.
        unmatched: Values on lists of the recipe that no record of the source has.
        examples: Reason → a few decisions.
        notes: Further warnings for the user.
    """

    sources: tuple[Manifest, ...]
    filter: Manifest | None
    manifests: Mapping[str, Manifest]
    names: Mapping[str, str]
    log_indices: Mapping[str, int]
    counts: Mapping[str, Mapping[str, int]]
    dropped: Mapping[str, int]
    changed: Mapping[str, int]
    reported: Mapping[str, int]
    unchanged: bool
    large_drops: tuple[LargeDrop, ...]
    unmatched: tuple[Unmatched, ...]
    examples: Mapping[str, Sequence[Decision]]
    notes: tuple[str, ...] = ()


def apply_recipe(
    context: StoreContext,
    refs: str | Sequence[str],
    recipe: Recipe | None,
    as_name: str,
    *,
    message: str = "",
    dry_run: bool = False,
    pools: Pools | None = None,
) -> FilterResult:
    """Derive ``as_name`` (with a split: ``as_name.train``, …) from one dataset or several.

    Args:
        context: The store, the signer, and the user's cache, which authenticates the interrupted
            work of an earlier run that lies in the store.
        refs: The source version; several versions are read as their union (spec §12.4.1).
        recipe: The recipe; None, with several sources, only unites them.
        as_name: The new dataset's name.
        message: Free text, signed with the new dataset.
        dry_run: Compute the result and write nothing.
        pools: Workers on other machines that process the records; see ``objects.cluster``. The
            resulting versions are the same.

    Raises:
        InvalidInputError: (``no-reader``) a text filter reads documents that are not text, such
            as PDF; (``undecodable-text``); (``unknown-column``); (``no-text``); (``needs-rows``);
            (``not-a-dataset``); (``lost-group``) a split would separate records of one group;
            (``same-name``) the result would replace its own source; (``no-recipe``) one source and
            no recipe; (``bad-rows``) the recipe makes invalid rows; else as
            :func:`lyrikstore.curate.recipes.union.source_of`.
        EmptyResultError: (``nothing-kept``) the result, or one of its parts, has no record.
        ConflictError, LockedError, KeyMaterialError, PolicyError, StorageError: see
            ``TransactionBuilder``. After any exception, nothing was logged.

    Cost: one read of every record for each stage (spec §12.5.1); constant memory, except for steps
    over the whole dataset; disk space for the decisions and the changed records.
    """
    repository, signer = context.repository, context.signer()
    refs = [refs] if isinstance(refs, str) else refs
    source, recipe = _sources(repository, refs, recipe)
    name = parse_name(as_name)
    targets = _targets(name, recipe)
    for read in source.manifests:
        if read.name in targets.values():
            raise InvalidInputError(
                "same-name",
                f"{read.name} would replace its own source",
                hint="choose another name: --as",
            )
    records = source.records
    recipe.check_fields(source.fields, records.roles, source.name, is_rows=records.is_rows)
    check_groups(repository, source, recipe)
    against = {
        ref: resolve_reference(repository, step, ref, source.manifests)
        for step in recipe.steps
        for ref in step.filter.refs
    }
    body = recipe.body()
    key = encode([[str(one.id) for one in (*source.manifests, *against.values())], body])
    with _work(repository, context.own_cache, key, dry_run=dry_run) as work:
        prepared = prepare(recipe, repository, against, work)
        versions = {ref: one.id for ref, one in against.items()}
        engine = Engine(recipe, records, repository.blobs.open, work, prepared, versions)
        total = sum(one.body["records"] for one in source.manifests)
        engine.run(context.progress, total=total, repository=repository, pools=pools)
        _check_texts(engine.foreign())
        if dry_run:
            outcome = _outcome(engine, recipe, source, None, None, work.path)
            _check(outcome, recipe, targets)
            return _result(source, recipe, None, {}, targets, {}, outcome, unchanged=False)
        inputs = [Input("source", "dataset", one.id) for one in source.manifests]
        inputs += dict.fromkeys(
            Input(step.filter.REF_ROLE, step.filter.REF_KIND, against[ref].id)
            for step in recipe.steps
            for ref in step.filter.refs
        )
        salt = _salt(repository, targets, body, inputs)
        with (
            ChangedDocuments(work.path / "documents") as documents,
            _decisions(work.path) as table,
        ):
            with DecisionWriter(table, salt) as decisions:
                outcome = _outcome(engine, recipe, source, decisions, documents.put, work.path)
            _check(outcome, recipe, targets)
            parts = [_part(part, outcome, recipe, source) for part in targets]
            # The transaction opens only now: invalid records neither block other writers nor leave
            # a trace in the store.
            with open_transaction(repository) as transaction:
                writer = transaction.writer
                documents.store(writer.put_data)
                with storing("reading the decisions"):
                    table.seek(0)
                    identity, size = writer.put_document(table)
                attachment = Attachment("decisions", identity, size)
                log = partial(_log, transaction, context, signer, message)
                used, is_new = log(
                    Statement("filter", str(Name("filters", name.namespace, name.leaf)), body, None)
                )
                inputs.insert(len(source.manifests), Input("filter", "filter", used.id))
                manifests: dict[str, Manifest] = {}
                fresh: list[str] = []
                for made in parts:
                    made.store(writer)
                    statement = Statement(
                        "dataset",
                        targets[made.part],
                        derived_body(source, recipe, used, outcome, made),
                        made.tree,
                        inputs=tuple(inputs),
                        attachments=(attachment, *source.texts),
                    )
                    manifests[made.part], part_is_new = log(statement)
                    if part_is_new:
                        fresh.append(made.part)
                logged: dict[str, int] = {}
                if is_new or fresh:
                    indices = transaction.commit()
                    logged = dict(zip(fresh, indices[len(indices) - len(fresh) :], strict=True))
    unchanged = not (is_new or fresh)
    return _result(source, recipe, used, manifests, targets, logged, outcome, unchanged=unchanged)


def _work(
    repository: Repository, cache_dir: Path | None, key: bytes, *, dry_run: bool
) -> AbstractContextManager[WorkFolder]:
    # A dry run writes nothing to the store, which may belong to another user.
    if dry_run or not isinstance(repository.location, Path):
        return work_folder(cache_dir)
    return kept_work(repository.location, cache_dir, Digest.of(key).hex[:32])


@contextmanager
def _decisions(work: Path) -> Iterator[BinaryIO]:
    with storing("keeping the decisions"):
        file = open_nameless(work / "decisions.parquet")
    with closing(file):
        yield file


def _outcome(
    engine: Engine,
    recipe: Recipe,
    source: FilterSource,
    decisions: DecisionWriter | None,
    put: PutData | None,
    work: Path,
) -> RecipeOutcome:
    with OutcomeWriter(recipe, source.records, decisions, put, work / "shards") as writer:
        return writer.write(engine.findings)


def _salt(
    repository: Repository,
    targets: Mapping[str, str],
    body: Mapping[str, Any],
    inputs: Sequence[Input],
) -> bytes:
    """Return a new salt for the decisions, or that of an equal filter over the same sources.

    Equal decisions then have equal bytes, and nothing has to be logged.
    """
    for target in targets.values():
        current = current_version(repository, target)
        if current is None or current.body["origin"] != "filtered":
            continue
        made_by = current.inputs_in("filter")
        if [one for one in current.inputs if one not in made_by] != list(inputs):
            continue
        if [repository.manifest(one.id).body for one in made_by] != [body]:
            continue
        with suppress(IncompleteError, FormatError):  # the table is retired or lost
            for attachment in current.attachments_in("decisions"):
                with repository.blobs.open(attachment.id) as stream:
                    if (salt := read_salt(stream)) is not None:
                        return salt
    return secrets.token_bytes(SALT_BYTES)


def _part(
    part: str,
    outcome: RecipeOutcome,
    recipe: Recipe,
    source: FilterSource,
) -> DerivedPart:
    made = outcome.parts[part]
    roles = recipe.roles(source.records.roles)
    if not (source.records.is_rows or recipe.makes_rows):
        return DerivedPart(part, Tree.of(made.entries), roles)
    statistics, roles = measure_shards(made.shards, roles)
    return DerivedPart(part, tree_of_shards(made.shards), roles, statistics, made.shards)


def _result(
    source: FilterSource,
    recipe: Recipe,
    used: Manifest | None,
    manifests: Mapping[str, Manifest],
    targets: Mapping[str, str],
    logged: Mapping[str, int],
    outcome: RecipeOutcome,
    *,
    unchanged: bool,
) -> FilterResult:
    parts = outcome.parts.values()
    return FilterResult(
        source.manifests,
        used,
        manifests,
        targets,
        logged,
        {part: outcome.counts(part) for part in targets},
        dict(outcome.dropped),
        dict(sum((one.changed for one in parts), Counter[str]())),
        dict(sum((one.reported for one in parts), Counter[str]())),
        unchanged,
        tuple(large_drops(recipe, outcome, source.records.roles)),
        recipe.unmatched(outcome.values),
        outcome.examples,
        tuple(_notes(source, recipe, manifests, outcome)),
    )


def _notes(
    source: FilterSource,
    recipe: Recipe,
    manifests: Mapping[str, Manifest],
    outcome: RecipeOutcome,
) -> Iterator[str]:
    yield from recipe.notes()
    kept = sum(one.reported[NOT_REVIEWED] for one in outcome.parts.values())
    for count, what in ((kept, "were kept"), (outcome.dropped[NOT_REVIEWED], "were dropped")):
        if count:
            records = pluralize(count, "record")
            yield f"the review is incomplete: nobody decided about {records}, which {what}"
    name = recipe.roles(source.records.roles).id
    for manifest in manifests.values():
        if name and "id" not in manifest.body.get("fields", {}):
            yield f"{manifest.name} has no id field: two rows have the same {name!r}"


def _log(
    transaction: TransactionBuilder,
    context: StoreContext,
    signer: Signer,
    message: str,
    statement: Statement,
) -> tuple[Manifest, bool]:
    """Return the version with this statement, and whether it is new."""
    current = current_version(context.repository, statement.name)
    if current is not None and statement.repeats(current):
        return current, False
    if statement.tree is not None:
        transaction.writer.put_bytes(statement.tree.encode())
    manifest = statement.sign(context, current, signer, message)
    transaction.log_manifest(manifest, statement.tree)
    return manifest, True


def _sources(
    repository: Repository, refs: Sequence[str], recipe: Recipe | None
) -> tuple[FilterSource, Recipe]:
    """Return the source, and the recipe with ``union/1`` added for several datasets."""
    datasets = [resolve_dataset(repository, ref) for ref in refs]
    if recipe is None and len(datasets) < 2:
        raise InvalidInputError(
            "no-recipe",
            "a filter over one dataset needs a recipe",
            hint="add --recipe FILE, or name a second dataset to unite with the first",
        )
    check_union(datasets)
    for manifest in datasets:
        source_reader(manifest.body)
    source = source_of(datasets, [present_tree(repository, one) for one in datasets])
    recipe = recipe or Recipe((), "")
    return source, recipe.of_union() if source.is_union else recipe


def _targets(name: Name, recipe: Recipe) -> dict[str, str]:
    if name.prefix != "datasets":
        raise InvalidInputError(
            "bad-name", f"a filter makes datasets, not {name.prefix}", hint=f"such as {name.part}"
        )
    if not recipe.parts:
        return {WHOLE: str(name)}
    return {part: str(parse_name(f"{name}.{part}")) for part in recipe.parts}


def _check_texts(foreign: Sequence[tuple[str, str]]) -> None:
    """Raise `no-reader` if names or first bytes show that a text step would read binary files."""
    if foreign:
        path, label = foreign[0]
        count = len(foreign)
        more = f" and {pluralize(count - 1, 'more file')}" if count > 1 else ""
        raise InvalidInputError(
            "no-reader",
            f"no reader for {label}: {path}{more}",
            hint="add an extract-text/2 step first, which reads PDF, DOCX, HTML and e-mail; or "
            "list these files of your own data in .lyrikignore and commit again",
            details={"files": [item[0] for item in foreign[:1000]], "count": count},
        )


def _check(outcome: RecipeOutcome, recipe: Recipe, targets: Mapping[str, str]) -> None:
    """Raise `nothing-kept` unless every part has a record."""
    reasons = ", ".join(f"{reason} {count}" for reason, count in outcome.dropped.most_common())
    sizes = {name: part.records for name, part in outcome.parts.items()}
    if not any(sizes.values()):
        unmatched = recipe.unmatched(outcome.values)
        raise EmptyResultError(
            "nothing-kept",
            f"no record of {outcome.total} was kept ({reasons or 'the source has no records'})",
            hint="; ".join(map(str, unmatched[:3])) or "check the recipe's lists and columns",
            details={"dropped": dict(outcome.dropped)},
        )
    for part, target in targets.items():
        if not sizes[part]:
            raise EmptyResultError(
                "nothing-kept",
                f"the {part} part ({target}) would be empty: "
                + ", ".join(f"{name} {count}" for name, count in sizes.items()),
                hint='split again with another seed, such as seed = "1", in the split step; '
                "or set larger shares, or group by a column with more values",
                details={"records": sizes},
            )
