"""Rules, waivers and decisions: what the rules of the namespaces permitted, and by whose waiver."""

from xml.etree.ElementTree import Element, SubElement

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.text import pluralize
from lyrikstore.explorer.explorer import Explorer
from lyrikstore.explorer.page import (
    Page,
    Query,
    add_badge,
    add_form,
    add_judgement,
    add_link,
    add_pager,
    add_rows,
    add_search,
    object_href,
    page_of,
)
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.web.html import add
from lyrikstore.web.texts import page_text

A_PAGE = 100


def rules_page(explorer: Explorer, query: Query) -> Page:
    """Return the packs of rules in force, the waivers, and the decisions, the newest first."""
    page = Page(page_text("explorer.rules"), place="/rules")
    objects = explorer.facts.objects
    packs = [ids[-1] for name, ids in explorer.facts.names.items() if name.startswith("rules/")]
    part = page.part(page_text("explorer.packs"))
    if packs:
        titles = ("name", "pack", "when", "by", "verdict")
        body = add_rows(part, [page_text(f"explorer.{key}") for key in titles])
        for identity in packs:
            row = SubElement(body, "tr")
            one = objects[identity]
            add_link(SubElement(row, "th", scope="row"), one["name"], object_href(identity))
            add(row, "td", one["eventText"] or "")
            _add_signed(explorer, row, identity)
    else:
        add(part, "p", page_text("explorer.packs-none"))
    _add_waivers(page, explorer)
    _add_decisions(page, explorer, query)
    return page


def _add_signed(explorer: Explorer, row: Element, identity: str) -> None:
    one = explorer.facts.objects[identity]
    add(row, "td", one["created"] or "", {"class": "moment"})
    add(row, "td", explorer.key_name(one["author"]))
    add_judgement(SubElement(row, "td"), explorer.judgement_of(identity))


def _add_waivers(page: Page, explorer: Explorer) -> None:
    part = page.part(page_text("explorer.waivers"))
    ids = _of_kind(explorer, "waiver")
    if not ids:
        add(part, "p", page_text("explorer.waivers-none"), {"class": "quiet"})
        return
    titles = ("rule", "state-now", "subject-of", "reason", "liable", "when", "by", "verdict")
    body = add_rows(part, [page_text(f"explorer.{key}") for key in titles])
    for identity in ids[:A_PAGE]:
        row = SubElement(body, "tr")
        try:
            waiver = explorer.store.repository.manifest(Digest.parse(identity))
        except LyrikstoreError as error:
            add(row, "td", error.message, {"colspan": str(len(titles)), "class": "problem"})
            continue
        _add_waiver(explorer, row, waiver)
    if len(ids) > A_PAGE:
        add(part, "p", page_text("explorer.more-objects", count=len(ids) - A_PAGE))


def _add_waiver(explorer: Explorer, row: Element, waiver: Manifest) -> None:
    identity, said = str(waiver.id), waiver.body
    add_link(SubElement(row, "th", scope="row"), said["rule"], object_href(identity))
    versions = explorer.facts.names.get(waiver.name, ())
    is_current = bool(versions) and versions[-1] == identity
    is_ended = not is_current or said["until"] < f"{explorer.now:%Y-%m-%d}"
    state, key = ("withdrawn", "waiver-ended") if is_ended else ("quiet", "waiver-until")
    text = page_text(f"explorer.{key}", until=said["until"])
    add_badge(SubElement(row, "td"), state, text)
    cell = SubElement(row, "td")
    for item in waiver.inputs:
        if item.kind != "rules":
            about = explorer.facts.objects.get(str(item.id))
            name = str(item.id) if about is None else str(about["name"])
            add_link(cell, name, object_href(str(item.id)), after=" ")
    add(row, "td", said.get("reason", ""))
    add(row, "td", said.get("liable", ""))
    _add_signed(explorer, row, identity)


def _add_decisions(page: Page, explorer: Explorer, query: Query) -> None:
    part = page.part(page_text("explorer.rule-decisions"), anchor="decisions")
    wanted = query.text("q")
    form = add_form(part, query)
    add_search(form, wanted, label=page_text("explorer.search-names"))
    objects = explorer.facts.objects
    ids = [
        one
        for one in _of_kind(explorer, "decision")
        if wanted.casefold() in f"{objects[one]['name']} {objects[one]['eventText']}".casefold()
    ]
    at, pages, shown = page_of(ids, query, A_PAGE)
    if not shown:
        add(part, "p", page_text("explorer.rule-decisions-none"), {"class": "quiet"})
        return
    titles = ("name", "answer-of", "when", "by", "verdict")
    body = add_rows(part, [page_text(f"explorer.{key}") for key in titles])
    for identity in shown:
        row = SubElement(body, "tr")
        one = objects[identity]
        add_link(SubElement(row, "th", scope="row"), one["name"], object_href(identity))
        add(row, "td", one["eventText"] or "")
        _add_signed(explorer, row, identity)
    first = (at - 1) * A_PAGE
    words = page_text("explorer.shown", first=first + 1, last=first + len(shown),
                      count=pluralize(len(ids), "decision"))  # fmt: skip
    add_pager(part, query, at, pages, words)


def _of_kind(explorer: Explorer, kind: str) -> list[str]:
    """Return the ids of all objects of a kind, the newest first."""
    objects = explorer.facts.objects
    return [one for one in reversed(list(objects)) if objects[one]["kind"] == kind]
