"""What records are told apart by: slices, and groups that are drawn together (spec §13.9.6)."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.curate.labelled_records import read_labelled
from lyrikstore.curate.personal.find import find
from lyrikstore.curate.personal.kinds import DEFAULT_KINDS
from lyrikstore.curate.personal.patterns import NAME as PATTERNS
from lyrikstore.curate.scanned_fields import ScannedFields
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.evaluation.choice.folds import number_groups
from lyrikstore.verify.evaluation.slices import (
    HELD,
    LENGTH,
    OTHERS,
    PERSONAL_SCAN,
    PERSONAL_VALUES,
    Division,
    divide,
    group_field,
    usual_fields,
)

_KINDS = frozenset(DEFAULT_KINDS) - {"url"}
"""What no value of a slice may look like; the site that records come from is nobody's data."""


class SlicedRecords(Struct, frozen=True):
    """What of the test records is told apart.

    Attributes:
        slices: Field and value of each slice.
        members: Of each record, the slices that it is in.
        slicing: What the evaluation says of them.
        groups: Of each record, the number of its group; none: groups are not drawn.
        group: The field of the groups.
    """

    slices: Sequence[tuple[str, str]]
    members: Sequence[Sequence[int]]
    slicing: Mapping[str, Any]
    groups: Sequence[int]
    group: str | None


def slice_records(
    repo: Repository, test: Manifest, config: Mapping[str, Any], *, label: str | None = None
) -> SlicedRecords:
    """Return the slices and groups of a test set.

    A field with personal data makes none, whoever names it: the config is signed before, and can
    not be changed any more.

    Args:
        repo: The store.
        test: The test set.
        config: Of the run; it may name fields, else those that are usual make slices.
        label: The field with the label, where it is not that of the run.

    Raises:
        InvalidInputError, VerificationError, IncompleteError, StorageError: As
            :func:`lyrikstore.curate.labelled_records.read_labelled`.
    """
    data = config["data"]
    label = data["label"] if label is None else label
    group = group_field(config, test.body)
    held = [label, *map(data.get, HELD)]
    fields = config.get("evaluation", {}).get("slices") or usual_fields(test.body, held)
    named = [name for name in fields if name != LENGTH]
    values: dict[str, list[tuple[str, ...]]] = {name: [] for name in named}
    lengths: list[int] = []
    groups: list[tuple[str, ...]] = []
    for one in read_labelled(repo, [test], label, [*named, *filter(None, [group])]):
        lengths.append(one.length)
        if group is not None:
            groups.append(one.values[group])
        for name, some in values.items():
            some.append(one.values[name])
    scanned = ScannedFields(repo, test)
    personal = {
        name: PERSONAL_SCAN
        for name, texts in values.items()
        if name in scanned and any(map(any, texts))
    }
    divided = divide(fields, values, lengths, personal)
    if found := _personal(divided):
        personal |= dict.fromkeys(found, PERSONAL_VALUES)
        divided = divide(fields, values, lengths, personal)
    return SlicedRecords(
        divided.slices, divided.members, divided.slicing, number_groups(groups), group
    )


def _personal(divided: Division) -> set[str]:
    """Return the fields of which a slice would publish personal data."""
    told = ((field, value) for field, value in divided.slices if field != LENGTH)
    return {field for field, value in told if value != OTHERS and find(value, [PATTERNS], _KINDS)}
