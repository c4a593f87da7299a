"""Requirements in a training config: budget, costs of mistakes, thresholds, slices (spec §13.1).

They are signed with the run. Decimals are texts, as everywhere in configs.
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
"""All candidates, the cheapest first; ``blend`` joins ``tfidf`` and another one."""

USUAL = ("tfidf", "embeddings", "lora", "blend")
"""Candidates that are tried if the config names none, as far as the budget allows; at this size an
adapter is as good as training a whole encoder."""

MONITOR_SUFFIX = ".monitor"
"""Suffix of the names of monitoring results; no checkpoint may have it (spec §13.9.11)."""

LINEAR = "linear"
"""``[model] base`` of a run without a base model: word counts, and fields beside them."""

PLACE = "{prompt}"
"""The place of the prompt in a prompt template."""

REFIT = "refit"
RECOMPUTES = "activation_checkpointing"
ACCUMULATE = "accumulate"
DEVICE = "device"
CPU, CUDA = "cpu", "cuda"
"""Values of ``[training] device``: CPU, or one NVIDIA GPU."""

ACCELERATOR = "acceleratorMemoryBytes"
"""Metric: the most GPU memory that a worker used, in bytes."""


class BudgetConfig(Struct, frozen=True):
    """Section ``[budget]``; an empty text: no limit (for time, see :mod:`~lyrikstore.train.plan`).

    Attributes:
        usd: The most US dollars.
        hours: The most hours of wall-clock time.
        memory_gb: Memory of the machine, in 10⁹ bytes.
        on: The machine it runs on, as price files name it (``provider/machine``); empty: this one.
    """

    usd: str = ""
    hours: str = ""
    memory_gb: str = ""
    on: str = ""


class MistakeCost(Struct, frozen=True, omit_defaults=True):
    """The cost of one kind of mistake.

    Attributes:
        cost: A decimal, in the unit of ``[cost]``.
        expected: The right label.
        predicted: The label that was answered; empty: any other.
    """

    cost: str
    expected: str = ""
    predicted: str = ""


class CostConfig(Struct, frozen=True, rename={"mistakes": "mistake"}):
    """Section ``[cost]``: what mistakes cost.

    Attributes:
        unit: The unit of costs, such as ``USD``.
        otherwise: The cost of a mistake that no entry names.
        mistakes: Entries; one that names the predicted label has priority.
    """

    unit: str
    otherwise: str = "1"
    mistakes: tuple[MistakeCost, ...] = ()


class ThresholdConfig(Struct, frozen=True):
    """A threshold that evaluations have to reach, declared before training.

    Attributes:
        metric: Name of a metric of evaluations, such as ``macroF1``.
        at_least: The smallest value that passes; empty: ``at_most`` is used.
        at_most: The greatest value that passes; empty: ``at_least`` is used.
        label: The label that the metric is computed for; empty: all records.
    """

    metric: str
    at_least: str = ""
    at_most: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        """Raise `bad-config` for a metric that no evaluation measures, before training."""
        if self.metric not in THRESHOLDS:
            raise unknown_word(
                "bad-config", "metric in [[threshold]]:", self.metric, sorted(THRESHOLDS)
            )
        if bool(self.label) != (self.metric in OF_A_LABEL):
            names = ", ".join(sorted(OF_A_LABEL))
            raise InvalidInputError(
                "bad-config",
                f"[[threshold]] {self.metric}: {names} need a label, and other metrics have none",
                hint='such as metric = "recall" with label = "NAME"',
            )

    def to_json(self) -> dict[str, str]:
        """Return the JSON object of the threshold in runs and evaluations (spec §13.9.7)."""
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
    """Return the member ``thresholds`` of a run; raise `bad-config` if one can never be checked.

    Args:
        thresholds: The thresholds of the config.
        task: Name of the task.
        labels: The labels of the training data.
        cost: What mistakes cost.

    Raises:
        InvalidInputError: (``bad-config``) a threshold is for a metric of another task, for a label
            without training records, or for costs that the config does not state; or an entry of
            ``[[cost.mistake]]`` can never apply.
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
                f"[[threshold]] {one.metric} is not a metric of {task}",
                hint=f"try {', '.join(sorted(own))}",
            )
        if one.metric == "costPer1000" and cost is None:
            raise InvalidInputError(
                "bad-config",
                "[[threshold]] costPer1000: the config does not state what mistakes cost",
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
            f"[[cost.mistake]] predicted = {mistake.predicted!r}: where records have "
            "several labels, a missing label is not confused with another one",
            hint="leave predicted out: the cost of a wrongly given label is `otherwise`",
        )


class UseConfig(Struct, frozen=True):
    """Section ``[use]``: further uses, users and places, which credentials must permit.

    Attributes:
        also: Further permissions that are needed, such as ``commercialUse``.
        territory: Where the data and the models made of it are used: ISO 3166 codes.
        seats: How many people use it; 0: not stated.
        purposes: The purposes of the work, such as ``academicResearch``.
    """

    also: tuple[str, ...] = ()
    territory: tuple[str, ...] = ()
    seats: int = 0
    purposes: tuple[str, ...] = ()


class PromptConfig(Struct, frozen=True):
    """Section ``[prompt]``: the prompt settings of a generative model (spec §13.12.3).

    Attributes:
        system: The system message of every conversation; empty: that of the chat template.
        template: Text around the prompt, with ``{prompt}`` in its place; empty: the prompt alone.
        choices: The only answers that the model is trained on and gives; empty: free text.
    """

    system: str = ""
    template: str = ""
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise `bad-config` for a template without prompt, or choices with outer white space."""
        for choice in self.choices:
            if choice.strip() != choice:
                raise InvalidInputError(
                    "bad-config",
                    f"[prompt] choices: {choice!r} begins or ends with white space",
                    hint="remove the white space; a filter with map/1 removes it from the data",
                )
        if self.template and self.template.count(PLACE) != 1:
            raise InvalidInputError(
                "bad-config",
                f"[prompt] template must contain {PLACE} exactly once",
                hint="docs/training.md has an example",
            )


class EvaluationConfig(Struct, frozen=True):
    """Section ``[evaluation]``.

    Attributes:
        slices: Fields by whose values metrics are reported, and published; empty: the usual fields.
    """

    slices: tuple[str, ...] = ()


class DecisionConfig(Struct, frozen=True):
    """Section ``[decision]``: when the model abstains, if the validation data does not decide it.

    Attributes:
        abstain_below: The confidence below which the model abstains, a decimal; empty: it is fitted
            on
            the validation data.
    """

    abstain_below: str = ""


class ToleranceConfig(Struct, frozen=True):
    """Section ``[tolerances]``: differences that a reproduction may have (spec §13.14); decimals.

    Attributes:
        weights_absolute: The greatest difference of a weight.
        weights_relative: The same as a share of the greatest weight of its tensor.
        metric: The greatest difference of the metric of the validation data.
    """

    weights_absolute: str = "0.0001"
    weights_relative: str = "0.001"
    metric: str = "0.005"

    def to_json(self) -> dict[str, str]:
        """Return the section; empty for the default values, which a run does not list."""
        return {} if self == ToleranceConfig() else to_builtins(self)

    def to_run(self, metric: str, *, by_folds: bool = False) -> dict[str, Any]:
        """Return ``tolerances`` of a run.

        Args:
            metric: The metric of the task.
            by_folds: Whether candidates are compared by cross-validation.
        """
        return {
            "weightsAbsolute": self.weights_absolute,
            "weightsRelative": self.weights_relative,
            "differences": dict.fromkeys(deciding_metrics(metric, by_folds=by_folds), self.metric),
        }


class ReplayConfig(Struct, frozen=True):
    """Section ``[replay]``: training states to sign, to replay segments later (spec §13.14.1).

    Attributes:
        steps: The fewest steps between two signed states; 0: no states are signed.
        keep: Whether the states at the start of segments are attached to the checkpoint.
    """

    steps: int = 0
    keep: bool = False


def decimal_text(value: Decimal) -> str:
    """Return the shortest text without exponent, such as ``0.001``."""
    text = format(value.normalize(), "f")
    return "0" if text == "-0" else text


def check_joined(fields: Iterable[str], **roles: str) -> None:
    """Raise `bad-config` if a field that is used beside the text has another role.

    Args:
        fields: The fields of ``[data] fields``.
        roles: Role → the field that has it; empty: no field has it.

    Raises:
        InvalidInputError: (``bad-config``) a field has another role. A text with its label beside
            it gives the answer away; an id identifies one record and helps with no other.
    """
    for name in fields:
        role = next((role for role, holder in roles.items() if holder == name), None)
        if role is not None:
            raise InvalidInputError(
                "bad-config",
                f"[data] fields: {name!r} is the {role} and cannot be trained on",
                hint="name fields whose values are known before the label is",
            )


def stated(part: Struct) -> dict[str, Any]:
    """Return the members of a section that are not empty, tuples as lists."""
    return {name: value for name, value in as_json(part).items() if value}


def training_device(document: Mapping[str, Any]) -> str:
    """Return the device of a config, or of the ``config`` of a run."""
    return str(document.get("training", {}).get(DEVICE, CPU))
