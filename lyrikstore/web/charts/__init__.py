"""Charts of a page as inline SVG: own code without a library, see ADR 0040.

* drawing: the figure, its caption, shapes, wrapped text, scales, numbers, the table behind it;
* forest: figures with intervals, of a model beside its baselines, or of slices;
* matrix: a confusion matrix;
* confidence: reliability diagram, and risk by coverage;
* bars: counts with shares;
* funnel: what steps saw, kept and dropped;
* timeline: figures in their order;
* lineage: what was made from what.

A chart is a function of an element, the values and a title. It adds one ``<figure>``, whose bytes
depend on nothing else; the classes of its shapes are those of ``design.css``.

Example:
    >>> from xml.etree.ElementTree import Element, tostring
    >>> from lyrikstore.web.charts import bars
    >>> main = Element("main")
    >>> bars(main, [("lease", 3), ("licence", 1)], 4, title="Labels")
    >>> b"3 (75.0%)" in tostring(main)
    True
"""

from lyrikstore.web.charts.bars import MAX_BARS, bars
from lyrikstore.web.charts.confidence import coverage, reliability
from lyrikstore.web.charts.drawing import ink
from lyrikstore.web.charts.forest import ForestRow, forest
from lyrikstore.web.charts.funnel import FunnelStep, funnel
from lyrikstore.web.charts.lineage import LineageEdge, LineageNode, lineage
from lyrikstore.web.charts.matrix import matrix
from lyrikstore.web.charts.timeline import timeline

__all__ = [
    "MAX_BARS",
    "ForestRow",
    "FunnelStep",
    "LineageEdge",
    "LineageNode",
    "bars",
    "coverage",
    "forest",
    "funnel",
    "ink",
    "lineage",
    "matrix",
    "reliability",
    "timeline",
]
