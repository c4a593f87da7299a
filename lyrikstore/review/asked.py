"""What is asked of reviewers: the questions file, and the request (spec §26.2, §26.3)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal

from msgspec import Struct, ValidationError, convert

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.text import unknown_word
from lyrikstore.canon.toml import parse_toml
from lyrikstore.curate.labelled_records import labels_in
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT, say_which
from lyrikstore.curate.recipes.filters.contract import FilterRecord
from lyrikstore.curate.recipes.references import read_dataset_records
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.review.model import (
    MAX_LABEL,
    MAX_LABELS,
    MAX_QUESTIONS_BYTES,
    FurtherQuestion,
    Questions,
    check_questions,
)

_FORMAT: Final = "lyrikstore-questions/1"
_REPEATED: Final = 2
"""A field with a value for so many records in the mean, or more, has labels and not texts."""
_REASONS: Final = ("wrong", "ambiguous", "unreadable", "other")


class QuestionsFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A questions file as people write it.

    Attributes:
        questions: Version of the form.
        title: Title of the review.
        asks: The question about the reviewed field.
        field: The reviewed field; empty: the one with the role label.
        labels: The labels that may be given; None: those of the dataset and of its generators.
        several: Whether a record may have several labels; None: whether some record has.
        reasons: Codes of reasons.
        spans: The field with spans to be highlighted.
        highlight: Words to be highlighted.
        question: Further questions.
    """

    questions: Literal[1] = 1
    title: str = ""
    asks: str = ""
    field: str = ""
    labels: tuple[str, ...] | None = None
    several: bool | None = None
    reasons: tuple[str, ...] = _REASONS
    spans: str = ""
    highlight: tuple[str, ...] = ()
    question: tuple[FurtherQuestion, ...] = ()


class ReviewRequest(Struct, frozen=True):
    """What somebody asks for.

    Attributes:
        reviewers: DIDs of the reviewers.
        sample: How many records are drawn; 0: all.
        by: Fields by whose values the draw is stratified.
        overlap: The share of items that two reviewers decide, such as ``0.2``.
        blind: Whether the candidate is hidden until a reviewer gave a value.
        strip: Fields that reviewers do not see.
        adjudicator: DID of who decides where reviewers disagree; empty: nobody.
        questions: The questions file.
        guideline: A text for the reviewers.
    """

    reviewers: tuple[str, ...]
    sample: int = 0
    by: tuple[str, ...] = ()
    overlap: str = "0"
    blind: bool = False
    strip: tuple[str, ...] = ()
    adjudicator: str = ""
    questions: QuestionsFile = QuestionsFile()
    guideline: str = ""


class ReviewedRecord(Struct, frozen=True):
    """A record of the dataset under review.

    Attributes:
        place: Its place in storage order, from 0.
        candidate: The values of the reviewed field.
        stratum: The values of each field by which the draw is stratified.
        record: The record.
    """

    place: int
    candidate: tuple[str, ...]
    stratum: tuple[tuple[str, ...], ...]
    record: FilterRecord


def parse_questions_file(data: bytes) -> QuestionsFile:
    """Return the questions in a TOML file.

    Raises:
        FormatError: (``bad-toml``) no TOML; (``bad-questions``) unknown members, or others than
            spec §26.2 allows.
    """
    try:
        return convert(parse_toml(data, max_bytes=MAX_QUESTIONS_BYTES), QuestionsFile)
    except ValidationError as error:
        raise FormatError(
            "bad-questions",
            f"the questions file: {str(error)[:300]}",
            hint="docs/review.md shows a questions file",
        ) from None


def reviewed_field(dataset: Manifest, file: QuestionsFile) -> str:
    """Return the name of the reviewed field.

    Raises:
        InvalidInputError: (``no-label``) neither the questions nor the dataset name one.
    """
    field = file.field or dataset.body.get("fields", {}).get("label", "")
    if not field:
        raise InvalidInputError(
            "no-label",
            f"{dataset.name} states no field with the label, and the questions name no field",
            hint='name it in the questions file: field = "answer"; or '
            + say_which("--label FIELD"),
        )
    return str(field)


def read_reviewed(
    repository: Repository, dataset: Manifest, field: str, by: Sequence[str] = ()
) -> Iterator[ReviewedRecord]:
    """Yield the records of a dataset in storage order, as a review sees them.

    Raises:
        LyrikstoreError: As :func:`read_dataset_records`.
    """
    for place, record in enumerate(read_dataset_records(repository, dataset)):
        strata = tuple(tuple(record.roles.texts(record.fields, name)) for name in by)
        yield ReviewedRecord(place, labels_in(record, field), strata, record)


def labels_of_generators(repository: Repository, dataset: Manifest) -> Iterator[str]:
    """Yield the labels of the models that gave the records of a dataset theirs.

    A model may have given some of its labels to no record here, where they are right all the same.
    """
    for item in dataset.inputs_in("generator"):
        yield from repository.resolve(str(item.id)).body.get("labels", ())


def complete_questions(
    dataset: Manifest,
    file: QuestionsFile,
    records: Sequence[ReviewedRecord],
    known: Iterable[str] = (),
) -> Questions:
    """Return the questions with every default written out.

    Args:
        dataset: The dataset.
        file: The questions file.
        records: Its records; labels that are not named are those that occur. Another field than the
            one with the role label has labels if its values occur twice in the mean.
        known: Labels that may be given although they do not occur, unless the file names labels.

    Raises:
        FormatError: (``bad-questions``) they are beyond a limit of spec §26.2.
    """
    found = {label for one in records for label in one.candidate}.union(known)
    named = bool(file.field) and file.field != dataset.body.get("fields", {}).get("label", "")
    is_text = (
        len(found) > MAX_LABELS
        or any(len(one) > MAX_LABEL for one in found)
        or (named and len(found) * _REPEATED > len(records))
    )
    occurring = () if is_text else tuple(sorted(found))  # a text is corrected and not chosen
    labels = occurring if file.labels is None else file.labels
    several = any(len(one.candidate) > 1 for one in records)
    questions = Questions(
        format=_FORMAT,
        title=file.title or dataset.name,
        asks=file.asks or ("Which label is right?" if labels else "Is this right?"),
        labels=labels,
        several=several if file.several is None else file.several,
        reasons=file.reasons,
        spans=file.spans,
        highlight=file.highlight,
        questions=file.question,
    )
    check_questions(questions)
    return questions


def check_fields(records: Sequence[ReviewedRecord], asked: ReviewRequest, field: str) -> None:
    """Raise `unknown-column` unless some record has each field that a request names."""
    known = {name for one in records for name in one.record.fields if name != DOCUMENT_TEXT}
    for name in (field, *asked.by, *asked.strip, asked.questions.spans):
        if name and name not in known:
            raise unknown_word("unknown-column", "field of the dataset:", name, known)


def request_body(asked: ReviewRequest, field: str, records: int) -> dict[str, Any]:
    """Return the body of a request."""
    return {
        "sample": asked.sample,
        "records": records,
        "by": list(asked.by),
        "overlap": asked.overlap,
        "blind": asked.blind,
        "strip": list(asked.strip),
        "field": field,
        "reviewers": list(asked.reviewers),
        **({"adjudicator": asked.adjudicator} if asked.adjudicator else {}),
    }


def is_open(repository: Repository, request: Digest) -> bool:
    """Return whether no queue follows from a request yet."""
    return not any(
        one.kind == "queue" and any(named.id == request for named in one.inputs)
        for _, one in repository.all_manifests()
    )
