"""A run as one HTML page: candidates, resources, course of training."""

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from lyrikstore.canon.text import pluralize
from lyrikstore.verify.evaluation.choice.passed_over import candidates_of
from lyrikstore.verify.evaluation.words import chosen_in_words
from lyrikstore.web.charts import timeline
from lyrikstore.web.html import add, add_table, headed_page, page_bytes

_SHOWN = 40
_RESOURCES = (
    ("cpuSeconds", "processor time, s"),
    ("wallSeconds", "wall-clock time, s"),
    ("memoryBytes", "peak memory, bytes"),
    ("acceleratorMemoryBytes", "peak memory of the accelerator, bytes"),
    ("costUsd", "cost, USD"),
    ("energyKwh", "energy, kWh"),
)

Facts = Mapping[str, Any]


def run_page(run: Facts, checkpoint: Facts | None, history: Facts | None, *, tool: str) -> bytes:
    """Return the page of a run.

    ATTACK: names contain text of an attacker; see :mod:`lyrikstore.web.html`.

    Args:
        run: ``name``, ``created`` and ``body`` of its manifest.
        checkpoint: ``name``, ``created`` and ``body`` of its final checkpoint; None: it has none.
        history: Its training history, ``history/1`` (spec 13.6.5); None: it took no steps.
        tool: Name and version of the program.
    """
    html, main = headed_page(f"Run {run['name']}", run["name"])
    body = run["body"]
    records = body["order"]["records"]
    ended = body.get("execution", {}).get("by") == "ended"
    begun = "Signed {}, when it had ended." if ended else "Announced {}, before its first step."
    validating = ""
    if "validation" in records:
        validating = f", {pluralize(records['validation'], 'record')} to validate on"
    text = f"{pluralize(records['train'], 'record')} to learn from{validating}."
    add(main, "p", f"{begun.format(run['created'])} {text}")
    if checkpoint is None:
        add(main, "h2", "It gave no checkpoint: it goes on, was stopped, or failed")
    else:
        _tried(main, checkpoint["body"])
    _resources(main, body.get("plan", {}), {} if checkpoint is None else checkpoint["body"])
    if history is not None:
        _history(main, history)
    return page_bytes(
        html,
        f"This page is not signed; run and checkpoint are. Written by {tool}.",
    )


def _tried(main: Element, body: Facts) -> None:
    chosen = body.get("chosen")
    if chosen is None:
        return
    add(main, "h2", f"Taken: {chosen_in_words(chosen)}", id="taken")
    rows = [
        (one.name, one.measured_text, "taken" if one.is_taken else one.distance_text)
        for one in candidates_of(chosen)
    ]
    add_table(main, ("candidate", "reached", ""), rows)


def _resources(main: Element, plan: Facts, body: Facts) -> None:
    actual = body.get("actual", {})
    rows = [
        (title, _planned(plan.get(member)), str(actual.get(member, "not measured")))
        for member, title in _RESOURCES
        if member in plan or member in actual
    ]
    if rows:
        add(main, "h2", "Planned and taken, all candidates together")
        add_table(main, ("", "planned", "taken"), rows)


def _planned(figure: Facts | None) -> str:
    return "not planned" if figure is None else f"{figure['value']} ({figure['basis']})"


def _history(main: Element, history: Facts) -> None:
    losses = [float(one) for one in history["loss"]]
    each = -(-len(losses) // _SHOWN) or 1
    means = [sum(losses[at : at + each]) / len(losses[at : at + each])
             for at in range(0, len(losses), each)]  # fmt: skip
    steps = history["steps"]
    add(main, "h2", f"How {history['candidate']} was trained: {pluralize(steps, 'step')}")
    if means:
        add(main, "h3", "Loss")
        place = steps / max(1, len(means))
        points = [(f"step {round((at + 1) * place)}", value) for at, value in enumerate(means)]
        timeline(main, points, title="Loss")
    if epochs := history["epochs"]:
        add(main, "h3", "Metric of the validation data after each epoch")
        points = [(f"epoch {at + 1}", float(one["score"])) for at, one in enumerate(epochs)]
        timeline(main, points, title="Metric of the validation data")
        rows = [(str(at + 1), one["trainLoss"], one["score"]) for at, one in enumerate(epochs)]
        add_table(main, ("epoch", "loss", "metric"), rows)
