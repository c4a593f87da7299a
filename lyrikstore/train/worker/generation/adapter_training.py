"""Adapter training of a generative model, on the answers of packed records (spec §13.12.4)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lyrikstore.train.requirements import RECOMPUTES
from lyrikstore.train.worker.device import accelerator_figures, autocast
from lyrikstore.train.worker.generation.constrained_choices import AnswerChoices
from lyrikstore.train.worker.generation.decoder import AdaptedDecoder
from lyrikstore.train.worker.generation.loss import completion_loss, pack_rows
from lyrikstore.train.worker.generation.tokenized import (
    ConversationTokenizer,
    TokenizedConversation,
)
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.metrics import decimal
from lyrikstore.train.worker.models.encoder import prepare
from lyrikstore.train.worker.packing import Row, epoch_row_batches
from lyrikstore.train.worker.staging import TRAIN, VALIDATION
from lyrikstore.train.worker.training.learner import Learner, Validated


def open_decoder(job: Mapping[str, Any], files: StagedFiles) -> "DecoderLearner":
    """Return a generative model before its first step.

    Args:
        job: ``config`` as a run manifest holds it; ``weights``: the files of the base's weights;
            ``chat``: whether prompts come from a chat template; ``choices``; ``precision``.
        files: The staging folder: ``base/``, ``train.jsonl``, ``validation.jsonl``.
    """
    config = job["config"]
    training, model = config["training"], config["model"]
    prepare(training["threads"], training["seed"])
    text = ConversationTokenizer(files, chat=job["chat"])
    AnswerChoices(text, job["choices"], most=model["answer_tokens"])  # refuses what cannot be given
    train, validation = (
        text.tokenize(
            [json.loads(line) for line in files.lines(name)],
            most=model["max_tokens"],
            answer_tokens=model["answer_tokens"],
            whole=bool(job["choices"]),
        )
        for name in (TRAIN, VALIDATION)
    )
    decoder = AdaptedDecoder.fresh(
        files, job["weights"], config, job["precision"], task=job["task"]
    )
    return DecoderLearner(decoder, job, train, validation)


class DecoderLearner(Learner):
    """A decoder with an adapter.

    Args:
        model: The model.
        job: As for :func:`open_decoder`.
        train: Training records.
        validation: Validation records.
    """

    model: AdaptedDecoder

    def __init__(
        self,
        model: AdaptedDecoder,
        job: Mapping[str, Any],
        train: Sequence[TokenizedConversation],
        validation: Sequence[TokenizedConversation],
    ) -> None:
        training, rate = job["config"]["training"], "learning_rate"
        if training.get(RECOMPUTES):
            model.enable_gradient_checkpointing()
        super().__init__(training, [([*model.parameters().values()], training[rate])], rate=rate)
        self.model, self._train, self._validation = model, train, validation
        self._most = int(job["config"]["model"]["max_tokens"])
        self._half = job["precision"] == "bf16"
        self.total = sum(len(one.completion) for one in train)
        epochs = range(int(training["epochs"]))
        size = self.records_per_step
        self.steps = sum(len(self._batches(train, epoch, size)) for epoch in epochs)

    def _batches(
        self, records: Sequence[TokenizedConversation], epoch: int, size: int
    ) -> list[list[Row]]:
        return epoch_row_batches(
            [one.id for one in records],
            [one.length for one in records],
            most=self._most,
            size=size,
            seed=self.training["seed"],
            epoch=epoch,
        )

    def batches(self, epoch: int) -> list[list[Row]]:
        """Return the rows of each batch of an epoch, and record their padding."""
        self.model.peft.train()
        batches = self._batches(self._train, epoch, self.records_per_step)
        lengths = [
            [sum(self._train[at].length for at in row) for row in part]
            for batch in batches
            for part in self.parts(batch)
        ]
        processed = sum(len(rows) * max(rows) for rows in lengths)
        self.padding = processed / max(1, sum(map(sum, lengths)))
        return batches

    def weight(self, batch: Sequence[Row]) -> int:
        """Return the number of completion tokens of a batch."""
        return sum(len(self._train[at].completion) for row in batch for at in row)

    def loss(self, batch: Sequence[Row]) -> Tensor:
        """Return the mean loss of the completion tokens of a batch."""
        rows = pack_rows([[self._train[at] for at in row] for row in batch])
        rows = rows.to(self.model.device)
        with self._precision():
            return completion_loss(self.model.causal, rows) / len(rows.targets)

    @property
    def figures(self) -> Mapping[str, str]:
        """The memory of a GPU that training used."""
        return accelerator_figures(self.model.device)

    def validate(self) -> Validated:
        """Return the mean loss of the validation completions' tokens; lower is better."""
        self.model.peft.eval()
        sums = []
        with torch.inference_mode(), self._precision():
            for batch in self._batches(self._validation, 0, self.training["batch_size"]):
                rows = pack_rows([[self._validation[at] for at in row] for row in batch])
                rows = rows.to(self.model.device)
                sums.append(float(completion_loss(self.model.causal, rows)))
        tokens = sum(len(one.completion) for one in self._validation)
        loss = sum(sums) / tokens
        metrics = {
            "validationLoss": decimal(loss),
            "answersCut": decimal(sum(one.cut for one in self._train) / len(self._train)),
            "learntTokens": str(self.total),
        }
        return Validated(np.asarray([[loss]]), metrics, -loss)

    def _precision(self) -> Any:
        return autocast(self.model.device, half=self._half)

    def parameters(self) -> dict[str, nn.Parameter]:
        """Return the trained parameters by name."""
        return self.model.parameters()
