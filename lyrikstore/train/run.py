"""Training runs: announced in the log, then executed, then sealed (spec/13-runs.md).

A run manifest is logged before the first step. The checkpoints that name it are logged together
after all of them were made, or not at all. The log therefore shows runs that were announced and
made no checkpoint.
"""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.progress import OnProgress, Progress
from lyrikstore.context import StoreContext
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.candidates import Chosen, train_candidates
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.environment import precision_of
from lyrikstore.train.plan.plan import TrainingPlan, plan_config
from lyrikstore.train.plan.plan_json import plan_json
from lyrikstore.train.preflight import RunPlan, preflight
from lyrikstore.train.replay.resume_state import (
    SNAPSHOT_SECONDS,
    RunResumeState,
    find_interrupted,
    resume_state_folder,
)
from lyrikstore.train.replay.segment_store import SegmentStore, attach_segments
from lyrikstore.train.requirements import CPU
from lyrikstore.train.seal import (
    log_next,
    seal,
    seal_history,
    seal_unlike,
    seal_validation,
    sign_next,
)
from lyrikstore.train.sft.accelerator import describe_machine
from lyrikstore.train.statements.bodies import (
    checkpoint_body,
    checkpoint_inputs,
    folded_candidates,
    run_body,
)
from lyrikstore.train.statements.inputs import copy_inputs
from lyrikstore.train.worker.staging import Staging, open_staging
from lyrikstore.verify.evaluation.choice.candidates import NAMES, VALIDATION
from lyrikstore.verify.rights.judge import Reason


class TrainResult(Struct, frozen=True):
    """The result of a training run.

    Attributes:
        run: The run manifest, logged before the first step.
        checkpoints: The checkpoint manifests, the final one last.
        log_indices: The positions of the checkpoints in the log.
        plan: The plan of the run, with the expected time and memory.
        metrics: The metrics of the final checkpoint; decimals as text.
        seconds: From the start of the call to the end, preparations included.
        warnings: Warnings that did not stop the run; each was reported by ``progress`` when it
            arose,
            most of them before the first step.
    """

    run: Manifest
    checkpoints: tuple[Manifest, ...]
    log_indices: tuple[int, ...]
    plan: TrainingPlan
    metrics: Mapping[str, str]
    seconds: float
    warnings: tuple[Reason, ...] = ()

    @property
    def checkpoint(self) -> Manifest:
        """The final checkpoint."""
        return self.checkpoints[-1]


def train_run(
    context: StoreContext,
    config: TrainConfig,
    *,
    prices: Path | None = None,
    measure: bool = False,
    snapshot_seconds: int = SNAPSHOT_SECONDS,
    resume: bool = False,
    message: str = "",
) -> TrainResult:
    """Train by a config and return the signed, logged result.

    In order: check of use rights; a plan, which lists the candidates; a verified snapshot of every
    input that will be read; the run manifest, signed and logged; training in a worker; sealing; the
    checkpoint
    manifests, logged together.

    Args:
        context: The store, opened to append; resume states of long training are kept in its cache;
            without a cache an interrupted run begins again. ``progress`` is called per step, in the
            phases ``check``, ``warn`` (once for each warning: ``code``, ``text``), ``plan`` (with
            the plan as :func:`~lyrikstore.train.plan.plan_json.plan_json` gives it),
            ``register``, ``start``, ``step``, ``validate`` (epochs), ``seal``, ``store``
            (checkpoints), ``log`` and ``done``.
        config: The training config.
        prices: A price file of the caller for the plan.
        measure: Whether to measure real steps for the plan; else its figures are computed.
        snapshot_seconds: Seconds between two resume states.
        resume: Continue the interrupted run that this config announced; the result has the same
            bytes as without the interruption.
        message: Free text for the run manifest.

    Raises:
        PolicyError: (``rights-missing``) a dataset may not be used for the purpose;
            (``unsafe-model``, ``unknown-model``) the base model cannot be loaded;
            (``over-budget``) the budget, or the memory of machine or GPU, does not suffice. Nothing
            was logged.
        NotFoundError: (``no-run``) with ``resume``: no run of this name was interrupted.
        ConflictError: (``run-differs``) with ``resume``: an input or setting of the announced run
            has changed.
        InvalidInputError: Inputs that cannot be trained on; (``no-accelerator``) the config wants
            a GPU, and there is none. Nothing was logged.
        VerificationError, IncompleteError: An input is damaged or lost. Nothing was logged.
        InvalidInputError: (``bad-model``) the base model cannot be loaded in the worker. The run
            stays
            announced.
        VerificationError: (``input-changed``) another process changed the copied inputs. The
            run stays announced; no checkpoint was made.
        RunFailedError: (``worker-failed``, ``out-of-memory``, ``bad-output``) training failed. The
            run stays announced; no checkpoint was made.
        ConflictError, LockedError, StorageError: As any transaction.

    Cost: the training itself, in a worker process with about 2 GB; texts are streamed.
    """
    begun, signer = time.monotonic(), context.signer()
    repo, progress, resume_state = context.repository, context.progress, context.own_cache
    progress(Progress(phase="check"))
    plan = preflight(context, config)
    plan = _warned(replace(plan, warnings=()), plan.warnings, progress)
    planned = plan_config(context, config, prices=prices, measure=measure)
    config = planned.config
    plan = replace(plan, config=config)
    progress(Progress(phase="plan", detail=plan_json(planned)))
    if config.training.device != CPU:
        environment = describe_machine(
            context,
            config,
            device=config.training.device,
            precision=precision_of(config.training.precision, config.training.device),
            planned_bytes=int(planned.planned.memory_bytes.value),
        )
        plan = replace(plan, environment=environment)
    plan = replace(plan, candidates=planned.chosen, by_folds=planned.by_folds)
    if resume:
        plan = _with_folds_announced(repo, plan)
    with open_staging(repo.root) as staging:
        copied = copy_inputs(repo, plan, staging)
        plan = _warned(plan, copied.warnings, progress)
        plan = replace(
            plan,
            by_folds=tuple(name for name in plan.by_folds if copied.folds_of(name)),
            task=copied.task,
            prompt=copied.prompt,
            planned=planned.to_run(),
        )
        progress(Progress(phase="register"))
        body = run_body(plan, copied)
        if resume:
            run = _interrupted(repo, plan, body, signer)
            plan = replace(plan, candidates=_candidates_of(run))
        else:
            # ATTACK A126: a right is revoked while the run is planned
            run, _ = log_next(
                context,
                "run",
                config.run_name,
                body,
                plan.inputs,
                message,
                hold=plan.still,
                decided=plan.decided,
            )
        segments = _segments_of(resume_state, run, config, staging)
        kept = _resume_state_of(resume_state, run, signer, seconds=snapshot_seconds, resume=resume)
        progress(Progress(phase="start", detail={"run": str(run.id)}))
        chosen = train_candidates(
            context,
            staging,
            config,
            plan.candidates,
            copied,
            resume_state=kept,
            segments=segments,
        )
        plan = _warned(plan, chosen.warnings, progress)
        progress(Progress(0, len(chosen.made), phase="seal"))
        checkpoints, indices = _emit(
            context, plan, run, chosen, list(copied.labels), staging, segments=segments
        )
    if kept is not None:
        kept.clear()
    progress(Progress(phase="done"))
    return TrainResult(
        run,
        tuple(checkpoints),
        tuple(indices),
        planned,
        dict(checkpoints[-1].body["metrics"]),
        time.monotonic() - begun,
        plan.warnings,
    )


def _warned(plan: RunPlan, warnings: Iterable[Reason], progress: OnProgress) -> RunPlan:
    for one in warnings:
        progress(Progress(phase="warn", detail={"code": one.code, "text": one.text}))
    return replace(plan, warnings=(*plan.warnings, *warnings))


def _resume_state_of(
    cache: Path | None, run: Manifest, signer: Signer, *, seconds: int, resume: bool
) -> RunResumeState | None:
    if cache is None:
        return None
    found = RunResumeState(resume_state_folder(cache, run.name), run.id, signer, seconds)
    if not resume:
        found.clear()
    return found


def _segments_of(
    cache: Path | None, run: Manifest, config: TrainConfig, staging: Staging
) -> SegmentStore | None:
    if not config.replay.steps:
        return None
    if cache is None or config.replay.keep:  # attached states are not stored a second time
        return SegmentStore(staging.path / "segments") if config.replay.keep else None
    found = SegmentStore.of_run(cache, run.name, run.id)
    found.clear_others()
    return found


def _interrupted(
    repo: Repository, plan: RunPlan, body: Mapping[str, Any], signer: Signer
) -> Manifest:
    announced = {**body, "inputs": [one.id for one in plan.inputs]}
    name, output = plan.config.run_name, plan.config.name
    return find_interrupted(repo, announced, name=name, output=output, author=signer.did)


def _with_folds_announced(repo: Repository, plan: RunPlan) -> RunPlan:
    """Return a plan with the folds of the interrupted run, whatever steps take now."""
    state = repo.refs.get(plan.config.run_name)
    if state is None:
        return plan
    return replace(plan, by_folds=folded_candidates(repo.manifest(state.id)))


def _candidates_of(run: Manifest) -> tuple[str, ...]:
    return tuple(NAMES[one["format"]] for one in run.body["candidates"])


def _emit(
    context: StoreContext,
    plan: RunPlan,
    run: Manifest,
    chosen: Chosen,
    labels: list[str],
    staging: Staging,
    *,
    segments: SegmentStore | None,
) -> tuple[list[Manifest], list[int]]:
    name = plan.config.name
    checkpoints: list[Manifest] = []
    base = None if plan.base is None else plan.base.tree
    with open_transaction(context.repository) as transaction:
        for number, item in enumerate(chosen.made):
            sealed = seal(
                staging.path / str(item["folder"]),
                transaction.writer,
                chosen.form,
                base=base,
                private=staging.path,
            )
            body = checkpoint_body(plan, run, chosen, item, labels)
            attached = list(seal_history(item, transaction.writer, private=staging.path))
            if item["final"] and (kept := seal_validation(chosen.validation, transaction.writer)):
                body[VALIDATION], attachment = kept
                attached.append(attachment)
            if item["final"]:
                unlike, some = seal_unlike(item, transaction.writer, private=staging.path)
                body |= unlike
                attached += some
            if "segments" in item:
                body["segments"], some = attach_segments(
                    item,
                    transaction.writer,
                    private=staging.path,
                    kept=segments if plan.config.replay.keep else None,
                )
                attached += some
            manifest = sign_next(
                context,
                "checkpoint",
                name,
                body,
                checkpoint_inputs(plan, run, chosen.form),
                sealed=sealed,
                # The parent of the first is looked up now: another run may have moved the name.
                parents=[one.id for one in checkpoints[-1:]] or None,
                attachments=attached,
            )
            transaction.log_manifest(manifest)
            checkpoints.append(manifest)
            context.progress(Progress(number + 1, len(chosen.made), phase="store"))
        context.progress(Progress(phase="log"))
        indices = transaction.commit()
    return checkpoints, indices
