"""Names: what a store has, the newest version of each, when, by whom, and the verdict."""

from xml.etree.ElementTree import SubElement

from lyrikstore.canon.text import pluralize
from lyrikstore.explorer.explorer import Explorer
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
    href,
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
    at = max(query.number("page"), 1)
    first, pages = (at - 1) * A_PAGE, max(-(-len(found) // A_PAGE), 1)
    shown = found[first : first + A_PAGE]
    titles = ("kind", "name", "versions", "when", "by", "verdict")
    body = add_rows(page.main, [_TITLES.get(one, page_text(f"explorer.{one}")) for one in titles])
    for name, ids in shown:
        row, line = facts.objects[ids[-1]], SubElement(body, "tr")
        add(line, "td", row["kind"])
        add_link(SubElement(line, "th", scope="row"), name, href(f"/object/{ids[-1]}"))
        add_link(
            SubElement(line, "td", {"class": "number"}), str(len(ids)), href("/name", name=name)
        )
        add(line, "td", row["created"], {"class": "moment"})
        add(line, "td", explorer.key_name(row["author"]))
        add_judgement(SubElement(line, "td"), explorer.judgement_of(ids[-1]))
    words = page_text("explorer.shown", first=first + len(shown[:1]), last=first + len(shown),
                      count=pluralize(len(found), "name"))  # fmt: skip
    add_pager(page.main, query, at, pages, words)
    return page


_TITLES = {"versions": f"#{page_text('explorer.versions')}"}
