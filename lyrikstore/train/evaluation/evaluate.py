"""Evaluation of a checkpoint on a locked test set, against baselines (spec §13.7, §13.9).

One signed statement contains the figures of model, baselines and majority, so none of them can be
shown without the others. All figures are computed from the answers, which are attached.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lyrikstore.canon.errors import IncompleteError, PolicyError
from lyrikstore.canon.progress import Progress
from lyrikstore.context import StoreContext
from lyrikstore.credentials.terms.model import Use
from lyrikstore.curate.recipes.source import resolve_dataset
from lyrikstore.governance.decide import (
    DecidedUse,
    decided_inputs,
    require_permit,
    still_permits,
)
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import retired_versions
from lyrikstore.train.environment import check_device
from lyrikstore.train.evaluation.answer_files.answer_file import AnswerFile, read_answer_file
from lyrikstore.train.evaluation.answer_files.external_model import (
    ExternalModel,
    find_other,
    find_parts,
    resolve_answered,
    task_of_answers,
)
from lyrikstore.train.requirements import CPU
from lyrikstore.train.resolve_checkpoint import check_limit, resolve_trained
from lyrikstore.train.seal import sign_next
from lyrikstore.train.task import Evaluated, ModelWithAnswers, TestedModel, find_task
from lyrikstore.verify.evaluation.choice.task import limit_text
from lyrikstore.verify.rights.required import check_rights
from lyrikstore.verify.rules.uses import evaluate_use
from lyrikstore.verify.store.test_sets import fitted_to, is_another, is_trained_on, trained_on


def evaluate_checkpoint(
    context: StoreContext,
    checkpoint_ref: str,
    dataset_ref: str = "",
    *,
    sample: int | None = None,
    device: str = CPU,
    abstain_below: float | None = None,
    predictions: Path | None = None,
    against: str = "",
    message: str = "",
) -> Manifest:
    """Return the signed, logged evaluation of a checkpoint on a test set.

    Progress is reported per record, in the phases ``check``, ``warn``, ``score``, ``baseline``,
    ``overlap``, ``log`` and ``done``.

    Args:
        context: The store, opened to append.
        checkpoint_ref: A checkpoint that a run in this store made; with ``predictions`` any
            checkpoint, or a new name for a model that is not in this store, which is then logged
            with origin ``external``.
        dataset_ref: A dataset that was logged before that run; empty: that of ``against``.
        sample: For a generative model: number of records that are answered, drawn by their ids and
            the seed of the run; None: all.
        device: Device of a generative model: ``cpu`` or ``cuda``.
        abstain_below: A confidence limit for abstaining, for which coverage and errors are reported
            in addition.
        predictions: A file with answers that were computed elsewhere; None: the model is run.
        against: An evaluation on the same records to compare it with; empty: none.
        message: Description of a model that gets its name by this call.

    Raises:
        PolicyError: (``test-not-locked``) the test set was logged after the run, or is not the
            one that the run named; (``test-is-train``) the model was trained on it, or on
            most of its records; (``rights-missing``) the test set may not be used for evaluation
            in the use that the run declares, or the training data may not be used to train the
            baseline.
        InvalidInputError: (``no-sample``, ``bad-device``) the model gives labels;
            (``bad-confidence``) it generates text, or the limit is not from 0 to 1;
            (``no-accelerator``) there is no such GPU here; (``not-trained``,
            ``not-a-dataset``, ``empty``, ``label-missing``,
            ``bad-model`` …); (``bad-answer-file``, ``no-given-answers``) the answer file
            cannot be used; (``not-comparable``) the other evaluation is not of the same records.
        VerificationError, IncompleteError: A blob is damaged or missing.
        IncompleteError: (``retired``) training data of the model was retired.
        VerificationError: (``input-changed``) another process changed the copied inputs; nothing
            was logged.
        RunFailedError: (``worker-failed``, ``out-of-memory``) nothing was logged.
        ConflictError, LockedError, StorageError: As any transaction.

    Cost: every test record is read and answered twice, one at a time; two workers run one after the
    other, so the memory of each is measured alone. The search for near duplicates reads test and
    training data once more.
    """
    repo = context.repository
    context.progress(Progress(phase="check"))
    checkpoint: Manifest | None
    floors: tuple[str, ...]
    given: AnswerFile | None = None
    if predictions is None:
        checkpoint = resolve_trained(repo, checkpoint_ref)
        check_device(device, checkpoint.body["task"])
        name, floors = checkpoint.name, ()
        if abstain_below is not None:
            floors = (check_limit(checkpoint, abstain_below),)
    else:
        name, checkpoint = resolve_answered(repo, checkpoint_ref)
        floors = () if abstain_below is None else (limit_text(abstain_below),)
        given = read_answer_file(predictions)
    made_by = () if checkpoint is None else checkpoint.inputs_in("run")
    run = repo.manifest(made_by[0].id) if made_by else None
    others, other = find_other(repo, against, dataset_ref)
    test = resolve_dataset(repo, dataset_ref or str(others[0].inputs_in("test")[0].id))
    if checkpoint is not None and run is not None:
        _check_locked(repo, checkpoint, run, test)
        check_present(repo, checkpoint)
    use = Use.of_evaluation({} if run is None else run.body["config"], context.clock())
    of: dict[str, Any] = {"trust": context.trust, "user": context.signer().did, "measuring": use}
    rights = check_rights(repo, [test], use, **of)
    evaluation = "evaluations/" + name.removeprefix("checkpoints/")
    config = {} if run is None else run.body["config"]
    asked_use = evaluate_use(repo, evaluation, [test.id], config)
    decided = require_permit(context, asked_use)
    train = learned_from = find_parts(repo, test)
    if checkpoint is not None and run is not None:
        train, learned_from = (
            [repo.manifest(one) for one in some]
            for some in (fitted_to(checkpoint), trained_on(checkpoint))
        )
    learning = Use.of_run(_UNDECLARED if run is None else run.body, context.clock())
    model: ExternalModel | None = None
    if predictions is None and checkpoint is not None and run is not None:
        # The baseline is trained on the training data now: the right of the run may have ended.
        try:
            check_rights(repo, learned_from, learning, **of)
        except PolicyError as error:
            raise with_other_way(error, checkpoint, test) from None
        asked = TestedModel(checkpoint, run, test, train, floors, other)
        task = find_task(asked.task)
        found = task.evaluate(context, asked, sample=sample, device=device)
    elif given is not None:
        called = task_of_answers(repo, checkpoint, test)
        if checkpoint is None:
            model = ExternalModel(name, called, message)
        data = _baseline_data(context, test, train, learning, of)
        answered = ModelWithAnswers(called, given, checkpoint, run, test, data, floors, other)
        found = find_task(called).evaluate_answer_file(context, answered)
    split = test.body.get("derivation", {}).get("part", "test")
    learned = train if "baseline" in found.body else []
    return log_evaluation(
        context,
        evaluation,
        Evaluated(
            {**found.body, "split": split, **rights.to_body()}, found.attachments, found.labels
        ),
        [
            *([] if checkpoint is None else [Input("checkpoint", "checkpoint", checkpoint.id)]),
            Input("test", "dataset", test.id),
            *(Input("train", "dataset", one.id) for one in learned),
            *(Input("against", "evaluation", one.id) for one in others),
        ],
        external=model,
        decided=decided,
        hold=still_permits(context, asked_use, decided),
    )


_UNDECLARED = {"purpose": "train", "config": {}}
"""The use that is checked for a model without a run: training of a baseline."""


def _baseline_data(
    context: StoreContext,
    test: Manifest,
    train: list[Manifest],
    use: Use,
    of: Mapping[str, Any],
) -> list[Manifest]:
    """Return the training data for the baseline of an answer file; if unusable, warn and return [].

    Args:
        context: The store.
        test: The test set.
        train: The datasets that it would be trained on.
        use: The use of these datasets.
        of: Trust and user, as ``check_rights`` takes them.
    """
    label = test.body.get("fields", {}).get("label")
    why = ""
    if not train:
        why = f"the split of {test.name} has no training part"
    elif any(one.body.get("fields", {}).get("label") != label for one in train):
        why = "the label field of the training data is another one"
    else:
        try:
            check_rights(context.repository, train, use, **of)
        except PolicyError as error:
            why = error.message
    if not why:
        return train
    text = f"no baseline: {why}"
    context.progress(Progress(phase="warn", detail={"code": "left-out", "text": text}))
    return []


def log_evaluation(
    context: StoreContext,
    name: str,
    found: Evaluated,
    inputs: Sequence[Input],
    *,
    external: ExternalModel | None = None,
    decided: DecidedUse | None = None,
    hold: Callable[[], None] | None = None,
) -> Manifest:
    """Sign and log an evaluation; return its manifest.

    Args:
        context: The store.
        name: Full name of the evaluation.
        found: Its body and attachments.
        inputs: Its inputs.
        external: The model, if it is not in this store and gets its name by this evaluation.
        decided: What the rules answer to it, logged before it; None: no rules decide it.
        hold: Called under the lock, to check again what may have changed in the log.

    Raises:
        ConflictError, LockedError, StorageError: As any transaction.
    """
    repo = context.repository
    context.progress(Progress(phase="log"))
    with open_transaction(repo) as transaction:
        attachments = [
            Attachment(role, transaction.writer.put_bytes(data), len(data))
            for role, data in found.attachments.items()
        ]
        by_rules = decided_inputs(context, transaction, decided, name)  # before all else
        first = [] if external is None else [external.log(context, transaction, found.labels)]
        inputs = [*first, *inputs, *by_rules]
        manifest = sign_next(
            context, "evaluation", name, found.body, inputs, attachments=attachments
        )
        transaction.log_manifest(manifest)
        if hold is not None:
            transaction.hold(hold)
        transaction.commit()
    context.progress(Progress(phase="done"))
    return manifest


def check_present(repo: Repository, checkpoint: Manifest) -> None:
    """Raise `retired` if training data of a checkpoint was retired.

    Without it, test records cannot be searched in it, and no baseline can be trained.

    Raises:
        IncompleteError: (``retired``) a signed retention names the data.
    """
    gone = retired_versions(repo)
    for one in trained_on(checkpoint):
        if one in gone:
            data = repo.manifest(one)
            earlier = "evaluations/" + checkpoint.name.removeprefix("checkpoints/")
            stays = f"lyrikstore log {earlier} has earlier ones; " if earlier in repo.refs else ""
            raise IncompleteError(
                "retired",
                f"the data of {data.name} {one.short} was retired; {checkpoint.name} was trained "
                "on it, so it cannot be searched for records of the test set",
                hint=f"{stays}train again on data that is in the store, and evaluate that model",
                details={"dataset": str(one)},
            )


def with_other_way(error: PolicyError, checkpoint: Manifest, test: Manifest) -> PolicyError:
    """Return an error about rights to training data, with a hint how to evaluate without them.

    Args:
        error: The error of ``check_rights``; another kind is returned unchanged.
        checkpoint: The model.
        test: The test set.
    """
    if error.kind != "rights-missing":
        return error
    return PolicyError(
        error.kind,
        error.message,
        hint=f"{error.hint}; to evaluate its answers without a baseline: lyrikstore evaluate "
        f"{checkpoint.name} --on {test.name.removeprefix('datasets/')} --predictions FILE",
        details=error.details,
    )


def _check_locked(repo: Repository, checkpoint: Manifest, run: Manifest, test: Manifest) -> None:
    lineage = Lineage.read(repo, checkpoint.id)
    chain = [checkpoint, *lineage.bases_of(checkpoint, strict=True)]
    learned = [repo.manifest(one) for model in chain for one in trained_on(model)]
    if any(is_trained_on(test, model, learned) for model in chain):
        raise PolicyError(
            "test-is-train",
            f"the model was trained on {test.name}, so it cannot be tested on it",
            hint="evaluate on the part that was split off before the run",
        )
    if repo.index_of(test.id) > repo.index_of(run.id):
        raise PolicyError(
            "test-not-locked",
            f"{test.name} was logged after the run: a test set must be fixed before training",
            hint="evaluate on the part that was split off before the run",
        )
    if is_another(test, run):
        planned = run.inputs_in("test")
        raise PolicyError(
            "test-not-locked",
            f"the run named another test set than {test.name}",
            hint=f"evaluate on {repo.manifest(planned[0].id).name}",
            details={"planned": [str(item.id) for item in planned]},
        )
