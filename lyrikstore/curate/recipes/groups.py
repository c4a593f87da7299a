"""Whether a split sees the groups of its records: those that are one must not part unsaid."""

from collections.abc import Iterator

from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.recipe import Recipe, Step
from lyrikstore.curate.recipes.union import FilterSource
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository


def check_groups(repository: Repository, source: FilterSource, recipe: Recipe) -> None:
    """Refuse a recipe that deals records of one group into several parts (spec §12.5.30).

    Args:
        repository: Where what the source was made from is read.
        source: What the recipe reads.
        recipe: Its steps; a split is the last, if there is one.

    Raises:
        InvalidInputError: (``lost-group``) a step, or a filter before, took the field of the
            groups away, or made equal values of it differ, and the split names no other one.

    Cost: one read of the manifest of each dataset that the source was made from.
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
        _check_way(before, by, source.fields or frozenset(), split)
    elif roles.group:
        raise _lost(
            f"{split.use} deals each record alone, and {roles.group!r} of {source.name} keeps "
            f"records together{_ended_in(before, roles.group)}",
            f'say so in the step of the split, which reads the source: by = "{roles.group}"',
        )
    else:
        for old, field in _grouped(repository, source.manifests):
            raise _lost(
                f"{split.use} deals each record alone; {field!r} of {old.name} keeps records "
                f"together, and {source.name}, which was made of it, does not have it",
                "split in the recipe that leaves it out, or let that recipe keep it; or name "
                "another field in the step of the split: by = FIELD, the id to deal each alone",
            )


def _roles_after(steps: list[Step], roles: FieldRoles) -> FieldRoles:
    for step in steps:
        roles = step.filter.roles(roles)
    return roles


def _check_way(steps: list[Step], by: str, known: frozenset[str], split: Step) -> None:
    """Refuse a field that is another one in the source, or no longer groups what it did."""
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
        return  # the values are the source's, whatever became of them
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


def _ended_in(steps: list[Step], name: str) -> str:
    for number, step in enumerate(steps, start=1):
        name = step.filter.name_after(name)
        if not name:
            return f": step {number} ({step.use}) leaves it out"
    return ""


def _grouped(
    repository: Repository, datasets: tuple[Manifest, ...]
) -> Iterator[tuple[Manifest, str]]:
    """Yield what some datasets were made of and has a field of the role ``group``, and that."""
    seen = {one.id for one in datasets}
    ahead = list(datasets)
    while ahead:
        for one in ahead.pop().inputs_in("source"):
            if one.id in seen or one.kind != "dataset":
                continue
            seen.add(one.id)
            try:
                manifest = repository.manifest(one.id)
            except LyrikstoreError:
                continue  # of others' data nobody here knows what it was made of
            if field := FieldRoles.of_body(manifest.body).group:
                yield manifest, field
            ahead.append(manifest)


def _lost(message: str, hint: str) -> InvalidInputError:
    return InvalidInputError("lost-group", message, hint=hint)
