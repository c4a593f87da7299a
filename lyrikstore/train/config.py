"""Training configs: TOML in, a checked record out (spec §13.1).

Every value of a config is signed with the run, so there are no floats: a decimal written in TOML
is kept as its shortest decimal text, and becomes a number only inside the worker.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from msgspec import Struct, field, to_builtins
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

MAX_BYTES = 1 << 16
"""Longest config file."""

_HINT = "docs/training.md shows a config"


class DataConfig(Struct, frozen=True):
    """Which data.

    Attributes:
        train: REFs of the datasets to learn from, together, in this order.
        validation: REF of the dataset measured after each epoch.
        label: Metadata column that holds the label.
        test: REF of the dataset that ``evaluate`` will use; named by the run, never opened by it.
    """

    train: tuple[str, ...]
    validation: str
    label: str
    test: str = ""


class ModelConfig(Struct, frozen=True):
    """Which model.

    Attributes:
        base: REF of the base checkpoint.
        pooling: How token vectors become one vector: ``mean`` or ``cls``.
        max_tokens: Longest text the model reads, special tokens included; the rest is cut off.
    """

    base: str
    pooling: str = "mean"
    max_tokens: int = 128


class LoraConfig(Struct, frozen=True):
    """Which adapter.

    Attributes:
        rank: Rank of the update matrices.
        alpha: Their scale is ``alpha / rank``.
        dropout: Dropout before the adapter, a decimal.
        targets: Names of the linear layers that get one.
        layers: Numbers of the encoder layers that get one; empty means all.
    """

    rank: int = 8
    alpha: int = 16
    dropout: str = "0"
    targets: tuple[str, ...] = ("dense", "key", "query", "value")
    layers: tuple[int, ...] = ()


class TrainingConfig(Struct, frozen=True):
    """How to train.

    Attributes:
        epochs: Passes over the training data.
        batch_size: Records per step.
        learning_rate: Of the adapter, at its peak.
        head_learning_rate: Of the classifier, at its peak.
        weight_decay: AdamW's.
        warmup: Share of the steps in which the rate rises; it falls linearly to 0 after them.
        dropout: Dropout before the classifier.
        class_weights: ``balanced`` weighs every label equally, ``none`` every record.
        keep: Which checkpoints become objects: ``last`` or ``every-epoch``.
        seed: Decides order, initial weights and dropout.
        threads: CPU threads; part of what makes a run repeatable.
    """

    epochs: int = 3
    batch_size: int = 16
    learning_rate: str = "0.002"
    head_learning_rate: str = "0.002"
    weight_decay: str = "0.01"
    warmup: str = "0.1"
    dropout: str = "0.1"
    class_weights: str = "balanced"
    keep: str = "last"
    seed: int = 1
    threads: int = 2


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


class TrainConfig(Struct, frozen=True):
    """One checked training config.

    Law: ``TrainConfig.from_json(c.to_json()) == c`` for every config.

    Attributes:
        purpose: What the data will be used for, such as ``train``.
        name: Full name of the checkpoint to make.
        data: Which data.
        model: Which model.
        lora: Which adapter.
        training: How to train.
        use: What else is done, by whom and where.
    """

    purpose: str
    name: str
    data: DataConfig
    model: ModelConfig
    lora: LoraConfig
    training: TrainingConfig
    use: UseConfig = field(default_factory=UseConfig)

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
            hint = error.hint or _HINT
            raise InvalidInputError("bad-config", error.message, hint=hint) from None
        data = dict(document["data"])
        data["train"] = (data["train"],) if isinstance(data["train"], str) else (*data["train"],)
        lora = dict(document.get("lora", {}))
        for member in ("targets", "layers"):
            if member in lora:
                lora[member] = tuple(sorted(lora[member]))
        use: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in document.get("use", {}).items()
        }
        return cls(
            purpose=document["purpose"],
            name=document["name"],
            data=DataConfig(**data),
            model=ModelConfig(**document["model"]),
            lora=LoraConfig(**lora),
            training=TrainingConfig(**document.get("training", {})),
            use=UseConfig(**use),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the whole config, defaults written out, as the run manifest holds it."""
        document: dict[str, Any] = to_builtins(self)
        refs = self.data.train
        document["data"]["train"] = refs[0] if len(refs) == 1 else list(refs)
        document["lora"]["targets"] = list(self.lora.targets)
        document["lora"]["layers"] = list(self.lora.layers)
        if not self.lora.layers:
            del document["lora"]["layers"]
        if not self.data.test:
            del document["data"]["test"]
        document["use"] = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in document["use"].items()
            if value
        }
        if not document["use"]:
            del document["use"]
        return document

    @property
    def run_name(self) -> str:
        """Full name of the run: the checkpoint's, under ``runs/``."""
        return "runs/" + self.name.removeprefix("checkpoints/")


_SECTIONS: dict[str, tuple[str, ...]] = {
    name: kind.__struct_fields__
    for name, kind in (
        ("data", DataConfig),
        ("model", ModelConfig),
        ("lora", LoraConfig),
        ("training", TrainingConfig),
        ("use", UseConfig),
    )
}


def _refuse_unknown(document: dict[str, Any]) -> None:
    # The schema refuses it too, but names neither what was meant nor where it belongs.
    places = [("the config", document, ("purpose", "name", *_SECTIONS))]
    for section, known in _SECTIONS.items():
        given = document.get(section)
        if isinstance(given, dict):
            places.append((f"[{section}]", given, known))
    for place, given, known in places:
        for name in given:
            if name not in known:
                homes = [f"[{section}]" for section, names in _SECTIONS.items() if name in names]
                belongs = f"it belongs in {' or '.join(homes)}" if homes else ""
                error = unknown_word("bad-config", f"setting in {place}:", name, known)
                error.hint = belongs or error.hint
                raise error


def decimal_text(value: Decimal) -> str:
    """Return the shortest text without exponent, such as ``0.001``."""
    text = format(value.normalize(), "f")
    return "0" if text == "-0" else text


_DECIMALS = {
    "lora": ("dropout",),
    "training": ("learning_rate", "head_learning_rate", "weight_decay", "warmup", "dropout"),
}


def _integers_as_decimals(document: dict[str, Any]) -> dict[str, Any]:
    # TOML calls `0` an integer and `0.0` a float; both mean the decimal 0 here.
    result = dict(document)
    for table, members in _DECIMALS.items():
        if isinstance(result.get(table), dict):
            values = dict(result[table])
            for member in members:
                if type(values.get(member)) is int:
                    values[member] = str(values[member])
            result[table] = values
    return result
