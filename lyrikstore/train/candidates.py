"""Training of all candidates of a run, and the choice of one (spec §13.2.2).

Each candidate is trained in its own worker process.
"""

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
    "no word is in two training records, so the word counts contain every word of the training "
    "data, and everyone who gets the model can read them; train on more records"
)


class Chosen(Struct, frozen=True):
    """The candidate that was chosen.

    Attributes:
        decided: The choice: all candidates in the order of training, and why this one was chosen.
        form: The format of the chosen candidate.
        made: The worker's result for each checkpoint of the candidate, the final one last.
        metrics: Validation metrics of the final checkpoint, and its time and memory.
        actual: Time and memory of all candidates together, as in the checkpoint's body.
        warnings: Warnings that training gave rise to.
        validation: Scores of each candidate on the records that candidates are compared on; None
            for a generative model.
    """

    decided: CandidateChoice
    form: Format
    made: tuple[Mapping[str, Any], ...]
    metrics: Mapping[str, str]
    actual: Mapping[str, str]
    warnings: tuple[Reason, ...] = ()
    validation: ValidationScores | CrossValidation | None = None


Results = Mapping[str, Mapping[str, Any]]
"""Candidate → the last result of its worker."""


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
    """Train every candidate and return the one that the task chooses.

    Args:
        context: The store; ``progress`` is called per step of each.
        staging: Holds the base model, training and validation data.
        config: The training config.
        candidates: Names of the candidates; a blend joins two of them.
        copied: The copied training and validation data.
        resume_state: Where resume states are written, and those of an interrupted run are read.
        segments: Where the states at the start of segments are written, if the config asks for
            them.

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
    """Return the scores of labelling candidates on the validation data.

    Args:
        staging: The folder with the workers' output.
        task: Name of the task.
        data: Snapshots of the training and the validation data.
        results: The results of the workers.

    Raises:
        RunFailedError: (``bad-output``) a worker's file has another size or content.
        StorageError: A file cannot be read.
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
    """Return the scores of labelling candidates, out of fold or on the validation data.

    Args:
        staging: The folder with the workers' output.
        task: Name of the task.
        labels: All labels.
        pool: The records that candidates are compared on.
        results: The results of the workers.

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
    """Return the labelling candidate with the best scores.

    Args:
        staging: The folder with the workers' output.
        scores: Scores of each candidate on the records that they are compared on.
        results: The results of the workers.
        allowed: Formats of the candidates that may be chosen; others are trained only as parts of a
            blend.
        limit: The confidence below which the model abstains, as the config declares it; empty: it
            is fitted.

    Raises:
        RunFailedError: (``bad-output``) none of the candidates that the config allows was trained.
        StorageError: A file cannot be read or written.
    """
    made = {name: one["checkpoints"] for name, one in results.items()}
    try:
        decided = scores.decide(allowed, limit)
    except FormatError:  # ATTACK: a run that lists other candidates than its config
        raise RunFailedError(
            "bad-output",
            "none of the candidates that the config allows was trained",
            hint="if you reproduce a run: its list of candidates contradicts its config",
        ) from None
    settings = {name: one[-1]["settings"] for name, one in made.items() if "settings" in one[-1]}
    decided = replace(decided, settings=settings)
    form, parts = _taken(staging, decided.taken, made, scores.task, scores.labels)
    # The validation that stopped a worker is biased: metrics measured as announced replace it.
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
    """Return the job's members for training states, the files it reads for them, and their writer.

    ``each``: steps of a segment, 0: the run has no segments.
    """
    if not each:
        members, read = _resume_state_of(resume_state, candidate, staging, progress)
        return members, read, _keeper(resume_state, None, candidate, staging, progress)
    # Segments signed before an interruption are lost: all segments begin again.
    members = {"segmentSteps": each, "keepSegments": segments is not None}
    return members, (), _keeper(None, segments, candidate, staging, progress)


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
    """Return the function that stores the training states of a candidate.

    If the disk is full, it stores no further states, and training goes on.
    """
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
            text = f"no further resume states are stored; the run cannot be resumed: {error}"
            progress(Progress(phase="warn", detail={"code": "no-points", "text": text}))
        else:
            progress(Progress(phase="point"))

    return keep


def segment_steps(config: TrainConfig, records: int) -> int:
    """Return the number of steps in a segment of a run; 0: the run has no segments."""
    training = config.training
    if not config.replay.steps:
        return 0
    return steps_of(config.replay.steps, records, training.records_per_step, training.epochs)


def read_scores(path: Path, kind: str, shape: tuple[int, ...]) -> Any:
    """Return the scores that a worker wrote.

    Args:
        path: The file.
        kind: NumPy type of its numbers.
        shape: The shape that is expected.

    Raises:
        RunFailedError: (``bad-output``) the file has another size, or a number that is not finite.
        StorageError: The file cannot be read.
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
    """Return the format of the chosen candidate, and the worker's result for each checkpoint."""
    if taken.candidate == BLEND:
        joined = _join(staging, taken, made, task, labels)
        return blend_of(CANDIDATES[taken.other]), (joined,)
    return CANDIDATES[taken.candidate], tuple(made[taken.candidate])


def _rare_warnings(results: Results) -> tuple[Reason, ...]:
    rare = any(one.get("rareWords") for one in results.values())
    return (Reason("rare-words", _RARE_WORDS),) if rare else ()


def flags(snapshot: Snapshot, labels: Sequence[str]) -> Any:
    """Return a boolean array, records × labels: whether a record has a label."""
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
    """Put the files of two candidates into one folder, and return the result for the blend."""
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
    # Two models together have no loss and no count of trained parameters.
    took = total_figures([made["tfidf"][-1], other])
    took["peakMemoryBytes"] = took.pop("memoryBytes")
    return {**other, "folder": "out/blend", "metrics": took}


def total_figures(finals: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the resources of some candidates: the sum of seconds, the largest memory."""
    figures = [one["metrics"] for one in finals]
    taken = [int(one[ACCELERATOR]) for one in figures if ACCELERATOR in one]
    return {
        "wallSeconds": f"{sum(float(one['wallSeconds']) for one in figures):.1f}",
        "cpuSeconds": f"{sum(float(one['cpuSeconds']) for one in figures):.1f}",
        "memoryBytes": str(max(int(one["peakMemoryBytes"]) for one in figures)),
        **({ACCELERATOR: str(max(taken))} if taken else {}),
    }
