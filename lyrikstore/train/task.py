"""What a task is to training, and which tasks there are (spec §13.1).

A task says what a record holds and what a model answers. Everything that differs between tasks is
in one module of :mod:`lyrikstore.train.tasks`, behind :class:`TrainingTask`; planning, training,
evaluation, prediction and deployment ask it, and compare no names. A package that is installed
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

# By name, so that looking one up loads no library that another needs, and so that what is below
# the tasks can ask them.
_OURS = {
    "text-classification": "lyrikstore.train.tasks.classification:TASK",
    "multi-label": "lyrikstore.train.tasks.multi_label:TASK",
    "sft": "lyrikstore.train.tasks.generation:TASK",
}


class CopiedInputs(Protocol):
    """The data of a run, copied for its worker."""

    @property
    def task(self) -> str:
        """What is learned."""

    @property
    def labels(self) -> Collection[str]:
        """The labels that are learned; none of a generative model."""

    @property
    def warnings(self) -> Sequence["Reason"]:
        """What to warn of."""

    @property
    def prompt(self) -> Mapping[str, Any]:
        """Member ``prompt`` of run and checkpoints; empty: it has none."""

    @property
    def order(self) -> Mapping[str, Any]:
        """Member ``order`` of the run."""

    @property
    def job(self) -> Mapping[str, Any]:
        """Members of the jobs ``train`` and ``replay`` that depend on what was copied."""

    def folds_of(self, candidate: str) -> Mapping[str, Any]:
        """Return members of the job of a candidate that is compared by folds; of others nothing."""

    def thresholds(self, config: "TrainConfig") -> list[dict[str, str]]:
        """Return what evaluations are held to; raises ``bad-config`` where they cannot be."""

    def choose(self, staging: "Staging", results: "Results", allowed: Collection[str]) -> "Chosen":
        """Return which of the candidates that were trained is taken.

        Args:
            staging: Holds what the workers wrote.
            results: What the workers said.
            allowed: Formats of the candidates that may be taken.

        Raises:
            RunFailedError: (``bad-output``) a worker wrote something else, or none can be taken.
        """


class TestedModel(Struct, frozen=True):
    """A model that is tested.

    Attributes:
        checkpoint: The model.
        run: Its run.
        test: The records.
        train: What a baseline may learn from: what the model did; empty: there is none.
        floors: Confidences below which nothing would be answered, that are asked about.
        against: The evaluation that it is compared with, if it is.
    """

    checkpoint: "Manifest"
    run: "Manifest"
    test: "Manifest"
    train: Sequence["Manifest"] = ()
    floors: Sequence[str] = ()
    against: "OtherEvaluation | None" = None

    @property
    def task(self) -> str:
        """What it is trained for."""
        return str(self.checkpoint.body["task"])

    @property
    def config(self) -> Mapping[str, Any]:
        """That of its run, which says how records are read."""
        return cast("Mapping[str, Any]", self.run.body["config"])

    @property
    def seed(self) -> int:
        """That of its run."""
        return int(self.run.body["seed"])


class ModelWithAnswers(Struct, frozen=True):
    """A model whose answers were computed elsewhere.

    Attributes:
        task: What it is for.
        given: Its answers.
        checkpoint: The model; None: it is not in this store, and has no name there yet.
        run: Its run; None: it has none here.
        test: The records.
        train: What a baseline may learn from; empty: there is none.
        floors: Confidences below which nothing would be answered, that are asked about.
        against: The evaluation that it is compared with, if it is.
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
        """That of its run; where that does not say which field is the label, the data does."""
        config = {} if self.run is None else dict(self.run.body["config"])
        if "label" not in config.get("data", {}):
            label = self.test.body.get("fields", {}).get("label", "")
            config["data"] = {**config.get("data", {}), "label": label}
        return {"training": {"threads": 2}, **config}

    @property
    def seed(self) -> int:
        """That of its run."""
        return SEED if self.run is None else int(self.run.body["seed"])


class MonitoredModel(Struct, frozen=True):
    """A model that is looked at with data that came later.

    Attributes:
        checkpoint: The model.
        run: Its run.
        reference: The evaluation that it is held against.
        new: The data that came.
        old: The test set of the reference.
        train: What the model learned from.
        backfill: Whether the data is of before the run.
    """

    checkpoint: "Manifest"
    run: "Manifest"
    reference: "Manifest"
    new: "Manifest"
    old: Sequence["Manifest"]
    train: Sequence["Manifest"]
    backfill: bool = False


class Evaluated(Struct, frozen=True):
    """What was found of a model.

    Attributes:
        body: Of the evaluation, but for what every task has.
        attachments: Role → what is attached.
        labels: Those of a model whose answers were given.
    """

    body: dict[str, Any]
    attachments: Mapping[str, bytes]
    labels: Sequence[str] = ()


class TrainingTask(Protocol):
    """What differs between tasks."""

    name: ClassVar[str]

    generative: ClassVar[bool]
    """Whether its models generate text, so that their base model is a decoder."""

    @property
    def rules(self) -> TaskRules:
        """What verification asks of it."""

    candidates: ClassVar[tuple[str, ...]]
    """What can be trained for it, of :data:`lyrikstore.train.requirements.CANDIDATES`."""

    devices: ClassVar[tuple[str, ...]]
    """Where its models are computed, of :mod:`lyrikstore.train.requirements`."""

    # Config and plan (spec §13.1, §13.10).

    def defaults(self, section: str) -> Mapping[str, Any]:
        """Return the settings of a section of a config that this task sets otherwise."""

    def check_config(self, document: Mapping[str, Any]) -> None:
        """Refuse a config that names what the task does not have, or lacks what it needs.

        Raises:
            InvalidInputError: (``bad-config``) it does.
        """

    def read_facts(self, repo: "Repository", ref: str, data: "DataConfig") -> "DataFacts":
        """Return what is known of a dataset to train on."""

    def propose(self, repo: "Repository", proposal: "Proposal") -> "TrainConfig":
        """Return the config that ``plan REF`` writes.

        Raises:
            InvalidInputError: The dataset does not say what is to be learned.
        """

    def estimate(self, question: "Question", candidate: str) -> "CandidateFigures":
        """Return what a candidate takes, where it has a base model."""

    def serving_milliseconds(self, question: "Question") -> float | None:
        """Return what one answer takes on this machine; None: that is not known."""

    def remarks(
        self, config: "TrainConfig", facts: "DataFacts", shape: "EncoderShape | None"
    ) -> list["Remark"]:
        """Return what should be known of a plan."""

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
        """Let a model answer a test set, and what it is compared with, and return what follows.

        Args:
            context: The store.
            model: The model, and the data.
            sample: How many records are asked; None: all.
            device: Where it is computed.

        Raises:
            PolicyError: (``test-is-train``) the model learned from most of the records.
            InvalidInputError: (``no-sample``) all are asked; or they cannot be.
        """

    def evaluate_answer_file(self, context: "StoreContext", model: ModelWithAnswers) -> Evaluated:
        """Return what follows from answers that were computed elsewhere.

        Args:
            context: The store.
            model: The answers, and the data.

        Raises:
            PolicyError: (``test-is-train``) the model learned from most of the records.
            InvalidInputError: (``bad-answer-file``) the answers are not about the records;
                (``no-given-answers``) it takes none.
        """

    def monitor(
        self, context: "StoreContext", model: MonitoredModel, *, with_old: bool, with_train: bool
    ) -> Evaluated:
        """Let a model answer data that came after its run, and return how far that is from before.

        Args:
            context: The store.
            model: The model, and the data.
            with_old: Whether the test set of the reference may be read.
            with_train: Whether the training data may.
        """

    def report(self, repo: "Repository", evaluation: "Manifest") -> Mapping[str, Any]:
        """Return ``confusion``, ``failures`` and ``samples`` of a report, as far as there are."""

    def answer(
        self,
        context: "StoreContext",
        model: "AnsweringModel",
        *,
        device: str,
        withdrawn: "RevokedRights | None",
    ) -> "ModelAnswers":
        """Let a model answer some records.

        Args:
            context: The store.
            model: The model, and the records.
            device: Where it is computed.
            withdrawn: Tells which rights were revoked, where answers are explained; None: they are
                not.
        """

    def score(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Answer a test set, in a worker."""

    def predict(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Answer what :meth:`answer` copied, in a worker."""

    # Deployment (spec §14.7).

    def served(
        self, checkpoint: "Manifest", run: "Manifest", target: "Target", workers: "ModelWorkers"
    ) -> "ServedModel":
        """Return a checkpoint as what is deployed; it is staged.

        Args:
            checkpoint: The checkpoint.
            run: Its run.
            target: Where it goes.
            workers: What loads it.
        """

    def probe(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Return the answers of a sealed model to its probe, in a worker.

        Args:
            job: What :meth:`served` says of the model.
            files: The checkpoint, its base where it needs one, and ``test.jsonl``.
            report: Called per record or batch.
        """

    def ask(
        self, job: Mapping[str, Any], files: "StagedFiles", reader: Any, report: "Report"
    ) -> dict[str, Any]:
        """Return the answers of a deployed folder to the probe, in a worker, and ``latencyMs``.

        Args:
            job: What :meth:`served` says of the model.
            files: ``test.jsonl``.
            reader: What the module of the target loads the folder with.
            report: Called per record.
        """


def find_task(name: str, *, kind: str = UNKNOWN_TASK) -> TrainingTask:
    """Return a task by its name.

    Args:
        name: It.
        kind: The kind of the error where there is none.

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
                f"the task {quote(name)} is installed and cannot be loaded: {type(error).__name__}"
            )
            raise InvalidInputError(kind, text, hint="install its package again") from error
    raise unknown_word(kind, "task", name, task_names())


def folder_of_task(name: str) -> str:
    """Return the folder that a task of another installed package is imported from; or nothing."""
    found = installed_task(name)
    if found is None or found.dist is None:
        return ""
    # Whole: a worker stands in a folder with files of the data, and would look there.
    return str(Path(str(found.dist.locate_file(""))).resolve())


def package_of_task(name: str) -> dict[str, str]:
    """Return name and version of the other package that a task comes from; of ours nothing."""
    found = installed_task(name)
    return {} if found is None or found.dist is None else {found.dist.name: found.dist.version}


def usual_task(*, generative: bool = False, several: bool = False) -> TrainingTask:
    """Return the task that is learned where nobody names one.

    Args:
        generative: Whether the base model generates text.
        several: Whether records have several labels.
    """
    found = (find_task(name) for name in _OURS)
    return next(
        one for one in found if (one.generative, one.rules.several) == (generative, several)
    )
