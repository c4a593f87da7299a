"""Evaluation of a checkpoint on a locked test set, against baselines (spec §13.7, §13.9).

One signed statement holds model, baselines and majority, so that none of them can be shown without
the others; every figure about answers follows from the answers, which are attached.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.canon.timestamps import Clock
from lyrikstore.credentials.terms.model import Use
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.curate.recipes.filters.duplicates.between import METHOD, find_near
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.environment import check_device
from lyrikstore.train.evaluation.answers import (
    MEASURED,
    answer_records,
    fields_of,
    head_of,
    lines_of,
)
from lyrikstore.train.evaluation.overlap import LearnedData
from lyrikstore.train.evaluation.sliced import slice_records
from lyrikstore.train.evaluation.writing import evaluate_writer
from lyrikstore.train.plan.evaluating import plan_evaluation
from lyrikstore.train.requirements import CPU, SFT
from lyrikstore.train.snapshot import read_texts
from lyrikstore.train.trained import resolve_trained
from lyrikstore.verify.evaluation.body import evaluation_body
from lyrikstore.verify.evaluation.predictions import read_predictions, write_predictions
from lyrikstore.verify.evaluation.recompute import costs_of
from lyrikstore.verify.rights.required import check_rights
from lyrikstore.verify.store.test_sets import bases_of, is_another, is_learnt, learnt_by


def evaluate_checkpoint(
    repo: Repository,
    checkpoint_ref: str,
    dataset_ref: str,
    *,
    signer: Signer,
    trust: Trust,
    clock: Clock,
    base_env: Mapping[str, str],
    sample: int | None = None,
    device: str = CPU,
    progress: OnProgress = silent,
) -> Manifest:
    """Return the signed, logged evaluation of a trained checkpoint on a test set.

    Args:
        repo: The store, opened to append.
        checkpoint_ref: A checkpoint that a run here made.
        dataset_ref: A dataset that was logged before that run.
        signer: Signs the evaluation.
        trust: Whose permissions count.
        clock: Tells the claimed time, and the moment of use.
        base_env: The caller's environment; a few harmless variables of it reach the workers.
        sample: Of a model that writes, how many records are asked, drawn by their ids and the
            seed of the run; None: all.
        device: Where a model that writes is computed: ``cpu`` or ``cuda``.
        progress: Progress callback, called per record, in the phases ``check``, ``score``,
            ``baseline``, ``overlap``, ``log`` and ``done``.

    Raises:
        PolicyError: (``test-not-locked``) the test set was logged after the run, or is not the
            one that the run named; (``test-is-train``) the model learned from it, or from most of
            what it holds;
            (``rights-missing``) it may not be used to evaluate, as the run declares the use, or
            the training data, from which the baseline learns, to train.
        InvalidInputError: (``no-sample``, ``bad-device``) the model gives labels;
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
    progress(Progress(phase="check"))
    checkpoint = resolve_trained(repo, checkpoint_ref)
    check_device(device, checkpoint.body["task"])
    run = repo.manifest(checkpoint.inputs_in("run")[0].id)
    test = repo.resolve(dataset_ref)
    if test.kind != "dataset":
        raise InvalidInputError("not-a-dataset", f"{dataset_ref} is a {test.kind}, not a dataset")
    _check_locked(repo, checkpoint, run, test)
    train, validation = (
        [repo.manifest(item.id) for item in checkpoint.inputs_in(role)]
        for role in ("train", "validation")
    )
    config = run.body["config"]
    use = Use.of_evaluation(config, clock())
    rights = check_rights(repo, [test], use, trust=trust, user=signer.did, measuring=use)
    # The baseline learns from the training data here and now: the run's right may be over.
    learning = Use.of_run(run.body, clock())
    check_rights(repo, [*train, *validation], learning, trust=trust, user=signer.did, measuring=use)
    if checkpoint.body["task"] == SFT:
        written = evaluate_writer(repo, checkpoint, test, run, sample, device, base_env, progress)
        found = _Evaluated(*written)
    elif sample is not None:
        raise InvalidInputError(
            "no-sample",
            "only a model that writes is asked about a sample",
            hint="leave --sample out: labels cost little",
        )
    else:
        found = _evaluated(repo, checkpoint, test, (train, validation), run, base_env, progress)
    body = {**found.body, **rights.to_body()}
    name = "evaluations/" + checkpoint.name.removeprefix("checkpoints/")
    progress(Progress(phase="log"))
    with open_transaction(repo) as transaction:
        state = repo.refs.get(name)
        attachments = [
            Attachment(role, transaction.writer.put_bytes(data), len(data))
            for role, data in (("predictions", found.predictions), ("outputs", found.outputs))
            if data
        ]
        manifest = sign_manifest(
            kind="evaluation",
            store=repo.store_id,
            name=name,
            parents=[state.id] if state else [],
            inputs=[
                Input("checkpoint", "checkpoint", checkpoint.id),
                Input("test", "dataset", test.id),
                *(Input("train", "dataset", one.id) for one in train),
            ],
            body=body,
            attachments=attachments,
            signer=signer,
            created=repo.signing_date(clock),
        )
        transaction.log_manifest(manifest)
        transaction.commit()
    progress(Progress(phase="done"))
    return manifest


class _Evaluated(Struct, frozen=True):
    """What was found.

    Attributes:
        body: Of the evaluation, but for the rights.
        predictions: The attachment.
        outputs: Another, with the texts of a model that writes; empty: there is none.
    """

    body: dict[str, Any]
    predictions: bytes
    outputs: bytes = b""


def _evaluated(
    repo: Repository,
    checkpoint: Manifest,
    test: Manifest,
    learnt: tuple[Sequence[Manifest], Sequence[Manifest]],
    run: Manifest,
    base_env: Mapping[str, str],
    progress: OnProgress,
) -> _Evaluated:
    """Let the model and its baseline answer the test set, and work out what follows."""
    config = run.body["config"]
    fields = fields_of(config)
    learned = LearnedData.of(repo, checkpoint, fields)
    answered = answer_records(
        repo,
        checkpoint,
        run,
        test,
        learnt=learnt,
        seen_in=learned,
        base_env=base_env,
        progress=progress,
    )
    tested, trained = answered.tested, answered.trained
    progress(Progress(0, len(tested.records), phase="overlap"))
    near = find_near(read_texts(repo, [test], fields), learned.texts())
    records = slice_records(repo, test, config)
    head = head_of(checkpoint.body, answered, records.slices)
    lines = lines_of(head, answered, records, near)
    written = b"".join(write_predictions(head, lines))
    found = evaluation_body(
        read_predictions(BytesIO(written)),
        seed=run.body["seed"],
        costs=costs_of(config),
        thresholds=run.body.get("thresholds", ()),
        field_of_groups=records.group,
        majority=_commonest(trained.labels),
        near=METHOD,
    )
    model, baseline = answered.systems
    found["model"] |= {name: model[name] for name in MEASURED}
    found["baseline"] |= {name: baseline[name] for name in (*MEASURED, "params")}
    if plan := plan_evaluation(repo, config, learnt[0], test):
        found["plan"] = plan
    found["actual"] = {
        "wallSeconds": f"{sum(float(one['wallSeconds']) for one in answered.systems):.1f}",
        "cpuSeconds": f"{sum(_cpu_seconds(one) for one in answered.systems):.1f}",
        "memoryBytes": str(max(int(one["peakMemoryBytes"]) for one in answered.systems)),
    }
    found |= {
        "slicing": dict(records.slicing),
        "split": test.body.get("derivation", {}).get("part", "test"),
        "environment": answered.environment,
        "overlap": {**found["overlap"], **learned.overlap(answered.seen)},
    }
    return _Evaluated(found, written)


def _cpu_seconds(system: Mapping[str, Any]) -> float:
    """Return what a worker took: answering, and fitting where it had to learn first."""
    return float(system["cpuSeconds"]) + float(system.get("params", {}).get("fitCpuSeconds", 0))


def _commonest(labels: Mapping[str, int]) -> str:
    return min(labels, key=lambda label: (-labels[label], label))


def _check_locked(repo: Repository, checkpoint: Manifest, run: Manifest, test: Manifest) -> None:
    chain = [checkpoint, *bases_of(checkpoint, repo.manifest)]
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
