"""Formats of cards: version, and whether values of the data are included (spec §14.4.2)."""

from collections.abc import Mapping
from typing import Any, Self

from msgspec import Struct

FORMAT, WITHOUT_OPINIONS, WITH_OPINIONS = "card/8", "card/6", "card/7"
FORMATS = (*(f"card/{number}" for number in range(1, 6)), WITHOUT_OPINIONS, WITH_OPINIONS, FORMAT)
"""The format that is written, and all that are read. ``card/1`` always includes values of the data.
``card/1`` and ``card/2`` have only the terms of the version signed in this store for imported data.
Formats before ``card/4`` claim intervals where there are none. Formats before ``card/5`` give
differences of candidates without both figures, and do not name the baseline beside its figures.
Formats before ``card/6`` have no decisions of rules, and say that none were in force. Of ``card/6``
and ``card/7`` only the latter has opinions on the model. Formats before ``card/8`` have neither the
architecture nor figures to decide by, and an answer by whoever made the model closes an item
whatever others answer."""

VALUES = "values"
"""Values of the data that a card includes on request: labels, and suffixes of file names."""


class CardForm(Struct, frozen=True):
    """The format of a card.

    Attributes:
        format: A word of :data:`FORMATS`.
        with_data: Values of the data that were requested: empty, or :data:`VALUES`.
    """

    format: str = FORMAT
    with_data: tuple[str, ...] = ()

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Return the format of a card, from the body of its manifest."""
        return cls(body["profile"], tuple(body.get("withData", ())))

    @property
    def contains_values(self) -> bool:
        """Whether the card includes values of the data."""
        return self.format == "card/1" or VALUES in self.with_data

    @property
    def names_trees(self) -> bool:
        """Whether the card names the trees of datasets."""
        return self.format == "card/1"

    @property
    def has_publishers_terms(self) -> bool:
        """Whether it has the terms of all datasets that its subject rests on, by any publisher."""
        return self.format in FORMATS[2:]

    @property
    def claims_what_is_shown(self) -> bool:
        """Whether figures of evaluations follow one rule, and state where they have no interval."""
        return self.format in FORMATS[3:]

    @property
    def says_what_is_compared(self) -> bool:
        """Whether a difference is shown with both figures, and names what is compared."""
        return self.format in FORMATS[4:]

    @property
    def has_opinions(self) -> bool:
        """Whether it has the opinions of others on the model."""
        return self.format in FORMATS[6:]

    @property
    def has_decisions(self) -> bool:
        """Whether it has the rules, decisions and waivers of the run and the evaluations."""
        return self.format in FORMATS[5:]

    @property
    def claims_by_evidence(self) -> bool:
        """Whether it has facts to decide by, and closes items only by what answers them."""
        return self.format in FORMATS[7:]


USUAL_FORM = CardForm()


def form_with(*, values: bool) -> CardForm:
    """Return the format of a new card, with or without values of the data."""
    return CardForm(with_data=(VALUES,)) if values else USUAL_FORM
