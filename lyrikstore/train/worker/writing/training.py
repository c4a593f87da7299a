"""Training of a model that writes: an adapter, on the answers of packed records (spec §13.12.4)."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from lyrikstore.train.requirements import RECOMPUTES
from lyrikstore.train.worker.device import accelerator_figures, autocast
from lyrikstore.train.worker.errors import diverged
from lyrikstore.train.worker.fitting.loop import EpochLoop, Validated
from lyrikstore.train.worker.fitting.points import Points
from lyrikstore.train.worker.fitting.tune import learning_rate_factor
from lyrikstore.train.worker.fitting.written import Began, Report, WrittenFolders
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.metrics import decimal
from lyrikstore.train.worker.models.encoder import prepare
from lyrikstore.train.worker.packing import Row, epoch_row_batches
from lyrikstore.train.worker.staging import TRAIN, VALIDATION
from lyrikstore.train.worker.writing.choices import AnswerChoices
from lyrikstore.train.worker.writing.decoder import AdaptedDecoder
from lyrikstore.train.worker.writing.loss import learnt_loss, pack_rows
from lyrikstore.train.worker.writing.texts import Told, WriterText


def train_writer(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Train an adapter and write its best epoch, or every one.

    Args:
        job: ``config`` as a run manifest holds it; ``weights``: the files of the base's weights;
            ``chat``: whether prompts come from a chat template; ``choices``; ``precision``.
        files: The staging folder: ``base/``, ``train.jsonl``, ``validation.jsonl``.
        report: Called per step and per epoch.

    Returns:
        ``checkpoints``, as :func:`lyrikstore.train.worker.fitting.fit.train`.
    """
    written = WrittenFolders(files.folder / "out" / job["candidate"], Began())
    fitting = open_writer(job, files)
    report("start", 0, fitting.steps, candidate=job["candidate"], parameters=fitting.trainable)
    points = Points(job, files, written.began, report)
    loop = EpochLoop(fitting, points)
    loop.run(report)
    for epoch in sorted(loop.kept):
        kept = loop.kept[epoch]
        fitting.restore(kept.state)
        written.add(
            fitting.writer,
            kept.logits.numpy(),
            final=epoch == max(loop.kept),
            step=kept.step,
            epoch=str(epoch + 1),
            metrics={**kept.metrics, **accelerator_figures(fitting.writer.device)},
            history=loop.history(job["candidate"]) if epoch == max(loop.kept) else b"",
            segments=points.listed(job["candidate"]) if epoch == max(loop.kept) else b"",
        )
    return {"checkpoints": written.checkpoints}


def open_writer(job: Mapping[str, Any], files: StagedFiles) -> "WriterFitting":
    """Return a model that writes before its first step; arguments as :func:`train_writer`."""
    config = job["config"]
    training, model = config["training"], config["model"]
    prepare(training["threads"], training["seed"])
    text = WriterText(files, chat=job["chat"])
    AnswerChoices(text, job["choices"], most=model["answer_tokens"])  # refuses what cannot be given
    learnt, checked = (
        text.tell(
            [json.loads(line) for line in files.lines(name)],
            most=model["max_tokens"],
            answer_tokens=model["answer_tokens"],
            whole=bool(job["choices"]),
        )
        for name in (TRAIN, VALIDATION)
    )
    writer = AdaptedDecoder.fresh(files, job["weights"], config, job["precision"])
    return WriterFitting(writer, job, learnt, checked)


class WriterFitting:
    """Optimizer, schedule and loss of one run.

    Args:
        writer: What learns.
        job: As for :func:`train_writer`.
        learnt: Training records.
        checked: Validation records.
    """

    def __init__(
        self,
        writer: AdaptedDecoder,
        job: Mapping[str, Any],
        learnt: Sequence[Told],
        checked: Sequence[Told],
    ) -> None:
        self.writer, self._learnt, self._checked = writer, learnt, checked
        self._most = int(job["config"]["model"]["max_tokens"])
        self.training: Mapping[str, Any] = job["config"]["training"]
        self.rate = "learning_rate"
        if self.training.get(RECOMPUTES):
            writer.compute_layers_again()
        self._trained = list(writer.parameters().values())
        self.trainable = sum(value.numel() for value in self._trained)
        self.optimizer: torch.optim.Optimizer = torch.optim.AdamW(
            self._trained,
            lr=float(self.training[self.rate]),
            weight_decay=float(self.training["weight_decay"]),
        )
        self._peak = float(self.training[self.rate])
        self._half = job["precision"] == "bf16"
        self.total = sum(len(one.completion) for one in learnt)
        self.step, self.padding = 0, 1.0
        epochs = range(int(self.training["epochs"]))
        self.steps = sum(len(self._batches(learnt, epoch)) for epoch in epochs)

    def _batches(self, records: Sequence[Told], epoch: int) -> list[list[Row]]:
        return epoch_row_batches(
            [one.id for one in records],
            [one.length for one in records],
            most=self._most,
            size=self.training["batch_size"],
            seed=self.training["seed"],
            epoch=epoch,
        )

    def batches(self, epoch: int) -> list[list[Row]]:
        """Return the rows of each batch of an epoch, and note their padding."""
        self.writer.peft.train()
        batches = self._batches(self._learnt, epoch)
        lengths = [
            [sum(self._learnt[at].length for at in row) for row in batch] for batch in batches
        ]
        processed = sum(len(rows) * max(rows) for rows in lengths)
        self.padding = processed / max(1, sum(map(sum, lengths)))
        return batches

    def weight(self, batch: Sequence[Row]) -> int:
        """Return how many tokens are learnt of a batch."""
        return sum(len(self._learnt[at].completion) for row in batch for at in row)

    def learn(self, chosen: Sequence[Row]) -> float:
        """Learn from the rows of one batch; return the mean loss of a learnt token."""
        factor = learning_rate_factor(self.step, self.steps, float(self.training["warmup"]))
        for group in self.optimizer.param_groups:
            group["lr"] = self._peak * factor
        rows = pack_rows([[self._learnt[at] for at in row] for row in chosen])
        rows = rows.to(self.writer.device)
        with self._precision():
            loss = learnt_loss(self.writer.causal, rows) / len(rows.targets)
        value = float(loss.item())
        if not math.isfinite(value):
            raise diverged(f"the loss is {value} at step {self.step + 1}", self.rate)
        self.optimizer.zero_grad()
        cast("Any", loss).backward()
        nn.utils.clip_grad_norm_(self._trained, 1.0)
        self.optimizer.step()
        self.step += 1
        return value

    def validate(self) -> Validated:
        """Return the mean loss of a token of the validation answers; the less, the better."""
        self.writer.peft.eval()
        sums = []
        with torch.inference_mode(), self._precision():
            for batch in self._batches(self._checked, 0):
                rows = pack_rows([[self._checked[at] for at in row] for row in batch])
                rows = rows.to(self.writer.device)
                sums.append(float(learnt_loss(self.writer.causal, rows)))
        tokens = sum(len(one.completion) for one in self._checked)
        loss = sum(sums) / tokens
        metrics = {
            "validationLoss": decimal(loss),
            "answersCut": decimal(sum(one.cut for one in self._learnt) / len(self._learnt)),
            "learntTokens": str(self.total),
        }
        return Validated(np.asarray([[loss]]), metrics, -loss)

    def _precision(self) -> Any:
        return autocast(self.writer.device, half=self._half)

    def parameters(self) -> dict[str, nn.Parameter]:
        """Return what is trained, by name."""
        return self.writer.parameters()

    def state(self) -> dict[str, Tensor]:
        """Return a copy of what is trained."""
        return {
            name: value.detach().to("cpu", copy=True) for name, value in self.parameters().items()
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Set what is trained to a copy of before."""
        with torch.no_grad():
            for name, value in self.parameters().items():
                value.copy_(state[name])
