"""Where something came from: the graph of manifests below one (spec §8.6).

A walk never stops at the first thing wrong: it reports everything, because an auditor wants the
whole list, and because one lost manifest must not hide another that lies (attack cases A08, A39).
"""

from collections.abc import Iterator
from typing import Literal, Protocol

from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError, NotFoundError, StorageError
from lyrikstore.history.manifests.manifest import Manifest

ProblemKind = Literal[
    "unlogged", "missing", "damaged", "wrong-kind", "wrong-parent", "logged-later", "cycle"
]


class LineageSource(Protocol):
    """What a walk needs of a store."""

    def manifest(self, identity: Digest) -> Manifest:
        """Return a logged, verified manifest."""

    def index_of(self, identity: Digest) -> int:
        """Return its log index."""


class Edge(Struct, frozen=True):
    """One link: ``child`` was made from ``parent``.

    Attributes:
        child: The manifest that names the other.
        parent: The manifest it names.
        role: As what, such as ``train``.
        kind: The kind the link claims the other to be.
    """

    child: Digest
    parent: Digest
    role: str
    kind: str


class Node(Struct, frozen=True):
    """One manifest of the graph.

    Attributes:
        manifest: The verified manifest.
        index: Its log index.
    """

    manifest: Manifest
    index: int

    @property
    def id(self) -> Digest:
        """Its id."""
        return self.manifest.id


class Problem(Struct, frozen=True):
    """Something wrong with the graph.

    Attributes:
        kind: ``unlogged``: nothing logged has this id; ``missing``, ``damaged``: logged, but its
            bytes are gone or bad; ``wrong-kind``: a link calls it what it is not;
            ``wrong-parent``: an earlier version is no manifest of the same name;
            ``logged-later``: it is logged after what was made from it; ``cycle``.
        id: The manifest in question.
        summary: One line for people.
    """

    kind: ProblemKind
    id: Digest
    summary: str


class Graph(Struct, frozen=True):
    """Everything one manifest rests on, itself included.

    Attributes:
        root: Where the walk began.
        nodes: Id → node, in the order found (breadth first from the root).
        edges: Every link, child before parent.
        problems: Everything wrong; a sound lineage has none.
    """

    root: Digest
    nodes: dict[Digest, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every link led to a sound manifest of the claimed kind, logged before."""
        return not self.problems

    def of_kind(self, kind: str) -> Iterator[Node]:
        """Yield the nodes of one kind, nearest to the root first."""
        return (node for node in self.nodes.values() if node.manifest.kind == kind)

    def sources(self) -> list[Node]:
        """Return the datasets that were made from no other dataset: where data came in."""
        return [
            node
            for node in self.of_kind("dataset")
            if not any(item.kind == "dataset" for item in node.manifest.inputs)
        ]


def walk(store: LineageSource, identity: Digest) -> Graph:
    """Return the graph of everything the manifest ``identity`` was made from, by its inputs.

    Earlier versions (``parents``) are checked to be versions of the same name, but are not part
    of the lineage: a corrected dataset does not rest on its mistakes.

    Args:
        store: The store.
        identity: Any logged manifest.

    Raises:
        StorageError: Storage backend error. Nothing else: what is wrong stands in ``problems``.

    Cost: one read and one signature verification per manifest, each once.
    """
    graph = Graph(identity)
    pending: list[tuple[Digest, Edge | None]] = [(identity, None)]
    position = 0
    failed: set[Digest] = set()
    while position < len(pending):
        current, edge = pending[position]
        position += 1
        if current not in graph.nodes and current not in failed:
            node = _visit(store, graph, current)
            if node is None:
                failed.add(current)
            else:
                _check_parents(store, graph, node)
                for item in node.manifest.inputs:
                    link = Edge(current, item.id, item.role, item.kind)
                    graph.edges.append(link)
                    pending.append((item.id, link))
        if edge is not None and current in graph.nodes:
            _check_edge(graph, edge)
    graph.problems.extend(_cycles(graph))
    return graph


def _visit(store: LineageSource, graph: Graph, identity: Digest) -> Node | None:
    try:
        index = store.index_of(identity)
        node = Node(store.manifest(identity), index)
    except StorageError:
        raise
    except LyrikstoreError as error:
        graph.problems.append(Problem(_kind_of(error), identity, str(error)))
        return None
    graph.nodes[identity] = node
    return node


def _kind_of(error: LyrikstoreError) -> ProblemKind:
    if isinstance(error, NotFoundError) and error.kind == "not-logged":
        return "unlogged"
    return "missing" if error.kind in {"no-blob", "blob-lost"} else "damaged"


def _check_edge(graph: Graph, edge: Edge) -> None:
    child, parent = graph.nodes[edge.child], graph.nodes[edge.parent]
    kind = parent.manifest.kind
    if kind != edge.kind:
        summary = f"{child.manifest.name} uses {edge.parent.short} as {edge.kind}; it is a {kind}"
        graph.problems.append(Problem("wrong-kind", edge.parent, summary))
    if parent.index >= child.index:
        summary = (
            f"{parent.manifest.name} (log index {parent.index}) is logged after "
            f"{child.manifest.name} ({child.index}), which was made from it"
        )
        graph.problems.append(Problem("logged-later", edge.parent, summary))


def _check_parents(store: LineageSource, graph: Graph, node: Node) -> None:
    for parent in node.manifest.parents:
        try:
            name = store.manifest(parent).name
            later = store.index_of(parent) >= node.index
        except StorageError:
            raise
        except LyrikstoreError as error:
            graph.problems.append(Problem(_kind_of(error), parent, f"earlier version: {error}"))
            continue
        if name != node.manifest.name:
            summary = f"{node.manifest.name} gives a version of {name} as its earlier version"
            graph.problems.append(Problem("wrong-parent", parent, summary))
        if later:
            summary = f"an earlier version of {name} is logged after the later one"
            graph.problems.append(Problem("logged-later", parent, summary))


def _cycles(graph: Graph) -> Iterator[Problem]:
    # No one can make hashes that name each other; a reader that does not rely on that also holds
    # if BLAKE3 should fall.
    waiting = dict.fromkeys(graph.nodes, 0)
    above: dict[Digest, list[Digest]] = {}
    for edge in graph.edges:
        if edge.parent in waiting:
            waiting[edge.child] += 1
            above.setdefault(edge.parent, []).append(edge.child)
    ready = [identity for identity, count in waiting.items() if not count]
    while ready:
        identity = ready.pop()
        del waiting[identity]
        for child in above.get(identity, ()):
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    for identity in waiting:
        yield Problem("cycle", identity, f"{identity.short} was made from itself")
