"""Deployments and deliveries: what left the store, for whom, and whether it still may be used."""

from xml.etree.ElementTree import Element, SubElement

from lyrikstore.api.commands import evaluation_page, facts_of_evaluation
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.explorer.explorer import Explorer
from lyrikstore.explorer.graph.lineage import add_standing
from lyrikstore.explorer.graph.links import GraphNode
from lyrikstore.explorer.graph.standing import StoreMap, map_of
from lyrikstore.explorer.models.cards import BADGES
from lyrikstore.explorer.models.training import name_of
from lyrikstore.explorer.page import (
    Page,
    Query,
    SandboxedDocument,
    add_badge,
    add_choice,
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
from lyrikstore.index.log_view import event_text
from lyrikstore.web.html import add
from lyrikstore.web.texts import page_text

A_PAGE = 50
_KINDS = ("deployment", "delivery", "prediction")


def uses_page(explorer: Explorer, query: Query) -> Page:
    """Return the deployments, deliveries and recorded predictions, the newest first."""
    found = map_of(explorer)
    page = Page(page_text("explorer.uses"), place="/uses")
    form = add_form(page.main, query)
    kind = query.text("kind")
    options = [("", page_text("explorer.all-kinds")), *((one, one) for one in _KINDS)]
    add_choice(form, "kind", page_text("explorer.kind"), options, kind)
    add_search(form, query.text("q"), label=page_text("explorer.search-names"))
    wanted = query.text("q").casefold()
    nodes = [
        node
        for node in reversed(list(found.links.nodes.values()))
        if node.kind in _KINDS
        and (not kind or node.kind == kind)
        and node.flagged is None
        and node.is_called(wanted)
    ]
    at, pages, shown = page_of(nodes, query, A_PAGE)
    if not shown:
        page.add("p", page_text("explorer.uses-none"))
        return page
    titles = ("kind", "name", "state-now", "use", "subject-of", "card", "when", "verdict")
    body = add_rows(page.main, [page_text(f"explorer.{key}") for key in titles],
                    label=page_text("explorer.uses"))  # fmt: skip
    for node in shown:
        _add_use(explorer, found, SubElement(body, "tr"), node)
    first = (at - 1) * A_PAGE
    words = page_text("explorer.shown", first=first + 1, last=first + len(shown),
                      count=pluralize(len(nodes), "object"))  # fmt: skip
    add_pager(page.main, query, at, pages, words)
    return page


def _add_use(explorer: Explorer, found: StoreMap, row: Element, node: GraphNode) -> None:
    add(row, "td", node.kind, {"class": "whole"})
    add_link(SubElement(row, "th", scope="row"), name_of(found, node.id), object_href(node.id))
    try:
        made = explorer.store.repository.manifest(Digest.parse(node.id))
    except LyrikstoreError as error:
        add(row, "td", error.message, {"colspan": "6", "class": "problem"})
        return
    _add_state(explorer, found, SubElement(row, "td"), made)
    add(row, "td", event_text(made) or "")
    subject = next((item for item in made.inputs if item.role in {"checkpoint", "dataset"}), None)
    cell = SubElement(row, "td")
    if subject is not None:
        add_link(cell, name_of(found, str(subject.id)), object_href(str(subject.id)))
    _add_card(explorer, SubElement(row, "td"), made)
    add(row, "td", made.created, {"class": "moment"})
    add_judgement(SubElement(row, "td"), explorer.judgement_of(node.id))


def _add_state(explorer: Explorer, found: StoreMap, cell: Element, made: Manifest) -> None:
    """Add whether the rights to a use hold now: what became of it, and its recorded end."""
    now = format_timestamp(explorer.now)
    said = add_standing(explorer, found, cell, str(made.id))
    if credential := made.body.get("credential"):
        said = add_standing(explorer, found, cell, credential) or said
    until = made.body.get("rights", {}).get("until") if made.kind == "deployment" else None
    if until is not None and until < now:
        add_badge(cell, "withdrawn", page_text("explorer.rights-ended"), title=until, after=" ")
    elif until is not None and not said:
        add_badge(cell, "quiet", page_text("explorer.rights-until", until=until[:10]), after=" ")
    elif not said:
        add(cell, "span", page_text("explorer.nothing-against"), {"class": "quiet"})


def _add_card(explorer: Explorer, cell: Element, made: Manifest) -> None:
    cards = made.inputs_in("card")
    if not cards:
        return
    try:
        card = explorer.store.repository.manifest(cards[0].id)
        word = explorer.store.models.card_status(card).word
    except LyrikstoreError as error:
        add(cell, "span", error.message, {"class": "problem"})
        return
    link = href(f"/card/{card.id}")
    add_link(cell, page_text(f"explorer.card-{word}"), link, kind=f"badge {BADGES[word]}")


def evaluation_document(explorer: Explorer, query: Query) -> SandboxedDocument:
    """Return an evaluation with its charts, drawn as `evaluate --html` draws it.

    Raises:
        LyrikstoreError: As :meth:`Explorer.row_of` and :meth:`lyrikstore.api.models.Models.report`.
    """
    store = explorer.store
    manifest = store.resolve(explorer.row_of(query.text("id"))["id"].removeprefix("blake3:"))
    report = store.models.report(manifest.id.hex)
    return SandboxedDocument(evaluation_page(facts_of_evaluation(store, manifest, report)))
