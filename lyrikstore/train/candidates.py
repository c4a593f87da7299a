"""All candidates of a run: each trained in a worker of its own, one chosen (spec §13.2.2)."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.errors import FormatError, RunFailedError, storage_errors
from lyrikstore.canon.files import open_private
from lyrikstore.canon.json import encode
from lyrikstore.canon.progress import OnProgress, Progress
from lyrikstore.context import StoreContext
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.environment import precision_of
from lyrikstore.train.formats import blend, word_counts
from lyrikstore.train.formats.formats import CANDIDATES, Format, blend_of
from lyrikstore.train.replay.resume_state import RunResumeState
from lyrikstore.train.replay.segment_store import SEGMENT, SegmentStore
from lyrikstore.train.requirements import ACCELERATOR
from lyrikstore.train.snapshot import Snapshot, staged_base
from lyrikstore.train.task import CopiedInputs
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import TRAIN, VALIDATION, Staging
from lyrikstore.verify.evaluation.choice.candidates import (
    BLEND,
    BY_VALIDATION,
    FORMAT_IDS,
    is_measured,
)
from lyrikstore.verify.evaluation.choice.choose import Tried
from lyrikstore.verify.evaluation.choice.cross_validation import CrossValidation
from lyrikstore.verify.evaluation.choice.folds import FoldedRecords
from lyrikstore.verify.evaluation.choice.validation import CandidateChoice, ValidationScores
from lyrikstore.verify.rights.judge import Reason
from lyrikstore.verify.store.statements.segments import CANDIDATES_WITH_STEPS, steps_of

_RARE_WORDS = (
    "no word is in two training records, so the word counts hold every word of them: whoever gets "
    "the model can read it there; take more records"
)


class Chosen(Struct, frozen=True):
    """The candidate that was taken.

    Attributes:
        decided: It, with the rest in the order of their trial, and why it was taken.
        form: Its format.
        made: What its worker said of each of its checkpoints, the final one last.
        metrics: Of the final one: the validation's, and what it took.
        actual: What all candidates took together, as the checkpoint's body says it.
        warnings: What training showed, and should be known.
        validation: What each candidate said of the records that it is compared on; None of a
            generative model.
    """

    decided: CandidateChoice
    form: Format
    made: tuple[Mapping[str, Any], ...]
    metrics: Mapping[str, str]
    actual: Mapping[str, str]
    warnings: tuple[Reason, ...] = ()
    validation: ValidationScores | CrossValidation | None = None


Results = Mapping[str, Mapping[str, Any]]
"""Candidate → what its worker said last."""


def train_candidates(
    context: StoreContext,
    staging: Staging,
    config: TrainConfig,
    candidates: Iterable[str],
    copied: CopiedInputs,
    *,
    resume_state: RunResumeState | None = None,
    segments: SegmentStore | None = None,
) -> Chosen:
    """Train every candidate and return the one that the task takes.

    Args:
        context: The store; ``progress`` is called per step of each.
        staging: Holds the base model, training and validation data.
        config: What to do.
        candidates: Their names; a blend is made of two of them.
        copied: The data.
        resume_state: Keeps points of training, and has those of an interrupted run.
        segments: Keeps the points that segments begin at, where the config wants some.

    Raises:
        RunFailedError, InvalidInputError, VerificationError, StorageError: As
            :func:`lyrikstore.train.worker.process.run_job`.
    """
    training, results = config.training, dict[str, Mapping[str, Any]]()
    candidates = tuple(candidates)
    run = partial(
        run_job,
        staging,
        threads=training.threads,
        base_env=context.environment,
        progress=context.progress,
    )
    for name in candidates:
        if name not in CANDIDATES:
            continue
        each = segment_steps(config, copied.order["records"]["train"])
        each = each if name in CANDIDATES_WITH_STEPS else 0
        keeping, resumed, keep = _keeping(
            resume_state, segments, each, name, staging, context.progress
        )
        base = staged_base(staging) if CANDIDATES[name].needs_base else ()
        job = {
            "candidate": name,
            "task": copied.task,
            "config": config.to_json(),
            "precision": precision_of(training.precision, training.device),
            **copied.job,
        }
        folds = copied.folds_of(name)
        answered: Mapping[str, Any] = {}
        if folds and name in CANDIDATES_WITH_STEPS:
            answered = run(
                {**job, "job": "folds", **folds},
                name=f"train-{name}-folds",
                reads=(TRAIN, VALIDATION, *base),
            )
            folds = {}
        result = run(
            {**job, "job": "train", **folds, **keeping},
            name=f"train-{name}",
            reads=(TRAIN, VALIDATION, *base, *resumed),
            on_point=keep,
        )
        made = result.get("checkpoints")
        if not isinstance(made, list) or not made or not made[-1]["final"]:
            raise RunFailedError("bad-output", "the worker made no final checkpoint")
        results[name] = {**result, **({"folds": answered} if answered else {})}
    allowed = frozenset(FORMAT_IDS[one] for one in config.model.candidates or candidates)
    return copied.choose(staging, results, allowed)


def scores_of_validation(
    staging: Staging, task: str, data: tuple[Snapshot, Snapshot], results: Results
) -> ValidationScores:
    """Return what candidates with labels said of the validation data.

    Args:
        staging: Holds what the workers wrote.
        task: The task.
        data: What was copied of training and validation data.
        results: What the workers said.

    Raises:
        RunFailedError: (``bad-output``) a worker wrote something else.
        StorageError: Something cannot be read.
    """
    train, validation = data
    labels = tuple(train.labels)
    shape = len(validation.records), len(labels)
    logits = {
        name: read_scores(staging.path / str(one["checkpoints"][-1]["logits"]), "<f8", shape)
        for name, one in results.items()
    }
    return ValidationScores(task, labels, logits, flags(validation, labels))


def scores_of_folds(
    staging: Staging, task: str, labels: Collection[str], pool: FoldedRecords, results: Results
) -> CrossValidation:
    """Return what candidates with labels said of the pool, out of fold or on validation.

    Args:
        staging: Holds what the workers wrote.
        task: The task.
        labels: All labels.
        pool: The records that they are compared on.
        results: What the workers said.

    Raises:
        RunFailedError, StorageError: As :func:`scores_of_validation`.
    """
    out_of_fold, holdout = dict[str, Any](), dict[str, Any]()
    for name, one in results.items():
        # What takes steps is trained anew for the folds of the first repeat alone.
        repeats = 1 if "folds" in one else pool.repeats
        said = one.get("folds", one["checkpoints"][-1])
        if "outOfFold" in said:
            shape = repeats, len(pool.expected), len(labels)
            out_of_fold[name] = read_scores(staging.path / str(said["outOfFold"]), "<f4", shape)
        else:
            path, width = staging.path / str(said["logits"]), len(labels)
            holdout[name] = read_scores(path, "<f8", (pool.validation, width)).astype("<f4")
    return CrossValidation(task, tuple(labels), pool, out_of_fold, holdout)


def choose(
    staging: Staging,
    scores: ValidationScores | CrossValidation,
    results: Results,
    allowed: Collection[str],
    limit: str = "",
) -> Chosen:
    """Return which of the candidates with labels their scores prefer.

    Args:
        staging: Holds what the workers wrote.
        scores: What each said of the records that they are compared on.
        results: What the workers said.
        allowed: Formats of the candidates that may be taken: what a blend joins is trained for it.
        limit: The confidence below which it does not answer, as the config declares it.

    Raises:
        RunFailedError: (``bad-output``) none of the candidates that the config allows was trained.
        StorageError: Something cannot be read or written.
    """
    made = {name: one["checkpoints"] for name, one in results.items()}
    try:
        decided = scores.decide(allowed, limit)
    except FormatError:  # ATTACK: a run that says other candidates than its config
        raise RunFailedError(
            "bad-output",
            "none of the candidates that the config allows was trained",
            hint="of a run that is done again: what it says of its candidates contradicts itself",
        ) from None
    settings = {name: one[-1]["settings"] for name, one in made.items() if "settings" in one[-1]}
    decided = replace(decided, settings=settings)
    form, parts = _taken(staging, decided.taken, made, scores.task, scores.labels)
    # What a worker stopped by is flattered: what was measured as announced takes its place.
    own = {
        name: value
        for name, value in parts[-1]["metrics"].items()
        if not is_measured(name, BY_VALIDATION)
    }
    folds = [one["folds"] for one in results.values() if "folds" in one]
    return Chosen(
        decided,
        form,
        parts,
        {**own, **decided.to_body()["metrics"]},
        total_figures([*(one[-1] for one in made.values()), *folds]),
        _rare_warnings(results),
        scores,
    )


_Keep = Callable[[Mapping[str, Any]], None]


def _keeping(
    resume_state: RunResumeState | None,
    segments: SegmentStore | None,
    each: int,
    candidate: str,
    staging: Staging,
    progress: OnProgress,
) -> tuple[dict[str, Any], tuple[str, ...], _Keep]:
    """Return what a job says of points, the files it has to read for them, and what keeps them.

    ``each``: steps of a segment, 0: there are none.
    """
    if not each:
        told, read = _resume_state_of(resume_state, candidate, staging, progress)
        return told, read, _keeper(resume_state, None, candidate, staging, progress)
    # What was signed of segments before an interruption is gone: they begin anew.
    told = {"segmentSteps": each, "keepSegments": segments is not None}
    return told, (), _keeper(None, segments, candidate, staging, progress)


def _resume_state_of(
    resume_state: RunResumeState | None, candidate: str, staging: Staging, progress: OnProgress
) -> tuple[dict[str, Any], tuple[str, ...]]:
    if resume_state is None:
        return {}, ()
    resume = resume_state.staged(candidate, staging)
    if resume is None:
        return {"pointSeconds": resume_state.seconds}, ()
    progress(Progress(phase="resume", detail={"candidate": candidate, **resume["position"]}))
    return {"pointSeconds": resume_state.seconds, "resume": resume}, (
        resume["point"],
        *resume["kept"].values(),
    )


def _keeper(
    resume_state: RunResumeState | None,
    segments: SegmentStore | None,
    candidate: str,
    staging: Staging,
    progress: OnProgress,
) -> _Keep:
    """Return what keeps the points of a candidate; a full disk ends that and not the training."""
    failed = False

    def keep(event: Mapping[str, Any]) -> None:
        nonlocal failed
        if failed:
            return
        try:
            if event.get("kind") == SEGMENT:
                if segments is not None:
                    segments.take(candidate, staging.path, event)
            elif resume_state is not None:
                resume_state.take(candidate, staging, event)
        except OSError as error:
            failed = True
            text = f"no points are kept any more, so nothing goes on from one: {error}"
            progress(Progress(phase="warn", detail={"code": "no-points", "text": text}))
        else:
            progress(Progress(phase="point"))

    return keep


def segment_steps(config: TrainConfig, records: int) -> int:
    """Return the steps of a segment of a run; 0: it has none."""
    training = config.training
    if not config.replay.steps:
        return 0
    return steps_of(config.replay.steps, records, training.records_per_step, training.epochs)


def read_scores(path: Path, kind: str, shape: tuple[int, ...]) -> Any:
    """Return the scores that a worker wrote.

    Args:
        path: The file.
        kind: The type of its numbers.
        shape: How many there have to be.

    Raises:
        RunFailedError: (``bad-output``) it is no such file.
        StorageError: It cannot be read.
    """
    size = math.prod(shape)
    with storage_errors(f"reading {path.name}"):
        fits = path.stat().st_size == np.dtype(kind).itemsize * size
        data = path.read_bytes() if fits else b""
    found = np.frombuffer(data, kind)
    if len(found) != size or not np.isfinite(found).all():
        raise RunFailedError("bad-output", f"{path.name} is not what a worker writes")
    return found.reshape(shape)


def _taken(
    staging: Staging,
    taken: Tried,
    made: Mapping[str, Sequence[Mapping[str, Any]]],
    task: str,
    labels: Sequence[str],
) -> tuple[Format, tuple[Mapping[str, Any], ...]]:
    """Return the format of what was taken, and what its worker said of each checkpoint."""
    if taken.candidate == BLEND:
        joined = _join(staging, taken, made, task, labels)
        return blend_of(CANDIDATES[taken.other]), (joined,)
    return CANDIDATES[taken.candidate], tuple(made[taken.candidate])


def _rare_warnings(results: Results) -> tuple[Reason, ...]:
    rare = any(one.get("rareWords") for one in results.values())
    return (Reason("rare-words", _RARE_WORDS),) if rare else ()


def flags(snapshot: Snapshot, labels: Sequence[str]) -> Any:
    """Return which labels each record of a snapshot has: records × labels."""
    numbers = {label: number for number, label in enumerate(labels)}
    found = np.zeros((len(snapshot.targets), len(labels)), bool)
    for at, some in enumerate(snapshot.targets):
        found[at, [numbers[label] for label in some if label in numbers]] = True
    return found


def _join(
    staging: Staging,
    taken: Tried,
    made: Mapping[str, Sequence[Mapping[str, Any]]],
    task: str,
    labels: Sequence[str],
) -> Mapping[str, Any]:
    """Bring the files of two candidates together, and return what a worker would say of them."""
    folder = staging.path / "out" / "blend"
    other = made[taken.other][-1]
    settings = {
        "format": blend.FORMAT,
        "labels": list(labels),
        "members": [word_counts.FORMAT, CANDIDATES[taken.other].id],
        "task": task,
        "temperatures": list(taken.fitted.temperatures),
        "weight": taken.fitted.weight,
    }
    with storage_errors("putting two models together"):
        folder.mkdir(mode=0o700)
        for name, part in ((blend.WORDS, made["tfidf"][-1]), (blend.OTHER, other)):
            (staging.path / Path(str(part["folder"]))).rename(folder / name)
        with open_private(folder / blend.SETTINGS, "xb") as file:
            file.write(encode(settings))
    # Its loss, or how much of it was trained, nobody can say of two models.
    took = total_figures([made["tfidf"][-1], other])
    took["peakMemoryBytes"] = took.pop("memoryBytes")
    return {**other, "folder": "out/blend", "metrics": took}


def total_figures(finals: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return what some candidates took: seconds together, memory of the largest."""
    figures = [one["metrics"] for one in finals]
    taken = [int(one[ACCELERATOR]) for one in figures if ACCELERATOR in one]
    return {
        "wallSeconds": f"{sum(float(one['wallSeconds']) for one in figures):.1f}",
        "cpuSeconds": f"{sum(float(one['cpuSeconds']) for one in figures):.1f}",
        "memoryBytes": str(max(int(one["peakMemoryBytes"]) for one in figures)),
        **({ACCELERATOR: str(max(taken))} if taken else {}),
    }
