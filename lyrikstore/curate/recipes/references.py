"""The datasets that a step compares with, such as a locked test set, and their prepared data."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT
from lyrikstore.curate.recipes.filters.contract import FilterRecord
from lyrikstore.curate.recipes.source import (
    MAX_TEXT_BYTES,
    RecordSource,
    parse_rows,
    read_document,
)
from lyrikstore.curate.text import foreign_format
from lyrikstore.curate.work_folder import WorkFolder
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import document_id, record_id
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree

if TYPE_CHECKING:
    from lyrikstore.curate.recipes.recipe import Recipe


def prepare(
    recipe: "Recipe", repository: Repository, against: Mapping[str, Manifest], work: WorkFolder
) -> dict[int, str]:
    """Return number of a step → name of its prepared data in ``work``.

    Prepared data that is missing or damaged is computed and written.

    Args:
        recipe: The recipe.
        repository: The store.
        against: REF, as the recipe writes it → the dataset version.
        work: The folder for prepared data.

    Raises:
        InvalidInputError: (``undecodable-text``) a document to compare with is not text.
        VerificationError, IncompleteError: Data to compare with is damaged, lost or retired.
        StorageError: The disk is full.
        LyrikstoreError: As :func:`read_dataset_records`.
    """
    names: dict[int, str] = {}
    for number, step in enumerate(recipe.steps, start=1):
        if not step.filter.refs:
            continue
        file = names[number] = f"prepared-{number}"
        if work.load(file) is None:
            records = (
                record
                for ref in step.filter.refs
                for record in read_dataset_records(repository, against[ref])
            )
            work.keep(file, step.filter.prepare(map(partial(_with_text, step.use), records)))
    return names


def read_dataset_records(
    repository: Repository, manifest: Manifest, *, long_ones: bool = False
) -> Iterator[FilterRecord]:
    """Yield the records of a dataset version as filters see them, in storage order.

    A document that is not UTF-8 text, such as a PDF, is yielded without a text.

    Args:
        repository: The store.
        manifest: The dataset version.
        long_ones: Whether to yield a document that is too long for a filter without a text, instead
            of raising.

    Raises:
        InvalidInputError: (``no-reader``) filters do not support the reader of the dataset;
            (``too-large``) a document is too long, without ``long_ones``.
        VerificationError, IncompleteError: The data is damaged, lost or retired.
        LyrikstoreError: As :func:`parse_rows`.
    """
    source = RecordSource.of(manifest, present_tree(repository, manifest))
    reader, roles = source.reader, source.roles
    files = source.tree.paths
    for batch in source.batches(repository.blobs.open):
        for at, fields in enumerate(parse_rows(batch, reader)):
            yield FilterRecord(
                batch.path,
                batch.position + at,
                record_id(reader, batch.rows[at]),
                fields,
                fields,
                roles.text,
                roles,
                file=bisect_left(files, batch.path),
            )
        for entry in batch.entries:
            named: dict[str, JSON] = dict(entry.meta or {})
            if not long_ones or entry.bytes <= MAX_TEXT_BYTES:
                data = read_document(entry, repository.blobs.open)
                with suppress(UnicodeDecodeError):
                    if foreign_format(entry.path, data[:16]) is None:
                        named[DOCUMENT_TEXT] = data.decode("utf-8")
            identity = document_id(entry.blake3)
            at = bisect_left(files, entry.path)
            yield FilterRecord(entry.path, 0, identity, named, named, roles=roles, file=at)


def _with_text(use: str, record: FilterRecord) -> FilterRecord:
    # A document without a text would be skipped, and overlap with it would go unnoticed.
    if record.text is None:
        raise InvalidInputError(
            "undecodable-text",
            f"{use} compares texts, and {record.path} in the dataset to compare with is not text",
            hint="first filter that dataset with extract-text/2, and compare with the result",
        )
    return record
