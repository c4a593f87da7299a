"""Families of base models: their settings, each of one type and in range (spec §13.4).

A setting that is not in the table of its family refuses the model: some settings name code to
    import,
others select it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

Check = Callable[[Any], bool]
"""Returns whether a setting may have a value."""

LARGEST = 65_536
"""Largest width inside a layer, and most positions, of encoders."""


def counts_to(most: int) -> Check:
    """Return a check for whole numbers from 1 to ``most``."""
    return lambda value: type(value) is int and 1 <= value <= most


def one_of(*allowed: object) -> Check:
    """Return a check for some values, each of its own type."""
    # `True` must not pass as 1.
    return lambda value: any(type(value) is type(one) and value == one for one in allowed)


def is_share(value: Any) -> bool:
    """Return whether a value is a number from 0 to below 1."""
    return type(value) in {int, float} and 0 <= value < 1


def is_small(value: Any) -> bool:
    """Return whether a value is a float between 0 and 1."""
    return type(value) is float and 0 < value < 1


def is_positive(value: Any) -> bool:
    """Return whether a value is a number above 0, of at most 10⁹."""
    return type(value) in {int, float} and 0 < value <= 1e9


def is_token(value: Any) -> bool:
    """Return whether a value can be the number of a token."""
    return type(value) is int and value >= 0


REALS: frozenset[Check] = frozenset({is_positive, is_share, is_small})
"""Checks of settings that are decimals, even if a whole number is written."""


class Family(Struct, frozen=True):
    """The models of one ``model_type``.

    Attributes:
        model_type: Its name in ``config.json``.
        architectures: The class names under which models are saved; heads are not loaded.
        shape: The settings for width, inner width, layers and heads.
        counts: Required settings → the largest value.
        others: Optional settings → the check of their value.
        dropped: Settings that do not reach the loader.
        targets: The linear layers that can get an adapter.
        padding: The padding token, if the settings name none.
        unused_positions: Number of learned positions that no text can use.
        is_decoder: Whether the models are generative.
    """

    model_type: str
    architectures: tuple[str, ...]
    shape: tuple[str, str, str, str]
    counts: Mapping[str, int]
    others: Mapping[str, Check]
    dropped: frozenset[str]
    targets: frozenset[str]
    padding: int = 0
    unused_positions: int = 0
    is_decoder: bool = False

    def positions(self, settings: Mapping[str, Any]) -> int:
        """Return the longest sequence that a model reads, in tokens."""
        return int(settings["max_position_embeddings"]) - self.unused_positions

    def arguments(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments from which a library builds the model: decimals are floats."""
        found = {name: value for name, value in settings.items() if name in self.counts}
        for name in self.others.keys() & settings.keys():
            value = settings[name]
            found[name] = float(value) if self.others[name] in REALS else value
        if ropes := settings.get("rope_parameters"):
            found["rope_parameters"] = {
                name: {**one, "rope_theta": float(one["rope_theta"])} for name, one in ropes.items()
            }
        return found

    def layers(self, settings: Mapping[str, Any]) -> int:
        """Return the number of layers of a model."""
        return int(settings[self.shape[2]])


def refused_setting(family: Family, settings: Mapping[str, Any]) -> str | None:
    """Return the name of a setting that is unknown or out of range; None: there is none.

    Args:
        family: The family of the model.
        settings: Its settings, without the dropped ones.
    """
    checks = {
        **{name: counts_to(most) for name, most in family.counts.items()},
        **family.others,
        "model_type": one_of(family.model_type),
    }
    for name, value in settings.items():
        if name not in checks or not checks[name](value):
            return name
    layers = settings.get("layer_types")
    if layers is not None and len(layers) != settings.get(family.shape[2]):
        return "layer_types"
    return None
