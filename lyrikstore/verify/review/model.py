"""The documents of a review: questions, items, folder, decision file, outcome (spec chapter 26)."""

from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any, Final, Literal, TypeVar

from msgspec import UNSET, Struct, UnsetType, ValidationError, convert, to_builtins

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import as_json, encode, parse_canonical
from lyrikstore.verify.evaluation.lines import Lines

Decided = Literal["accept", "change", "reject", "cannot-say"]
"""What a reviewer decides about one record."""
Outcome = Literal["accept", "change", "reject", "cannot-say", "disagreed", "unanswered"]
"""What the decisions about one record say together."""
Round = Literal["first", "adjudication"]

MAX_ITEMS: Final = 100_000
MAX_QUESTIONS_BYTES: Final = 1 << 20
MAX_GUIDELINE_BYTES: Final = 1 << 20
MAX_FOLDER_BYTES: Final = 256 << 20
MAX_DECISIONS_BYTES: Final = 16 << 20
MAX_LINE_BYTES: Final = 1 << 20
MAX_LABELS: Final = 500
MAX_LABEL: Final = 200
MAX_FURTHER: Final = 9
MAX_REASONS: Final = 20
MAX_HIGHLIGHTED: Final = 50
MAX_NOTE: Final = 2000
MAX_ANNOTATORS: Final = 100
MAX_ANNOTATOR: Final = 200
MAX_TEXT_VALUE: Final = 10_000
MAX_MILLISECONDS: Final = 86_400_000

QUESTIONS, GUIDELINE, ITEMS, DECISIONS, OUTCOME = (
    "questions",
    "guideline",
    "items",
    "decisions",
    "outcome",
)
"""Roles of attachments."""
REQUEST, QUEUE, SUBMISSION, REVIEW = "request", "queue", "submission", "review"
"""Kinds of manifest, and roles of inputs."""

_Shape = TypeVar("_Shape")


class FurtherQuestion(Struct, frozen=True, forbid_unknown_fields=True):
    """A further question about each record.

    Attributes:
        id: Its name.
        asks: The question.
        choices: The possible answers.
    """

    id: str
    asks: str
    choices: tuple[str, ...]


class Questions(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked about each record; the attachment ``questions`` of a request.

    Attributes:
        format: ``lyrikstore-questions/1``.
        title: Title of the review.
        asks: The question about the reviewed field.
        labels: The labels that a reviewer may give; empty: the value is free text.
        several: Whether a record may have several labels.
        reasons: Codes of reasons for a change, a rejection, or that one cannot say.
        spans: The field with spans to be highlighted; or empty.
        highlight: Words to be highlighted.
        questions: Further questions.
    """

    format: Literal["lyrikstore-questions/1"]
    title: str
    asks: str
    labels: tuple[str, ...]
    several: bool
    reasons: tuple[str, ...]
    spans: str
    highlight: tuple[str, ...]
    questions: tuple[FurtherQuestion, ...]


class QueueItem(Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the attachment ``items`` of a queue.

    Attributes:
        item: Its number in the queue.
        place: Place of the record in the dataset, in storage order, from 0.
        reviewers: Who decides: indices into the reviewers of the request; empty in an adjudication.
    """

    item: int
    place: int
    reviewers: tuple[int, ...]


class FolderItem(Struct, frozen=True, forbid_unknown_fields=True):
    """A record as a reviewer sees it.

    Attributes:
        item: Its number in the queue.
        fields: Field → text; neither stripped fields nor the reviewed one.
        spans: Highlighted parts of the text: start, end (code points) and a word.
        candidate: The values of the reviewed field.
        by: Who made the candidate.
        given: In an adjudication the final values of the reviewers, without their names.
    """

    item: int
    fields: dict[str, str]
    spans: tuple[tuple[int, int, str], ...]
    candidate: tuple[str, ...]
    by: str
    given: tuple[tuple[str, ...], ...]


class ReviewerFolder(Struct, frozen=True, forbid_unknown_fields=True):
    """``queue.json``: what a reviewer is handed.

    Attributes:
        format: ``lyrikstore-queue/1``.
        salt: 32 random bytes as hex digits; they exist only in this file.
        request: Id of the request.
        dataset: Id of the dataset.
        reviewer: The reviewer's DID.
        round: Whether the reviewers decide, or the adjudicator.
        blind: Whether the candidate is hidden until a value was given.
        field: The field that is reviewed.
        text: The field that is the text of the records, shown first; empty: none is.
        guideline: A text for the reviewers; or empty.
        questions: What is asked.
        items: The records, in this reviewer's order.
    """

    format: Literal["lyrikstore-queue/1"]
    salt: str
    request: str
    dataset: str
    reviewer: str
    round: Round
    blind: bool
    field: str
    text: str
    guideline: str
    questions: Questions
    items: tuple[FolderItem, ...]

    def fields_of(self, item: FolderItem) -> Iterator[tuple[str, str]]:
        """Yield the fields of an item, each with its text, in the order in which they are shown."""
        yield from sorted(item.fields.items(), key=lambda one: (one[0] != self.text, one[0]))


class RecordDecision(Struct, frozen=True, forbid_unknown_fields=True):
    """What a reviewer decided about one item.

    Attributes:
        item: The item.
        decision: The decision.
        ms: Milliseconds that it took.
        value: The value, if changed.
        blind: In a blind queue: the value that was given before the candidate was shown.
        reason: Code of the reason.
        note: A note.
        answers: Further question → answer.
    """

    item: int
    decision: Decided
    ms: int
    value: tuple[str, ...] | UnsetType = UNSET
    blind: tuple[str, ...] | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    note: str | UnsetType = UNSET
    answers: dict[str, str] | UnsetType = UNSET


class DecisionFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A reviewer's decisions about a queue, signed or not yet.

    Attributes:
        format: ``lyrikstore-decisions/1``.
        queue: Id of the queue.
        reviewer: The reviewer's DID.
        decisions: Ascending by item, each item at most once.
        annotators: Claimed names of those who decided elsewhere → number of their decisions.
        created: When it was signed, as the signer claims.
        proof: The signature.
    """

    format: Literal["lyrikstore-decisions/1"]
    queue: str
    reviewer: str
    decisions: tuple[RecordDecision, ...]
    annotators: dict[str, int] | UnsetType = UNSET
    created: str | UnsetType = UNSET
    proof: dict[str, Any] | UnsetType = UNSET


class ItemOutcome(Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the attachment ``outcome`` of a review.

    Attributes:
        place: Place of the record in the dataset.
        item: Its number in the queue.
        outcome: What the decisions say together.
        was: The values of the reviewed field in the dataset.
        agree: How many of the decisions have the final value.
        of: How many decisions there are.
        value: The final value, if accepted or changed.
        reason: Codes of the reasons that were given, distinct, ascending.
    """

    place: int
    item: int
    outcome: Outcome
    was: tuple[str, ...]
    agree: int
    of: int
    value: tuple[str, ...] | UnsetType = UNSET
    reason: tuple[str, ...] | UnsetType = UNSET


def parse_questions(data: bytes) -> Questions:
    """Return the questions of a request.

    Raises:
        FormatError: (``bad-questions``) malformed, or beyond a limit.
    """
    questions = _parse(data, Questions, MAX_QUESTIONS_BYTES, "bad-questions", "the questions")
    check_questions(questions)
    return questions


def check_questions(questions: Questions) -> None:
    """Raise `bad-questions` if questions are beyond a limit of spec §26.2."""
    for fault in _faults_of(questions):
        raise FormatError("bad-questions", f"the questions: {fault}")


def parse_items(data: bytes) -> tuple[QueueItem, ...]:
    """Return the items of a queue, numbered from 0.

    Raises:
        FormatError: (``bad-queue``) malformed, too many, or numbered otherwise.
    """
    items = tuple(_lines(data, QueueItem, "bad-queue"))
    if len(items) > MAX_ITEMS or any(at != one.item for at, one in enumerate(items)):
        # An adjudication queue has the numbers of the first queue: ascending, with gaps.
        numbers = [one.item for one in items]
        if len(items) > MAX_ITEMS or numbers != sorted(set(numbers)):
            raise FormatError("bad-queue", "the items of a queue are not numbered upwards")
    if len({one.place for one in items}) != len(items) or any(
        one.place < 0 or one.item < 0 or len(set(one.reviewers)) != len(one.reviewers)
        for one in items
    ):
        raise FormatError("bad-queue", "a record is in a queue twice, or has a negative place")
    return items


def parse_folder(data: bytes) -> ReviewerFolder:
    """Return what a reviewer was handed.

    Raises:
        FormatError: (``bad-queue``, ``bad-questions``) malformed, or beyond a limit.
    """
    folder = _parse(data, ReviewerFolder, MAX_FOLDER_BYTES, "bad-queue", "queue.json")
    check_questions(folder.questions)
    numbers = [one.item for one in folder.items]
    if len(numbers) > MAX_ITEMS or len(set(numbers)) != len(numbers):
        raise FormatError("bad-queue", "queue.json has an item twice, or too many items")
    for one in folder.items:
        length = len(one.fields.get(folder.text, "")) if folder.text else 0
        if any(not 0 <= start < end <= length for start, end, _ in one.spans):
            raise FormatError("bad-queue", f"item {one.item} has spans outside its text")
    if folder.text and not any(folder.text in one.fields for one in folder.items):
        raise FormatError("bad-queue", f"no item in queue.json has the field {folder.text!r}")
    return folder


def parse_decisions(data: bytes) -> DecisionFile:
    """Return a decision file; its proof is not checked here.

    Raises:
        FormatError: (``bad-decision-file``) malformed, an item twice or out of order, or beyond a
            limit.
    """
    file = _parse(data, DecisionFile, MAX_DECISIONS_BYTES, "bad-decision-file", "the decision file")
    numbers = [one.item for one in file.decisions]
    if numbers != sorted(set(numbers)):
        raise FormatError(
            "bad-decision-file", "the decisions are not in ascending order, each once"
        )
    check_annotators(file)
    return file


def check_annotators(file: DecisionFile) -> None:
    """Raise `bad-decision-file` if the claimed names are beyond a limit of spec §26.6."""
    if isinstance(file.annotators, UnsetType):
        return
    names, counts = file.annotators.keys(), file.annotators.values()
    if (
        len(names) > MAX_ANNOTATORS
        or any(not 0 < len(one) <= MAX_ANNOTATOR for one in names)
        or any(one < 1 for one in counts)
        or sum(counts) > len(file.decisions)
    ):
        raise FormatError(
            "bad-decision-file",
            f"at most {MAX_ANNOTATORS} annotators, with names of 1 to {MAX_ANNOTATOR} characters, "
            "made no more decisions than the file has",
        )


def parse_outcome(data: bytes) -> tuple[ItemOutcome, ...]:
    """Return the outcome of a review, in ascending order of places.

    Raises:
        FormatError: (``bad-outcome``) malformed, or a place twice or out of order.
    """
    lines = tuple(_lines(data, ItemOutcome, "bad-outcome"))
    places = [one.place for one in lines]
    if len(places) > MAX_ITEMS or places != sorted(set(places)):
        raise FormatError("bad-outcome", "the places are not in ascending order, each once")
    return lines


def encoded(document: Struct) -> bytes:
    """Return a document as canonical JSON; absent members are left out."""
    return encode(as_json(to_builtins(document)))


def encoded_lines(lines: Iterable[Struct]) -> bytes:
    """Return lines of canonical JSON, each with its end."""
    return b"".join(encoded(one) + b"\n" for one in lines)


def _faults_of(questions: Questions) -> Iterable[str]:
    labels, further = questions.labels, questions.questions
    if len(labels) > MAX_LABELS:
        yield f"{len(labels)} labels; {MAX_LABELS} are the most"
    if any(not 0 < len(one) <= MAX_LABEL for one in labels):
        yield f"a label is empty or longer than {MAX_LABEL} characters"
    if len(set(labels)) != len(labels):
        yield "a label is there twice"
    if len(further) > MAX_FURTHER:
        yield f"{len(further)} further questions; {MAX_FURTHER} are the most"
    if len({one.id for one in further}) != len(further):
        yield "two further questions have one id"
    if any(not 2 <= len(set(one.choices)) == len(one.choices) <= MAX_FURTHER for one in further):
        yield f"a further question has 2 to {MAX_FURTHER} different choices"
    if len(questions.reasons) > MAX_REASONS or len(questions.highlight) > MAX_HIGHLIGHTED:
        yield f"{MAX_REASONS} reasons and {MAX_HIGHLIGHTED} highlighted words are the most"
    words = (questions.title, *questions.reasons, *questions.highlight, questions.spans)
    texts = (questions.asks, *(text for one in further for text in (one.id, one.asks)))
    choices = (choice for one in further for choice in one.choices)
    if any(len(one) > MAX_LABEL for one in (*words, *choices)) or any(
        len(one) > 1000 for one in texts
    ):
        yield "a text is too long"


def _parse(data: bytes, shape: type[_Shape], limit: int, kind: str, what: str) -> _Shape:
    try:
        return convert(parse_canonical(data, max_bytes=limit), shape)
    except (ValidationError, FormatError) as error:
        raise FormatError(kind, f"{what}: {str(error)[:300]}") from None


def _lines(data: bytes, shape: type[_Shape], kind: str) -> Iterable[_Shape]:
    yield from Lines(BytesIO(data), kind, max_line=MAX_LINE_BYTES).rest(shape)


def value_of(decision: RecordDecision, candidate: tuple[str, ...]) -> tuple[str, ...] | str:
    """Return the final value of a decision: labels in ascending order, or the word of it."""
    if decision.decision == "accept":
        return tuple(sorted(candidate))
    if decision.decision == "change" and not isinstance(decision.value, UnsetType):
        return tuple(sorted(decision.value))
    return decision.decision


def by_item(decisions: Iterable[RecordDecision]) -> Mapping[int, RecordDecision]:
    """Return decisions by the number of their item."""
    return {one.item: one for one in decisions}
