"""An evaluation as one HTML page with charts; texts of failures on request only."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
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
from lyrikstore.web.charts import ForestRow, coverage, forest, matrix, reliability
from lyrikstore.web.html import (
    add,
    add_bullets,
    add_holds,
    add_list,
    add_table,
    headed_page,
    page_bytes,
)
from lyrikstore.web.texts import page_text

MAX_ROWS = 60
"""Most labels and slices that are shown."""

Facts = Mapping[str, Any]


def evaluation_page(facts: Facts, *, tool: str, with_data: Sequence[str] = ()) -> bytes:
    """Return the page with the facts that :meth:`lyrikstore.api.models.Models.report` returns.

    ATTACK: labels, fields and texts contain text of an attacker; see :mod:`lyrikstore.web.html`.

    Args:
        facts: ``id``, ``name``, ``inputs``, ``body``, ``chosen``, ``confusion``, ``failures``.
        tool: Name and version of the program.
        with_data: Parts of the data that it shows besides labels: ``texts`` of the worst failures.
    """
    body = facts["body"]
    html, main = headed_page(f"Evaluation {facts['name']}", facts["name"])
    add_holds(main, with_data)
    _verdict(main, body)
    _systems(main, body)
    _passed_over(main, facts.get("chosen"))
    _calibration(main, body["model"])
    if facts["confusion"] is not None:
        add(main, "h2", "What is taken for what")
        add(main, "p", "Each row holds the records of one label, each column what the model says.")
        confusion = facts["confusion"]
        matrix(
            main, confusion["labels"], confusion["counts"], title=page_text("evaluation.confusion")
        )
    _labels(main, body)
    _slices(main, body)
    _failures(main, facts["failures"], texts="texts" in with_data)
    add(main, "h2", "What this rests on")
    add_list(
        main,
        [
            ("evaluation", facts["id"]),
            *((role, identity) for role, identity in facts["inputs"]),
            ("intervals", _intervals(body)),
            ("written by", tool),
        ],
    )
    return page_bytes(
        html,
        "This page is not signed; the evaluation is. Its figures follow from its predictions, and "
        "lyrikstore verify computes them again. Texts of the test set, where there are any, are no "
        "part of it.",
    )


def _verdict(main: Element, body: Facts) -> None:
    said = verdict_in_words(body)
    add(main, "h2", (said[:1].upper() + said[1:]) if said else "No verdict", id="verdict")
    add(main, "p", f"Over {pluralize(body['count'], 'record')} of the test set.")
    words = (
        baseline_in_words,
        given_in_words,
        against_in_words,
        seen_in_words,
        cost_in_words,
        near_in_words,
        unlike_in_words,
    )
    for line in (find(body) for find in words):
        if line:
            add(main, "p", line[:1].upper() + line[1:] + ".")
    if body.get("thresholds"):
        add(main, "h3", "Promised before training")
        add_bullets(main, map(threshold_in_words, body["thresholds"]))


def _baselines(body: Facts) -> list[Facts]:
    return [*([body["baseline"]] if "baseline" in body else []), *body.get("baselines", ())]


def _systems(main: Element, body: Facts) -> None:
    add(main, "h2", "The model and what is cheaper")
    named = [("model", body["model"])]
    named += [(one["method"], one) for one in _baselines(body)]
    if "majority" in body:
        named.append((f"always {body['majority']['label']}", body["majority"]))
    for metric in figures_of(body["model"]):
        found = ((name, figures_of(system).get(metric)) for name, system in named)
        forest(main, list(_rows(found)), title=METRICS[metric])
    for at, one in enumerate(body.get("comparisons", ())):
        if not at:
            add(main, "h3", "Model less baseline")
        said = f"{METRICS.get(one['metric'], one['metric'])}, against {one['baseline']}"
        add(main, "p", f"{said}: {with_interval(one['difference'], signed=True)}")


def _passed_over(main: Element, chosen: Facts | None) -> None:
    tried = [] if chosen is None else candidates_of(chosen)
    if passed := [one.text for one in tried if not one.is_taken]:
        add(main, "h2", "What was passed over", id="passed-over")
        add_bullets(main, passed)


def _rows(figures: Iterable[tuple[str, Facts | None]]) -> Iterator[ForestRow]:
    for at, (name, figure) in enumerate(figures):
        if figure is not None:
            yield ForestRow.of(name, figure, series=int(at > 0))


def _calibration(main: Element, model: Facts) -> None:
    calibration, covered = model.get("calibration", {}), model.get("coverage", ())
    bins = calibration.get("bins", ())
    if bins:
        add(main, "h2", "Can its confidence be believed?")
        add(
            main,
            "p",
            "Each point holds the answers of about one confidence; the bars say of how many "
            "records. On the dashed line, it is right as often as it says. The mean gap is "
            f"{calibration['ece']}.",
        )
        found = [(float(one["confidence"]), float(one["accuracy"]), one["count"]) for one in bins]
        reliability(main, found, title=page_text("evaluation.reliability"))
    if covered:
        add(main, "h2", "What if it may say “I do not know”?")
        points = [
            (float(one["share"]), float(one["accuracy"]), float(one["abstainBelow"]))
            for one in covered
        ]
        coverage(main, points, title=page_text("evaluation.coverage"))
        titles = ("does not answer below", "still answers", "right of those")
        cells = [
            (
                f"{Decimal(one['abstainBelow']):.2f}",
                _percent(one["share"]),
                _percent(one["accuracy"]),
            )
            for one in covered
        ]
        add_table(main, titles, cells)


def _labels(main: Element, body: Facts) -> None:
    labels = body["model"].get("perClass", {})
    if not labels:
        return
    add(main, "h2", "Each label")
    other = body.get("baseline", {}).get("perClass", {})
    ordered = sorted(labels, key=lambda one: (-labels[one]["support"], one))
    add_table(
        main,
        ("label", "records", "precision", "recall", "F1", "baseline F1"),
        (
            (
                label,
                records_in_words(labels[label]["support"]),
                *(labels[label][name] for name in ("precision", "recall", "f1")),
                other.get(label, {}).get("f1", ""),
            )
            for label in ordered[:MAX_ROWS]
        ),
    )
    if len(ordered) > MAX_ROWS:
        add(main, "p", f"and {pluralize(len(ordered) - MAX_ROWS, 'rarer label')}.")


def _slices(main: Element, body: Facts) -> None:
    slices, left = body.get("slices", ()), left_out_in_words(body)
    if slices or left:
        add(main, "h2", "Is it as good everywhere?")
    if left:
        add(main, "p", f"{left[:1].upper()}{left[1:]}.")
    if not slices:
        return
    metric = metric_of_parts(slices[0]["measures"])
    groups = body.get("confidence", {}).get("groups")
    few = f"{FEWEST_RECORDS} records" + (f", or {FEWEST_GROUPS} groups" if groups else "")
    add(main, "p", f"By {METRICS[metric]}. Slices without a line have fewer than {few}.")
    rows = []
    for one in slices[:MAX_ROWS]:
        name = ": ".join(slice_in_words(one))
        rows.append(ForestRow.of(name, one["measures"][metric], records_in_words(one["count"])))
    forest(main, rows, title=page_text("evaluation.slices", metric=METRICS[metric]))


def _failures(main: Element, failures: Sequence[Facts], *, texts: bool) -> None:
    if not failures:
        return
    add(main, "h2", "Where it is wrong and sure")
    add(main, "p", "The surest first. Often it is the label that is wrong.")
    for one in failures:
        row = SubElement(main, "details")
        said = f"{one['expected']} → {one['predicted']}"
        said += f" ({one['probability']})" if one["probability"] else ""
        add(row, "summary", said)
        if texts:
            shown = one["recordText"]
            add(row, "p", "the text is not here" if shown is None else shown)
        # Neither the path of a record nor, of earlier evaluations, its id is for outsiders.
        if one.get("recordPlace") is not None:
            add(row, "p", f"place {one['recordPlace']} of the test set")


def _intervals(body: Facts) -> str:
    confidence = body.get("confidence", {})
    if not confidence or too_few(body)[0]:
        return f"none: {too_few_in_words(body)}"
    groups = confidence.get("groups")
    drawn = f"groups by {groups['field']}" if groups else "records"
    return f"{confidence['resamples']} resamples of {drawn}, seed {confidence['seed']}"


def _percent(text: str) -> str:
    return f"{Decimal(text) * 100:.1f} %"
