"""Lineage: what an object was made from and what was made from it, drawn and as nested lists.

ATTACK: names contain text of an attacker. The program gets them as data that cannot end its element
early, and draws them as text.
"""

import json
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.canon.errors import NotFoundError
from lyrikstore.canon.files import PACKAGE, read_packaged
from lyrikstore.canon.text import escape_control
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.explorer.explorer import Explorer
from lyrikstore.explorer.graph.links import CREDENTIAL, FilterCounts, GraphNode
from lyrikstore.explorer.graph.standing import Standing, StoreMap, map_of
from lyrikstore.explorer.graph.walk import MAX_DEPTH, Around, GraphEdge, walk
from lyrikstore.explorer.page import (
    Page,
    Query,
    add_badge,
    add_choice,
    add_form,
    add_judgement,
    add_link,
    href,
)
from lyrikstore.web.html import add
from lyrikstore.web.texts import page_text

DEPTHS = (0, 1, 2, 3, 5, MAX_DEPTH)
_KEPT = ("up", "down", "aside", "whole")
_SEARCHED = ("deployment", "checkpoint", "dataset")
_HEADINGS = {-1: "made-from", 1: "made-of-it"}
_MOST_HEARD = 2_000  # characters of a name in a drawing


def newest_page(explorer: Explorer, query: Query) -> Page:
    """Return the lineage of what was deployed last, or else trained, or committed last."""
    objects = explorer.facts.objects
    for kind in _SEARCHED:
        for identity in reversed(list(objects)):
            if objects[identity]["kind"] == kind and objects[identity]["flagged"] is None:
                return lineage_page(explorer, Query("/lineage", {**query.values, "id": identity}))
    page = Page(page_text("explorer.lineage"), place="/lineage")
    page.add("p", page_text("explorer.lineage-empty"))
    return page


def lineage_page(explorer: Explorer, query: Query) -> Page:
    """Return the page with the objects around one object.

    Raises:
        NotFoundError: (``no-id``) it is not logged.
    """
    found = map_of(explorer)
    node = node_of(explorer, found, query.text("id"))
    up, down = (min(query.number(name, 2), MAX_DEPTH) for name in ("up", "down"))
    aside, whole = (query.text(name) == "yes" for name in ("aside", "whole"))
    around = walk(found.links, node.id, up=up, down=down, aside=aside, whole=whole)
    page = Page(page_text("explorer.lineage-of", name=label(node)), place="/lineage")
    drawn = Drawn(explorer, found, Query(f"/lineage/{node.id}", query.values))
    line = SubElement(page.main, "p")
    drawn.add_object(line, node, here=True)
    _add_choices(page, drawn.query, (up, down))
    if len(around.nodes) == 1 and not (around.above or around.below):
        page.add("p", page_text("explorer.lineage-alone"))
    drawn.add_lists(page.main, around, [sign for sign, depth in ((-1, up), (1, down)) if depth])
    add_drawing(page, drawn, around)
    return page


def node_of(explorer: Explorer, found: StoreMap, identity: str) -> GraphNode:
    """Return the node of an object, by its id, or by the beginning of a manifest's.

    Raises:
        NotFoundError: (``no-id``) it is not logged, or is no object that others are made from.
        InvalidInputError: As ``Store.resolve``.
    """
    node = found.links.nodes.get(identity)
    if node is None:
        node = found.links.nodes.get(str(explorer.row_of(identity)["id"]))
    if node is None:
        raise NotFoundError("no-id", f"{identity} has no lineage")
    return node


def add_standing(explorer: Explorer, found: StoreMap, parent: Element, identity: str) -> bool:
    """Add what became of an object as badges; return whether there is anything."""
    standing = found.of(identity, format_timestamp(explorer.now))
    for one in standing:
        add_badge(parent, one.state, page_text(f"explorer.{one.key}"), title=one.detail, after=" ")
    return bool(standing)


def object_link(node: GraphNode) -> str:
    """Return the link to the page of an object: the page of its kind, or that of any object.

    Only the page of any object shows what has no effect.
    """
    kinds = {CREDENTIAL: "/credential", "run": "/run", "card": "/card"}
    path = "/object" if node.flagged is not None else kinds.get(node.kind, "/object")
    return href(f"{path}/{node.id}")


def label(node: GraphNode) -> str:
    """Return the name of an object without its kind, and its version unless it is the newest."""
    if node.kind == CREDENTIAL:
        return node.name
    name = node.name.partition("/")[2] or node.name
    if node.version is None or node.is_current:
        return name
    return page_text("explorer.earlier", name=name, version=node.version)


class Drawn:
    """The objects of a page, with links to the pages of each.

    Args:
        explorer: The explorer.
        found: The map of its store.
        query: The query of the page, of which the links keep depth and kinds.
    """

    def __init__(self, explorer: Explorer, found: StoreMap, query: Query) -> None:
        self.query = query
        self._explorer, self._map = explorer, found
        self._now = format_timestamp(explorer.now)
        self._kept = {name: query.values.get(name) for name in _KEPT}

    def node(self, identity: str) -> GraphNode | None:
        """Return the node of an object; None of a credential that is about nothing here."""
        return self._map.links.nodes.get(identity)

    def standing_of(self, node: GraphNode) -> tuple[Standing, ...]:
        """Return what became of an object."""
        return self._map.of(node.id, self._now)

    def link(self, node: GraphNode) -> str:
        """Return the link to the lineage of an object."""
        return href(f"/lineage/{node.id}", **self._kept)

    def add_object(self, parent: Element, node: GraphNode, *, here: bool = False) -> None:
        """Add an object: kind, name, what is known about it and what became of it.

        Args:
            parent: Where it is added.
            node: The object.
            here: Whether the page is about it, so that the links lead to other pages.
        """
        add(parent, "span", f"{node.kind} ", {"class": "quiet"})
        if here:
            add_link(parent, label(node), object_link(node), after=" ")
        else:
            add_link(parent, label(node), self.link(node), after=" ")
        add_judgement(parent, self._explorer.judgement_of(node.id))
        for one in self.standing_of(node):
            parent[-1].tail = " "
            add_badge(parent, one.state, page_text(f"explorer.{one.key}"), title=one.detail)
        if here:
            parent[-1].tail = " "
            for path, key in (("/lineage", "lineage"), ("/impact", "impact-link")):
                if self.query.path != f"{path}/{node.id}":
                    add_link(parent, page_text(f"explorer.{key}"), href(f"{path}/{node.id}"))

    def add_lists(self, parent: Element, around: Around, sides: Sequence[int] = (-1, 1)) -> None:
        """Add what the centre was made from, and what was made from it, as nested lists.

        Args:
            parent: Where they are added.
            around: The objects.
            sides: -1 for what it was made from, 1 for what was made from it.
        """
        centre = around.centre.id
        full = [
            (sign, _HEADINGS[sign])
            for sign in sides
            if self._edges(around, centre, sign) or _left(around, centre, sign)
        ]
        kind = {"class": "panels"} if len(full) > 1 else {}
        lists = SubElement(parent, "div", {"id": "lineage", **kind})
        for sign, heading in full:
            side = SubElement(lists, "section")
            add(side, "h2", page_text(f"explorer.{heading}"))
            self._add_level(side, around, centre, sign, {centre})

    def _add_level(
        self,
        parent: Element,
        around: Around,
        identity: str,
        sign: int,
        shown: set[str],
    ) -> None:
        edges, left = self._edges(around, identity, sign), _left(around, identity, sign)
        if not edges and not left:
            return
        listed = SubElement(parent, "ul")
        new: list[tuple[Element, str]] = []
        for edge in edges:
            node = around.by_id[edge.parent if sign < 0 else edge.child]
            item = SubElement(listed, "li")
            roles = [one for one in edge_words(edge, around) if one != node.kind]
            if roles:
                add(item, "span", f"{', '.join(roles)}: ", {"class": "quiet"})
            if node.id in shown:
                add_link(item, label(node), self.link(node), after=" ")
                add(item, "span", page_text("explorer.shown-above"), {"class": "quiet"})
            else:
                self.add_object(item, node)
                self._add_kept(item, around, node)
                shown.add(node.id)
                new.append((item, node.id))
        if left:
            item = SubElement(listed, "li")
            more = page_text("explorer.more-objects", count=left)
            add_link(item, more, self.link(around.by_id[identity]))
        for item, one in new:
            self._add_level(item, around, one, sign, shown)

    def _add_kept(self, parent: Element, around: Around, node: GraphNode) -> None:
        if node.counts is not None and around.sources.get(node.id, 0) != 1:
            parent[-1].tail = " "
            add(parent, "span", _kept(node.counts), {"class": "quiet"})

    def _edges(self, around: Around, identity: str, sign: int) -> list[GraphEdge]:
        end = "child" if sign < 0 else "parent"
        return [edge for edge in around.edges if getattr(edge, end) == identity]

    def data(self, around: Around) -> dict[str, object]:
        """Return what the program draws."""
        return {
            "centre": around.centre.id,
            "nodes": [self._shown(around, node) for node in around.nodes],
            "edges": [
                {"from": one.parent, "to": one.child, "words": _visible(edge_words(one, around))}
                for one in around.edges
            ],
            "words": {name: page_text(f"explorer.graph-{name}") for name in _WORDS},
        }

    def _shown(self, around: Around, node: GraphNode) -> dict[str, str]:
        judgement = self._explorer.judgement_of(node.id)
        standing = self.standing_of(node)
        several = node.counts is not None and around.sources.get(node.id, 0) != 1
        notes = [_kept(node.counts)] if several and node.counts is not None else []
        notes += [judgement.word, *(page_text(f"explorer.{one.key}") for one in standing)]
        state = _BOX.get(judgement.state, "")
        if any(one.state in _BAD for one in standing):
            state = f"{state} bad".strip()
        left = around.above.get(node.id, 0) + around.below.get(node.id, 0)
        more = page_text("explorer.more-objects", count=left) if left else ""
        name, note = label(node)[:_MOST_HEARD], f"{node.kind}, {', '.join(notes)}"
        texts = _visible([name, note, more])
        return dict(zip(("label", "note", "more"), texts, strict=True)) | {
            "id": node.id,
            "state": state,
            "href": self.link(node),
        }


_WORDS = ("drawn", "keys", "legend", "smaller", "larger", "fit")
_BAD = frozenset({"revoked", "withdrawn", "invalid"})
_BOX = {
    "trusted": "good",
    "trusted-without-data": "good",
    "invalid": "bad",
    "incomplete": "doubt",
    "unverified": "doubt",
    "warn": "doubt",
}


def add_drawing(page: Page, drawn: Drawn, around: Around) -> None:
    """Add the data of a drawing and the program that draws it next to the list."""
    if len(around.nodes) < 2:
        return
    data = SubElement(page.main, "script", {"type": "application/json", "id": "lineage-data"})
    # A name could otherwise end the element, or open a comment in it.
    text = json.dumps(drawn.data(around), separators=(",", ":"))
    data.text = text.replace("<", "\\u003c")
    page.program = read_packaged(PACKAGE / "web" / "explore.js").decode("ascii")


def edge_words(edge: GraphEdge, around: Around) -> list[str]:
    """Return the roles of an edge, and how many records a filter kept of its only source."""
    words = [page_text("explorer.about") if one == "subject" else one for one in edge.roles]
    counts = around.by_id[edge.child].counts
    if counts is not None and "source" in edge.roles and around.sources.get(edge.child) == 1:
        words.append(_kept(counts))
    return words


def _kept(counts: FilterCounts) -> str:
    return page_text("explorer.kept-of", kept=f"{counts.kept:,}", of=f"{counts.came_in:,}")


def _left(around: Around, identity: str, sign: int) -> int:
    return (around.above if sign < 0 else around.below).get(identity, 0)


def _visible(texts: Sequence[str]) -> list[str]:
    return [escape_control(text) for text in texts]


def _add_choices(page: Page, query: Query, depths: tuple[int, int]) -> None:
    form = add_form(page.main, query)
    for name, depth in zip(("up", "down"), depths, strict=True):
        options = [(str(one), page_text(f"explorer.{name}-depth", depth=_depth(one)))
                   for one in DEPTHS]  # fmt: skip
        known = any(str(depth) == value for value, _ in options)
        chosen = str(depth) if known else str(MAX_DEPTH)
        add_choice(form, name, page_text(f"explorer.{name}-label"), options, chosen)
    for name in ("aside", "whole"):
        field = SubElement(form, "label")
        checked = {"checked": ""} if query.text(name) == "yes" else {}
        box = {"type": "checkbox", "name": name, "value": "yes", **checked}
        SubElement(field, "input", box).tail = page_text(f"explorer.{name}")
    add(form, "button", page_text("explorer.show"))


def _depth(depth: int) -> str:
    key = {0: "depth-none", 1: "depth-one", MAX_DEPTH: "depth-all"}.get(depth, "depth-some")
    places = {"count": depth} if key == "depth-some" else {}
    return page_text(f"explorer.{key}", **places)
