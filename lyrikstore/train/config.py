"""Parsing of training configs: TOML in, a checked record out (spec §13.1).

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
"""Longest config file, in bytes."""

_HINT = "docs/training.md shows a config"


class DataConfig(Struct, frozen=True):
    """Section ``[data]``: the datasets and their fields.

    Attributes:
        train: REFs of the datasets to learn from, together, in this order.
        validation: REF of the dataset measured after each epoch.
        label: Metadata column that holds the label; empty: the task has no labels.
        test: REF of the dataset that ``evaluate`` will use; named by the run, never opened by it.
        text: The field that holds the text; empty: the dataset names it.
        group: The field that groups records which belong together; empty: the dataset names it.
        fields: Numeric and categorical fields that are used beside the text in word counts.
        prompt: For the task ``sft``: the field with the prompt.
        completion: For the task ``sft``: the field with the answer.
        messages: Instead of both: the field with a whole conversation.
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
        """Raise `bad-config` if a field beside the text is the label, the text or the group."""
        check_joined(self.fields, label=self.label, text=self.text, group=self.group)


class ModelConfig(Struct, frozen=True):
    """Section ``[model]``: the base model and the candidates.

    Attributes:
        base: REF of the base checkpoint; ``linear``: no base model, words are counted.
        pooling: How token vectors become one vector: ``mean`` or ``cls``.
        max_tokens: Longest text the model reads, special tokens included; the rest is cut off.
        candidates: Candidates that may be chosen; empty: all that base, task and budget allow.
        quantization: Quantization of the frozen weights of a generative model: ``nf4``; empty:
            none.
        answer_tokens: The most tokens of an answer in training and generation; 0: the model
            generates no text.
    """

    base: str
    pooling: str = "mean"
    max_tokens: int = 128
    candidates: tuple[str, ...] = ()
    quantization: str = ""
    answer_tokens: int = 0

    @property
    def trained(self) -> tuple[str, ...]:
        """The candidates, with the members of a blend among them (spec §13.1)."""
        named = frozenset(self.candidates)
        if "blend" in named:
            named |= {"tfidf"} if named - {"tfidf", "blend"} else {"tfidf", "embeddings"}
        return tuple(one for one in CANDIDATES if one in named)


class LoraConfig(Struct, frozen=True):
    """Section ``[lora]``: the adapter.

    Attributes:
        rank: Rank of the update matrices.
        alpha: The updates are scaled by ``alpha / rank``.
        dropout: Dropout before the adapter, a decimal.
        targets: Names of the linear layers that get an adapter; empty: all of the base model.
        layers: Numbers of the encoder layers that get an adapter; empty: all.
    """

    rank: int = 16
    alpha: int = 32
    dropout: str = "0"
    targets: tuple[str, ...] = ()
    layers: tuple[int, ...] = ()


class TrainingConfig(Struct, frozen=True):
    """Section ``[training]``: how to train.

    Attributes:
        epochs: The most passes over the training data; ``patience`` may end training earlier.
        batch_size: Records per batch; with ``accumulate`` 1 these are the records of a step.
        accumulate: Batches per step (gradient accumulation).
        learning_rate: Peak learning rate of the adapter.
        full_learning_rate: Peak learning rate of all weights, for the candidate ``full``.
        head_learning_rate: Peak learning rate of the classifier.
        weight_decay: Weight decay of AdamW.
        warmup: Share of the steps in which the learning rate rises; then it falls linearly to 0.
        dropout: Dropout before the classifier.
        class_weights: ``balanced`` weighs every label equally, ``none`` every record; ``sqrt`` lies
            between them.
        keep: Which checkpoints become objects: of the ``best`` epoch, the ``last`` or
            ``every-epoch``.
        patience: Epochs without improvement after which training ends.
        precision: Number format of the computation: ``fp32``, ``bf16``, or ``auto``: bf16 if the
            processor has instructions for it.
        seed: Seed of the order, the initial weights, dropout and folds.
        threads: CPU threads; a run is repeatable with the same number only.
        activation_checkpointing: Whether activations of a generative model are computed again in
            the backward pass, which saves memory.
        device: Device of a generative model: ``cpu``, or ``cuda``: one GPU.
        refit: Whether a candidate chosen by cross-validation is then trained on training and
            validation data together; for tasks with labels.
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
        """Records, or rows of packed records, in one step."""
        return self.batch_size * self.accumulate


_UNSAID: Mapping[str, Any] = {RECOMPUTES: False, DEVICE: CPU, ACCUMULATE: 1}
"""Settings of ``[training]`` that a run omits at these values: older runs do not have them."""


class TrainConfig(Struct, frozen=True, rename={"thresholds": "threshold"}):
    """A checked training config.

    Law: ``TrainConfig.from_json(c.to_json()) == c`` for every config.

    Attributes:
        purpose: What the data will be used for, such as ``train``.
        name: Full name of the checkpoint to make.
        data, model, lora: The data, the model and the adapter.
        training: How to train.
        use: Further uses, users and places that credentials must permit.
        task: Name of the task; empty: it follows from the data.
        budget: The limits on cost, time and memory of the run.
        cost: What mistakes cost; None: the config does not state it.
        thresholds: The values that evaluations have to reach.
        evaluation: How the model is evaluated.
        decision: When a labelling model answers and when it abstains.
        tolerances: The largest differences at which a second run counts as a reproduction.
        prompt: The prompt settings of a generative model.
        replay: Which training states are signed.
        deploy: The target that will serve a generative model, ``gguf`` or ``vllm``; empty: not
            stated.
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
        """Return the config in a file; raises as :meth:`parse`, or `StorageError` if unreadable."""
        return cls.parse(read_at_most(path, MAX_BYTES + 1))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return the config in a TOML file.

        Args:
            data: The file.

        Raises:
            InvalidInputError: (``bad-config``) not TOML, an unknown or missing setting, or a
                value outside its range; the message names the place; (``unknown-word``) a
                purpose or place that is not in the vocabulary.
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
                f"name: {config.name} ends in {MONITOR_SUFFIX}, reserved for monitoring results",
                hint="choose another name",
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
        except ValidationError as error:  # its cause is the error that a section raised
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
        """The task; if it follows from the data: the usual task with labels."""
        return find_task(self.task) if self.task else usual_task()

    @property
    def run_name(self) -> str:
        """Full name of the run: the name of the checkpoint, under ``runs/``."""
        return "runs/" + self.name.removeprefix("checkpoints/")


def _in_order(model: ModelConfig) -> ModelConfig:
    """Return the section with its candidates in the order of :data:`CANDIDATES`."""
    named = frozenset(model.candidates)
    if model.base == LINEAR and named - {"tfidf"}:
        raise InvalidInputError(
            "bad-config",
            f"model.candidates: {min(named - {'tfidf'})} needs an encoder, and base is {LINEAR!r}",
            hint='name a base model, or write candidates = ["tfidf"]',
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
    # The schema refuses it too, but suggests neither a similar name nor the right section.
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
    """Return the tables at a path, which holds one table or a list of tables."""
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
