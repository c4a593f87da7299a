"""The datasets that a step compares with, such as a locked test set, and their prepared data."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec import UnsetType

from lyrikstore.canon.errors import FormatError, InvalidInputError, VerificationError
from lyrikstore.canon.json import JSON
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT
from lyrikstore.curate.recipes.filters.contract import FilterRecord
from lyrikstore.curate.recipes.filters.fields.reviewed import PreparedReview, ReviewedPlace
from lyrikstore.curate.recipes.source import (
    MAX_TEXT_BYTES,
    RecordSource,
    parse_rows,
    read_document,
    resolve_dataset,
)
from lyrikstore.curate.text import foreign_format
from lyrikstore.curate.work_folder import WorkFolder
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import document_id, record_id
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.verify.report import CheckState
from lyrikstore.verify.review.check import check_reviews, read_outcome
from lyrikstore.verify.review.model import REVIEW

if TYPE_CHECKING:
    from lyrikstore.curate.recipes.recipe import Recipe, Step


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
            versions = [against[ref] for ref in step.filter.refs]
            work.keep(file, prepared_data(step, repository, versions))
    return names


def prepared_data(step: "Step", repository: Repository, versions: Sequence[Manifest]) -> bytes:
    """Return the prepared data of one step.

    Args:
        step: The step.
        repository: The store.
        versions: What its REFs name.

    Raises:
        LyrikstoreError: As :func:`prepare`.
    """
    if step.filter.REF_KIND == REVIEW:
        return prepared_review(repository, versions[0])
    records = (one for version in versions for one in read_dataset_records(repository, version))
    return step.filter.prepare(map(partial(_with_text, step.use), records))


def resolve_reference(
    repository: Repository, step: "Step", ref: str, sources: Sequence[Manifest]
) -> Manifest:
    """Return what a REF of a step names: a dataset to compare with, or a review of the source.

    Raises:
        InvalidInputError: (``not-a-review``) the REF names something else; (``other-version``) the
            review is not about the source; as :func:`resolve_dataset`.
        VerificationError: (``not-verified``) the review does not follow from its decisions.
        LyrikstoreError: As :meth:`Repository.resolve`.

    Cost: for a review, one read of its queues and decisions.
    """
    if step.filter.REF_KIND != REVIEW:
        return resolve_dataset(repository, ref)
    review = repository.resolve(ref)
    if review.kind != REVIEW:
        raise InvalidInputError(
            "not-a-review", f"{ref} is a {review.kind}, not a review", hint="name a review"
        )
    # ATTACK A228: a review of another version decides about records that are not these.
    reviewed = review.inputs_in("dataset")[0].id
    if [one.id for one in sources] != [reviewed]:
        raise InvalidInputError(
            "other-version",
            f"{review.name} reviewed {reviewed.short}, and the source is "
            + " with ".join(one.id.short for one in sources),
            hint=f"filter what was reviewed: {reviewed.short}; or have the source reviewed",
        )
    check = check_reviews(repository, Lineage.read(repository, review.id), None)
    if check.state is CheckState.FAIL:
        raise VerificationError(
            "not-verified",
            f"{review.name} does not follow from its decisions: {check.summary}",
            hint=f"see lyrikstore verify {review.name}",
        )
    return review


def prepared_review(repository: Repository, review: Manifest) -> bytes:
    """Return what a review says of each record, by path and position.

    Raises:
        LyrikstoreError: Outcome or data are malformed, lost or retired.

    Cost: one read of the reviewed dataset, if it has rows.
    """
    dataset = repository.manifest(review.inputs_in("dataset")[0].id)
    request = repository.manifest(review.inputs_in("request")[0].id)
    outcomes = {one.place: one for one in read_outcome(repository, review)}
    places: list[ReviewedPlace] = []
    for place, (path, position) in enumerate(record_places(repository, dataset)):
        one = outcomes.pop(place, None)
        if one is not None:
            value = () if isinstance(one.value, UnsetType) else one.value
            votes = f"by {review.id.short}, {one.agree} of {one.of} agree"
            places.append(ReviewedPlace(path, position, one.outcome, one.was, value, votes))
    if outcomes:
        raise FormatError(
            "bad-outcome", f"{review.name} names records that {dataset.name} does not have"
        )
    return msgspec.msgpack.encode(PreparedReview(request.body["field"], tuple(places)))


def record_places(repository: Repository, dataset: Manifest) -> Iterator[tuple[str, int]]:
    """Yield path and position of each record of a dataset version, in storage order.

    Raises:
        LyrikstoreError: Its data is damaged, lost or retired.
    """
    source = RecordSource.of(dataset, present_tree(repository, dataset))
    for batch in source.batches(repository.blobs.open):
        yield from ((batch.path, batch.position + at) for at in range(len(batch.rows)))
        yield from ((entry.path, 0) for entry in batch.entries)


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
