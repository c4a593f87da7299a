"""The interface of a task to training, and the list of tasks (spec §13.1).

A task defines what a record holds and what a model answers. Everything that differs between tasks
is
in one module of :mod:`lyrikstore.train.tasks`, behind :class:`TrainingTask`; planning, training,
evaluation, prediction and deployment call it, and never compare names of tasks. A package that is
installed
beside lyrikstore adds a task by an entry point of the group ``lyrikstore.tasks``.
"""

from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import unknown_word
from lyrikstore.verify.evaluation.external_answers import SEED
from lyrikstore.verify.evaluation.tasks import UNKNOWN_TASK, TaskRules, installed_task, task_names

if TYPE_CHECKING:  # a task is asked by what is above this module, and for nothing else
    from lyrikstore.context import StoreContext
    from lyrikstore.history.manifests.manifest import Manifest
    from lyrikstore.history.repository.repository import Repository
    from lyrikstore.train.candidates import Chosen, Results
    from lyrikstore.train.config import DataConfig, TrainConfig
    from lyrikstore.train.evaluation.answer_files.answer_file import AnswerFile
    from lyrikstore.train.plan.defaults import Proposal
    from lyrikstore.train.plan.estimate import CandidateFigures, Question
    from lyrikstore.train.plan.facts import DataFacts
    from lyrikstore.train.plan.plan import Remark
    from lyrikstore.train.plan.shapes import EncoderShape
    from lyrikstore.train.predict.prediction import AnsweringModel, ModelAnswers
    from lyrikstore.train.predict.similar import RevokedRights
    from lyrikstore.train.preflight import RunPlan
    from lyrikstore.train.serving.model import ModelWorkers, ServedModel
    from lyrikstore.train.worker.hashed_read import StagedFiles
    from lyrikstore.train.worker.staging import Staging
    from lyrikstore.train.worker.targets.registry import Target
    from lyrikstore.train.worker.training.checkpoint_writer import Report
    from lyrikstore.train.worker.training.learner import Learner
    from lyrikstore.verify.evaluation.evidence import OtherEvaluation
    from lyrikstore.verify.rights.judge import Reason

# By name: a look-up imports no library of another task, and modules below the tasks can use them.
_OURS = {
    "text-classification": "lyrikstore.train.tasks.classification:TASK",
    "multi-label": "lyrikstore.train.tasks.multi_label:TASK",
    "sft": "lyrikstore.train.tasks.generation:TASK",
}


class CopiedInputs(Protocol):
    """The data of a run, copied for its worker."""

    @property
    def task(self) -> str:
        """Name of the task."""

    @property
    def labels(self) -> Collection[str]:
        """The labels of the training data; empty for a generative model."""

    @property
    def warnings(self) -> Sequence["Reason"]:
        """Warnings about the data."""

    @property
    def prompt(self) -> Mapping[str, Any]:
        """Member ``prompt`` of run and checkpoints; empty: they have no such member."""

    @property
    def order(self) -> Mapping[str, Any]:
        """Member ``order`` of the run."""

    @property
    def job(self) -> Mapping[str, Any]:
        """Members of the jobs ``train`` and ``replay`` that depend on what was copied."""

    def folds_of(self, candidate: str) -> Mapping[str, Any]:
        """Return the job members of a candidate compared by cross-validation; empty for others."""

    def thresholds(self, config: "TrainConfig") -> list[dict[str, str]]:
        """Return the thresholds of evaluations; raise ``bad-config`` if one cannot be checked."""

    def choose(self, staging: "Staging", results: "Results", allowed: Collection[str]) -> "Chosen":
        """Return the chosen one of the trained candidates.

        Args:
            staging: The folder with the workers' output.
            results: The results of the workers.
            allowed: Formats of the candidates that may be chosen.

        Raises:
            RunFailedError: (``bad-output``) a worker's file is not as expected, or no candidate can
                be chosen.
        """


class TestedModel(Struct, frozen=True):
    """A model and its test set.

    Attributes:
        checkpoint: The model.
        run: Its run.
        test: The test set.
        train: The data that a baseline is trained on, which is that of the model; empty: there is
            no
            baseline.
        floors: Confidence limits for abstaining, for which coverage is reported.
        against: The evaluation that it is compared with; None: it is not compared.
    """

    checkpoint: "Manifest"
    run: "Manifest"
    test: "Manifest"
    train: Sequence["Manifest"] = ()
    floors: Sequence[str] = ()
    against: "OtherEvaluation | None" = None

    @property
    def task(self) -> str:
        """Name of the task."""
        return str(self.checkpoint.body["task"])

    @property
    def config(self) -> Mapping[str, Any]:
        """The config of the run, which determines how records are read."""
        return cast("Mapping[str, Any]", self.run.body["config"])

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return int(self.run.body["seed"])


class ModelWithAnswers(Struct, frozen=True):
    """A model whose answers were computed elsewhere, and its test set.

    Attributes:
        task: Name of the task.
        given: The answer file.
        checkpoint: The model; None: it has no name in this store yet.
        run: Its run; None: it has no run in this store.
        test: The test set.
        train: The data that a baseline is trained on; empty: there is no baseline.
        floors: Confidence limits for abstaining, for which coverage is reported.
        against: The evaluation that it is compared with; None: it is not compared.
    """

    task: str
    given: "AnswerFile"
    checkpoint: "Manifest | None"
    run: "Manifest | None"
    test: "Manifest"
    train: Sequence["Manifest"] = ()
    floors: Sequence[str] = ()
    against: "OtherEvaluation | None" = None

    @property
    def config(self) -> Mapping[str, Any]:
        """The config of the run; if it names no label field, with that of the dataset."""
        config = {} if self.run is None else dict(self.run.body["config"])
        if "label" not in config.get("data", {}):
            label = self.test.body.get("fields", {}).get("label", "")
            config["data"] = {**config.get("data", {}), "label": label}
        return {"training": {"threads": 2}, **config}

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return SEED if self.run is None else int(self.run.body["seed"])


class MonitoredModel(Struct, frozen=True):
    """A model, and data that was collected after its run.

    Attributes:
        checkpoint: The model.
        run: Its run.
        reference: The evaluation that it is compared with.
        new: The new data.
        old: The test set of the reference.
        train: The training data of the model.
        backfill: Whether the data is from before the run.
    """

    checkpoint: "Manifest"
    run: "Manifest"
    reference: "Manifest"
    new: "Manifest"
    old: Sequence["Manifest"]
    train: Sequence["Manifest"]
    backfill: bool = False


class Evaluated(Struct, frozen=True):
    """The result of an evaluation.

    Attributes:
        body: Body of the evaluation, without the members that all tasks share.
        attachments: Role → bytes of the attachment.
        labels: The labels of a model whose answers were computed elsewhere.
    """

    body: dict[str, Any]
    attachments: Mapping[str, bytes]
    labels: Sequence[str] = ()


class TrainingTask(Protocol):
    """Interface of a task: all behaviour that differs between tasks."""

    name: ClassVar[str]

    generative: ClassVar[bool]
    """Whether its models generate text, so that their base model is a decoder."""

    @property
    def rules(self) -> TaskRules:
        """The rules of the task that verification uses."""

    candidates: ClassVar[tuple[str, ...]]
    """Names of its candidates, from :data:`lyrikstore.train.requirements.CANDIDATES`."""

    devices: ClassVar[tuple[str, ...]]
    """The devices that its models run on, from :mod:`lyrikstore.train.requirements`."""

    # Config and plan (spec §13.1, §13.10).

    def defaults(self, section: str) -> Mapping[str, Any]:
        """Return this task's own default settings for a section of a config."""

    def check_config(self, document: Mapping[str, Any]) -> None:
        """Raise `bad-config` if a config has a setting that the task lacks, or lacks one it needs.

        Raises:
            InvalidInputError: (``bad-config``) it does.
        """

    def read_facts(self, repo: "Repository", ref: str, data: "DataConfig") -> "DataFacts":
        """Return the facts about a dataset that a plan needs."""

    def propose(self, repo: "Repository", proposal: "Proposal") -> "TrainConfig":
        """Return the config that ``plan REF`` writes.

        Raises:
            InvalidInputError: The dataset does not name the field to learn.
        """

    def estimate(self, question: "Question", candidate: str) -> "CandidateFigures":
        """Return the time and memory of a candidate that has a base model."""

    def serving_milliseconds(self, question: "Question") -> float | None:
        """Return the milliseconds of one answer on this machine; None: not known."""

    def remarks(
        self, config: "TrainConfig", facts: "DataFacts", shape: "EncoderShape | None"
    ) -> list["Remark"]:
        """Return remarks about a plan."""

    # Training (spec §13.2).

    def copy_inputs(self, repo: "Repository", plan: "RunPlan", staging: "Staging") -> CopiedInputs:
        """Copy training and validation data for a worker; the base model is there already.

        Raises:
            InvalidInputError, PolicyError: Inputs that cannot be trained on.
            VerificationError, IncompleteError, StorageError: An input is damaged or lost.
        """

    def checkpoint_members(
        self, plan: "RunPlan", chosen: "Chosen", labels: Sequence[str], *, final: bool
    ) -> dict[str, Any]:
        """Return the members of a checkpoint's body that other tasks do not have."""

    def open_learner(self, job: Mapping[str, Any], files: "StagedFiles") -> "Learner":
        """Return a model before its first step, in a worker."""

    # Evaluation, monitoring, prediction (spec §13.9).

    is_monitored: ClassVar[bool]
    """Whether it is measured how far data is from the test set."""

    def evaluate(
        self, context: "StoreContext", model: TestedModel, *, sample: int | None, device: str
    ) -> Evaluated:
        """Evaluate a model and its baselines on a test set.

        Args:
            context: The store.
            model: The model, and the data.
            sample: Number of records that are answered; None: all.
            device: The device that the model runs on.

        Raises:
            PolicyError: (``test-is-train``) the model was trained on most of the records.
            InvalidInputError: (``no-sample``) the task always answers all records; or the records
                cannot be answered.
        """

    def evaluate_answer_file(self, context: "StoreContext", model: ModelWithAnswers) -> Evaluated:
        """Evaluate answers that were computed elsewhere.

        Args:
            context: The store.
            model: The answers, and the data.

        Raises:
            PolicyError: (``test-is-train``) the model was trained on most of the records.
            InvalidInputError: (``bad-answer-file``) the answers are not for these records;
                (``no-given-answers``) the task does not support answer files.
        """

    def monitor(
        self, context: "StoreContext", model: MonitoredModel, *, with_old: bool, with_train: bool
    ) -> Evaluated:
        """Run a model on data from after its run, and return how results differ from the reference.

        Args:
            context: The store.
            model: The model, and the data.
            with_old: Whether the test set of the reference may be read.
            with_train: Whether the training data may be read.
        """

    def report(self, repo: "Repository", evaluation: "Manifest") -> Mapping[str, Any]:
        """Return ``confusion``, ``failures`` and ``samples`` of a report, as far as they exist."""

    def answer(
        self,
        context: "StoreContext",
        model: "AnsweringModel",
        *,
        device: str,
        revoked: "RevokedRights | None",
    ) -> "ModelAnswers":
        """Run a model on some records and return its answers.

        Args:
            context: The store.
            model: The model, and the records.
            device: The device that the model runs on.
            revoked: Finds revoked rights, if answers are explained; None: they are not explained.
        """

    def score(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Compute the answers to a test set, in a worker."""

    def predict(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Compute the answers to the records that :meth:`answer` copied, in a worker."""

    # Deployment (spec §14.7).

    def served(
        self, checkpoint: "Manifest", run: "Manifest", target: "Target", workers: "ModelWorkers"
    ) -> "ServedModel":
        """Return the deployable model of a checkpoint, which is staged.

        Args:
            checkpoint: The checkpoint.
            run: Its run.
            target: The target of the deployment.
            workers: The workers that load it.
        """

    def probe(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Return the answers of a sealed model to its probe, in a worker.

        Args:
            job: The job members that :meth:`served` gives for the model.
            files: The checkpoint, its base if it needs one, and ``test.jsonl``.
            report: Called per record or batch.
        """

    def ask(
        self, job: Mapping[str, Any], files: "StagedFiles", reader: Any, report: "Report"
    ) -> dict[str, Any]:
        """Return the answers of a deployed folder to the probe, in a worker, and ``latencyMs``.

        Args:
            job: The job members that :meth:`served` gives for the model.
            files: ``test.jsonl``.
            reader: The reader of the target module, which loads the folder.
            report: Called per record.
        """


def find_task(name: str, *, kind: str = UNKNOWN_TASK) -> TrainingTask:
    """Return a task by its name.

    Args:
        name: Name of the task.
        kind: Kind of the error if there is no such task.

    Raises:
        InvalidInputError: (``unknown-task``) no such task is installed here, or it cannot be
            loaded.
    """
    if name in _OURS:
        module, _, attribute = _OURS[name].partition(":")
        return cast("TrainingTask", getattr(import_module(module), attribute))
    if (found := installed_task(name)) is not None:
        try:
            return cast("TrainingTask", found.load())
        except Exception as error:
            text = (
                f"the task {quote(name)} is installed but cannot be loaded: {type(error).__name__}"
            )
            raise InvalidInputError(kind, text, hint="reinstall the package of the task") from error
    raise unknown_word(kind, "task", name, task_names())


def folder_of_task(name: str) -> str:
    """Return the folder that a task of another package is imported from, or an empty text."""
    found = installed_task(name)
    if found is None or found.dist is None:
        return ""
    # Absolute: the working directory of a worker holds data, and nothing is imported from there.
    return str(Path(str(found.dist.locate_file(""))).resolve())


def package_of_task(name: str) -> dict[str, str]:
    """Return name → version of the other package that provides a task; empty for our tasks."""
    found = installed_task(name)
    return {} if found is None or found.dist is None else {found.dist.name: found.dist.version}


def usual_task(*, generative: bool = False, several: bool = False) -> TrainingTask:
    """Return the default task, for configs that name none.

    Args:
        generative: Whether the base model generates text.
        several: Whether records have several labels.
    """
    found = (find_task(name) for name in _OURS)
    return next(
        one for one in found if (one.generative, one.rules.several) == (generative, several)
    )
