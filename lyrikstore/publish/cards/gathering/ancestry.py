"""What the subject of a card rests on: datasets, runs and models (spec §14.4.1)."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.gathering.form import CardForm
from lyrikstore.verify.rights.closure import RightsClosure, rights_closure
from lyrikstore.verify.store.test_sets import bases_of, learnt_by


class CardAncestry(Struct, frozen=True):
    """What a subject rests on.

    Attributes:
        datasets: As ``CardFacts.datasets``.
        runs: The runs before that of the subject.
        closure: The same by the rule of rights; None in the forms before ``card/3``.
    """

    datasets: tuple[tuple[str, Manifest], ...]
    runs: tuple[Manifest, ...]
    closure: RightsClosure | None


def ancestry_of(
    repository: Repository,
    subject: Manifest,
    named: Sequence[tuple[str, Manifest]],
    run: Manifest | None,
    form: CardForm,
) -> CardAncestry:
    """Return what a checkpoint or a dataset rests on.

    Args:
        repository: The store.
        subject: What the card is about.
        named: ``(role, dataset)``: those that it names itself.
        run: The run that made it.
        form: How the card is written.

    Raises:
        NotFoundError, IncompleteError, VerificationError: Part of it is not here, lost or damaged.
    """
    closure: RightsClosure | None = None
    if form.has_publishers_terms:
        closure = rights_closure([subject.id], repository.manifest)
        before, runs = closure.datasets, closure.runs
    else:
        bases = bases_of(subject, repository.manifest)
        learnt = dict.fromkeys(one for model in bases for one in learnt_by(model))
        before = tuple(map(repository.manifest, learnt))
        runs = tuple(repository.manifest(one.id) for base in bases for one in base.inputs_in("run"))
    known = {dataset.id for _, dataset in named}
    datasets = [*named, *(("dataset", one) for one in before if one.id not in known)]
    above = list(_ancestors(repository, [dataset for _, dataset in datasets]))
    datasets += [("dataset", dataset) for dataset in above]
    return CardAncestry(
        tuple(datasets), tuple(one for one in runs if run is None or one.id != run.id), closure
    )


def _ancestors(repository: Repository, datasets: list[Manifest]) -> Iterator[Manifest]:
    seen: set[Digest] = {dataset.id for dataset in datasets}
    pending = list(datasets)
    while pending:
        for identity in pending.pop(0).made_from:
            if identity not in seen:
                seen.add(identity)
                found = repository.manifest(identity)
                pending.append(found)
                yield found
