"""Replay of sampled segments of a run, each from its first state (spec §13.14.1)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import msgspec
import torch
from msgspec import Struct
from safetensors import SafetensorError, deserialize
from safetensors.torch import load
from torch import Tensor

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import RunFailedError
from lyrikstore.train.task import find_task
from lyrikstore.train.worker.errors import DIVERGED
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.training.checkpoint_writer import Report
from lyrikstore.train.worker.training.loop import EpochLoop
from lyrikstore.train.worker.training.resume_state import (
    Kept,
    Position,
    ResumeStates,
    is_state,
    set_state,
    signed_position,
    state_digest,
    state_tensors,
)
from lyrikstore.verify.store.statements.segments import SegmentState, places


def replay(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Train some segments again, and write the model of a state.

    Args:
        job: As for :func:`lyrikstore.train.worker.training.fit.train`, and ``segments``, ascending:
            each ``number``, ``point`` (a staged file; absent for the first
            one), ``position``; a segment with another first state than the run states
            is left out; ``segmentSteps``; ``final``: ``point`` and ``position`` of the
            state whose model is written; absent: none is written.
        files: The staging folder.
        report: Called per segment.

    Returns:
        ``start``: digest of the state before the first step; ``epochSteps``: steps of each epoch;
        ``replayed``: for each segment ``number``, ``began`` and ``ended``, the digests of its first
        and last state; ``ended`` is empty if training ends at ``position``, or if the file is not a
        state to resume from; ``final``: ``state``, and the ``folder`` of the model if the file is a
        state.
    """
    fitting = find_task(job["task"]).open_learner(job, files)
    tensors = state_tensors(fitting.parameters(), fitting.optimizer)
    start = state_digest(signed_position(Position()), tensors).hex
    epochs = [len(fitting.batches(epoch)) for epoch in range(int(fitting.training["epochs"]))]
    steps = int(job["segmentSteps"])
    # No segment begins where the last one ends.
    begins = places(epochs, steps)[:-1]
    # ATTACK: a position that nobody can go on from, so that nothing is said of what was forged.
    found, segments = [], []
    for one in job["segments"]:
        begin = SegmentState(one["position"], "")
        if one["number"] < len(begins) and begin.is_at(begins[one["number"]]):
            segments.append(one)
        elif "point" in one:
            files.read(str(one["point"]))  # all that was staged has to be read
    for done, one in enumerate(segments):
        report("replay", done, len(segments))
        again = _SegmentReplay(one, steps, files)
        with _ignoring_invalid_states():
            EpochLoop(fitting, again).run(lambda *_, **__: None)
        ended = again.ended
        found.append({"number": one["number"], "began": again.began or start, "ended": ended})
    final: dict[str, Any] = {}
    if "final" in job:
        read = _read_state(files, job["final"])
        final = {"final": {"state": read.digest}}
        with _ignoring_invalid_states():
            read.set(fitting.parameters(), fitting.optimizer)
            folder = files.folder / "out" / "replay" / "final"
            folder.mkdir(parents=True, mode=0o700)
            fitting.model.save(folder)
            final["final"]["folder"] = "out/replay/final"
    return {"start": start, "epochSteps": epochs, "replayed": found, **final}


_TYPES = frozenset({"F32", "F64", "U8"})
"""Types of the tensors in a resume state."""


class _NoStateError(Exception):
    """The file is not a state from which training can resume."""


@contextmanager
def _ignoring_invalid_states() -> Iterator[None]:
    """Suppress errors of a state that is invalid, or of training from it."""
    # ATTACK: whoever signed garbage as a state would have no verdict against them.
    try:
        yield
    except (_NoStateError, ArithmeticError):
        return
    except RunFailedError as error:
        if error.kind != DIVERGED:
            raise


class _StoredState(Struct, frozen=True):
    """The content of a resume state.

    Attributes:
        digest: Digest of the state; of the file if it cannot be a state.
        tensors: The tensors of the file.
    """

    digest: str
    tensors: Mapping[str, Tensor]

    def set(self, parameters: Mapping[str, Tensor], optimizer: torch.optim.Optimizer) -> None:
        """Restore weights, optimizer and random generators; raise unless the state is valid."""
        if not is_state(self.tensors, parameters, optimizer):
            raise _NoStateError
        set_state(self.tensors, parameters, optimizer)


def _read_state(files: StagedFiles, state: Mapping[str, Any]) -> _StoredState:
    data = files.read(str(state["point"]))
    try:
        held: list[tuple[str, Any]] = cast("Any", deserialize)(data)
    except SafetensorError:
        held = []
    # ATTACK: types that PyTorch has not, and empty tensors of more than its numbers can count.
    if not held or not all(one["dtype"] in _TYPES and all(one["shape"]) for _, one in held):
        return _StoredState(Digest.of(data).hex, {})
    tensors = load(data)
    return _StoredState(state_digest(state["position"], tensors).hex, tensors)


class _SegmentReplay(ResumeStates):
    """The first state of one segment; training stops at the end of the segment."""

    def __init__(self, segment: Mapping[str, Any], steps: int, files: StagedFiles) -> None:
        self._segment, self._files = segment, files
        self.segment_steps = steps
        self.began = self.ended = ""

    def restore(
        self, parameters: Mapping[str, Tensor], optimizer: torch.optim.Optimizer
    ) -> tuple[Position, dict[int, Kept], list[float]]:
        if "point" not in self._segment:
            return Position(), {}, []
        read = _read_state(self._files, self._segment)
        self.began = read.digest
        read.set(parameters, optimizer)
        position = msgspec.convert(self._segment["position"], Position)
        # Which epochs are kept is part of the state; what they hold is not needed here.
        nothing = Kept({}, torch.zeros(0), {}, 0)
        return position, dict.fromkeys(position.kept, nothing), []

    def keep(self, epoch: int, kept: Kept) -> None:
        """Keep nothing."""

    @property
    def is_due(self) -> bool:
        return False

    @property
    def is_over(self) -> bool:
        return bool(self.ended)

    def save(self, *_: Any) -> None:
        """Keep nothing."""

    def end_segment(
        self,
        position: Position,
        parameters: Mapping[str, Tensor],
        optimizer: torch.optim.Optimizer,
    ) -> None:
        if position.step > int(self._segment["position"]["step"]):
            tensors = state_tensors(parameters, optimizer)
            self.ended = state_digest(signed_position(position), tensors).hex
