"""``card.json`` as an HTML page: two printed pages, then annexes, with charts; loads nothing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.canon.digest import Digest
from lyrikstore.publish.cards.rendering.approvals import approvals_place
from lyrikstore.publish.cards.rendering.charts import draw
from lyrikstore.publish.cards.rendering.layout import blocks
from lyrikstore.publish.cards.rendering.layout.pages import heading_of, layout_of
from lyrikstore.publish.cards.rendering.layout.statements import shorten, state_of
from lyrikstore.web import stylesheet
from lyrikstore.web.html import add, add_bullets, new_page, page_bytes
from lyrikstore.web.texts import page_text

_GENERATOR = re.compile(rb'<meta name="generator" content="lyrikstore ([^"]{1,80})">')

_LINES = frozenset({"h1", "h2", "h3", "p", "li", "tr", "dd", "pre", "svg", "div", "section"})


def html_version() -> str:
    """Return the HTML renderer with its version, and that of the design in its pages."""
    return f"html/2 design/{Digest.of(stylesheet().encode()).hex[:8]}"


def renderer_of(page: bytes) -> str:
    """Return the renderer that a page names, with its version; "" if it names none."""
    found = _GENERATOR.search(page)
    return "" if found is None else found[1].decode("utf-8", "replace")


def to_page(card: Mapping[str, Any]) -> tuple[Element, Element]:
    """Return a card as a document and its body; equal cards give equal documents.

    ATTACK: texts may be written by an attacker; see :mod:`lyrikstore.web.html`.

    Args:
        card: Contents of ``card.json``.
    """
    html, body = new_page(heading_of(card))
    SubElement(html[0], "meta", name="generator", content=f"lyrikstore {html_version()}")
    main = SubElement(body, "main")
    for block in layout_of(card):
        _add(main, block)
    for one in main.iter():  # so that a reader, and verify, can name a line
        if one.tag in _LINES:
            one.tail = "\n"
    text = page_text("card.footer", store=card["subject"]["store"])
    add(SubElement(body, "footer"), "p", text)
    return html, body


def to_html(card: Mapping[str, Any]) -> bytes:
    """Return a card as HTML in UTF-8."""
    html, _ = to_page(card)
    return page_bytes(html)


def _add(parent: Element, block: blocks.Block) -> None:
    match block:
        case blocks.Heading(text, level, page, anchor):
            name = {"id": anchor} if anchor else {}
            add(parent, f"h{level}", text, {**name, **({"class": "page"} if page else {})})
        case blocks.Paragraph(text, kind):
            _add_paragraph(parent, text, kind)
        case blocks.LineList(lines, bullets):
            listed = SubElement(parent, "ul", {} if bullets else {"class": "plain"})
            for line in lines:
                _inline(SubElement(listed, "li"), line)
        case blocks.TermList(rows):
            terms = SubElement(parent, "dl", {"class": "terms"})
            for word, line in rows:
                add(terms, "dt", word)
                _inline(SubElement(terms, "dd"), line)
        case blocks.StatementFlow():
            _add_flow(parent, block)
        case blocks.Table():
            _add_table(parent, block)
        case blocks.Chart():
            _add_chart(parent, block)
        case blocks.Bullets(lines):
            add_bullets(parent, lines)
        case blocks.Code(lines):
            listing = SubElement(parent, "pre")
            for line in lines:
                add(listing, "code", line, after="\n")
        case blocks.Approvals():
            parent.append(approvals_place({}))
        case blocks.Box(title, inside, anchor, kind):
            box = SubElement(parent, "section", {"class": kind or "panel", "id": anchor})
            add(box, "h2", title)
            for one in inside:
                _add(box, one)
        case blocks.Panels(columns):
            panels = SubElement(parent, "div", {"class": "panels"})
            for column in columns:
                beside = SubElement(panels, "div")
                for one in column:
                    _add(beside, one)


def _add_paragraph(parent: Element, text: str, kind: str) -> None:
    if kind == "strong":
        add(SubElement(parent, "p"), "strong", text)
    else:
        add(parent, "p", text, {"class": kind} if kind else {})


def _inline(parent: Element, line: Iterable[blocks.Inline]) -> None:
    parts = list(line)
    for one, following in zip(parts, [*parts[1:], ""], strict=True):
        match one:
            case str():
                add(parent, "span", shorten(one), after=" ")
            case blocks.StatementLine():
                _statement(parent, one)
            case blocks.Reference(text, anchors, state):
                last = len(anchors) - 1
                for at, anchor in enumerate(anchors):
                    words = f"{at + 1}" if at else shorten(text)
                    more = isinstance(following, blocks.Reference) and not state and at == last
                    after = ", " if more else " "
                    add(parent, "a", words, href=f"#{anchor}", after=after)
                if state:
                    _badge(parent, state, state)
            case blocks.Badge(text, state):
                add(parent, "span", text, {"class": f"mark {state}".strip()}, after=" ")
            case blocks.Identifier(text):
                add(parent, "span", text, {"class": "digest"}, after=" ")


def _badge(parent: Element, text: str, state: str) -> None:
    add(parent, "span", text, {"class": f"badge {state}".strip()}, after=" ")


def _statement(parent: Element, line: blocks.StatementLine) -> None:
    one = line.shown
    whole = SubElement(parent, "span", id=line.anchor)
    whole.tail = " "
    if line.title:
        add(whole, "b", line.title, after=" ")
    if line.text:
        add(whole, "strong" if line.large else "span", shorten(line.text), after=" ")
    if "was" in one:
        add(whole, "em", one["was"], after=" ")
    if not line.bare:
        _state(whole, state_of(one), one["state"])
        _cite(whole, line.cited)


def _state(parent: Element, words: str, state: str) -> None:
    """Add a state as a badge, and in small type by whom it is attested."""
    _badge(parent, state, state)
    if who := words.removeprefix(state).strip():
        add(parent, "small", who, after=" ")


def _add_flow(parent: Element, flow: blocks.StatementFlow) -> None:
    whole = SubElement(parent, "p")
    if flow.lead:
        add(whole, "span", f"{shorten(flow.lead)}:", after=" ")
    for at, part in enumerate(flow.parts):
        last = at == len(flow.parts) - 1
        found = SubElement(whole, "span", id=part.anchor)
        found.tail = " " if last else "; "
        add(found, "b", part.title, after=" " if part.text else "")
        if part.text:
            add(found, "span", shorten(part.text), after=" " if part.cited else "")
        _cite(found, part.cited)
    _state(whole, flow.state, flow.word)
    _cite(whole, flow.cited)


def _add_table(parent: Element, block: blocks.Table) -> None:
    table = SubElement(parent, "table", {} if block.figures else {"class": "items"})
    last = len(block.titles) - 1
    kinds = [
        {"class": "number"} if block.figures and 0 < at < last else {} for at in range(last + 1)
    ]
    head = SubElement(SubElement(table, "thead"), "tr")
    for title, kind in zip(block.titles, kinds, strict=True):
        add(head, "th", title, kind | {"scope": "col"})
    body = SubElement(table, "tbody")
    for row in block.rows:
        line = SubElement(body, "tr", {"id": row.anchor} if row.anchor else {})
        for at, (cell, kind) in enumerate(zip(row.cells, kinds, strict=True)):
            _inline(SubElement(line, "td" if at else "th", kind if at else {"scope": "row"}), cell)


def _add_chart(parent: Element, chart: blocks.Chart) -> None:
    figure = draw(parent, chart.kind, chart.title, chart.value)
    caption = figure.find("figcaption")
    if caption is not None and chart.of:
        caption.text = f"{caption.text} "
        for line in chart.of:
            whole = SubElement(caption, "span", id=line.anchor)
            if line is chart.of[-1]:
                _state(whole, state_of(line.shown), line.shown["state"])
                _cite(whole, line.cited)
    for line in chart.lines:
        _inline(SubElement(figure, "p"), [line])


def _cite(parent: Element, labels: Sequence[str]) -> None:
    if not labels:
        return
    cited = SubElement(parent, "span", {"class": "cited"})
    for at, label in enumerate(labels):
        add(cited, "a", label, href=f"#{label}", after=" " if at < len(labels) - 1 else "")
