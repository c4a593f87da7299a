"""Impact: all that depends on an object, by kind, with what each kept of it."""

from xml.etree.ElementTree import Element, SubElement

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.text import pluralize
from lyrikstore.explorer.explorer import Explorer
from lyrikstore.explorer.graph.lineage import Drawn, add_drawing, label, node_of
from lyrikstore.explorer.graph.standing import map_of
from lyrikstore.explorer.graph.walk import MAX_DEPTH, walk
from lyrikstore.explorer.page import (
    Page,
    Query,
    add_pager,
    add_rows,
)
from lyrikstore.index.impact import Affected, Impact
from lyrikstore.web.html import add
from lyrikstore.web.texts import page_text

A_PAGE = 200

_MANY = {"records": "records", "rules": "rules", "delivery": "deliveries"}


def impact_page(explorer: Explorer, query: Query) -> Page:
    """Return the page with everything that depends on one object.

    Raises:
        NotFoundError: (``no-id``) it is not logged.
    """
    found = map_of(explorer)
    node = node_of(explorer, found, query.text("id"))
    page = Page(page_text("explorer.impact-of", name=label(node)), place="/lineage")
    drawn = Drawn(explorer, found, Query(f"/impact/{node.id}", query.values))
    drawn.add_object(SubElement(page.main, "p"), node, here=True)
    impact = explorer.store.query.impact(Digest.parse(node.id))
    _add_summary(page.main, impact)
    if not impact.affected:
        return page
    around = walk(found.links, node.id, up=0, down=MAX_DEPTH)
    _add_table(page.main, drawn, impact, query)
    drawn.add_lists(page.part(page_text("explorer.impact-ways")), around, [1])
    add_drawing(page, drawn, around)
    page.add("p", page_text("explorer.impact-command", id=node.id.removeprefix("blake3:")[:12]))
    return page


def _add_summary(parent: Element, impact: Impact) -> None:
    kinds: dict[str, int] = {}
    for one in impact.affected:
        kinds[one.kind] = kinds.get(one.kind, 0) + 1
    box = SubElement(parent, "div", {"class": "lead warn" if kinds else "lead"})
    if kinds:
        listed = ", ".join(
            pluralize(count, kind, _MANY.get(kind, "")) for kind, count in sorted(kinds.items())
        )
        add(box, "strong", page_text("explorer.impact-count", count=len(impact.affected)))
        add(box, "p", f"{listed}.")
    else:
        add(box, "strong", page_text("explorer.impact-none"))
    if impact.unfollowed:
        lost = page_text("explorer.impact-unfollowed", count=len(impact.unfollowed))
        add(box, "p", lost, {"class": "problem"})


def _add_table(parent: Element, drawn: Drawn, impact: Impact, query: Query) -> None:
    at = max(query.number("page"), 1)
    pages = max(-(-len(impact.affected) // A_PAGE), 1)
    first = (at - 1) * A_PAGE
    shown = impact.affected[first : first + A_PAGE]
    titles = [
        page_text(f"explorer.impact-{key}") for key in ("what", "through", "records", "holds")
    ]
    body = add_rows(parent, titles, label=page_text("explorer.impact-table"))
    names = {one.id: one.name or str(one.id) for one in impact.affected}
    for one in shown:
        row = SubElement(body, "tr")
        cell = SubElement(row, "th", scope="row")
        node = drawn.node(str(one.id))
        if node is None:
            add(cell, "span", f"{one.kind} {one.name or one.id}")
        else:
            drawn.add_object(cell, node)
        before = names.get(one.previous)
        add(row, "td", f"{one.role} {before}" if before else one.role)
        add(row, "td", _counted(one))
        add(row, "td", "" if one.holds is None else page_text(f"explorer.holds-{one.holds}"))
    if pages > 1:
        words = page_text(
            "explorer.shown", first=first + 1, last=first + len(shown), count=len(impact.affected)
        )
        add_pager(parent, query, at, pages, words)


def _counted(one: Affected) -> str:
    if one.counts is None:
        return one.event or ""
    kept, came, dropped = (f"{one.counts[name]:,}" for name in ("kept", "in", "dropped"))
    return page_text("explorer.kept-dropped", kept=kept, of=came, dropped=dropped)
