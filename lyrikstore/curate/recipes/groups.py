"""Check that a split keeps the records of each group in one part."""

from collections.abc import Iterator, Sequence
from typing import Any

from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.decisions import decision_batches
from lyrikstore.curate.recipes.recipe import Recipe, Step
from lyrikstore.curate.recipes.union import FilterSource
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository

_KEEP_GROUPS = frozenset(
    {"mapped-trimmed", "mapped-value", "mapped-renamed", "mapped-combined", "mapped-set"}
)
"""Reasons for changes after which equal values are still equal."""


def check_groups(repository: Repository, source: FilterSource, recipe: Recipe) -> None:
    """Raise `lost-group` if a split would put records of one group into several parts.

    See spec §12.5.30.

    Args:
        repository: The repository with the lineage of the source.
        source: The source of the recipe.
        recipe: The recipe; a split, if any, is its last step.

    Raises:
        InvalidInputError: (``lost-group``) a step, or an earlier filter, dropped the field of the
            groups or made equal values of it differ, and the split names no other field.

    Cost: one read of the manifest of each dataset in the lineage of the source; if the field has a
        role, of their decisions, too.
    """
    split = recipe.steps[-1] if recipe.parts else None
    if split is None:
        return
    *before, _ = recipe.steps
    roles = source.records.roles
    by = split.filter.group(_roles_after(before, roles))
    if by is None:
        return
    if by:
        name = _check_way(before, by, source.fields or frozenset(), split)
        if "by" not in split.params:  # a field that the user names counts as it is now
            _check_values(repository, source.manifests, name)
    elif roles.group:
        raise _lost(
            f"{split.use} assigns each record alone, but {roles.group!r} of {source.name} groups "
            f"records{_ended_in(before, roles.group)}",
            f'name the group field in the split step, which reads the source: by = "{roles.group}"',
        )
    else:
        _check_lineage(repository, source, split)


def _roles_after(steps: Sequence[Step], roles: FieldRoles) -> FieldRoles:
    for step in steps:
        roles = step.filter.roles(roles)
    return roles


def _check_way(steps: Sequence[Step], by: str, known: frozenset[str], split: Step) -> str:
    """Return the name of a field in the source.

    Raise `lost-group` if the name means another field there, or if a step may remove values of the
    field from some records.
    """
    name = by
    parts_it: Step | None = None
    for step in reversed(steps):
        # ATTACK A153: a value that was redacted differs from record to record.
        was = step.filter.name_before(name)
        if step.filter.may_part(was or name):
            parts_it = step
        if not was:  # the step creates the field
            break
        name = was
    if name == by:
        return name  # the split reads the values of the source
    if by in known:
        raise _lost(
            f"{by!r} is {name!r} in the source, where another field is called {by!r}",
            f'use the name in the source in the {split.use} step: by = "{name}"',
        )
    if parts_it is not None:
        raise _lost(
            f"{parts_it.use} may remove values of {name!r}, which is {by!r} now",
            f'use the name in the source in the {split.use} step: by = "{name}"',
        )
    return name


def _check_values(repository: Repository, datasets: Sequence[Manifest], name: str) -> None:
    """Raise `lost-group` if an earlier filter removed values of a field from some records."""
    for made, before, _ in _made_by(repository, datasets):
        names = {name}
        for step in reversed(before.steps):
            name = step.filter.name_before(name) or name
            names.add(name)
        reason = _taken(repository, made, names | {f"meta:{one}" for one in names})
        if reason is None:  # the decisions are retired, or belong to another store
            may = any(step.filter.may_part(one) for step in before.steps for one in names)
            reason = "its decisions cannot be read to rule this out" if may else ""
        if reason:
            raise _lost(
                f"the filter that made {made.name} removed values of {name!r}, which groups "
                f"records, from some records ({reason})",
                f"split in the recipe that made {made.name}, with split/3; or accept the present "
                f'values: write by = "{name}" in the split step',
            )


def _taken(repository: Repository, made: Manifest, names: set[str]) -> str | None:
    """Return why values of a field were removed; empty if none were, None if it is unknown."""
    for attachment in made.attachments_in("decisions"):
        try:
            with repository.blobs.open(attachment.id) as stream:
                for batch in decision_batches(stream):
                    columns = (batch.column(one) for one in ("action", "field", "reason"))
                    for action, field, reason in zip(*map(_texts, columns), strict=True):
                        if action == "changed" and field in names and reason not in _KEEP_GROUPS:
                            return str(reason)
        except LyrikstoreError:
            return None
    return ""


def _texts(column: Any) -> list[str | None]:
    texts: list[str | None] = column.to_pylist()
    return texts


def _ended_in(steps: Sequence[Step], name: str) -> str:
    for number, step in enumerate(steps, start=1):
        name = step.filter.name_after(name)
        if not name:
            return f"; step {number} ({step.use}) drops that field"
    return ""


def _check_lineage(repository: Repository, source: FilterSource, split: Step) -> None:
    """Raise `lost-group` if the lineage has groups and the split assigns each record alone."""
    for made, before, sources in _made_by(repository, source.manifests):
        for step in before.steps:
            if step.use.startswith("chunk/"):
                raise _lost(
                    f"{split.use} assigns each record alone, but {step.use} cut texts when "
                    f"{made.name} was made: chunks of one text would get into several parts",
                    "split in the recipe that cuts, or name in the split step the field that all "
                    f'chunks of a text share: by = "{min(step.filter.STATES)}"',
                )
        for old in sources:
            if field := FieldRoles.of_body(old.body).group:
                raise _lost(
                    f"{split.use} assigns each record alone, but {field!r} of {old.name} groups "
                    f"records, and {source.name}, which was made from it, lacks that field",
                    "split in the recipe that drops the field, or keep it there; or name another "
                    "field in the split step: by = FIELD, the id field to assign each record alone",
                )


def _made_by(
    repository: Repository, datasets: Sequence[Manifest]
) -> Iterator[tuple[Manifest, Recipe, Sequence[Manifest]]]:
    """Yield filtered datasets of the lineage, each with its recipe and its sources."""
    seen = {one.id for one in datasets}
    ahead = list(datasets)
    while ahead:
        made = ahead.pop(0)
        try:
            (used,) = made.inputs_in("filter")
            recipe = Recipe.from_json(repository.manifest(used.id).body["recipe"])
            named = [one.id for one in made.inputs_in("source") if one.kind == "dataset"]
            sources = [repository.manifest(one) for one in named]
        except (LyrikstoreError, KeyError, ValueError):
            continue  # committed, imported, or made by a later version of lyrikstore
        yield made, recipe, sources
        ahead += [one for one in sources if one.id not in seen]
        seen.update(named)


def _lost(message: str, hint: str) -> InvalidInputError:
    return InvalidInputError("lost-group", message, hint=hint)
