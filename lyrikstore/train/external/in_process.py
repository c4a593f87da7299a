"""Training by a library in the caller's process, such as transformers (spec §13.13.5)."""

import contextlib
import math
import sys
import time
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.progress import Progress
from lyrikstore.context import StoreContext
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.train.environment import PACKAGES
from lyrikstore.train.external.git_repository import find_repository
from lyrikstore.train.external.inputs import (
    OUTPUT,
    StagedInput,
    check_inputs_unchanged,
    copy_inputs,
)
from lyrikstore.train.external.request import ExternalRun, plan_external
from lyrikstore.train.external.run import (
    ExternalOutput,
    ExternalResult,
    finish,
    register,
    run_body,
)
from lyrikstore.train.external.sandbox import unconfined
from lyrikstore.train.formats.history import write_history
from lyrikstore.train.worker.staging import BASE, open_staging

_PACKAGES = (*PACKAGES, "datasets", "lightning", "trl")


class OpenRun:
    """An announced run that trains in this process.

    Attributes:
        run: The run manifest, logged before this object was made.
        inputs: Folders with the files of the inputs, in order; not to be written to.
        base: Folder of the base model; None: there is none.
        output: Folder to write the model to.
        result: The result of the run, after the ``with`` block has ended.
    """

    def __init__(self, run: Manifest, staged: tuple[StagedInput, ...], output: Path) -> None:
        self.run, self.output = run, output
        self.inputs = tuple(one.folder for one in staged if one.name != BASE)
        self.base = next((one.folder for one in staged if one.name == BASE), None)
        self.result: ExternalResult | None = None
        self._open = True
        self._progress: Mapping[str, Any] = {}
        self._losses: list[float] = []

    @property
    def input(self) -> Path:
        """The folder of the first input."""
        return self.inputs[0]

    def callback(self) -> Any:
        """Return a ``TrainerCallback`` of transformers that records steps and losses of the run.

        It raises if training starts outside of the ``with`` block, or as one of several ranks.
        """
        from transformers import TrainerCallback

        run = self

        class _Callback(TrainerCallback):
            def on_train_begin(self, args: Any, *_: Any, **__: Any) -> None:
                run.check_open()
                _check_ranks(getattr(args, "world_size", 1))

            def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                del args, control, kwargs
                run.note(
                    step=int(state.global_step),
                    epoch=float(state.epoch or 0),
                    losses=[float(one["loss"]) for one in state.log_history if "loss" in one],
                )

        return _Callback()

    def check_open(self) -> None:
        """Raise `run-over` if the run has ended.

        Raises:
            InvalidInputError: (``run-over``) it was sealed, or it failed.
        """
        if not self._open:
            raise InvalidInputError(
                "run-over",
                f"the run {self.run.name} has ended",
                hint="train within its `with` block, or start another run",
            )

    def note(self, *, step: int, epoch: float, losses: list[float]) -> None:
        """Record the progress that the training library reports.

        Args:
            step: Number of steps done.
            epoch: Number of passes over the data.
            losses: Losses of the steps, or means of several steps, in order.
        """
        self.check_open()
        text = f"{epoch:.4f}".rstrip("0").rstrip(".")
        self._progress, self._losses = {"step": step, "epoch": text}, losses

    def close(self) -> None:
        """End the run; nothing can be trained in it afterwards."""
        self._open = False

    def stated(self) -> tuple[Mapping[str, Any], bytes]:
        """Return the recorded progress: members of the checkpoint, and the training history."""
        finite = [one for one in self._losses if math.isfinite(one) and abs(one) < 1e9]
        history = write_history("foreign", finite, []) if finite else b""
        return self._progress, history


@contextlib.contextmanager
def open_run(
    context: StoreContext,
    request: ExternalRun,
    *,
    folder: Path | None = None,
    message: str = "",
) -> Iterator[OpenRun]:
    """Announce a run that trains in this process, and seal its output folder at the end.

    Args:
        context: The store, opened to append; ``progress`` is called in the phases ``check``,
            ``warn``, ``register``, ``start``, ``seal``, ``log`` and ``done``.
        request: The inputs of the run, and the name of the checkpoint.
        folder: The folder of the caller's program, for its Git repository.
        message: Free text for the run manifest.

    Raises:
        InvalidInputError: (``several-ranks``) this process is one of several that train one model.
        LyrikstoreError: As :func:`lyrikstore.train.external.run.train_external`. After an exception
            in the ``with`` block the run stays announced, without a checkpoint.
    """
    begun, repo, progress = time.monotonic(), context.repository, context.progress
    _check_ranks(_ranks())
    progress(Progress(phase="check"))
    plan = plan_external(context, request)
    for one in plan.warnings:
        progress(Progress(phase="warn", detail={"code": one.code, "text": one.text}))
    with open_staging(repo.root) as staging:
        staged = copy_inputs(repo, plan, staging)
        progress(Progress(phase="register"))
        execution = {"by": "callback", **unconfined("in-process")}
        body = run_body(plan, execution, find_repository(folder or Path.cwd()), _packages())
        run = register(context, plan, body, message)
        progress(Progress(phase="start", detail={"run": str(run.id)}))
        announced = OpenRun(run, staged, staging.path / OUTPUT)
        try:
            yield announced
        finally:
            announced.close()
        _check_ranks(_ranks())
        check_inputs_unchanged(staged)
        members, history = announced.stated()
        made = ExternalOutput(announced.output, staging.path, staged, body=members, history=history)
        announced.result = finish(context, plan, run, made, begun=begun)


def _ranks() -> int:
    """Return how many processes train together, as far as PyTorch knows."""
    found = sys.modules.get("torch.distributed")
    if found is None or not found.is_available() or not found.is_initialized():
        return 1
    return int(found.get_world_size())


def _check_ranks(ranks: int) -> None:
    # Each rank would announce its own run and seal its own model.
    if ranks > 1:
        raise InvalidInputError(
            "several-ranks",
            f"this process is one of {ranks} ranks",
            hint="run the program by `lyrikstore train --input … --as … -- torchrun …`",
        )


def _packages() -> dict[str, str]:
    found = {}
    for name in sorted(_PACKAGES):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
