"""The frame of all pages of the explorer, and the elements that its views share.

ATTACK: names, messages, rows and queries contain text of an attacker. They become text nodes and
attribute values only, and every link is built by :func:`href`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import parse_qsl, quote, urlencode
from xml.etree.ElementTree import Element, SubElement

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import escape_control
from lyrikstore.explorer.judgement import Judgement
from lyrikstore.web.html import add, add_footer, add_program, headed_page, page_bytes
from lyrikstore.web.texts import page_text

T = TypeVar("T")

MAX_QUERY = 500
"""Most characters of a value in a query."""

SHORT = 200
"""Characters of a long value in a table; the rest is a link away."""

WHOLE = 28
"""Most characters of a name that is not wrapped."""

MAX_PAGE = 1 << 40


class Query(Struct, frozen=True):
    """What a request asks for.

    Attributes:
        path: Its path.
        values: Parameters of the path and of the query, each once.
    """

    path: str
    values: Mapping[str, str]

    @classmethod
    def of(cls, path: str, query: str, places: Mapping[str, str]) -> "Query":
        """Return the query of a request.

        Args:
            path: Its path, decoded.
            query: The text after its question mark.
            places: The parameters in its path.
        """
        return cls(path, {**dict(parse_qsl(query)), **places})

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter.

        Raises:
            InvalidInputError: (``too-large``) it is longer than :data:`MAX_QUERY`.
        """
        found = self.values.get(name, default).strip()
        if len(found) > MAX_QUERY:
            raise InvalidInputError("too-large", f"{name} is longer than {MAX_QUERY} characters")
        return found

    def number(self, name: str, default: int = 1) -> int:
        """Return a parameter as a whole number from 0; ``default`` where it is none."""
        found = self.values.get(name, "")
        if not (found.isascii() and found.isdigit() and len(found) <= 12):
            return default
        return min(int(found), MAX_PAGE)

    def href(self, **changed: object) -> str:
        """Return the link to the same page with some parameters changed; None removes one."""
        kept = {name: value for name, value in self.values.items() if name not in changed}
        return href(self.path, **kept, **changed)


def href(path: str, /, **query: object) -> str:
    """Return a link within the explorer.

    Args:
        path: Its path, not encoded.
        query: Parameters; those that are None or empty are left out.
    """
    some = {name: str(value) for name, value in query.items() if value not in {None, ""}}
    return quote(path) + ("?" + urlencode(some) if some else "")


class SandboxedDocument(Struct, frozen=True):
    """A whole HTML document that is shown as it is, in a sandbox: a signed card, a report.

    Attributes:
        data: Its bytes.
    """

    data: bytes


class Page:
    """A page, to which a view adds what it shows.

    Args:
        heading: The heading, which is also the title of the window.
        place: The view of the navigation to which it belongs, as a path.
        status: The HTTP status.

    Attributes:
        main: The main part, in which everything is.
        program: The program of the page; empty for none. The page must be whole without it.
        again: Seconds after which the browser loads the page again, because work is going on; 0
            for never.
    """

    def __init__(self, heading: str, *, place: str = "", status: int = 200) -> None:
        self.heading, self.place, self.status = heading, place, status
        self.html, self.main = headed_page("", heading, kind="wide")
        self.program = ""
        self.again = 0

    def add(self, tag: str, text: str, *, kind: str = "", parent: Element | None = None) -> None:
        """Add an element with a text, of a class, to the main part, or to ``parent``."""
        add(self.main if parent is None else parent, tag, text, {"class": kind} if kind else {})

    def part(self, heading: str, parent: Element | None = None, *, anchor: str = "") -> Element:
        """Return a new section with a heading."""
        section = SubElement(self.main if parent is None else parent, "section")
        add(section, "h2", heading, {"id": anchor} if anchor else {})
        return section


def framed(
    page: Page,
    navigation: Sequence[tuple[str, str]] = (),
    *,
    search: str = "",
    notice: tuple[str, str] | None = None,
    footer: str = "",
) -> bytes:
    """Return a page as bytes, with the navigation and the search.

    Args:
        page: The page.
        navigation: Paths and titles of the places.
        search: The path that answers searches; empty for no search.
        notice: Class and text of a line that concerns every page.
        footer: A remark at its end.
    """
    head, body = page.html
    # The policy is a header here: a page is never a file, and it may send its own forms.
    policy = head.find("meta[@http-equiv='Content-Security-Policy']")
    if page.program:
        add_program(page.html, page.program)
    if policy is not None:
        head.remove(policy)
    if page.again:
        SubElement(head, "meta", {"http-equiv": "refresh", "content": str(page.again)})
    header = body[0]
    if navigation:
        places = Element("nav", {"class": "places", "aria-label": page_text("explorer.places")})
        for path, title in navigation:
            current = {"aria-current": "page"} if path == page.place else {}
            add(places, "a", title, {"href": href(path), **current})
        header.insert(0, places)
    if search and page.place != search:  # which has a field of its own
        header.insert(1, _search_form(search))
    if notice is not None:
        line = Element("p", {"class": f"lead {notice[0]}", "role": "status"})
        line.text = escape_control(notice[1])
        header.append(line)
    if footer:
        add_footer(page.html, footer)
    return page_bytes(page.html)


def _search_form(path: str) -> Element:
    form = Element("form", {"action": path, "class": "choose", "role": "search"})
    add_search(form, "")
    return form


def add_search(form: Element, value: str, *, label: str = "") -> None:
    """Add a search field with its button to a form."""
    name = label or page_text("explorer.search-all")
    given = escape_control(value)
    SubElement(form, "input", {"type": "search", "name": "q", "value": given, "aria-label": name,
                               "placeholder": name, "maxlength": str(MAX_QUERY)})  # fmt: skip
    add(form, "button", page_text("explorer.search"))


def add_form(parent: Element, query: Query, **kept: str) -> Element:
    """Return a new form that asks for the same page again.

    Args:
        parent: Where it is added.
        query: The query of this page.
        kept: Parameters that it sends without a field; empty ones are left out.
    """
    form = SubElement(parent, "form", {"action": quote(query.path), "class": "choose"})
    for name, value in kept.items():
        if value:
            SubElement(form, "input", {"type": "hidden", "name": name, "value": value})
    return form


def add_choice(
    form: Element, name: str, label: str, options: Iterable[tuple[str, str]], chosen: str
) -> None:
    """Add a field that chooses one of some values.

    Args:
        form: The form.
        name: The parameter.
        label: What is chosen.
        options: Values with their texts.
        chosen: The value of this page.
    """
    field = SubElement(form, "select", {"name": name, "aria-label": label})
    for value, text in options:
        attributes = {"value": value} | ({"selected": ""} if value == chosen else {})
        add(field, "option", text, attributes)


def add_link(parent: Element, text: str, link: str, *, after: str = "", kind: str = "") -> None:
    """Add a link, which :func:`href` returned, with a text, of a class."""
    add(parent, "a", text, {"href": link} | ({"class": kind} if kind else {}), after=after)


def add_links(parent: Element, links: Iterable[tuple[str, str]]) -> None:
    """Add links in one line: texts, and what :func:`href` returned."""
    for at, (text, link) in enumerate(links):
        if at:
            parent[-1].tail = " · "
        add_link(parent, text, link)


def add_text(parent: Element, text: str) -> None:
    """Add a text of several lines, which is shown literally."""
    shown = SubElement(parent, "pre", tabindex="0")
    shown.text = "\n".join(map(escape_control, text.split("\n")))


def add_badge(parent: Element, state: str, text: str, *, title: str = "", after: str = "") -> None:
    """Add the state of a fact: its class, and the word for it."""
    more = {"title": escape_control(title)} if title else {}
    add(parent, "span", text, {"class": f"badge {state}", **more}, after=after)


def add_judgement(parent: Element, judged: Judgement, *, after: str = "") -> None:
    """Add what is known about an object as a badge."""
    add_badge(parent, judged.state, judged.word, title=judged.detail, after=after)


def add_rows(parent: Element, titles: Iterable[str], *, label: str = "") -> Element:
    """Return the body of a new table that scrolls by itself, with its columns' titles.

    Args:
        parent: Where the table is added.
        titles: The titles; one that begins with ``#`` is of a column of numbers.
        label: What the table shows, for screen readers; by default the heading of ``parent``.
    """
    heading = parent.findtext("h2") or page_text("explorer.table")
    said = {"tabindex": "0", "role": "region", "aria-label": label or heading}
    box = SubElement(parent, "div", {"class": "scroll", **said})
    table = SubElement(box, "table")
    head = SubElement(SubElement(table, "thead"), "tr")
    for title in titles:
        number = {"class": "number"} if title.startswith("#") else {}
        add(head, "th", title.removeprefix("#"), {"scope": "col", **number})
    return SubElement(table, "tbody")


def add_head(line: Element, text: str) -> None:
    """Add the cell that names a row of a table; a short name stays on one line."""
    kind = {"class": "whole"} if len(text) <= WHOLE else {}
    add(line, "th", text, {"scope": "row", **kind})


def add_pager(parent: Element, query: Query, page: int, pages: int, words: str) -> None:
    """Add links to the first, previous, next and last page.

    Args:
        parent: Where they are added.
        query: The query of this page, in which ``page`` is a parameter.
        page: The number of this page, from 1.
        pages: Number of pages.
        words: What is shown of how much.
    """
    line = SubElement(parent, "nav", {"class": "pager", "aria-label": page_text("explorer.pages")})
    for key, target, possible in (
        ("first", 1, page > 1),
        ("previous", page - 1, page > 1),
        ("next", page + 1, page < pages),
        ("last", pages, page < pages),
    ):
        if possible:
            link = query.href(page=target if target > 1 else None)
            add_link(line, page_text(f"explorer.{key}"), link, kind="button")
    add(line, "span", words, {"class": "quiet"})


def add_fact(parent: Element, title: str, value: str, *, kind: str = "") -> Element:
    """Add a term with its description to a list; return the description."""
    add(parent, "dt", title)
    add(parent, "dd", value, {"class": kind} if kind else {})
    return parent[-1]


def titles_of(*columns: str) -> list[str]:
    """Return the titles of columns; one that begins with ``#`` is of numbers."""
    return [
        f"#{page_text(f'explorer.{one[1:]}')}" if one[:1] == "#" else page_text(f"explorer.{one}")
        for one in columns
    ]


def page_of(found: Sequence[T], query: Query, most: int) -> tuple[int, int, Sequence[T]]:
    """Return the number of the page that a query asks for, the number of pages, and its items.

    Args:
        found: All items.
        query: The query, with the parameter ``page``, from 1.
        most: Most items of a page.
    """
    pages = max(-(-len(found) // most), 1)
    at = min(max(query.number("page"), 1), pages)
    return at, pages, found[(at - 1) * most : at * most]


def object_href(identity: str) -> str:
    """Return the link to an object."""
    return href(f"/object/{identity.removeprefix('blake3:')}")


def cut(text: str, most: int = SHORT) -> str:
    """Return a text of at most ``most`` characters, with an ellipsis if it is longer."""
    return text if len(text) <= most else text[: most - 1] + "…"
