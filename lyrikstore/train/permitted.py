"""Rights check before a run: may all its data and its base be used (spec §13.2, §13.15).

Planning, training, external trainers and reproduction use this one rule.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
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
from lyrikstore.verify.datasets.imported import stated_by
from lyrikstore.verify.report import CheckState
from lyrikstore.verify.review.candidates import (
    OUTPUT_TERMS,
    UNREVIEWED,
    generated_behind,
    output_terms_against_training,
    unreviewed_candidates,
)
from lyrikstore.verify.rights.judge import Reason
from lyrikstore.verify.rights.recorded import check_rights as check_recorded
from lyrikstore.verify.rights.recorded import reasons_of
from lyrikstore.verify.rights.required import Rights, check_rights
from lyrikstore.verify.rights.same_bytes import ProhibitingTerms
from lyrikstore.verify.store.test_sets import is_trained_on


def permitted(
    context: StoreContext,
    learned: Sequence[Manifest],
    base: Manifest | None,
    measured: Iterable[Manifest],
    wanted: Mapping[str, Any],
) -> Rights:
    """Return the rights that allow a run.

    Args:
        context: The store with its permissions, and the time of use.
        learned: The datasets that the run trains on, validation data included.
        base: The model that it starts from; None: it has no base model.
        measured: The datasets that it is measured on. A test set is named and not read: its right
            is checked when it is evaluated on.
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
    """Return a function that checks the rights again if the log has grown, and raises on a change.

    It checks the versions that were checked before: a name may mean another version by then.

    Args:
        context: As for :func:`permitted`.
        rights: The result of :func:`permitted`.
        learned: As for :func:`permitted`.
        base: As for :func:`permitted`.
        measured: As for :func:`permitted`.
        wanted: As for :func:`permitted`.
    """

    def judge() -> None:
        # ATTACK A126: one of several rights is revoked, and it is the one that the run names.
        if not {*rights} <= {*permitted(context, learned, base, measured, wanted)}:
            raise PolicyError(
                "rights-missing",
                "a right that the run relies on was revoked or replaced in the meantime",
                hint="nothing was logged; run the command again",
            )

    return context.again(judge)


def find_refusal(context: StoreContext, config: TrainConfig) -> Reason | None:
    """Return the missing right for which a run of this config would be refused now, or None.

    Args:
        context: The store with its permissions, and the time of use.
        config: The planned config.

    Raises:
        NotFoundError, InvalidInputError, IncompleteError: An object that the config names is not
            in this store.
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
    """Return a warning for data that another publisher's terms prohibit (spec §11.7.3).

    Args:
        repo: The store.
        rights: The rights that a run relies on.
        used: The datasets that the run reads, and the model that it starts from.

    Cost: as :meth:`ProhibitingTerms.shared`; results of reading records are cached.
    """
    # Imported here: it loads the libraries that measure rows, which only training needs.
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
    """Raise `PolicyError` if an earlier stage or its terms forbid to train further (spec §13.15).

    ``check_rights`` decides whether the data of earlier stages may be used now.

    Args:
        context: The store with its permissions, and the time of use.
        lineage: Lineage of the datasets that the run trains on.
        learned: The datasets that the run trains on.
        base: The model that it starts from; None: it has no base model.
        measured: The datasets that it is measured on.

    Raises:
        PolicyError: (``rights-missing``) the base, or a model that generated data, was trained
            without a right, or the right was revoked since; (``output-terms``) the terms for the
            output of a model do not permit training on it, or are unknown;
            (``unreviewed-candidates``) nobody reviewed what a model wrote; (``test-is-train``) the
            base was trained on data that is measured on.
    """
    if base is not None and base.body["origin"] != "imported":
        _check_learned(context, base, measured)
    _check_generated(context, lineage, learned)


def _check_learned(context: StoreContext, base: Manifest, measured: Iterable[Manifest]) -> None:
    """Raise `PolicyError` if the base has no rights, or was trained on data that is measured on."""
    ancestry = _check_rests(context, base, "the base")
    for one in measured:
        for model in (item for item in ancestry.values() if item.kind == "checkpoint"):
            if is_trained_on(one, model, ancestry.values()):
                raise PolicyError(
                    "test-is-train",
                    f"the base {base.name} was trained on {one.name}, which cannot measure it",
                    hint="use data that no model of this chain was trained on",
                )


def _check_rests(context: StoreContext, model: Manifest, what: str) -> Lineage:
    """Return the ancestry of a model; raise `rights-missing` if a right of its runs is invalid."""
    ancestry = Lineage.read(context.repository, model.id)
    check = check_recorded(context.repository, ancestry, trust=context.trust, at=context.clock())
    # Earlier versions did not record all, and trust may have changed: it is checked as of now.
    revoked = "taken-back-later" in reasons_of(check)
    if check.state in {CheckState.FAIL, CheckState.UNCHECKED} or revoked:
        raise PolicyError(
            "rights-missing",
            f"{what} {model.name} may not be used any further: {check.summary}",
            hint=f"run: lyrikstore verify {model.name}",
        )
    return ancestry


def _check_generated(context: StoreContext, lineage: Lineage, datasets: Iterable[Manifest]) -> None:
    """Raise `PolicyError` for generated data that may not be trained on, or without rights."""
    repo, known = context.repository, [one.id for one in datasets]
    for dataset, stated in generated_behind(lineage, known, partial(stated_by, repo)):
        _check_output(dataset, stated)
        for item in dataset.inputs_in("generator"):
            _check_rests(context, lineage.manifest(item.id), "the generator")
    for dataset in unreviewed_candidates(lineage, known, partial(stated_by, repo)):
        raise PolicyError(
            UNREVIEWED,
            f"{dataset.name} was generated, and on a way to this data nobody reviewed its records",
            hint=f"run: lyrikstore review new {dataset.name} --reviewer DID -o DIR; then filter it "
            'with the step reviewed/1 and unreviewed = "drop"',
        )


def _check_output(dataset: Manifest, stated: Manifest) -> None:
    against = output_terms_against_training(stated)
    if against is None:
        return
    if against.permits == "unknown":
        raise PolicyError(
            OUTPUT_TERMS,
            f"{dataset.name} was generated by {against.generator}, and whether its output terms "
            "permit training on it is unknown",
            hint="read the terms; then state them with a new version: "
            "lyrikstore commit … --output-terms URL --output-trains yes",
        )
    raise PolicyError(
        OUTPUT_TERMS,
        f"{dataset.name} was generated by {against.generator}, whose output terms do not permit "
        "training on it",
        hint=f"leave it out; to see the terms: lyrikstore show {dataset.name}",
    )
