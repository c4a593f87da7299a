"""Training configs: TOML in, a checked record out (spec §13.1).

Every value of a config is signed with the run, so there are no floats: a decimal written in TOML
is kept as its shortest decimal text, and becomes a number only inside the worker.
"""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Self

from msgspec import Struct, ValidationError, convert, field, to_builtins
from msgspec.structs import replace

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.files import read_at_most
from lyrikstore.canon.text import unknown_word
from lyrikstore.canon.toml import check_user_file, parse_toml
from lyrikstore.credentials.terms.vocabulary import (
    PERMISSIONS,
    PURPOSES,
    check_words,
    territory_of,
)
from lyrikstore.train.requirements import (
    ACCUMULATE,
    CANDIDATES,
    CPU,
    DEVICE,
    LINEAR,
    MONITOR_SUFFIX,
    RECOMPUTES,
    REFIT,
    BudgetConfig,
    CostConfig,
    DecisionConfig,
    EvaluationConfig,
    MistakeCost,
    PromptConfig,
    ReplayConfig,
    ThresholdConfig,
    ToleranceConfig,
    UseConfig,
    check_joined,
    decimal_text,
    stated,
)
from lyrikstore.train.task import TrainingTask, find_task, usual_task

MAX_BYTES = 1 << 16
"""Longest config file."""

_HINT = "docs/training.md shows a config"


class DataConfig(Struct, frozen=True):
    """Which data.

    Attributes:
        train: REFs of the datasets to learn from, together, in this order.
        validation: REF of the dataset measured after each epoch.
        label: Metadata column that holds the label; empty: the task has none.
        test: REF of the dataset that ``evaluate`` will use; named by the run, never opened by it.
        text: The field that holds the text; empty: the dataset says.
        group: The field whose records belong together; empty: the dataset says.
        fields: Numeric and categorical fields that join the text in word counts.
        prompt: Of the task ``sft``, the field with what is asked.
        completion: The field with the answer to it.
        messages: In place of both, the field with a whole conversation.
    """

    train: tuple[str, ...]
    validation: str
    label: str = ""
    test: str = ""
    text: str = ""
    group: str = ""
    fields: tuple[str, ...] = ()
    prompt: str = ""
    completion: str = ""
    messages: str = ""

    def __post_init__(self) -> None:
        """Refuse to learn from the answer, or from the text twice."""
        check_joined(self.fields, label=self.label, text=self.text, group=self.group)


class ModelConfig(Struct, frozen=True):
    """Which model.

    Attributes:
        base: REF of the base checkpoint; ``linear``: none, words are counted.
        pooling: How token vectors become one vector: ``mean`` or ``cls``.
        max_tokens: Longest text the model reads, special tokens included; the rest is cut off.
        candidates: What may be taken; empty: all that base, task and budget allow.
        quantization: How the frozen weights of a generative model are kept: ``nf4``; empty: as
            they are.
        answer_tokens: The most tokens of an answer that are learnt or written; 0: the model does
            not write.
    """

    base: str
    pooling: str = "mean"
    max_tokens: int = 128
    candidates: tuple[str, ...] = ()
    quantization: str = ""
    answer_tokens: int = 0

    @property
    def trained(self) -> tuple[str, ...]:
        """The candidates, and what a blend among them is made of (spec §13.1)."""
        named = frozenset(self.candidates)
        if "blend" in named:
            named |= {"tfidf"} if named - {"tfidf", "blend"} else {"tfidf", "embeddings"}
        return tuple(one for one in CANDIDATES if one in named)


class LoraConfig(Struct, frozen=True):
    """Which adapter.

    Attributes:
        rank: Rank of the update matrices.
        alpha: Their scale is ``alpha / rank``.
        dropout: Dropout before the adapter, a decimal.
        targets: Names of the linear layers that get one; empty: all of the base's.
        layers: Numbers of the encoder layers that get one; empty means all.
    """

    rank: int = 16
    alpha: int = 32
    dropout: str = "0"
    targets: tuple[str, ...] = ()
    layers: tuple[int, ...] = ()


class TrainingConfig(Struct, frozen=True):
    """How to train.

    Attributes:
        epochs: Passes over the training data, if no earlier one stays the best.
        batch_size: Records that are computed at once; with ``accumulate`` 1 those of a step.
        accumulate: How many times as many a step learns from.
        learning_rate: Of the adapter, at its peak.
        full_learning_rate: Of all weights, at its peak, where all are trained.
        head_learning_rate: Of the classifier, at its peak.
        weight_decay: AdamW's.
        warmup: Share of the steps in which the rate rises; it falls linearly to 0 after them.
        dropout: Dropout before the classifier.
        class_weights: ``balanced`` weighs every label equally, ``none`` every record; ``sqrt`` lies
            between them.
        keep: Which checkpoints become objects: of the ``best`` epoch, the ``last`` or
            ``every-epoch``.
        patience: Epochs without a better one after which training ends.
        precision: What is computed in: ``fp32``, ``bf16``, or ``auto``: bf16 where the processor
            multiplies it.
        seed: Decides order, initial weights, dropout and folds.
        threads: CPU threads; part of what makes a run repeatable.
        activation_checkpointing: Whether layers of a generative model are computed again.
        device: Where a generative model is computed: ``cpu``, or ``cuda``: one GPU.
        refit: Whether what is compared by folds learns from the validation data, too, once they
            have chosen; of tasks with labels.
    """

    epochs: int = 5
    batch_size: int = 32
    learning_rate: str = "0.0015"
    full_learning_rate: str = "0.0002"
    head_learning_rate: str = "0.003"
    weight_decay: str = "0.01"
    warmup: str = "0.1"
    dropout: str = "0.1"
    class_weights: str = "sqrt"
    keep: str = "best"
    patience: int = 2
    precision: str = "auto"
    seed: int = 1
    threads: int = 2
    activation_checkpointing: bool = False
    device: str = CPU
    accumulate: int = 1
    refit: bool = True

    @property
    def records_per_step(self) -> int:
        """How many records, or rows of them, a step learns from."""
        return self.batch_size * self.accumulate


_UNSAID: Mapping[str, Any] = {RECOMPUTES: False, DEVICE: CPU, ACCUMULATE: 1}
"""Settings of ``[training]`` that a run leaves out where they are so: older runs had none."""


class TrainConfig(Struct, frozen=True, rename={"thresholds": "threshold"}):
    """One checked training config.

    Law: ``TrainConfig.from_json(c.to_json()) == c`` for every config.

    Attributes:
        purpose: What the data will be used for, such as ``train``.
        name: Full name of the checkpoint to make.
        data, model, lora: Which data, which model, which adapter.
        training: How to train.
        use: What else is done, by whom and where.
        task: What the model learns to do; empty: the data says.
        budget: What the run may cost.
        cost: What mistakes cost; None: not said.
        thresholds: What evaluations have to reach.
        evaluation: How it is measured.
        decision: When a model with labels answers.
        tolerances: Within what another run of the same counts as a reproduction.
        prompt: How a generative model is asked.
        replay: Which states of training are signed.
        deploy: What a generative model is to be served by, ``gguf`` or ``vllm``; empty: not said.
    """

    purpose: str
    name: str
    data: DataConfig
    model: ModelConfig
    lora: LoraConfig = field(default_factory=LoraConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    use: UseConfig = field(default_factory=UseConfig)
    task: str = ""
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    cost: CostConfig | None = None
    thresholds: tuple[ThresholdConfig, ...] = ()
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    decision: DecisionConfig = field(default_factory=DecisionConfig)
    tolerances: ToleranceConfig = field(default_factory=ToleranceConfig)
    prompt: PromptConfig = field(default_factory=PromptConfig)
    replay: ReplayConfig = field(default_factory=ReplayConfig)
    deploy: str = ""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the config in a file; raises what :meth:`parse` does, and if it cannot be read."""
        return cls.parse(read_at_most(path, MAX_BYTES + 1))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return the config in a TOML file.

        Args:
            data: The file.

        Raises:
            InvalidInputError: (``bad-config``) not TOML, an unknown or missing setting, or a
                value outside its range; the message names the place; (``unknown-word``) a
                purpose or place that nobody knows.
        """
        try:
            document = parse_toml(data, max_bytes=MAX_BYTES, decimal=decimal_text)
        except FormatError as error:
            message = f"the config: {error.message}"
            raise InvalidInputError("bad-config", message, hint=_HINT) from None
        config = cls.from_json(document)
        check_words("permission", (config.purpose, *config.use.also), PERMISSIONS)
        check_words("purpose", config.use.purposes, PURPOSES)
        if config.name.endswith(MONITOR_SUFFIX):
            raise InvalidInputError(
                "bad-config",
                f"name: {config.name} ends in {MONITOR_SUFFIX}, as what monitors a checkpoint does",
                hint="take another name",
            )
        use = replace(config.use, territory=territory_of(config.use.territory))
        return replace(config, use=use)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Return the config in a document such as a run manifest's ``body.config``.

        Raises:
            InvalidInputError: (``bad-config``) as :meth:`parse`.
        """
        document = _integers_as_decimals(document)
        _refuse_unknown(document)
        try:
            check_user_file(document, "train-config")
        except FormatError as error:
            raise InvalidInputError("bad-config", error.message, hint=error.hint or _HINT) from None
        name = document.get("task", "")
        task = find_task(name, kind="bad-config") if name else usual_task()
        task.check_config(document)
        refs, lora = document["data"]["train"], document.get("lora", {})
        ordered = {name: sorted(lora[name]) for name in ("targets", "layers") if name in lora}
        changed = {
            "data": {**document["data"], "train": [refs] if isinstance(refs, str) else refs},
            "model": {**task.defaults("model"), **document["model"]},
            "lora": {**lora, **ordered},
            "training": {**task.defaults("training"), **document.get("training", {})},
        }
        try:
            config = convert(document | changed, cls)
        except ValidationError as error:  # its cause is what a section refuses of itself
            refused = InvalidInputError("bad-config", str(error), hint=_HINT)
            raise error.__cause__ or refused from None
        return replace(config, model=_in_order(config.model))

    def to_json(self) -> dict[str, Any]:
        """Return the whole config, defaults written out, as the run manifest holds it."""
        refs = self.data.train
        training = {
            name: value
            for name, value in to_builtins(self.training).items()
            if name not in _UNSAID or value != _UNSAID[name]
        }
        if self.learns.generative:
            del training[REFIT]
        document: dict[str, Any] = {
            "purpose": self.purpose,
            "name": self.name,
            "data": stated(self.data) | {"train": refs[0] if len(refs) == 1 else list(refs)},
            "model": stated(self.model),
            "lora": stated(self.lora),
            "training": training,
        }
        document |= {
            name: section
            for name, section in (
                ("use", stated(self.use)),
                ("task", self.task),
                ("deploy", self.deploy),
                ("budget", stated(self.budget)),
                ("cost", stated(self.cost) if self.cost else {}),
                ("threshold", [stated(one) for one in self.thresholds]),
                ("evaluation", stated(self.evaluation)),
                ("decision", stated(self.decision)),
                ("tolerances", self.tolerances.to_json()),
                ("prompt", stated(self.prompt)),
                ("replay", stated(self.replay)),
            )
            if section
        }
        return document

    @property
    def learns(self) -> TrainingTask:
        """The task; where the data says which, what those with labels have in common."""
        return find_task(self.task) if self.task else usual_task()

    @property
    def run_name(self) -> str:
        """Full name of the run: the checkpoint's, under ``runs/``."""
        return "runs/" + self.name.removeprefix("checkpoints/")


def _in_order(model: ModelConfig) -> ModelConfig:
    """Return the section with its candidates in the order of :data:`CANDIDATES`."""
    named = frozenset(model.candidates)
    if model.base == LINEAR and named - {"tfidf"}:
        raise InvalidInputError(
            "bad-config",
            f"model.candidates: {min(named - {'tfidf'})} needs an encoder, and base is {LINEAR!r}",
            hint='name a base model, or say candidates = ["tfidf"]',
        )
    return replace(model, candidates=tuple(one for one in CANDIDATES if one in named))


_SECTIONS: dict[str, tuple[str, ...]] = {
    "data": DataConfig.__struct_fields__,
    "model": ModelConfig.__struct_fields__,
    "lora": LoraConfig.__struct_fields__,
    "training": TrainingConfig.__struct_fields__,
    "use": UseConfig.__struct_fields__,
    "budget": BudgetConfig.__struct_fields__,
    "cost": ("unit", "otherwise", "mistake"),
    "evaluation": EvaluationConfig.__struct_fields__,
    "decision": DecisionConfig.__struct_fields__,
    "tolerances": ToleranceConfig.__struct_fields__,
    "prompt": PromptConfig.__struct_fields__,
    "replay": ReplayConfig.__struct_fields__,
}
_TOP = ("purpose", "name", "task", "deploy", *_SECTIONS, "threshold")
_LISTED = {
    ("cost", "mistake"): MistakeCost.__struct_fields__,
    ("threshold",): ThresholdConfig.__struct_fields__,
}


def _refuse_unknown(document: dict[str, Any]) -> None:
    # The schema refuses it too, but names neither what was meant nor where it belongs.
    places = [("the config", document, _TOP)]
    for section, known in _SECTIONS.items():
        given = document.get(section)
        if isinstance(given, dict):
            places.append((f"[{section}]", given, known))
    for path, known in _LISTED.items():
        name = f"[[{'.'.join(path)}]]"
        places += [(name, table, known) for table in _tables(document, path)]
    for place, given, known in places:
        for name in given:
            if name not in known:
                homes = [f"[{section}]" for section, names in _SECTIONS.items() if name in names]
                belongs = f"it belongs in {' or '.join(homes)}" if homes else ""
                error = unknown_word("bad-config", f"setting in {place}:", name, known)
                error.hint = belongs or error.hint
                raise error


_DECIMALS = {
    ("lora",): ("dropout",),
    ("training",): (
        *("dropout", "full_learning_rate", "head_learning_rate", "learning_rate", "warmup"),
        "weight_decay",
    ),
    ("budget",): ("usd", "hours", "memory_gb"),
    ("cost",): ("otherwise",),
    ("cost", "mistake"): ("cost",),
    ("threshold",): ("at_least", "at_most"),
    ("decision",): DecisionConfig.__struct_fields__,
    ("tolerances",): ToleranceConfig.__struct_fields__,
}


def _integers_as_decimals(document: dict[str, Any]) -> dict[str, Any]:
    # TOML calls `0` an integer and `0.0` a float; both mean the decimal 0 here.
    result = deepcopy(document)
    for path, members in _DECIMALS.items():
        for table in _tables(result, path):
            for member in members:
                if type(table.get(member)) is int:
                    table[member] = str(table[member])
    return result


def _tables(document: dict[str, Any], path: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the tables at a place, whether it holds one or a list of them."""
    found: list[Any] = [document]
    for name in path:
        inner = [table.get(name) for table in found]
        found = [
            table
            for value in inner
            for table in (value if isinstance(value, list) else [value])
            if isinstance(table, dict)
        ]
    return found
