"""Evaluation of a checkpoint on a locked test set, against baselines (spec §13.7, §13.9).

One signed statement holds model, baselines and majority, so that none of them can be shown without
the others; every figure about answers follows from the answers, which are attached.
"""

from collections.abc import Sequence
from typing import Any

from lyrikstore.canon.errors import PolicyError
from lyrikstore.canon.progress import Progress
from lyrikstore.context import StoreContext
from lyrikstore.credentials.terms.model import Use
from lyrikstore.curate.recipes.source import resolve_dataset
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.environment import check_device
from lyrikstore.train.requirements import CPU
from lyrikstore.train.seal import sign_next
from lyrikstore.train.task import Evaluated, TestedModel, find_task
from lyrikstore.train.trained import check_limit, resolve_trained
from lyrikstore.verify.rights.required import check_rights
from lyrikstore.verify.store.test_sets import is_another, is_learnt, learnt_by


def evaluate_checkpoint(
    context: StoreContext,
    checkpoint_ref: str,
    dataset_ref: str,
    *,
    sample: int | None = None,
    device: str = CPU,
    abstain_below: float | None = None,
) -> Manifest:
    """Return the signed, logged evaluation of a trained checkpoint on a test set.

    Progress is reported per record, in the phases ``check``, ``score``, ``baseline``, ``overlap``,
    ``log`` and ``done``.

    Args:
        context: The store, opened to append.
        checkpoint_ref: A checkpoint that a run here made.
        dataset_ref: A dataset that was logged before that run.
        sample: Of a generative model, how many records are asked, drawn by their ids and the
            seed of the run; None: all.
        device: Where a generative model is computed: ``cpu`` or ``cuda``.
        abstain_below: A confidence below which nothing would be answered: the coverage tells what
            that costs and gains, too.

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
            ``bad-model`` …)
        VerificationError, IncompleteError: A blob is damaged or lost.
        VerificationError: (``input-changed``) somebody rewrote what was copied for the workers;
            nothing was logged.
        RunFailedError: (``worker-failed``, ``out-of-memory``) nothing was logged.
        ConflictError, LockedError, StorageError: As any transaction.

    Cost: reads and answers every test record twice, one at a time; two workers, one after the
    other, so that the memory of each is its own. To look for near duplicates, one more read of test
    and training data.
    """
    repo, progress, signer = context.repository, context.progress, context.signer()
    progress(Progress(phase="check"))
    checkpoint = resolve_trained(repo, checkpoint_ref)
    check_device(device, checkpoint.body["task"])
    limit = None if abstain_below is None else check_limit(checkpoint, abstain_below)
    run = repo.manifest(checkpoint.inputs_in("run")[0].id)
    test = resolve_dataset(repo, dataset_ref)
    _check_locked(repo, checkpoint, run, test)
    train, validation = (
        [repo.manifest(item.id) for item in checkpoint.inputs_in(role)]
        for role in ("train", "validation")
    )
    use = Use.of_evaluation(run.body["config"], context.clock())
    of: dict[str, Any] = {"trust": context.trust, "user": signer.did, "measuring": use}
    rights = check_rights(repo, [test], use, **of)
    # The baseline learns from the training data here and now: the run's right may be over.
    check_rights(repo, [*train, *validation], Use.of_run(run.body, context.clock()), **of)
    found = find_task(checkpoint.body["task"]).evaluate(
        context,
        TestedModel(checkpoint, run, test, train, validation, () if limit is None else (limit,)),
        sample=sample,
        device=device,
    )
    split = test.body.get("derivation", {}).get("part", "test")
    return log_evaluation(
        context,
        "evaluations/" + checkpoint.name.removeprefix("checkpoints/"),
        Evaluated({**found.body, "split": split, **rights.to_body()}, found.attachments),
        [
            Input("checkpoint", "checkpoint", checkpoint.id),
            Input("test", "dataset", test.id),
            *(Input("train", "dataset", one.id) for one in train),
        ],
    )


def log_evaluation(
    context: StoreContext, name: str, found: Evaluated, inputs: Sequence[Input]
) -> Manifest:
    """Sign and log what was found of a model; return it.

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
        manifest = sign_next(
            context, "evaluation", name, found.body, list(inputs), attachments=attachments
        )
        transaction.log_manifest(manifest)
        transaction.commit()
    context.progress(Progress(phase="done"))
    return manifest


def _check_locked(repo: Repository, checkpoint: Manifest, run: Manifest, test: Manifest) -> None:
    lineage = Lineage.read(repo, checkpoint.id)
    chain = [checkpoint, *lineage.bases_of(checkpoint, strict=True)]
    learnt = [repo.manifest(one) for model in chain for one in learnt_by(model)]
    if any(is_learnt(test, model, learnt) for model in chain):
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
