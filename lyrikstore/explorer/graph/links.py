"""The links of a whole log, from the rows of its index."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from lyrikstore.explorer.explorer import WITHOUT_LINEAGE

MAX_ROWS = 2_000_000
"""Most rows of one of the queries."""

_NODES = """
    SELECT m.id, m.kind, m.name, m.version, m.is_current, m.log_index, l.flagged,
           d.came_in, d.kept, d.dropped, d.changed, d.elsewhere
    FROM manifests m JOIN log l ON l.log_index = m.log_index
    LEFT JOIN datasets d ON d.log_index = m.log_index
    UNION ALL
    SELECT id, 'credential', coalesce(name, issuer_name, credential, id), NULL, TRUE, log_index,
           NULL, NULL, NULL, NULL, NULL, NULL
    FROM credentials WHERE name IS NOT NULL OR manifest IS NOT NULL
    ORDER BY 6
"""
# Directions as `impact` has them: what a credential says of a dataset ends with the credential.
_LINKS = """
    WITH rights AS (
        SELECT id, unnest(CAST(body -> '$.rights' AS JSON[])) AS one
        FROM manifests WHERE kind IN ('run', 'evaluation')
    )
    SELECT input, manifest, role FROM inputs
    UNION ALL SELECT id, manifest, 'subject' FROM credentials
    UNION ALL SELECT c.id, a.manifest, 'subject'
        FROM credentials c JOIN attachments a
        ON a.role = 'foreign-manifest' AND a.blob = c.manifest
    UNION ALL SELECT body ->> '$.credential', id, 'credential' FROM manifests
        WHERE kind = 'delivery'
    UNION ALL SELECT one ->> '$.credential', id, 'rights' FROM rights
    UNION ALL SELECT one ->> '$.grant', id, 'rights' FROM rights
"""

CREDENTIAL = "credential"
"""Kind of the nodes that are credentials of any type."""

Row = Sequence[Any]


class Ask(Protocol):
    """``Queries.sql`` of the facade."""

    def __call__(self, query: str, /, *, rows: int) -> Any:
        """Return the result of a query over the index."""


class FilterCounts(Struct, frozen=True):
    """Records that a filter read, kept, dropped, kept changed, and put into another part."""

    came_in: int
    kept: int
    dropped: int
    changed: int
    elsewhere: int


class GraphNode(Struct, frozen=True):
    """One signed object.

    Attributes:
        id: Its id.
        kind: The kind of its manifest, or :data:`CREDENTIAL`.
        name: Its full name; of a credential, the name of its subject.
        version: Its number under this name, from 1; None: it has no effect, or is a credential.
        is_current: Whether the name stands for it.
        index: Its log index.
        flagged: Why it has no effect, or None.
        counts: Of a dataset that a filter made.
    """

    id: str
    kind: str
    name: str
    version: int | None
    is_current: bool
    index: int
    flagged: str | None = None
    counts: FilterCounts | None = None

    def is_called(self, wanted: str) -> bool:
        """Return whether a text, in lower case, is in its name, or at the beginning of its id."""
        begin = wanted.removeprefix("blake3:")
        return wanted in self.name.casefold() or self.id.startswith(f"blake3:{begin}")


class GraphLink(Struct, frozen=True):
    """``child`` names ``parent`` in a role."""

    parent: str
    child: str
    role: str


class StoreLinks:
    """All links of a log.

    Attributes:
        nodes: Id → node.
    """

    def __init__(self, nodes: Iterable[GraphNode], links: Iterable[GraphLink]) -> None:
        self.nodes: Mapping[str, GraphNode] = {one.id: one for one in nodes}
        self._above: dict[str, list[GraphLink]] = {}
        self._below: dict[str, list[GraphLink]] = {}
        for link in dict.fromkeys(links):
            if link.parent in self.nodes and link.child in self.nodes:
                self._above.setdefault(link.child, []).append(link)
                self._below.setdefault(link.parent, []).append(link)

    def above(self, identity: str) -> Sequence[GraphLink]:
        """Return the links to what an object was made from, in the order of its inputs."""
        return self._above.get(identity, ())

    def below(self, identity: str) -> Sequence[GraphLink]:
        """Return the links to what names an object, in the order of the log."""
        found = self._below.get(identity, ())
        return sorted(found, key=lambda link: self.nodes[link.child].index)

    def resting_on(self, identity: str) -> set[str]:
        """Return the ids of all objects that depend on an object."""
        found: set[str] = set()
        waiting = [identity]
        while waiting:
            for link in self._below.get(waiting.pop(), ()):
                if link.child not in found:
                    found.add(link.child)
                    waiting.append(link.child)
        return found - {identity}


def read_links(ask: Ask, called: Mapping[str, str]) -> StoreLinks:
    """Return the links of a store.

    Args:
        ask: ``store.query.sql``.
        called: Id of a credential → its name for people.

    Raises:
        LyrikstoreError: As :meth:`lyrikstore.api.query.Queries.sql`.

    Cost: two queries, about 0.1 s each, and 1 s for 100,000 links.
    """
    nodes: Sequence[Row] = ask(_NODES, rows=MAX_ROWS).rows
    links: Sequence[Row] = ask(_LINKS, rows=MAX_ROWS).rows
    kept = (_node(row, called) for row in nodes if row[1] not in WITHOUT_LINEAGE)
    return StoreLinks(kept, (GraphLink(*row) for row in links))


def _node(row: Row, called: Mapping[str, str]) -> GraphNode:
    identity, kind, name, version, current, index, flagged, *counts = row
    counted = None if None in counts else FilterCounts(*counts)
    name = called.get(identity) or name
    return GraphNode(identity, kind, name, version, bool(current), index, flagged, counted)
