"""What a candidate leaves: checkpoints, and what each says of the validation data."""

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
"""Takes ``phase``, ``done``, ``total`` and figures by name."""


class JobClocks:
    """Clocks of a job."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def add(self, wall: float, cpu: float) -> None:
        """Count what an interrupted process before this one took."""
        self._wall, self._cpu = self._wall - wall, self._cpu - cpu

    def spent(self) -> tuple[str, str]:
        """Return seconds on the clock, and of all cores together."""
        wall, cpu = time.monotonic() - self._wall, time.process_time() - self._cpu
        return decimal(wall, 1), decimal(cpu, 1)

    def figures(self) -> dict[str, str]:
        """Return what it took so far."""
        wall, cpu = self.spent()
        return {
            "wallSeconds": wall,
            "cpuSeconds": cpu,
            "peakMemoryBytes": str(peak_memory_bytes()),
        }


class WrittenCheckpoints:
    """The checkpoints that were written, with what they say of the validation data.

    Args:
        out: The folder of the candidate.
        began: The clocks of the job.
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
        """Write a checkpoint, how its training went where that took steps, and its segments.

        With it goes from where on texts are unlike the training data, where that is known; of one
        that is compared by folds what these said, and the settings that they chose.
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
