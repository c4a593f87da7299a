"""``card.json`` as PDF/A that embeds ``card.json``, for archives (extra ``pdf``)."""

import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, tostring

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.files import read_packaged
from lyrikstore.canon.json import encode
from lyrikstore.publish.cards.rendering import blocks
from lyrikstore.publish.cards.rendering.charts import draw
from lyrikstore.publish.cards.rendering.layout import shorten, state_of
from lyrikstore.publish.cards.rendering.pages import heading_of, layout_of
from lyrikstore.web.charts import ink


def pdf_version() -> str:
    """Return the PDF renderer with its versions, or "" if Typst is not installed."""
    try:
        return f"pdf/1 typst/{version('typst')}"
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
        "blocks": [_block(one) for one in layout_of(card).blocks()],
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
        case blocks.Heading(text, level, page):
            return {"kind": "heading", "text": text, "level": level, "page": page}
        case blocks.Paragraph(text, strong):
            return {"kind": "paragraph", "text": text, "strong": strong}
        case blocks.StatementList(lines):
            return {"kind": "statements", "statements": [_statement(one) for one in lines]}
        case blocks.Table(titles, rows):
            cells = [[*map(shorten, row), " ".join(cited)] for row, cited in rows]
            return {"kind": "table", "titles": [*titles, "evidence"], "rows": cells}
        case blocks.Bullets(said):
            return {"kind": "bullets", "lines": said}
        case blocks.Code(typed):
            return {"kind": "code", "lines": typed}
        case blocks.Chart(kind, title, value):
            return {"kind": "chart", "title": title, "svg": _svg(kind, title, value)}
        case blocks.EvidenceList(found):
            return {"kind": "table", "titles": ["", "what", "id"], "rows": found}


def _statement(line: blocks.StatementLine) -> dict[str, Any]:
    one = line.shown
    return {
        "title": line.title,
        "text": shorten(one["text"]),
        "was": one.get("was", ""),
        "state": state_of(one),
        "labels": line.cited,
    }


def _svg(kind: str, title: str, value: Any) -> str:
    parent = Element("div")
    draw(parent, kind, title, value)
    chart = next(parent.iter("svg"))
    style = Element("style")
    style.text = ink()
    chart.insert(0, style)
    return tostring(chart, encoding="unicode")
