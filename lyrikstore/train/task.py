"""What a task is to training, and which tasks there are (spec §13.1).

A task says what a record holds and what a model answers. Everything that differs between tasks is
in one module of :mod:`lyrikstore.train.tasks`, behind :class:`TrainingTask`; planning, training,
evaluation, prediction and deployment ask it, and compare no names. A package that is installed
beside lyrikstore adds a task by an entry point of the group ``lyrikstore.tasks``.
"""

from importlib import import_module
from importlib.metadata import entry_points
from typing import ClassVar, Protocol, cast

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


def task_names() -> tuple[str, ...]:
    """Return the names of all tasks: ours, then those of other installed packages, sorted."""
    others = {one.name for one in entry_points(group=GROUP)} - _OURS.keys()
    return (*_OURS, *sorted(others))


def find_task(name: str) -> TrainingTask:
    """Return a task by its name.

    Raises:
        InvalidInputError: (``unknown-task``) no such task is installed here.
    """
    if name in _OURS:
        module, _, attribute = _OURS[name].partition(":")
        return cast("TrainingTask", getattr(import_module(module), attribute))
    # ATTACK: a manifest names a task. It chooses among what somebody installed, and nothing else.
    for one in entry_points(group=GROUP):
        if one.name == name:
            return cast("TrainingTask", one.load())
    raise unknown_word("unknown-task", "task", name, task_names())
