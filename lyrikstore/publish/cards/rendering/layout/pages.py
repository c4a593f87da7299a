"""All blocks of a card, in order (spec §14.4.7)."""

from collections.abc import Iterator, Mapping
from typing import Any

from lyrikstore.publish.cards.rendering.layout.annexes import annexes
from lyrikstore.publish.cards.rendering.layout.blocks import Block
from lyrikstore.publish.cards.rendering.layout.charts_page import charts_page
from lyrikstore.publish.cards.rendering.layout.first_page import first_page
from lyrikstore.publish.cards.rendering.layout.printing import Printer
from lyrikstore.web.texts import page_text


def layout_of(card: Mapping[str, Any]) -> Iterator[Block]:
    """Yield the blocks of a card: two pages, then annexes.

    Args:
        card: Contents of ``card.json``.
    """
    printer = Printer(card)
    yield from first_page(printer)
    yield from charts_page(printer)
    yield from annexes(printer)


def heading_of(card: Mapping[str, Any]) -> str:
    """Return the heading of a card."""
    kind = card["subject"]["kind"]
    return page_text(f"card.heading-{kind}", subject=card["subject"]["name"])
