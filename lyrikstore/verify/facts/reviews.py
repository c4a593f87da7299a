"""How far people reviewed the labels of data: what rules and cards say of it (spec §21.7.1)."""

from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError, NotFoundError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.approving import last_key
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.verify.review.decision_file import file_matches, read_decision_file
from lyrikstore.verify.review.model import (
    DECISIONS,
    MAX_DECISIONS_BYTES,
    QUEUE,
    REVIEW,
    SUBMISSION,
)
from lyrikstore.verify.review.stated import read_queue

ALL, SAMPLE, UNKNOWN, NOT_APPLICABLE = "all", "sample", "unknown", "not-applicable"

StepsOf = Callable[[Manifest], Sequence[Mapping[str, Any]]]
"""Returns the steps of the filters that made a dataset."""

_REVIEWED, _DROPS = "reviewed/", "drop"
_PREFIX: Final = "reviews/"


class CountedReview(Struct, frozen=True):
    """A review, and how much of the data somebody else than its author decided.

    Attributes:
        id: Its manifest id.
        dataset: Id of the dataset.
        is_complete: Whether all items were decided by others than the dataset's author.
        is_of_all: Whether these were all records of the dataset as well.
    """

    id: Digest
    dataset: Digest
    is_complete: bool
    is_of_all: bool


class LoggedReviews:
    """The reviews with effect of a store, as of a log index.

    Args:
        repository: The store.
        index: Reviews count that were logged before this log index.
        among: Only these reviews count; None: all.

    Cost: reads the decisions of each review that is asked about, once.
    """

    def __init__(
        self, repository: Repository, index: int, among: Container[Digest] | None = None
    ) -> None:
        self._repository, self._index, self._among = repository, index, among
        self._counted: dict[Digest, CountedReview | None] = {}
        self._by_dataset: dict[Digest, list[Manifest]] | None = None

    def of(self, dataset: Manifest) -> Iterator[CountedReview]:
        """Yield the reviews of a dataset that count."""
        if self._by_dataset is None:
            self._by_dataset = {}
            for one in reviews_before(self._repository, self._index):
                about = one.inputs_in("dataset")[0].id
                self._by_dataset.setdefault(about, []).append(one)
        for one in self._by_dataset.get(dataset.id, ()):
            if (counted := self._count(one)) is not None:
                yield counted

    def counted(self, review: Digest) -> CountedReview | None:
        """Return a review that a dataset names, if it counts."""
        if self._repository.index_of(review) >= self._index:
            return None
        return self._count(self._repository.manifest(review))

    def _count(self, review: Manifest) -> CountedReview | None:
        if self._among is not None and review.id not in self._among:
            return None
        if review.id not in self._counted:
            self._counted[review.id] = _count(self._repository, review, self._index)
        return self._counted[review.id]


def reviews_before(repository: Repository, index: int | None = None) -> Iterator[Manifest]:
    """Yield the reviews that had effect, those of each name from the newest on.

    Args:
        repository: The store.
        index: Only those that were logged before this log index; None: all.
    """
    for name, current in repository.refs.items():
        state = current if name.startswith(_PREFIX) else None
        while state is not None:
            if index is None or state.index < index:
                yield repository.manifest(state.id)
            state = state.before


def labels_reviewed(
    on_the_way: Sequence[Manifest],
    steps_of: StepsOf,
    used: Collection[Digest],
    reviews: LoggedReviews,
) -> tuple[str, set[Digest]]:
    """Return how far the labels of a source were reviewed on every way, and by which reviews.

    Args:
        on_the_way: The source, and what was made from it and is used, in log order.
        steps_of: Returns the steps of the filters that made a dataset.
        used: Ids of the datasets in use.
        reviews: The reviews that count.

    Returns:
        ``all``, ``sample``, ``unknown`` or ``not-applicable``, and the ids of reviews.
    """
    if not any("label" in one.body.get("fields", {}) for one in on_the_way):
        return NOT_APPLICABLE, set()
    evidence: set[Digest] = set()
    every: dict[Digest, bool] = {}
    some: dict[Digest, bool] = {}
    for one in on_the_way:
        found = list(reviews.of(one))
        whole = any(review.is_of_all for review in found)
        evidence |= {review.id for review in found}
        for named in one.inputs_in(REVIEW):
            review = reviews.counted(named.id)
            if review is None or not _drops_unreviewed(steps_of(one)):
                continue
            evidence.add(review.id)
            whole |= review.is_complete
            found.append(review)
        # ATTACK A239: reviewed records, united with those that nobody reviewed.
        before = [one_before for one_before in one.made_from if one_before in every]
        every[one.id] = whole or (bool(before) and all(every[each] for each in before))
        some[one.id] = bool(found) or (bool(before) and all(some[each] for each in before))
    ends = [one.id for one in on_the_way if one.id in used]
    if ends and all(every[one] for one in ends):
        return ALL, evidence
    return (SAMPLE if ends and all(some[one] for one in ends) else UNKNOWN), evidence


def _drops_unreviewed(steps: Sequence[Mapping[str, Any]]) -> bool:
    return any(
        str(one.get("use", "")).startswith(_REVIEWED) and one.get("unreviewed") == _DROPS
        for one in steps
    )


def _count(repository: Repository, review: Manifest, index: int) -> CountedReview | None:
    """Return a review if somebody else than the dataset's author decided anything in it."""
    dataset = repository.manifest(review.inputs_in("dataset")[0].id)
    policy = repository.policy_before(index)
    # ATTACK A238: an author, or the key that took the place of theirs, reviews their own labels.
    author = last_key(policy, dataset.author)
    try:
        queue = read_queue(repository, review.inputs_in(QUEUE)[0].id)
        items, decided = len(queue.items), _decided(repository, review, author, index)
    except (IncompleteError, NotFoundError):  # erased since, or not fetched: its figures are left
        figures = review.body["figures"]
        others = [
            one for one in figures["reviewers"] if last_key(policy, one["reviewer"]) != author
        ]
        items, decided = figures["items"], sum(one["decided"] for one in others)
        if figures["unanswered"] or len(others) < len(figures["reviewers"]):
            decided = min(decided, items - 1)
    except LyrikstoreError:  # ATTACK: decisions that nobody signed; `verify` reports them
        return None
    if decided <= 0:
        return None
    complete = decided >= items
    return CountedReview(
        review.id, dataset.id, complete, complete and items == dataset.body["records"]
    )


def _decided(repository: Repository, review: Manifest, author: str, index: int) -> int:
    """Return how many items others than an author decided, by decisions that they signed."""
    policy = repository.policy_before(index)
    queues = {one.id: read_queue(repository, one.id) for one in review.inputs_in(QUEUE)}
    named = [repository.manifest(one.id) for one in review.inputs_in(SUBMISSION)]
    decided: set[int] = set()
    revealed = present_attachments(repository, review, DECISIONS)
    for attached, submission in zip(revealed, named, strict=False):
        data = repository.blobs.read(attached.id, max_bytes=MAX_DECISIONS_BYTES)
        queue = queues.get(submission.inputs_in(QUEUE)[0].id)
        if queue is None:
            continue
        file = read_decision_file(data, queue)
        if file_matches(data, submission, file) and last_key(policy, file.reviewer) != author:
            decided |= {one.item for one in file.decisions}
    return len(decided)
