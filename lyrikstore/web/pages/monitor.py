"""A model over time as one HTML page: its test, and its later monitoring results."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from lyrikstore.canon.text import pluralize
from lyrikstore.verify.evaluation.limits import LIMITS
from lyrikstore.verify.evaluation.words import (
    DRIFT_MEMBERS,
    METRICS,
    drift_figures,
    drift_in_words,
    figures_of,
    since_release_in_words,
    threshold_in_words,
)
from lyrikstore.web.charts import ForestRow, forest, timeline
from lyrikstore.web.html import add, add_bullets, add_list, add_table, headed_page, page_bytes

_SAID = {
    "labels": "How far the answers are from those on the test set; at the dashed line it is drift.",
    "lengths": "How far the lengths of the texts are from those of the test set.",
    "newTokenShare": "The share of words that training never saw.",
    "unlikeShare": "The share of texts that are unlike what the model was trained on.",
    "confidenceShift": "How much surer or less sure the model is than on the test set.",
}

Facts = Mapping[str, Any]


def monitor_page(name: str, statements: Sequence[Facts], *, tool: str) -> bytes:
    """Return the page of a checkpoint over time.

    ATTACK: names contain text of an attacker; see :mod:`lyrikstore.web.html`.

    Args:
        name: Name of the checkpoint.
        statements: Its evaluations, then its monitoring results by time; the last item is a
        monitoring result. Each has ``id``, ``created``, ``body``, and ``data``, the name of its
        data.
        tool: Name and version of the program.
    """
    html, main = headed_page(f"Monitoring of {name}", name)
    # Of history nothing is judged: what the page says first is about the newest that was.
    judged = [one for one in statements if "backfill" not in one["body"]]
    newest = judged[-1] if judged and "drift" in judged[-1]["body"] else statements[-1]
    last = newest["body"]
    said = drift_in_words(last)
    add(main, "h2", said[:1].upper() + said[1:], id="verdict")
    came = "of before the run" if "backfill" in last else "that came after training"
    add(main, "p", f"{pluralize(last['count'], 'record')} {came}: {_called(newest)}.")
    thresholds = map(threshold_in_words, last.get("thresholds", ()))
    add_bullets(main, [*since_release_in_words(last), *thresholds])
    _metrics(main, statements)
    add(main, "h2", "What came, against what it was tested on")
    for member, title in DRIFT_MEMBERS.items():
        points = [
            (_when(one), float(one["body"]["drift"][member]))
            for one in statements
            if member in one["body"].get("drift", {})
        ]
        if points:
            add(main, "h3", title.capitalize())
            add(main, "p", _SAID[member])
            limit = LIMITS.get(member)
            timeline(main, points, title=title, limit=None if limit is None else float(limit))
    _table(main, statements)
    return page_bytes(
        html,
        f"This page is not signed; the statements are. Written by {tool}. What was monitored is no "
        "test: somebody chose that data after training.",
    )


def _metrics(main: Element, statements: Sequence[Facts]) -> None:
    found = [(one, figures_of(one["body"]["model"])) for one in statements]
    for metric, title in METRICS.items():
        rows = [
            ForestRow.of(
                f"{_called(one)} {_done(one)}",
                figures[metric],
                series=int("drift" not in one["body"]),
            )
            for one, figures in found
            if metric in figures
        ]
        if rows:
            add(main, "h2" if metric in {"accuracy", "subsetAccuracy"} else "h3", title)
            forest(main, rows, title=title)


def _table(main: Element, statements: Sequence[Facts]) -> None:
    add(main, "h2", "Each statement")
    rows = []
    for one in statements:
        body = one["body"]
        figures = ", ".join(f"{name} {value}" for name, value in drift_figures(body))
        verdict = body["drift"]["verdict"] if "drift" in body else "test"
        rows.append((_when(one), one["data"], verdict, f"{body['count']:,}", figures))
    add_table(main, ("time", "data", "verdict", "records", "drift"), rows)
    add_list(main, [(f"{_called(one)}, claimed {one['created']}", one["id"]) for one in statements])


def _when(one: Facts) -> str:
    """Return the time of a statement: its period, or else its date."""
    return str(one["body"].get("period") or one["created"][:10])


def _called(one: Facts) -> str:
    return f"{_when(one)} {one['data']}"


def _done(one: Facts) -> str:
    if "backfill" in one["body"]:
        return "as history"
    return "monitored" if "drift" in one["body"] else "tested"
