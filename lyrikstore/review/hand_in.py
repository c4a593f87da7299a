"""Decisions come in: logged by digest first, revealed when all are there (spec §26.7).

ATTACK A218: the second of two blind reviewers reads what the first one decided. Until the last of
them has handed in, the log has nothing of a decision file but its digest, and the file is outside
the store.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    IncompleteError,
    InvalidInputError,
    NotFoundError,
)
from lyrikstore.context import StoreContext
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments, present_tree
from lyrikstore.review.asked import ReviewedRecord, read_reviewed
from lyrikstore.review.held import HeldFiles
from lyrikstore.review.queue import QueuedReview, attach, log_queue
from lyrikstore.verify.review.decision_file import (
    QueueRead,
    check_key,
    read_decision_file,
)
from lyrikstore.verify.review.model import (
    DECISIONS,
    MAX_DECISIONS_BYTES,
    OUTCOME,
    QUEUE,
    REQUEST,
    REVIEW,
    SUBMISSION,
    DecisionFile,
    ItemOutcome,
    QueueItem,
    encoded_lines,
    parse_decisions,
)
from lyrikstore.verify.review.outcome import ItemDecisions
from lyrikstore.verify.review.stated import context_of, decisions_among, read_queue, result_of


class HandedIn(Struct, frozen=True):
    """What came of decision files.

    Attributes:
        submissions: The submissions that were logged.
        waiting: DIDs of those whose decisions are still missing.
        review: The review, if decisions were revealed.
        outcomes: Its outcomes.
        adjudication: The queue for the adjudicator, if one was made.
        disagreed: On how many items the reviewers disagree.
    """

    submissions: tuple[Manifest, ...]
    waiting: tuple[str, ...]
    review: Manifest | None = None
    outcomes: tuple[ItemOutcome, ...] = ()
    adjudication: QueuedReview | None = None
    disagreed: int = 0


def hand_in(
    context: StoreContext,
    files: Sequence[bytes],
    held: HeldFiles,
    *,
    close: bool = False,
    destination: Path | None = None,
    message: str = "",
) -> HandedIn:
    """Log decision files of one queue; reveal the decisions once all are there.

    Args:
        context: The store, opened to append.
        files: Signed decision files about one queue.
        held: Where files wait for the reveal, outside the store.
        close: Whether to reveal although decisions are missing.
        destination: The folder for that of the adjudicator.
        message: A note, signed with the review.

    Raises:
        InvalidInputError: (``not-home``) the store is a clone: its entries have no order in the
            home log yet; (``other-queue``, ``unknown-item``) as :func:`read_decision_file`.
        ConflictError: (``review-closed``) the decisions of the queue were revealed;
            (``submitted-already``) a reviewer handed in another file before. The same file is
            taken up: a command that was interrupted is run again, and a lost file is kept again.
        PolicyError: (``not-asked``, ``retired-key``)
        NotFoundError: (``no-ref``, ``no-id``) the store has no such queue; (``no-file``) a file
            that waits is gone.
        IncompleteError: (``retired``) the records were retired since.
        LyrikstoreError: As any transaction. Nothing is logged if one of the files is refused.
    """
    repository = context.repository
    _check_home(repository)
    parsed = [parse_decisions(data) for data in files]
    if len({one.queue for one in parsed}) != 1:
        raise InvalidInputError("other-queue", "the files are about several queues, or none")
    read = read_queue(repository, Digest.parse(parsed[0].queue))
    check_undecided(repository, read)
    _check_data(repository, read)
    before = submissions_of(repository, read.queue)
    known = {one.body["reviewer"]: one.body["digest"] for _, one in before}
    logged = set(known)
    for data in files:
        one = read_decision_file(data, read)
        check_key(repository.policy, one.reviewer)
        if known.setdefault(one.reviewer, str(Digest.of(data))) != str(Digest.of(data)):
            raise ConflictError(
                "submitted-already", f"{one.reviewer} handed in decisions about this queue before"
            )
    for data in files:
        held.keep(repository.store_id, data)
    new = {one.reviewer: (one, data) for one, data in zip(parsed, files, strict=True)}
    made = [_submit(context, read, *new[who]) for who in new if who not in logged]
    asked = [one["reviewer"] for one in read.queue.body["assignments"]]
    waiting = tuple(one for one in asked if one not in known)
    if waiting and not close:
        return HandedIn(tuple(made), waiting)
    return _reveal(context, read, held, waiting, tuple(made), destination, message)


def close_review(
    context: StoreContext,
    ref: str,
    held: HeldFiles,
    *,
    destination: Path | None = None,
    message: str = "",
) -> HandedIn:
    """Reveal the decisions about a queue although some are missing; as :func:`hand_in`.

    Raises:
        IncompleteError: (``no-decisions``) nobody handed in decisions; (``retired``) the records
            were retired since.
    """
    repository = context.repository
    _check_home(repository)
    read = read_queue(repository, repository.resolve(ref).id)
    check_undecided(repository, read)
    _check_data(repository, read)
    done = {one.body["reviewer"] for _, one in submissions_of(repository, read.queue)}
    if not done:
        raise IncompleteError(
            "no-decisions", f"nobody handed in decisions about {read.queue.name} yet"
        )
    asked = [one["reviewer"] for one in read.queue.body["assignments"]]
    waiting = tuple(one for one in asked if one not in done)
    return _reveal(context, read, held, waiting, (), destination, message)


def _check_home(repository: Repository) -> None:
    # ATTACK A218: in a clone, nobody knows yet what the home logs before the entries made there.
    if repository.is_mirror:
        raise InvalidInputError(
            "not-home",
            "decisions come in where the log is extended, and this store is a clone",
            hint="hand in the file at the home of the store",
        )


def _check_data(repository: Repository, read: QueueRead) -> None:
    """Raise `retired` before anything is logged about records that nobody may read any more."""
    present_tree(repository, repository.manifest(read.request.inputs_in("dataset")[0].id))


def submissions_of(repository: Repository, queue: Manifest) -> list[tuple[int, Manifest]]:
    """Return the submissions about a queue with their log indices, in log order."""
    return [
        (entry.index, one)
        for entry, one in repository.all_manifests()
        if one.kind == SUBMISSION and one.inputs_in(QUEUE)[0].id == queue.id
    ]


def check_undecided(repository: Repository, read: QueueRead) -> None:
    """Raise `review-closed` if decisions about a queue were revealed, or adjudicated before.

    Raises:
        ConflictError: (``review-closed``) they were.
    """
    found = reviews_of(repository, read.queue)
    if read.is_adjudication:
        # ATTACK A234: an adjudicator is asked again until the decisions suit whoever asks. Of two
        # queues for the adjudicator of one review, the first one that is decided counts.
        review = repository.manifest(read.queue.inputs_in(REVIEW)[0].id)
        first = repository.manifest(review.inputs_in(QUEUE)[0].id)
        found += [
            one for one in reviews_of(repository, first) if one.body["round"] == "adjudication"
        ]
    if found:
        raise ConflictError(
            "review-closed",
            f"the decisions about {read.queue.name} were revealed; a later one could follow them",
            hint="ask for another review: lyrikstore review new",
        )


def reviews_of(repository: Repository, queue: Manifest) -> list[Manifest]:
    """Return the reviews that reveal decisions about a queue, in log order."""
    return [
        one
        for _, one in repository.all_manifests()
        if one.kind == REVIEW and any(named.id == queue.id for named in one.inputs_in(QUEUE))
    ]


def _submit(context: StoreContext, read: QueueRead, file: DecisionFile, data: bytes) -> Manifest:
    repository, signer = context.repository, context.signer()
    name = str(Name("submissions", *read.queue.name.split("/")[1:]))
    state = repository.refs.get(name)
    with open_transaction(repository) as transaction:
        made = sign_manifest(
            kind=SUBMISSION,
            store=repository.store_id,
            name=name,
            body={
                "reviewer": file.reviewer,
                "decisions": len(file.decisions),
                "digest": str(Digest.of(data)),
            },
            signer=signer,
            created=repository.signing_date(context.clock),
            parents=() if state is None else (state.id,),
            inputs=[Input(QUEUE, QUEUE, read.queue.id)],
        )
        transaction.log_manifest(made)
        transaction.commit()
    repository.refresh()
    return made


def _reveal(
    context: StoreContext,
    read: QueueRead,
    held: HeldFiles,
    waiting: tuple[str, ...],
    made: tuple[Manifest, ...],
    destination: Path | None,
    message: str,
) -> HandedIn:
    repository, signer = context.repository, context.signer()
    submissions = [one for _, one in submissions_of(repository, read.queue)]
    revealed = [held.take(repository.store_id, one.body["digest"]) for one in submissions]
    first = read
    earlier: Manifest | None = None
    data: list[bytes] = []
    if read.is_adjudication:
        earlier = repository.manifest(read.queue.inputs_in(REVIEW)[0].id)
        first = read_queue(repository, earlier.inputs_in(QUEUE)[0].id)
        data = [
            repository.blobs.read(one.id, max_bytes=MAX_DECISIONS_BYTES)
            for one in present_attachments(repository, earlier, DECISIONS)
        ]
        old = [repository.manifest(one.id) for one in earlier.inputs_in(SUBMISSION)]
        submissions = [*old, *submissions]
    data += revealed
    dataset = repository.manifest(read.request.inputs_in("dataset")[0].id)
    records = {one.place: one for one in _queued(repository, dataset, read, first.items)}
    queues = [first] if earlier is None else [first, read]
    decisions = decisions_among(queues, [parse_decisions(one) for one in data])
    candidates = {place: one.candidate for place, one in records.items()}
    last = max(repository.index_of(one.id) for one in submissions)
    figures = context_of(repository, dataset, last)
    result = result_of(first, decisions, candidates, figures)
    name = str(Name("reviews", *read.request.name.split("/")[1:]))
    state = repository.refs.get(name)
    with open_transaction(repository) as transaction:
        review = sign_manifest(
            kind=REVIEW,
            store=repository.store_id,
            name=name,
            body={
                "round": "first" if earlier is None else "adjudication",
                "figures": result.figures,
            },
            signer=signer,
            created=repository.signing_date(context.clock),
            parents=() if state is None else (state.id,),
            inputs=[
                Input(REQUEST, REQUEST, read.request.id),
                *(Input(QUEUE, QUEUE, one.queue.id) for one in queues),
                *(Input(SUBMISSION, SUBMISSION, one.id) for one in submissions),
                Input("dataset", "dataset", dataset.id),
            ],
            message=message,
            attachments=_unique(
                [
                    *(attach(transaction, DECISIONS, one) for one in data),
                    attach(transaction, OUTCOME, encoded_lines(result.outcomes)),
                ]
            ),
        )
        transaction.log_manifest(review)
        transaction.commit()
    repository.refresh()
    for one in submissions:
        held.forget(repository.store_id, one.body["digest"])
    disagreed = sum(one.outcome == "disagreed" for one in result.outcomes)
    handed = HandedIn(made, waiting, review, tuple(result.outcomes), None, disagreed)
    adjudicator = read.request.body.get("adjudicator")
    if not disagreed or adjudicator is None or earlier is not None or destination is None:
        return handed
    queue = _adjudicate(context, first, review, records, result.decided, destination)
    return HandedIn(made, waiting, review, tuple(result.outcomes), queue, disagreed)


def adjudicate(context: StoreContext, ref: str, destination: Path) -> QueuedReview:
    """Make the queue of the items on which the reviewers of a review disagree.

    Raises:
        NotFoundError: (``no-adjudicator``) its request names none.
        InvalidInputError: (``not-home``) the store is a clone; (``not-a-review``) it is something
            else; (``no-disagreement``) there is nothing to decide.
        IncompleteError: (``retired``) the records were retired since.
        ConflictError: (``review-closed``) the disagreements were adjudicated since.
        LyrikstoreError: As :func:`log_queue`.
    """
    repository = context.repository
    _check_home(repository)
    review = repository.resolve(ref)
    if review.kind != REVIEW:
        raise InvalidInputError("not-a-review", f"{review.name} is a {review.kind}, not a review")
    if review.body["round"] == "adjudication":
        raise InvalidInputError("no-disagreement", f"{review.name} was adjudicated")
    first = read_queue(repository, review.inputs_in(QUEUE)[0].id)
    if any(one.body["round"] == "adjudication" for one in reviews_of(repository, first.queue)):
        raise ConflictError("review-closed", f"the disagreements of {review.name} were adjudicated")
    dataset = repository.manifest(review.inputs_in("dataset")[0].id)
    records = {one.place: one for one in _queued(repository, dataset, first, first.items)}
    data = [
        repository.blobs.read(one.id, max_bytes=MAX_DECISIONS_BYTES)
        for one in present_attachments(repository, review, DECISIONS)
    ]
    decisions = decisions_among([first], [parse_decisions(one) for one in data])
    candidates = {place: one.candidate for place, one in records.items()}
    last = max(repository.index_of(one.id) for one in review.inputs_in(SUBMISSION))
    figures = context_of(repository, dataset, last)
    result = result_of(first, decisions, candidates, figures)
    return _adjudicate(context, first, review, records, result.decided, destination)


def _adjudicate(
    context: StoreContext,
    first: QueueRead,
    review: Manifest,
    records: Mapping[int, ReviewedRecord],
    decided: Iterable[ItemDecisions],
    destination: Path,
) -> QueuedReview:
    adjudicator = first.request.body.get("adjudicator")
    if adjudicator is None:
        raise NotFoundError(
            "no-adjudicator",
            f"the request of {review.name} names no adjudicator",
            hint="lyrikstore review new … --adjudicator DID",
        )
    apart = [one for one in decided if one.disagrees() and one.adjudicated is None]
    if not apart:
        raise InvalidInputError("no-disagreement", f"the reviewers of {review.name} agree")
    check_key(context.repository.policy, adjudicator)
    items = [QueueItem(one.item.item, one.item.place, ()) for one in apart]
    given = {
        one.item.item: tuple(
            sorted({value if isinstance(value, tuple) else (value,) for value in one.values()})
        )
        for one in apart
    }
    return log_queue(
        context,
        first.request,
        first.questions,
        records,
        items,
        {adjudicator: [one.item for one in items]},
        destination,
        seed=bytes.fromhex(first.queue.body["seed"]),
        review=review,
        given=given,
    )


def _queued(
    repository: Repository, dataset: Manifest, read: QueueRead, items: Sequence[QueueItem]
) -> Iterable[ReviewedRecord]:
    wanted = {one.place for one in items}
    field = read.request.body["field"]
    return (one for one in read_reviewed(repository, dataset, field) if one.place in wanted)


def _unique(attachments: Sequence[Attachment]) -> list[Attachment]:
    return list(dict.fromkeys(attachments))
