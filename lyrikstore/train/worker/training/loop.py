"""The training loop: epochs, kept epochs, resume states.

It trains a :class:`~lyrikstore.train.worker.training.learner.Learner` (spec §13.2.3, §13.3).
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from msgspec.structs import replace

from lyrikstore.train.formats.history import write_history
from lyrikstore.train.worker.errors import diverged
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.metrics import decimal
from lyrikstore.train.worker.training.checkpoint_writer import Report, WrittenCheckpoints
from lyrikstore.train.worker.training.learner import Learner
from lyrikstore.train.worker.training.resume_state import Kept, ResumeStates


def train_epochs(
    job: Mapping[str, Any],
    files: StagedFiles,
    learner: Learner,
    written: WrittenCheckpoints,
    report: Report,
) -> None:
    """Train, and write the checkpoint of the best epoch, or of every epoch.

    Args:
        job: As for :func:`lyrikstore.train.worker.training.fit.train`.
        files: The staging folder.
        learner: The learner, before its first step.
        written: Receives the checkpoints.
        report: Called per step and per epoch.
    """
    candidate = job["candidate"]
    report("start", 0, learner.steps, candidate=candidate, parameters=learner.trainable)
    resume_state = ResumeStates(job, files, written.began, report)
    loop = EpochLoop(learner, resume_state)
    loop.run(report)
    for epoch, kept in sorted(loop.kept.items()):
        final = epoch == max(loop.kept)
        learner.restore(kept.state)
        written.add(
            learner.model,
            kept.logits.numpy(),
            final=final,
            step=kept.step,
            epoch=str(epoch + 1),
            metrics={**kept.metrics, **learner.figures},
            history=loop.history(candidate) if final else b"",
            segments=resume_state.listed(candidate) if final else b"",
            unlike=learner.unlike() if final else None,
        )


class EpochLoop:
    """The epochs of a run, from the start or from a resume state.

    Args:
        learner: The learner.
        resume_state: Saves resume states, and may have one to resume from.

    Attributes:
        position: The current position.
        kept: The epochs that become checkpoints.
        losses: The loss of every step.
    """

    def __init__(self, learner: Learner, resume_state: ResumeStates) -> None:
        self._learner, self._resume_states, self._training = learner, resume_state, learner.training
        found = resume_state.restore(learner.parameters(), learner.optimizer)
        self.position, self.kept, self.losses = found
        learner.step = self.position.step

    def run(self, report: Report) -> None:
        """Train until the last epoch, or until patience ends; ``report`` is called per step."""
        if not self.position.step:
            self._end_segment()
        while self.position.epoch < self._training["epochs"] and not self._is_over():
            self._run_epoch(report)
            if not self._resume_states.is_over:
                self._validate(report)
                self._end_segment()

    def _is_over(self) -> bool:
        at = self.position
        if self._resume_states.is_over:
            return True
        if self._training["keep"] != "best" or not at.best_score:
            return False
        return at.epoch - 1 - at.best_epoch >= int(self._training["patience"])

    def _run_epoch(self, report: Report) -> None:
        learner = self._learner
        batches = learner.batches(self.position.epoch)
        for batch in batches[self.position.batch :]:
            loss, at = learner.learn(batch), self.position
            self.losses.append(loss)
            self.position = replace(
                at,
                step=learner.step,
                batch=at.batch + 1,
                loss=(float.fromhex(at.loss) + loss * learner.weight(batch)).hex(),
            )
            report("step", learner.step, learner.steps, loss=decimal(loss))
            if self._resume_states.is_due:
                self._save()
            every = self._resume_states.segment_steps
            if every and learner.step % every == 0 and self.position.batch < len(batches):
                self._end_segment()
                if self._resume_states.is_over:
                    return

    def _validate(self, report: Report) -> None:
        learner, at = self._learner, self.position
        found = learner.validate()
        if not np.isfinite(found.output).all() or not math.isfinite(found.score):
            raise diverged(
                f"the predictions are not finite after epoch {at.epoch + 1}", learner.rate
            )
        loss = float.fromhex(at.loss) / learner.total
        metrics = {"trainLoss": decimal(loss), **found.metrics}
        report("validate", at.epoch + 1, self._training["epochs"], **metrics)
        score = found.score
        at = replace(
            at,
            train_losses=(*at.train_losses, decimal(loss)),
            scores=(*at.scores, decimal(score)),
        )
        if self._is_kept(score):
            metrics |= {
                "paddingRatio": decimal(learner.padding, 3),
                "trainableParameters": str(learner.trainable),
            }
            kept = Kept(learner.state(), torch.from_numpy(found.output), metrics, learner.step)
            if self._training["keep"] != "every-epoch":
                self.kept.clear()
            if self._training["keep"] == "best":
                kept = replace(kept, metrics={**metrics, "bestEpoch": str(at.epoch + 1)})
            self.kept[at.epoch] = kept
            self._resume_states.keep(at.epoch, kept)
            at = replace(at, best_score=score.hex(), best_epoch=at.epoch)
        self.position = replace(
            at, epoch=at.epoch + 1, batch=0, loss=(0.0).hex(), kept=tuple(sorted(self.kept))
        )
        self._save()

    def _is_kept(self, score: float) -> bool:
        best = self.position.best_score
        return self._training["keep"] != "best" or not best or score > float.fromhex(best)

    def _save(self) -> None:
        learner = self._learner
        parameters = learner.parameters()
        self._resume_states.save(self.position, parameters, learner.optimizer, self.losses)

    def _end_segment(self) -> None:
        learner = self._learner
        self._resume_states.end_segment(self.position, learner.parameters(), learner.optimizer)

    def history(self, candidate: str) -> bytes:
        """Return the training history: losses and metrics."""
        at = self.position
        epochs = [
            {"trainLoss": loss, "score": score}
            for loss, score in zip(at.train_losses, at.scores, strict=True)
        ]
        return write_history(candidate, self.losses, epochs)
