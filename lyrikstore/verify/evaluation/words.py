"""Sentences about an evaluation for people; they are not signed (spec §13.9.10)."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore.verify.evaluation.choice.baselines import (
    EMBEDDINGS,
    NEAREST,
    NEAREST_1,
    WORD_COUNTS,
    WORD_COUNTS_1,
)
from lyrikstore.verify.evaluation.external_answers import are_given
from lyrikstore.verify.evaluation.generation.texts import BASE_MODEL
from lyrikstore.verify.evaluation.limits import (
    FEWEST_GROUPS,
    FEWEST_RECORDS,
    JUDGED_RECORDS,
    MEMBERS,
    MONITOR,
    SEEN_PERCENT,
    are_more,
    beyond_limits,
)
from lyrikstore.verify.evaluation.tasks import find_rules


class _Called(dict[str, str]):
    """Names of metrics and verdicts for people; unknown metrics keep their own names."""

    def __missing__(self, name: str) -> str:
        return escape_control(name)


METRICS = _Called(
    accuracy="accuracy",
    subsetAccuracy="all labels right",
    microF1="micro-F1",
    macroF1="macro-F1",
    tokenF1="token F1",
    exactMatch="exact match",
    refusals="refusals",
    cutOff="cut off",
    meanTokens="tokens",
)
"""Metric of a system → its name for people, in the order of display."""

OF_A_LABEL = frozenset({"precision", "recall", "f1"})
"""Metrics of one label."""

THRESHOLDS = frozenset({*METRICS, *OF_A_LABEL, *MEMBERS, "ece", "brier", "costPer1000"}) - {
    *("tokenF1", "exactMatch", "refusals", "cutOff", "meanTokens")
}
"""Metrics that a threshold may be for."""

_CALLED = {
    WORD_COUNTS: "the word counts",
    WORD_COUNTS_1: "the word counts",
    EMBEDDINGS: "the embeddings",
    NEAREST: "the nearest training record",
    NEAREST_1: "the nearest training record",
    BASE_MODEL: "the base model",
}

NO_RIVAL = "no-rival"
"""Verdict if the deciding metric has nothing to be compared with."""

Body = Mapping[str, Any]


_LEFT = {
    "personal-scan": "a scan found personal data in it",
    "personal-values": "its values look like personal data",
    "few-records": "no two parts have 20 records",
    "many-slices": "there are too many slices before it",
}


def slice_in_words(part: Mapping[str, Any]) -> tuple[str, str]:
    """Return the name of a slice: its field and its value."""
    field = "length" if part["field"] == "@length" else str(part["field"])
    return field, "others" if part["value"] == "@others" else str(part["value"])


def left_out_in_words(body: Body) -> str:
    """Return the fields without slices, and the reasons; empty if none is left out."""
    found = [
        f"{'length' if one['field'] == '@length' else one['field']} "
        f"({_LEFT.get(one['reason'], one['reason'])})"
        for one in body.get("slicing", {}).get("leftOut", ())
    ]
    return f"not told apart by {', '.join(found)}" if found else ""


def short_name(method: str) -> str:
    """Return a short name for a further baseline."""
    return "nearest" if method == NEAREST else "another"


def baseline_name(method: str) -> str:
    """Return the label of a baseline beside its figures, with its kind."""
    known = _CALLED.get(method, "").removeprefix("the ")
    return f"baseline ({known})" if known else "baseline"


def baseline_called(method: str) -> str:
    """Return the name of a baseline, or of the commonest label, in a sentence."""
    return "the commonest label" if method == "majority" else _CALLED.get(method, "the baseline")


def baseline_in_words(body: Body) -> str:
    """Return a description of the baseline of an evaluation; empty if it has none."""
    if "baseline" not in body:
        return ""
    method = str(body["baseline"]["method"])
    return f"the baseline is {_CALLED.get(method, escape_control(method))}"


def metrics_of_task(task: str) -> frozenset[str]:
    """Return the metrics over all records of a task."""
    rules = find_rules(task)
    return frozenset(() if rules is None else rules.metrics)


def intervals_in_words(body: Body) -> str:
    """Return how the intervals of an evaluation were computed, or why there are none."""
    confidence = body["confidence"]
    if any("low" in figure for figure in figures_of(body["model"]).values()):
        return f"intervals: {confidence['method']}, {float(confidence['level']) * 100:g} %"
    return f"no intervals: {too_few_in_words(body)}"


def records_in_words(count: int) -> str:
    """Return the number of test records of a label or slice, and whether they are too few."""
    text = pluralize(count, "record")
    return text if count >= JUDGED_RECORDS else f"{text}, too few to judge"


def metric_of_parts(measures: Mapping[str, Any]) -> str:
    """Return the metric by which slices are shown: micro-F1, or else accuracy.

    A part has few of the labels, and a mean over labels is of others in each part.
    """
    order = ("microF1", *METRICS)
    return next((name for name in order if name in measures), min(measures))


def record_in_words(one: Body) -> str:
    """Return the name of a record of a test set.

    Args:
        one: An entry of ``worst``, or a record of a report: ``recordAt`` says where it is.
    """
    if one.get("recordAt") is not None:
        return str(one["recordAt"])
    place = one.get("place", one.get("recordPlace"))
    return f"record {one['record']}" if place is None else f"place {place} of the test set"


def too_few(body: Body) -> tuple[str, int]:
    """Return ``groups`` or ``records`` if there are too few of them for an interval, and the count.

    Args:
        body: Of an evaluation. Of a monitor both sides have to be enough.

    Returns:
        Empty and 0 where, as far as the body says, there are enough.
    """
    groups = body.get("confidence", {}).get("groups", {}).get("count", FEWEST_GROUPS)
    if groups < FEWEST_GROUPS:
        return "groups", groups
    records = min(body["count"], body.get("drift", {}).get("referenceCount", FEWEST_RECORDS))
    return ("records", records) if records < FEWEST_RECORDS else ("", 0)


def too_few_in_words(body: Body) -> str:
    """Return why a figure of all records has no interval."""
    what, count = too_few(body)
    return f"too few {what} ({count})" if what else "too little"


def verdict_of(body: Body) -> str:
    """Return the result of the deciding comparison.

    Returns:
        ``better``, ``no-difference-shown`` or ``worse``; ``no-rival`` where the nearest record is
        all that the model is compared with; ``too-few-groups``, ``too-few-records`` or
        ``no-interval`` where the difference has no interval, whatever is signed; empty of an
        evaluation that has no verdict.
    """
    compared = next(iter(body.get("comparisons", ())), None)
    seen = body.get("overlap", {}).get("exact", 0)
    if compared is None or body.get("purpose") == MONITOR:
        return ""
    if are_more(seen, body["count"], SEEN_PERCENT):
        return ""
    if compared["baseline"] == NEAREST:
        return NO_RIVAL
    if not {"low", "high"} <= compared["difference"].keys():
        what, _ = too_few(body)
        return f"too-few-{what}" if what else "no-interval"
    return str(compared["verdict"])


def verdict_in_words(body: Body) -> str:
    """Return whether the model is better than the baseline, in words; empty if unknown.

    Args:
        body: Of an evaluation; one without ``comparisons``, of version 1 or of a monitor, has no
            verdict.
    """
    return "; ".join(filter(None, (shown_in_words(body), cheaper_in_words(body))))


def shown_in_words(body: Body, *, before_card_4: bool = False) -> str:
    """Return the result of the deciding metric, in words; empty if unknown.

    Of records that training saw nothing is recommended.

    Args:
        body: As for :func:`verdict_in_words`.
        before_card_4: In the words of cards before ``card/4``, which do not say that there is no
            interval, nor which of both is cheaper.
    """
    compared = next(iter(body.get("comparisons", ())), None)
    seen = body.get("overlap", {}).get("exact", 0)
    if are_more(seen, body["count"], SEEN_PERCENT) and body.get("purpose") != MONITOR:
        share = Decimal(100 * seen) / body["count"]
        return f"no verdict: {share:.1f} % of the test records were seen in training"
    if compared is None or body.get("purpose") == MONITOR:
        return ""
    if verdict_of(body) == NO_RIVAL:  # to be better than the nearest record says little
        text = "no verdict: it is word counts, and nothing else was tried to hold them against"
        same = (one for one in body["comparisons"] if one["metric"] == compared["metric"])
        for one in same:
            if one["baseline"] == "majority":
                shown = with_interval(one["difference"], signed=True)
                text += f"; {METRICS[one['metric']]} {shown} against the commonest label"
        return text
    other = _CALLED.get(compared["baseline"], "the baseline")
    measured = f"{METRICS[compared['metric']]} {with_interval(compared['difference'], signed=True)}"
    alike = f"no difference shown to {other}, {measured}"
    said = {
        "better": f"better by {measured} than {other}",
        "no-difference-shown": f"{alike}: take the cheaper one" if before_card_4 else alike,
        "worse": f"use {other}: the model is worse by {measured}",
    }
    if before_card_4:
        return said[compared["verdict"]]
    few = f"{too_few_in_words(body)} to tell: {measured} against {other}"
    return said.get(verdict_of(body), few)


class CheaperSide(NamedTuple):
    """The side of an evaluation that costs less.

    Attributes:
        side: ``model`` or ``baseline``; ``neither`` if they are equal; ``unknown``.
        text: The figures in words.
    """

    side: str
    text: str


def cheaper_in_words(body: Body) -> str:
    """Return whether model or baseline costs less, and by how much; empty if one is better.

    By the median time of an answer, of which a tenth is noise, and by what mistakes cost.
    """
    shown = verdict_of(body)
    if shown in {"", "better", "worse", NO_RIVAL}:
        return ""
    said = [one.text for one in compare_costs(body)]
    if shown == "no-difference-shown" and (side := cheaper_side(body)):
        said.insert(0, f"take {sides_in_words(body)[side]}")
    return "; ".join(said)


def sides_in_words(body: Body) -> dict[str, str]:
    """Return ``model`` and ``baseline`` → its name in a sentence."""
    method = body.get("baseline", {}).get("method", "")
    return {"model": "the model", "baseline": _CALLED.get(method, "the baseline")}


def compare_costs(body: Body) -> tuple[CheaperSide, CheaperSide]:
    """Return which side costs less by time, and which by mistakes."""
    systems = (body["model"], body.get("baseline", {}))
    names = tuple(sides_in_words(body).values())
    times = [one.get("latencyMs", {}).get("p50") for one in systems]
    costs = [one.get("costPer1000") for one in systems]
    time = CheaperSide("unknown", "which one answers faster was not measured")
    if None not in times:
        time = _least("time", "ms an answer", names, times, noise=Decimal("0.1"))
    mistakes = CheaperSide("unknown", "what mistakes cost was not declared")
    if None not in costs:
        unit = f"{body['costs']['unit']} in 1,000 records"
        mistakes = _least("mistakes", unit, names, [f"{Decimal(one):.2f}" for one in costs])
    return time, mistakes


def cheaper_side(body: Body) -> str:
    """Return the side that nothing but itself is cheaper than; empty if there is none."""
    found = {one.side for one in compare_costs(body)} & {"model", "baseline"}
    return found.pop() if len(found) == 1 else ""


def _least(
    what: str,
    unit: str,
    names: Sequence[str],
    figures: Sequence[str],
    *,
    noise: Decimal = Decimal(0),
) -> CheaperSide:
    """Return the side with the lower figure."""
    at = min((0, 1), key=lambda one: Decimal(figures[one]))
    least, most = f"{names[at]}, {figures[at]} {unit}", f"{names[1 - at]} {figures[1 - at]}"
    if Decimal(figures[at]) < (1 - noise) * Decimal(figures[1 - at]):
        return CheaperSide(("model", "baseline")[at], f"cheaper by {what}: {least} ({most})")
    return CheaperSide("neither", f"neither is cheaper by {what}: {least} ({most})")


def chosen_in_words(chosen: Mapping[str, Any]) -> str:
    """Return why a candidate was chosen, with the usual name of the metric."""
    metric = chosen["metric"]
    return str(chosen["reason"]).replace(f": {metric} ", f": {METRICS[metric]} ", 1)


def reported_in_words(names: Collection[str]) -> dict[str, str]:
    """Return metrics of a checkpoint by name; validation metrics under their usual names.

    Args:
        names: All that it has.
    """
    found = {}
    for name in names:
        found[name] = name
        for before, where in (("validation", "on validation"), ("outOfFold", "out of fold")):
            metric = name.removeprefix(before)
            metric = metric[:1].lower() + metric[1:]
            # Of records with several labels all have to be right.
            if metric == "accuracy" and f"{before}MicroF1" in names:
                metric = "subsetAccuracy"
            if name.startswith(before) and metric in METRICS:
                found[name] = f"{METRICS[metric]} {where}"
    return found


def result_in_words(body: Body) -> str:
    """Return the result of an evaluation or monitoring, and who states it."""
    said = (drift_in_words(body) or verdict_in_words(body), against_in_words(body))
    return "; ".join(filter(None, (*said, given_in_words(body))))


def given_in_words(body: Body) -> str:
    """Return the party that states the answers if the model was not run here; else empty."""
    if not are_given(body):
        return ""
    text = "computed from answers whose maker vouches for them; not run here"
    if "overlap" not in body:
        text += "; whether it has seen the records is not known"
    return text if "baseline" in body else f"{text}; no baseline: nothing to fit one to"


def against_in_words(body: Body) -> str:
    """Return the comparison with another model on the same records; empty without one."""
    against = body.get("against")
    if against is None:
        return ""
    first = against["comparisons"][0]
    given = ", whose answers were given, not run here" if against["given"] else ""
    other = f"{escape_control(against['name'])}{given}"
    measured = f"{METRICS[first['metric']]} {with_interval(first['difference'], signed=True)}"
    measured += " on the same records"
    if are_more(body.get("overlap", {}).get("exact", 0), body["count"], SEEN_PERCENT):
        return f"{measured} beside {other}: no verdict, since training saw some of them"
    if "low" not in first["difference"]:
        return f"{too_few_in_words(body)} to tell: {measured} beside {other}"
    said = {
        "better": f"better by {measured} than {other}",
        "worse": f"worse by {measured} than {other}",
    }
    return said.get(first["verdict"], f"no difference shown: {measured} beside {other}")


def cost_in_words(body: Body) -> str:
    """Return the cost of mistakes beside that of the baseline; empty if no costs were declared."""
    ours = body["model"].get("costPer1000")
    theirs = body.get("baseline", {}).get("costPer1000")
    if ours is None or theirs is None:
        return ""
    unit = body["costs"]["unit"]
    other = _CALLED.get(body["baseline"]["method"], "the baseline")
    text = f"mistakes in 1,000 records cost {Decimal(ours):.2f} {unit}, "
    text += f"those of {other} {Decimal(theirs):.2f}"
    if are_more(body.get("overlap", {}).get("exact", 0), body["count"], SEEN_PERCENT):
        return text
    verdict = next((one["verdict"] for one in body.get("comparisons", ())), "")
    dearer = Decimal(ours) > Decimal(theirs)
    if verdict == "better" and dearer:
        return f"{text}: the model is better, and its mistakes are dearer"
    if verdict == "worse" and not dearer:
        return f"{text}: the model is worse, and its mistakes are not dearer"
    return text


def threshold_in_words(threshold: Mapping[str, Any]) -> str:
    """Return one threshold of an evaluation, and whether it is met."""
    name = METRICS.get(threshold["metric"], threshold["metric"])
    of = f" of {threshold['label']}" if "label" in threshold else ""
    bound = (
        f"at least {threshold['atLeast']}"
        if "atLeast" in threshold
        else f"at most {threshold['atMost']}"
    )
    state = "reached" if threshold["met"] else "MISSED"
    return f"{state}: {name}{of} {threshold['value']}, promised {bound}"


def seen_in_words(body: Body) -> str:
    """Return the number of test records in training or validation data; empty if not searched."""
    seen = body.get("overlap", {}).get("exact")
    if seen is None:
        return ""
    share = Decimal(100 * seen) / body["count"]
    text = f"{seen} of {body['count']} test records ({share:.1f} %) were seen in training"
    if are_more(seen, body["count"], SEEN_PERCENT):
        text += ": the figures are those of records that the model has learned"
    if unread := body["overlap"].get("unread"):
        data = pluralize(len(unread), "dataset")
        text += f"; not looked for in {data} that a base model, or a generator, learned from"
    return text


def outside_in_words(body: Body) -> str:
    """Return the number of right answers that are not a choice of the model; empty if zero."""
    outside = body.get("outsideChoices", 0)
    if not outside:
        return ""
    words = "right answer of the test set is none of the choices, and counts"
    several = "right answers of the test set are none of the choices, and count"
    return f"{pluralize(outside, words, several)} as wrong"


def unlike_in_words(body: Body) -> str:
    """Return the number of test records unlike the training data; empty if not measured."""
    if "unlike" not in body:
        return ""
    count = body["unlike"]["count"]
    share = Decimal(100 * count) / body["count"]
    return (
        f"{count} of {body['count']} test records ({share:.1f} %) are unlike the training data: "
        "the figures count its answers, which it does not give for them"
    )


def near_in_words(body: Body) -> str:
    """Return the number of near duplicates in the training data; empty if not searched."""
    near = body.get("overlap", {}).get("near")
    if near is None:
        return ""
    share = Decimal(100 * near["count"]) / body["count"]
    text = f"{near['count']} of {body['count']} test records ({share:.1f} %) are nearly the same as"
    text += " a training record"
    if not near["count"] or "without" not in near:
        return text
    found = (f"{METRICS[name]} {with_interval(one)}" for name, one in _shown(near["without"]))
    return f"{text}; without them {', '.join(found)}"


def with_interval(figure: Mapping[str, str], *, signed: bool = False) -> str:
    """Return a figure and its interval, if it has one."""
    form = f"{Decimal(figure['value']):+}" if signed else figure["value"]
    return f"{form} ({figure['low']} to {figure['high']})" if "low" in figure else form


def figures_of(system: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    """Return metric → figure of a system, in the order in which they are shown."""
    return dict(_shown({**system, **system.get("measures", {})}))


def _shown(figures: Mapping[str, Any]) -> list[tuple[str, Mapping[str, str]]]:
    others = [name for name, one in figures.items() if isinstance(one, Mapping) and "value" in one]
    return [(name, figures[name]) for name in dict.fromkeys((*METRICS, *others)) if name in figures]


DRIFT_MEMBERS = {
    "labels": "labels",
    "lengths": "lengths",
    "newTokenShare": "new words",
    "unlikeShare": "unlike texts",
    "confidenceShift": "confidence",
}
"""Member of ``drift`` → its name for people, in the order of display."""

_CHANGED = {"newTokenShift": "new words", "unlikeShift": "unlike texts", **DRIFT_MEMBERS}


def drift_in_words(body: Body) -> str:
    """Return the findings of a monitoring result; empty if the evaluation is not one."""
    drift = body.get("drift")
    if drift is None:
        return ""
    if drift["verdict"] == "history":
        return "history: of before the run, no verdict"
    if drift["verdict"] == "ok":
        return "ok: nothing moved beyond its limit"
    if drift["verdict"] == "insufficient":
        unjudged = [DRIFT_MEMBERS[one] for one in drift.get("unjudged", ()) if one in DRIFT_MEMBERS]
        if unjudged:
            return f"insufficient: not measured: {', '.join(unjudged)}"
        return "insufficient: too few records to tell"
    found = beyond_limits(body)
    moved = [_CHANGED[name] for name in found if name in _CHANGED]
    fell = [f"{METRICS[name]} fell" for name in found if name in METRICS]
    return f"drift: {', '.join([*(f'{name} changed' for name in moved), *fell])}"


def drift_figures(body: Body) -> list[tuple[str, str]]:
    """Return name and value of each measured member of ``drift``."""
    drift = body.get("drift", {})
    found = [(name, drift[member]) for member, name in DRIFT_MEMBERS.items() if member in drift]
    said = {"confidence": "{:+}", "new words": "{}"}
    if "newTokenShift" in drift:
        since = "against it" if "backfill" in body else "since"
        said["new words"] = f"{{}} ({Decimal(drift['newTokenShift']):+} {since})"
    if "unlikeShift" in drift:
        before = Decimal(drift["unlikeShare"]) - Decimal(drift["unlikeShift"])
        said["unlike texts"] = f"{{}} ({before} of its test part)"
    return [(name, said.get(name, "{}").format(Decimal(value))) for name, value in found]


def since_release_in_words(body: Body) -> list[str]:
    """Return for each metric of a monitoring result its change since the release."""
    words = {"better": "better", "no-difference-shown": "no change shown", "worse": "WORSE"}
    figures = figures_of(body["model"])
    since = "against the release" if "backfill" in body else "since the release"
    found = []
    for one in body.get("comparisons", ()):
        if one["baseline"] == "release":
            sure = {"low", "high"} <= one["difference"].keys()
            over, few = "", too_few_in_words(body)
            if "over" in one:
                over = f" over {pluralize(one['over']['labels'], 'label')}"
                records = min(one["over"]["records"], one["over"]["referenceRecords"])
                few = f"too few records ({records})" if records < FEWEST_RECORDS else few
            said = words[one["verdict"]] if sure else f"{few} to tell"
            found.append(
                f"{METRICS[one['metric']]} {with_interval(figures[one['metric']])}, {since} "
                f"{with_interval(one['difference'], signed=True)}{over}: {said}"
            )
    return found
