"""The check ``reviews``: draws, decisions, outcomes and figures, computed again (spec §26.9)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.text import pluralize
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.verify.evaluation.evidence import LabelledRecord
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, not_applicable
from lyrikstore.verify.review.decision_file import (
    QueueRead,
    file_matches,
    read_decision_file,
)
from lyrikstore.verify.review.draw import DrawableRecord, assigned, draw, seed_of
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
    encoded_lines,
    parse_outcome,
)
from lyrikstore.verify.review.stated import (
    MAX_ITEMS_BYTES,
    context_of,
    decisions_among,
    read_queue,
    result_of,
    root_at,
)

_CHECK: Final = "reviews"
OTHER_DRAW, PEEKED, OTHER_DECISIONS, OTHER_FIGURES, OTHER_CANDIDATES, NOT_READ = (
    "other-draw",
    "peeked",
    "other-decisions",
    "other-figures",
    "other-candidates",
    "not-read",
)

ReadLabels = Callable[
    [Repository, Sequence[Manifest], str, Sequence[str]], Iterator[LabelledRecord]
]
"""Yields the records of datasets: from store, datasets, field of the label, fields of values."""


def check_reviews(
    repository: Repository, ancestry: Lineage, read_records: ReadLabels | None
) -> Check:
    """Return ``reviews``: whether queues, decisions and reviews are what they have to be.

    Args:
        repository: The store.
        ancestry: The manifests in question.
        read_records: Reads records with their labels; None: what needs data is unchecked.

    Cost: reads the data of each dataset that was reviewed, and all manifests once.
    """
    problems = Problems(_CHECK)
    found = [one for one in ancestry.values() if one.kind in (REQUEST, QUEUE, SUBMISSION, REVIEW)]
    if not found:
        return not_applicable(_CHECK, "no reviews")
    data = _Data(repository, read_records)
    for one in found:
        label = f"{one.name} ({one.id.short})"
        try:
            if one.kind == REQUEST:
                _check_request(repository, one, label, problems)
            elif one.kind == SUBMISSION:
                _check_submission(repository, one, label, problems)
            elif one.kind == QUEUE:
                _Queue(repository, one, label, problems, data).check()
            else:
                _Review(repository, one, label, problems, data).check()
        except LyrikstoreError as error:
            problems.note(label, error)
    count = sum(one.kind == REVIEW for one in found)
    queues = sum(one.kind == QUEUE for one in found)
    said = f"{pluralize(queues, 'queue')} drawn as the log says"
    return problems.close(f"{said}; {pluralize(count, 'review')} computed again", reviews=count)


def _check_request(
    repository: Repository, request: Manifest, label: str, problems: Problems
) -> None:
    dataset = repository.manifest(request.inputs_in("dataset")[0].id)
    if request.body["records"] != dataset.body["records"]:
        text = f"{label}: it states another number of records than the dataset has"
        problems.add(problems.bad, OTHER_DRAW, text)


def _check_submission(
    repository: Repository, submission: Manifest, label: str, problems: Problems
) -> None:
    queue = repository.manifest(submission.inputs_in(QUEUE)[0].id)
    asked = {one["reviewer"]: one["items"] for one in queue.body["assignments"]}
    if submission.body["decisions"] > asked.get(submission.body["reviewer"], -1):
        text = f"{label}: its reviewer was not asked about so many records of the queue"
        problems.add(problems.bad, OTHER_DECISIONS, text)


class _Data:
    """Reads the data of datasets under review."""

    def __init__(self, repository: Repository, read: ReadLabels | None) -> None:
        self._repository, self._read = repository, read

    @property
    def is_read(self) -> bool:
        """Whether data is read at all."""
        return self._read is not None

    def records(self, dataset: Manifest, request: Manifest) -> Iterator[LabelledRecord]:
        """Yield the records of a dataset with the reviewed field as the label."""
        if self._read is None:
            return
        body = request.body
        yield from self._read(self._repository, [dataset], body["field"], body["by"])


class _Queue:
    """The check of one queue."""

    def __init__(
        self, repository: Repository, queue: Manifest, label: str, problems: Problems, data: _Data
    ) -> None:
        self._repository, self._queue, self._label = repository, queue, label
        self._problems, self._data = problems, data

    def check(self) -> None:
        """Add what is wrong with the queue.

        Raises:
            LyrikstoreError: It, or what it names, cannot be read.
        """
        repository, queue = self._repository, self._queue
        read = read_queue(repository, queue.id)
        request, body = read.request, queue.body
        index = repository.index_of(request.id)
        dataset = repository.manifest(queue.inputs_in("dataset")[0].id)
        if request.inputs_in("dataset")[0].id != dataset.id:
            self._bad("its request is about other data")
        if body["size"] != index + 1 or index >= repository.index_of(queue.id):
            self._bad("the log of its seed does not end with its request")
        # ATTACK A217: records that suit whoever asks, under the name of a draw.
        elif bytes.fromhex(body["seed"]) != seed_of(root_at(repository, index + 1), request.id):
            self._bad("its seed does not follow from the log")
        if read.is_adjudication:
            self._check_adjudication(read)
        else:
            self._check_draw(read, dataset)
        self._check_assignments(read)

    def _check_draw(self, read: QueueRead, dataset: Manifest) -> None:
        body = read.request.body
        if not body["by"]:
            records: Iterator[DrawableRecord] = map(DrawableRecord, range(body["records"]))
        elif self._data.is_read:
            records = (
                DrawableRecord(place, tuple(one.values[name] for name in body["by"]))
                for place, one in enumerate(self._data.records(dataset, read.request))
            )
        else:
            text = f"{self._label}: its strata were not read"
            self._problems.add(self._problems.lost, NOT_READ, text)
            return
        places = draw(bytes.fromhex(read.queue.body["seed"]), records, body["sample"])
        wanted = assigned(places, len(body["reviewers"]), body["overlap"])
        if list(read.items) != wanted:
            self._bad("its records are not those that its seed draws")

    def _check_adjudication(self, read: QueueRead) -> None:
        review = self._repository.manifest(read.queue.inputs_in(REVIEW)[0].id)
        apart = [
            (one.item, one.place)
            for one in read_outcome(self._repository, review)
            if one.outcome == "disagreed"
        ]
        if [(one.item, one.place) for one in read.items] != sorted(apart):
            self._bad("its records are not those on which the reviewers disagree")
        if [one.id for one in review.inputs_in(REQUEST)] != [read.request.id]:
            self._bad("its review is of another request")

    def _check_assignments(self, read: QueueRead) -> None:
        body = read.request.body
        if read.is_adjudication:
            wanted = {body.get("adjudicator"): len(read.items)}
        else:
            wanted = {
                who: count
                for at, who in enumerate(body["reviewers"])
                if (count := sum(at in one.reviewers for one in read.items))
            }
        stated = [(one["reviewer"], one["items"]) for one in read.queue.body["assignments"]]
        if stated != list(wanted.items()) or read.queue.body["items"] != len(read.items):
            self._bad("it assigns its records to others than its request asks")
        if read.is_adjudication != bool(read.queue.inputs_in(REVIEW)):
            self._bad("an adjudication names a review, and no other queue does")

    def _bad(self, text: str) -> None:
        self._problems.add(self._problems.bad, OTHER_DRAW, f"{self._label}: {text}")


class _Review:
    """The check of one review."""

    def __init__(
        self, repository: Repository, review: Manifest, label: str, problems: Problems, data: _Data
    ) -> None:
        self._repository, self._review, self._label = repository, review, label
        self._problems, self._data = problems, data

    def check(self) -> None:
        """Add what is wrong with the review.

        Raises:
            LyrikstoreError: It, or what it names, cannot be read.
        """
        repository, review = self._repository, self._review
        queues = [read_queue(repository, one.id) for one in review.inputs_in(QUEUE)]
        dataset = repository.manifest(review.inputs_in("dataset")[0].id)
        first, *later = queues
        request = review.inputs_in(REQUEST)[0].id
        rounds = [False, True][: len(queues)]
        if (
            any(one.request.id != request for one in queues)
            or first.request.inputs_in("dataset")[0].id != dataset.id
            or [one.is_adjudication for one in queues] != rounds
            or (review.body["round"] == "adjudication") is not bool(later)
        ):
            self._bad(OTHER_DECISIONS, "its queues are of other requests, data or rounds")
            return
        submissions = [repository.manifest(one.id) for one in review.inputs_in(SUBMISSION)]
        self._check_order(queues, submissions)
        for one in submissions:
            self._check_key(one.body["reviewer"], repository.index_of(one.id))
        files = self._files(queues, submissions)
        if files is None:
            return
        outcome = read_outcome(repository, review)
        candidates = self._candidates(first, dataset, outcome)
        if candidates is None:
            return
        last = max(map(repository.index_of, (one.id for one in submissions)))
        result = result_of(
            first,
            decisions_among(queues, files),
            candidates,
            context_of(repository, dataset, last),
        )
        if encoded_lines(result.outcomes) != encoded_lines(outcome):
            self._bad(OTHER_FIGURES, "its outcome does not follow from the decisions")
        elif result.figures != review.body["figures"]:
            names = sorted(_differing(result.figures, review.body["figures"]))
            self._bad(OTHER_FIGURES, f"{', '.join(names)} do not follow from the decisions")

    def _files(
        self, queues: Sequence[QueueRead], submissions: Sequence[Manifest]
    ) -> list[DecisionFile] | None:
        """Return the decision files; None if they are not those that were handed in."""
        repository, files = self._repository, list[DecisionFile]()
        attached = present_attachments(repository, self._review, DECISIONS)
        by_id = {one.queue.id: one for one in queues}
        if len(attached) != len(submissions):
            self._bad(OTHER_DECISIONS, "it reveals other decisions than were handed in")
            return None
        for one, submission in zip(attached, submissions, strict=True):
            read = by_id.get(submission.inputs_in(QUEUE)[0].id)
            if read is None:
                self._bad(OTHER_DECISIONS, "decisions about another queue were handed in")
                return None
            data = repository.blobs.read(one.id, max_bytes=MAX_DECISIONS_BYTES)
            try:
                file = read_decision_file(data, read)
            except LyrikstoreError as error:
                self._bad(error.kind, error.message[:300])
                return None
            if not file_matches(data, submission, file):
                self._bad(OTHER_DECISIONS, "it reveals other decisions than were handed in")
                return None
            files.append(file)
        if len({(one.queue, one.reviewer) for one in files}) != len(files):
            self._bad(OTHER_DECISIONS, "it counts one reviewer's decisions twice")
            return None
        return files

    def _check_key(self, reviewer: str, index: int) -> None:
        policy = self._repository.policy_before(index)
        suspect = self._repository.policy.suspects.get(reviewer)
        if any(one.key == reviewer for one in policy.retired) or (
            suspect is not None and suspect <= index
        ):
            text = f"the key of {reviewer} was revoked or replaced before the decisions came in"
            self._bad("retired-key", text)

    def _check_order(self, queues: Sequence[QueueRead], submissions: Sequence[Manifest]) -> None:
        # ATTACK A218: a reviewer who decides after others' decisions were revealed.
        repository = self._repository
        names = {one.queue.id for one in queues}
        revealed: dict[Digest, int] = {}
        for entry, one in repository.all_manifests():
            for named in one.inputs_in(QUEUE) if one.kind == REVIEW else ():
                if named.id in names:
                    revealed.setdefault(named.id, entry.index)
        for one in submissions:
            queue = one.inputs_in(QUEUE)[0].id
            if repository.index_of(one.id) > revealed.get(queue, repository.index_of(one.id)):
                text = f"decisions of {one.body['reviewer']} came in after others were revealed"
                self._bad(PEEKED, text)

    def _candidates(
        self, first: QueueRead, dataset: Manifest, outcome: Sequence[ItemOutcome]
    ) -> Mapping[int, tuple[str, ...]] | None:
        """Return place → values of the reviewed field; None if they are not what is stated."""
        places = {one.place for one in first.items}
        stated = {one.place: one.was for one in outcome}
        if stated.keys() != places:
            self._bad(OTHER_FIGURES, "its outcome is about other records than the queue")
            return None
        if not self._data.is_read:
            text = f"{self._label}: the data was not read, so the candidates are as it states them"
            self._problems.add(self._problems.lost, NOT_READ, text)
            return stated
        try:
            found = {
                place: one.labels
                for place, one in enumerate(self._data.records(dataset, first.request))
                if place in places
            }
        except LyrikstoreError as error:
            self._problems.note(self._label, error)
            return stated
        if found != stated:
            self._bad(OTHER_CANDIDATES, "it states other candidates than the dataset has")
            return None
        return found

    def _bad(self, reason: str, text: str) -> None:
        self._problems.add(self._problems.bad, reason, f"{self._label}: {text}")


def read_outcome(repository: Repository, review: Manifest) -> tuple[ItemOutcome, ...]:
    """Return the outcome of a review, in ascending order of places.

    Raises:
        LyrikstoreError: It is malformed, lost or retired.
    """
    attached = present_attachments(repository, review, OUTCOME)[0]
    return parse_outcome(repository.blobs.read(attached.id, max_bytes=16 * MAX_ITEMS_BYTES))


def _differing(left: Mapping[str, Any], right: Mapping[str, Any]) -> set[str]:
    return {name for name in left.keys() | right.keys() if left.get(name) != right.get(name)}
