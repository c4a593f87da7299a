"""Whether a split sees the groups of its records: those that are one must not part unsaid."""

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
"""Reasons for changes that make one value of equal ones."""


def check_groups(repository: Repository, source: FilterSource, recipe: Recipe) -> None:
    """Refuse a recipe that deals records of one group into several parts (spec §12.5.30).

    Args:
        repository: Where what the source was made from is read.
        source: What the recipe reads.
        recipe: Its steps; a split is the last, if there is one.

    Raises:
        InvalidInputError: (``lost-group``) a step, or a filter before, took the field of the
            groups away, or made equal values of it differ, and the split names no other one.

    Cost: one read of the manifest of each dataset that the source was made from; of the decisions,
        too, where the field has a role.
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
        if "by" not in split.params:  # whoever names a field means its values as they are
            _check_values(repository, source.manifests, name)
    elif roles.group:
        raise _lost(
            f"{split.use} deals each record alone, and {roles.group!r} of {source.name} keeps "
            f"records together{_ended_in(before, roles.group)}",
            f'say so in the step of the split, which reads the source: by = "{roles.group}"',
        )
    else:
        _check_lineage(repository, source, split)


def _roles_after(steps: Sequence[Step], roles: FieldRoles) -> FieldRoles:
    for step in steps:
        roles = step.filter.roles(roles)
    return roles


def _check_way(steps: Sequence[Step], by: str, known: frozenset[str], split: Step) -> str:
    """Return what a field is called in the source.

    Refuse one that is another field there, or whose values steps take from some records.
    """
    name = by
    parts_it: Step | None = None
    for step in reversed(steps):
        # ATTACK A153: a value that was redacted differs from record to record.
        was = step.filter.name_before(name)
        if step.filter.may_part(was or name):
            parts_it = step
        if not was:  # the step makes it
            break
        name = was
    if name == by:
        return name  # the values are the source's, whatever became of them
    if by in known:
        raise _lost(
            f"{by!r} is another field in the source, where {name!r} is what is called so now",
            f'name the field of the source in {split.use}: by = "{name}"',
        )
    if parts_it is not None:
        raise _lost(
            f"{parts_it.use} may take values of {name!r} away, which is {by!r} now",
            f'name the field of the source in {split.use}: by = "{name}"',
        )
    return name


def _check_values(repository: Repository, datasets: Sequence[Manifest], name: str) -> None:
    """Refuse a field of which filters before took values away from some records."""
    for made, before, _ in _made_by(repository, datasets):
        names = {name}
        for step in reversed(before.steps):
            name = step.filter.name_before(name) or name
            names.add(name)
        reason = _taken(repository, made, names | {f"meta:{one}" for one in names})
        if reason is None:  # they are retired, or of others
            may = any(step.filter.may_part(one) for step in before.steps for one in names)
            reason = "as far as anybody can say: its decisions cannot be read" if may else ""
        if reason:
            raise _lost(
                f"values of {name!r}, which keeps records together, were taken out of some when "
                f"{made.name} was made ({reason})",
                f"split in the recipe that made {made.name}, with split/3; or say in the step of "
                f'the split that they are meant as they are now: by = "{name}"',
            )


def _taken(repository: Repository, made: Manifest, names: set[str]) -> str | None:
    """Return why values of a field were taken out; empty: none were; None: nobody can say."""
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
    found: list[str | None] = column.to_pylist()
    return found


def _ended_in(steps: Sequence[Step], name: str) -> str:
    for number, step in enumerate(steps, start=1):
        name = step.filter.name_after(name)
        if not name:
            return f": step {number} ({step.use}) leaves it out"
    return ""


def _check_lineage(repository: Repository, source: FilterSource, split: Step) -> None:
    """Refuse to deal each record alone, where what they were made of says who belongs together."""
    for made, before, sources in _made_by(repository, source.manifests):
        for step in before.steps:
            if step.use.startswith("chunk/"):
                raise _lost(
                    f"{split.use} deals each record alone, and {step.use} cut texts when "
                    f"{made.name} was made: chunks of one would be in several parts",
                    "split in the recipe that cuts, or name the field that the chunks of a text "
                    f'share in the step of the split: by = "{min(step.filter.STATES)}"',
                )
        for old in sources:
            if field := FieldRoles.of_body(old.body).group:
                raise _lost(
                    f"{split.use} deals each record alone; {field!r} of {old.name} keeps records "
                    f"together, and {source.name}, which was made of it, does not have it",
                    "split in the recipe that leaves it out, or let that recipe keep it; or name "
                    "another field in the step of the split: by = FIELD, the id to deal each alone",
                )


def _made_by(
    repository: Repository, datasets: Sequence[Manifest]
) -> Iterator[tuple[Manifest, Recipe, Sequence[Manifest]]]:
    """Yield datasets and what they were made of, each with the recipe and its sources."""
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
            continue  # committed, of others, or by a later version: nobody here knows
        yield made, recipe, sources
        ahead += [one for one in sources if one.id not in seen]
        seen.update(named)


def _lost(message: str, hint: str) -> InvalidInputError:
    return InvalidInputError("lost-group", message, hint=hint)
