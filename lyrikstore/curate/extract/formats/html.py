"""Visible text of HTML, parsed by lxml: libxml2 balances tags as a browser does.

The parser reports tags one by one; no tree is built, so deep nesting costs no memory.
"""

import re
from typing import Any

from lyrikstore.curate.extract.encoding import decode
from lyrikstore.curate.extract.limits import MAX_FIELD_CHARACTERS
from lyrikstore.curate.extract.result import (
    Extracted,
    Note,
    TextSize,
    UnreadableError,
    clean,
)


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


_UNSEEN = _tags(
    "applet audio canvas datalist embed head iframe map noembed noframes noscript object rp script "
    "style svg template title video"
)
_PARAGRAPHS = _tags(
    "address article aside blockquote body center details dialog dl fieldset figure footer form "
    "h1 h2 h3 h4 h5 h6 header hgroup hr main nav ol p pre section table ul"
)
_LINES = _tags(
    "caption dd div dt figcaption legend li optgroup option summary tbody tfoot thead tr"
)
_CELLS = frozenset({"td", "th"})
_KEPT_SPACE = frozenset({"pre", "textarea", "listing", "xmp", "plaintext"})
_HIDDEN = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_SPACE = re.compile("[ \t\n\r\f]+")
_STATED = re.compile(
    rb"<meta[^>]{0,500}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})"
    rb"|<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([\w.:-]{1,40})",
    re.IGNORECASE,
)
_STATED_WITHIN = 1024  # bytes, as browsers look
_BLANKS = re.compile("\n(?:[ \t]*\n)+")


def extract_html(data: bytes, encoding: str | None, stated: str | None = None) -> Extracted:
    """Return the text that a browser without scripts and style sheets shows.

    Args:
        data: The whole document.
        encoding: The encoding that the user demands.
        stated: The encoding that a message states for its part; it overrides the document's own.

    Raises:
        UnreadableError: ``undecodable``, ``broken``, ``too-large``.
    """
    if stated is None and (found := _STATED.search(data, 0, _STATED_WITHIN)):
        stated = (found[1] or found[2]).decode("ascii", "replace")
        if stated.lower().startswith("utf-16"):
            stated = None  # false: the declaration could be read as ASCII
    decoded = decode(data, demanded=encoding, stated=stated)
    text, title = html_text(decoded.text)
    return Extracted(
        "html",
        (TextSize().add(text),),
        decoded.encoding,
        decoded.source,
        {"title": title[:MAX_FIELD_CHARACTERS]} if title else {},
        notes=guess_notes(decoded.encoding, decoded.source, decoded.others),
    )


def guess_notes(encoding: str, source: str, others: tuple[str, ...]) -> tuple[Note, ...]:
    """Return a note if the encoding was guessed, else nothing."""
    if source != "guessed":
        return ()
    also = f", or {', '.join(others)}" if others else ""
    return (Note("encoding-guessed", encoding + also),)


def html_text(markup: str) -> tuple[str, str]:
    """Return the visible text and the title of HTML.

    Raises:
        UnreadableError: (``broken``) the parser cannot read the markup.
    """
    from lxml import etree

    target = _VisibleText()
    # no_network is lxml's default. It is set here because it keeps a document from fetching URLs.
    parser = etree.HTMLParser(target=target, encoding="utf-8", no_network=True, huge_tree=True)
    try:
        parser.feed(clean(markup).encode())
        parser.close()
    except etree.XMLSyntaxError as error:
        if markup.strip():
            raise UnreadableError("broken", f"libxml2 gives up: {error.code}") from None
    return target.text(), target.title()


class _VisibleText:
    """The parser target that lxml calls; it collects the visible text."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._title: list[str] = []
        self._in_title = False
        self._depth = 0
        self._unseen = 0  # depth of the outermost element that is not shown; 0 outside
        self._unseen_tag = ""
        self._kept_space = 0
        self._gap = ""  # the separator before the next text: "", " ", "\t", "\n" or "\n\n"

    def start(self, tag: str, attributes: Any) -> None:
        self._depth += 1
        if tag == "title" and not self._title and self._unseen_tag in {"", "head"}:
            self._in_title = True
        if self._unseen:
            return
        if tag in _UNSEEN or _is_hidden(attributes):
            self._unseen, self._unseen_tag = self._depth, tag
            return
        if tag == "br":
            self._parts.append("\n")
            self._gap = ""
        self._break(tag, before=True)
        self._kept_space += tag in _KEPT_SPACE

    def end(self, tag: str) -> None:
        self._in_title = False
        if self._unseen:
            if self._depth == self._unseen:
                self._unseen, self._unseen_tag = 0, ""
        else:
            self._kept_space -= tag in _KEPT_SPACE
            self._break(tag, before=False)
        self._depth -= 1

    def data(self, text: str) -> None:
        if self._in_title:
            self._title.append(text)
        if self._unseen or self._in_title:
            return
        if not self._kept_space:
            text = _SPACE.sub(" ", text)
            if text.startswith(" "):
                self._widen(" ")
                text = text[1:]
            if not text:
                return
            ends = text.endswith(" ")
            self._parts += (self._gap, text.rstrip(" "))
            self._gap = " " if ends else ""
        elif text:
            self._parts += (self._gap, text)
            self._gap = ""

    def comment(self, text: str) -> None:
        """Ignore a comment."""

    def close(self) -> None:
        """Do nothing; lxml demands the method, and :meth:`text` returns the text."""

    def text(self) -> str:
        whole = _BLANKS.sub("\n\n", "".join(self._parts))
        return whole.strip(" \t\n")

    def title(self) -> str:
        return _SPACE.sub(" ", "".join(self._title)).strip(" ")

    def _break(self, tag: str, *, before: bool) -> None:
        if tag in _PARAGRAPHS:
            self._widen("\n\n")
        elif tag in _LINES:
            self._widen("\n")
        elif tag in _CELLS and not before:
            self._widen("\t")

    def _widen(self, gap: str) -> None:
        if _WIDTH[gap] > _WIDTH[self._gap]:
            self._gap = gap


_WIDTH = {"": 0, " ": 1, "\t": 2, "\n": 3, "\n\n": 4}


def _is_hidden(attributes: Any) -> bool:
    return "hidden" in attributes or bool(_HIDDEN.search(attributes.get("style", "")))
