"""The job ``predict``: answers records in batches, and explains them where that is asked for."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np

from lyrikstore.train.worker.examples import Example, example_batches
from lyrikstore.train.worker.fitting.written import Report
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.load import load_model
from lyrikstore.train.worker.models.model import Model
from lyrikstore.train.worker.predicting.explain import explain
from lyrikstore.train.worker.predicting.nearest import Nearest
from lyrikstore.train.worker.scoring import prepare_libraries
from lyrikstore.train.worker.staging import CHECKPOINT, TEST
from lyrikstore.verify.evaluation.answers import WHOLE
from lyrikstore.verify.evaluation.choice.task import AnswerRule, Scores, labelling_rules


def predict(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Answer some records.

    Args:
        job: ``threads``, ``seed``, ``format``, ``task``, and the ``decision`` of the manifest;
            ``records``, how many there are; ``explain``, and with it ``known``, the staged files
            of training records.
        files: The staging folder: the checkpoint, its base if it has one, ``test.jsonl``.
        report: Called per batch, in the phases ``predict`` and ``compare``.

    Returns:
        ``scores``: a file of int32 millionths, records × labels; ``tokens``: one of int32, how
        many of each record were read; ``maxTokens``, 0 if all are; ``explained``: a file with a
        JSON object for each record.

    Cost: memory for a batch, and with ``explain`` for a vector and the explanation of each record.
    """
    prepare_libraries(job)
    model = load_model(files, CHECKPOINT, job["format"])
    out = files.folder / "out"
    out.mkdir(exist_ok=True, mode=0o700)
    answering = _Answering(job, model)
    done = 0
    with (out / "predict.scores").open("wb") as scores, (out / "predict.tokens").open("wb") as read:
        report("predict", 0, job["records"])
        for batch in example_batches(files, TEST):
            for some in answering.answer(batch, scores, read):
                done += some
                report("predict", done, job["records"])
    found = {
        "scores": "out/predict.scores",
        "tokens": "out/predict.tokens",
        "maxTokens": answering.most,
    }
    if job["explain"]:
        found["explained"] = "out/predict.explained"
        similar = answering.nearest.find(files, job["known"], model, report)
        with (out / "predict.explained").open("w", encoding="ascii") as file:
            for parts, near in zip(answering.explained, similar, strict=True):
                file.write(json.dumps({"parts": parts, "similar": near}) + "\n")
    return found


class _Answering:
    """Answers batches, and keeps what explains them."""

    def __init__(self, job: Mapping[str, Any], model: Model) -> None:
        self._model, self._explain = model, bool(job["explain"])
        self._task, self._rule = labelling_rules(job["task"]), AnswerRule.of_body(job)
        self.most = 0
        self.explained: list[Any] = []
        self.nearest = Nearest()

    def answer(self, batch: list[Example], scores: BinaryIO, read: BinaryIO) -> Iterator[int]:
        """Write what the model says of a batch; yield how many records are done, in steps."""
        found = self._task.probabilities(self._model.logits(batch), self._rule.temperature)
        millionths = np.rint(found * WHOLE)
        scores.write(np.ascontiguousarray(millionths, "<i4").tobytes())
        tokens = [self._model.tokens(one) for one in batch]
        read.write(np.asarray([count for count, _ in tokens], "<i4").tobytes())
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
        """Return the numbers of the labels to explain: those given, or else the likeliest."""
        given = np.flatnonzero(self._task.given(row[None], self._rule)[0])
        return [int(one) for one in given] or [int(row.argmax())]
