"""Training of encoders: LoRA or all weights (spec §13.3)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lyrikstore.train.requirements import CPU
from lyrikstore.train.worker.device import autocast
from lyrikstore.train.worker.examples import Example, read_examples, targets
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.encoder import prepare
from lyrikstore.train.worker.models.fine_tuned_encoder import Tuned
from lyrikstore.train.worker.models.unlike import ClassDistances, FittedUnlike, fit_unlike
from lyrikstore.train.worker.order import epoch_batches, padding_ratio
from lyrikstore.train.worker.staging import TRAIN, VALIDATION
from lyrikstore.train.worker.training.learner import Learner, Validated
from lyrikstore.verify.evaluation.choice.task import Flags, labelling_rules
from lyrikstore.verify.evaluation.choice.validation import validation_metrics

_AT_ONCE = 1024
"""Records whose vectors are in memory together."""


def open_encoder(job: Mapping[str, Any], files: StagedFiles) -> "EncoderLearner":
    """Return an encoder before its first step.

    Args:
        job: As for :func:`lyrikstore.train.worker.training.fit.train`.
        files: The staging folder.
    """
    examples, checking = read_examples(files, TRAIN), read_examples(files, VALIDATION)
    training = job["config"]["training"]
    prepare(training["threads"], training["seed"])
    return EncoderLearner(job, files, examples, checking)


class EncoderLearner(Learner):
    """An encoder with its classifier.

    Args:
        job: As for :func:`open_encoder`.
        files: The staging folder.
        examples: Training records.
        checking: Validation records.
    """

    model: Tuned

    def __init__(
        self,
        job: Mapping[str, Any],
        files: StagedFiles,
        examples: Sequence[Example],
        checking: Sequence[Example],
    ) -> None:
        config, labels = dict(job["config"]), job["labels"]
        if job["candidate"] == "full":
            config.pop("lora", None)
        self.model = Tuned.fresh(job["task"], labels, files, config)
        self._network = self.model.classifier
        training = config["training"]
        rate = "learning_rate" if job["candidate"] == "lora" else "full_learning_rate"
        body = [one for one in self._network.encoder.parameters() if one.requires_grad]
        head = list(self._network.classifier.parameters())
        super().__init__(
            training, [(body, training[rate]), (head, training["head_learning_rate"])], rate=rate
        )
        self.total = len(examples)
        self.steps = math.ceil(len(examples) / self.records_per_step) * training["epochs"]
        self._records_to_learn, self._records_to_check = examples, checking
        text = self.model.text
        self._sequences = text.encode([one.text for one in examples])
        self._records = [one.id for one in examples]
        self._lengths = list(map(len, self._sequences))
        self._rules = labelling_rules(job["task"])
        self._checking = text.encode([one.text for one in checking])
        self._expected = targets(checking, labels)
        wanted = targets(examples, labels)
        weights = torch.from_numpy(label_weights(wanted, training["class_weights"]))
        self._weights = weights
        if self._rules.several:
            self._wanted = torch.from_numpy(wanted.astype(np.float32))
            self._loss: nn.Module = nn.BCEWithLogitsLoss(pos_weight=weights)
        else:
            self._wanted = torch.from_numpy(wanted.argmax(1))
            self._loss = nn.CrossEntropyLoss(weight=weights)
        self._half = job["precision"] == "bf16"

    def batches(self, epoch: int) -> list[list[int]]:
        """Return the positions of the records of each batch of an epoch, and record its padding."""
        self._network.train()
        batches = epoch_batches(
            self._records,
            self._lengths,
            size=self.records_per_step,
            seed=self.training["seed"],
            epoch=epoch,
        )
        parts = [part for batch in batches for part in self.parts(batch)]
        self.padding = padding_ratio(parts, self._lengths)
        return batches

    def weight(self, batch: Sequence[int]) -> int:
        """Return the number of records of a batch."""
        return len(batch)

    def divisor(self, batch: Sequence[int]) -> float:
        """Return the sum of the label weights of a batch's records."""
        if self._rules.several:
            return len(batch)
        return float(self._weights[self._wanted[list(batch)]].sum())

    def parameters(self) -> dict[str, nn.Parameter]:
        """Return the trained parameters by name."""
        return {
            name: value for name, value in self._network.named_parameters() if value.requires_grad
        }

    def loss(self, batch: Sequence[int]) -> Tensor:
        """Return the mean loss of a batch, given the positions of its records."""
        texts = self.model.text.batch([self._sequences[at] for at in batch])
        with autocast(torch.device(CPU), half=self._half):
            logits = self._network(texts)
        found: Tensor = self._loss(logits.float(), self._wanted[list(batch)])
        return found

    def validate(self) -> Validated:
        """Predict the validation records, and score them with the best answer rule."""
        logits, rules = self.model.logits_of(self._checking), self._rules
        if not np.isfinite(logits).all():
            return Validated(logits, {}, math.nan)
        decision = rules.decide(logits, self._expected)
        given = rules.given(rules.probabilities(logits, decision.temperature), decision)
        metrics = validation_metrics(rules.name, logits, self._expected)
        return Validated(logits, metrics, rules.score(self._expected, given))

    def unlike(self) -> FittedUnlike | None:
        """Return the limit for texts unlike the training data, fitted on the validation data."""
        learned = self._records_to_learn
        parts = (learned[at : at + _AT_ONCE] for at in range(0, len(learned), _AT_ONCE))
        distances = ClassDistances.fit((some, self.model.vectors(some)) for some in parts)
        if distances is None:
            return None
        return fit_unlike(self.model.measured(self._records_to_check, distances)[1], distances)


def label_weights(wanted: Flags, how: str) -> Any:
    """Return the weight of each label in the loss, float32.

    Args:
        wanted: Records × labels.
        how: ``none``; ``balanced``: inverse to the label's frequency; ``sqrt``: to its root.
    """
    counts = np.maximum(wanted.sum(0), 1)
    even = np.ones(len(counts)) if how == "none" else len(wanted) / (len(counts) * counts)
    return np.asarray(np.sqrt(even) if how == "sqrt" else even, np.float32)
