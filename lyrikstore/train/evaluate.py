"""Evaluation of a checkpoint on a locked test set, against a baseline (spec §13.7).

One signed statement holds model, baseline and majority, so that none of them can be shown without
the others.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lyrikstore.canon.errors import FormatError, InvalidInputError, PolicyError
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.canon.timestamps import Clock
from lyrikstore.credentials.terms.model import Use
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.train.environment import describe_environment
from lyrikstore.train.formats.adapter import (
    ADAPTER_CONFIG,
    CLASSIFIER_CONFIG,
    FILES,
    FORMAT,
    JSON_FILES,
    MAX_JSON_BYTES,
    WEIGHT_FILES,
    check_adapter_config,
    check_classifier_config,
)
from lyrikstore.train.formats.base_model import STAGED
from lyrikstore.train.snapshot import check_labels, copy_base, copy_datasets, copy_weights
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import BASE, CHECKPOINT, TEST, TRAIN, Staging, open_staging
from lyrikstore.verify.rights.required import check_rights

TRAINED = (*(f"{BASE}/{name}" for name in STAGED), *(f"{CHECKPOINT}/{name}" for name in FILES))
"""The staged files of a trained checkpoint and its base model; each is read to load it."""

LEVEL = "0.95"
RESAMPLES = 1000


def evaluate_checkpoint(
    repo: Repository,
    checkpoint_ref: str,
    dataset_ref: str,
    *,
    signer: Signer,
    trust: Trust,
    clock: Clock,
    base_env: Mapping[str, str],
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
        progress: Progress callback, called per record, in the phases ``check``, ``score``,
            ``baseline``, ``log`` and ``done``.

    Raises:
        PolicyError: (``test-not-locked``) the test set was logged after the run, or is not the
            one that the run named; (``test-is-train``) it is the training set;
            (``rights-missing``) it may not be used to evaluate, as the run declares the use, or
            the training data, from which the baseline learns, to train.
        InvalidInputError: (``not-trained``, ``not-a-dataset``, ``empty``, ``label-missing``,
            ``bad-model`` …)
        VerificationError, IncompleteError: A blob is damaged or lost.
        VerificationError: (``input-changed``) somebody rewrote what was copied for the workers;
            nothing was logged.
        RunFailedError: (``worker-failed``, ``out-of-memory``) nothing was logged.
        ConflictError, LockedError, StorageError: As any transaction.

    Cost: reads and answers every test record twice, one at a time; two workers, one after the
    other, so that the memory of each is its own.
    """
    progress(Progress(phase="check"))
    checkpoint = resolve_trained(repo, checkpoint_ref)
    run = repo.manifest(checkpoint.inputs_in("run")[0].id)
    test = repo.resolve(dataset_ref)
    if test.kind != "dataset":
        raise InvalidInputError("not-a-dataset", f"{dataset_ref} is a {test.kind}, not a dataset")
    _check_locked(repo, run, test)
    train = [repo.manifest(item.id) for item in checkpoint.inputs_in("train")]
    config = run.body["config"]
    use = Use.of_evaluation(config, clock())
    rights = check_rights(repo, [test], use, trust=trust, user=signer.did, measuring=use)
    # The baseline learns from the training data here and now: the run's right may be over.
    learning = Use.of_run(run.body, clock())
    check_rights(repo, train, learning, trust=trust, user=signer.did, measuring=use)
    measured = _measure(repo, checkpoint, test, train, config, base_env, progress)
    body = {**measured, "rights": [right.to_json() for right in rights]}
    name = "evaluations/" + checkpoint.name.removeprefix("checkpoints/")
    progress(Progress(phase="log"))
    with open_transaction(repo) as transaction:
        state = repo.refs.get(name)
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
            signer=signer,
            created=clock(),
        )
        transaction.log_manifest(manifest)
        transaction.commit()
    progress(Progress(phase="done"))
    return manifest


def _measure(
    repo: Repository,
    checkpoint: Manifest,
    test: Manifest,
    train: Sequence[Manifest],
    config: Mapping[str, Any],
    base_env: Mapping[str, str],
    progress: OnProgress,
) -> dict[str, Any]:
    """Return the body of the evaluation but for the rights."""
    threads, seed = config["training"]["threads"], config["training"]["seed"]
    label = config["data"]["label"]
    environment = describe_environment(threads)
    with open_staging(repo.root) as staging:
        stage_checkpoint(repo, checkpoint, staging)
        tested = copy_datasets(repo, [test], label=label, staging=staging, name=TEST)
        trained = copy_datasets(repo, train, label=label, staging=staging, name=TRAIN)
        if not tested.records:
            raise InvalidInputError("empty", f"{test.name} has no records")
        check_labels(test.name, tested.labels.keys() | trained.labels.keys())
        jobs: dict[str, dict[str, Any]] = {}
        for name, model in (("score", TRAINED), ("baseline", ())):
            jobs[name] = run_job(
                staging,
                {"job": name, "threads": threads, "seed": seed},
                reads=(*model, TEST, TRAIN),
                threads=threads,
                base_env=base_env,
                progress=progress,
            )
    seen = set(trained.records)
    scored = jobs["score"]
    return {
        "split": test.body.get("derivation", {}).get("part", "test"),
        "count": scored["count"],
        "task": checkpoint.body["task"],
        "model": scored["model"],
        "baseline": jobs["baseline"]["baseline"],
        "majority": scored["majority"],
        "confidence": {
            "method": "bootstrap",
            "level": LEVEL,
            "resamples": RESAMPLES,
            "seed": seed,
        },
        "environment": environment,
        "overlap": {
            "exact": sum(record in seen for record in tested.records),
            "checked": "record ids",
        },
        "worst": scored["worst"],
    }


def resolve_trained(repo: Repository, ref: str) -> Manifest:
    """Return a checkpoint that can answer.

    Raises:
        InvalidInputError: (``not-trained``) it is something else.
        FormatError: (``newer-format``) it has a format that this version does not load.
    """
    found = repo.resolve(ref)
    if found.kind != "checkpoint" or found.body["origin"] != "trained":
        raise InvalidInputError(
            "not-trained",
            f"{ref} is not a trained checkpoint",
            hint="name a checkpoint that `lyrikstore train` made",
        )
    if found.body["format"] != FORMAT:
        raise FormatError(
            "newer-format",
            f"{ref} has the format {found.body['format'][:40]}",
            hint="upgrade lyrikstore",
        )
    return found


def stage_checkpoint(repo: Repository, checkpoint: Manifest, staging: Staging) -> None:
    """Copy a checkpoint and its base model into ``checkpoint/`` and ``base/``, verified.

    Raises:
        FormatError: (``bad-checkpoint``) its tree is not that of its format, or its settings are
            not those that we load.
        PolicyError, VerificationError, IncompleteError, StorageError: As for a base model.
    """
    base = repo.manifest(checkpoint.inputs_in("base")[0].id)
    settings = copy_base(repo, base, staging)
    files = present_tree(repo, checkpoint).by_path
    if files.keys() != FILES or base.tree is None:
        raise FormatError("bad-checkpoint", f"{checkpoint.name} lacks files of {FORMAT}")
    read = {
        name: repo.blobs.read(files[name].blake3, max_bytes=MAX_JSON_BYTES) for name in JSON_FILES
    }
    check_adapter_config(read[ADAPTER_CONFIG], base=base.tree, settings=settings)
    check_classifier_config(read[CLASSIFIER_CONFIG], body=checkpoint.body, settings=settings)
    for name, data in read.items():
        staging.write(f"{CHECKPOINT}/{name}", data)
    for name in WEIGHT_FILES:
        copy_weights(repo, files[name].blake3, staging, f"{CHECKPOINT}/{name}")


def _check_locked(repo: Repository, run: Manifest, test: Manifest) -> None:
    planned = run.inputs_in("test")
    if test.id in {item.id for item in run.inputs_in("train")}:
        raise PolicyError(
            "test-is-train", f"{test.name} is what the model learned from; it tests nothing"
        )
    if repo.index_of(test.id) > repo.index_of(run.id):
        raise PolicyError(
            "test-not-locked",
            f"{test.name} was logged after the run: a test set must be fixed before training",
            hint="evaluate on the part that was split off before the run",
        )
    if planned and test.id not in {item.id for item in planned}:
        raise PolicyError(
            "test-not-locked",
            f"the run named another test set than {test.name}",
            hint=f"evaluate on {repo.manifest(planned[0].id).name}",
            details={"planned": [str(item.id) for item in planned]},
        )
