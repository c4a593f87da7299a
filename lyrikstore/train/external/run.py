"""Runs of external trainers: announced, run on verified copies, sealed (spec §13.13)."""

import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from lyrikstore.canon.progress import Progress
from lyrikstore.canon.text import pluralize
from lyrikstore.context import StoreContext
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Manifest
from lyrikstore.train.environment import describe_code
from lyrikstore.train.external.command import CommandEnd, check_program, run_command
from lyrikstore.train.external.extra_paths import (
    Opening,
    check_reads_unchanged,
    check_variables,
    hash_reads,
)
from lyrikstore.train.external.git_repository import CallerRepository, find_repository
from lyrikstore.train.external.inputs import (
    OUTPUT,
    WORK,
    StagedInput,
    check_inputs_unchanged,
    copy_inputs,
    some_read,
)
from lyrikstore.train.external.output import find_output, seal_output
from lyrikstore.train.external.program import copy_work_tree
from lyrikstore.train.external.request import (
    ExternalPlan,
    ExternalRun,
    check_command,
    plan_external,
)
from lyrikstore.train.external.sandbox import (
    find_confinement,
    need_confinement,
    plan_layout,
    sandbox_command,
)
from lyrikstore.train.formats import history
from lyrikstore.train.seal import log_next, sign_next
from lyrikstore.train.worker.staging import open_staging
from lyrikstore.verify.rights.judge import Reason

ORDER = "foreign"
"""Order function of runs whose order of records is unknown."""


class ExternalResult(Struct, frozen=True):
    """The result of a run by an external trainer.

    Attributes:
        run: The run manifest, logged before the command was started; for an import of a trained
            model, before the checkpoint.
        checkpoint: The checkpoint manifest.
        log_index: The position of the checkpoint in the log.
        left_out: Files that were not sealed, because they do not belong to the model.
        seconds: From the start of the call to the end.
        warnings: Warnings that did not stop the run.
    """

    run: Manifest
    checkpoint: Manifest
    log_index: int
    left_out: tuple[str, ...]
    seconds: float
    warnings: tuple[Reason, ...] = ()


def train_external(
    context: StoreContext,
    request: ExternalRun,
    command: Sequence[str],
    *,
    folder: Path | None = None,
    opening: Opening | None = None,
    unconfined: bool = False,
    message: str = "",
) -> ExternalResult:
    """Run a command on verified copies and return its result, signed and logged.

    In order: a test start of the sandbox; use rights; copies; the run manifest, signed and logged;
        the
    command; a second check of the copies; sealing; the checkpoint manifest.

    Args:
        context: The store, opened to append; ``progress`` is called in the phases ``check``,
            ``warn``, ``register``, ``command``, ``output`` (each line of its output, as ``text``),
            ``seal``, ``log`` and ``done``.
        request: The inputs, the output and the use.
        command: Program and arguments; ``{input}``, ``{input2}``, ``{base}`` and ``{output}`` stand
            for folders.
        folder: The working directory of the command.
        opening: What it may use besides its inputs; None: nothing.
        unconfined: Run it without a sandbox, in the caller's folder; this is signed with the run.
        message: Free text for the run manifest.

    Raises:
        PolicyError: (``rights-missing``) an input may not be used for the purpose. Nothing was
            logged.
        InvalidInputError: (``no-sandbox``) no sandbox is available, and ``unconfined`` is false; or
            the request, the command or ``opening`` is not valid.
        RunFailedError: (``worker-failed``) the command failed; (``bad-output``) its output
            cannot be sealed; (``nothing-read``) it opened no file of its inputs. The run stays
            announced; no checkpoint was made.
        VerificationError: (``input-changed``) its copies, or further files that it could read,
            changed.
            The run stays announced.
        ConflictError, LockedError, StorageError, IncompleteError: As any transaction.

    Cost: the command itself; one read of all inputs and further files before it, and one after
    it; a copy of the Git work tree.
    """
    begun, repo, progress = time.monotonic(), context.repository, context.progress
    base_env, folder = context.environment, folder or Path.cwd()
    check_command(command)
    check_program(command[0], base_env)
    opening = opening or Opening()
    variables = check_variables(opening, base_env)
    found = find_confinement(base_env, network=opening.network)
    confinement = need_confinement(found, unconfined=unconfined)
    progress(Progress(phase="check"))
    plan = plan_external(context, request)
    for one in plan.warnings:
        progress(Progress(phase="warn", detail={"code": one.code, "text": one.text}))
    repository = find_repository(folder)
    home = Path(base_env["HOME"]) if base_env.get("HOME") else None
    reads = hash_reads(opening, folder, store=repo.root.resolve(), home=home)
    layout = None
    if confinement.program:
        layout = plan_layout(command, folder, repository, opening, reads, base_env)
    with open_staging(repo.root) as staging:
        inputs = copy_inputs(repo, plan, staging)
        before: list[str] = []
        if layout is not None:
            if repository is not None:
                copy_work_tree(repository, staging.path / WORK)
            before = sandbox_command(confinement, layout, staging, inputs)
        progress(Progress(phase="register"))
        execution = {
            "by": "command",
            "command": list(command),
            **confinement.to_json(),
            **opening.to_json(reads),
        }
        body = run_body(plan, execution, repository)
        run = register(context, plan, body, message)
        progress(Progress(phase="command", detail={"run": str(run.id)}))
        with some_read(inputs):
            end = run_command(
                command,
                staging,
                inputs,
                folder=folder,
                base_env=base_env,
                progress=progress,
                before=before,
                variables=variables,
            )
        warnings = []
        if end.left:
            left_running = pluralize(end.left, "process", "processes")
            text = f"the command left {left_running} running; lyrikstore ended them"
            warnings.append(Reason("left-running", text))
            progress(Progress(phase="warn", detail={"code": "left-running", "text": text}))
        check_inputs_unchanged(inputs)
        check_reads_unchanged(reads)
        made = ExternalOutput(staging.path / OUTPUT, staging.path, inputs, end)
        return finish(context, plan, run, made, begun=begun, warnings=warnings)


class ExternalOutput(Struct, frozen=True):
    """The output of an external trainer, to be sealed.

    Attributes:
        folder: The folder of the model.
        private: A folder whose path must not leave this machine.
        inputs: The copies that it was trained on; empty if no copies were made.
        end: Time and memory of the command; None: unknown.
        body: Further members of the checkpoint's body.
        history: The training history, as ``history/1``; empty: unknown.
        elsewhere: The folder of the model during training, if it was another one.
        staged: Whether ``private`` is a staging folder, not a folder of the user.
    """

    folder: Path
    private: Path
    inputs: tuple[StagedInput, ...] = ()
    end: CommandEnd | None = None
    body: Mapping[str, Any] = {}
    history: bytes = b""
    elsewhere: Path | None = None
    staged: bool = True

    @property
    def names(self) -> dict[bytes, bytes]:
        """Path of each copy → the id of its tree; path of the output folder → a dot.

        Each path is listed as bytes and as ASCII JSON writes it; ``input2`` before ``input``.
        """
        words = {str(one.folder): str(one.tree.id) for one in self.inputs} | {str(self.folder): "."}
        if self.elsewhere is not None:
            words[str(self.elsewhere)] = "."
        found: dict[bytes, bytes] = {}
        for place, word in words.items():
            found[os.fsencode(place)] = word.encode("ascii")
            found[json.dumps(place)[1:-1].encode("ascii")] = word.encode("ascii")
        return dict(sorted(found.items(), reverse=True))


def run_body(
    plan: ExternalPlan,
    execution: Mapping[str, Any],
    repository: CallerRepository | None = None,
    packages: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the body of the run's manifest.

    Args:
        plan: The plan of the run.
        execution: Member ``execution``: what trains, and its sandbox.
        repository: The Git repository of the caller.
        packages: Package → version, if training is done in this process.
    """
    request = plan.request
    body: dict[str, Any] = {
        "purpose": request.purpose,
        "config": request.to_json(),
        "seed": 0,
        "order": {
            "function": ORDER,
            "records": {"train": sum(one.body["records"] for one in plan.inputs)},
        },
        "environment": {
            "python": f"{platform.python_implementation()} {platform.python_version()}",
            "platform": platform.platform(),
            "packages": dict(packages or {}),
            "threads": _cores(),
        },
        "code": describe_code(),
        "plannedOutputs": [request.name],
        **plan.rights.to_body(),
        "execution": dict(execution),
    }
    if repository is not None:
        body["repository"] = repository.to_json()
    return body


def register(
    context: StoreContext, plan: ExternalPlan, body: Mapping[str, Any], message: str
) -> Manifest:
    """Sign and log the announcement of a run, if its rights are still valid; return it.

    Raises:
        PolicyError: (``rights-missing``) a right was revoked since the check.
        ConflictError, LockedError, StorageError: As any transaction.
    """
    # ATTACK A126: a right is revoked while inputs are copied
    name, inputs, hold = plan.request.run_name, plan.run_inputs, plan.still
    logged = log_next(context, "run", name, body, inputs, message, hold=hold, decided=plan.decided)
    return logged[0]


def finish(
    context: StoreContext,
    plan: ExternalPlan,
    run: Manifest,
    made: ExternalOutput,
    *,
    begun: float,
    warnings: Sequence[Reason] = (),
    hold: Callable[[], None] | None = None,
) -> ExternalResult:
    """Seal the output of a run, sign and log the checkpoint; return the result.

    Args:
        context: The store.
        plan: The plan of the run.
        run: The run manifest.
        made: The output.
        begun: The start, by the monotonic clock.
        warnings: Warnings from training.
        hold: Called under the lock, to check again what may have changed in the log.

    Raises:
        RunFailedError: (``bad-output``) the output cannot be sealed; nothing was stored.
        ConflictError, LockedError, StorageError: As any transaction.
    """
    context.progress(Progress(phase="seal"))
    checkpoint, index, left = _emit(context, plan, run, made, hold)
    context.progress(Progress(phase="done"))
    seconds = time.monotonic() - begun
    return ExternalResult(run, checkpoint, index, left, seconds, (*plan.warnings, *warnings))


def _emit(
    context: StoreContext,
    plan: ExternalPlan,
    run: Manifest,
    made: ExternalOutput,
    hold: Callable[[], None] | None,
) -> tuple[Manifest, int, tuple[str, ...]]:
    output = find_output(made.folder, plan.request.format)
    body: dict[str, Any] = {"origin": "trained", "final": True, "format": output.format}
    body |= made.body
    if made.end is not None:
        body["actual"] = made.end.to_json()
    with open_transaction(context.repository) as transaction:
        writer = transaction.writer
        sealed = seal_output(
            made.folder,
            output,
            writer,
            names=made.names,
            private=made.private,
            staged=made.staged,
        )
        attachments = []
        if made.history:
            digest = writer.put_bytes(made.history)
            attachments.append(Attachment(history.ROLE, digest, len(made.history)))
        checkpoint = sign_next(
            context,
            "checkpoint",
            plan.request.name,
            body,
            plan.checkpoint_inputs(run),
            sealed=sealed,
            attachments=attachments,
        )
        transaction.log_manifest(checkpoint)
        if hold is not None:
            transaction.hold(hold)
        context.progress(Progress(phase="log"))
        indices = transaction.commit()
    return checkpoint, indices[-1], output.left_out


def _cores() -> int:
    counted = getattr(os, "sched_getaffinity", None)
    return len(counted(0)) if counted else os.cpu_count() or 1
