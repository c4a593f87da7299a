"""How a card is written: its version, and what it tells of the data (spec §14.4.2)."""

from collections.abc import Mapping
from typing import Any, Self

from msgspec import Struct

FORMAT, FORMATS = "card/5", ("card/1", "card/2", "card/3", "card/4", "card/5")
"""What is written, and what is read. ``card/1`` tells values of the data unasked; it and ``card/2``
have of imported data only what is said of the version that was signed here; all before ``card/4``
claim intervals where there is none; and all before ``card/5`` give differences of candidates
without both figures, and do not say what the baseline is beside its figures."""

VALUES = "values"
"""What a card may hold of the data if somebody asks for it: labels, and suffixes of file names."""


class CardForm(Struct, frozen=True):
    """How a card is written.

    Attributes:
        format: A word of :data:`FORMATS`.
        with_data: What it holds of the data because somebody asked for it: nothing, or
            :data:`VALUES`.
    """

    format: str = FORMAT
    with_data: tuple[str, ...] = ()

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Return the form of a card, by the body of its manifest."""
        return cls(body["profile"], tuple(body.get("withData", ())))

    @property
    def tells_values(self) -> bool:
        """Whether values of the data are told."""
        return self.format == "card/1" or VALUES in self.with_data

    @property
    def names_trees(self) -> bool:
        """Whether trees of the datasets are named."""
        return self.format == "card/1"

    @property
    def has_publishers_terms(self) -> bool:
        """Whether it has the terms of all that its subject rests on, by whoever published it."""
        return self.format in FORMATS[2:]

    @property
    def claims_what_is_shown(self) -> bool:
        """Whether figures of evaluations follow one rule, and say where they have no interval."""
        return self.format in FORMATS[3:]

    @property
    def says_what_is_compared(self) -> bool:
        """Whether a difference stands with the figures that it is of, and says of what."""
        return self.format in FORMATS[4:]


USUAL_FORM = CardForm()


def form_with(*, values: bool) -> CardForm:
    """Return the form of a new card, with values of the data or without."""
    return CardForm(with_data=(VALUES,)) if values else USUAL_FORM
