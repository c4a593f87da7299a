"""A fact: a name of the closed vocabulary, and what signed objects say of it (spec §14.4.3)."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.statement import Said


class Fact(Struct, frozen=True):
    """One name of the vocabulary.

    Attributes:
        title: What its statements are called.
        about: What it says, in a line.
        find: Yields what the objects say; nothing if it does not arise.
        of: ``checkpoint`` if cards of datasets never say it; empty: both do.
    """

    title: str
    about: str
    find: Callable[[CardFacts], Iterator[Said]]
    of: str = ""
