"""``card.json`` as an HTML page: two printed pages, then annexes, with charts; loads nothing."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.publish.cards.rendering import blocks
from lyrikstore.publish.cards.rendering.charts import draw
from lyrikstore.publish.cards.rendering.layout import shorten, state_of
from lyrikstore.publish.cards.rendering.pages import heading_of, layout_of
from lyrikstore.web.html import add, new_page, page_bytes

_LINES = frozenset({"h1", "h2", "h3", "p", "li", "tr", "pre", "svg"})


def to_page(card: Mapping[str, Any]) -> tuple[Element, Element]:
    """Return a card as a document and its body; equal cards give equal documents.

    ATTACK: texts may be written by an attacker; see :mod:`lyrikstore.web.html`.

    Args:
        card: Contents of ``card.json``.
    """
    html, body = new_page(heading_of(card))
    main = SubElement(body, "main")
    for block in layout_of(card).blocks():
        _add(main, block)
    for one in main.iter():  # so that a reader, and verify, can name a line
        if one.tag in _LINES:
            one.tail = "\n"
    add(
        SubElement(body, "footer"),
        "p",
        "This page is a rendering of card.json, which alone has a meaning; both are attached to a "
        f"signed manifest in the store {card['subject']['store']}. "
        "lyrikstore verify compares them.",
    )
    return html, body


def to_html(card: Mapping[str, Any]) -> bytes:
    """Return a card as HTML in UTF-8."""
    html, _ = to_page(card)
    return page_bytes(html)


def _add(main: Element, block: blocks.Block) -> None:
    match block:
        case blocks.Heading(text, level, page):
            add(main, f"h{level}", text, {"class": "page"} if page else {})
        case blocks.Paragraph(text, strong):
            add(main, "p", text, {"class": "status"} if strong else {})
        case blocks.StatementList(lines):
            _list(main, lines)
        case blocks.Table(titles, rows):
            table = SubElement(main, "table")
            head = SubElement(table, "tr")
            for title in (*titles, "evidence"):
                add(head, "th", title)
            for cells, cited in rows:
                row = SubElement(table, "tr")
                for cell in cells:
                    add(row, "td", shorten(cell))
                _cite(SubElement(row, "td"), cited)
        case blocks.Chart(kind, title, value):
            if kind == "metrics":
                add(main, "h3", title)
            draw(main, kind, title, value)
        case blocks.Bullets(said):
            listed = SubElement(main, "ul")
            for line in said:
                add(listed, "li", line)
        case blocks.Code(typed):
            listing = SubElement(main, "pre")
            for line in typed:
                add(listing, "code", line, after="\n")
        case blocks.EvidenceList(found):
            table = SubElement(main, "table")
            for label, what, identity in found:
                row = SubElement(table, "tr", id=label)
                add(row, "th", label)
                add(row, "td", what)
                add(row, "td", identity)


def _list(main: Element, lines: Sequence[blocks.StatementLine]) -> None:
    if not lines:
        return
    listed = SubElement(main, "ul", {"class": "said"})
    for line in lines:
        one, item = line.shown, SubElement(listed, "li")
        add(item, "strong", line.title, after=" ")
        add(item, "span", shorten(one["text"]), after=" ")
        if "was" in one:
            add(item, "em", one["was"], after=" ")
        add(item, "span", state_of(one), {"class": f"state {one['state']}"}, after=" ")
        _cite(item, line.cited)


def _cite(parent: Element, labels: Sequence[str]) -> None:
    cited = SubElement(parent, "span", {"class": "cited"})
    for label in labels:
        add(cited, "a", label, href=f"#{label}", after=" ")
