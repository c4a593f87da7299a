"""``card.json`` as PDF/A that embeds ``card.json``, for archives (extra ``pdf``)."""

import json
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, tostring

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.files import read_packaged
from lyrikstore.canon.json import encode
from lyrikstore.publish.cards.rendering.charts import draw, table_of
from lyrikstore.publish.cards.rendering.layout import blocks
from lyrikstore.publish.cards.rendering.layout.pages import heading_of, layout_of
from lyrikstore.publish.cards.rendering.layout.statements import shorten, state_of
from lyrikstore.web.charts import ink
from lyrikstore.web.texts import page_text


def pdf_version() -> str:
    """Return the PDF renderer with its versions, or "" if Typst is not installed."""
    try:
        return f"pdf/2 typst/{version('typst')}"
    except PackageNotFoundError:
        return ""


def to_pdf(card: Mapping[str, Any]) -> bytes:
    """Return a card as PDF/A-3b; the same card and the same Typst give the same bytes.

    Args:
        card: Contents of ``card.json``.

    Raises:
        InvalidInputError: (``missing-extra``) Typst is not installed; (``not-printable``) its fonts
            lack a letter.
    """
    try:
        import typst
    except ModuleNotFoundError:
        raise InvalidInputError(
            "missing-extra",
            "a card as PDF needs typst",
            hint="pip install 'lyrikstore[pdf]', or write card.html and print that",
        ) from None
    shown = {
        "title": heading_of(card),
        "date": [int(part) for part in card["subject"]["created"][:10].split("-")],
        "blocks": [_block(one) for one in layout_of(card)],
    }
    text = json.dumps(shown, ensure_ascii=False)
    # ATTACK: texts hold what an attacker wrote. They reach Typst as data and never as markup, and
    # the document loads nothing.
    try:
        data = typst.compile(
            read_packaged(Path(__file__).parent / "card.typ"),
            format="pdf",
            sys_inputs={"card": text, "source": encode(card).decode()},
            ignore_system_fonts=True,  # another machine has others, so other bytes
            pdf_standards=["a-3b"],
        )
    except typst.TypstError as error:
        reason = str(error).splitlines()[0][:200]
        raise InvalidInputError(
            "not-printable",
            f"the card cannot be a PDF: {reason}",
            hint="its fonts lack letters of some scripts: write card.html, and print that",
        ) from None
    if not isinstance(data, bytes):
        raise TypeError("Typst gave several documents")
    return data


def _block(block: blocks.Block) -> dict[str, Any]:
    match block:
        case blocks.Heading(text, level, page, anchor):
            return {
                "kind": "heading", "text": text, "level": level, "page": page, "place": anchor,
            }  # fmt: skip
        case blocks.Paragraph(text, kind):
            return {"kind": "paragraph", "text": text, "look": kind}
        case blocks.LineList(lines, bullets):
            return {"kind": "lines", "lines": [*map(_inline, lines)], "bullets": bullets}
        case blocks.TermList(rows):
            return {"kind": "terms", "rows": [[word, _inline(line)] for word, line in rows]}
        case blocks.StatementFlow(lead, parts, state, _, cited):
            said = [
                {
                    "place": one.anchor,
                    "title": one.title,
                    "text": shorten(one.text),
                    "labels": one.cited,
                }
                for one in parts
            ]
            return {
                "kind": "flow", "lead": shorten(lead), "parts": said, "state": shorten(state),
                "labels": cited,
            }  # fmt: skip
        case blocks.Table(titles, rows):
            cells = [{"place": row.anchor, "cells": [*map(_inline, row.cells)]} for row in rows]
            return {"kind": "table", "titles": titles, "rows": cells}
        case blocks.Bullets(said):
            return {"kind": "bullets", "lines": said}
        case blocks.Code(typed):
            return {"kind": "code", "lines": typed}
        case blocks.Chart(kind, title, value, of, lines):
            return {
                "kind": "chart", "title": title, "svg": _svg(kind, title, value),
                "about": _about(kind, title, value), "of": _inline(of),
                "lines": [_inline([one]) for one in lines],
            }  # fmt: skip
        case blocks.Approvals():
            text = page_text("card.approvals-elsewhere")
            return {"kind": "paragraph", "text": text, "look": ""}
        case blocks.Box(title, inside, anchor, kind):
            return {
                "kind": "box", "title": title, "place": anchor, "look": kind,
                "blocks": [*map(_block, inside)],
            }  # fmt: skip
        case blocks.Panels(columns):
            return {"kind": "panels", "columns": [[*map(_block, one)] for one in columns]}


def _inline(line: Iterable[blocks.Inline]) -> list[dict[str, Any]]:
    return [_word(one) for one in line]


def _word(one: blocks.Inline) -> dict[str, Any]:
    match one:
        case str():
            return {"kind": "text", "text": shorten(one)}
        case blocks.StatementLine():
            shown = one.shown
            return {
                "kind": "statement", "place": one.anchor, "title": one.title,
                "text": shorten(one.text), "large": one.large, "was": shown.get("was", ""),
                "state": "" if one.bare else state_of(shown),
                "labels": () if one.bare else one.cited,
            }  # fmt: skip
        case blocks.Reference(text, anchors, state):
            return {"kind": "link", "text": shorten(text), "to": anchors, "state": state}
        case blocks.Badge(text):
            return {"kind": "mark", "text": text}
        case blocks.Identifier(text):
            return {"kind": "code", "text": text}


def _about(kind: str, title: str, value: Any) -> str:
    """Return the values of a chart as text, for screen readers."""
    _, rows = table_of(kind, title, value)
    return "; ".join((title, *(", ".join(filter(None, row)) for row in rows)))


def _svg(kind: str, title: str, value: Any) -> str:
    chart = next(draw(Element("div"), kind, title, value).iter("svg"))
    style = Element("style")
    style.text = ink()
    chart.insert(0, style)
    return tostring(chart, encoding="unicode")
