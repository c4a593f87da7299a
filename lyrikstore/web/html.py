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


def headed_page(
    what: str, heading: str, said: Iterable[str] = (), *, kind: str = ""
) -> tuple[Element, Element]:
    """Return a document with the header of every page, and its empty main part.

    Args:
        what: The kind of page, such as ``Evaluation``, also in the title of the window; or empty.
        heading: The object that the page is about.
        said: Lines below it: date, version, tool.
        kind: A class of the body, for rules of such pages only.
    """
    html, body = new_page(f"{what}: {heading}" if what else heading)
    if kind:
        body.set("class", kind)
    header = SubElement(body, "header")
    if what:
        add(header, "p", what)
    add(header, "h1", heading)
    for line in said:
        add(header, "p", line)
    return html, SubElement(body, "main")


def add_program(html: Element, program: str, *, wasm: bool = False) -> None:
    """Add a program to a document, the only one that its policy lets run.

    Args:
        html: From :func:`new_page`. It is changed.
        program: An ECMAScript module that imports nothing.
        wasm: Whether it may compile WebAssembly, which cannot reach more than the program itself.
    """
    head, body = html
    policy = head.find("meta[@http-equiv='Content-Security-Policy']")
    if policy is None:
        raise TypeError("not a document of new_page")
    policy.set("content", _policy(program, wasm=wasm))
    SubElement(body, "script", type="module").text = program


def add_footer(html: Element, *lines: str) -> None:
    """Add the footer of a page, a paragraph for each line."""
    footer = SubElement(html[1], "footer")
    for line in lines:
        add(footer, "p", line)


def add_rests_on(main: Element, values: Iterable[tuple[str, str]]) -> None:
    """Add the last section of a page: the objects that its facts come from, by id."""
    add(main, "h2", page_text("common.rests-on"))
    add_list(main, values)


def page_bytes(html: Element) -> bytes:
    """Return a document as the bytes of a file."""
    written: str = tostring(html, encoding="unicode", method="html")
    return f"<!doctype html>\n{written}\n".encode()


def style_policy() -> str:
    """Return the part of the policy of every page that permits its stylesheet, by its hash."""
    return f"style-src {_hash(stylesheet())}"


def _policy(program: str | None = None, *, wasm: bool = False) -> str:
    scripts: tuple[str, ...] = ()
    if program is not None:
        more = " 'wasm-unsafe-eval'" if wasm else ""
        scripts = (f"script-src {_hash(program)}{more}", "connect-src 'none'")
    return "; ".join(
        ("default-src 'none'", *scripts, style_policy(), "base-uri 'none'", "form-action 'none'")
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


def add_table(
    parent: Element,
    titles: Sequence[str],
    rows: Iterable[Iterable[str]],
    *,
    words: int = 1,
    wide: str = "",
) -> None:
    """Add a table; the first column names the row.

    Args:
        parent: Where.
        titles: The titles of the columns.
        rows: The cells of each row.
        words: The number of columns with words, from the first; the others have figures.
        wide: The name of a table that is scrolled where it is wider than the page.
    """
    if wide:
        region = {"class": "scroll", "role": "region", "tabindex": "0"}
        parent = SubElement(parent, "div", region | {"aria-label": escape_control(wide)})
    table = SubElement(parent, "table")
    head = SubElement(SubElement(table, "thead"), "tr")
    kinds: list[dict[str, str]] = [{}] * words + [{"class": "number"}] * (len(titles) - words)
    for title, kind in zip(titles, kinds, strict=True):
        add(head, "th", title, kind, scope="col")
    body = SubElement(table, "tbody")
    for cells in rows:
        row = SubElement(body, "tr")
        for at, (cell, kind) in enumerate(zip(cells, kinds, strict=True)):
            add(row, "td" if at else "th", cell, kind, **({} if at else {"scope": "row"}))
