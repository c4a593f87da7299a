"""Reviews of the data that a card's subject rests on (spec §24.6)."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.facts.reviews import LoggedReviews, labels_reviewed, reviews_before
from lyrikstore.verify.review.model import QUEUE, REQUEST


class NamedReview(Struct, frozen=True):
    """The last review of a queue.

    Attributes:
        manifest: The review.
        request: What was asked.
        dataset: Full name of the dataset.
    """

    manifest: Manifest
    request: Manifest
    dataset: str


class DataReviews(Struct, frozen=True):
    """What people reviewed of some datasets.

    Attributes:
        reviews: The last review of each queue, in log order.
        unanswered: Requests about the datasets that no review answers, in log order.
        reviewed: Dataset in use → how far its labels were reviewed, and by which reviews.
    """

    reviews: tuple[NamedReview, ...] = ()
    unanswered: tuple[Manifest, ...] = ()
    reviewed: Mapping[Digest, tuple[str, tuple[Digest, ...]]] = {}


def reviews_of(
    repository: Repository,
    datasets: Sequence[tuple[str, Manifest]],
    filters: Iterable[Manifest],
    card: Manifest | None,
    cited: Container[Digest] | None,
) -> DataReviews:
    """Return the reviews of the datasets of a card.

    Args:
        repository: The store.
        datasets: ``(role, manifest)``: all datasets that the subject rests on.
        filters: The filters that made them.
        card: The card that is made again; None: a new one.
        cited: The objects that it names; None: all of the store count.

    Raises:
        LyrikstoreError: A manifest is lost or damaged.
    """
    by_id = {one.id: one for _, one in datasets}
    last: dict[Digest, Manifest] = {}
    found = [
        one
        for one in reviews_before(repository)
        if one.inputs_in("dataset")[0].id in by_id and (cited is None or one.id in cited)
    ]
    for one in sorted(found, key=lambda one: repository.index_of(one.id)):
        last[one.inputs_in(QUEUE)[0].id] = one
    asked = [
        repository.manifest(each)
        for name, current in repository.refs.items()
        if name.startswith("requests/")
        for each in current.history
    ]
    answered = {one.inputs_in(REQUEST)[0].id for one in last.values()}
    unanswered = [
        one
        for one in asked
        if one.id not in answered
        and one.inputs_in("dataset")[0].id in by_id
        and (cited is None or one.id in cited)
    ]
    unanswered.sort(key=lambda one: repository.index_of(one.id))
    if not last and not unanswered:
        return DataReviews()
    index = len(repository.entries()) if card is None else repository.index_of(card.id)
    logged = LoggedReviews(repository, index, cited)
    made_by = {one.id: one for one in filters}

    def steps_of(dataset: Manifest) -> Sequence[Mapping[str, Any]]:
        own = [made_by[one.id] for one in dataset.inputs_in("filter") if one.id in made_by]
        return [step for one in own for step in one.body["steps"]]

    words = {}
    for role, dataset in datasets:
        if role != "dataset":
            way = _behind(dataset, by_id)
            way.sort(key=lambda one: repository.index_of(one.id))
            word, by = labels_reviewed(way, steps_of, {dataset.id}, logged)
            words[dataset.id] = (word, tuple(sorted(by)))
    return DataReviews(
        tuple(
            NamedReview(
                one,
                repository.manifest(one.inputs_in(REQUEST)[0].id),
                by_id[one.inputs_in("dataset")[0].id].name,
            )
            for one in last.values()
        ),
        tuple(unanswered),
        words,
    )


def _behind(dataset: Manifest, known: Mapping[Digest, Manifest]) -> list[Manifest]:
    """Return a dataset and all that it was made from."""
    found, pending = {dataset.id: dataset}, [dataset]
    while pending:
        for one in pending.pop().made_from:
            if one in known and one not in found:
                found[one] = known[one]
                pending.append(known[one])
    return list(found.values())
