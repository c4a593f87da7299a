"""A review computed from its decisions: what its author signs, and what a verifier compares."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.history.log import merkle
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.review.decision_file import QueueRead
from lyrikstore.verify.review.figures import ReviewContext, figures_of
from lyrikstore.verify.review.model import (
    ITEMS,
    MAX_ITEMS,
    MAX_QUESTIONS_BYTES,
    QUESTIONS,
    QUEUE,
    REQUEST,
    DecisionFile,
    ItemOutcome,
    RecordDecision,
    by_item,
    parse_items,
    parse_questions,
)
from lyrikstore.verify.review.outcome import ItemDecisions, items_decided, outcomes_of

MAX_ITEMS_BYTES = MAX_ITEMS * 256


class QueueDecisions(Struct, frozen=True):
    """Decisions by round and reviewer.

    Attributes:
        first: DID → item → decision, of the reviewers.
        adjudicated: Item → decision, of the adjudicator.
        adjudicator: DID of the adjudicator; empty: nobody adjudicated.
    """

    first: dict[str, dict[int, RecordDecision]]
    adjudicated: dict[int, RecordDecision]
    adjudicator: str = ""

    def of_each(self) -> dict[str, list[RecordDecision]]:
        """Return DID → all decisions."""
        found = {who: list(some.values()) for who, some in self.first.items()}
        if self.adjudicator:
            found[self.adjudicator] = list(self.adjudicated.values())
        return found


class ReviewResult(Struct, frozen=True):
    """What follows from decisions.

    Attributes:
        decided: The items with the decisions about them.
        outcomes: Their outcomes, by place.
        figures: The member ``figures`` of a review.
    """

    decided: list[ItemDecisions]
    outcomes: list[ItemOutcome]
    figures: dict[str, Any]


def read_queue(repository: Repository, identity: Digest) -> QueueRead:
    """Return a logged queue with its request, its questions and its items.

    Raises:
        InvalidInputError: (``not-a-queue``) it is something else.
        LyrikstoreError: It, or what it names, is missing or malformed.
    """
    queue = repository.manifest(identity)
    if queue.kind != QUEUE:
        raise InvalidInputError("not-a-queue", f"{queue.name} is a {queue.kind}, not a queue")
    request = repository.manifest(queue.inputs_in(REQUEST)[0].id)
    blobs = repository.blobs
    questions = request.attachments_in(QUESTIONS)[0]
    items = queue.attachments_in(ITEMS)[0]
    read = QueueRead(
        queue,
        request,
        parse_questions(blobs.read(questions.id, max_bytes=MAX_QUESTIONS_BYTES)),
        parse_items(blobs.read(items.id, max_bytes=min(MAX_ITEMS_BYTES, 1 << 30))),
    )
    asked = range(len(request.body["reviewers"]))
    if any(at not in asked for one in read.items for at in one.reviewers):
        raise FormatError("bad-queue", f"{queue.name} assigns a record to nobody who was asked")
    return read


def decisions_among(queues: Sequence[QueueRead], files: Iterable[DecisionFile]) -> QueueDecisions:
    """Return the decisions in files, by round and reviewer.

    Args:
        queues: The first queue, and that of an adjudication.
        files: Decision files about these.
    """
    rounds = {str(one.queue.id): one for one in queues}
    first: dict[str, dict[int, RecordDecision]] = {}
    last: dict[int, RecordDecision] = {}
    adjudicator = ""
    for file in files:
        decisions = dict(by_item(file.decisions))
        if rounds[file.queue].is_adjudication:
            adjudicator, last = file.reviewer, decisions
        else:
            first[file.reviewer] = decisions
    return QueueDecisions(first, last, adjudicator)


def result_of(
    first: QueueRead,
    decisions: QueueDecisions,
    candidates: Mapping[int, tuple[str, ...]],
    context: ReviewContext,
) -> ReviewResult:
    """Return outcome and figures of a review.

    Args:
        first: The first queue.
        decisions: The decisions.
        candidates: Place → values of the reviewed field, for each item.
        context: What figures depend on beside the decisions.
    """
    reviewers = first.request.body["reviewers"]
    decided = items_decided(
        first.items, reviewers, candidates, decisions.first, decisions.adjudicated
    )
    outcomes = outcomes_of(decided)
    return ReviewResult(
        decided, outcomes, figures_of(decided, outcomes, decisions.of_each(), context)
    )


def context_of(repository: Repository, dataset: Manifest, index: int) -> ReviewContext:
    """Return what figures depend on beside the decisions, as of a log index."""
    requests = requests_before(repository, dataset.name, index)
    return ReviewContext(
        requests, frozenset({dataset.author}), dataset.body["origin"] == "generated"
    )


def requests_before(repository: Repository, dataset: str, index: int | None) -> int:
    """Return how many requests the log has, before an index, to review a version of a dataset.

    Args:
        repository: The store.
        dataset: Full name of the dataset.
        index: The log index; None: the end of the log.
    """
    count = 0
    for entry, one in repository.all_manifests():
        if one.kind == REQUEST and (index is None or entry.index < index):
            count += repository.manifest(one.inputs_in("dataset")[0].id).name == dataset
    return count


def root_at(repository: Repository, size: int) -> bytes:
    """Return the root of the log at an earlier size, 32 bytes."""
    return merkle.root(repository.records.hashes[:size])
