"""Credentials, issued and imported: issuer, holder, terms, validity, and what became of them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import msgspec
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, NotFoundError
from lyrikstore.canon.json import parse
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.explorer.explorer import Explorer
from lyrikstore.explorer.graph.lineage import add_standing
from lyrikstore.explorer.graph.links import CREDENTIAL
from lyrikstore.explorer.graph.standing import StoreMap, map_of
from lyrikstore.explorer.page import (
    Page,
    Query,
    add_badge,
    add_choice,
    add_fact,
    add_form,
    add_judgement,
    add_link,
    add_pager,
    add_rows,
    add_search,
    add_text,
    href,
    object_href,
    page_of,
)
from lyrikstore.publish.status.status_registry import Issued
from lyrikstore.web.html import add
from lyrikstore.web.texts import page_text

A_PAGE = 50
_MOST_SHOWN = 200_000
_TERMS = ("permits", "prohibits", "requires")
_COLUMNS = """
    SELECT id, name, valid_from, valid_until, licence, permits, prohibits, requires, manifest
    FROM credentials WHERE id IN ({places})
"""


class IndexedTerms(Struct, frozen=True):
    """What the index knows of a credential."""

    name: str | None
    valid_from: str | None
    valid_until: str | None
    licence: str | None
    permits: Sequence[str]
    prohibits: Sequence[str]
    requires: Sequence[str]
    manifest: str | None


def credentials_page(explorer: Explorer, query: Query) -> Page:
    """Return the table of credentials, the newest first; status lists are not among them."""
    found = map_of(explorer)
    page = Page(page_text("explorer.all-credentials"), place="/credentials")
    rows = _rows(explorer)
    kinds = sorted({str(row["kind"]) for row in rows.values() if row["id"] in found.links.nodes})
    side, kind, wanted = query.text("side"), query.text("kind"), query.text("q").casefold()
    form = add_form(page.main, query)
    sides = [
        (one, page_text(f"explorer.side-{one or 'all'}")) for one in ("", "issued", "imported")
    ]
    add_choice(form, "side", page_text("explorer.side"), sides, side)
    every = [("", page_text("explorer.all-kinds")), *((one, one) for one in kinds)]
    add_choice(form, "kind", page_text("explorer.kind"), every, kind)
    add_search(form, query.text("q"), label=page_text("explorer.search-credentials"))
    ids = [
        node.id
        for node in reversed(list(found.links.nodes.values()))
        if node.kind == CREDENTIAL
        and (not side or (side == "issued") == (node.id in found.issued))
        and (not kind or str(rows[node.id]["kind"]) == kind)
        and node.is_called(wanted)
    ]
    at, pages, shown = page_of(ids, query, A_PAGE)
    if not shown:
        page.add("p", page_text("explorer.credentials-none"))
        return page
    terms = _terms(explorer, shown)
    titles = (
        "credential",
        "state-now",
        "issuer",
        "holder",
        "credential-terms",
        "valid",
        "side",
        "verdict",
    )
    body = add_rows(page.main, [page_text(f"explorer.{key}") for key in titles],
                    label=page_text("explorer.all-credentials"))  # fmt: skip
    for identity in shown:
        row, one = SubElement(body, "tr"), terms.get(identity)
        cell = SubElement(row, "th", scope="row")
        add_link(cell, found.links.nodes[identity].name, href(f"/credential/{identity}"))
        _add_state(explorer, found, SubElement(row, "td"), identity)
        add(row, "td", explorer.key_name(rows[identity]["author"]))
        add(row, "td", holder_of(explorer, found, identity, one))
        add(row, "td", "" if one is None else _terms_text(one))
        add(row, "td", "" if one is None else _validity(one))
        word = "issued" if identity in found.issued else "imported"
        add(row, "td", page_text(f"explorer.side-{word}"), {"class": "whole"})
        add_judgement(SubElement(row, "td"), explorer.judgement_of(identity))
    first = (at - 1) * A_PAGE
    words = page_text("explorer.shown", first=first + 1, last=first + len(shown),
                      count=pluralize(len(ids), "credential"))  # fmt: skip
    add_pager(page.main, query, at, pages, words)
    return page


def credential_page(explorer: Explorer, query: Query) -> Page:
    """Return the page of one credential: its terms, its status lists, what depends on it.

    Raises:
        NotFoundError: (``no-id``) it is not logged.
        LyrikstoreError: It is lost or damaged.
    """
    found = map_of(explorer)
    identity = query.text("id")
    row = _rows(explorer).get(identity)
    if row is None:
        raise NotFoundError("no-id", f"{identity} is not a logged credential")
    node = found.links.nodes.get(identity)
    page = Page(str(row["name"] or identity), place="/credentials")
    line = SubElement(page.main, "p")
    add_judgement(line, explorer.judgement_of(identity), after=" ")
    _add_state(explorer, found, line, identity)
    if node is not None:
        add_link(line, page_text("explorer.lineage"), href(f"/lineage/{identity}"), after=" ")
        add_link(line, page_text("explorer.impact-link"), href(f"/impact/{identity}"))
    one = _terms(explorer, [identity]).get(identity)
    _add_facts(page, explorer, found, row, one)
    _add_lists(page, explorer, found, identity)
    _add_next(page, found, identity)
    part = page.part(page_text("explorer.document"))
    add_text(part, _document(explorer.store.credentials.read(Digest.parse(identity))))
    return page


def _rows(explorer: Explorer) -> Mapping[str, Mapping[str, Any]]:
    return {row["id"]: row for row in explorer.facts.rows if row["type"] == "credential"}


def _terms(explorer: Explorer, ids: Sequence[str]) -> dict[str, IndexedTerms]:
    places = ", ".join("?" for _ in ids)
    names = IndexedTerms.__struct_fields__
    answer = explorer.store.query.sql(_COLUMNS.format(places=places), ids)
    return {
        str(identity): msgspec.convert(dict(zip(names, values, strict=True)), IndexedTerms)
        for identity, *values in answer.rows
    }


def _add_state(explorer: Explorer, found: StoreMap, cell: Element, identity: str) -> None:
    """Add what became of a credential, or that nothing against it is known, and of when that is."""
    if add_standing(explorer, found, cell, identity):
        return
    issued = _issued(found, identity)
    dates = [] if issued is None else _lists(found, issued)
    if issued is not None and issued.is_listed and not dates:
        add_badge(cell, "doubt", page_text("explorer.no-list"), after=" ")
    elif dates and min(until for _, _, until in dates) < format_timestamp(explorer.now):
        oldest = min(since for _, since, _ in dates)
        add_badge(cell, "doubt", page_text("explorer.old-list", since=oldest[:10]), after=" ")
    else:
        add_badge(cell, "quiet", page_text("explorer.in-force"), after=" ")


def _issued(found: StoreMap, identity: str) -> Issued | None:
    return next((one for one in found.registry.issued if str(one.id) == identity), None)


def _lists(found: StoreMap, issued: Issued) -> list[tuple[str, str, str]]:
    """Return purpose, date and end of the current status lists of a credential."""
    dates = []
    for entry in issued.entries:
        current = found.registry.lists.get((entry.url, issued.issuer))
        if current is not None:
            content = current.content
            ends = (format_timestamp(content.valid_from), format_timestamp(content.valid_until))
            dates.append((entry.purpose, *ends))
    return dates


def holder_of(
    explorer: Explorer, found: StoreMap, identity: str, terms: IndexedTerms | None
) -> str:
    """Return who holds a credential: the licensee of a grant, or to whom it was delivered."""
    if terms is not None and terms.name is not None and "/" not in terms.name:
        return terms.name
    rows = explorer.facts.objects
    said = [
        str(rows[link.child]["eventText"])
        for link in found.links.below(identity)
        if link.role == "credential" and link.child in rows
    ]
    return "; ".join(said)


def _terms_text(terms: IndexedTerms) -> str:
    parts = [] if terms.licence is None else [terms.licence]
    for key in _TERMS:
        words = getattr(terms, key)
        if words:
            parts.append(page_text(f"explorer.terms-{key}", what=", ".join(words)))
    return "; ".join(parts)


def _validity(terms: IndexedTerms) -> str:
    since, until = terms.valid_from or "", terms.valid_until
    if until is None:
        return page_text("explorer.valid-open", since=since[:10])
    return page_text("explorer.valid-until", since=since[:10], until=until[:10])


def _add_facts(
    page: Page,
    explorer: Explorer,
    found: StoreMap,
    row: Mapping[str, Any],
    terms: IndexedTerms | None,
) -> None:
    facts = SubElement(page.main, "dl")
    side = "issued" if row["id"] in found.issued else "imported"
    add_fact(facts, page_text("explorer.side"), page_text(f"explorer.side-{side}"))
    add_fact(facts, page_text("explorer.kind"), str(row["kind"]))
    add_fact(facts, page_text("explorer.issuer"), explorer.key_name(row["author"]))
    add_fact(facts, page_text("explorer.key"), str(row["author"]), kind="digest")
    if holder := holder_of(explorer, found, row["id"], terms):
        add_fact(facts, page_text("explorer.holder"), holder)
    add_fact(facts, "id", str(row["id"]), kind="digest")
    if terms is None:
        return
    add_fact(facts, page_text("explorer.valid"), _validity(terms))
    if said := _terms_text(terms):
        add_fact(facts, page_text("explorer.credential-terms"), said)
    if terms.manifest is not None and terms.manifest in found.links.nodes:
        cell = add_fact(facts, page_text("explorer.subject-of"), "")
        add_link(cell, found.links.nodes[terms.manifest].name, object_href(terms.manifest))


def _add_lists(page: Page, explorer: Explorer, found: StoreMap, identity: str) -> None:
    issued = _issued(found, identity)
    if issued is None:
        return
    part = page.part(page_text("explorer.status-lists"))
    dates = _lists(found, issued)
    if not dates:
        key = "no-list" if issued.is_listed else "not-listed"
        add(part, "p", page_text(f"explorer.{key}"), {"class": "quiet"})
        return
    titles = ("purpose", "list-of", "list-until")
    body = add_rows(part, [page_text(f"explorer.{key}") for key in titles])
    now = format_timestamp(explorer.now)
    for purpose, since, until in dates:
        line = SubElement(body, "tr")
        add(line, "th", purpose, scope="row")
        add(line, "td", since, {"class": "moment"})
        cell = SubElement(line, "td", {"class": "moment"})
        add(cell, "span", until, after=" ")
        if until < now:
            add_badge(cell, "doubt", page_text("explorer.list-is-old"))


def _add_next(page: Page, found: StoreMap, identity: str) -> None:
    if identity not in found.issued:
        return
    part = page.part(page_text("explorer.what-next"))
    short = identity.removeprefix("blake3:")[:12]
    listed = SubElement(part, "dl")
    for word in ("suspend", "revoke"):
        add(listed, "dt", page_text(f"explorer.next-{word}"))
        add(SubElement(listed, "dd"), "code", f"lyrikstore credential {word} {short}")


def _document(data: bytes) -> str:
    try:
        text = json.dumps(parse(data, floats=True, nulls=True), ensure_ascii=False, indent=2)
    except FormatError:
        text = data.decode("utf-8", "backslashreplace")
    return text[:_MOST_SHOWN]
