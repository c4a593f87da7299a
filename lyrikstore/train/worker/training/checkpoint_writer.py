"""Output of a candidate: its checkpoints, and their predictions of the validation data."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyrikstore.train.worker.metrics import decimal
from lyrikstore.train.worker.models.model import Saved
from lyrikstore.train.worker.models.unlike import FittedUnlike
from lyrikstore.train.worker.process import peak_memory_bytes
from lyrikstore.verify.evaluation.choice.task import Scores

Report = Callable[..., None]
"""Progress callback: ``phase``, ``done``, ``total``, and figures by name."""


class JobClocks:
    """Wall clock and CPU clock of a job, over interruptions."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def add(self, wall: float, cpu: float) -> None:
        """Add the seconds of an interrupted process before this one."""
        self._wall, self._cpu = self._wall - wall, self._cpu - cpu

    def spent(self) -> tuple[str, str]:
        """Return the wall seconds, and the CPU seconds of all cores together; decimals as text."""
        wall, cpu = time.monotonic() - self._wall, time.process_time() - self._cpu
        return decimal(wall, 1), decimal(cpu, 1)

    def figures(self) -> dict[str, str]:
        """Return seconds and peak memory so far, as figures of a run."""
        wall, cpu = self.spent()
        return {
            "wallSeconds": wall,
            "cpuSeconds": cpu,
            "peakMemoryBytes": str(peak_memory_bytes()),
        }


class WrittenCheckpoints:
    """Writes checkpoints, and lists them with their predictions of the validation data.

    Args:
        out: The folder of the candidate.
        began: Wall time and processor time at the start of the job.
    """

    def __init__(self, out: Path, began: JobClocks) -> None:
        self._out, self.began = out, began
        self.checkpoints: list[dict[str, Any]] = []

    def add(
        self,
        model: Saved,
        logits: Scores | None,
        *,
        final: bool,
        step: int = 1,
        epoch: str = "1",
        metrics: Mapping[str, str] = {},
        history: bytes = b"",
        segments: bytes = b"",
        unlike: FittedUnlike | None = None,
        out_of_fold: NDArray[np.float32] | None = None,
        settings: Mapping[str, str] = {},
    ) -> None:
        """Write a checkpoint, its training history if it was trained by steps, and its segments.

        The entry also has the limit for texts unlike the training data, if it is known; for a
        candidate compared by folds their logits, and the settings that they chose.
        """
        number = len(self.checkpoints) + 1
        folder = self._out / f"{number}"
        folder.mkdir(parents=True, mode=0o700)
        model.save(folder)
        # `tofile` would not say why it could not write.
        name = f"out/{self._out.name}"
        about: dict[str, Any] = {}
        if logits is not None:
            (self._out / f"{number}.logits").write_bytes(logits.astype("<f8").tobytes())
            about["logits"] = f"{name}/{number}.logits"
        if out_of_fold is not None:
            (self._out / f"{number}.folds").write_bytes(out_of_fold.astype("<f4").tobytes())
            about["outOfFold"] = f"{name}/{number}.folds"
        if settings:
            about["settings"] = dict(settings)
        if history:
            (self._out / f"{number}.history").write_bytes(history)
        if segments:
            (self._out / f"{number}.segments").write_bytes(segments)
        if unlike is not None:
            about["unlike"] = {"method": unlike.method, "limit": unlike.limit}
            if unlike.distances:
                (self._out / f"{number}.unlike").write_bytes(unlike.distances)
                about["distances"] = f"{name}/{number}.unlike"
        self.checkpoints.append(
            {
                "folder": f"{name}/{number}",
                **({"history": f"{name}/{number}.history"} if history else {}),
                **({"segments": f"{name}/{number}.segments"} if segments else {}),
                **about,
                "step": step,
                "epoch": epoch,
                "final": final,
                "metrics": {**metrics, **self.began.figures()},
            }
        )
