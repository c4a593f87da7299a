"""Names: what a store has, the newest version of each, when, by whom, and the verdict."""

from xml.etree.ElementTree import SubElement

from lyrikstore.canon.errors import NotFoundError
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.explorer.explorer import COMPARED, Explorer, Row
from lyrikstore.explorer.page import (
    Page,
    Query,
    add_choice,
    add_form,
    add_judgement,
    add_link,
    add_pager,
    add_rows,
    add_search,
    cut,
    href,
    object_href,
    page_of,
    titles_of,
)
from lyrikstore.web.html import add
from lyrikstore.web.texts import page_text

A_PAGE = 100


def names_page(explorer: Explorer, query: Query) -> Page:
    """Return the page with the names of a store, by kind and search."""
    page = Page(page_text("explorer.names"), place="/")
    wanted, kind = query.text("q").casefold(), query.text("kind")
    facts = explorer.facts
    kinds = sorted({facts.objects[ids[-1]]["kind"] for ids in facts.names.values()})
    form = add_form(page.main, query)
    every = [("", page_text("explorer.all-kinds")), *((one, one) for one in kinds)]
    add_choice(form, "kind", page_text("explorer.kind"), every, kind)
    add_search(form, query.text("q"), label=page_text("explorer.search-names"))
    found = [
        (name, ids)
        for name, ids in facts.names.items()
        if (not kind or facts.objects[ids[-1]]["kind"] == kind) and wanted in name.casefold()
    ]
    if found_object := _object_named(explorer, wanted):
        line = SubElement(page.main, "p")
        add_link(line, found_object["name"] or found_object["id"], object_href(found_object["id"]))
    at, pages, shown = page_of(found, query, A_PAGE)
    body = add_rows(page.main, titles_of("kind", "name", "#versions", "when", "by", "verdict"))
    for name, ids in shown:
        row, line = facts.objects[ids[-1]], SubElement(body, "tr")
        add(line, "td", row["kind"])
        add_link(SubElement(line, "td", {"class": "long"}), name, object_href(ids[-1]))
        add_link(
            SubElement(line, "td", {"class": "number"}), str(len(ids)), href("/name", name=name)
        )
        add(line, "td", row["created"], {"class": "whole"})
        add(line, "td", explorer.key_name(row["author"]))
        add_judgement(SubElement(line, "td"), explorer.judgement_of(ids[-1]))
    first = (at - 1) * A_PAGE
    words = page_text("explorer.shown", first=first + len(shown[:1]), last=first + len(shown),
                      count=pluralize(len(found), "name"))  # fmt: skip
    add_pager(page.main, query, at, pages, words)
    return page


def _object_named(explorer: Explorer, text: str) -> Row | None:
    """Return the facts of the object whose id begins with a text of at least 8 hex digits."""
    digits = text.removeprefix("blake3:")
    if len(digits) < 8 or not all(one in "0123456789abcdef" for one in digits):
        return None
    found = (one for one in explorer.facts.objects if one.startswith(f"blake3:{digits}"))
    identity = next(found, None)
    return None if identity is None else explorer.facts.objects[identity]


def versions_page(explorer: Explorer, query: Query) -> Page:
    """Return the page with the versions of a name, the newest first."""
    name = query.text("name")
    ids = explorer.facts.names.get(name)
    if ids is None:
        raise NotFoundError("no-ref", f"there is no name {quote(name)}")
    page = Page(name, place="/")
    newest = list(enumerate(ids))[::-1]
    at, pages, shown = page_of(newest, query, A_PAGE)
    columns = titles_of("#version", "id", "when", "by", "message", "verdict", "compare")
    body = add_rows(page.main, columns, label=name)
    for number, identity in shown:
        row, line = explorer.facts.objects[identity], SubElement(body, "tr")
        add(line, "td", str(number + 1), {"class": "number"})
        add_link(SubElement(line, "td"), identity.partition(":")[2][:12], object_href(identity))
        add(line, "td", row["created"], {"class": "whole"})
        add(line, "td", explorer.key_name(row["author"]))
        add(line, "td", cut(row["message"] or ""))
        add_judgement(SubElement(line, "td"), explorer.judgement_of(identity))
        cell = SubElement(line, "td")
        if number and row["kind"] in COMPARED:
            a, b = (one.partition(":")[2] for one in (ids[number - 1], identity))
            add_link(cell, page_text("explorer.with-previous"), href("/compare", a=a, b=b))
    first = (at - 1) * A_PAGE
    words = page_text("explorer.shown", first=first + len(shown[:1]), last=first + len(shown),
                      count=pluralize(len(ids), "version"))  # fmt: skip
    add_pager(page.main, query, at, pages, words)
    return page
