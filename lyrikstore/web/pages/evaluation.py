"""An evaluation as one HTML page with charts; texts of records on request only."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.canon.text import pluralize
from lyrikstore.verify.evaluation.choice.passed_over import candidates_of
from lyrikstore.verify.evaluation.limits import FEWEST_GROUPS, FEWEST_RECORDS
from lyrikstore.verify.evaluation.words import (
    METRICS,
    against_in_words,
    baseline_in_words,
    cost_in_words,
    figures_of,
    given_in_words,
    left_out_in_words,
    metric_of_parts,
    near_in_words,
    outside_in_words,
    records_in_words,
    seen_in_words,
    slice_in_words,
    threshold_in_words,
    too_few,
    too_few_in_words,
    unlike_in_words,
    verdict_in_words,
    with_interval,
)
from lyrikstore.web.charts.confidence import coverage, reliability
from lyrikstore.web.charts.forest import ForestRow, forest
from lyrikstore.web.charts.matrix import matrix
from lyrikstore.web.html import (
    add,
    add_bullets,
    add_footer,
    add_holds,
    add_rests_on,
    add_table,
    headed_page,
)
from lyrikstore.web.page_facts import Facts, carries
from lyrikstore.web.texts import page_text

MAX_ROWS = 60
"""Most labels and slices that are shown."""

_SHOWN = (
    *("count", "split", "answers", "model", "baseline", "baselines", "majority"),
    *("comparisons", "against", "confidence", "costs", "outsideChoices", "overlap", "purpose"),
    *("slices", "slicing", "thresholds", "unlike"),
)
"""Members of the body that the page shows, or that its sentences are made of."""

_ONLY_LABELS = ("expected", "predicted", "probability", "recordPlace")
_OF_SAMPLES = ("recordPlace", "tokenF1")
_TEXTS = ("recordText", "expectedText", "modelText", "baseText")
_MEASURED = frozenset({"meanTokens"})
"""Metrics that are not a share, and have no place among the others in a chart."""


def evaluation_facts(
    report: Facts, *, store: str, created: str, with_data: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what the page shows of an evaluation, and no more.

    Args:
        report: The result of :meth:`lyrikstore.api.models.Models.report`.
        store: The store of the evaluation.
        created: Its date, claimed by its signer.
        with_data: Parts of the data that it shows besides labels: ``texts`` of failures and
            samples.
    """
    body = {name: report["body"][name] for name in _SHOWN if name in report["body"]}
    for name in ("model", "baseline"):
        if labels := body.get(name, {}).get("perClass"):
            body[name] = {**body[name], "perClass": {at: labels[at] for at in _common(body)
                                                     if at in labels}}  # fmt: skip
    if "slices" in body:
        body["slices"] = body["slices"][:MAX_ROWS]
    texts = _TEXTS if "texts" in with_data else ()
    chosen = report["chosen"]
    if chosen is not None:
        chosen = {"metric": chosen["metric"], "candidates": chosen["candidates"]}
    return {
        **{name: report[name] for name in ("id", "name", "inputs", "confusion")},
        "store": store,
        "created": created,
        "withData": list(with_data),
        "body": body,
        "chosen": chosen,
        "rarerLabels": max(0, len(report["body"]["model"].get("perClass", {})) - MAX_ROWS),
        "failures": [_pick(one, _ONLY_LABELS + texts) for one in report["failures"]],
        "samples": [_pick(one, _OF_SAMPLES + texts) for one in report["samples"]],
    }


def _pick(one: Facts, names: Sequence[str]) -> dict[str, Any]:
    return {name: one[name] for name in names if name in one}


def _common(body: Facts) -> list[str]:
    """Return the labels that are shown, the most common first."""
    labels = body["model"].get("perClass", {})
    return sorted(labels, key=lambda one: (-labels[one]["support"], one))[:MAX_ROWS]


@carries("evaluation")
def evaluation_page(facts: Facts, tool: str) -> Element:
    """Draw the page of an evaluation.

    ATTACK: labels, fields and texts contain text of an attacker; see :mod:`lyrikstore.web.html`.

    Args:
        facts: As :func:`evaluation_facts` returns them.
        tool: Name and version of the program.
    """
    body = facts["body"]
    said = page_text("common.version", version=facts["id"][:19], created=facts["created"])
    html, main = headed_page(page_text("evaluation.what"), facts["name"], (said,))
    add_holds(main, facts["withData"])
    _verdict(main, body)
    _systems(main, body)
    _passed_over(main, facts["chosen"])
    _calibration(main, body["model"])
    if facts["confusion"] is not None:
        add(main, "h2", page_text("evaluation.confusion"))
        labels, counts = facts["confusion"]["labels"], facts["confusion"]["counts"]
        matrix(main, labels, counts, title=page_text("evaluation.confusion-rows"))
    _labels(main, body, facts["rarerLabels"])
    _slices(main, body)
    _failures(main, facts["failures"])
    _samples(main, facts["samples"])
    add_rests_on(
        main,
        [
            (page_text("common.store"), facts["store"]),
            (page_text("evaluation.evaluation"), facts["id"]),
            *((role, identity) for role, identity in facts["inputs"]),
            (page_text("evaluation.intervals"), _intervals(body)),
        ],
    )
    footer = page_text("evaluation.signed"), page_text("common.unsigned")
    add_footer(html, *footer, page_text("common.made", tool=tool))
    return html


def _verdict(main: Element, body: Facts) -> None:
    said = verdict_in_words(body)
    lead = SubElement(main, "div", {"class": "lead", "id": "verdict"})
    no = page_text("evaluation.no-verdict")
    add(SubElement(lead, "p"), "strong", (said[:1].upper() + said[1:]) if said else no)
    count = pluralize(body["count"], "record")
    add(lead, "p", page_text("evaluation.over", count=count, part=body.get("split", "test")))
    words = (
        baseline_in_words,
        given_in_words,
        against_in_words,
        seen_in_words,
        outside_in_words,
        cost_in_words,
        near_in_words,
        unlike_in_words,
    )
    for line in (find(body) for find in words):
        if line:
            add(main, "p", line[:1].upper() + line[1:] + ".")
    if body.get("thresholds"):
        add(main, "h2", page_text("evaluation.promised"))
        add_bullets(main, map(threshold_in_words, body["thresholds"]))


def _systems(main: Element, body: Facts) -> None:
    add(main, "h2", page_text("evaluation.systems"))
    named = [(page_text("evaluation.model"), body["model"])]
    named += [(one["method"], one) for one in _baselines(body)]
    if "majority" in body:
        label = page_text("evaluation.always", label=body["majority"]["label"])
        named.append((label, body["majority"]))
    for metric in figures_of(body["model"]):
        found = ((name, figures_of(system).get(metric)) for name, system in named)
        rows = [
            ForestRow.of(name, figure, series=int(at > 0))
            for at, (name, figure) in enumerate(found)
            if figure is not None
        ]
        if metric in _MEASURED:
            cells = [(row.name, f"{row.value:g}") for row in rows]
            add_table(main, (METRICS[metric], page_text("evaluation.mean")), cells)
        else:
            forest(main, rows, title=METRICS[metric])
    _costs(main, named)
    for at, one in enumerate(body.get("comparisons", ())):
        if not at:
            add(main, "h3", page_text("evaluation.differences"))
        metric = METRICS.get(one["metric"], one["metric"])
        said = with_interval(one["difference"], signed=True)
        text = page_text("evaluation.difference", metric=metric, other=one["baseline"], said=said)
        add(main, "p", text)


def _baselines(body: Facts) -> list[Facts]:
    return [*([body["baseline"]] if "baseline" in body else []), *body.get("baselines", ())]


def _costs(main: Element, named: Sequence[tuple[str, Facts]]) -> None:
    """Add how long each system takes for an answer, if that was measured."""
    rows = [
        (name, *(system["latencyMs"][at] for at in ("p50", "p95")), f"{system['latencyMs']['n']:,}")
        for name, system in named
        if "latencyMs" in system
    ]
    if rows:
        add(main, "h3", page_text("evaluation.latency"))
        titles = ("system", "p50", "p95", "alone")
        add_table(main, [page_text(f"evaluation.column-{one}") for one in titles], rows)


def _passed_over(main: Element, chosen: Facts | None) -> None:
    tried = [] if chosen is None else candidates_of(chosen)
    if passed := [one.text for one in tried if not one.is_taken]:
        add(main, "h2", page_text("evaluation.passed-over"), id="passed-over")
        add_bullets(main, passed)


def _calibration(main: Element, model: Facts) -> None:
    calibration, covered = model.get("calibration", {}), model.get("coverage", ())
    bins = [
        (float(one["confidence"]), float(one["accuracy"]), one["count"])
        for one in calibration.get("bins", ())
    ]
    if bins:
        add(main, "h2", page_text("evaluation.calibration"))
        add(main, "p", page_text("evaluation.calibration-words", gap=calibration["ece"]))
        reliability(main, bins, title=page_text("evaluation.reliability"))
    if covered:
        add(main, "h2", page_text("evaluation.abstain"))
        points = [
            (float(one["share"]), float(one["accuracy"]), float(one["abstainBelow"]))
            for one in covered
        ]
        coverage(main, points, title=page_text("evaluation.coverage"))


def _labels(main: Element, body: Facts, rarer: int) -> None:
    labels = body["model"].get("perClass", {})
    if not labels:
        return
    add(main, "h2", page_text("evaluation.labels"))
    other = body.get("baseline", {}).get("perClass", {})
    titles = ("label", "records", "precision", "recall", "f1", "baseline-f1")
    rows = [
        (
            label,
            records_in_words(labels[label]["support"]),
            *(labels[label][name] for name in ("precision", "recall", "f1")),
            other.get(label, {}).get("f1", ""),
        )
        for label in _common(body)
    ]
    named = [page_text(f"evaluation.column-{one}") for one in titles]
    add_table(main, named, rows, wide=page_text("evaluation.labels"))
    if rarer:
        count = pluralize(rarer, "rarer label")
        add(main, "p", page_text("evaluation.rarer", count=count))


def _slices(main: Element, body: Facts) -> None:
    slices, left = body.get("slices", ()), left_out_in_words(body)
    if slices or left:
        add(main, "h2", page_text("evaluation.slices"))
    if left:
        add(main, "p", f"{left[:1].upper()}{left[1:]}.")
    if not slices:
        return
    metric = metric_of_parts(slices[0]["measures"])
    groups = body.get("confidence", {}).get("groups")
    few = "evaluation.few-groups" if groups else "evaluation.few-records"
    few = page_text(few, records=FEWEST_RECORDS, **({"groups": FEWEST_GROUPS} if groups else {}))
    add(main, "p", page_text("evaluation.slices-words", metric=METRICS[metric], few=few))
    rows = [
        ForestRow.of(": ".join(slice_in_words(one)), one["measures"][metric],
               records_in_words(one["count"]))
        for one in slices
    ]  # fmt: skip
    whole = figures_of(body["model"]).get(metric)
    reference = None if whole is None else float(whole["value"])
    title = page_text("evaluation.slices-title", metric=METRICS[metric])
    forest(main, rows, title=title, reference=reference)


def _failures(main: Element, failures: Sequence[Facts]) -> None:
    if not failures:
        return
    add(main, "h2", page_text("evaluation.failures"))
    add(main, "p", page_text("evaluation.failures-words"))
    for one in failures:
        row = SubElement(main, "details")
        said = f"{one['expected']} → {one['predicted']}"
        said += f" ({one['probability']})" if one["probability"] else ""
        add(row, "summary", said)
        _quote(row, one, "recordText")
        _place(row, one)


def _samples(main: Element, samples: Sequence[Facts]) -> None:
    if not samples:
        return
    add(main, "h2", page_text("evaluation.samples"))
    for one in samples:
        row = SubElement(main, "details")
        add(row, "summary", page_text("evaluation.sample", score=one["tokenF1"]))
        for member in ("expectedText", "modelText", "baseText"):
            if member in one:
                add(row, "h3", page_text(f"evaluation.{member}"))
                _quote(row, one, member)
        _place(row, one)


def _quote(row: Element, one: Facts, member: str) -> None:
    if member in one:
        text = one[member]
        add(row, "p", page_text("evaluation.no-text") if text is None else text)


def _place(row: Element, one: Facts) -> None:
    # Neither the path of a record nor, of earlier evaluations, its id is for outsiders.
    if one.get("recordPlace") is not None:
        add(row, "p", page_text("evaluation.place", place=one["recordPlace"]))


def _intervals(body: Mapping[str, Any]) -> str:
    confidence = body.get("confidence", {})
    if not confidence or too_few(body)[0]:
        return page_text("evaluation.no-intervals", why=too_few_in_words(body))
    groups = confidence.get("groups")
    drawn = page_text("evaluation.groups", field=groups["field"]) if groups else "records"
    return page_text(
        "evaluation.resamples",
        count=confidence["resamples"],
        drawn=drawn,
        seed=confidence["seed"],
    )
