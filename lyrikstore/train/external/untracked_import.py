"""Import of a model that another tool trained without an announced run (spec §13.13.6).

Rights are checked as of now, and the model is sealed like any output. When it was trained, on which
data and how, is only a statement of the user who imports it.
"""

import time
from pathlib import Path

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.progress import Progress
from lyrikstore.context import StoreContext
from lyrikstore.train.external.output import check_output, find_output
from lyrikstore.train.external.request import ExternalRun, plan_external
from lyrikstore.train.external.run import (
    ExternalOutput,
    ExternalResult,
    finish,
    register,
    run_body,
)
from lyrikstore.train.external.sandbox import unconfined


def import_trained(
    context: StoreContext,
    folder: Path,
    request: ExternalRun,
    *,
    message: str = "",
) -> ExternalResult:
    """Seal a model that another tool trained; sign and log it, with a run that states this.

    Args:
        context: The store, opened to append; ``progress`` is called in the phases ``check``,
            ``warn``, ``register``, ``seal``, ``log`` and ``done``.
        folder: The folder of the model; it is not changed.
        request: The stated inputs, and the name of the checkpoint.
        message: Free text for the run manifest.

    Raises:
        InvalidInputError: (``not-a-folder``) there is no such folder; else as
            :func:`lyrikstore.train.external.run.train_external`.
        ConflictError, LockedError, StorageError: As any transaction.
        LyrikstoreError: As :func:`plan_external` and :func:`find_output`.

    If the model is refused, nothing is logged, unless its folder changes during the call. Cost: one
    read of the
    folder, and another of its text.
    """
    begun, progress = time.monotonic(), context.progress
    progress(Progress(phase="check"))
    if folder.is_symlink() or not folder.is_dir():
        raise InvalidInputError(
            "not-a-folder", f"{folder} is not a folder", hint="name the folder that the tool wrote"
        )
    folder = folder.resolve()
    plan = plan_external(context, request)
    for one in plan.warnings:
        progress(Progress(phase="warn", detail={"code": one.code, "text": one.text}))
    made = ExternalOutput(folder, folder, staged=False)
    output = find_output(folder, plan.request.format)
    check_output(folder, output, names=made.names, private=folder)
    progress(Progress(phase="register"))
    body = run_body(plan, {"by": "ended", **unconfined("ended")})
    run = register(context, plan, body, message)
    return finish(context, plan, run, made, begun=begun)
