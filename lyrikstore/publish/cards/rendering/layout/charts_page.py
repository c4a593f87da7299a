"""The second page of a card: its charts, each with a table of the values."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from lyrikstore.publish.cards.rendering.layout.blocks import Block, Chart, Heading, Panels, Shown
from lyrikstore.publish.cards.rendering.layout.contents import CardContents
from lyrikstore.publish.cards.rendering.layout.printing import Printer
from lyrikstore.web.charts import LineageEdge, LineageNode
from lyrikstore.web.texts import page_text

METRICS, SLICES, STEPS = 2, 8, 6
"""Most metrics, slices and steps of a funnel on the second page; the annexes have the others."""


_RIGHT = frozenset({"confusion", "funnel", "lineage"})
"""Charts of the right column; of a model it is about as high as the left one."""


class CardLineage(Struct, frozen=True):
    """A graph of datasets, models and tests.

    Attributes:
        nodes: The objects.
        edges: What each was made from, with counts of records.
    """

    nodes: Sequence[LineageNode]
    edges: Sequence[LineageEdge]


def charts_page(card: Printer) -> Iterator[Block]:
    """Yield the second page."""
    yield Heading(page_text("card.charts"), page=True, anchor="charts")
    shown: list[Chart] = []
    if card.card["subject"]["kind"] == "checkpoint":
        first = next(iter(card.facts("evaluation.data")), None)
        if first is not None:
            shown += _of_evaluation(card, first["evidence"][0])
    shown += _of_data(card)
    shown.append(Chart("lineage", page_text("card.chart-lineage"), _lineage(card)))
    left = [one for one in shown if one.kind not in _RIGHT]
    right = [one for one in shown if one.kind in _RIGHT]
    yield Panels([left, right] if left else [right])


def evaluation_charts(card: Printer) -> Iterator[Block]:
    """Yield the charts of evaluations that the second page has no room for."""
    charts: list[Chart] = []
    for one in card.facts("evaluation.data"):
        if one["about"]:
            charts += _of_evaluation(card, one["evidence"][0])
    if charts:
        yield Panels(_columns(charts))


def _columns(charts: Sequence[Chart]) -> list[Sequence[Chart]]:
    return [charts[::2], charts[1::2]] if len(charts) > 1 else [charts]


def _of_evaluation(card: Printer, evaluation: str) -> Iterator[Chart]:
    mine = [one for one in card.waiting("evaluation.") if one["evidence"][:1] == [evaluation]]
    by_fact: dict[str, list[Shown]] = {}
    for one in mine:
        by_fact.setdefault(one["id"].partition(":")[0], []).append(one)
    for one in by_fact.get("evaluation.metric", ())[:METRICS]:
        yield Chart(
            "metrics",
            page_text("card.chart-metric", metric=one["title"]),
            one["value"],
            [card.line(one, title="", text="")],
        )
    if slices := by_fact.get("evaluation.slice", [])[:SLICES]:
        yield Chart(
            "slices",
            page_text("card.chart-slices"),
            [[one["title"], one["value"]] for one in slices],
            [card.line(one, title="", text="") for one in slices],
        )
    for kind in ("confusion", "calibration"):
        for one in by_fact.get(f"evaluation.{kind}", ())[:1]:
            yield _chart(card, kind, one)


def _chart(card: Printer, kind: str, one: Shown) -> Chart:
    title = page_text(f"card.chart-{kind}")
    return Chart(kind, title, one["value"], lines=[card.line(one, title="")])


def _of_data(card: Printer) -> Iterator[Chart]:
    """Yield the charts of the data: how it came to be, and its licences."""
    for kind in ("funnel", "licence-mix"):
        found = [one for one in card.facts(f"data.{kind}") if isinstance(one.get("value"), Mapping)]
        for one in found[:1]:  # that of the training data; the annex has the others
            if kind != "funnel" or any("seen" in step for step in one["value"]["steps"]):
                title = page_text(
                    f"card.chart-{kind}", **({"about": one["about"]} if kind == "funnel" else {})
                )
                yield Chart(kind, title, one["value"], [card.line(one, title="", text="")])


def _lineage(card: CardContents) -> CardLineage:
    """Return the graph from sources to the subject, and from a model to its tests."""
    kind, name = card.card["subject"]["kind"], card.card["subject"]["name"]
    sources, derived = card.facts("data.source"), card.facts("data.derived")
    names = {one["evidence"][0]: one["about"] for one in (*sources, *derived) if one["about"]}
    nodes = {
        one["about"]: LineageNode(one["about"], one["about"], page_text(f"card.lineage-{word}"))
        for word, found in (("source", sources), ("dataset", derived))
        for one in found
    }
    edges = []
    for one in derived:
        value = one["value"]
        note = page_text("card.lineage-kept", kept=f"{value['kept']:,}", seen=f"{value['in']:,}")
        edges += [
            LineageEdge(names[origin], names[one["evidence"][0]], note if not at else "")
            for at, origin in enumerate(value["from"])
            if origin in names
        ]
    nodes[name] = LineageNode(name, name, page_text(f"card.lineage-{kind}"), "model", here=True)
    if kind == "dataset":
        nodes[name] = LineageNode(name, name, page_text("card.lineage-dataset"), here=True)
    for one in card.facts("model.base"):
        if "value" in one:
            base = str(one["value"])
            nodes[base] = LineageNode(base, base, page_text("card.lineage-base"), "model")
            edges.append(LineageEdge(base, name))
    for one in card.facts("data.parts"):
        role, data = one["about"].split(" ", 1)
        if role != "test":
            count = one["value"] if isinstance(one.get("value"), int) else 0
            note = page_text(f"card.lineage-{role}", count=f"{count:,}")
            edges.append(LineageEdge(data, name, note))
    for one in card.facts("evaluation.data"):
        if not one["about"]:
            continue
        test = one["about"]
        nodes[test] = LineageNode(test, test, page_text("card.lineage-test"), "step")
        edges.append(LineageEdge(name, test))
        for data in one["evidence"][1:2]:
            if data in names:
                note = page_text("card.lineage-tested", count=f"{one.get('value') or 0:,}")
                edges.append(LineageEdge(names[data], test, note))
    return CardLineage([*nodes.values()], edges)
