"""Facts about evaluations: each figure of the model with that of the baseline beside it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from lyrikstore.canon.json import JSON
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.statement import Said, counted, named
from lyrikstore.publish.cards.vocabulary.fact import Fact
from lyrikstore.publish.cards.vocabulary.training import resources
from lyrikstore.verify.evaluation.choice.baselines import NEAREST
from lyrikstore.verify.evaluation.external_answers import are_given
from lyrikstore.verify.evaluation.limits import JUDGED_RECORDS
from lyrikstore.verify.evaluation.sentences.decision import decision_in_words, decision_of
from lyrikstore.verify.evaluation.words import (
    METRICS,
    against_in_words,
    baseline_name,
    cheaper_in_words,
    cost_in_words,
    figures_of,
    given_in_words,
    intervals_in_words,
    left_out_in_words,
    metric_of_parts,
    near_in_words,
    record_in_words,
    records_in_words,
    seen_in_words,
    shown_in_words,
    slice_in_words,
    threshold_in_words,
    verdict_of,
    with_interval,
)

MAX_LABELS = 200
_LEAST_BEFORE = 5
"""Test records of a class that cards before ``card/4`` may call the worst."""

_SYSTEMS = (("model", "model"), ("baseline", "baseline"), ("majority", "commonest label"))


def _systems(facts: CardFacts, body: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the model and the systems it is compared with, each with its name."""
    found = [(called, body[system]) for system, called in _SYSTEMS if system in body]
    if facts.form.claims_what_is_shown:
        beside = [one for one in body.get("baselines", ()) if one["method"] == NEAREST]
        found[2:2] = [("nearest record", one) for one in beside]
    return found


def _title(facts: CardFacts, called: str, system: Mapping[str, Any]) -> str:
    """Return the name of a system for a sentence; for a baseline, its description."""
    if called == "baseline" and facts.form.says_what_is_compared:
        return baseline_name(system["method"])
    return called


Find = Callable[[CardFacts, Manifest], Iterator[Said]]


def _each(find: Find) -> Callable[[CardFacts], Iterator[Said]]:
    """Return a function that yields the values of a fact for every evaluation."""

    def found(facts: CardFacts) -> Iterator[Said]:
        for evaluation in facts.evaluations:
            yield from _vouched(evaluation, find(facts, evaluation))

    return found


def _vouched(evaluation: Manifest, said: Iterable[Said]) -> Iterator[Said]:
    """Yield values of an evaluation; with given answers, measured values become stated ones."""
    given = are_given(evaluation.body)
    for one in said:
        is_stated = given and one.state == "measured"
        yield replace(one, state="stated", by=evaluation.author) if is_stated else one


def _data(facts: CardFacts) -> Iterator[Said]:
    if not facts.evaluations:
        text = "not established: no evaluation of it is logged"
        yield Said(text, (named(facts.checkpoint),), "not-established")
    for one in facts.evaluations:
        body = one.body
        intervals = intervals_in_words(body)
        if not facts.form.claims_what_is_shown:
            confidence = body["confidence"]
            level = Decimal(confidence["level"]) * 100
            intervals = f"intervals: {confidence['method']}, {level:g} %"
        baseline = body["baseline"]["method"] if "baseline" in body else "none"
        text = (
            f"{counted(body['count'], 'record')} of the part {body['split']}, signed by "
            f"{one.author}; {intervals}; baseline: {baseline}"
        )
        if left := left_out_in_words(body):
            text = f"{text}; {left}"
        tests = ((item.id, "test data") for item in one.inputs_in("test"))
        said = Said(text, (named(one), *tests), "measured", one.name, value=body["count"])
        yield from _vouched(one, [said])


def _retired(facts: CardFacts) -> Iterator[Said]:
    # ATTACK: of several evaluations, the one that the model lost is retired, and nobody asks.
    for one in facts.retired:
        text = f"{one.name} ({one.id.short}) was retired: what it found is not shown"
        yield Said(text, (named(one),), "derived", f"{one.name} {one.id.short}")


def _decision(facts: CardFacts) -> Iterator[Said]:
    if not facts.form.claims_by_evidence:
        return
    if not facts.evaluations:
        text = "undecided: no evaluation of it is logged"
        value: JSON = {"use": "undecided", "verdict": "none", "cheaper": "unknown"}
        yield Said(text, (named(facts.checkpoint),), "not-established", value=value)
    for one in facts.evaluations:
        text, decided = decision_in_words(one.body), decision_of(one.body)
        # Times of answers follow from nothing, so a sentence with them is stated.
        state = "stated" if "latencyMs" in decided else "measured"
        said = Said(text, (named(one),), state, one.name, value=decided)
        yield from _vouched(one, [said])


def _verdict(facts: CardFacts, one: Manifest) -> Iterator[Said]:
    before = not facts.form.claims_what_is_shown
    text = shown_in_words(one.body, before_card_4=before) or _by_accuracy(one.body)
    verdict = verdict_of(one.body) or None
    if before and verdict is not None:
        verdict = one.body["comparisons"][0]["verdict"]
    yield Said(text, (named(one),), "measured", one.name, value=verdict)


def _cheaper(facts: CardFacts, one: Manifest) -> Iterator[Said]:
    if facts.form.claims_what_is_shown and (text := cheaper_in_words(one.body)):
        yield Said(text, (named(one),), "stated", one.name)


def _by_accuracy(body: Mapping[str, Any]) -> str:
    """Return the better system of an evaluation of version 1, which has no comparison itself."""
    if "baseline" not in body:
        return "no verdict: there is no baseline to hold it against"
    ours, theirs = (body[system]["accuracy"] for system in ("model", "baseline"))
    difference = Decimal(ours["value"]) - Decimal(theirs["value"])
    if not difference:
        return "by accuracy, model and baseline are equal"
    better = "model" if difference > 0 else "baseline"
    text = f"by accuracy, the {better} is better, by {abs(difference)}"
    if not all("low" in figure and "high" in figure for figure in (ours, theirs)):
        return f"{text}; how sure that is, is not known"
    apart = Decimal(ours["low"]) > Decimal(theirs["high"]) or Decimal(theirs["low"]) > Decimal(
        ours["high"]
    )
    return f"{text}; their intervals {'do not ' if apart else ''}overlap"


def _metrics(facts: CardFacts, one: Manifest) -> Iterator[Said]:
    systems = [
        (called, _title(facts, called, system), figures_of(system))
        for called, system in _systems(facts, one.body)
    ]
    for metric in systems[0][2]:
        said = [
            f"{title} {with_interval(figures[metric])}"
            for _, title, figures in systems
            if metric in figures
        ]
        value: JSON = {
            called: dict(figures[metric]) for called, _, figures in systems if metric in figures
        }
        subject = f"{one.name} {metric}"
        title = METRICS[metric]
        yield Said("; ".join(said), (named(one),), "measured", subject, title, value)


def _before(facts: CardFacts) -> Iterator[Said]:
    """Yield the figures of the version before, if both have an evaluation of the same name."""
    old = {one.name: one for one in facts.earlier.evaluations}
    new = {one.name: one for one in facts.evaluations}  # of each name the last
    for name in (one for one in new if one in old):
        before, now = old[name], new[name]
        tests = [[one.id for one in side.inputs_in("test")] for side in (before, now)]
        other = "" if tests[0] == tests[1] else "; on other test data, so they do not compare"
        sides = [
            [
                (_title(facts, called, system), figures_of(system))
                for called, system in _systems(facts, side.body)
            ]
            for side in (before, now)
        ]
        for metric in sides[1][0][1]:
            if metric in sides[0][0][1]:
                said = [
                    "; ".join(
                        f"{called} {with_interval(figures[metric])}"
                        for called, figures in side
                        if metric in figures
                    )
                    for side in sides
                ]
                value: JSON = {
                    "before": dict(sides[0][0][1][metric]), "now": dict(sides[1][0][1][metric])
                }  # fmt: skip
                yield Said(
                    f"was: {said[0]}; is: {said[1]}{other}", (named(before), named(now)),
                    "measured", f"{name} {metric}", f"Before: {METRICS[metric]}", value,
                )  # fmt: skip


def _in_words(words: Callable[[Mapping[str, Any]], str]) -> Find:
    def find(_: CardFacts, one: Manifest) -> Iterator[Said]:
        if text := words(one.body):
            yield Said(text, (named(one),), "measured", one.name)

    return find


def _thresholds(_: CardFacts, one: Manifest) -> Iterator[Said]:
    for bound in one.body.get("thresholds", ()):
        of = f" {bound['label']}" if "label" in bound else ""
        subject = f"{one.name} {bound['metric']}{of}"
        text = threshold_in_words(bound)
        yield Said(text, (named(one),), "measured", subject, value=bound["met"])


def _classes(facts: CardFacts, one: Manifest) -> Iterator[Said]:
    labels: Mapping[str, Mapping[str, Any]] = one.body["model"].get("perClass", {})
    baseline: Mapping[str, Any] = one.body.get("baseline", {})
    others: Mapping[str, Mapping[str, Any]] = baseline.get("perClass", {})
    for label in sorted(labels)[:MAX_LABELS]:
        scores, other = labels[label], others.get(label, {})
        text = (
            f"F1 {scores['f1']}, precision {scores['precision']}, recall {scores['recall']}, "
            f"{_records(facts, scores['support'])}; baseline F1 {other.get('f1', 'not known')}"
        )
        value: JSON = {**scores, **({"baselineF1": other["f1"]} if "f1" in other else {})}
        yield Said(text, (named(one),), "measured", f"{one.name} {label}", label, value)


def _records(facts: CardFacts, count: int) -> str:
    if facts.form.claims_what_is_shown:
        return records_in_words(count)
    return counted(count, "record")


def _worst_class(facts: CardFacts, one: Manifest) -> Iterator[Said]:
    labels: Mapping[str, Mapping[str, Any]] = one.body["model"].get("perClass", {})
    new = facts.form.claims_what_is_shown
    least = JUDGED_RECORDS if new else _LEAST_BEFORE
    seen = {name: of for name, of in labels.items() if of["support"] >= least}
    if labels and not seen and new:
        text = f"not said: no label has {least} test records"
        yield Said(text, (named(one),), "measured", one.name)
    if not seen:
        return
    worst = min(seen, key=lambda name: (Decimal(seen[name]["f1"]), name))
    records = counted(seen[worst]["support"], "record")
    text = f"{worst}: F1 {seen[worst]['f1']}, {records}"
    yield Said(text, (named(one),), "measured", one.name, value=worst)


def _slices(facts: CardFacts, one: Manifest) -> Iterator[Said]:
    for part in one.body.get("slices", ()):
        metric = metric_of_parts(part["measures"])
        called, value = slice_in_words(part)
        title, subject = f"{called}: {value}", f"{one.name} {called}: {part['value']}"
        figure = part["measures"][metric]
        records = _records(facts, part["count"])
        text = f"{METRICS[metric]} {with_interval(figure)}, {records}"
        yield Said(
            text, (named(one),), "measured", subject, title, {**figure, "count": part["count"]},
        )  # fmt: skip


def _worst_slice(facts: CardFacts, one: Manifest) -> Iterator[Said]:
    new = facts.form.claims_what_is_shown
    parts = [
        (part["measures"][metric], metric, part)
        for part in one.body.get("slices", ())
        for metric in [metric_of_parts(part["measures"])]
    ]
    found = [
        (figure, metric, part)
        for figure, metric, part in parts
        if (part["count"] >= JUDGED_RECORDS if new else "low" in figure)
    ]
    if not found:
        return
    figure, metric, worst = min(
        found, key=lambda each: (Decimal(each[0]["value"]), each[2]["value"])
    )
    records = counted(worst["count"], "record")
    measured = f"{METRICS[metric]} {with_interval(figure)}" if new else with_interval(figure)
    text = f"{' '.join(slice_in_words(worst))}: {measured}, {records}"
    yield Said(text, (named(one),), "measured", one.name)


def _calibration(_: CardFacts, one: Manifest) -> Iterator[Said]:
    found = one.body["model"].get("calibration", {})
    if {"ece", "bins"} <= found.keys():
        text = f"confidence and share of right answers differ by {found['ece']} in the mean"
        yield Said(text, (named(one),), "measured", one.name, value=found)


def _coverage(_: CardFacts, one: Manifest) -> Iterator[Said]:
    rows = one.body["model"].get("coverage", ())
    if rows:
        said = "; ".join(
            f"{Decimal(row['accuracy']) * 100:.1f} % right where it answers "
            f"{Decimal(row['share']) * 100:.1f} %"
            for row in rows[:3]
        )
        yield Said(said, (named(one),), "measured", one.name, value=list(rows))


def _confusions(facts: CardFacts, one: Manifest) -> Iterator[Said]:
    table = facts.confusions.get(one.id)
    if table is None:
        return
    labels, counts = table["labels"], table["counts"]
    wrong = sorted(
        (
            (count, row, column)
            for row, line in enumerate(counts[: len(labels)])
            for column, count in enumerate(line[: len(labels)])
            if row != column and count
        ),
        key=lambda found: (-found[0], labels[found[1]], labels[found[2]]),
    )
    said = "; ".join(
        f"{labels[row]} taken for {labels[column]}: {counted(count, 'record')}"
        for count, row, column in wrong[:5]
    )
    yield Said(said or "none", (named(one),), "measured", one.name, value=table)


def _failures(_: CardFacts, one: Manifest) -> Iterator[Said]:
    for at, worst in enumerate(one.body["worst"][:10]):
        sure = f", with probability {worst['probability']}" if "probability" in worst else ""
        what = f"token F1 {worst['score']}" if "score" in worst else _taken(worst)
        text = f"{what}{sure}; {record_in_words(worst)}"
        yield Said(text, (named(one),), "measured", f"{one.name} {at + 1}", f"Failure {at + 1}")


def _taken(worst: Mapping[str, Any]) -> str:
    return f"{worst['expected']} taken for {worst['predicted']}"


def _latency(facts: CardFacts, one: Manifest) -> Iterator[Said]:
    said = [
        f"{_title(facts, called, system)} {system['latencyMs']['p50']} ms "
        f"(95th percentile {system['latencyMs']['p95']} ms)"
        for called, system in _systems(facts, one.body)
        if "latencyMs" in system
    ]
    if said:
        yield Said("; ".join(said), (named(one),), "stated", one.name)


def _resources(_: CardFacts, one: Manifest) -> Iterator[Said]:
    yield from resources(one.body.get("plan", {}), "Planned", named(one), f"{one.name} planned")
    yield from resources(one.body.get("actual", {}), "Taken", named(one), f"{one.name} taken")


FACTS = {
    "evaluation.decision": Fact(
        "Decision", "which of model and baseline to use, and which is cheaper to run", _decision
    ),
    "evaluation.data": Fact("Tested on", "which records, by whom, how", _data),
    "evaluation.retired": Fact(
        "Evaluated before", "evaluations whose predictions and figures were retired", _retired
    ),
    "evaluation.given": Fact(
        "Not run here", "whose word the answers are", _each(_in_words(given_in_words))
    ),
    "evaluation.against": Fact(
        "Compared", "with another model, on the same records", _each(_in_words(against_in_words))
    ),
    "evaluation.verdict": Fact("Verdict", "whether it is worth having", _each(_verdict)),
    "evaluation.cheaper": Fact(
        "Cheaper", "which of model and baseline, by time and mistakes", _each(_cheaper)
    ),
    "evaluation.metric": Fact(
        "Metric", "model, baseline, nearest record, commonest label", _each(_metrics)
    ),
    "evaluation.before": Fact(
        "Before", "a metric of the version before, beside this one's", _before
    ),
    "evaluation.cost": Fact(
        "Cost of mistakes", "in 1,000 records, beside the baseline's",
        _each(_in_words(cost_in_words)),
    ),
    "evaluation.seen": Fact(
        "Seen in training", "test records that training data has", _each(_in_words(seen_in_words))
    ),
    "evaluation.near": Fact(
        "Nearly seen", "test records that are nearly in the training data",
        _each(_in_words(near_in_words)),
    ),
    "evaluation.threshold": Fact(
        "Promised before training", "thresholds, and whether they are reached", _each(_thresholds)
    ),
    "evaluation.worst-class": Fact("Worst class", "the label with the least F1",
                                   _each(_worst_class)),
    "evaluation.worst-slice": Fact("Worst slice", "the part with the least metric",
                                   _each(_worst_slice)),
    "evaluation.class": Fact("Class", "figures of each label", _each(_classes)),
    "evaluation.slice": Fact("Slice", "figures of each part of the test data", _each(_slices)),
    "evaluation.calibration": Fact("Calibration", "whether confidence can be believed",
                                   _each(_calibration)),
    "evaluation.coverage": Fact("Coverage", "accuracy over the surest records", _each(_coverage)),
    "evaluation.confusion": Fact("Taken for another", "the commonest confusions",
                                 _each(_confusions)),
    "evaluation.failure": Fact("Failure", "the worst failures, by place in the test set",
                               _each(_failures)),
    "evaluation.latency": Fact("Time of an answer", "median and 95th percentile", _each(_latency)),
    "evaluation.resources": Fact("Resources", "what the evaluation took", _each(_resources)),
}  # fmt: skip
