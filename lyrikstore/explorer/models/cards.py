"""Cards: their status, what is open, who approved them with which words, what changed."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError, NotFoundError
from lyrikstore.canon.text import pluralize
from lyrikstore.explorer.explorer import Explorer
from lyrikstore.explorer.graph.lineage import add_standing
from lyrikstore.explorer.graph.links import GraphNode
from lyrikstore.explorer.graph.standing import StoreMap, map_of
from lyrikstore.explorer.models.training import name_of
from lyrikstore.explorer.page import (
    Page,
    Query,
    SandboxedDocument,
    add_badge,
    add_form,
    add_judgement,
    add_link,
    add_pager,
    add_rows,
    add_search,
    href,
    object_href,
    page_of,
)
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.approval import CardStatus
from lyrikstore.publish.cards.compare import compare_cards
from lyrikstore.publish.cards.document import read_content
from lyrikstore.publish.cards.sources import text_of
from lyrikstore.web.html import add
from lyrikstore.web.texts import page_text

A_PAGE = 50
_MOST_WITHOUT = 50

BADGES = {
    "approved": "approved",
    "self-approved": "doubt",
    "complete": "doubt",
    "draft": "draft",
    "withdrawn": "withdrawn",
    "superseded": "stale",
}
"""Word of a card's status → class of its badge."""


def cards_page(explorer: Explorer, query: Query) -> Page:
    """Return the table of the current cards, or of all, and the models without one."""
    found = map_of(explorer)
    page = Page(page_text("explorer.cards"), place="/cards")
    form = add_form(page.main, query)
    earlier = query.text("earlier") == "yes"
    box = {
        "type": "checkbox",
        "name": "earlier",
        "value": "yes",
        **({"checked": ""} if earlier else {}),
    }
    field = SubElement(form, "label")
    SubElement(field, "input", box).tail = page_text("explorer.cards-earlier")
    add_search(form, query.text("q"), label=page_text("explorer.search-names"))
    wanted = query.text("q").casefold().partition("/")[2] or query.text("q").casefold()
    cards = [
        node
        for node in reversed(list(found.links.nodes.values()))
        if node.kind == "card"
        and (node.is_current or earlier)
        and node.flagged is None
        and node.is_called(wanted)
    ]
    at, pages, shown = page_of(cards, query, A_PAGE)
    if shown:
        titles = ("card", "card-status", "subject-of", "card-open", "approvals", "when", "verdict")
        body = add_rows(page.main, [page_text(f"explorer.{key}") for key in titles],
                        label=page_text("explorer.cards"))  # fmt: skip
        for node in shown:
            _add_card(explorer, found, SubElement(body, "tr"), node)
        first = (at - 1) * A_PAGE
        words = page_text("explorer.shown", first=first + 1, last=first + len(shown),
                          count=pluralize(len(cards), "card"))  # fmt: skip
        add_pager(page.main, query, at, pages, words)
    else:
        page.add("p", page_text("explorer.cards-none"))
    _add_without(page, found)
    return page


def _add_card(explorer: Explorer, found: StoreMap, row: Element, node: GraphNode) -> None:
    cell = SubElement(row, "th", scope="row")
    add_link(cell, name_of(found, node.id), href(f"/card/{node.id}"))
    try:
        card = explorer.store.repository.manifest(Digest.parse(node.id))
        status = explorer.store.models.card_status(card)
    except LyrikstoreError as error:
        add(row, "td", error.message, {"colspan": "6", "class": "problem"})
        return
    cell, word = SubElement(row, "td"), page_text(f"explorer.card-{status.word}")
    add_badge(cell, BADGES[status.word], word, title=status.why, after=" ")
    add_standing(explorer, found, cell, node.id)
    subject = subject_of(card)
    add_link(SubElement(row, "td"), name_of(found, subject), object_href(subject))
    add(row, "td", str(_open(card)), {"class": "number"})
    add(row, "td", _counted(status), {"class": "whole"})
    add(row, "td", card.created, {"class": "moment"})
    add_judgement(SubElement(row, "td"), explorer.judgement_of(node.id))


def subject_of(card: Manifest) -> str:
    """Return the id of the checkpoint or dataset that a card is about."""
    for item in card.inputs:
        if item.role == "checkpoint":
            return str(item.id)
    return str(card.inputs[0].id)


def _open(card: Manifest) -> int:
    return sum(int(one["open"]) for one in card.body.get("profiles", ()))


def _counted(status: CardStatus) -> str:
    if not status.needed:
        return str(len(status.approvals)) if status.approvals else ""
    return page_text("explorer.approvals-of", count=len(status.approvals), needed=status.needed)


def _add_without(page: Page, found: StoreMap) -> None:
    """Add the current models that no card is about."""
    nodes = found.links.nodes
    without = [
        node
        for node in nodes.values()
        if node.kind == "checkpoint"
        and node.is_current
        and any(link.role == "run" for link in found.links.above(node.id))
        and not any(nodes[link.child].kind == "card" for link in found.links.below(node.id))
    ]
    if not without:
        return
    part = page.part(page_text("explorer.without-card"))
    listed = SubElement(part, "ul")
    for node in without[:_MOST_WITHOUT]:
        item = SubElement(listed, "li")
        add_link(item, node.name, object_href(node.id), after=" ")
        add(item, "code", f"lyrikstore card {node.name}")
    if len(without) > _MOST_WITHOUT:
        more = page_text("explorer.more-objects", count=len(without) - _MOST_WITHOUT)
        add(listed, "li", more)


def card_page(explorer: Explorer, query: Query) -> Page:
    """Return the page of one card: status, decisions, requirements, changes, what to type next.

    Raises:
        InvalidInputError: (``wrong-object``) it is no card.
        LyrikstoreError: As :meth:`Explorer.row_of`; it is lost, damaged or retired.
    """
    found = map_of(explorer)
    card = _card(explorer, query)
    status = explorer.store.models.card_status(card)
    page = Page(
        page_text("explorer.card-of-name", what=name_of(found, str(card.id))), place="/cards"
    )
    line = SubElement(page.main, "p")
    add_judgement(line, explorer.judgement_of(str(card.id)), after=" ")
    add_standing(explorer, found, line, str(card.id))
    add_link(line, page_text("explorer.lineage"), href(f"/lineage/{card.id}"), after=" ")
    add_link(line, page_text("explorer.manifest-link"), object_href(str(card.id)))
    box = SubElement(page.main, "div", {"class": f"lead {BADGES[status.word]}", "id": "status"})
    add(box, "strong", page_text(f"explorer.card-{status.word}"))
    add(box, "p", f"{status.why[:1].upper()}{status.why[1:]}.")
    subject = subject_of(card)
    line = SubElement(page.main, "p")
    add(line, "span", page_text("explorer.card-about"), after=" ")
    add_link(line, name_of(found, subject), object_href(subject), after=". ")
    if card.attachments_in("html"):
        link = href(f"/card/{card.id}/page")
        add_link(line, page_text("explorer.card-drawn"), link, kind="button")
    content = _content(explorer, card)
    _add_decisions(page, explorer, card)
    if content is not None:
        _add_requirements(page, content)
        _add_changes(page, explorer, found, card, content)
    _add_next(page, found.links.nodes[subject].name if subject in found.links.nodes else subject,
              card, status)  # fmt: skip
    return page


def card_document(explorer: Explorer, query: Query) -> SandboxedDocument:
    """Return the drawn card, as it was signed.

    Raises:
        NotFoundError: (``no-file``) the card was drawn in other forms only.
        LyrikstoreError: As :func:`card_page`.
    """
    card = _card(explorer, query)
    if not card.attachments_in("html"):
        raise NotFoundError("no-file", f"{card.name} has no drawn page")
    return SandboxedDocument(text_of(explorer.store.repository, card, "html"))


def _card(explorer: Explorer, query: Query) -> Manifest:
    row = explorer.row_of(query.text("id"))
    if row["kind"] != "card":
        raise InvalidInputError("wrong-object", f"{row['name']} is not a card")
    return explorer.store.repository.manifest(Digest.parse(row["id"]))


def _content(explorer: Explorer, card: Manifest) -> Mapping[str, Any] | None:
    """Return the content of a card; None of one whose text was retired, or of version 0.1.0."""
    try:
        return read_content(text_of(explorer.store.repository, card))
    except (LyrikstoreError, IndexError):
        return None


def _add_decisions(page: Page, explorer: Explorer, card: Manifest) -> None:
    rows = explorer.store.query.decisions_about([card])[card.id]
    part = page.part(page_text("explorer.decisions"), anchor="decisions")
    if not rows:
        add(part, "p", page_text("explorer.decisions-none"), {"class": "quiet"})
        return
    add(part, "p", rows[0]["ruleText"], {"class": "quiet"})
    titles = ("by", "decision", "words", "when", "counts", "verdict")
    body = add_rows(part, [page_text(f"explorer.{key}") for key in titles])
    for one in rows:
        row = SubElement(body, "tr")
        add(row, "th", explorer.key_name(one["author"]), scope="row")
        state = "approved" if one["decision"] == "approve" else "withdrawn"
        cell = SubElement(row, "td")
        add_badge(cell, state, page_text(f"explorer.decision-{one['decision']}"))
        if one["self"]:
            add(cell, "span", f" {page_text('explorer.own-work')}", {"class": "quiet"})
        add(row, "td", one["statement"])
        add(row, "td", one["created"], {"class": "moment"})
        add(
            row,
            "td",
            page_text("explorer.counts-yes" if one["isCounted"] else "explorer.counts-no"),
        )
        add_judgement(SubElement(row, "td"), explorer.judgement_of(one["approval"]))


def _add_requirements(page: Page, content: Mapping[str, Any]) -> None:
    texts = {one["id"]: one for one in content["statements"]}
    for profile in content["profiles"]:
        part = page.part(page_text("explorer.requirements", what=profile["title"]))
        titles = ("clause", "asks", "requirement-state", "answered-by")
        body = add_rows(part, [page_text(f"explorer.{key}") for key in titles])
        for one in sorted(profile["items"], key=lambda item: not _is_waiting(item)):
            row = SubElement(body, "tr")
            add(row, "th", one["clause"], scope="row")
            add(row, "td", one["asks"])
            _add_item_state(SubElement(row, "td"), one)
            add(row, "td", "; ".join(_titles(one["statements"], texts)))


def _titles(names: Sequence[str], texts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(texts[name]["title"] for name in names if name in texts))


def _is_waiting(item: Mapping[str, Any]) -> bool:
    return bool(item["contradicted"] or (item["open"] and item["required"]))


def _add_item_state(cell: Element, item: Mapping[str, Any]) -> None:
    if item["contradicted"]:
        add_badge(cell, "contradicted", page_text("explorer.item-contradicted"))
    elif not item["open"]:
        add_badge(cell, "good", page_text("explorer.item-answered"))
    elif item["required"]:
        add_badge(cell, "doubt", page_text("explorer.item-open"))
    else:
        add_badge(cell, "not-applicable", page_text("explorer.item-optional"))


def _add_changes(
    page: Page, explorer: Explorer, found: StoreMap, card: Manifest, content: Mapping[str, Any]
) -> None:
    if not card.parents:
        return
    try:
        before = explorer.store.repository.manifest(card.parents[0])
    except LyrikstoreError:
        return
    earlier = _content(explorer, before)
    if earlier is None:
        return
    part = page.part(page_text("explorer.changes"), anchor="changes")
    line = SubElement(part, "p")
    add(line, "span", page_text("explorer.changes-since"), after=" ")
    add_link(line, name_of(found, str(before.id)), href(f"/card/{before.id}"))
    changes = compare_cards(earlier, content)
    if not changes:
        add(part, "p", page_text("explorer.changes-none"))
        return
    titles = ("statement", "text-was", "text-now")
    body = add_rows(part, [page_text(f"explorer.{key}") for key in titles])
    for one in changes:
        row = SubElement(body, "tr")
        add(row, "th", one.title, scope="row")
        add(row, "td", one.was, {"class": "removed" if one.was else ""})
        add(row, "td", one.now, {"class": "added" if one.now else ""})


def _add_next(page: Page, subject: str, card: Manifest, status: CardStatus) -> None:
    part = page.part(page_text("explorer.what-next"), anchor="next")
    commands = []
    if status.word in {"draft", "superseded"} or _open(card):
        commands.append(("next-draft", f"lyrikstore card {subject} --draft for-the-expert"))
    if status.word in {"complete", "withdrawn"}:
        commands.append(("next-approve", f"lyrikstore approve {card.name}"))
    commands += [
        ("next-verify", f"lyrikstore verify {card.id.hex[:12]}"),
        ("next-file", f"lyrikstore card {subject} -o card.html"),
    ]
    listed = SubElement(part, "dl")
    for key, command in commands:
        add(listed, "dt", page_text(f"explorer.{key}"))
        add(SubElement(listed, "dd"), "code", command)
