"""``card.json`` as a page: two pages on paper, then annexes, with pictures; nothing to load."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.publish.cards.rendering.blocks import (
    Block,
    Bullets,
    Chart,
    Code,
    Heading,
    Paragraph,
    Shown,
    StatementList,
    Table,
)
from lyrikstore.publish.cards.rendering.charts import draw
from lyrikstore.publish.cards.rendering.layout import labels_of, shorten, state_of, title_of
from lyrikstore.publish.cards.rendering.pages import heading_of, layout_of
from lyrikstore.web.charts import CHARTS
from lyrikstore.web.html import add, new_page, page_bytes

_STYLE = """
.state{font-size:.75em;border:1px solid #8888;border-radius:.6em;padding:0 .4em;white-space:nowrap}
.not-established,.stale{border-color:#b3592a}
.contradicted{background:#b3592a;color:#fff}
.cited{font-size:.75em;opacity:.8}
.cited a{white-space:nowrap}
.status{border:2px solid currentColor;padding:.4rem .6rem;font-weight:bold}
ul.said{list-style:none;padding:0;margin:.2rem 0}
ul.said li{margin:.15rem 0}
h2{margin:.8rem 0 .2rem}
h3{margin:.6rem 0 .1rem}
@page{size:A4;margin:14mm}
@media print{body{font-size:8.5pt;line-height:1.25}h1{font-size:14pt}h2{font-size:11pt}
h3{font-size:9pt}table{font-size:8pt}.page{break-before:page}svg{max-width:120mm}a{text-decoration:none}
ul,ul.said,pre,table{margin:.1rem 0}ul.said li,ul li{margin:0}p{margin:.15rem 0}
td,th{padding:.05rem .5rem .05rem 0}h2{margin:.4rem 0 .1rem}
ul.said li,tr,h2,h3{break-inside:avoid}h2,h3{break-after:avoid}.annex{font-size:8pt}}
"""


_LINES = frozenset({"h1", "h2", "h3", "p", "li", "tr", "pre", "svg"})


def to_page(card: Mapping[str, Any]) -> tuple[Element, Element]:
    """Return a card as a document and its body. Equal in, equal out.

    ATTACK: texts hold what an attacker wrote; see :mod:`lyrikstore.web.html`.

    Args:
        card: What ``card.json`` holds.
    """
    html, body = new_page(heading_of(card), style=CHARTS + _STYLE)
    main = SubElement(body, "main")
    labels = labels_of(one["id"] for one in card["evidence"])
    writer = _Writer(main, labels)
    for block in layout_of(card).blocks():
        writer.add(block)
    writer.evidence(card["evidence"])
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
    """Return a card as HTML, UTF-8."""
    html, _ = to_page(card)
    return page_bytes(html)


class _Writer:
    def __init__(self, main: Element, labels: Mapping[str, str]) -> None:
        self.main, self.labels = main, labels

    def add(self, block: Block) -> None:
        match block:
            case Heading(text, level, page):
                add(self.main, f"h{level}", text, {"class": "page"} if page else {})
            case Paragraph(text, strong):
                add(self.main, "p", text, {"class": "status"} if strong else {})
            case StatementList(statements, about):
                self._list(statements, about=about)
            case Table(titles, rows):
                self._table(titles, rows)
            case Chart(kind, title, value):
                if kind == "metrics":
                    add(self.main, "h3", title)
                draw(self.main, kind, title, value)
            case Bullets(lines):
                listed = SubElement(self.main, "ul")
                for line in lines:
                    add(listed, "li", line)
            case Code(lines):
                listing = SubElement(self.main, "pre")
                for line in lines:
                    add(listing, "code", line, after="\n")

    def evidence(self, found: Iterable[Mapping[str, str]]) -> None:
        """Add the table of evidence."""
        add(self.main, "h2", "Evidence", {"class": "page"})
        table = SubElement(self.main, "table")
        for one in found:
            row = SubElement(table, "tr", id=self.labels[one["id"]])
            add(row, "th", self.labels[one["id"]])
            add(row, "td", one["what"])
            add(row, "td", one["id"])

    def _list(self, statements: Sequence[Shown], *, about: bool) -> None:
        if not statements:
            return
        listed = SubElement(self.main, "ul", {"class": "said"})
        for one in statements:
            line = SubElement(listed, "li")
            add(line, "strong", title_of(one, about=about), after=" ")
            add(line, "span", shorten(one["text"]), after=" ")
            if "was" in one:
                add(line, "em", one["was"], after=" ")
            add(line, "span", state_of(one), {"class": f"state {one['state']}"}, after=" ")
            self._cite(line, one["evidence"])

    def _table(
        self, titles: Sequence[str], rows: Sequence[tuple[Sequence[str], Sequence[str]]]
    ) -> None:
        table = SubElement(self.main, "table")
        head = SubElement(table, "tr")
        for title in (*titles, "evidence"):
            add(head, "th", title)
        for cells, evidence in rows:
            row = SubElement(table, "tr")
            for cell in cells:
                add(row, "td", shorten(cell))
            self._cite(SubElement(row, "td"), evidence)

    def _cite(self, parent: Element, evidence: Sequence[str]) -> None:
        cited = SubElement(parent, "span", {"class": "cited"})
        for one in evidence:
            add(cited, "a", self.labels[one], href=f"#{self.labels[one]}", after=" ")
