"""Charts of a card, drawn from the values of its statements and from nothing else."""

from typing import Any
from xml.etree.ElementTree import Element

from lyrikstore.web.charts import (
    ForestRow,
    LineageEdge,
    LineageNode,
    coverage,
    forest,
    lineage,
    matrix,
    reliability,
)


def draw(main: Element, kind: str, title: str, value: Any) -> None:
    """Add the chart of the value of a statement.

    Args:
        main: The element to add it to.
        kind: As in :class:`~lyrikstore.publish.cards.rendering.blocks.Chart`.
        title: What it shows.
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
            forest(main, [ForestRow.of(name, one) for name, one in value], title=title)
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
        case "flow":
            nodes = [LineageNode(one, one, name) for name, boxes in value.steps for one in boxes]
            edges = [LineageEdge(start, end) for start, end in value.edges]
            lineage(main, nodes, edges, title=title)
