"""Charts of a card, drawn from the values of its statements and from nothing else."""

from typing import Any
from xml.etree.ElementTree import Element

from lyrikstore.verify.evaluation.words import with_interval
from lyrikstore.web.charts import Span, curve, flow, matrix, spans


def draw(main: Element, kind: str, title: str, value: Any) -> None:
    """Add the chart of the value of a statement.

    Args:
        main: The element to add it to.
        kind: As in :class:`~lyrikstore.publish.cards.rendering.blocks.Chart`.
        title: Its description, for screen readers.
        value: The value.
    """
    match kind:
        case "metrics":
            rows = [
                Span.of(name, figure, with_interval(figure), other=name != "model")
                for name, figure in sorted(value.items(), key=lambda one: one[0] != "model")
            ]
            spans(main, rows, title)
        case "slices":
            spans(main, [Span.of(name, one, with_interval(one)) for name, one in value], title)
        case "confusion":
            matrix(main, value["labels"], value["counts"])
        case "calibration":
            bins = [one for one in value["bins"] if one["count"]]
            most = max((one["count"] for one in bins), default=1)
            points = [
                (float(one["confidence"]), float(one["accuracy"]), one["count"] / most)
                for one in bins
            ]
            axes = ("confidence", "share that is right")
            curve(main, points, title=title, axes=axes, diagonal=True)
        case "coverage":
            rising = sorted((float(one["share"]), float(one["accuracy"]), 0.1) for one in value)
            axes = ("share that it answers", "share that is right")
            curve(main, rising, title=title, axes=axes, joined=True)
        case "flow":
            flow(main, value.steps, value.edges, title)
