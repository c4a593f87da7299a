"""What a task is to training, and which tasks there are (spec §13.1).

A task says what a record holds and what a model answers. Everything that differs between tasks is
in one module of :mod:`lyrikstore.train.tasks`, behind :class:`TrainingTask`; planning, training,
evaluation, prediction and deployment ask it, and compare no names. A package that is installed
beside lyrikstore adds a task by an entry point of the group ``lyrikstore.tasks``.
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, Protocol, cast

from lyrikstore.canon.text import unknown_word

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

    # Deployment (spec §13.16).


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
