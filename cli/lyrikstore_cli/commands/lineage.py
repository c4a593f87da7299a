"""``lyrikstore lineage``: show what an object was made from, as a tree."""

import contextlib
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any

import click
from msgspec import Struct

from lyrikstore.api import Lineage
from lyrikstore.api.commands import Edge
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.output.events import event_lines
from lyrikstore_cli.output.key_names import names_in
from lyrikstore_cli.session import Session

_DEEPEST = 30
"""The depth up to which lines are indented."""


@declare("lineage", epilog="lyrikstore lineage checkpoints/acme/clause-classifier")
@click.argument("ref")
def command(session: Session, ref: str) -> None:
    """Show everything that REF was made from, each object with its kind, name and signer.

    Deliveries of its data and deployments and recorded predictions of its models are listed below.

    Exit code 3 if a link is wrong, 5 if a named object is missing.
    """
    store = session.open_store()
    graph = store.query.lineage(ref)
    retired: Collection[Digest] = ()
    events: Mapping[Digest, list[dict[str, Any]]] = {}
    with contextlib.suppress(LyrikstoreError):  # unreadable objects are listed as problems
        retired = store.datasets.retired()
        events = store.query.events_of(graph.values())
    session.emit(
        "lineage",
        {
            "root": str(graph.root),
            "nodes": [
                {
                    "id": str(node.id),
                    "kind": node.manifest.kind,
                    "name": node.manifest.name,
                    "logIndex": node.index,
                    "author": node.manifest.author,
                    "dataRetired": node.id in retired,
                    "events": events.get(node.id, []),
                }
                for node in graph.nodes.values()
            ],
            "edges": [
                {"child": str(e.child), "parent": str(e.parent), "role": e.role}
                for e in graph.edges
            ],
            "problems": [
                {"kind": p.kind, "id": str(p.id), "summary": p.summary} for p in graph.problems
            ],
        },
    )
    screen = session.screen
    draw(screen.result, graph, retired, names_in(store))
    for node in graph.nodes.values():
        for line in event_lines(events.get(node.id, ())):
            screen.result(f"→ {escape_control(node.manifest.name)} {line}")
    for problem in graph.problems:
        screen.result(f"✗ {problem.kind}: {escape_control(problem.summary)}")
    if graph.problems:
        missing = all(problem.kind in {"missing", "unlogged"} for problem in graph.problems)
        raise click.exceptions.Exit(5 if missing else 3)


def draw(
    show: Callable[[str], object],
    graph: Lineage,
    retired: Collection[Digest],
    called: Callable[[str], str],
) -> None:
    """Print a lineage as a tree, one line for each link.

    Args:
        show: Prints a line.
        graph: The lineage.
        retired: Ids of the versions whose data was retired.
        called: Returns the name of a signer, by the DID.
    """
    links: dict[Digest, list[Edge]] = {}
    for edge in graph.edges:
        links.setdefault(edge.child, []).append(edge)
    shown: set[Digest] = set()
    called = cache(called)
    # ATTACK: ten thousand datasets, each made from the one before. So open branches are kept in a
    # list, not on the stack, and very deep lines are indented no further.
    waiting = [_Branch(graph.root)]
    while waiting:
        branch = waiting.pop()
        node = graph.nodes.get(branch.id)
        if node is None:
            show(f"{branch.mark}{branch.id.short}  (not here)")
            continue
        facts = _facts(node.manifest.kind, node.manifest.body)
        facts += "  (data retired)" if node.id in retired else ""
        again = "  (see above)" if node.id in shown else ""
        show(
            f"{branch.mark}{node.manifest.kind} {escape_control(node.manifest.name)}  "
            f"{node.id.short}{facts}  by {called(node.manifest.author)}{again}"
        )
        if not again:
            shown.add(node.id)
            below = links.get(node.id, [])
            waiting += [branch.to(edge, last=edge is below[-1]) for edge in reversed(below)]


class _Branch(Struct, frozen=True):
    """A manifest to print: its depth, the text before it, and the indent below it."""

    id: Digest
    depth: int = 0
    mark: str = ""
    indent: str = ""

    def to(self, edge: Edge, *, last: bool) -> "_Branch":
        depth = self.depth + 1
        if depth > _DEEPEST:
            mark = f"{self.indent}{depth} deep: {edge.role}: "
            return _Branch(edge.parent, depth, mark, self.indent)
        mark = f"{self.indent}{'└' if last else '├'}─ {edge.role}: "
        return _Branch(edge.parent, depth, mark, self.indent + ("   " if last else "│  "))


def _facts(kind: str, body: dict[str, Any]) -> str:
    if kind == "dataset":
        return f"  {pluralize(body['records'], 'record')}"
    if kind == "checkpoint":
        return f"  ({body['origin']})"
    return ""
