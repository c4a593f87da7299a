"""A model over time as one HTML page: its test, and its later monitoring results."""

from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement

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
from lyrikstore.web.charts.forest import ForestRow, forest
from lyrikstore.web.charts.timeline import timeline
from lyrikstore.web.html import (
    add,
    add_bullets,
    add_footer,
    add_rests_on,
    add_table,
    headed_page,
)
from lyrikstore.web.page_facts import Facts, carries
from lyrikstore.web.texts import page_text

_SHOWN = ("backfill", "comparisons", "confidence", "count", "drift", "period", "thresholds")
"""Members of a body that the page shows, or that its sentences are made of."""


def monitor_facts(checkpoint: Facts, statements: Sequence[Facts], *, store: str) -> dict[str, Any]:
    """Return what the page shows of a checkpoint over time, and no more.

    Args:
        checkpoint: Its ``id`` and ``name``.
        statements: Its evaluations, then its monitoring results by time; the last item is a
            monitoring result. Each has ``id``, ``created``, ``body``, and ``data``, the name of its
            data.
        store: The store of the checkpoint.
    """
    return {
        "store": store,
        "id": checkpoint["id"],
        "name": checkpoint["name"],
        "statements": [
            {
                **{name: one[name] for name in ("id", "created", "data")},
                "body": {
                    **{name: one["body"][name] for name in _SHOWN if name in one["body"]},
                    "model": {"measures": figures_of(one["body"]["model"])},
                },
            }
            for one in statements
        ],
    }


@carries("monitor")
def monitor_page(facts: Facts, tool: str) -> Element:
    """Draw the page of a checkpoint over time.

    ATTACK: names contain text of an attacker; see :mod:`lyrikstore.web.html`.

    Args:
        facts: As :func:`monitor_facts` returns them.
        tool: Name and version of the program.
    """
    statements = facts["statements"]
    # Of history nothing is judged: what the page says first is about the newest that was.
    judged = [one for one in statements if "backfill" not in one["body"]]
    newest = judged[-1] if judged and "drift" in judged[-1]["body"] else statements[-1]
    last = newest["body"]
    said = page_text("monitor.until", count=len(statements), created=statements[-1]["created"])
    html, main = headed_page(page_text("monitor.what"), facts["name"], (said,))
    lead = SubElement(main, "div", {"class": "lead", "id": "verdict"})
    verdict = drift_in_words(last)
    add(SubElement(lead, "p"), "strong", verdict[:1].upper() + verdict[1:])
    came = "monitor.before" if "backfill" in last else "monitor.after"
    count = pluralize(last["count"], "record")
    add(lead, "p", page_text(came, count=count, data=_called(newest)))
    thresholds = map(threshold_in_words, last.get("thresholds", ()))
    add_bullets(main, [*since_release_in_words(last), *thresholds])
    _metrics(main, statements)
    add(main, "h2", page_text("monitor.drift"))
    for member, title in DRIFT_MEMBERS.items():
        points = [
            (_when(one), float(one["body"]["drift"][member]))
            for one in statements
            if member in one["body"].get("drift", {})
        ]
        if points:
            limit = LIMITS.get(member)
            bound = None if limit is None else float(limit)
            timeline(main, points, title=title.capitalize(), limit=bound)
            add(main, "p", page_text(f"monitor.{member}"))
    _table(main, statements)
    add_rests_on(
        main,
        [
            (page_text("common.store"), facts["store"]),
            (page_text("monitor.checkpoint"), facts["id"]),
            *((f"{_called(one)}, {one['created']}", one["id"]) for one in statements),
        ],
    )
    footer = page_text("monitor.signed"), page_text("common.unsigned")
    add_footer(html, *footer, page_text("common.made", tool=tool))
    return html


def _metrics(main: Element, statements: Sequence[Facts]) -> None:
    found = [(one, figures_of(one["body"]["model"])) for one in statements]
    add(main, "h2", page_text("monitor.metrics"))
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
            forest(main, rows, title=title)


def _table(main: Element, statements: Sequence[Facts]) -> None:
    add(main, "h2", page_text("monitor.statements"))
    rows = []
    for one in statements:
        body = one["body"]
        figures = ", ".join(f"{name} {value}" for name, value in drift_figures(body))
        verdict = body["drift"]["verdict"] if "drift" in body else page_text("monitor.test")
        rows.append((_when(one), one["data"], verdict, figures, f"{body['count']:,}"))
    titles = ("time", "data", "verdict", "figures", "records")
    named = [page_text(f"monitor.column-{one}") for one in titles]
    add_table(main, named, rows, words=4, wide=page_text("monitor.statements"))


def _when(one: Facts) -> str:
    """Return the time of a statement: its period, or else its date."""
    return str(one["body"].get("period") or one["created"][:10])


def _called(one: Facts) -> str:
    return f"{_when(one)} {one['data']}"


def _done(one: Facts) -> str:
    if "backfill" in one["body"]:
        return page_text("monitor.as-history")
    return page_text("monitor.monitored" if "drift" in one["body"] else "monitor.tested")
