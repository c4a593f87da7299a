"""The job ``predict``: predict records in batches, and explain them on request."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, BinaryIO

import numpy as np

from lyrikstore.train.worker.examples import Example, example_batches
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.inference.explain import explain
from lyrikstore.train.worker.inference.nearest import Nearest
from lyrikstore.train.worker.models.load import UnlikeTexts, load_model
from lyrikstore.train.worker.models.model import Model
from lyrikstore.train.worker.scoring import prepare_libraries
from lyrikstore.train.worker.staging import CHECKPOINT, TEST
from lyrikstore.train.worker.training.checkpoint_writer import Report
from lyrikstore.verify.evaluation.answers import WHOLE
from lyrikstore.verify.evaluation.choice.task import AnswerRule, Scores, labelling_rules

_TABLES = ("scores", "tokens", "unlike")
"""Output files of int32, one value for each record, or one for each label."""


def predict(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Predict the labels of records, and explain them on request.

    Args:
        job: ``threads``, ``seed``, ``format``, ``task``, and ``decision`` and ``unlike`` of the
            manifest; ``records``, their number; ``explain``, and with it ``known``, the staged
            files of training records.
        files: The staging folder: the checkpoint, its base if it has one, ``test.jsonl``.
        report: Called per batch, in the phases ``predict`` and ``compare``.

    Returns:
        ``scores``: a file of int32 millionths, records × labels; ``tokens``: a file of int32, the
        tokens of each record that were read; ``maxTokens``, 0 without a limit; ``unlike``: a file
        of int32, 1 for each record that is unlike the training data; ``explained``: a file with a
        JSON object for each record.

    Cost: memory for a batch, and with ``explain`` for a vector and the explanation of each record.
    """
    prepare_libraries(job)
    model = load_model(files, CHECKPOINT, job["format"])
    out = files.folder / "out"
    out.mkdir(exist_ok=True, mode=0o700)
    answering = _Answering(job, model, UnlikeTexts.open(job, files))
    done = 0
    found: dict[str, Any] = {name: f"out/predict.{name}" for name in _TABLES}
    with ExitStack() as held:
        tables = [held.enter_context((out / f"predict.{name}").open("wb")) for name in _TABLES]
        report("predict", 0, job["records"])
        for batch in example_batches(files, TEST):
            for some in answering.answer(batch, tables):
                done += some
                report("predict", done, job["records"])
    found["maxTokens"] = answering.most
    if job["explain"]:
        found["explained"] = "out/predict.explained"
        similar = answering.nearest.find(files, job["known"], model, report)
        with (out / "predict.explained").open("w", encoding="ascii") as file:
            for parts, near in zip(answering.explained, similar, strict=True):
                file.write(json.dumps({"parts": parts, "similar": near}) + "\n")
    return found


class _Answering:
    """Predicts batches, and keeps their explanations."""

    def __init__(self, job: Mapping[str, Any], model: Model, unlike: UnlikeTexts) -> None:
        self._model, self._explain, self._unlike = model, bool(job["explain"]), unlike
        self._task, self._rule = labelling_rules(job["task"]), AnswerRule.of_body(job)
        self.most = 0
        self.explained: list[Any] = []
        self.nearest = Nearest()

    def answer(self, batch: list[Example], tables: Sequence[BinaryIO]) -> Iterator[int]:
        """Write the predictions of a batch; yield the number of records of each finished step."""
        logits, unlike = self._unlike.answer(self._model, batch)
        found = self._task.probabilities(logits, self._rule.temperature)
        millionths = np.rint(found * WHOLE)
        tokens = [self._model.tokens(one) for one in batch]
        read = np.asarray([count for count, _ in tokens])
        for table, some in zip(tables, (millionths, read, unlike), strict=True):
            table.write(np.ascontiguousarray(some, "<i4").tobytes())
        self.most = max([self.most, *(most for _, most in tokens)])
        if not self._explain:
            yield len(batch)
            return
        self.nearest.add(self._model.vectors(batch))
        for example, row in zip(batch, millionths / WHOLE, strict=True):
            labels = self._labels(row)
            self.explained.append(explain(self._model, self._task, self._rule, example, labels))
            yield 1

    def _labels(self, row: Scores) -> list[int]:
        """Return the indices of the labels to explain: the predicted ones, else the likeliest."""
        given = np.flatnonzero(self._task.given(row[None], self._rule)[0])
        return [int(one) for one in given] or [int(row.argmax())]
