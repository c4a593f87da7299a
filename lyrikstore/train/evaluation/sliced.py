"""What records are told apart by: slices, and groups that are drawn together (spec §13.9.6)."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.curate.labelled import read_labelled
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.evaluation.slices import (
    LENGTH,
    MOST_FIELDS,
    FewValues,
    find_slices,
    group_field,
)


class SlicedRecords(Struct, frozen=True):
    """What of the test records is told apart.

    Attributes:
        slices: Field and value of each slice.
        members: Of each record, the slices that it is in.
        groups: Of each record, the number of its group; none: groups are not drawn.
        group: The field of the groups.
    """

    slices: Sequence[tuple[str, str]]
    members: Sequence[Sequence[int]]
    groups: Sequence[int]
    group: str | None


def slice_records(
    repo: Repository, test: Manifest, config: Mapping[str, Any], *, label: str | None = None
) -> SlicedRecords:
    """Return the slices and groups of a test set.

    Args:
        repo: The store.
        test: The test set.
        config: Of the run; it may name fields, or the dataset says what there is.
        label: The field with the label, where it is not that of the run.

    Raises:
        InvalidInputError, VerificationError, IncompleteError, StorageError: As
            :func:`lyrikstore.curate.labelled.read_labelled`.
    """
    label = config["data"]["label"] if label is None else label
    group = group_field(config, test.body)
    named = config.get("evaluation", {}).get("slices", ())
    fields = [name for name in named if name != LENGTH] or _sliceable(test, config, label)
    values: dict[str, list[tuple[str, ...]]] = {name: [] for name in fields}
    lengths: list[int] = []
    groups: list[tuple[str, ...]] = []
    few = None if named else FewValues(fields)
    for one in read_labelled(repo, [test], label, [*fields, *filter(None, [group])]):
        lengths.append(one.length)
        if group is not None:
            groups.append(one.values[group])
        for name in few.drop(one.values) if few else ():
            del values[name]
        for name, some in values.items():
            some.append(one.values[name])
    if few:
        values = {name: values[name] for name in few.kept[:MOST_FIELDS]}
    by_length = not named or LENGTH in named
    slices, members = find_slices(values, lengths if by_length else None)
    return SlicedRecords(slices, members, _numbers(groups), group)


def _sliceable(test: Manifest, config: Mapping[str, Any], label: str) -> list[str]:
    """Return fields that may have few values, by what the dataset says of itself, by their bytes.

    Empty where the config asks for slices by length alone.
    """
    if config.get("evaluation", {}).get("slices"):
        return []
    roles, data = FieldRoles.of_body(test.body), config["data"]
    stats = test.body["descriptor"].get("stats", {}).get("value", {})
    known = {one["field"] for one in stats.get("fields", ())}
    known.update(test.body.get("metadata", {}).get("columns", ()))
    held = {*roles.text, roles.label, roles.id, roles.group, label}
    held.update(data.get(role) for role in ("label", "text", "group"))
    return sorted((name for name in known if name and name not in held), key=str.encode)


def _numbers(groups: Sequence[tuple[str, ...]]) -> list[int]:
    """Return the number of each record's group; one without a value is one by itself."""
    numbers: dict[tuple[str, ...] | int, int] = {}
    return [numbers.setdefault(group or at, len(numbers)) for at, group in enumerate(groups)]
