"""The records of a test set with their labels, for evaluations (spec §13.9.1)."""

from collections.abc import Iterator, Sequence

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.readers.rows import as_text
from lyrikstore.curate.recipes.filters.contract import FilterRecord
from lyrikstore.curate.recipes.references import read_dataset_records
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.evaluation.evidence import LabelledRecord


def read_labelled(
    repository: Repository, manifests: Sequence[Manifest], label: str, fields: Sequence[str]
) -> Iterator[LabelledRecord]:
    """Yield the records of datasets in storage order.

    Args:
        repository: The store.
        manifests: The datasets, one after the other.
        label: The field, or the column of the sheet, that has the label.
        fields: Fields whose values are returned, too.

    Raises:
        InvalidInputError: (``not-a-dataset``, ``no-reader``, ``bad-record``) the records cannot be
            read.
        VerificationError, IncompleteError: Data is damaged, missing or retired.
        StorageError: Storage backend error.
    """
    for manifest in manifests:
        if manifest.kind != "dataset":
            raise InvalidInputError(
                "not-a-dataset", f"{manifest.name} is a {manifest.kind}, not a dataset"
            )
        for one in read_dataset_records(repository, manifest):
            value = one.fields.get(label)
            yield LabelledRecord(
                one.id,
                labels_in(one, label),
                {name: tuple(one.roles.texts(one.fields, name)) for name in fields},
                len((one.text or "").encode("utf-8", "surrogatepass")),
                as_text(value) or "" if label in one.fields else None,
            )


def labels_in(record: FilterRecord, field: str) -> tuple[str, ...]:
    """Return the labels of a record in a field; a cell of a sheet is one label."""
    return record.labels_in(field)
