"""The log: every entry, searched by name, id, author, kind or number."""

from collections.abc import Sequence
from xml.etree.ElementTree import SubElement

from lyrikstore.canon.text import pluralize
from lyrikstore.explorer.explorer import Explorer, Row
from lyrikstore.explorer.page import (
    Page,
    Query,
    add_badge,
    add_choice,
    add_form,
    add_judgement,
    add_link,
    add_pager,
    add_rows,
    add_search,
    object_href,
    page_of,
    titles_of,
)
from lyrikstore.web.html import add
from lyrikstore.web.texts import page_text

A_PAGE = 100


def log_page(explorer: Explorer, query: Query) -> Page:
    """Return the page of the log, the newest entry first."""
    page = Page(page_text("explorer.log"), place="/log")
    wanted, kind = query.text("q"), query.text("kind")
    rows = explorer.facts.rows
    form = add_form(page.main, query)
    kinds = sorted({_kind(row) for row in rows})
    every = [("", page_text("explorer.all-entries")), *((one, one) for one in kinds)]
    add_choice(form, "kind", page_text("explorer.kind"), every, kind)
    add_search(form, wanted, label=page_text("explorer.search-log"))
    found = _found(explorer, rows, wanted, kind)
    at, pages, shown = page_of(found, query, A_PAGE)
    columns = ("#entry", "kind", "name", "by", "when", "existed-by", "verdict")
    body = add_rows(page.main, titles_of(*columns), label=page_text("explorer.log"))
    for row in shown:
        line = SubElement(body, "tr")
        add(line, "td", str(row["logIndex"]), {"class": "number"})
        add(line, "td", _kind(row))
        name = SubElement(line, "td", {"class": "long"})
        if row["type"] == "manifest":
            add_link(name, row["name"] or row["id"], object_href(row["id"]), after=" ")
        else:
            add(name, "span", row["name"] or row["id"].partition(":")[2][:12], after=" ")
        for text in filter(None, (row["eventText"], row["flagged"])):
            add(name, "span", text, {"class": "quiet"}, after=" ")
        add(line, "td", explorer.key_name(row["author"]))
        when = SubElement(line, "td", {"class": "whole"})
        when.text = row["created"] or ""
        if row["wrongDate"]:
            add_badge(when, "warn", page_text("explorer.wrong-date"))
        add(line, "td", explorer.existed_by(row), {"class": "whole"})
        verdict = SubElement(line, "td")
        if row["type"] != "transaction":
            add_judgement(verdict, explorer.judgement_of(row["id"]))
    first = (at - 1) * A_PAGE
    words = page_text("explorer.shown", first=first + len(shown[:1]), last=first + len(shown),
                      count=pluralize(len(found), "entry"))  # fmt: skip
    add_pager(page.main, query, at, pages, words)
    return page


def _kind(row: Row) -> str:
    if row["type"] == "credential" and row["kind"] not in {None, "statement", "document"}:
        return "credential"
    return str(row["kind"] or row["type"])


def _found(explorer: Explorer, rows: Sequence[Row], wanted: str, kind: str) -> list[Row]:
    found = [row for row in reversed(rows) if (_kind(row) == kind if kind else
                                               row["type"] != "transaction" or wanted)]  # fmt: skip
    if not wanted:
        return found
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 8:
        return [row for row in found if row["logIndex"] == int(wanted)]
    folded = wanted.casefold().removeprefix("blake3:")
    return [
        row
        for row in found
        if folded in (row["name"] or "").casefold()
        or row["id"].partition(":")[2].startswith(folded)
        or folded in (row["author"] or "").casefold()
        or folded in explorer.key_name(row["author"]).casefold()
        or folded in (row["message"] or "").casefold()
    ]
