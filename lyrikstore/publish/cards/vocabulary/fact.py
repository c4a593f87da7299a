"""A fact: a name of the closed vocabulary, and the function that finds it (spec §14.4.3)."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.statement import Said


class Fact(Struct, frozen=True):
    """One name of the vocabulary.

    Attributes:
        title: Title of its statements.
        about: Its description, in a line.
        find: Yields its values from signed objects, or nothing if there are none.
        of: ``checkpoint`` if cards of datasets never contain it; empty: cards of both kinds do.
    """

    title: str
    about: str
    find: Callable[[CardFacts], Iterator[Said]]
    of: str = ""
