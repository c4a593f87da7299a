"""Lineages of manifests that a test has at hand."""

from typing import Any

from lyrikstore.history.lineage import Lineage, Node


def lineage_of(*manifests: Any) -> Lineage:
    """Return the lineage that has these manifests, logged in this order, and no others."""
    nodes = {one.id: Node(one, index) for index, one in enumerate(manifests)}
    return Lineage(tuple(nodes), nodes, {}, {})
