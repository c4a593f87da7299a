"""The training loop. Runs in a worker; reads a staged snapshot, writes staged checkpoints.

Deterministic on one machine: order by :mod:`lyrikstore.train.worker.order`, one seed, fp32,
deterministic algorithms, a fixed number of threads (spec §13.3).
"""

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from lyrikstore.canon.digest import Digest
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.metrics import accuracy, confusion, decimal, macro_f1
from lyrikstore.train.worker.model import (
    TextClassifier,
    TextEncoder,
    add_adapter,
    learning_rate_factor,
    load_base,
    predict_logits,
    prepare,
    save_checkpoint,
)
from lyrikstore.train.worker.order import epoch_order
from lyrikstore.train.worker.process import peak_memory_bytes
from lyrikstore.train.worker.staging import TRAIN, VALIDATION

Report = Callable[..., None]
"""Takes ``phase``, ``done``, ``total`` and figures by name."""


class Examples:
    """One staged dataset, tokenised.

    Attributes:
        records: Record ids in storage order.
        sequences: Token ids of each.
        classes: Class number of each.
    """

    def __init__(self, lines: Iterable[bytes], encoder: TextEncoder, labels: Sequence[str]) -> None:
        numbers = {label: number for number, label in enumerate(labels)}
        self.records: list[Digest] = []
        self.sequences: list[list[int]] = []
        self.classes: list[int] = []
        texts: list[str] = []
        for line in lines:
            example = json.loads(line)
            self.records.append(Digest.parse_hex(example["id"]))
            self.classes.append(numbers[example["label"]])
            texts.append(example["text"])
            if len(texts) == 256:
                self.sequences += encoder.encode(texts)
                texts.clear()
        if texts:
            self.sequences += encoder.encode(texts)


def train(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Train and write the checkpoints the job asks for.

    Args:
        job: ``config`` (a run's ``body.config``) and ``labels``.
        files: The staging folder: ``base/``, ``train.jsonl``, ``validation.jsonl``; checkpoints
            go to ``out/epoch-N/``.
        report: Called per step.

    Returns:
        ``checkpoints``: for each one ``folder``, ``step``, ``epoch``, ``final``, ``metrics``.

    Raises:
        ValueError: The config does not fit the model, or the loss is no longer a number.
    """
    started, cpu = time.monotonic(), time.process_time()
    config, labels = job["config"], list(job["labels"])
    settings = config["training"]
    prepare(settings["threads"], settings["seed"])
    text = config["model"]
    encoder = TextEncoder(files, text["max_tokens"])
    base = load_base(files, text["max_tokens"])
    width = int(base.config.hidden_size)
    model = TextClassifier(
        add_adapter(base, config["lora"]),
        width,
        len(labels),
        pooling=text["pooling"],
        dropout=float(settings["dropout"]),
    )
    examples = Examples(files.lines(TRAIN), encoder, labels)
    checking = Examples(files.lines(VALIDATION), encoder, labels)
    steps = math.ceil(len(examples.records) / settings["batch_size"]) * settings["epochs"]
    fitting = _Fitting(model, encoder, examples, settings, steps=steps, report=report)
    report("start", 0, steps, parameters=fitting.trainable)
    about = {
        "format": "peft-lora/1",
        "labels": labels,
        "maxTokens": text["max_tokens"],
        "pooling": text["pooling"],
        "task": "text-classification",
    }
    checkpoints = []
    for epoch in range(settings["epochs"]):
        loss = fitting.run_epoch(epoch)
        final = epoch + 1 == settings["epochs"]
        table = _validate(model, encoder, checking, len(labels))
        metrics = {
            "trainLoss": decimal(loss),
            "validationAccuracy": decimal(accuracy(table)),
            "validationMacroF1": decimal(macro_f1(table)),
        }
        report("validate", epoch + 1, settings["epochs"], **metrics)
        if not final and settings["keep"] != "every-epoch":
            continue
        target = files.folder / "out" / f"epoch-{epoch + 1}"
        target.mkdir(parents=True, mode=0o700)
        save_checkpoint(model, target, about=about, lora=config["lora"])
        metrics |= {
            "wallSeconds": decimal(time.monotonic() - started, 1),
            "cpuSeconds": decimal(time.process_time() - cpu, 1),
            "peakMemoryBytes": str(peak_memory_bytes()),
            "trainableParameters": str(fitting.trainable),
        }
        checkpoints.append(
            {
                "folder": f"out/{target.name}",
                "step": fitting.step,
                "epoch": str(epoch + 1),
                "final": final,
                "metrics": metrics,
            }
        )
    return {"checkpoints": checkpoints}


class _Fitting:
    """Optimizer, schedule and loss of one run."""

    def __init__(
        self,
        model: TextClassifier,
        encoder: TextEncoder,
        examples: Examples,
        settings: Mapping[str, Any],
        *,
        steps: int,
        report: Report,
    ) -> None:
        self.model, self.encoder, self.examples = model, encoder, examples
        self.settings, self.steps, self.report = settings, steps, report
        self.step = 0
        adapter = [value for value in model.encoder.parameters() if value.requires_grad]
        head = list(model.classifier.parameters())
        with torch.no_grad():
            model.classifier.weight.zero_()
            model.classifier.bias.zero_()
        self.trained = adapter + head
        self.trainable = sum(value.numel() for value in self.trained)
        self.optimizer = torch.optim.AdamW(
            [
                {"params": adapter, "lr": float(settings["learning_rate"])},
                {"params": head, "lr": float(settings["head_learning_rate"])},
            ],
            weight_decay=float(settings["weight_decay"]),
        )
        self.peaks = [float(group["lr"]) for group in self.optimizer.param_groups]
        self.loss = nn.CrossEntropyLoss(weight=self._weights())

    def run_epoch(self, epoch: int) -> float:
        """Go once through the data; return the mean loss per record."""
        self.model.train()
        order = epoch_order(self.examples.records, seed=self.settings["seed"], epoch=epoch)
        size = self.settings["batch_size"]
        total = 0.0
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            loss = self._step(chosen)
            total += loss * len(chosen)
            self.report("step", self.step, self.steps, loss=decimal(loss))
        return total / len(order)

    def _step(self, chosen: Sequence[int]) -> float:
        factor = learning_rate_factor(self.step, self.steps, float(self.settings["warmup"]))
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * factor
        batch = self.encoder.batch([self.examples.sequences[index] for index in chosen])
        wanted = torch.tensor([self.examples.classes[index] for index in chosen])
        loss: Tensor = self.loss(self.model(batch), wanted)
        value = float(loss.item())
        if not math.isfinite(value):
            raise ValueError(f"the loss is {value} at step {self.step + 1}: lower learning_rate")
        self.optimizer.zero_grad()
        cast("Any", loss).backward()
        nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self.step += 1
        return value

    def _weights(self) -> Tensor | None:
        if self.settings["class_weights"] == "none":
            return None
        classes = self.model.classifier.out_features
        counts = torch.bincount(torch.tensor(self.examples.classes), minlength=classes)
        return len(self.examples.classes) / (classes * counts.to(torch.float32))


def _validate(model: TextClassifier, encoder: TextEncoder, examples: Examples, classes: int) -> Any:
    logits = predict_logits(model, encoder, examples.sequences)
    return confusion(examples.classes, logits.argmax(1).tolist(), classes)
