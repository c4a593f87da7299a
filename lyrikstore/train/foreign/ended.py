"""What another tool had trained before anybody announced it (spec §13.13.6).

Its rights are asked for as of now, and it is sealed as any output is. When it was trained, with
which data and how, is what whoever brings it in says.
"""

import time
from pathlib import Path

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.canon.timestamps import Clock
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.foreign.output import check_output, find_output
from lyrikstore.train.foreign.request import ForeignRun, plan_foreign
from lyrikstore.train.foreign.run import (
    ForeignOutput,
    ForeignResult,
    emit,
    register,
    run_body,
)
from lyrikstore.train.foreign.sandbox import unconfined


def import_trained(
    repo: Repository,
    folder: Path,
    request: ForeignRun,
    *,
    signer: Signer,
    trust: Trust,
    clock: Clock,
    progress: OnProgress = silent,
    message: str = "",
) -> ForeignResult:
    """Seal what another tool left; return it, signed and logged, with a run that says so.

    Args:
        repo: The store, opened to append.
        folder: What it left; read only.
        request: What it says to have learned from, and what the checkpoint is called.
        signer: Signs run and checkpoint.
        trust: Whose permissions count.
        clock: Tells the claimed times, and the moment of use.
        progress: Progress callback, called in the phases ``check``, ``warn``, ``register``,
            ``seal``, ``log`` and ``done``.
        message: Free text for the run manifest.

    Raises:
        InvalidInputError: (``not-a-folder``) there is no such folder; else as
            :func:`lyrikstore.train.foreign.run.train_foreign`.
        PolicyError: (``rights-missing``) an input may not be used for the purpose now.
        RunFailedError: (``bad-output``) it cannot be sealed.
        ConflictError, LockedError, StorageError: As any transaction.

    Nothing is logged where it is refused, unless it is changed meanwhile. Cost: one read of the
    folder, and another of its text.
    """
    begun = time.monotonic()
    progress(Progress(phase="check"))
    if folder.is_symlink() or not folder.is_dir():
        raise InvalidInputError(
            "not-a-folder", f"{folder} is no folder", hint="name the folder that the tool wrote"
        )
    folder = folder.resolve()
    plan = plan_foreign(repo, request, trust=trust, clock=clock, user=signer.did)
    for one in plan.warnings:
        progress(Progress(phase="warn", detail={"code": one.code, "text": one.text}))
    made = ForeignOutput(folder, folder, staged=False)
    output = find_output(folder, plan.request.format)
    check_output(folder, output, names=made.names, private=folder)
    progress(Progress(phase="register"))
    body = run_body(plan, {"by": "ended", **unconfined("ended")})
    run = register(repo, plan, body, signer=signer, clock=clock, message=message)
    progress(Progress(phase="seal"))
    checkpoint, index, left = emit(
        repo, plan, run, made, signer=signer, clock=clock, progress=progress
    )
    progress(Progress(phase="done"))
    seconds = time.monotonic() - begun
    return ForeignResult(run, checkpoint, index, left, seconds, plan.warnings)
