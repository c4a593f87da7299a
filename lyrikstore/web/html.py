"""HTML documents that load nothing, with a light and a dark theme and a print layout.

ATTACK: names, labels, texts and reports contain text of an attacker. They become text nodes only,
in a document whose policy allows no script except its own program, if it has one, and no requests.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from xml.etree.ElementTree import Element, SubElement, tostring

from lyrikstore.canon.text import escape_control
from lyrikstore.web import stylesheet
from lyrikstore.web.texts import page_text


def new_page(title: str) -> tuple[Element, Element]:
    """Return a document in the design of all pages, and its empty body.

    Args:
        title: Title of the window.
    """
    html = Element("html", lang="en")
    head = SubElement(html, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": _policy()})
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    SubElement(head, "meta", name="color-scheme", content="light dark")
    SubElement(head, "meta", name="referrer", content="no-referrer")
    add(head, "title", title)
    SubElement(head, "style").text = stylesheet()
    return html, SubElement(html, "body")


def headed_page(title: str, heading: str, *, kind: str = "") -> tuple[Element, Element]:
    """Return a document with a heading, and its empty main part.

    Args:
        title: Title of the window.
        heading: The heading: whatever the page is about.
        kind: A class of the body, for what only such pages need.
    """
    html, body = new_page(title)
    if kind:
        body.set("class", kind)
    add(SubElement(body, "header"), "h1", heading)
    return html, SubElement(body, "main")


def add_program(html: Element, program: str) -> None:
    """Add a program to a document, the only one that its policy lets run.

    Args:
        html: From :func:`new_page`. It is changed.
        program: An ECMAScript module that imports nothing.
    """
    head, body = html
    policy = head.find("meta[@http-equiv='Content-Security-Policy']")
    if policy is None:
        raise TypeError("not a document of new_page")
    policy.set("content", _policy(program))
    SubElement(body, "script", type="module").text = program


def page_bytes(html: Element, footer: str = "") -> bytes:
    """Return a document as the bytes of a file, with a remark at its end if there is one."""
    if footer:
        add(SubElement(html[1], "footer"), "p", footer)
    written: str = tostring(html, encoding="unicode", method="html")
    return f"<!doctype html>\n{written}\n".encode()


def _policy(program: str | None = None) -> str:
    scripts = () if program is None else (f"script-src {_hash(program)}", "connect-src 'none'")
    styles = f"style-src {_hash(stylesheet())}"
    return "; ".join(
        ("default-src 'none'", *scripts, styles, "base-uri 'none'", "form-action 'none'")
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def add(
    parent: Element,
    tag: str,
    text: str,
    attributes: dict[str, str] | None = None,
    *,
    after: str = "",
    **more: str,
) -> None:
    """Add an element with a text, which is always shown literally."""
    child = SubElement(parent, tag, {**(attributes or {}), **more})
    child.text = escape_control(text)
    child.tail = after


def add_holds(parent: Element, what: Sequence[str]) -> None:
    """Add a sentence on the data that the page includes on request; nothing if it has none."""
    if what:
        add(parent, "p", page_text("common.holds", what=" and ".join(what)), id="holds")


def add_list(parent: Element, values: Iterable[tuple[str, str]]) -> None:
    """Add a list of terms with their descriptions."""
    found = SubElement(parent, "dl")
    for title, value in values:
        add(found, "dt", title)
        add(found, "dd", value)


def add_bullets(parent: Element, lines: Iterable[str]) -> None:
    """Add a list of lines."""
    listed = SubElement(parent, "ul")
    for line in lines:
        add(listed, "li", line)


def add_table(parent: Element, titles: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Add a table; the first column has words, the others figures."""
    table = SubElement(parent, "table")
    head = SubElement(table, "tr")
    for at, title in enumerate(titles):
        add(head, "th", title, {"class": "number"} if at else {})
    for cells in rows:
        row = SubElement(table, "tr")
        for at, cell in enumerate(cells):
            add(row, "td", cell, {"class": "number"} if at else {})
