"""What a run is held to: a budget, costs of mistakes, thresholds, slices (spec §13.1).

Parts of a training config that are signed with the run. Decimals are texts, as everywhere there.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct, to_builtins

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import as_json
from lyrikstore.canon.text import unknown_word
from lyrikstore.verify.evaluation.choice.candidates import deciding_metrics
from lyrikstore.verify.evaluation.tasks import find_rules
from lyrikstore.verify.evaluation.words import METRICS, OF_A_LABEL, THRESHOLDS, metrics_of_task

CANDIDATES = ("tfidf", "embeddings", "lora", "full", "blend", "decoder")
"""What can be trained, the cheapest first; ``blend`` joins ``tfidf`` and another."""

USUAL = ("tfidf", "embeddings", "lora", "blend")
"""What is tried where nobody says what, as far as the budget goes: an adapter reaches at this size
what tuning a whole encoder reaches."""

MONITOR_SUFFIX = ".monitor"
"""End of the names of monitors' statements, hence of no checkpoint's (spec §13.9.11)."""

LINEAR = "linear"
"""``[model] base`` of a run without an encoder: word counts, and fields beside them."""

PLACE = "{prompt}"
"""Where a prompt template has what is asked."""

REFIT = "refit"
RECOMPUTES = "activation_checkpointing"
ACCUMULATE = "accumulate"
DEVICE = "device"
CPU, CUDA = "cpu", "cuda"
"""Values of ``[training] device``: processors, or one GPU of NVIDIA."""

ACCELERATOR = "acceleratorMemoryBytes"
"""The most memory of a GPU that a worker took."""


class BudgetConfig(Struct, frozen=True):
    """What a run may cost; an empty text: no limit (of time, see :mod:`~lyrikstore.train.plan`).

    Attributes:
        usd: US dollars.
        hours: On the clock.
        memory_gb: Memory of the machine, in 10⁹ bytes.
        on: Where it runs, as price files name it (``provider/machine``); empty: here.
    """

    usd: str = ""
    hours: str = ""
    memory_gb: str = ""
    on: str = ""


class MistakeCost(Struct, frozen=True, omit_defaults=True):
    """What one kind of mistake costs.

    Attributes:
        cost: A decimal, in the unit of the matrix.
        expected: The right label.
        predicted: The label that was answered; empty: any other.
    """

    cost: str
    expected: str = ""
    predicted: str = ""


class CostConfig(Struct, frozen=True, rename={"mistakes": "mistake"}):
    """What mistakes cost.

    Attributes:
        unit: What is counted, such as ``USD``.
        otherwise: The cost of a mistake that no entry names.
        mistakes: Entries; one that names the answer counts before one that does not.
    """

    unit: str
    otherwise: str = "1"
    mistakes: tuple[MistakeCost, ...] = ()


class ThresholdConfig(Struct, frozen=True):
    """What an evaluation has to reach, said before training.

    Attributes:
        metric: Name of a metric of evaluations, such as ``macroF1``.
        at_least: The least value that is good enough; empty: it is ``at_most`` that counts.
        at_most: The greatest.
        label: Whose metric it is; empty: that of all records.
    """

    metric: str
    at_least: str = ""
    at_most: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        """Refuse what no evaluation measures, before anything is trained."""
        if self.metric not in THRESHOLDS:
            raise unknown_word(
                "bad-config", "metric in [[threshold]]:", self.metric, sorted(THRESHOLDS)
            )
        if bool(self.label) != (self.metric in OF_A_LABEL):
            names = ", ".join(sorted(OF_A_LABEL))
            raise InvalidInputError(
                "bad-config",
                f"[[threshold]] {self.metric}: {names} need a label, and others have none",
                hint='such as metric = "recall" with label = "NAME"',
            )

    def to_json(self) -> dict[str, str]:
        """Return it as runs and evaluations name it (spec §13.9.7)."""
        named = {
            "metric": self.metric,
            "label": self.label,
            "atLeast": self.at_least,
            "atMost": self.at_most,
        }
        return {name: value for name, value in named.items() if value}


def promises(
    thresholds: Iterable[ThresholdConfig],
    task: str,
    labels: Collection[str],
    cost: CostConfig | None,
) -> list[dict[str, str]]:
    """Return ``thresholds`` of a run, each of which its evaluations or monitors can judge.

    Args:
        thresholds: Those of its config.
        task: What is learnt.
        labels: The labels of the training data.
        cost: What mistakes cost.

    Raises:
        InvalidInputError: (``bad-config``) one is for a metric of another task, for a label that
            nobody learns, or for costs that are not said; or what mistakes cost never applies.
    """
    for mistake in () if cost is None else cost.mistakes:
        _check_mistake(mistake, task, labels)
    own = metrics_of_task(task)
    found = []
    for one in thresholds:
        if one.label and one.label not in labels:
            raise unknown_word("bad-config", "label in [[threshold]]:", one.label, labels)
        if one.metric in METRICS and one.metric not in own:
            raise InvalidInputError(
                "bad-config",
                f"[[threshold]] {one.metric} is no metric of {task}",
                hint=f"try {', '.join(sorted(own))}",
            )
        if one.metric == "costPer1000" and cost is None:
            raise InvalidInputError(
                "bad-config",
                "[[threshold]] costPer1000: nobody says what mistakes cost",
                hint="add a section [cost]",
            )
        found.append(one.to_json())
    return found


def _check_mistake(mistake: MistakeCost, task: str, labels: Collection[str]) -> None:
    for place, label in (("expected", mistake.expected), ("predicted", mistake.predicted)):
        if label and label not in labels:
            raise unknown_word("bad-config", f"{place} in [[cost.mistake]]:", label, labels)
    rules = find_rules(task)
    if mistake.predicted and rules is not None and rules.several:
        raise InvalidInputError(
            "bad-config",
            f"[[cost.mistake]] predicted = {mistake.predicted!r}: of several labels a missing one "
            "is not mistaken for another",
            hint="name what is expected alone; what is wrongly given costs otherwise",
        )


class UseConfig(Struct, frozen=True):
    """What else is done with the result, by whom and where; credentials must allow it.

    Attributes:
        also: Further permissions that are needed, such as ``commercialUse``.
        territory: Where the data and what is made of it are used: ISO 3166 codes.
        seats: How many people use it; 0: not said.
        purposes: What the work is for, such as ``academicResearch``.
    """

    also: tuple[str, ...] = ()
    territory: tuple[str, ...] = ()
    seats: int = 0
    purposes: tuple[str, ...] = ()


class PromptConfig(Struct, frozen=True):
    """How a generative model is asked (spec §13.12.3).

    Attributes:
        system: What it is told before every conversation; empty: what its template says.
        template: Text around what is asked, with ``{prompt}`` in its place; empty: nothing.
        choices: The only answers that it learns and gives; empty: it writes what it likes.
    """

    system: str = ""
    template: str = ""
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a template that leaves out what is asked, and choices that change on the way."""
        for choice in self.choices:
            if choice.strip() != choice:
                raise InvalidInputError(
                    "bad-config",
                    f"[prompt] choices: {choice!r} begins or ends with white space",
                    hint="leave it out; a filter with map/1 takes it out of the data",
                )
        if self.template and self.template.count(PLACE) != 1:
            raise InvalidInputError(
                "bad-config",
                f"[prompt] template has to hold {PLACE} once",
                hint="docs/training.md shows one",
            )


class EvaluationConfig(Struct, frozen=True):
    """How it is measured.

    Attributes:
        slices: Fields whose values tell test records apart, and are published; empty: the usual.
    """

    slices: tuple[str, ...] = ()


class DecisionConfig(Struct, frozen=True):
    """When it answers, where that is not left to the validation data.

    Attributes:
        abstain_below: The confidence below which it answers that it does not know, a decimal;
            empty: validation fits it.
    """

    abstain_below: str = ""


class ToleranceConfig(Struct, frozen=True):
    """Within what another run of the same counts as a reproduction (spec §13.14); decimals.

    Attributes:
        weights_absolute: The greatest difference of a weight.
        weights_relative: The same as a share of the greatest weight of its tensor.
        metric: The greatest difference of the metric of the validation data.
    """

    weights_absolute: str = "0.0001"
    weights_relative: str = "0.001"
    metric: str = "0.005"

    def to_json(self) -> dict[str, str]:
        """Return the section; empty where nothing was chosen, for a run signs what holds anyway."""
        return {} if self == ToleranceConfig() else to_builtins(self)

    def to_run(self, metric: str, *, by_folds: bool = False) -> dict[str, Any]:
        """Return ``tolerances`` of a run.

        Args:
            metric: The metric of its task.
            by_folds: Whether its candidates are compared by folds.
        """
        return {
            "weightsAbsolute": self.weights_absolute,
            "weightsRelative": self.weights_relative,
            "differences": dict.fromkeys(deciding_metrics(metric, by_folds=by_folds), self.metric),
        }


class ReplayConfig(Struct, frozen=True):
    """Which states of training are signed, so that segments can be done again (spec §13.14.1).

    Attributes:
        steps: Steps between two of them, at least; 0: none are signed.
        keep: Whether the points that segments begin at are attached to the checkpoint.
    """

    steps: int = 0
    keep: bool = False


def decimal_text(value: Decimal) -> str:
    """Return the shortest text without exponent, such as ``0.001``."""
    text = format(value.normalize(), "f")
    return "0" if text == "-0" else text


def check_joined(fields: Iterable[str], **roles: str) -> None:
    """Return if no field that joins the text has another role.

    Args:
        fields: The fields.
        roles: Role → the field that has it; empty: none has.

    Raises:
        InvalidInputError: (``bad-config``) one has: with the label beside it a text tells its own
            label, and by its id a record is known again, and no other one.
    """
    for name in fields:
        role = next((role for role, holder in roles.items() if holder == name), None)
        if role is not None:
            raise InvalidInputError(
                "bad-config",
                f"[data] fields: {name!r} is the {role}, and nothing to learn from",
                hint="name fields that are known before the label is",
            )


def stated(part: Struct) -> dict[str, Any]:
    """Return what a section says: its members that are not empty, tuples as lists."""
    return {name: value for name, value in as_json(part).items() if value}


def training_device(document: Mapping[str, Any]) -> str:
    """Return where a config, or the ``config`` of a run, says that is computed."""
    return str(document.get("training", {}).get(DEVICE, CPU))
