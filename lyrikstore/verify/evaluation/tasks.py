"""The rules that verification needs of a task, and the known tasks (spec §13.1).

The rules of a task are pure: they take bodies, attachments and records, and load numpy alone. A
package that is installed beside lyrikstore adds a task by an entry point of the group
``lyrikstore.tasks``: an object whose attribute ``rules`` is of this protocol.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Protocol, cast

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import StorageError
from lyrikstore.canon.text import unknown_word
from lyrikstore.verify.evaluation.evidence import Evidence, Fault

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

USUAL_TASK = "text-classification"
"""The default task."""

GROUP = "lyrikstore.tasks"
TEXT = "text"
"""Marker of tasks whose answers are generated texts."""

UNKNOWN_TASK = "unknown-task"
"""Reason why an evaluation is not checked: the rules of its task are not installed."""

_OURS = {
    "text-classification": "lyrikstore.verify.evaluation.choice.classification",
    "multi-label": "lyrikstore.verify.evaluation.choice.multi_label",
    "sft": "lyrikstore.verify.evaluation.generation.rules",
}


class TaskRules(Protocol):
    """The rules of a task for the signed statements about its models.

    Attributes:
        name: The task.
        metric: The metric of the validation data that picks epoch and candidate.
        metrics: Metrics of all records of a test set, the one that decides first.
        formats: Formats of predictions that are read.
        order: Function and packing of the order of a run that can be done again.
        text: Members of ``text`` of a checkpoint that its run decides.
        names_tolerances: Whether a run that can be done again has to name its tolerances.
        answers: What a model gives: ``label``, ``labels`` or :data:`TEXT`. Of labels predictions
            say how likely they are, so that models and baselines are asked again.
        several: Whether a record may have several labels.
    """

    name: ClassVar[str]
    metric: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]]
    formats: ClassVar[Collection[str]]
    order: ClassVar[tuple[str, str | None]]
    text: ClassVar[tuple[str, ...]]
    names_tolerances: ClassVar[bool]
    answers: ClassVar[str]
    several: ClassVar[bool]

    def read(self, stream: BinaryIO) -> Any:
        """Parse an attachment of predictions; the result has a length in records.

        Raises:
            FormatError: (``bad-predictions``) it is no such attachment.
        """

    def undeclared(self, found: Evidence) -> str:
        """Return the part of an evaluation that was not declared before it, or an empty text."""

    def compare(self, found: Evidence) -> Fault:
        """Return how predictions do not match the test set that the evaluation names."""

    def pairing_fault(self, own: Any, other: Any) -> str:
        """Return why two attachments are not about the same records; empty if they are."""

    def input_records(self, found: Evidence) -> Iterable[Digest]:
        """Return the ids of the answered records, in their order."""

    def differences(self, found: Evidence, *, compared: bool) -> Iterator[Fault]:
        """Yield each figure that does not follow from the predictions.

        Args:
            found: The evaluation.
            compared: Whether the predictions are about the test set.
        """


def entry_points(group: str) -> "EntryPoints":
    """Return the entry points of a group in installed packages; imported only when needed."""
    from importlib import metadata

    return metadata.entry_points(group=group)


def task_names() -> tuple[str, ...]:
    """Return the names of all tasks: ours, then those of other installed packages, sorted."""
    others = {one.name for one in entry_points(group=GROUP)} - _OURS.keys()
    return (*_OURS, *sorted(others))


def installed_task(name: str) -> "EntryPoint | None":
    """Return the entry point of another package's task; None if built in or not installed."""
    if name in _OURS:
        return None
    # ATTACK: a manifest names a task. It chooses among what somebody installed, and nothing else.
    return next((one for one in entry_points(group=GROUP) if one.name == name), None)


def find_rules(name: object) -> TaskRules | None:
    """Return the rules of a task; None: no such task is installed here, or it cannot be loaded."""
    if not isinstance(name, str):
        return None
    if name in _OURS:
        return cast("TaskRules", import_module(_OURS[name]).RULES)
    if (found := installed_task(name)) is not None:
        with suppress(Exception):  # what cannot be loaded, whatever it raises, is not installed
            return cast("TaskRules", found.load().rules)
    return None


@contextmanager
def containing(name: object, lost: Callable[[str, str], None]) -> Iterator[None]:
    """Note a subject as unchecked if the rules of its task raise an error.

    Args:
        name: The task.
        lost: Takes a reason code, and what happened.
    """
    try:
        yield
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it was not checked
        # ATTACK: what somebody signed is of a form that nobody thought of, such as a config whose
        # sections are none, and ends the verification; or it makes another package's rules fail.
        reason = "lost" if name in _OURS else UNKNOWN_TASK
        lost(reason, f"the rules of its task fail on it: {type(error).__name__}")


def rules_of(name: object) -> TaskRules:
    """Return the rules of a task that is known to be installed.

    Raises:
        InvalidInputError: (``unknown-task``) it is not.
    """
    found = find_rules(name)
    if found is None:
        raise unknown_word(UNKNOWN_TASK, "task", str(name), task_names())
    return found


def is_of_another(name: str, form: str) -> bool:
    """Return whether predictions have the format of another task than the named one."""
    rules = (find_rules(one) for one in _OURS if one != name)
    return any(form in one.formats for one in rules if one is not None)
