"""Lineage as a layered graph from top to bottom, or as numbered rows if it is wide."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from xml.etree.ElementTree import Element

from msgspec import Struct

from lyrikstore.web.charts.drawing import LINE, WIDTH, Drawing, width_of, wrapped
from lyrikstore.web.texts import page_text

MAX_NODES = 120
"""Most nodes that are drawn; the table has all."""

_ABREAST, _PASSING = 4, 12.0  # boxes beside each other; room of an edge that passes a layer
_BETWEEN, _PAD, _BOX, _LANE = 12.0, 7.0, 260.0, 10.0


class LineageNode(Struct, frozen=True):
    """An object.

    Attributes:
        id: What edges call it.
        name: Its whole name.
        kind: Word for its kind, such as ``dataset``.
        shape: ``data``, ``step``, ``model`` or ``text``: shape of its box.
        badge: Words for its state, such as ``verified`` or ``right withdrawn``.
        state: Class of its state: ``good``, ``doubt``, ``bad``; empty: none.
        here: Whether it is the object that the page is about.
        link: Where its name leads to; empty: nowhere.
    """

    id: str
    name: str
    kind: str = ""
    shape: str = "data"
    badge: str = ""
    state: str = ""
    here: bool = False
    link: str = ""


class LineageEdge(Struct, frozen=True):
    """What an object was made from.

    Attributes:
        source: Id of the older object.
        target: Id of the object that was made from it.
        note: What went this way, such as ``1,204 of 1,300 records``.
    """

    source: str
    target: str
    note: str = ""


class _Placed(Struct):
    """A box, or where an edge passes a layer."""

    id: str
    node: LineageNode | None = None
    x: float = 0.0
    wide: float = _PASSING
    lines: Sequence[tuple[str, str]] = ()

    @property
    def middle(self) -> float:
        return self.x + self.wide / 2

    @property
    def high(self) -> float:
        return len(self.lines) * LINE + 2 * _PAD - 2 if self.node else 0.0


def lineage(
    parent: Element, nodes: Sequence[LineageNode], edges: Iterable[LineageEdge], *, title: str
) -> None:
    """Add boxes in layers, each below all that it was made from, with edges between them.

    Args:
        parent: Where.
        nodes: The objects; of equal ids the first counts.
        edges: Edges between them; others, and those of a circle, are not drawn.
        title: What it shows.
    """
    drawing = Drawing(parent, title)
    known = {one.id: one for one in reversed(nodes)}
    found = {one.id: one for one in nodes if known[one.id] is one}
    joined = [one for one in dict.fromkeys(edges) if one.source in found and one.target in found]
    drawn = dict(list(found.items())[:MAX_NODES])
    layer = _layers(drawn, joined)
    used = [
        one for one in joined
        if one.source in layer and one.target in layer and layer[one.source] < layer[one.target]
    ]  # fmt: skip
    rows = _place(drawn, used, layer)
    height = _graph(drawing, rows, used, layer) if rows else _list(drawing, drawn, used, layer)
    made: dict[str, list[str]] = {}
    for one in joined:
        note = f" ({one.note})" if one.note else ""
        made.setdefault(one.target, []).append(f"{found[one.source].name}{note}")
    drawing.close(
        height,
        [page_text(f"charts.{one}") for one in ("name", "kind", "state", "made-from")],
        [
            (one.name, one.kind, one.badge, ", ".join(made.get(one.id, ())))
            for one in found.values()
        ],
    )


def _layers(nodes: Mapping[str, LineageNode], edges: Sequence[LineageEdge]) -> dict[str, int]:
    """Return the layer of each node: below all that it was made from, else just above its use."""
    waiting = dict.fromkeys(nodes, 0)
    after: dict[str, list[str]] = {one: [] for one in nodes}
    for edge in edges:
        if edge.source in nodes and edge.target in nodes:
            waiting[edge.target] += 1
            after[edge.source].append(edge.target)
    sources = {one for one, count in waiting.items() if not count}
    layer: dict[str, int] = dict.fromkeys(sources, 0)
    ready = [one for one in nodes if one in sources]
    for one in ready:
        for target in after[one]:
            layer[target] = max(layer.get(target, 0), layer[one] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    layer = {one: layer.get(one, 0) for one in nodes}
    for one in sources:
        if after[one]:
            layer[one] = max(0, min(layer[target] for target in after[one]) - 1)
    return layer


def _place(
    nodes: Mapping[str, LineageNode], edges: Sequence[LineageEdge], layer: Mapping[str, int]
) -> list[list[_Placed]]:
    """Return the layers with places of their boxes; none if one does not fit."""
    rows: list[list[_Placed]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for identity, node in nodes.items():
        rows[layer[identity]].append(_Placed(identity, node))
    if any(len(row) > _ABREAST for row in rows):
        return []
    beside: dict[str, list[str]] = {}
    for edge in edges:
        chain = _chain(edge, layer)
        for passing, row in zip(chain[1:-1], rows[layer[edge.source] + 1 :], strict=False):
            if all(one.id != passing for one in row):
                row.append(_Placed(passing))
        for upper, lower in pairwise(chain):
            beside.setdefault(upper, []).append(lower)
            beside.setdefault(lower, []).append(upper)
    for number in range(8):
        at = {one.id: (place + 0.5) / len(row) for row in rows for place, one in enumerate(row)}
        level = {one.id: number for number, row in enumerate(rows) for one in row}
        for row in rows if number % 2 else rows[::-1]:
            means = {}
            for one in row:
                near = [
                    at[other] for other in beside.get(one.id, ())
                    if (level[other] < level[one.id]) == bool(number % 2)
                ]  # fmt: skip
                means[one.id] = sum(near) / len(near) if near else at[one.id]
            row.sort(key=lambda one: means[one.id])
            at |= {one.id: (place + 0.5) / len(row) for place, one in enumerate(row)}
    for row in rows:
        boxes = sum(one.node is not None for one in row)
        room = WIDTH - 4 - _PASSING * (len(row) - boxes) - _BETWEEN * (len(row) - 1)
        wide = min(_BOX, room / max(1, boxes))
        if wide < 90:
            return []
        for one in row:
            if one.node is not None:
                one.lines = _lines(one.node, wide - 2 * _PAD)
                one.wide = max(60.0, max(width_of(line) for line, _ in one.lines) + 2 * _PAD)
    place = {one.id: one for row in rows for one in row}
    for number in range(
        24
    ):  # each box goes to the middle of its neighbours as far as there is room
        for row in rows if number % 2 else rows[::-1]:
            wanted = [
                sum(place[other].middle for other in beside[one.id]) / len(beside[one.id])
                if one.id in beside
                else WIDTH / 2
                for one in row
            ]
            _spread(row, wanted)
    return rows


def _spread(row: Sequence[_Placed], wanted: Sequence[float]) -> None:
    """Place boxes as near to the middles that they want as their widths let them."""
    rightward, least = [], -1e9
    for one, middle in zip(row, wanted, strict=True):
        rightward.append(max(least, middle - one.wide / 2))
        least = rightward[-1] + one.wide + _BETWEEN
    most = 1e9
    for at in reversed(range(len(row))):
        leftward = min(most, wanted[at] + row[at].wide / 2) - row[at].wide
        most = leftward - _BETWEEN
        row[at].x = (rightward[at] + leftward) / 2
    least, most = 2.0, WIDTH - 2.0
    for one in row:
        one.x = max(one.x, least)
        least = one.x + one.wide + _BETWEEN
    for one in reversed(row):
        one.x = min(one.x, most - one.wide)
        most = one.x - _BETWEEN


def _graph(
    drawing: Drawing,
    rows: Sequence[Sequence[_Placed]],
    edges: Sequence[LineageEdge],
    layer: Mapping[str, int],
) -> float:
    place = {one.id: one for row in rows for one in row}
    top, tops = 3.0, []
    notes: dict[int, list[tuple[float, float, str]]] = {}
    for edge in edges:
        if edge.note:
            upper, lower = (place[one].middle for one in _chain(edge, layer)[-2:])
            first, *more = wrapped(edge.note, WIDTH / 2)
            note = f"{first}…" if more else first
            notes.setdefault(layer[edge.target], []).append((upper, lower, note))
    said: list[tuple[float, float, str]] = []
    for number, row in enumerate(rows):
        if number:
            lines, shown = _fit(sorted(notes.get(number, ())), top)
            said += shown
            top += 34 + LINE * lines
        tops.append(top)
        top += max(one.high for one in row)
    for edge in edges:
        points: list[tuple[float, float]] = []
        for number, passed in enumerate(_chain(edge, layer), layer[edge.source]):
            at, above = place[passed], tops[number]
            if passed != edge.source:
                points.append((at.middle, above))
            if passed != edge.target:
                low = above + max(one.high for one in rows[number])
                points += [(at.middle, above + at.high), (at.middle, low)]
        drawing.path(points, "edge")
        x, y = points[-1]
        drawing.path([(x - 4, y - 7), (x, y), (x + 4, y - 7)], "edge")
    for x, y, text in said:
        drawing.text(x, y, text, anchor="middle", kind="quiet haloed")
    for row, above in zip(rows, tops, strict=True):
        for one in row:
            if one.node is not None:
                _box(drawing, one.node, one.x, above, one.wide, one.high, one.lines)
    return top + 3


def _fit(
    notes: Sequence[tuple[float, float, str]], top: float
) -> tuple[int, list[tuple[float, float, str]]]:
    """Return in how many lines notes of edges fit into the space above a layer, and where."""
    for count in range(1, len(notes) + 1):
        shown: list[tuple[float, float, str]] = []
        taken: list[list[tuple[float, float]]] = [[] for _ in range(count)]
        for upper, lower, text in notes:
            half = width_of(text) / 2 + 4
            for line in range(count):
                y = 17 + LINE * (line + 1) - 4
                x = upper + (lower - upper) * (y - 4) / (34 + LINE * count)
                x = min(max(x, half), WIDTH - half)
                if all(x + half <= start or end <= x - half for start, end in taken[line]):
                    taken[line].append((x - half, x + half))
                    shown.append((x, top + y, text))
                    break
        if len(shown) == len(notes):
            return count, shown
    return 0, []


def _list(
    drawing: Drawing,
    nodes: Mapping[str, LineageNode],
    edges: Sequence[LineageEdge],
    layer: Mapping[str, int],
) -> float:
    """Draw a numbered row for each node, which says of which rows it was made."""
    order = sorted(nodes, key=lambda one: layer[one])
    numbers = {one: f"{at + 1}" for at, one in enumerate(order)}
    y = 3.0
    for one in order:
        node = nodes[one]
        x = 26 + _LANE * min(layer[one], 8)
        room = WIDTH - x - 2 - 2 * _PAD
        lines = _lines(node, room)
        made = [
            f"{numbers[edge.source]}{f' ({edge.note})' if edge.note else ''}"
            for edge in edges
            if edge.target == one
        ]
        if made:
            text = page_text("charts.from-rows", rows=", ".join(made))
            lines += [(line, "quiet") for line in wrapped(text, room, 4000)]
        high = len(lines) * LINE + 2 * _PAD - 2
        drawing.text(22, y + _PAD + 10, numbers[one], anchor="end", kind="quiet")
        _box(drawing, node, x, y, WIDTH - x - 2, high, lines)
        y += high + 6
    return y


def _chain(edge: LineageEdge, layer: Mapping[str, int]) -> list[str]:
    """Return the ids along an edge: where it begins, where it passes a layer, where it ends."""
    between = range(layer[edge.source] + 1, layer[edge.target])
    return [edge.source, *(f"{edge.source}\0{number}" for number in between), edge.target]


def _lines(node: LineageNode, room: float) -> list[tuple[str, str]]:
    head = " · ".join(filter(None, (node.kind, node.badge)))
    return [
        *((line, "quiet") for line in (wrapped(head, room) if head else ())),
        *((line, "") for line in wrapped(node.name, room)),
    ]


def _box(
    drawing: Drawing, node: LineageNode, x: float, y: float, wide: float, high: float,
    lines: Sequence[tuple[str, str]],
) -> None:  # fmt: skip
    kind = " ".join(filter(None, ("box", node.state, "here" if node.here else "")))
    right, low = x + wide, y + high
    if node.shape == "model":
        corners = [(x + 6, y), (right - 6, y), (right, y + 6), (right, low - 6), (right - 6, low),
                   (x + 6, low), (x, low - 6), (x, y + 6), (x + 6, y)]  # fmt: skip
        drawing.path(corners, kind)
    elif node.shape == "text":
        corners = [(x, y), (right - 9, y), (right, y + 9), (right, low), (x, low), (x, y)]
        drawing.path(corners, kind)
        drawing.path([(right - 9, y), (right - 9, y + 9), (right, y + 9)], kind)
    else:
        rounded = 10 if node.shape == "step" else 1
        drawing.shape("rect", kind, x=x, y=y, width=wide, height=high, rx=rounded)
    for at, (line, how) in enumerate(lines):
        drawing.text(x + _PAD, y + _PAD + 10 + at * LINE, line, kind=how, link=node.link)
