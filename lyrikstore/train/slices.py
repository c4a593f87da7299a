"""The fields by which an evaluation will slice records, chosen before training (spec §13.9.6)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.labelled_records import read_labelled
from lyrikstore.curate.scanned_fields import ScannedFields
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.evaluation.choice.folds import field_of_groups, number_groups
from lyrikstore.verify.evaluation.slices import LENGTH, usual_fields


def planned_slices(
    repo: Repository, dataset: Manifest, columns: Iterable[str], label: str
) -> tuple[str, ...]:
    """Return the slice fields of a proposed config: the usual fields that the dataset has.

    Args:
        repo: The store.
        dataset: The dataset that will be evaluated on.
        columns: The fields of its records, as far as they are known.
        label: The field that holds the label.

    Raises:
        VerificationError, FormatError: Decisions of its lineage are damaged.
    """
    scanned, known = ScannedFields(repo, dataset), {*columns, LENGTH}
    return tuple(
        name
        for name in usual_fields(dataset.body, [label])
        if name in known and (name == LENGTH or name not in scanned)
    )


def check_slices(repo: Repository, fields: Iterable[str], datasets: Iterable[Manifest]) -> None:
    """Raise `personal-slices` if a scan found personal data in a slice field.

    Args:
        repo: The store.
        fields: The slice fields of a config.
        datasets: The datasets of the config.

    Raises:
        InvalidInputError: (``personal-slices``) a scan found personal data in a field.
    """
    names = [name for name in fields if name != LENGTH]
    for dataset in datasets if names else ():
        scanned = ScannedFields(repo, dataset)
        if found := [name for name in names if name in scanned]:
            raise InvalidInputError(
                "personal-slices",
                f"[evaluation] slices: a scan found personal data in {found[0]!r} of "
                f"{dataset.name}, and the values of slices are published",
                hint=f"leave {found[0]} out of slices",
            )


def group_numbers(
    repo: Repository, datasets: Sequence[Manifest], config: Mapping[str, Any]
) -> list[int] | None:
    """Return the group number of each record; None: no field groups the records.

    Args:
        repo: The store.
        datasets: Training and validation data, one after the other; a group may be in several.
        config: The config of the run; it may name the field.

    Raises:
        InvalidInputError, VerificationError, IncompleteError, StorageError: As
            :func:`lyrikstore.curate.labelled_records.read_labelled`.

    Cost: one more read of data that has groups.
    """
    field = field_of_groups(config, [one.body for one in datasets])
    if field is None:
        return None
    found = read_labelled(repo, datasets, config["data"]["label"], [field])
    return number_groups(one.values[field] for one in found)
