"""Answers of a labelling model to files and rows (spec §13.11)."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from lyrikstore.canon.errors import RunFailedError, storage_errors
from lyrikstore.context import StoreContext
from lyrikstore.train.predict.prediction import (
    MOST_CANDIDATES,
    UNLIKE,
    UNSURE,
    AnsweringModel,
    ModelAnswers,
)
from lyrikstore.train.predict.similar import RevokedRights, TrainingRecords, TrainingSources
from lyrikstore.train.resolve_checkpoint import answering_job, stage_checkpoint, stage_unlike
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import TEST
from lyrikstore.verify.evaluation.answers import MODEL, WHOLE, decide
from lyrikstore.verify.evaluation.choice.task import labelling_rules

_ROWS_AT_ONCE = 1024


def answer_labels(
    context: StoreContext, asked: AnsweringModel, *, revoked: RevokedRights | None
) -> ModelAnswers:
    """Return the answers of a model to each record, in order.

    Args:
        context: The store.
        asked: The model, and the records.
        revoked: Finds revoked credentials of rights, if answers are explained; None: they are not
            explained.

    Raises:
        RunFailedError, VerificationError, IncompleteError, StorageError: As ``run_job``.
    """
    repo, staging, count = context.repository, asked.staging, 0
    with staging.create(TEST) as write:
        for one in asked.records:
            count += 1
            record = one.record.hex if one.record else ""
            line = {"id": record, "labels": [], "text": one.text, "fields": one.fields}
            write(json.dumps(line).encode("ascii") + b"\n")
    reads = stage_checkpoint(repo, asked.checkpoint, staging)
    reads += stage_unlike(repo, asked.checkpoint, staging)
    known = TrainingRecords.none()
    if revoked is not None:
        known = TrainingRecords.copy(repo, asked.train, asked.run, staging)
    threads = asked.run.body["environment"]["threads"]
    result = run_job(
        staging,
        {
            **answering_job(asked.checkpoint, threads=threads, seed=0),
            "job": "predict",
            "records": count,
            "explain": revoked is not None,
            "known": list(known.files),
        },
        reads=(*reads, TEST, *known.files),
        threads=threads,
        base_env=context.environment,
        progress=context.progress,
    )
    sources = None
    if revoked is not None:
        sources = TrainingSources(repo, asked.run, known, revoked)
    read = _Answers(asked, result, count, sources)
    return ModelAnswers(map(read.members, read.rows()), known.missing)


class _Answers:
    """Reader of the worker's output files."""

    def __init__(
        self,
        asked: AnsweringModel,
        result: Mapping[str, Any],
        count: int,
        sources: TrainingSources | None,
    ) -> None:
        self._staging, self._result, self._sources = asked.staging, result, sources
        body = asked.checkpoint.body
        self._labels = body["labels"]
        self._answerer = labelling_rules(body["task"]).answerer(MODEL, asked.decision)
        self._most = int(result["maxTokens"])
        for name, width in (("scores", len(self._labels)), ("tokens", 1), (UNLIKE, 1)):
            path = self._file(name)
            with storage_errors(f"reading {path.name}"):
                size = path.stat().st_size
            if size != 4 * width * count:
                raise _bad_output(path)

    def rows(self) -> Iterator[tuple[Any, int, bool, Mapping[str, Any] | None]]:
        """Yield scores, tokens, the flag for unlike texts, and explanation of each record."""
        with ExitStack() as held:
            scores = held.enter_context(self._file("scores").open("rb"))
            tokens = held.enter_context(self._file("tokens").open("rb"))
            unlike = held.enter_context(self._file(UNLIKE).open("rb"))
            explained = None
            if self._sources is not None:
                explained = held.enter_context(self._file("explained").open("rb"))
            width = len(self._labels)
            while part := scores.read(4 * width * _ROWS_AT_ONCE):
                table = np.frombuffer(part, "<i4").reshape(-1, width).astype(np.int64)
                if table.min() < 0 or table.max() > WHOLE:
                    raise _bad_output(self._file("scores"))
                counts = np.frombuffer(tokens.read(4 * len(table)), "<i4")
                flags = np.frombuffer(unlike.read(4 * len(table)), "<i4") != 0
                for row, count, is_unlike in zip(
                    table, counts.tolist(), flags.tolist(), strict=True
                ):
                    explanation = json.loads(explained.readline()) if explained else None
                    yield row, count, is_unlike, explanation

    def members(self, found: tuple[Any, int, bool, Mapping[str, Any] | None]) -> dict[str, Any]:
        """Return the members of a prediction for a record of :meth:`rows`."""
        scores, tokens, unlike, explained = found
        given, confidence = decide(self._answerer, scores)
        reasons = {UNSURE: self._answerer.abstains(confidence), UNLIKE: unlike}
        abstained_for = tuple(name for name, holds in reasons.items() if holds)
        given.sort(key=lambda at: (-scores[at], at))
        ranked = np.argsort(-scores, kind="stable")[: max(MOST_CANDIDATES, len(given))]
        members = {
            "answer": () if abstained_for else tuple(self._labels[at] for at in given),
            "confidence": confidence,
            "candidates": tuple((self._labels[at], int(scores[at])) for at in ranked),
            "abstained_for": abstained_for,
            "tokens": tokens,
            "max_tokens": self._most,
        }
        if explained is not None and self._sources is not None:
            members["explanation"] = tuple(explained["parts"])
            members["similar"] = tuple(map(self._sources.describe, explained["similar"]))
        return members

    def _file(self, name: str) -> Path:
        return self._staging.path / str(self._result[name])


def _bad_output(path: Path) -> RunFailedError:
    return RunFailedError("bad-output", f"{path.name} is not what a worker writes")
