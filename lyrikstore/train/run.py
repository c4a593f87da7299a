"""Training as a signed statement: announced first, then done, then sealed (spec/13-runs.md).

A run manifest says what will be done before the first step is taken; checkpoints that name it
appear all at once when everything has worked, and not at all otherwise. Whoever reads the log can
tell an announced run that gave nothing from one that never was.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    InvalidInputError,
    NotFoundError,
    PolicyError,
    RunFailedError,
)
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.canon.timestamps import Clock
from lyrikstore.credentials.terms.model import Use
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.curate.recipes.union import check_union
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.environment import describe_code, describe_environment
from lyrikstore.train.formats.adapter import FORMAT
from lyrikstore.train.formats.base_model import STAGED, check_fit
from lyrikstore.train.seal import seal
from lyrikstore.train.snapshot import Snapshot, check_labels, copy_base, copy_datasets
from lyrikstore.train.worker.order import FUNCTION
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import BASE, TRAIN, VALIDATION, Staging, open_staging
from lyrikstore.verify.rights.judge import Reason
from lyrikstore.verify.rights.required import Right, check_rights
from lyrikstore.verify.rights.same_bytes import ProhibitingTerms

TASK = "text-classification"


class TrainResult(Struct, frozen=True):
    """What a run made.

    Attributes:
        run: The run manifest, logged before the first step.
        checkpoints: The checkpoint manifests, the final one last.
        log_indices: Their places in the log.
        metrics: Those of the final checkpoint; decimals as text.
        seconds: From the start of the call to the end, preparations included.
        warnings: What did not stop it, and should be known; each was told before the first step.
    """

    run: Manifest
    checkpoints: tuple[Manifest, ...]
    log_indices: tuple[int, ...]
    metrics: Mapping[str, str]
    seconds: float
    warnings: tuple[Reason, ...] = ()

    @property
    def checkpoint(self) -> Manifest:
        """The final checkpoint."""
        return self.checkpoints[-1]


class RunPlan(Struct, frozen=True):
    """Everything a run needs to know before it may start.

    Attributes:
        config: The checked config.
        train: Datasets to learn from, in order.
        validation: Dataset measured after each epoch.
        test: Dataset that is only named.
        base: The base model.
        rights: The use rights it relies on.
        environment: What it will run on.
        warnings: What does not stop it, and whoever starts it should know.
    """

    config: TrainConfig
    train: tuple[Manifest, ...]
    validation: Manifest
    test: Manifest | None
    base: Manifest
    rights: tuple[Right, ...]
    environment: Mapping[str, Any]
    warnings: tuple[Reason, ...] = ()

    @property
    def inputs(self) -> list[Input]:
        """The run manifest's inputs."""
        found = [
            *(Input("train", "dataset", one.id) for one in self.train),
            Input("validation", "dataset", self.validation.id),
        ]
        if self.test:
            found.append(Input("test", "dataset", self.test.id))
        return [*found, Input("base", "checkpoint", self.base.id)]


class _Output(Struct, frozen=True):
    """What a worker left."""

    folder: Path
    made: list[dict[str, Any]]
    labels: list[str]


def train_run(
    repo: Repository,
    config: TrainConfig,
    *,
    signer: Signer,
    trust: Trust,
    clock: Clock,
    base_env: Mapping[str, str],
    progress: OnProgress = silent,
    message: str = "",
) -> TrainResult:
    """Train as ``config`` says and return the signed, logged result.

    In order: use rights; a verified snapshot of every input that will be read; the run manifest,
    signed and logged; training in a worker; sealing; the checkpoint manifests, logged together.

    Args:
        repo: The store, opened to append.
        config: What to do.
        signer: Signs run and checkpoints.
        trust: Whose permissions count.
        clock: Tells the claimed times.
        base_env: The caller's environment; a few harmless variables of it reach the worker.
        progress: Progress callback, called per step, in the phases ``check``, ``warn`` (once for
            each warning: ``code``, ``text``), ``register``,
            ``start``, ``step``, ``validate`` (epochs), ``seal``, ``store`` (checkpoints), ``log``
            and ``done``.
        message: Free text for the run manifest.

    Raises:
        PolicyError: (``rights-missing``) a dataset may not be used for the purpose;
            (``unsafe-model``, ``unknown-model``) the base model is not one we load. Nothing was
            logged.
        InvalidInputError: Inputs that cannot be trained on. Nothing was logged.
        VerificationError, IncompleteError: An input is damaged or lost. Nothing was logged.
        InvalidInputError: (``bad-model``) the base model cannot be loaded, which shows in the
            worker only. The run stays announced.
        VerificationError: (``input-changed``) somebody rewrote what was copied for the worker. The
            run stays announced; no checkpoint was made.
        RunFailedError: (``worker-failed``, ``out-of-memory``, ``bad-output``) training failed. The
            run stays announced; no checkpoint was made.
        ConflictError, LockedError, StorageError: As any transaction.

    Cost: the training itself, in a process of its own with about 2 GB; texts are streamed.
    """
    begun = time.monotonic()
    progress(Progress(phase="check"))
    plan = preflight(repo, config, trust=trust, clock=clock, user=signer.did)
    for warning in plan.warnings:
        progress(Progress(phase="warn", detail={"code": warning.code, "text": warning.text}))
    with open_staging(repo.root) as staging:
        train, validation = _copy_inputs(repo, plan, staging)
        progress(Progress(phase="register"))
        run = _register(repo, plan, (train, validation), signer, clock, message)
        job = {"job": "train", "config": config.to_json(), "labels": list(train.labels)}
        progress(Progress(phase="start", detail={"run": str(run.id)}))
        result = run_job(
            staging,
            job,
            reads=(*(f"{BASE}/{name}" for name in STAGED), TRAIN, VALIDATION),
            threads=config.training.threads,
            base_env=base_env,
            progress=progress,
        )
        made = result.get("checkpoints")
        if not isinstance(made, list) or not made or not made[-1]["final"]:
            raise RunFailedError("bad-output", "the worker made no final checkpoint")
        progress(Progress(0, len(made), phase="seal"))
        output = _Output(staging.path, made, list(train.labels))
        checkpoints, indices = _emit(repo, plan, run, output, signer, clock, progress)
    progress(Progress(phase="done"))
    return TrainResult(
        run,
        tuple(checkpoints),
        tuple(indices),
        dict(checkpoints[-1].body["metrics"]),
        time.monotonic() - begun,
        plan.warnings,
    )


def preflight(
    repo: Repository, config: TrainConfig, *, trust: Trust, clock: Clock, user: str | None = None
) -> RunPlan:
    """Return what a run would use, if it may; writes nothing.

    Args:
        repo: The store.
        config: What is wanted.
        trust: Whose permissions count.
        clock: The moment of use.
        user: DID of who trains, for whom licence grants count; None: for nobody.

    Raises:
        PolicyError, InvalidInputError, NotFoundError: As :func:`train_run`.
    """
    environment = describe_environment(config.training.threads)
    data = config.data
    train = tuple(_dataset(repo, ref) for ref in data.train)
    validation = _dataset(repo, data.validation)
    test = _dataset(repo, data.test) if data.test else None
    check_union(train)
    for one in train:
        if one.id in {validation.id, test.id if test else None}:
            raise InvalidInputError(
                "same-data",
                f"{one.name} is named twice: measuring on what was learned shows nothing",
                hint="name the parts of a split",
            )
    base = _base(repo, config.model.base)
    settings = config.to_json()
    declared = Use.of_run({"purpose": config.purpose, "config": settings}, clock())
    # The test set is named and not read: its right is asked for when it is measured on.
    measuring = Use.of_evaluation(settings, clock())
    rights = check_rights(
        repo, [*train, validation], declared, trust=trust, user=user, measuring=measuring
    )
    warnings: list[Reason] = []
    if test is not None:
        try:
            check_rights(repo, [test], measuring, trust=trust, user=user)
        except PolicyError as error:
            text = f"what is trained cannot be measured on it yet: {error.message}"
            warnings.append(Reason("test-not-permitted", text))
    relied = [right.to_json() for right in rights]
    held = ProhibitingTerms(repo).shared(relied, [*train, validation])
    warnings += [Reason("same-bytes", str(shared)) for shared in held]
    return RunPlan(
        config, train, validation, test, base, tuple(rights), environment, tuple(warnings)
    )


def _base(repo: Repository, ref: str) -> Manifest:
    try:
        return repo.resolve(ref)
    except NotFoundError as error:
        raise NotFoundError(
            error.kind,
            f"the base model: {error.message}",
            hint="commit the folder with its config.json, model.safetensors and tokenizer.json: "
            f"lyrikstore commit FOLDER -d {ref}",
        ) from None


def _dataset(repo: Repository, ref: str) -> Manifest:
    found = repo.resolve(ref)
    if found.kind != "dataset":
        raise InvalidInputError("not-a-dataset", f"{ref} is a {found.kind}, not a dataset")
    return found


def _copy_inputs(repo: Repository, plan: RunPlan, staging: Staging) -> tuple[Snapshot, Snapshot]:
    config = plan.config
    label = config.data.label
    settings = copy_base(repo, plan.base, staging)
    check_fit(
        settings,
        targets=config.lora.targets,
        layers=config.lora.layers,
        max_tokens=config.model.max_tokens,
    )
    learnt = " with ".join(one.name for one in plan.train)
    train = copy_datasets(repo, plan.train, label=label, staging=staging, name=TRAIN)
    validation = copy_datasets(
        repo, [plan.validation], label=label, staging=staging, name=VALIDATION
    )
    if len(train.labels) < 2:
        raise InvalidInputError("one-label", f"{learnt} has fewer than two labels")
    check_labels(learnt, train.labels)
    unseen = sorted(validation.labels.keys() - train.labels.keys())
    if unseen:
        raise InvalidInputError(
            "label-unknown",
            f"{plan.validation.name} has the label {unseen[0][:80]!r}; no training record has it",
            hint="allow only labels with enough records, with an allow filter before the split",
            details={"labels": unseen},
        )
    if not validation.records:
        raise InvalidInputError("empty", f"{plan.validation.name} has no records")
    return train, validation


def _register(
    repo: Repository,
    plan: RunPlan,
    copied: tuple[Snapshot, Snapshot],
    signer: Signer,
    clock: Clock,
    message: str,
) -> Manifest:
    config = plan.config
    train, validation = copied
    body = {
        "purpose": config.purpose,
        "config": config.to_json(),
        "seed": config.training.seed,
        "order": {
            "function": FUNCTION,
            "records": {"train": len(train.records), "validation": len(validation.records)},
        },
        "environment": dict(plan.environment),
        "code": describe_code(),
        "plannedOutputs": [config.name],
        "rights": [right.to_json() for right in plan.rights],
    }
    with open_transaction(repo) as transaction:
        run = sign_manifest(
            kind="run",
            store=repo.store_id,
            name=config.run_name,
            parents=_current(repo, config.run_name),
            inputs=plan.inputs,
            body=body,
            signer=signer,
            created=clock(),
            message=message,
        )
        transaction.log_manifest(run)
        transaction.commit()
    return run


def _emit(
    repo: Repository,
    plan: RunPlan,
    run: Manifest,
    output: _Output,
    signer: Signer,
    clock: Clock,
    progress: OnProgress,
) -> tuple[list[Manifest], list[int]]:
    name = plan.config.name
    checkpoints: list[Manifest] = []
    if plan.base.tree is None:
        raise InvalidInputError("not-a-model", f"{plan.base.name} has no files")
    with open_transaction(repo) as transaction:
        # Looked up now: another run may have moved the name while this one trained.
        parents = _current(repo, name)
        for number, item in enumerate(output.made):
            sealed = seal(
                output.folder / str(item["folder"]),
                transaction.writer,
                base=plan.base.tree,
                private=output.folder,
            )
            manifest = sign_manifest(
                kind="checkpoint",
                store=repo.store_id,
                name=name,
                parents=parents,
                inputs=_checkpoint_inputs(plan, run),
                tree=sealed.tree_id,
                files=sealed.tree.files_id,
                body=_checkpoint_body(plan.config, item, output.labels),
                signer=signer,
                created=clock(),
                attachments=[Attachment("sha256sums", sealed.sums, sealed.sums_bytes)],
            )
            transaction.log_manifest(manifest)
            checkpoints.append(manifest)
            parents = [manifest.id]
            progress(Progress(number + 1, len(output.made), phase="store"))
        progress(Progress(phase="log"))
        indices = transaction.commit()
    return checkpoints, indices


def _checkpoint_body(
    config: TrainConfig, item: Mapping[str, Any], labels: list[str]
) -> dict[str, Any]:
    return {
        "origin": "trained",
        "step": item["step"],
        "epoch": item["epoch"],
        "final": item["final"],
        "format": FORMAT,
        "task": TASK,
        "labels": labels,
        "text": {"maxTokens": config.model.max_tokens, "pooling": config.model.pooling},
        "metrics": dict(item["metrics"]),
    }


def _checkpoint_inputs(plan: RunPlan, run: Manifest) -> list[Input]:
    filters: dict[Digest, None] = {}
    for dataset in (*plan.train, plan.validation):
        filters |= dict.fromkeys(item.id for item in dataset.inputs_in("filter"))
    return [
        Input("run", "run", run.id),
        Input("base", "checkpoint", plan.base.id),
        *(Input("train", "dataset", one.id) for one in plan.train),
        Input("validation", "dataset", plan.validation.id),
        *(Input("filter", "filter", identity) for identity in filters),
    ]


def _current(repo: Repository, name: str) -> list[Digest]:
    state = repo.refs.get(name)
    return [state.id] if state else []
