"""Ancestry of the subject of a card: datasets, runs and models (spec §14.4.1)."""

from collections.abc import Sequence

from msgspec import Struct

from lyrikstore.history.lineage import Lineage, RightsClosure
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.gathering.form import CardForm
from lyrikstore.verify.store.test_sets import trained_on


class CardAncestry(Struct, frozen=True):
    """The objects that the subject of a card rests on.

    Attributes:
        datasets: As ``CardFacts.datasets``.
        runs: The runs before that of the subject.
        closure: The ancestry by the rule of rights; None in the formats before ``card/3``.
    """

    datasets: tuple[tuple[str, Manifest], ...]
    runs: tuple[Manifest, ...]
    closure: RightsClosure | None


def ancestry_of(
    lineage: Lineage,
    subject: Manifest,
    named: Sequence[tuple[str, Manifest]],
    run: Manifest | None,
    form: CardForm,
) -> CardAncestry:
    """Return the ancestry of a checkpoint or a dataset.

    Args:
        lineage: Lineage of the subject.
        subject: The subject of the card.
        named: ``(role, dataset)``: the datasets that it names itself.
        run: The run that made it.
        form: Format of the card.

    Raises:
        NotFoundError, IncompleteError, VerificationError: Part of it is not in the store, lost or
            damaged.
    """
    closure: RightsClosure | None = None
    if form.has_publishers_terms:
        closure = lineage.rests_on([subject.id], strict=True)
        before, runs = closure.datasets, closure.runs
    else:
        bases = lineage.bases_of(subject, strict=True)
        training_data = dict.fromkeys(one for model in bases for one in trained_on(model))
        before = tuple(map(lineage.manifest, training_data))
        runs = tuple(lineage.manifest(one.id) for base in bases for one in base.inputs_in("run"))
    known = {dataset.id for _, dataset in named}
    datasets = [*named, *(("dataset", one) for one in before if one.id not in known)]
    own = [dataset.id for _, dataset in datasets]
    above = lineage.datasets_behind(own, strict=True)[len(own) :]
    datasets += [("dataset", dataset) for dataset in above]
    return CardAncestry(
        tuple(datasets), tuple(one for one in runs if run is None or one.id != run.id), closure
    )
