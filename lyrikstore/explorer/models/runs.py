"""Runs: the table of all, from which some are chosen to be compared, and the page of one."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError
from lyrikstore.explorer.explorer import Explorer
from lyrikstore.explorer.graph.lineage import add_standing, object_link
from lyrikstore.explorer.graph.standing import StoreMap, map_of
from lyrikstore.explorer.models.training import (
    RESOURCES,
    Training,
    deciding,
    history_of,
    name_of,
    registered,
    training_of,
)
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
    href,
)
from lyrikstore.verify.evaluation.choice.passed_over import candidates_of
from lyrikstore.verify.evaluation.words import (
    METRICS,
    baseline_name,
    chosen_in_words,
    figures_of,
    result_in_words,
    seen_in_words,
)
from lyrikstore.web.charts import ForestRow, forest, timeline
from lyrikstore.web.html import add, add_list
from lyrikstore.web.texts import page_text

A_PAGE = 50
MOST_COMPARED = 6
PICK = "run-"
"""Beginning of the parameters that choose runs to be compared; the rest is an id."""

_SHOWN = 40


def runs_page(explorer: Explorer, query: Query) -> Page:
    """Return the table of all runs, the newest first."""
    found = map_of(explorer)
    page = Page(page_text("explorer.runs"), place="/runs")
    wanted = query.text("q").casefold()
    form = add_form(page.main, query)
    add_search(form, query.text("q"), label=page_text("explorer.search-names"))
    ids = [
        node.id
        for node in reversed(list(found.links.nodes.values()))
        if node.kind == "run" and node.is_called(wanted)
    ]
    if not ids:
        page.add("p", page_text("explorer.runs-none"))
        return page
    at = max(query.number("page"), 1)
    first, pages = (at - 1) * A_PAGE, max(-(-len(ids) // A_PAGE), 1)
    shown = ids[first : first + A_PAGE]
    chosen = SubElement(page.main, "form", {"action": "/runs/compare"})
    body = add_rows(
        chosen, [page_text(f"explorer.{key}") for key in _COLUMNS], label=page_text("explorer.runs")
    )
    for identity in shown:
        _add_run(explorer, found, SubElement(body, "tr"), identity)
    line = SubElement(chosen, "p", {"class": "choose"})
    add(line, "button", page_text("explorer.compare-runs"), {"class": "primary"})
    add(line, "span", page_text("explorer.compare-hint", most=MOST_COMPARED), {"class": "quiet"})
    words = page_text("explorer.shown", first=first + 1, last=first + len(shown), count=len(ids))
    add_pager(page.main, query, at, pages, words)
    return page


_COLUMNS = (
    *("pick", "run-name", "run-status", "metric", "run-data", "base", "chosen"),
    *("resource-time", "resource-energy", "resource-cost", "when"),
)


def _add_run(explorer: Explorer, found: StoreMap, row: Element, identity: str) -> None:
    node = found.links.nodes[identity]
    name = name_of(found, identity)
    pick = {"type": "checkbox", "name": f"{PICK}{identity}", "value": "1"}
    pick["aria-label"] = page_text("explorer.pick-run", what=name)
    SubElement(SubElement(row, "td", {"class": "whole"}), "input", pick)
    add_link(SubElement(row, "th", scope="row"), name, object_link(node))
    try:
        training = training_of(explorer, found, identity)
    except LyrikstoreError as error:
        add(row, "td", error.message, {"colspan": "9", "class": "problem"})
        return
    add_status(explorer, found, SubElement(row, "td"), training, flagged=node.flagged)
    for text in (training.metric, training.data.get("train", ""), training.base, training.chosen):
        add(row, "td", text)
    for member in ("wallSeconds", "energyKwh", "costUsd"):
        add(row, "td", training.used(member), {"class": "number"})
    add(row, "td", training.run.created, {"class": "moment"})


def add_status(
    explorer: Explorer, found: StoreMap, cell: Element, training: Training, *, flagged: str | None
) -> None:
    """Add what is known of a run: its verdict, whether it gave a model, and what became of that."""
    identity = str(training.run.id)
    add_judgement(cell, explorer.judgement_of(identity))
    cell[-1].tail = " "
    if training.checkpoint is None and flagged is None:
        add_badge(cell, "doubt", page_text("explorer.no-checkpoint"), after=" ")
    add_standing(explorer, found, cell, identity)


def run_page(explorer: Explorer, query: Query) -> Page:
    """Return the page of one run.

    Raises:
        InvalidInputError: (``wrong-object``) it is no run.
        LyrikstoreError: A manifest is lost or damaged; as :meth:`Explorer.row_of`.
    """
    found = map_of(explorer)
    row = explorer.row_of(query.text("id"))
    if row["kind"] != "run":
        raise InvalidInputError("wrong-object", f"{row['name']} is not a run")
    training = training_of(explorer, found, row["id"])
    page = Page(page_text("explorer.run-of", what=training.name), place="/runs")
    line = SubElement(page.main, "p")
    add_status(explorer, found, line, training, flagged=row["flagged"])
    add_link(line, page_text("explorer.lineage"), href(f"/lineage/{row['id']}"), after=" ")
    add_link(line, page_text("explorer.impact-link"), href(f"/impact/{row['id']}"))
    ended = training.body.get("execution", {}).get("by") == "ended"
    facts = [
        (page_text("explorer.run-ended" if ended else "explorer.run-announced"), row["created"]),
        (page_text("explorer.by"), explorer.key_name(row["author"])),
        *((page_text(f"explorer.data-{role}"), names) for role, names in training.data.items()),
        (page_text("explorer.base"), training.base),
    ]
    add_list(page.main, [(title, text) for title, text in facts if text])
    _add_candidates(page, training)
    _add_resources(page, training)
    _add_history(page, history_of(explorer, training))
    _add_evaluations(page, explorer, training)
    settings = page.part(page_text("explorer.settings"))
    details = SubElement(settings, "details")
    add(details, "summary", page_text("explorer.settings-all"))
    add_list(details, registered(training).items())
    return page


def _add_candidates(page: Page, training: Training) -> None:
    if training.checkpoint is None:
        add(page.main, "p", page_text("explorer.gave-no-checkpoint"), {"class": "lead warn"})
        return
    model = SubElement(page.main, "p")
    add(model, "span", page_text("explorer.gave"), {"class": "quiet"}, after=" ")
    identity = str(training.checkpoint.id)
    add_link(model, training.checkpoint.name, href(f"/object/{identity}"), after=" ")
    add_link(model, page_text("explorer.card-of"), href("/cards", q=training.checkpoint.name))
    chosen = training.reached.get("chosen")
    if chosen is None:
        return
    part = page.part(page_text("explorer.taken", why=chosen_in_words(chosen)))
    titles = [page_text(f"explorer.{key}") for key in ("candidate", "reached", "distance")]
    body = add_rows(part, titles)
    for one in candidates_of(chosen):
        row = SubElement(body, "tr")
        add(row, "th", one.name, scope="row")
        add(row, "td", one.measured_text)
        add(row, "td", page_text("explorer.is-taken") if one.is_taken else one.distance_text)


def _add_resources(page: Page, training: Training) -> None:
    rows = [
        (page_text(f"explorer.resource-{key}"), training.planned(member), training.used(member))
        for member, key in RESOURCES
    ]
    rows = [row for row in rows if row[1] or row[2]]
    if not rows:
        return
    part = page.part(page_text("explorer.resources"))
    body = add_rows(
        part,
        [
            page_text("explorer.resource"),
            *(f"#{page_text(f'explorer.{key}')}" for key in ("planned", "used")),
        ],
    )
    for title, planned, used in rows:
        row = SubElement(body, "tr")
        add(row, "th", title, scope="row")
        add(row, "td", planned, {"class": "number"})
        add(row, "td", used, {"class": "number"})


def _add_history(page: Page, history: Mapping[str, Any] | None) -> None:
    if history is None:
        return
    part = page.part(page_text("explorer.history-of", what=history["candidate"]))
    add_curves(part, history)


def add_curves(parent: Element, history: Mapping[str, Any]) -> None:
    """Add the loss of a training and its metric after each epoch."""
    losses = [float(one) for one in history["loss"]]
    each = -(-len(losses) // _SHOWN) or 1
    means = [sum(losses[at : at + each]) / len(losses[at : at + each])
             for at in range(0, len(losses), each)]  # fmt: skip
    place = history["steps"] / max(1, len(means))
    if means:
        points = [(page_text("explorer.step", count=round((at + 1) * place)), value)
                  for at, value in enumerate(means)]  # fmt: skip
        timeline(parent, points, title=page_text("explorer.loss"))
    if history["epochs"]:
        points = [(page_text("explorer.epoch", count=at + 1), float(one["score"]))
                  for at, one in enumerate(history["epochs"])]  # fmt: skip
        timeline(parent, points, title=page_text("explorer.validation-metric"))


def _add_evaluations(page: Page, explorer: Explorer, training: Training) -> None:
    if training.checkpoint is None:
        return
    part = page.part(page_text("explorer.evaluations"))
    if training.result is None:
        add(part, "p", page_text("explorer.evaluations-none", what=training.checkpoint.name))
    else:
        add_figures(part, training.result)
    every = [*training.evaluations, *training.monitors]
    if not every:
        return
    titles = [page_text(f"explorer.{key}") for key in ("evaluation", "when", "result", "verdict")]
    body = add_rows(part, titles)
    for one in every:
        row = SubElement(body, "tr")
        cell = SubElement(row, "th", scope="row")
        add_link(cell, one.name, href(f"/object/{one.id}"), after=" ")
        if one.attachments_in("predictions") and one not in training.monitors:
            add_link(cell, page_text("explorer.drawn"), href(f"/evaluation/{one.id}"))
        add(row, "td", one.created, {"class": "moment"})
        add(row, "td", result_in_words(one.body))
        add_judgement(SubElement(row, "td"), explorer.judgement_of(str(one.id)))


def add_figures(parent: Element, body: Mapping[str, Any]) -> None:
    """Add the metrics of a model beside its baselines, the deciding one first."""
    further: Sequence[Mapping[str, Any]] = body.get("baselines", ())
    compared = [*([body["baseline"]] if "baseline" in body else []), *further]
    systems = [(page_text("explorer.the-model"), body["model"])]
    systems += [(baseline_name(one["method"]), one) for one in compared]
    if "majority" in body:
        systems.append((page_text("explorer.commonest"), body["majority"]))
    first = deciding(body)
    metrics = sorted(figures_of(body["model"]), key=lambda name: name != first)
    box = SubElement(parent, "div", {"class": "panels"})
    for metric in metrics:
        rows = [
            ForestRow.of(name, figures_of(system)[metric], series=min(at, 1))
            for at, (name, system) in enumerate(systems)
            if metric in figures_of(system)
        ]
        forest(box, rows, title=METRICS[metric])
    if seen := seen_in_words(body):
        add(parent, "p", f"{seen}.", {"class": "quiet"})
