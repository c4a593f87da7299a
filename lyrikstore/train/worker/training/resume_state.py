"""Resume states: all data from which an interrupted training continues (spec §13.2.3).

The worker gives a resume state to the parent as a file with its digest. The parent decides whether
it is used, and checks that the file is unchanged: the worker never looks for one itself.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import torch
from msgspec import Struct
from msgspec.structs import replace
from safetensors.torch import load, save_file
from torch import Tensor

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode
from lyrikstore.train.worker.device import is_random_state, random_state, set_random_state
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.training.checkpoint_writer import JobClocks, Report
from lyrikstore.verify.store.statements.segments import SegmentList, SegmentState

FOLDER = "points"
POINT = "point"
_OPTIMIZER = "optimizer"
_MEMBERS = ("exp_avg", "exp_avg_sq", "step")
"""The state of AdamW for each parameter."""

_WEIGHTS = "weights"
_LOSSES = "losses"


class Position(Struct, frozen=True, rename="camel"):
    """Progress of a training.

    Attributes:
        step: Steps so far.
        epoch: The current epoch, from 0.
        batch: Batches of the epoch so far.
        loss: Sum of their losses, each times its records, as a hexadecimal float.
        best_score: The best metric of the validation data, also hexadecimal; empty: none yet.
        best_epoch: The epoch with that metric.
        kept: The epochs whose weights are kept.
        train_losses: For each epoch so far, the mean loss of a record.
        scores: For each epoch so far, the metric of the validation data.
        wall_seconds: Wall seconds so far.
        cpu_seconds: CPU seconds so far, of all cores together.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    loss: str = (0.0).hex()
    best_score: str = ""
    best_epoch: int = 0
    kept: tuple[int, ...] = ()
    train_losses: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    wall_seconds: str = "0.0"
    cpu_seconds: str = "0.0"


def state_tensors(
    parameters: Mapping[str, Tensor], optimizer: torch.optim.Optimizer
) -> dict[str, Tensor]:
    """Return weights, optimizer state and random states: a resume state without its position."""
    found = {f"{_WEIGHTS}.{name}": value.detach() for name, value in parameters.items()}
    for number, state in optimizer.state_dict()["state"].items():
        for member, value in state.items():
            found[f"{_OPTIMIZER}.{number}.{member}"] = value
    return found | random_state(_device_of(parameters))


def set_state(
    found: Mapping[str, Tensor],
    parameters: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
) -> None:
    """Restore weights, optimizer and random generators from :func:`state_tensors`."""
    with torch.no_grad():
        for name, value in parameters.items():
            value.copy_(found[f"{_WEIGHTS}.{name}"])
    held: dict[int, dict[str, Tensor]] = {}
    for name, value in found.items():
        kind, _, rest = name.partition(".")
        if kind == _OPTIMIZER:
            number, _, member = rest.partition(".")
            held.setdefault(int(number), {})[member] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": held})
    set_random_state(found, _device_of(parameters))


def is_state(
    found: Mapping[str, Tensor],
    parameters: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
) -> bool:
    """Return whether tensors are a valid state from which this training can resume.

    The optimizer's state of a parameter is complete or absent: it has one only after a gradient.
    """
    numbers = [value for group in optimizer.param_groups for value in group["params"]]
    shapes: dict[str, torch.Size] = {
        f"{_OPTIMIZER}.{number}.{member}": value.shape if member != "step" else torch.Size()
        for number, value in enumerate(numbers)
        for member in _MEMBERS
    }
    known = {name for name in found if name.startswith(f"{_OPTIMIZER}.")}
    held = {name.rpartition(".")[0] for name in known}
    wanted = {f"{_WEIGHTS}.{name}": value.shape for name, value in parameters.items()}
    wanted |= {name: shape for name, shape in shapes.items() if name.rpartition(".")[0] in held}
    randoms = random_state(_device_of(parameters))
    if found.keys() - {_LOSSES} != wanted.keys() | randoms.keys():
        return False
    fine = all(
        found[name].shape == shape
        and found[name].dtype == torch.float32
        and torch.isfinite(found[name]).all()
        for name, shape in wanted.items()
    )
    # With a step count of 0 AdamW divides by zero; with a negative one it takes a negative root.
    taken = [found[name] for name in known if name.endswith(".step")]
    device = _device_of(parameters)
    return fine and all(one >= 1 for one in taken) and is_random_state(found, device)


def _device_of(parameters: Mapping[str, Tensor]) -> torch.device:
    return next(iter(parameters.values())).device


def signed_position(position: Position) -> dict[str, Any]:
    """Return the members of a position without those that differ every time: the seconds."""
    members: dict[str, Any] = msgspec.to_builtins(position)
    return {name: value for name, value in members.items() if not name.endswith("Seconds")}


def state_digest(position: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Digest:
    """Return the digest that is signed of a state of training (spec §13.14.1)."""
    about = {
        name: {
            "blake3": Digest.of(_raw(value)).hex,
            "dtype": str(value.dtype).removeprefix("torch."),
            "shape": list(value.shape),
        }
        for name, value in tensors.items()
        if name != _LOSSES
    }
    return Digest.of(encode({"position": dict(position), "tensors": about}))


def _raw(value: Tensor) -> bytes:
    return value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


class Kept(Struct, frozen=True):
    """An epoch that becomes a checkpoint.

    Attributes:
        state: The trained parameters.
        logits: The logits of the validation data: records × labels.
        metrics: The metrics of the epoch; decimals as text.
        step: Number of training steps that were done at the end of the epoch.
    """

    state: Mapping[str, Tensor]
    logits: Tensor
    metrics: Mapping[str, str]
    step: int


class ResumeStates:
    """Writes resume states, and restores the one that the parent staged.

    Args:
        job: ``pointSeconds``: time between resume states, absent: none is written; ``resume``: the
        state to resume from: ``point`` and ``kept``, names of staged files, ``position``,
        ``epochs`` (metrics and step of the kept ones); ``segmentSteps``: steps of a segment,
        absent: there are no segments; ``keepSegments``: whether the parent stores the first
        state of each segment.
        files: The staging folder.
        began: The clocks of the job.
        report: Called for each resume state.
    """

    def __init__(
        self, job: Mapping[str, Any], files: StagedFiles, began: JobClocks, report: Report
    ) -> None:
        self._every = job.get("pointSeconds")
        self._resume: Mapping[str, Any] | None = job.get("resume")
        self._files, self._began, self._report = files, began, report
        self._last, self._number = time.monotonic(), 0
        self.segment_steps: int | None = job.get("segmentSteps")
        self._keeps_segments = bool(job.get("keepSegments"))
        self.states: list[SegmentState] = []

    def restore(
        self, parameters: Mapping[str, Tensor], optimizer: torch.optim.Optimizer
    ) -> tuple[Position, dict[int, Kept], list[float]]:
        """Restore the staged resume state, if there is one.

        Args:
            parameters: The trained parameters.
            optimizer: Their optimizer.

        Returns:
            The position; the kept epochs; the loss of every step so far.
        """
        if self._resume is None:
            return Position(), {}, []
        found = load(self._files.read(str(self._resume["point"])))
        set_state(found, parameters, optimizer)
        position = msgspec.convert(self._resume["position"], Position)
        self._began.add(float(position.wall_seconds), float(position.cpu_seconds))
        kept = {}
        for epoch in position.kept:
            tensors = load(self._files.read(str(self._resume["kept"][str(epoch)])))
            about = self._resume["epochs"][str(epoch)]
            logits = tensors.pop("logits")
            kept[epoch] = Kept(tensors, logits, about["metrics"], int(about["step"]))
        return position, kept, found[_LOSSES].tolist()

    @property
    def is_over(self) -> bool:
        """Whether training stops here, before its end."""
        return False

    def end_segment(
        self,
        position: Position,
        parameters: Mapping[str, Tensor],
        optimizer: torch.optim.Optimizer,
    ) -> None:
        """Record the state at the end of a segment, which is the first one of the next."""
        if self.segment_steps is None:
            return
        signed, tensors = signed_position(position), state_tensors(parameters, optimizer)
        self.states.append(SegmentState(signed, state_digest(signed, tensors).hex))
        # Before the first step everything follows from base and seed.
        if self._keeps_segments and position.step:
            self._give("segment", tensors, segment=len(self.states) - 1)

    def listed(self, candidate: str) -> bytes:
        """Return the encoded list of recorded states; empty if the run has no segments."""
        if self.segment_steps is None:
            return b""
        return SegmentList(candidate, self.segment_steps, tuple(self.states)).encode()

    def keep(self, epoch: int, kept: Kept) -> None:
        """Give the parent an epoch that becomes a checkpoint."""
        if self._every is not None:
            about = {"metrics": dict(kept.metrics), "step": kept.step}
            tensors = {**kept.state, "logits": kept.logits}
            self._give("kept", tensors, epoch=epoch, about=about)

    @property
    def is_due(self) -> bool:
        """Whether it is time for the next resume state."""
        return self._every is not None and time.monotonic() - self._last >= self._every

    def save(
        self,
        position: Position,
        parameters: Mapping[str, Tensor],
        optimizer: torch.optim.Optimizer,
        losses: Sequence[float],
    ) -> None:
        """Give the parent a resume state."""
        if self._every is None:
            return
        tensors = state_tensors(parameters, optimizer)
        tensors[_LOSSES] = torch.tensor(losses, dtype=torch.float64)
        wall, cpu = self._began.spent()
        now = replace(position, wall_seconds=wall, cpu_seconds=cpu)
        self._give(POINT, tensors, position=msgspec.to_builtins(now))
        self._last = time.monotonic()

    def _give(self, kind: str, tensors: Mapping[str, Tensor], **about: Any) -> None:
        self._number += 1
        folder = self._files.folder / "out" / FOLDER
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{self._number}.safetensors"
        save_file({name: value.cpu().contiguous() for name, value in tensors.items()}, path)
        digest = Digest.of_file(path)
        self._report("point", 0, 0, kind=kind, number=self._number, blake3=digest.hex, **about)
