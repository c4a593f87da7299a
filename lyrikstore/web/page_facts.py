"""The facts of a page, which the page carries as data, so that it can be drawn and judged again.

A page of one object is a pure function of its kind, its facts and the name of the tool (spec
§25.1). The facts hold nothing that the page does not show.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Self
from xml.etree.ElementTree import Element, SubElement

from msgspec import Struct

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.version import __version__
from lyrikstore.web.html import page_bytes

RENDERER = "page/1"
"""Version of the drawing of pages; another one may draw other bytes of the same facts."""

TOOL = f"lyrikstore {__version__}"
"""The name and version of this program."""

MAX_PAGE = 16 << 20
"""Most bytes of a page."""

Facts = Mapping[str, Any]

_BEGIN = b'<script type="application/json" id="page-facts">'
_END = b"</script>"
_SURROGATE = re.compile("[\\ud800-\\udfff]")


class PageFacts(Struct, frozen=True):
    """The data in a page.

    Attributes:
        kind: The kind of page, such as ``evaluation``.
        facts: The facts that it shows.
        tool: Name and version of the program that wrote it.
        renderer: The version of the drawing.
    """

    kind: str
    facts: dict[str, JSON]
    tool: str
    renderer: str = RENDERER

    @classmethod
    def of(cls, kind: str, facts: Facts, tool: str) -> Self:
        """Return the data for a page; a lone surrogate becomes the text that names it."""
        return cls(kind, _plain(facts), _plain(tool))

    def embed(self, html: Element) -> None:
        """Add the data to the end of a document, as an element that no script policy runs.

        ATTACK: a text in the facts ends the element early, or opens a comment in it: ``<`` is
        escaped, and everything outside ASCII.
        """
        held = {"facts": self.facts, "kind": self.kind}
        held |= {"renderer": self.renderer, "tool": self.tool}
        text = json.dumps(held, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")
        data = SubElement(html[1], "script", {"type": "application/json", "id": "page-facts"})
        data.text = text


def carries(
    kind: str,
) -> Callable[[Callable[[Facts, str], Element]], Callable[..., bytes]]:
    """Return a decorator that makes a page of a function which draws facts.

    Args:
        kind: The kind of page. The decorated function gets the facts and the name of the tool, and
            returns the document; the result takes both, as ``tool=``, and returns the file.
    """

    def give(draw: Callable[[Facts, str], Element]) -> Callable[..., bytes]:
        @wraps(draw)
        def page(facts: Facts, *, tool: str = TOOL) -> bytes:
            held = PageFacts.of(kind, facts, tool)
            html = draw(held.facts, held.tool)
            held.embed(html)
            return page_bytes(html)

        return page

    return give


def is_page(data: bytes) -> bool:
    """Return whether bytes are an HTML page that carries facts, damaged or not."""
    return data.startswith(b"<!doctype html>") and _BEGIN in data


def read_page(data: bytes) -> PageFacts:
    """Return the data that a page carries, as it states it.

    Raises:
        FormatError: (``bad-json``) there is none, or more than one, or it is malformed or too
            large.
    """
    before, begin, rest = data.partition(_BEGIN)
    text, end, after = rest.partition(_END)
    if len(data) > MAX_PAGE or not (begin and end) or _BEGIN in after or not before:
        raise FormatError("bad-json", "it does not carry the facts of exactly one page")
    held = parse(text, max_bytes=MAX_PAGE, floats=True, nulls=True)
    match held:
        case {
            "facts": dict(facts),
            "kind": str(kind),
            "renderer": str(renderer),
            "tool": str(tool),
        }:
            if len(held) == len(PageFacts.__struct_fields__):
                return PageFacts(kind, facts, tool, renderer)
    raise FormatError("bad-json", "the members of its facts are not those of a page")


def _plain(value: JSON) -> JSON:
    if isinstance(value, str):
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
    if isinstance(value, Mapping):
        # In the order in which they are read back: a drawing may depend on it.
        return {_plain(name): _plain(value[name]) for name in sorted(value)}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
