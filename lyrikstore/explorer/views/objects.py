"""One object: what its manifest states, what it was made from and for, and its verdict."""

import json
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.api import Digest, Manifest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.explorer.explorer import Explorer, Row
from lyrikstore.explorer.page import (
    Page,
    Query,
    add_badge,
    add_fact,
    add_judgement,
    add_link,
    add_links,
    add_rows,
    add_text,
    href,
    object_href,
    titles_of,
)
from lyrikstore.verify.report import CheckState
from lyrikstore.verify.report_text import STATE, SYMBOL
from lyrikstore.web.html import add
from lyrikstore.web.texts import page_text

MAX_BODY = 200_000
"""Most characters of a manifest's body that the page shows."""

_OF_KIND = {"run": ("/run", "page-of-run"), "card": ("/card", "page-of-card")}
"""Kind → path and text of the page of its kind."""

MAX_LINKED = 200
"""Most objects in a list of a page."""


def object_page(explorer: Explorer, query: Query) -> Page:
    """Return the page of a logged manifest."""
    row = explorer.row_of(query.text("id"))
    identity = row["id"]
    if query.text("verify"):
        explorer.verdicts.ask_for(identity)
    if row["kind"] is None:  # logged without effect: it may be no manifest at all
        page = Page(page_text("explorer.object", id=identity))
        _verdict(page, explorer, query, row)
        return page
    manifest = explorer.manifest(row)
    page = Page(f"{manifest.name} {manifest.id.short}")
    _verdict(page, explorer, query, row)
    _facts(page, explorer, row, manifest)
    _links(page, explorer, page_text("explorer.inputs"),
           ((one.role, str(one.id)) for one in manifest.inputs))  # fmt: skip
    _links(page, explorer, page_text("explorer.used-by"), explorer.facts.users.get(identity, ()))
    _credentials(page, explorer, manifest)
    if manifest.attachments:
        part = page.part(page_text("explorer.attachments"))
        body = add_rows(part, titles_of("role", "#bytes", "blob"))
        for one in manifest.attachments:
            line = SubElement(body, "tr")
            add(line, "td", one.role)
            add(line, "td", f"{one.bytes:,}", {"class": "number"})
            add(line, "td", str(one.id), {"class": "digest"})
    _body(page, manifest)
    return page


def _verdict(page: Page, explorer: Explorer, query: Query, row: Row) -> None:
    identity = row["id"]
    judged = explorer.judgement_of(identity)
    line = SubElement(page.main, "p", id="verdict-line")
    add_judgement(line, judged, after=" ")
    add(line, "span", judged.detail, {"class": "quiet"}, after=" ")
    if row["kind"] in _OF_KIND:
        path, key = _OF_KIND[row["kind"]]
        add_link(line, page_text(f"explorer.{key}"), href(f"{path}/{identity}"), after=" ")
    known = explorer.verdicts.known.objects.get(identity)
    if known is None:
        if identity in explorer.verdicts.waiting:
            page.again = 1
        elif row["kind"] is not None:
            add_link(line, page_text("explorer.verify"), query.href(verify="1"))
        return
    part = page.part(page_text("explorer.verdict"))
    add(part, "p", page_text("explorer.verified-at", verdict=known.verdict, at=known.at),
        {"class": known.verdict})  # fmt: skip
    listed = SubElement(part, "ul", {"class": "checks"})
    for check in known.checks:
        state = CheckState(check.state)
        if state is CheckState.NOT_APPLICABLE:
            continue
        item = SubElement(listed, "li", {"data-check": check.id, "data-state": check.state})
        mark = {"class": f"mark {check.state}"}
        add(item, "span", f"{SYMBOL[state]} {STATE[state]}", mark, after=" ")
        add(item, "strong", check.id, after=" ")
        add(item, "span", check.summary)
    more = SubElement(part, "details")
    add(more, "summary", page_text("explorer.not-proven"))
    limits = SubElement(more, "ul")
    for sentence in known.not_proven:
        add(limits, "li", sentence)


def _facts(page: Page, explorer: Explorer, row: Row, manifest: Manifest) -> None:
    facts = SubElement(page.main, "dl")
    add_fact(facts, page_text("explorer.kind"), manifest.kind)
    versions = explorer.facts.names.get(manifest.name, ())
    value = add_fact(facts, page_text("explorer.name"), "")
    add_link(value, manifest.name, href("/name", name=manifest.name))
    if row["id"] in versions:
        place = versions.index(row["id"]) + 1
        add_fact(facts, page_text("explorer.version"),
                 page_text("explorer.of", part=place, whole=len(versions)))  # fmt: skip
    add_fact(facts, "id", str(manifest.id), kind="digest")
    add_fact(facts, page_text("explorer.by"), f"{explorer.key_name(manifest.author)}")
    add_fact(facts, page_text("explorer.key"), manifest.author, kind="digest")
    add_fact(facts, page_text("explorer.when"), manifest.created)
    if seen := explorer.existed_by(row):
        add_fact(facts, page_text("explorer.existed-by"), seen)
    value = add_fact(facts, page_text("explorer.entry"), "")
    add_link(value, str(row["logIndex"]), href("/log", q=str(row["logIndex"])))
    if manifest.message:
        add_fact(facts, page_text("explorer.message"), manifest.message)
    if manifest.tree is not None:
        add_fact(facts, page_text("explorer.tree"), str(manifest.tree), kind="digest")
    value = add_fact(facts, page_text("explorer.more"), "")
    add_links(value, explorer.ways_from(manifest))


def _links(page: Page, explorer: Explorer, heading: str, linked: Iterable[tuple[str, str]]) -> None:
    some = list(linked)
    if not some:
        return
    part = page.part(heading)
    body = add_rows(part, titles_of("role", "kind", "name", "when", "verdict"), label=heading)
    for role, identity in some[:MAX_LINKED]:
        found = explorer.facts.objects.get(identity)
        line = SubElement(body, "tr")
        add(line, "td", role)
        if found is None:
            add(line, "td", "")
            add(line, "td", identity, {"class": "digest"})
            add(line, "td", "")
            add_badge(SubElement(line, "td"), "invalid", page_text("explorer.not-logged"))
            continue
        add_object(line, explorer, found)
    if len(some) > MAX_LINKED:
        add(part, "p", page_text("explorer.more-not-shown", count=len(some) - MAX_LINKED))


def add_object(line: Element, explorer: Explorer, row: Row) -> None:
    """Add cells with kind, name, date and verdict of an object to the row of a table."""
    add(line, "td", row["kind"] or "")
    add_link(
        SubElement(line, "td", {"class": "long"}), row["name"] or row["id"], object_href(row["id"])
    )
    add(line, "td", row["created"] or "", {"class": "whole"})
    add_judgement(SubElement(line, "td"), explorer.judgement_of(row["id"]))


def _credentials(page: Page, explorer: Explorer, manifest: Manifest) -> None:
    repository = explorer.store.repository
    about = {manifest.id, manifest.tree, manifest.files} - {None}
    found: dict[Digest, int] = {}
    for identity in about:
        if identity is not None:
            found |= {one.id: one.index for one in repository.credentials_about(identity)}
    if not found:
        return
    part = page.part(page_text("explorer.credentials"))
    body = add_rows(part, titles_of("#entry", "kind", "name", "by", "verdict"))
    for identity, index in sorted(found.items(), key=lambda item: item[1]):
        row = explorer.facts.rows[index]
        line = SubElement(body, "tr")
        cell = SubElement(line, "td", {"class": "number"})
        add_link(cell, str(index), href("/log", q=str(index)))
        add(line, "td", row["kind"] or "credential")
        add(line, "td", row["name"] or str(identity))
        add(line, "td", explorer.key_name(row["author"]))
        add_judgement(SubElement(line, "td"), explorer.judgement_of(str(identity)))


def _body(page: Page, manifest: Manifest) -> None:
    details = SubElement(page.part(page_text("explorer.manifest")), "details")
    add(details, "summary", page_text("explorer.manifest-body"))
    try:
        text = json.dumps(manifest.body, ensure_ascii=False, indent=2)
    except (TypeError, LyrikstoreError):
        text = str(manifest.body)
    add_text(details, text[:MAX_BODY])
    if len(text) > MAX_BODY:
        add(details, "p", page_text("explorer.cut", count=len(text) - MAX_BODY))
