"""``lyrikstore lineage``: what something was made from, as a tree."""

import contextlib
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

import click

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.grammar import counted
from lyrikstore.canon.visible import visible
from lyrikstore.history.lineage import Graph
from lyrikstore.history.retention import retired_versions
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session
from lyrikstore_cli.ui import Screen
from lyrikstore_cli.who import names_in


@declare("lineage", epilog="lyrikstore lineage checkpoints/acme/clause-classifier")
@click.argument("ref")
def command(session: Session, ref: str) -> None:
    """Show everything REF rests on, each object with its kind, name and signer.

    Exit code 3 if a link does not hold, 5 if something it names is missing.
    """
    store = session.open_store()
    graph = store.lineage(ref)
    retired: Collection[Digest] = ()
    with contextlib.suppress(LyrikstoreError):  # what cannot be read stands under problems
        retired = retired_versions(store.repository)
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
    _Drawing(session.screen, graph, retired, names_in(store)).draw(graph.root)
    for problem in graph.problems:
        session.screen.result(f"✗ {problem.kind}: {visible(problem.summary)}")
    if graph.problems:
        missing = all(problem.kind in {"missing", "unlogged"} for problem in graph.problems)
        raise click.exceptions.Exit(5 if missing else 3)


class _Drawing:
    def __init__(
        self,
        screen: Screen,
        graph: Graph,
        retired: Collection[Digest],
        called: Callable[[str], str],
    ) -> None:
        self._screen, self._graph, self._retired = screen, graph, retired
        self._called = cache(called)
        self._shown: set[Digest] = set()

    def draw(self, identity: Digest, lead: str = "", branch: str = "") -> None:
        node = self._graph.nodes.get(identity)
        if node is None:
            self._screen.result(f"{lead}{branch}{identity.short}  (not here)")
            return
        facts = _facts(node.manifest.kind, node.manifest.body)
        facts += "  (data retired)" if identity in self._retired else ""
        named = f"{node.manifest.kind} {visible(node.manifest.name)}  {identity.short}"
        line = f"{named}{facts}  by {self._called(node.manifest.author)}"
        if identity in self._shown:
            self._screen.result(f"{lead}{branch}{line}  (see above)")
            return
        self._shown.add(identity)
        self._screen.result(f"{lead}{branch}{line}")
        indent = lead + ("   " if branch.startswith("└") else "│  " if branch else "")
        links = [edge for edge in self._graph.inputs_of(identity) if edge.role != "parent"]
        for number, edge in enumerate(links):
            last = number == len(links) - 1
            self.draw(edge.parent, indent, f"{'└' if last else '├'}─ {edge.role}: ")


def _facts(kind: str, body: dict[str, Any]) -> str:
    if kind == "dataset":
        return f"  {counted(body['records'], 'record')}"
    if kind == "checkpoint":
        return f"  ({body['origin']})"
    return ""
