"""Slices of a test set, and groups that the bootstrap draws together (spec §13.9.6)."""

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
"""Kinds of personal data that no slice value may be; the web site of records is not personal."""


class SlicedRecords(Struct, frozen=True):
    """Slices and groups of the records of a test set.

    Attributes:
        slices: Field and value of each slice.
        members: For each record, the numbers of its slices.
        slicing: Member ``slicing`` of the evaluation.
        groups: For each record, the number of its group; empty: records are not grouped.
        group: The field of the groups; None: records are not grouped.
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

    A field with personal data makes no slices, even if the config names it: the config was signed
    before, and cannot be changed.

    Args:
        repo: The store.
        test: The test set.
        config: The config of the run; if it names no fields, the usual fields are used.
        label: The field with the label, if it is not that of the run.

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
    """Return the fields with a slice value that is personal data."""
    values = ((field, value) for field, value in divided.slices if field != LENGTH)
    return {field for field, value in values if value != OTHERS and find(value, [PATTERNS], _KINDS)}
