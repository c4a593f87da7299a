"""Monitoring: signed results of a checkpoint on data from after its run (spec §13.9.11).

Monitoring is not a test: its data was not fixed before training, and a person selected it. So
monitoring results have their own name, and neither cards nor comparisons of models use their
figures as those of a test.
"""

from collections.abc import Sequence
from typing import Any

from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.canon.progress import Progress
from lyrikstore.canon.text import pluralize
from lyrikstore.context import StoreContext
from lyrikstore.credentials.terms.model import Use
from lyrikstore.curate.recipes.references import read_dataset_records
from lyrikstore.curate.recipes.source import resolve_dataset
from lyrikstore.governance.decide import require_permit, still_permits
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.history.manifests.names import with_suffix
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import retired_versions
from lyrikstore.train.evaluation.evaluate import log_evaluation
from lyrikstore.train.evaluation.overlap import LearnedData
from lyrikstore.train.requirements import MONITOR_SUFFIX as SUFFIX
from lyrikstore.train.resolve_checkpoint import learned_from, resolve_trained
from lyrikstore.train.task import Evaluated, MonitoredModel, find_task
from lyrikstore.verify.evaluation.limits import MONITOR
from lyrikstore.verify.evaluation.periods import check_period
from lyrikstore.verify.rights.required import check_rights
from lyrikstore.verify.rules.uses import evaluate_use
from lyrikstore.verify.store.test_sets import is_partly_seen, is_used


def monitor_checkpoint(
    context: StoreContext,
    checkpoint_ref: str,
    dataset_ref: str,
    *,
    period: str = "",
    backfill: bool = False,
) -> Manifest:
    """Return the signed, logged monitoring results of a checkpoint on data from after its run.

    Progress is reported per record, in the phases ``check``, ``warn``, ``score``, ``overlap``,
    ``log`` and ``done``.

    Args:
        context: The store, opened to append.
        checkpoint_ref: A checkpoint that a run in this store made, and that was evaluated.
        dataset_ref: A dataset that was logged after that run; with labels or without.
        period: The period of the data, in the form of :func:`first_day`; empty: not stated.
        backfill: Whether the data is from before the run, and may have been logged before it; then
            the results have no verdict.

    Raises:
        PolicyError: (``not-new``) the data was logged before the run, or the model was trained or
            tested
            on it; with ``backfill`` also: on some of its records.
        InvalidInputError: (``bad-period``) there is no such period, or it has not begun.
        InvalidInputError: (``no-monitor``) the model generates text; (``not-evaluated``) there is
            no
            evaluation with predictions to compare with; (``not-trained``, ``not-a-dataset``,
            ``empty``, ``label-missing`` …)
        VerificationError, IncompleteError, RunFailedError: As
            :func:`lyrikstore.train.evaluation.evaluate.evaluate_checkpoint`.
        ConflictError, LockedError, StorageError: As any transaction.
        LyrikstoreError: As :func:`check_rights`.

    Cost: every record is answered once, one at a time; the data, the test set of the reference and
    the training data are read once more, for lengths and words. If the rights to them have ended,
    the figures that need them are left out, with a warning.
    """
    repo, signer = context.repository, context.signer()
    context.progress(Progress(phase="check"))
    if period:
        check_period(period, context.clock().date())
    asked = _asked(repo, checkpoint_ref, dataset_ref, backfill=backfill)
    use = Use.of_evaluation(asked.run.body["config"], context.clock())
    of: dict[str, Any] = {"trust": context.trust, "user": signer.did, "measuring": use}
    rights = check_rights(repo, [asked.new], use, **of)
    name = monitor_name(asked.checkpoint.name)
    asked_use = evaluate_use(repo, name, [asked.new.id], asked.run.body["config"])
    decided = require_permit(context, asked_use)

    def may_use(datasets: Sequence[Manifest], how: Use, what: str) -> bool:
        try:
            check_rights(repo, datasets, how, **of)
        except PolicyError as error:
            text = f"{what} left out: {error.message}"
            context.progress(Progress(phase="warn", detail={"code": "left-out", "text": text}))
            return False
        return True

    with_old = may_use(asked.old, use, "drift of lengths and words is")
    learning = Use.of_run(asked.run.body, context.clock())
    with_train = with_old and may_use(asked.train, learning, "drift of words is")
    about: dict[str, Any] = {"purpose": MONITOR, "split": MONITOR, **rights.to_body()}
    if period:
        about["period"] = period
    if backfill:
        check_rights(repo, asked.train, learning, **of)  # its records are searched for
        about |= {"backfill": True, "overlap": _seen_of_history(repo, asked)}
    task = find_task(asked.checkpoint.body["task"])
    found = task.monitor(context, asked, with_old=with_old, with_train=with_train)
    return log_evaluation(
        context,
        name,
        Evaluated({**found.body, **about}, found.attachments),
        [
            Input("checkpoint", "checkpoint", asked.checkpoint.id),
            Input("reference", "evaluation", asked.reference.id),
            Input("test", "dataset", asked.new.id),
        ],
        decided=decided,
        hold=still_permits(context, asked_use, decided),
    )


def monitor_name(checkpoint: str) -> str:
    """Return the full name of the monitoring results of a checkpoint; evaluations never have it."""
    _, owner, part = checkpoint.split("/")
    return f"evaluations/{owner}/{with_suffix(part, SUFFIX)}"


def _seen_of_history(repo: Repository, asked: MonitoredModel) -> dict[str, Any]:
    """Return ``overlap`` of backfill data with the training data, if it is small.

    Raises:
        PolicyError: (``not-new``) too many records are in the training data or the test set.
    """
    ids = [one.id for one in read_dataset_records(repo, asked.new)]
    learned = LearnedData.of(repo, asked.checkpoint, None)
    tested = LearnedData(repo, tuple(asked.old), (), frozenset(), None)
    counts = [learned.count_seen(ids), tested.count_seen(ids)]
    for seen, how in zip(counts, ("trained", "tested"), strict=True):
        if is_partly_seen(seen, len(ids)):
            raise PolicyError(
                "not-new",
                f"the model was {how} on {seen} of the {pluralize(len(ids), 'record')} of "
                f"{asked.new.name}; monitoring needs records that it has not seen",
                hint="remove these records by a filter with decontaminate/1",
            )
    return learned.overlap(counts[0])


def _asked(
    repo: Repository, checkpoint_ref: str, dataset_ref: str, *, backfill: bool
) -> MonitoredModel:
    checkpoint = resolve_trained(repo, checkpoint_ref)
    if not find_task(checkpoint.body["task"]).is_monitored:
        raise InvalidInputError(
            "no-monitor",
            f"{checkpoint.name} generates text, and generative models cannot be monitored yet",
            hint=f"evaluate it again: lyrikstore evaluate {checkpoint.name} --on TEST",
        )
    run = repo.manifest(checkpoint.inputs_in("run")[0].id)
    new = resolve_dataset(repo, dataset_ref)
    name = "evaluations/" + checkpoint.name.removeprefix("checkpoints/")
    evaluations = repo.history(name) if name in repo.refs else []
    gone = retired_versions(repo)
    reference = next(
        (
            one
            for one in evaluations
            if "predictions" in one.body
            and one.id not in gone
            and one.body.get("purpose") != MONITOR
            and one.inputs_in("checkpoint")[0].id == checkpoint.id
        ),
        None,
    )
    if reference is None:
        raise InvalidInputError(
            "not-evaluated",
            f"{checkpoint.name} has no evaluation that new data can be compared with",
            hint=f"first: lyrikstore evaluate {checkpoint.name} --on TEST",
        )
    old = [repo.manifest(item.id) for item in reference.inputs_in("test")]
    train = learned_from(repo, checkpoint)
    lineage = Lineage.read(repo, checkpoint.id, reference.id)
    if is_used(new, checkpoint, [reference.id], lineage):
        raise PolicyError(
            "not-new",
            f"the model was trained or tested on records of {new.name}; it cannot show a change",
            hint="commit data from after the run, and name that dataset",
        )
    if not backfill and repo.index_of(new.id) < repo.index_of(run.id):
        raise PolicyError(
            "not-new",
            f"{new.name} was logged before the run, so it did not come after it",
            hint=f"if it is a test set: lyrikstore evaluate {checkpoint.name} --on {new.name}; or "
            f"lyrikstore monitor {checkpoint.name} --on {new.name} --backfill",
        )
    return MonitoredModel(checkpoint, run, reference, new, old, train, backfill)
