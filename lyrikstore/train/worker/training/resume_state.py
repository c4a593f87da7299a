"""Points of training: all that the rest of a run follows from, kept now and then (spec §13.2.3).

A point goes to the parent as a file with its digest. Whether it is used again, and that it is the
same file then, the parent decides: nothing here looks for a point by itself.
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
"""What AdamW knows of each number."""

_WEIGHTS = "weights"
_LOSSES = "losses"


class Position(Struct, frozen=True, rename="camel"):
    """How far training is.

    Attributes:
        step: Steps that were taken.
        epoch: The epoch, from 0.
        batch: Batches of it that were learned from.
        loss: Sum of their losses, each times its records, as a hexadecimal float.
        best_score: The best metric of the validation data, likewise; empty: there is none yet.
        best_epoch: Its epoch.
        kept: The epochs whose weights are kept.
        train_losses: Of each epoch so far, the mean loss of a record.
        scores: Of each epoch so far, the metric of the validation data.
        wall_seconds: Spent so far.
        cpu_seconds: Spent so far, of all cores together.
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
    """Return all that the rest of a run follows from, the position aside."""
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
    """Set weights, optimizer and random numbers to what :func:`state_tensors` gave."""
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
    """Return whether tensors are a state of this training, whatever it is, to go on from.

    Of what the optimizer knows of a number all is there or nothing: it knows what got a gradient.
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
    # After no step AdamW divides by zero, and after fewer than none it takes roots of what is less.
    taken = [found[name] for name in known if name.endswith(".step")]
    device = _device_of(parameters)
    return fine and all(one >= 1 for one in taken) and is_random_state(found, device)


def _device_of(parameters: Mapping[str, Tensor]) -> torch.device:
    return next(iter(parameters.values())).device


def signed_position(position: Position) -> dict[str, Any]:
    """Return a position without what is another every time."""
    said: dict[str, Any] = msgspec.to_builtins(position)
    return {name: value for name, value in said.items() if not name.endswith("Seconds")}


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
    """An epoch that a checkpoint will be made of.

    Attributes:
        state: What is trained.
        logits: Of the validation data: records × labels.
        metrics: Of the epoch; decimals as text.
        step: Steps that were taken until its end.
    """

    state: Mapping[str, Tensor]
    logits: Tensor
    metrics: Mapping[str, str]
    step: int


class Points:
    """Writes points, and gives back the one that the parent staged.

    Args:
        job: ``pointSeconds``: time between points, absent: none is kept; ``resume``: what to go on
            from: ``point`` and ``kept``, names of staged files, ``position``, ``epochs`` (what is
            said of the kept ones); ``segmentSteps``: steps of a segment, absent: there are none;
            ``keepSegments``: whether the parent takes where they begin.
        files: The staging folder.
        began: The clocks of the job.
        report: Told of each point.
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
        """Set weights, optimizer and random numbers to where the parent says.

        Args:
            parameters: What is trained.
            optimizer: Holds what it knows of them.

        Returns:
            The position; the epochs that are kept; the loss of every step so far.
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
        """Whether nothing more is to be learned, though there is more."""
        return False

    def end_segment(
        self,
        position: Position,
        parameters: Mapping[str, Tensor],
        optimizer: torch.optim.Optimizer,
    ) -> None:
        """Note the state where a segment ends, and the next one begins."""
        if self.segment_steps is None:
            return
        said, tensors = signed_position(position), state_tensors(parameters, optimizer)
        self.states.append(SegmentState(said, state_digest(said, tensors).hex))
        # Before the first step everything follows from base and seed.
        if self._keeps_segments and position.step:
            self._give("segment", tensors, segment=len(self.states) - 1)

    def listed(self, candidate: str) -> bytes:
        """Return the list of the states that were noted; empty where none are."""
        if self.segment_steps is None:
            return b""
        return SegmentList(candidate, self.segment_steps, tuple(self.states)).encode()

    def keep(self, epoch: int, kept: Kept) -> None:
        """Give the parent an epoch that a checkpoint will be made of."""
        if self._every is not None:
            about = {"metrics": dict(kept.metrics), "step": kept.step}
            tensors = {**kept.state, "logits": kept.logits}
            self._give("kept", tensors, epoch=epoch, about=about)

    @property
    def is_due(self) -> bool:
        """Whether the time between points is over."""
        return self._every is not None and time.monotonic() - self._last >= self._every

    def save(
        self,
        position: Position,
        parameters: Mapping[str, Tensor],
        optimizer: torch.optim.Optimizer,
        losses: Sequence[float],
    ) -> None:
        """Give the parent a point."""
        if self._every is None:
            return
        tensors = state_tensors(parameters, optimizer)
        tensors[_LOSSES] = torch.tensor(losses, dtype=torch.float64)
        wall, cpu = self._began.spent()
        now = replace(position, wall_seconds=wall, cpu_seconds=cpu)
        said = msgspec.to_builtins(now)
        self._give(POINT, tensors, position=said)
        self._last = time.monotonic()

    def _give(self, kind: str, tensors: Mapping[str, Tensor], **about: Any) -> None:
        self._number += 1
        folder = self._files.folder / "out" / FOLDER
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{self._number}.safetensors"
        save_file({name: value.cpu().contiguous() for name, value in tensors.items()}, path)
        digest = Digest.of_file(path)
        self._report("point", 0, 0, kind=kind, number=self._number, blake3=digest.hex, **about)
