"""What became of signed objects after they were signed: revoked, ended, retired, without effect."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar
from weakref import WeakKeyDictionary

from msgspec import Struct

from lyrikstore.api import Store
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.explorer.explorer import Explorer, Facts
from lyrikstore.explorer.graph.links import MAX_ROWS, Row, StoreLinks, read_links
from lyrikstore.explorer.page import Page, Query
from lyrikstore.publish.identity.issuer import own_keys
from lyrikstore.publish.status.status_registry import StatusRegistry
from lyrikstore.web.texts import page_text

T = TypeVar("T")


class Standing(Struct, frozen=True):
    """One thing that became of an object.

    Attributes:
        state: A class of a state in the design.
        key: Key of its word in the section ``explorer`` of ``texts.json``.
        detail: More in words of the record, or empty.
    """

    state: str
    key: str
    detail: str = ""


class StoreMap(Struct, frozen=True):
    """The links of a store and what became of its objects, as of one state of the log.

    Attributes:
        links: All links.
        standings: Id → what became of the object; none: absent.
        issued: Ids of the credentials that this store's own keys signed.
        ends: Id of a credential → the end of its validity.
        registry: The status lists of the store, and its credentials that can be revoked.
    """

    links: StoreLinks
    standings: Mapping[str, tuple[Standing, ...]]
    issued: frozenset[str]
    ends: Mapping[str, str]
    registry: StatusRegistry

    def of(self, identity: str, now: str) -> tuple[Standing, ...]:
        """Return what became of an object until a moment.

        Args:
            identity: Id of a manifest or credential.
            now: The moment, as a timestamp.
        """
        end = self.ends.get(identity, "")
        ended = (Standing("withdrawn", "ended", end),) if _is_before(end, now) else ()
        return (*self.standings.get(identity, ()), *ended)


_MAPS: "WeakKeyDictionary[Facts, StoreMap]" = WeakKeyDictionary()
_WAIT, _STEP = 0.8, 0.01  # seconds

_ENDS = """
    SELECT id, valid_until, issuer FROM credentials
    WHERE name IS NOT NULL OR manifest IS NOT NULL
"""


def map_of(explorer: Explorer) -> StoreMap:
    """Return the map of a store; it is made once for each state of the log.

    Raises:
        LyrikstoreError: As :func:`read_links`; a logged credential is lost or damaged.
    """
    facts = explorer.facts
    if facts not in _MAPS:
        _MAPS[facts] = _made(explorer.store, *_rows(explorer.store, _called(facts)))
    return _MAPS[facts]


def mapped(show: Callable[[Explorer, Query], T]) -> Callable[[Explorer, Query], T | Page]:
    """Return a view that asks the browser to come again while the links are read.

    Args:
        show: A view that uses :func:`map_of`.
    """

    def view(explorer: Explorer, query: Query) -> T | Page:
        facts = explorer.facts
        if facts not in _MAPS:
            head, called = explorer.store.query.log_head(), _called(facts)
            key = ("map", head.root.hex(), str(len(facts.rows)))
            job = explorer.jobs.run(key, lambda store: _rows(store, called))
            deadline = time.monotonic() + _WAIT
            while not job.is_done and time.monotonic() < deadline:
                time.sleep(_STEP)
            if not job.is_done:
                page = Page(page_text("explorer.map-pending"), place=query.path)
                page.add("p", page_text("explorer.map-pending-why"))
                page.again = 1
                return page
            if job.result is not None:
                # By the store of this thread, which has read the manifests already.
                _MAPS[facts] = _made(explorer.store, *job.result)
            explorer.jobs.forget(key)
        return show(explorer, query)

    return view


def _called(facts: Facts) -> dict[str, str]:
    return {row["id"]: row["name"] for row in facts.rows if row["type"] == "credential"}


def _rows(store: Store, called: Mapping[str, str]) -> tuple[StoreLinks, Sequence[Row]]:
    return read_links(store.query.sql, called), store.query.sql(_ENDS, rows=MAX_ROWS).rows


def _made(store: Store, links: StoreLinks, credentials: Sequence[Row]) -> StoreMap:
    ours = own_keys(store.repository.policy)
    issued = frozenset(str(one) for one, _, issuer in credentials if issuer in ours)
    ends = {str(one): str(end) for one, end, _ in credentials if end is not None}
    found: dict[str, list[Standing]] = {}
    for node in links.nodes.values():
        if node.flagged is not None:
            found.setdefault(node.id, []).append(Standing("invalid", "no-effect", node.flagged))
    for gone_id in store.datasets.retired():
        found.setdefault(str(gone_id), []).append(Standing("withdrawn", "retired"))
    registry = store.credentials.registry
    for identity, standing in _status(registry):
        found.setdefault(identity, []).append(standing)
    gone = [one for one, some in found.items() if any(it.key in _TAKEN for it in some)]
    for identity in _resting_on_rights(links, gone, issued):
        found.setdefault(identity, []).append(Standing("withdrawn", "right-revoked"))
    standings = {one: tuple(some) for one, some in found.items()}
    return StoreMap(links, standings, issued, ends, registry)


_TAKEN = frozenset({"revoked", "suspended"})


def _status(registry: StatusRegistry) -> Iterable[tuple[str, Standing]]:
    replaced = {one.supersedes for one in registry.issued}
    words = {"revocation": "revoked", "suspension": "suspended"}
    for one in registry.issued:
        for entry in one.entries:
            current = registry.lists.get((entry.url, one.issuer))
            if current is not None and current.content.holds(entry.index):
                state = "revoked" if entry.purpose == "revocation" else "withdrawn"
                yield str(one.id), Standing(state, words[entry.purpose])
        if one.id in replaced:
            yield str(one.id), Standing("stale", "superseded")


def _resting_on_rights(links: StoreLinks, gone: Iterable[str], issued: frozenset[str]) -> set[str]:
    """Return the objects that depend on data whose right is gone.

    A dataset depends on a credential about it that others signed: its own keys sell it by theirs.
    """
    found: set[str] = set()
    for credential in gone:
        for link in links.below(credential):
            if link.role == "rights" or (link.role == "subject" and credential not in issued):
                found |= {link.child, *links.resting_on(link.child)}
    return found


def _is_before(end: str, now: str) -> bool:
    try:
        return bool(end) and parse_timestamp(end) < parse_timestamp(now)
    except (FormatError, LyrikstoreError):  # a foreign credential may write times otherwise
        return False
