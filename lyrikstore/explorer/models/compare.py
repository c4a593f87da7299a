"""Some runs beside each other: settings that differ, metrics, resources, slices, training."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.explorer.explorer import Explorer
from lyrikstore.explorer.graph.standing import map_of
from lyrikstore.explorer.models.runs import MOST_COMPARED, PICK, add_curves, add_status
from lyrikstore.explorer.models.training import (
    RESOURCES,
    Training,
    deciding,
    differing,
    history_of,
    registered,
    training_of,
)
from lyrikstore.explorer.page import Page, Query, add_link, add_rows, href
from lyrikstore.verify.evaluation.words import (
    METRICS,
    figures_of,
    metric_of_parts,
    records_in_words,
    result_in_words,
    slice_in_words,
    with_interval,
)
from lyrikstore.web.charts import ForestRow, forest
from lyrikstore.web.html import add
from lyrikstore.web.texts import page_text

_MOST_SLICES = 100


def compare_runs_page(explorer: Explorer, query: Query) -> Page:
    """Return the page that compares the chosen runs.

    Raises:
        InvalidInputError: (``bad-choice``) fewer than two or too many runs are chosen, or an object
            is no run.
        LyrikstoreError: A manifest is lost or damaged; as :meth:`Explorer.row_of`.
    """
    chosen = [name.removeprefix(PICK) for name in query.values if name.startswith(PICK)]
    if not 2 <= len(chosen) <= MOST_COMPARED:
        raise InvalidInputError(
            "bad-choice",
            f"{len(chosen)} runs are chosen",
            hint=f"choose 2 to {MOST_COMPARED} runs in the table of runs",
        )
    found = map_of(explorer)
    rows = [explorer.row_of(one) for one in chosen]
    for row in rows:
        if row["kind"] != "run":
            raise InvalidInputError("bad-choice", f"{row['name']} is not a run")
    runs = [training_of(explorer, found, row["id"]) for row in rows]
    page = Page(page_text("explorer.compared", count=len(runs)), place="/runs")
    names = _distinct(runs)
    _add_warnings(page, runs, names)
    body = add_rows(
        page.main, [page_text("explorer.fact-title"), *names], label=page_text("explorer.runs")
    )
    line = _row(body, page_text("explorer.run-name"))
    for run in runs:
        add_link(SubElement(line, "td"), run.run.name, href(f"/run/{run.run.id}"))
    line = _row(body, page_text("explorer.run-status"))
    for run, row in zip(runs, rows, strict=True):
        add_status(explorer, found, SubElement(line, "td"), run, flagged=row["flagged"])
    for key, texts in _overview(runs):
        _add_texts(body, page_text(f"explorer.{key}"), texts)
    _add_metrics(page, runs, names)
    _add_settings(page, runs, names)
    _add_resources(page, runs, names)
    _add_slices(page, runs, names)
    _add_histories(page, explorer, runs, names)
    return page


def _overview(runs: Sequence[Training]) -> list[tuple[str, list[str]]]:
    found = [
        ("when", [run.run.created for run in runs]),
        ("data-train", [run.data.get("train", "") for run in runs]),
        ("base", [run.base for run in runs]),
        ("chosen", [run.chosen for run in runs]),
        ("result", [_result(run) for run in runs]),
    ]
    return [(key, texts) for key, texts in found if any(texts)]


def _result(run: Training) -> str:
    return "" if run.result is None else result_in_words(run.result)


def _distinct(runs: Sequence[Training]) -> list[str]:
    """Return a name for each run, with the start of its id where two would have the same."""
    names = [run.name for run in runs]
    return [
        name if names.count(name) == 1 else f"{name} {run.run.id.short}"
        for name, run in zip(names, runs, strict=True)
    ]


def _add_warnings(page: Page, runs: Sequence[Training], names: Sequence[str]) -> None:
    without = [name for name, run in zip(names, runs, strict=True) if run.result is None]
    lines = []
    if len({run.tests for run in runs if run.result is not None}) > 1:
        lines.append(page_text("explorer.tests-differ"))
    if len({deciding(run.result) for run in runs if run.result is not None}) > 1:
        lines.append(page_text("explorer.metrics-differ"))
    lines += [page_text("explorer.not-evaluated", what=name) for name in without]
    if lines:
        box = SubElement(page.main, "div", {"class": "lead warn", "id": "not-comparable"})
        for text in lines:
            add(box, "p", text)


def _add_metrics(page: Page, runs: Sequence[Training], names: Sequence[str]) -> None:
    part = page.part(page_text("explorer.metrics"), anchor="metrics")
    measured = [(name, run.result) for name, run in zip(names, runs, strict=True) if run.result]
    metrics = dict.fromkeys(metric for _, body in measured for metric in figures_of(body["model"]))
    if not metrics:
        add(part, "p", page_text("explorer.metrics-none"))
        return
    first = deciding(measured[0][1])
    box = SubElement(part, "div", {"class": "panels"})
    for metric in sorted(metrics, key=lambda name: name != first):
        rows = [row for name, body in measured for row in _metric_rows(name, body, metric)]
        forest(box, rows, title=METRICS[metric])


def _metric_rows(name: str, body: Mapping[str, Any], metric: str) -> list[ForestRow]:
    found = []
    if metric in figures_of(body["model"]):
        found.append(ForestRow.of(name, figures_of(body["model"])[metric]))
    if metric in figures_of(body.get("baseline", {})):
        baseline = page_text("explorer.baseline-of", what=name)
        found.append(ForestRow.of(baseline, figures_of(body["baseline"])[metric], series=1))
    return found


def _add_settings(page: Page, runs: Sequence[Training], names: Sequence[str]) -> None:
    part = page.part(page_text("explorer.settings-differ"), anchor="settings")
    rows = differing([registered(run) for run in runs])
    if not rows:
        add(part, "p", page_text("explorer.settings-same"))
        return
    body = add_rows(part, [page_text("explorer.setting"), *names])
    for name, texts in rows:
        line = _row(body, name)
        for text in texts:
            add(line, "td", text or "–")


def _add_resources(page: Page, runs: Sequence[Training], names: Sequence[str]) -> None:
    rows: list[tuple[str, list[str]]] = []
    for member, key in RESOURCES:
        title = page_text(f"explorer.resource-{key}")
        rows.append((title, [run.used(member) for run in runs]))
        planned = page_text("explorer.resource-planned", what=title)
        rows.append((planned, [run.planned(member) for run in runs]))
    results = [run.result or {} for run in runs]
    for point in ("p50", "p95"):
        times = [one.get("model", {}).get("latencyMs", {}).get(point, "") for one in results]
        rows.append((page_text(f"explorer.latency-{point}"), times))
    costs = [one.get("model", {}).get("costPer1000", "") for one in results]
    rows.append((page_text("explorer.cost-of-mistakes"), costs))
    rows = [(title, texts) for title, texts in rows if any(texts)]
    if not rows:
        return
    part = page.part(page_text("explorer.resources"), anchor="resources")
    body = add_rows(part, [page_text("explorer.resource"), *(f"#{name}" for name in names)])
    for title, texts in rows:
        _add_texts(body, title, texts, kind="number")


def _add_slices(page: Page, runs: Sequence[Training], names: Sequence[str]) -> None:
    found: dict[tuple[str, str], dict[int, str]] = {}
    for at, run in enumerate(runs):
        for one in (run.result or {}).get("slices", ()):
            metric = metric_of_parts(one["measures"])
            text = f"{METRICS[metric]} {with_interval(one['measures'][metric])}"
            text += f", {records_in_words(one['count'])}"
            found.setdefault(slice_in_words(one), {})[at] = text
    if not found:
        return
    part = page.part(page_text("explorer.slices"), anchor="slices")
    body = add_rows(part, [page_text("explorer.slice"), *names])
    for field_value, texts in list(found.items())[:_MOST_SLICES]:
        _add_texts(body, ": ".join(field_value), [texts.get(at, "") for at in range(len(runs))])
    if len(found) > _MOST_SLICES:
        add(part, "p", page_text("explorer.more-objects", count=len(found) - _MOST_SLICES))


def _add_histories(
    page: Page, explorer: Explorer, runs: Sequence[Training], names: Sequence[str]
) -> None:
    histories = [(name, history_of(explorer, run)) for name, run in zip(names, runs, strict=True)]
    shown = [(name, history) for name, history in histories if history is not None]
    if not shown:
        return
    part = page.part(page_text("explorer.trained"), anchor="training")
    box = SubElement(part, "div", {"class": "panels"})
    for name, history in shown:
        section = SubElement(box, "section")
        add(section, "h3", f"{name}: {history['candidate']}")
        add_curves(section, history)


def _row(body: Element, title: str) -> Element:
    row = SubElement(body, "tr")
    add(row, "th", title, scope="row")
    return row


def _add_texts(body: Element, title: str, texts: Sequence[str], *, kind: str = "") -> None:
    row = _row(body, title)
    for text in texts:
        add(row, "td", text, {"class": kind} if kind else {})
