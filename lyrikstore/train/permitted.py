"""Whether a run may begin, by the rights to all that it rests on (spec §13.2, §13.15).

One rule, for whoever plans, trains, has a program of their own train, or does a run again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lyrikstore.canon.errors import PolicyError
from lyrikstore.context import StoreContext
from lyrikstore.credentials.terms.model import Use
from lyrikstore.curate.recipes.source import resolve_dataset
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.requirements import LINEAR
from lyrikstore.verify.datasets.imported import published_manifest
from lyrikstore.verify.report import CheckState
from lyrikstore.verify.rights.judge import Reason
from lyrikstore.verify.rights.recorded import check_rights as check_recorded
from lyrikstore.verify.rights.recorded import reasons_of
from lyrikstore.verify.rights.required import Rights, check_rights
from lyrikstore.verify.rights.same_bytes import ProhibitingTerms
from lyrikstore.verify.store.test_sets import is_trained_on, not_to_train_on


def permitted(
    context: StoreContext,
    learned: Sequence[Manifest],
    base: Manifest | None,
    measured: Iterable[Manifest],
    wanted: Mapping[str, Any],
) -> Rights:
    """Return the rights that allow a run.

    Args:
        context: The store, whose permissions count, and the moment of use.
        learned: The datasets that it learns from; validation data, too.
        base: The model that it starts from; None: there is none.
        measured: The datasets that it is measured on. A test set is named and not read: its right
            is asked for when it is measured on.
        wanted: ``purpose`` and ``config``, as the body of the run has them.

    Raises:
        PolicyError: As :func:`check_stages` and
            :func:`lyrikstore.verify.rights.required.check_rights`.
    """
    used = [*learned, *([base] if base else [])]
    lineage = Lineage.read(context.repository, *(one.id for one in used))
    check_stages(context, lineage, learned, base, measured)
    now = context.clock()
    return check_rights(
        context.repository,
        used,
        Use.of_run(wanted, now),
        trust=context.trust,
        user=context.user,
        measuring=Use.of_evaluation(wanted["config"], now),
        lineage=lineage,
    )


def still_permitted(
    context: StoreContext,
    rights: Rights,
    learned: Sequence[Manifest],
    base: Manifest | None,
    measured: Iterable[Manifest],
    wanted: Mapping[str, Any],
) -> Callable[[], None]:
    """Return what asks once more, if the log has grown by then, and raises unless all still hold.

    Of the versions that were judged: a name may stand for another one by then.

    Args:
        context: As for :func:`permitted`, as is the rest.
        rights: What that returned.
        learned: See there.
        base: See there.
        measured: See there.
        wanted: See there.
    """

    def judge() -> None:
        # ATTACK A126: one of several rights is revoked, and it is the one that the run names.
        if not {*rights} <= {*permitted(context, learned, base, measured, wanted)}:
            raise PolicyError(
                "rights-missing",
                "a right that the run would name was revoked or replaced meanwhile",
                hint="nothing was logged; run the command again",
            )

    return context.again(judge)


def find_refusal(context: StoreContext, config: TrainConfig) -> Reason | None:
    """Return for want of which right a run of this config would be refused now, or None.

    Args:
        context: The store, whose permissions count, and the moment of use.
        config: What is planned.

    Raises:
        NotFoundError, InvalidInputError, IncompleteError: Something that it names is not here.
    """
    repo, data, base = context.repository, config.data, config.model.base
    learned = [resolve_dataset(repo, ref) for ref in (*data.train, data.validation)]
    measured = [resolve_dataset(repo, ref) for ref in (data.validation, data.test) if ref]
    try:
        permitted(
            context,
            learned,
            None if base == LINEAR else repo.resolve(base),
            measured,
            {"purpose": config.purpose, "config": config.to_json()},
        )
    except PolicyError as error:
        return Reason(error.kind, f"train will refuse this: {error.message}")
    return None


def same_bytes(repo: Repository, rights: Rights, used: Iterable[Manifest]) -> list[Reason]:
    """Return what should be known of data that somebody else's terms prohibit (spec §11.7.3).

    Args:
        repo: The store.
        rights: The rights that a run relies on.
        used: The datasets that it reads, and the model that it starts from.

    Cost: as :meth:`ProhibitingTerms.shared`; what records say is remembered.
    """
    # Loaded where something is trained: it loads what measures rows.
    from lyrikstore.curate.reading.datasets import StoredDatasets

    terms = ProhibitingTerms(repo, reading=StoredDatasets())
    start = [one.id for one in used]
    rests_on = Lineage.read(repo, *start).rests_on(start, strict=True)
    shared = terms.shared([right.to_json() for right in rights], rests_on.datasets)
    found = [Reason("same-bytes", str(one)) for one in shared]
    return found + [Reason("not-compared", text) for text in terms.not_compared]


def check_stages(
    context: StoreContext,
    lineage: Lineage,
    learned: Iterable[Manifest],
    base: Manifest | None,
    measured: Iterable[Manifest],
) -> None:
    """Refuse another stage that something done before forbids (spec §13.15).

    Whether the data of earlier stages may be used now, ``check_rights`` says.

    Args:
        context: The store, whose permissions count, and the moment of use.
        lineage: Of the datasets that it learns from.
        learned: These.
        base: The model that it starts from; None: there is none.
        measured: The datasets that it is measured on.

    Raises:
        PolicyError: (``rights-missing``) the base, or a model that wrote data, rested on no right,
            or on one that was revoked since; (``output-terms``) the terms of what a model wrote do
            not permit it; (``test-is-train``) the base learned from what is measured on.
    """
    if base is not None and base.body["origin"] != "imported":
        _check_learned(context, base, measured)
    _check_generated(context, lineage, learned)


def _check_learned(context: StoreContext, base: Manifest, measured: Iterable[Manifest]) -> None:
    """Refuse to go on from a model that rests on no right, or learned what is measured on."""
    ancestry = _check_rests(context, base, "the base")
    for one in measured:
        for model in (item for item in ancestry.values() if item.kind == "checkpoint"):
            if is_trained_on(one, model, ancestry.values()):
                raise PolicyError(
                    "test-is-train",
                    f"{one.name} is what the base {base.name} learned from; it measures nothing",
                    hint="take data that no model of this chain has seen",
                )


def _check_rests(context: StoreContext, model: Manifest, what: str) -> Lineage:
    """Return the ancestry of a model; every right that its runs had holds, and none was revoked."""
    ancestry = Lineage.read(context.repository, model.id)
    check = check_recorded(context.repository, ancestry, trust=context.trust, at=context.clock())
    # What earlier versions did not record, and who is believed, is asked again as of now.
    revoked = "taken-back-later" in reasons_of(check)
    if check.state in {CheckState.FAIL, CheckState.UNCHECKED} or revoked:
        raise PolicyError(
            "rights-missing",
            f"{what} {model.name} may not be used any further: {check.summary}",
            hint=f"lyrikstore verify {model.name} says more",
        )
    return ancestry


def _check_generated(context: StoreContext, lineage: Lineage, datasets: Iterable[Manifest]) -> None:
    """Refuse what models wrote that may not be learned from, or that rest on no right."""
    repo, known = context.repository, [one.id for one in datasets]
    for source in lineage.rests_on(known, strict=True).direct:
        # ATTACK A69: what a model wrote is handed on, and trained on where the model is not.
        published = published_manifest(repo, source)
        _check_output(source, published or source)
    for dataset in lineage.generated_among(known):
        _check_output(dataset, dataset)
        for item in dataset.inputs_in("generator"):
            _check_rests(context, lineage.manifest(item.id), "the generator")


def _check_output(dataset: Manifest, said_by: Manifest) -> None:
    if generator := not_to_train_on(said_by):
        raise PolicyError(
            "output-terms",
            f"{dataset.name} was written by {generator}, whose output terms do not permit to "
            "train on it",
            hint="leave it out; lyrikstore show names the terms",
        )
