"""Evaluation of a checkpoint on a locked test set, against baselines (spec §13.7, §13.9).

One signed statement holds model, baselines and majority, so that none of them can be shown without
the others; every figure about answers follows from the answers, which are attached.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lyrikstore.canon.errors import IncompleteError, PolicyError
from lyrikstore.canon.progress import Progress
from lyrikstore.context import StoreContext
from lyrikstore.credentials.terms.model import Use
from lyrikstore.curate.recipes.source import resolve_dataset
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
        checkpoint_ref: A checkpoint that a run here made; with ``predictions`` any, or a name for a
            model that is not in this store, which is logged then as one with origin ``external``.
        dataset_ref: A dataset that was logged before that run; empty: that of ``against``.
        sample: Of a generative model, how many records are asked, drawn by their ids and the
            seed of the run; None: all.
        device: Where a generative model is computed: ``cpu`` or ``cuda``.
        abstain_below: A confidence below which nothing would be answered: the coverage tells what
            that costs and gains, too.
        predictions: A file with its answers, computed elsewhere; None: it is asked.
        against: An evaluation on the same records to compare it with; empty: none.
        message: What a model is that is named here for the first time.

    Raises:
        PolicyError: (``test-not-locked``) the test set was logged after the run, or is not the
            one that the run named; (``test-is-train``) the model learned from it, or from most of
            what it holds;
            (``rights-missing``) it may not be used to evaluate, as the run declares the use, or
            the training data, from which the baseline learns, to train.
        InvalidInputError: (``no-sample``, ``bad-device``) the model gives labels;
            (``bad-confidence``) it generates text, or the limit is none;
            (``no-accelerator``) there is no such GPU here; (``not-trained``,
            ``not-a-dataset``, ``empty``, ``label-missing``,
            ``bad-model`` …); (``bad-answer-file``, ``no-given-answers``) the answers cannot be
            taken; (``not-comparable``) the other evaluation is not of the same records.
        VerificationError, IncompleteError: A blob is damaged or lost.
        IncompleteError: (``retired``) data that the model learned from was retired.
        VerificationError: (``input-changed``) somebody rewrote what was copied for the workers;
            nothing was logged.
        RunFailedError: (``worker-failed``, ``out-of-memory``) nothing was logged.
        ConflictError, LockedError, StorageError: As any transaction.

    Cost: reads and answers every test record twice, one at a time; two workers, one after the
    other, so that the memory of each is its own. To look for near duplicates, one more read of test
    and training data.
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
    train = learned_from = find_parts(repo, test)
    if checkpoint is not None and run is not None:
        train, learned_from = (
            [repo.manifest(one) for one in some]
            for some in (fitted_to(checkpoint), trained_on(checkpoint))
        )
    learning = Use.of_run(_UNDECLARED if run is None else run.body, context.clock())
    model: ExternalModel | None = None
    if predictions is None and checkpoint is not None and run is not None:
        # The baseline learns from the training data here and now: the run's right may be over.
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
        "evaluations/" + name.removeprefix("checkpoints/"),
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
    )


_UNDECLARED = {"purpose": "train", "config": {}}
"""What of a use nobody declares who has no run: a baseline is trained."""


def _baseline_data(
    context: StoreContext,
    test: Manifest,
    train: list[Manifest],
    use: Use,
    of: Mapping[str, Any],
) -> list[Manifest]:
    """Return what a baseline beside given answers may learn from; nothing, with a warning, if none.

    Args:
        context: The store.
        test: The test set.
        train: What it would learn from.
        use: How.
        of: Who asks.
    """
    label = test.body.get("fields", {}).get("label")
    why = ""
    if not train:
        why = f"no part to train on was split off beside {test.name}"
    elif any(one.body.get("fields", {}).get("label") != label for one in train):
        why = "the training data has another label"
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
) -> Manifest:
    """Sign and log what was found of a model; return it.

    Args:
        context: The store.
        name: Of the evaluation.
        found: What was found.
        inputs: Its inputs.
        external: The model, where it is not in this store and is named here for the first time.

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
        first = [] if external is None else [external.log(context, transaction, found.labels)]
        manifest = sign_next(
            context, "evaluation", name, found.body, [*first, *inputs], attachments=attachments
        )
        transaction.log_manifest(manifest)
        transaction.commit()
    context.progress(Progress(phase="done"))
    return manifest


def check_present(repo: Repository, checkpoint: Manifest) -> None:
    """Raise if data that a checkpoint learned from was retired.

    Without it nobody can look there for records of the test set, nor fit a baseline to it.

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
                f"the data of {data.name} {one.short} was retired; {checkpoint.name} learned from "
                "it, so that records of the test set cannot be looked for there",
                hint=f"{stays}train again on data that is here, and evaluate that model",
                details={"dataset": str(one)},
            )


def with_other_way(error: PolicyError, checkpoint: Manifest, test: Manifest) -> PolicyError:
    """Return an error about rights to the training data, with what can be done without these.

    Args:
        error: What check_rights raised; of other kinds it is returned as it is.
        checkpoint: The model.
        test: The test set.
    """
    if error.kind != "rights-missing":
        return error
    return PolicyError(
        error.kind,
        error.message,
        hint=f"{error.hint}; without a baseline its answers can be measured: lyrikstore evaluate "
        f"{checkpoint.name} --on {test.name.removeprefix('datasets/')} --predictions FILE",
        details=error.details,
    )


def _check_locked(repo: Repository, checkpoint: Manifest, run: Manifest, test: Manifest) -> None:
    lineage = Lineage.read(repo, checkpoint.id)
    chain = [checkpoint, *lineage.bases_of(checkpoint, strict=True)]
    learnt = [repo.manifest(one) for model in chain for one in trained_on(model)]
    if any(is_trained_on(test, model, learnt) for model in chain):
        raise PolicyError(
            "test-is-train",
            f"{test.name} is what the model learned from; it tests nothing",
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
