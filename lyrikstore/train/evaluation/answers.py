"""Answers of a checkpoint to a test set, and answers of its baselines (spec §13.7)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError, StorageError
from lyrikstore.canon.progress import Progress
from lyrikstore.context import StoreContext
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.candidates import flags
from lyrikstore.train.environment import describe_environment
from lyrikstore.train.evaluation.answer_files.answer_file import place_answers
from lyrikstore.train.evaluation.overlap import LearnedData
from lyrikstore.train.evaluation.slicing import SlicedRecords
from lyrikstore.train.formats.formats import CANDIDATES
from lyrikstore.train.labels import check_labels
from lyrikstore.train.resolve_checkpoint import (
    answering_job,
    read_scores,
    stage_checkpoint,
    stage_unlike,
)
from lyrikstore.train.slices import group_numbers
from lyrikstore.train.snapshot import (
    CopiedFields,
    Snapshot,
    check_single,
    copy_base,
    copy_datasets,
    staged_base,
)
from lyrikstore.train.task import ModelWithAnswers, TestedModel
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import TEST, TRAIN, Staging, open_staging
from lyrikstore.train.worker.training.folds import write_folds
from lyrikstore.verify.evaluation.answers import MODEL, Head
from lyrikstore.verify.evaluation.choice.baselines import rival_of
from lyrikstore.verify.evaluation.choice.folds import deal_folds, repeats_of
from lyrikstore.verify.evaluation.choice.task import Flags, labelling_rules
from lyrikstore.verify.evaluation.external_answers import answer_file_answerer
from lyrikstore.verify.evaluation.predictions import Line

MEASURED = ("latencyMs", "wallSeconds", "cpuSeconds", "peakMemoryBytes")
"""Figures that a worker measures of itself."""


class AnsweredTestSet(Struct, frozen=True):
    """Answers of a model and its baselines to a test set.

    Attributes:
        tested: The records of the test set.
        trained: The records that the baselines were trained on; empty: there are no baselines.
        systems: Results of the workers, for the model and for each baseline.
        scores: Scores of each system in millionths, records × labels of the model.
        environment: The machine and packages.
        labels: The labels of the model.
        seen: Number of test records that are in the training data of the model, or of a model it is
            based on.
    """

    tested: Snapshot
    trained: Snapshot
    systems: Sequence[Mapping[str, Any]]
    scores: Sequence[NDArray[np.int32]]
    environment: Mapping[str, Any]
    labels: Sequence[str]
    seen: int = 0


def fields_of(config: Mapping[str, Any], *, label: str | None = None) -> CopiedFields:
    """Return the fields of records that the config of a run names.

    Args:
        config: The config of the run.
        label: Another field for the label; empty: no label; None: that of the config.
    """
    data = config["data"]
    text = (data["text"],) if data.get("text") else ()
    label = data["label"] if label is None else label
    return CopiedFields(label, text, tuple(data.get("fields", ())))


def actual_of(systems: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the member ``actual`` of an evaluation: time and memory of all systems, with fitting.

    Args:
        systems: Result of each; empty for a system whose answers were computed elsewhere.
    """
    systems = [one for one in systems if one]
    if not systems:
        return {}
    fitting = (one.get("params", {}).get("fitCpuSeconds", 0) for one in systems)
    cpu = sum(float(one["cpuSeconds"]) for one in systems) + sum(map(float, fitting))
    return {
        "wallSeconds": f"{sum(float(one['wallSeconds']) for one in systems):.1f}",
        "cpuSeconds": f"{cpu:.1f}",
        "memoryBytes": str(max(int(one["peakMemoryBytes"]) for one in systems)),
    }


def answer_records(
    context: StoreContext,
    model: TestedModel | ModelWithAnswers,
    *,
    seen_in: LearnedData | None = None,
    label: str | None = None,
) -> AnsweredTestSet:
    """Return the answers of a model, computed or from its answer file, and those of its baselines.

    Args:
        context: The store.
        model: The model, the test set, and the data that baselines are trained on; without it
            there are no baselines.
        seen_in: The training data that is searched for test records; None: no search.
        label: The field with the labels of the records, if it is not that of the run; empty: they
            have no labels.

    Raises:
        InvalidInputError: (``empty``) there are no records; or they cannot be read.
        VerificationError, IncompleteError, RunFailedError, StorageError: As ``run_job`` and
            ``copy_datasets``.
        LyrikstoreError: As :func:`place_answers`.
        LyrikstoreError: As :meth:`LearnedData.check_unseen`.
    """
    repo, test, config, task = context.repository, model.test, model.config, model.task
    labels: Sequence[str] | None = None
    if model.checkpoint is not None:
        labels = model.checkpoint.body.get("labels")
    rules, threads = labelling_rules(task), config["training"]["threads"]
    with open_staging(repo.root) as staging:
        reads: tuple[str, ...] = ()
        if isinstance(model, TestedModel):
            reads = stage_checkpoint(repo, model.checkpoint, staging)
            reads += stage_unlike(repo, model.checkpoint, staging)

        def copy(some: Sequence[Manifest], name: str, label: str | None = None) -> Snapshot:
            fields = fields_of(config, label=label)
            found = copy_datasets(repo, some, fields=fields, staging=staging, name=name)
            if fields.label and not rules.several:
                check_single(" with ".join(one.name for one in some), fields.label, found)
            return found

        def work(job: dict[str, Any], reads: Sequence[str]) -> dict[str, Any]:
            return run_job(
                staging,
                job,
                reads=tuple(reads),
                threads=threads,
                base_env=context.environment,
                progress=context.progress,
            )

        tested = copy([test], TEST, label)
        if not tested.records:
            raise InvalidInputError("empty", f"{test.name} has no records")
        trained, seen = Snapshot((), {}, (), ()), 0
        if model.train:
            trained = copy(model.train, TRAIN)
        if seen_in is not None:
            seen = seen_in.check_unseen(test, tested.records)
        systems, scores = [dict[str, Any]()], []
        if isinstance(model, ModelWithAnswers):
            separator = FieldRoles.of_body(test.body).label_separator
            placed = place_answers(
                model.given, tested, labels=labels, several=rules.several, separator=separator
            )
            labels, scores = placed.labels, [placed.scores]
        labels = labels or ()
        check_labels(test.name, tested.labels.keys() | {*labels})
        if isinstance(model, TestedModel):
            about = answering_job(model.checkpoint, threads=threads, seed=model.seed)
            systems = [work({"job": "score", **about}, (*reads, TEST))]
        if model.train:
            job, base = _baseline_job(context, model, trained, labels, staging)
            systems += work({"job": "baseline", **job}, (TRAIN, *base, TEST))["answered"]
        count = len(tested.records)
        scores += [read_scores(staging, one, count, len(labels)) for one in systems if one]
    return AnsweredTestSet(
        tested, trained, systems, scores, describe_environment(threads, task), labels, seen
    )


def _baseline_job(
    context: StoreContext,
    model: TestedModel | ModelWithAnswers,
    trained: Snapshot,
    labels: Sequence[str],
    staging: Staging,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the members of a job that fits baselines, and the files of a base that it reads."""
    config, repo = model.config, context.repository
    job: dict[str, Any] = {
        "task": model.task,
        "labels": list(labels),
        "config": config,
        "folds": job_folds(
            model.seed, flags(trained, labels), group_numbers(repo, model.train, config)
        ),
    }
    rival = rival_of({} if model.checkpoint is None else model.checkpoint.body)
    base: tuple[str, ...] = ()
    if rival is not None and CANDIDATES[rival.candidate].needs_base:
        base = _stage_base(repo, model.run, staging)
        if not base:  # as in a clone without it: then the evaluation makes no comparison with it
            text = f"no comparison with {rival.candidate}: this store lacks the base of the run"
            context.progress(Progress(phase="warn", detail={"code": "left-out", "text": text}))
            rival = None
    if rival is not None:
        job["rival"] = {"candidate": rival.candidate, "strength": rival.strength}
    return job, base


def _stage_base(repo: Repository, run: Manifest | None, staging: Staging) -> tuple[str, ...]:
    """Copy the base model of a run; return its staged files, or none if it cannot be read."""
    named = [] if run is None else run.inputs_in("base")
    try:
        for item in named:
            copy_base(repo, repo.manifest(item.id), staging)
    except StorageError:
        raise
    except LyrikstoreError:
        return ()
    return staged_base(staging) if named else ()


def job_folds(seed: int, wanted: Flags, groups: Sequence[int] | None) -> list[str]:
    """Return the cross-validation fold of each record, as text for the job of a worker.

    Args:
        seed: The seed of the run.
        wanted: Whether a record has a label: records × labels.
        groups: The group number of each record; None: records are not grouped.
    """
    return write_folds(deal_folds(seed, wanted, groups, repeats_of(len(wanted))))


def head_of(
    model: TestedModel | ModelWithAnswers,
    answered: AnsweredTestSet,
    slices: Sequence[tuple[str, str]] = (),
    *,
    labelled: bool = True,
) -> Head:
    """Return the head of a predictions file.

    Args:
        model: The model.
        answered: The answers.
        slices: Field and value of each slice.
        labelled: Whether the records have labels.
    """
    known = tuple(answered.labels)
    others = sorted(answered.tested.labels.keys() - set(known), key=str.encode)
    rules = labelling_rules(model.task)
    answerers = [answer_file_answerer(several=rules.several)]
    if isinstance(model, TestedModel):
        answerers = [rules.answerer(MODEL, model.checkpoint.body.get("decision", {}))]
    for baseline in answered.systems[1:]:
        always = {**baseline["decision"], "abstainBelow": None}
        answerers.append(rules.answerer(str(baseline["method"]), always))
    return Head(model.task, (*known, *others), tuple(answerers), tuple(slices), labelled)


def lines_of(
    head: Head,
    answered: AnsweredTestSet,
    records: SlicedRecords | None = None,
    near: Sequence[bool] = (),
) -> Iterator[Line]:
    """Yield a line for each record; labels unknown to the model have the score 0.

    Args:
        head: The head of the file.
        answered: The answers.
        records: Slices and groups of the records; None: there are none.
        near: Whether a record has a near duplicate in the training data; empty: no search was made.
    """
    numbers = {label: number for number, label in enumerate(head.labels)}
    rest = [0] * (len(head.labels) - answered.scores[0].shape[1])
    tested = answered.tested
    for at, targets in enumerate(tested.targets):
        yield Line(
            tuple(sorted(numbers[label] for label in targets)),
            [[*one[at].tolist(), *rest] for one in answered.scores],
            records.groups[at] if records and records.groups else None,
            tuple(records.members[at]) if records else (),
            bool(near and near[at]),
        )
