"""Charts of a card, drawn from the values of its statements and from nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from lyrikstore.canon.text import pluralize
from lyrikstore.web.charts import (
    ForestRow,
    FunnelStep,
    bars,
    coverage,
    forest,
    funnel,
    lineage,
    matrix,
    reliability,
)
from lyrikstore.web.texts import page_text

_ELSEWHERE = (("byRecord", "licence-by-record"), ("unstated", "licence-unstated"),
              ("notCounted", "licence-not-counted"))  # fmt: skip


def draw(main: Element, kind: str, title: str, value: Any) -> Element:
    """Add the chart of a value; return its figure, with a caption, a drawing and a table.

    Args:
        main: The element to add it to.
        kind: As in :class:`~lyrikstore.publish.cards.rendering.layout.blocks.Chart`.
        title: Its caption.
        value: The value.
    """
    match kind:
        case "metrics":
            rows = [
                ForestRow.of(name, figure, series=int(name != "model"))
                for name, figure in sorted(value.items(), key=lambda one: one[0] != "model")
            ]
            forest(main, rows, title=title)
        case "slices":
            slices = [
                ForestRow.of(name, one, pluralize(one["count"], "record") if "count" in one else "")
                for name, one in value
            ]
            forest(main, slices, title=title)
        case "confusion":
            matrix(main, value["labels"], value["counts"], title=title)
        case "calibration":
            bins = [
                (float(one["confidence"]), float(one["accuracy"]), one["count"])
                for one in value["bins"]
            ]
            reliability(main, bins, title=title)
        case "coverage":
            points = [
                (float(one["share"]), float(one["accuracy"]), float(one["abstainBelow"]))
                for one in value
            ]
            coverage(main, points, title=title)
        case "funnel":
            funnel(main, [_step(one) for one in value["steps"] if "seen" in one], title=title)
        case "licence-mix":
            counted = [(name, count) for name, count in value["licences"].items()]
            counted.sort(key=lambda one: (-one[1], one[0]))
            counted += [
                (page_text(f"card.{text}"), value[name]) for name, text in _ELSEWHERE if value[name]
            ]
            bars(main, counted, value["records"], title=title)
        case "lineage":
            lineage(main, value.nodes, value.edges, title=title)
    return main[-1]


def _step(step: Mapping[str, Any]) -> FunnelStep:
    dropped = sorted(step["dropped"].items(), key=lambda one: (-one[1], one[0]))
    if step.get("elsewhere"):
        dropped.append((page_text("card.elsewhere"), step["elsewhere"]))
    return FunnelStep(step["name"], step["seen"], step["kept"], dropped)


def table_of(kind: str, title: str, value: Any) -> tuple[Sequence[str], list[list[str]]]:
    """Return the table behind a chart: titles of its columns, and the cells of each row."""
    figure = draw(Element("div"), kind, title, value)
    rows = [["".join(cell.itertext()) for cell in row] for row in figure.iter("tr")]
    return (rows[0], rows[1:]) if rows else ([], [])
