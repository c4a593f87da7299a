"""A run as one HTML page: candidates, resources, course of training."""

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.canon.text import pluralize
from lyrikstore.verify.evaluation.choice.passed_over import candidates_of
from lyrikstore.verify.evaluation.words import chosen_in_words
from lyrikstore.web.charts.timeline import timeline
from lyrikstore.web.html import add, add_footer, add_rests_on, add_table, headed_page
from lyrikstore.web.page_facts import Facts, carries
from lyrikstore.web.texts import page_text

_SHOWN = 40
_RESOURCES = (
    *("cpuSeconds", "wallSeconds", "memoryBytes", "acceleratorMemoryBytes"),
    *("costUsd", "energyKwh"),
)


def run_facts(
    run: Facts, checkpoint: Facts | None, history: Facts | None, *, store: str
) -> dict[str, Any]:
    """Return what the page shows of a run, and no more.

    Args:
        run: ``id``, ``name``, ``created`` and ``body`` of its manifest.
        checkpoint: The same of its final checkpoint; None: it has none.
        history: Its training history, ``history/1`` (spec 13.6.5); None: it took no steps.
        store: The store of the run.
    """
    body, made = run["body"], None
    if checkpoint is not None:
        of = checkpoint["body"]
        made = {name: checkpoint[name] for name in ("id", "name", "created")}
        made["body"] = {name: of[name] for name in ("chosen", "actual") if name in of}
    execution = {"by": body["execution"].get("by")} if "execution" in body else {}
    plan = {name: one for name, one in body.get("plan", {}).items() if name in _RESOURCES}
    return {
        **{name: run[name] for name in ("id", "name", "created")},
        "store": store,
        "checkpoint": made,
        "history": history,
        "body": {"execution": execution, "plan": plan, "records": body["order"]["records"]},
    }


@carries("run")
def run_page(facts: Facts, tool: str) -> Element:
    """Draw the page of a run.

    ATTACK: names contain text of an attacker; see :mod:`lyrikstore.web.html`.

    Args:
        facts: As :func:`run_facts` returns them.
        tool: Name and version of the program.
    """
    body, checkpoint = facts["body"], facts["checkpoint"]
    begun = "run.ended" if body["execution"].get("by") == "ended" else "run.announced"
    said = page_text(begun, created=facts["created"])
    html, main = headed_page(page_text("run.what"), facts["name"], (said,))
    records = body["records"]
    text = page_text("run.records", train=pluralize(records["train"], "record"))
    if "validation" in records:
        text += page_text("run.validation", count=pluralize(records["validation"], "record"))
    add(main, "p", f"{text}.")
    if checkpoint is None:
        add(main, "h2", page_text("run.no-checkpoint"))
    else:
        _tried(main, checkpoint["body"])
    _resources(main, body["plan"], {} if checkpoint is None else checkpoint["body"])
    if facts["history"] is not None:
        _history(main, facts["history"])
    rests = [(page_text("common.store"), facts["store"]), (page_text("run.run"), facts["id"])]
    if checkpoint is not None:
        rests.append((page_text("run.checkpoint"), checkpoint["id"]))
    add_rests_on(main, rests)
    footer = page_text("run.signed"), page_text("common.unsigned")
    add_footer(html, *footer, page_text("common.made", tool=tool))
    return html


def _tried(main: Element, body: Facts) -> None:
    chosen = body.get("chosen")
    if chosen is None:
        return
    lead = SubElement(main, "div", {"class": "lead", "id": "taken"})
    taken = page_text("run.taken", why=chosen_in_words(chosen))
    add(SubElement(lead, "p"), "strong", taken)
    rows = [
        (
            one.name,
            one.measured_text,
            page_text("run.is-taken") if one.is_taken else one.distance_text,
        )
        for one in candidates_of(chosen)
    ]
    titles = [page_text(f"run.column-{one}") for one in ("candidate", "reached", "distance")]
    add_table(main, titles, rows, words=3)


def _resources(main: Element, plan: Facts, body: Facts) -> None:
    actual: Mapping[str, Any] = body.get("actual", {})
    rows = [
        (
            page_text(f"run.{member}"),
            _planned(plan.get(member)),
            str(actual.get(member, page_text("run.not-measured"))),
        )
        for member in _RESOURCES
        if member in plan or member in actual
    ]
    if rows:
        add(main, "h2", page_text("run.resources"))
        titles = [page_text(f"run.column-{one}") for one in ("resource", "planned", "taken")]
        add_table(main, titles, rows)


def _planned(figure: Facts | None) -> str:
    if figure is None:
        return page_text("run.not-planned")
    return f"{figure['value']} ({figure['basis']})"


def _history(main: Element, history: Facts) -> None:
    losses = [float(one) for one in history["loss"]]
    each = -(-len(losses) // _SHOWN) or 1
    parts = [losses[at : at + each] for at in range(0, len(losses), each)]
    means = [sum(part) / len(part) for part in parts]
    steps = history["steps"]
    count = pluralize(steps, "step")
    add(main, "h2", page_text("run.history", candidate=history["candidate"], steps=count))
    if means:
        place = steps / len(means)
        points = [
            (page_text("run.step", number=round((at + 1) * place)), value)
            for at, value in enumerate(means)
        ]
        timeline(main, points, title=page_text("run.loss"))
    if epochs := history["epochs"]:
        points = [
            (page_text("run.epoch", number=at + 1), float(one["score"]))
            for at, one in enumerate(epochs)
        ]
        timeline(main, points, title=page_text("run.score"))
        rows = [(str(at + 1), one["trainLoss"], one["score"]) for at, one in enumerate(epochs)]
        titles = [page_text(f"run.column-{one}") for one in ("epoch", "loss", "metric")]
        add_table(main, titles, rows)
