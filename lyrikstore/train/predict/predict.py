"""Prediction: the answers of one checkpoint about a file, a folder or rows (spec §13.11)."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    EmptyResultError,
    InvalidInputError,
    RunFailedError,
    StorageError,
    storage_error,
)
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.environment import check_device
from lyrikstore.train.predict.asked import (
    AskedRecord,
    RecordLayout,
    Unanswered,
    check_place,
    read_asked,
)
from lyrikstore.train.predict.prediction import MOST_CANDIDATES, AnsweredRecords, Prediction
from lyrikstore.train.predict.similar import TrainingRecords, TrainingSources, WithdrawnRights
from lyrikstore.train.predict.writing import write_answers
from lyrikstore.train.requirements import CPU, SFT
from lyrikstore.train.trained import resolve_trained, stage_checkpoint
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import TEST, Staging, open_staging
from lyrikstore.verify.evaluation.answers import MODEL, WHOLE, decide
from lyrikstore.verify.evaluation.choice.task import labelling_rules

MOST_EXPLAINED = 1000
"""Records that are explained at once: what explains them lies in memory."""

_ASKED = "asked.jsonl"
_ROWS_AT_ONCE = 1024


@contextmanager
def predict_records(
    repo: Repository,
    checkpoint_ref: str,
    place: Path,
    *,
    base_env: Mapping[str, str],
    folder: Path,
    explain: bool = False,
    most: int | None = None,
    device: str = CPU,
    withdrawn: WithdrawnRights = lambda _: {},
    progress: OnProgress = silent,
) -> Iterator[AnsweredRecords]:
    """Give what a trained checkpoint says of a file, of the files in a folder, or of rows.

    Only bytes that were read through their digests are loaded, once. Writes nothing to the store,
    which may be on a medium that cannot be written.

    Args:
        repo: The store.
        checkpoint_ref: A checkpoint that a run made.
        place: A text, a document, a file of rows, or a folder of such.
        base_env: The caller's environment; a few harmless variables of it reach the worker.
        folder: Where model and records are copied for the worker, in a staging folder; made if
            missing.
        explain: Whether to say what speaks for each answer, and which training records are like it.
        most: The most records; None: any number.
        device: Where a model that writes is computed: ``cpu`` or ``cuda``.
        withdrawn: Tells which credentials of some rights were taken back.
        progress: Progress callback, in the phases ``read``, ``start``, ``predict`` and ``compare``.

    Raises:
        NotFoundError: (``no-file``, ``no-ref``) no such file or checkpoint.
        InvalidInputError: (``not-trained``, ``bad-model``, ``bad-device``; ``too-many``) as
            ``most`` or :data:`MOST_EXPLAINED` says; (the reason why) the only record cannot be
            answered; as :func:`lyrikstore.train.predict.asked.read_asked`.
        EmptyResultError: (``no-records``) there are none, or none that can be answered.
        PolicyError, VerificationError, IncompleteError: The model may not or cannot be loaded.
        VerificationError: (``input-changed``) somebody rewrote what was copied for the worker.
        StorageError: ``folder`` cannot be written.
        RunFailedError: (``worker-failed``, ``out-of-memory``) it was loaded, and failed.

    Cost: some seconds to load the libraries, then milliseconds a record; the disk that the texts
    take; memory for a batch. ``explain``: of an encoder one more answer for each sentence, and one
    vector for each training record, about what an answer costs.
    """
    check_place(place)
    checkpoint = resolve_trained(repo, checkpoint_ref)
    check_device(device, checkpoint.body["task"])
    run = repo.manifest(checkpoint.inputs_in("run")[0].id)
    train = [repo.manifest(item.id) for item in checkpoint.inputs_in("train")]
    layout = RecordLayout.of(run.body["config"], train[0])
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise storage_error(error, f"making {folder}") from error
    with open_staging(folder) as staging:
        limit = min(most or MOST_EXPLAINED, MOST_EXPLAINED) if explain else most
        asked = read_asked(place, layout, staging.path, repo.root)
        if checkpoint.body["task"] == SFT:
            if explain:
                raise InvalidInputError(
                    "no-explanation",
                    f"{checkpoint.name} writes: nothing says what its words rest on",
                    hint="leave --explain out",
                )
            yield _written(
                repo, checkpoint, run, place, asked, staging, most, device, base_env, progress
            )
            return
        copied = _copy(place, asked, layout, staging, limit, progress)
        progress(Progress(phase="start"))
        reads = stage_checkpoint(repo, checkpoint, staging)
        known = TrainingRecords.none()
        if explain:
            known = TrainingRecords.copy(repo, train, run, staging)
        job = _job(checkpoint, run, copied, known.files if explain else None)
        result = run_job(
            staging,
            job,
            reads=(*reads, TEST, *known.files),
            threads=job["threads"],
            base_env=base_env,
            progress=progress,
        )
        sources = TrainingSources(repo, run, known, withdrawn) if explain else None
        answers = _Answers(staging, checkpoint, result, copied.answerable, sources)
        yield AnsweredRecords(
            checkpoint,
            copied.count,
            copied.unanswered,
            copied.without_fields,
            known.missing,
            answers.records(),
        )


def _written(
    repo: Repository,
    checkpoint: Manifest,
    run: Manifest,
    place: Path,
    asked: Iterable[AskedRecord],
    staging: Staging,
    most: int | None,
    device: str,
    base_env: Mapping[str, str],
    progress: OnProgress,
) -> AnsweredRecords:
    """Return what a model that writes answers; all of it lies in memory."""
    limit = min(most or MOST_EXPLAINED, MOST_EXPLAINED)
    records = list(islice(asked, limit + 1))
    if len(records) > limit:
        raise _too_many(place, limit)
    problems = [(one, one.problem) for one in records if one.problem is not None]
    unanswered = dict(Counter(problem.reason for _, problem in problems))
    if len(problems) == len(records):
        first = problems[0] if problems else None
        raise _nothing(place, _Copied(len(records), unanswered=unanswered, first=first))
    progress(Progress(phase="start"))
    answers = write_answers(
        repo, checkpoint, run, records, staging, device=device, base_env=base_env, progress=progress
    )
    return AnsweredRecords(checkpoint, len(records), unanswered, 0, (), iter(list(answers)))


def predict_file(
    repo: Repository,
    checkpoint_ref: str,
    path: Path,
    *,
    base_env: Mapping[str, str],
    folder: Path,
) -> Prediction:
    """Return what a trained checkpoint says of the text or document in one file.

    Args: As :func:`predict_records`.

    Raises:
        InvalidInputError: (``too-many``) it has several records. Else as :func:`predict_records`.

    Cost: some seconds to load the libraries, then milliseconds.
    """
    with predict_records(
        repo, checkpoint_ref, path, base_env=base_env, folder=folder, most=1
    ) as found:
        return next(iter(found))


class _Copied(Struct):
    count: int = 0
    answerable: int = 0
    without_fields: int = 0
    unanswered: dict[str, int] = {}
    first: tuple[AskedRecord, Unanswered] | None = None


def _copy(
    place: Path,
    asked: Iterable[AskedRecord],
    layout: RecordLayout,
    staging: Staging,
    most: int | None,
    progress: OnProgress,
) -> _Copied:
    """Write what is asked for the worker, and beside it where each record stands."""
    copied = _Copied()
    with ExitStack() as held:
        ask, note = (
            held.enter_context(staging.create(TEST)),
            held.enter_context(staging.create(_ASKED)),
        )
        for one in asked:
            copied.count += 1
            if most is not None and copied.count > most:
                raise _too_many(place, most)
            if one.problem is not None:
                reason = one.problem.reason
                copied.unanswered[reason] = copied.unanswered.get(reason, 0) + 1
                copied.first = copied.first or (one, one.problem)
            elif one.record is not None:
                copied.answerable += 1
                copied.without_fields += len(one.fields) < len(layout.joined)
                line = {"id": one.record.hex, "labels": [], "text": one.text, "fields": one.fields}
                ask(json.dumps(line).encode("ascii") + b"\n")
            note(msgspec.json.encode(_Stands.of(one)) + b"\n")
            if copied.count % _ROWS_AT_ONCE == 0:
                progress(Progress(copied.count, phase="read"))
    if not copied.answerable:
        raise _nothing(place, copied)
    progress(Progress(copied.count, copied.count, phase="read"))
    return copied


class _Stands(Struct, array_like=True):
    """Where a record stands, as it waits on the disk."""

    path: str
    line: int | None
    record: str
    id: str
    problem: tuple[str, str, str] | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, one: AskedRecord) -> "_Stands":
        problem = one.problem
        return cls(
            one.path,
            one.line,
            one.record.hex if one.record else "",
            one.id,
            (problem.reason, problem.summary, problem.hint) if problem else None,
            one.notes,
        )

    def asked(self) -> AskedRecord:
        return AskedRecord(
            self.path,
            self.line,
            Digest.parse_hex(self.record) if self.record else None,
            self.id,
            problem=Unanswered(*self.problem) if self.problem else None,
            notes=self.notes,
        )


def _job(
    checkpoint: Manifest, run: Manifest, copied: _Copied, known: Sequence[str] | None
) -> dict[str, Any]:
    body = checkpoint.body
    return {
        "job": "predict",
        "threads": run.body["environment"]["threads"],
        "seed": 0,
        "task": body["task"],
        "format": body["format"],
        "decision": body.get("decision", {}),
        "needsBase": bool(checkpoint.inputs_in("base")),
        "records": copied.answerable,
        "explain": known is not None,
        "known": list(known or ()),
    }


class _Answers:
    """Reads what the worker wrote, beside where each record stands."""

    def __init__(
        self,
        staging: Staging,
        checkpoint: Manifest,
        result: Mapping[str, Any],
        answerable: int,
        sources: TrainingSources | None,
    ) -> None:
        self._staging, self._result, self._sources = staging, result, sources
        self._labels = checkpoint.body["labels"]
        self._answerer = labelling_rules(checkpoint.body["task"]).answerer(
            MODEL, checkpoint.body.get("decision", {})
        )
        self._most = int(result["maxTokens"])
        for name, width in (("scores", len(self._labels)), ("tokens", 1)):
            path = self._file(name)
            try:
                size = path.stat().st_size
            except OSError as error:
                raise storage_error(error, f"reading {path.name}") from error
            if size != 4 * width * answerable:
                raise _bad_output(path)

    def records(self) -> Iterator[Prediction]:
        """Yield a prediction for each record; memory for some at a time."""
        try:
            with (self._staging.path / _ASKED).open("rb") as asked:
                rows = self._rows()
                for line in asked:
                    one = msgspec.json.decode(line, type=_Stands).asked()
                    yield Prediction(one) if one.problem else self._prediction(one, next(rows))
        except StorageError:
            raise
        except OSError as error:
            raise storage_error(error, "reading the answers") from error

    def _rows(self) -> Iterator[tuple[Any, int, Mapping[str, Any] | None]]:
        with ExitStack() as held:
            scores = held.enter_context(self._file("scores").open("rb"))
            tokens = held.enter_context(self._file("tokens").open("rb"))
            explained = None
            if self._sources is not None:
                explained = held.enter_context(self._file("explained").open("rb"))
            width = len(self._labels)
            while part := scores.read(4 * width * _ROWS_AT_ONCE):
                table = np.frombuffer(part, "<i4").reshape(-1, width).astype(np.int64)
                if table.min() < 0 or table.max() > WHOLE:
                    raise _bad_output(self._file("scores"))
                counts = np.frombuffer(tokens.read(4 * len(table)), "<i4")
                for row, count in zip(table, counts.tolist(), strict=True):
                    yield row, count, json.loads(explained.readline()) if explained else None

    def _prediction(
        self, asked: AskedRecord, found: tuple[Any, int, Mapping[str, Any] | None]
    ) -> Prediction:
        scores, tokens, explained = found
        given, confidence = decide(self._answerer, scores)
        abstained = self._answerer.abstains(confidence)
        given.sort(key=lambda at: (-scores[at], at))
        ranked = np.argsort(-scores, kind="stable")[: max(MOST_CANDIDATES, len(given))]
        prediction = Prediction(
            asked,
            ()
            if abstained
            else tuple(self._labels[at] for at in sorted(given, key=lambda at: (-scores[at], at))),
            confidence,
            tuple((self._labels[at], int(scores[at])) for at in ranked),
            abstained,
            tokens,
            self._most,
        )
        if explained is None or self._sources is None:
            return prediction
        return replace(
            prediction,
            explanation=tuple(explained["parts"]),
            similar=tuple(map(self._sources.describe, explained["similar"])),
        )

    def _file(self, name: str) -> Path:
        return self._staging.path / str(self._result[name])


def _bad_output(path: Path) -> RunFailedError:
    return RunFailedError("bad-output", f"{path.name} is not what a worker writes")


def _too_many(place: Path, most: int) -> InvalidInputError:
    return InvalidInputError(
        "too-many",
        f"{place} has more than {pluralize(most, 'record')}, the most at once here",
        hint="have the answers written to a file (-o FILE), or ask about fewer",
    )


def _nothing(place: Path, copied: _Copied) -> InvalidInputError | EmptyResultError:
    if copied.first is None:
        return EmptyResultError(
            "no-records", f"{place} holds no records", hint="name a text, rows, or their folder"
        )
    asked, problem = copied.first
    shown = escape_control(asked.path if asked.line is None else f"{asked.path}:{asked.line}")
    more = f" (and {copied.count - 1} more without an answer)" if copied.count > 1 else ""
    return InvalidInputError(
        problem.reason,
        f"{shown}: {problem.summary}{more}",
        hint=problem.hint or "name a file with text",
        details={"unanswered": copied.unanswered},
    )
