"""What a task is to training, and which tasks there are (spec §13.1).

A task says what a record holds and what a model answers. Everything that differs between tasks is
in one module of :mod:`lyrikstore.train.tasks`, behind :class:`TrainingTask`; planning, training,
evaluation, prediction and deployment ask it, and compare no names. A package that is installed
beside lyrikstore adds a task by an entry point of the group ``lyrikstore.tasks``.
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from lyrikstore.canon.text import unknown_word

if TYPE_CHECKING:
    from lyrikstore.history.manifests.manifest import Manifest
    from lyrikstore.train.serving.model import ModelWorkers, ServedModel
    from lyrikstore.train.targets import Target
    from lyrikstore.train.worker.fitting.written import Report
    from lyrikstore.train.worker.hashed_read import StagedFiles

GROUP = "lyrikstore.tasks"

# By name, so that looking one up loads no library that another needs, and so that what is below
# the tasks can ask them.
_OURS = {
    "text-classification": "lyrikstore.train.tasks.classification:TASK",
    "multi-label": "lyrikstore.train.tasks.multi_label:TASK",
    "sft": "lyrikstore.train.tasks.generation:TASK",
}


class TrainingTask(Protocol):
    """What differs between tasks."""

    name: ClassVar[str]

    generative: ClassVar[bool]
    """Whether its models generate text, so that their base model is a decoder."""

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

    # Training (spec §13.2).

    # Evaluation, monitoring, prediction (spec §13.9).

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


def task_names() -> tuple[str, ...]:
    """Return the names of all tasks: ours, then those of other installed packages, sorted."""
    others = {one.name for one in entry_points(group=GROUP)} - _OURS.keys()
    return (*_OURS, *sorted(others))


def find_task(name: str, *, kind: str = "unknown-task") -> TrainingTask:
    """Return a task by its name.

    Args:
        name: It; empty: the data says which of those with labels, and what differs between them
            is not asked for.
        kind: The kind of the error where there is none.

    Raises:
        InvalidInputError: (``unknown-task``) no such task is installed here.
    """
    if not name:
        name = next(iter(_OURS))
    if name in _OURS:
        module, _, attribute = _OURS[name].partition(":")
        return cast("TrainingTask", getattr(import_module(module), attribute))
    # ATTACK: a manifest names a task. It chooses among what somebody installed, and nothing else.
    if (found := installed_task(name)) is not None:
        return cast("TrainingTask", found.load())
    raise unknown_word(kind, "task", name, task_names())


def installed_task(name: str) -> EntryPoint | None:
    """Return where a task of another installed package is; None: it is ours, or not here."""
    if name in _OURS:
        return None
    return next((one for one in entry_points(group=GROUP) if one.name == name), None)


def task_of_base(*, generative: bool) -> TrainingTask:
    """Return the task that is trained where a base model decides, by whether it generates text."""
    found = (find_task(name) for name in _OURS)
    return next(one for one in found if one.generative == generative)
