"""``lyrikstore lineage``: what something was made from, as a tree."""

import contextlib
from collections.abc import Collection
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
from lyrikstore_cli.ui import short_did


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
    _draw(session, graph, graph.root, "", "", set(), retired)
    for problem in graph.problems:
        session.screen.result(f"✗ {problem.kind}: {visible(problem.summary)}")
    if graph.problems:
        missing = all(problem.kind in {"missing", "unlogged"} for problem in graph.problems)
        raise click.exceptions.Exit(5 if missing else 3)


def _draw(
    session: Session,
    graph: Graph,
    identity: Digest,
    lead: str,
    branch: str,
    shown: set[Digest],
    retired: Collection[Digest],
) -> None:
    node = graph.nodes.get(identity)
    if node is None:
        session.screen.result(f"{lead}{branch}{identity.short}  (not here)")
        return
    facts = _facts(node.manifest.kind, node.manifest.body)
    facts += "  (data retired)" if identity in retired else ""
    signer = short_did(node.manifest.author)
    line = (
        f"{node.manifest.kind} {visible(node.manifest.name)}  {identity.short}{facts}  by {signer}"
    )
    if identity in shown:
        session.screen.result(f"{lead}{branch}{line}  (see above)")
        return
    shown.add(identity)
    session.screen.result(f"{lead}{branch}{line}")
    indent = lead + ("   " if branch.startswith("└") else "│  " if branch else "")
    links = [edge for edge in graph.inputs_of(identity) if edge.role != "parent"]
    for number, edge in enumerate(links):
        last = number == len(links) - 1
        mark = f"{'└' if last else '├'}─ {edge.role}: "
        _draw(session, graph, edge.parent, indent, mark, shown, retired)


def _facts(kind: str, body: dict[str, Any]) -> str:
    if kind == "dataset":
        return f"  {counted(body['records'], 'record')}"
    if kind == "checkpoint":
        return f"  ({body['origin']})"
    return ""
