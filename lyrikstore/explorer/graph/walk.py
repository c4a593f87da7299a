"""The objects around one object: what it was made from, and what was made from it."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from lyrikstore.explorer.graph.links import GraphNode, StoreLinks

MAX_NODES = 200
"""Most objects of one page; of the others their number is shown."""

MAX_DEPTH = 12
"""Most links from the centre to an object of the page."""

ASIDE = frozenset(
    {"approval", "decision", "records", "reproduction", "rules", "waiver", "withdrawal"}
)
"""Kinds that are shown on request: they neither hold data nor pass it on."""


class GraphEdge(Struct, frozen=True):
    """The links between two objects of a page.

    Attributes:
        parent: The object that is named.
        child: The object that names it.
        roles: The roles in which it does, in their order.
    """

    parent: str
    child: str
    roles: tuple[str, ...]


class Around(Struct, frozen=True):
    """A part of the links of a store.

    Attributes:
        centre: The object in the middle.
        nodes: The objects, in the order of the log.
        edges: The links between them.
        above: Id → number of the objects that it names and the page leaves out; none: absent.
        below: Id → number of the objects that name it and that the page leaves out.
        levels: Id → links from the centre; negative above it.
        sources: Id of a dataset → number of the datasets that its filter read, shown or not.
    """

    centre: GraphNode
    nodes: Sequence[GraphNode]
    edges: Sequence[GraphEdge]
    above: Mapping[str, int]
    below: Mapping[str, int]
    levels: Mapping[str, int]
    sources: Mapping[str, int]

    @property
    def by_id(self) -> Mapping[str, GraphNode]:
        """Id → object."""
        return {node.id: node for node in self.nodes}


def walk(
    links: StoreLinks,
    centre: str,
    *,
    up: int,
    down: int,
    aside: bool = False,
    whole: bool = False,
    most: int = MAX_NODES,
) -> Around:
    """Return the objects around an object.

    Args:
        links: The links of the store.
        centre: Id of an object among them.
        up: Most links upwards, to what it was made from.
        down: Most links downwards, to what was made from it.
        aside: Whether objects of :data:`ASIDE` are among them.
        whole: Whether all links are shown; otherwise those that :func:`direct` returns.
        most: Most objects; the nearest ones are taken, in turn from above and below.

    Raises:
        KeyError: ``centre`` is not among the links.
    """
    middle = links.nodes[centre]

    def is_shown(identity: str) -> bool:
        return aside or links.nodes[identity].kind not in ASIDE

    levels = {centre: 0}
    sides = [(-1, up), (1, down)]
    edge_of = {-1: {centre}, 1: {centre}}
    for depth in range(1, min(MAX_DEPTH, max(up, down)) + 1):
        for sign, limit in sides:
            if depth > limit:
                continue
            found: dict[str, None] = {}
            for one in sorted(edge_of[sign], key=lambda it: links.nodes[it].index):
                for other in _others(links, one, sign):
                    if other not in levels and is_shown(other) and len(levels) < most:
                        levels[other] = sign * depth
                        found[other] = None
            edge_of[sign] = set(found)
    edges: dict[tuple[str, str], list[str]] = {}
    above: dict[str, int] = {}
    below: dict[str, int] = {}
    for one in levels:
        for link in links.above(one):
            if link.parent in levels:
                roles = edges.setdefault((link.parent, link.child), [])
                roles += [link.role] if link.role not in roles else []
        for left, sign in ((above, -1), (below, 1)):
            outside = {it for it in _others(links, one, sign) if it not in levels and is_shown(it)}
            if outside:
                left[one] = len(outside)
    named = [GraphEdge(parent, child, tuple(roles)) for (parent, child), roles in edges.items()]
    return Around(
        middle,
        sorted((links.nodes[one] for one in levels), key=lambda node: node.index),
        named if whole else direct(named),
        above,
        below,
        levels,
        {one: sum(link.role == "source" for link in links.above(one)) for one in levels},
    )


def direct(edges: Sequence[GraphEdge]) -> list[GraphEdge]:
    """Return the edges without those that a longer way along other edges replaces."""
    below: dict[str, set[str]] = {}
    for edge in edges:
        below.setdefault(edge.parent, set()).add(edge.child)
    reached: dict[str, set[str]] = {}

    def all_below(start: str) -> set[str]:
        if start not in reached:
            found: set[str] = set()
            waiting = list(below.get(start, ()))
            while waiting:
                one = waiting.pop()
                if one not in found:
                    found.add(one)
                    waiting += below.get(one, ())
            reached[start] = found
        return reached[start]

    return [
        edge
        for edge in edges
        if not any(
            edge.child in all_below(other)
            for other in below[edge.parent]
            if other not in {edge.child, edge.parent}
        )
    ]


def _others(links: StoreLinks, identity: str, sign: int) -> Iterable[str]:
    if sign < 0:
        return [link.parent for link in links.above(identity)]
    return [link.child for link in links.below(identity)]
