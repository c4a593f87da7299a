"""The evaluation part of a model card (spec §14.4.4)."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.v1.resources import resource_lines
from lyrikstore.publish.cards.v1.rights import right_lines
from lyrikstore.publish.cards.v1.writer import CardWriter
from lyrikstore.publish.markdown import code, escape
from lyrikstore.verify.evaluation.words import (
    cost_in_words,
    figures_of,
    near_in_words,
    seen_in_words,
    threshold_in_words,
    verdict_in_words,
)

_SYSTEMS = ("model", "baseline", "majority")
_METRICS = {
    "accuracy": "accuracy",
    "subsetAccuracy": "all labels right",
    "microF1": "micro-averaged F1",
    "macroF1": "macro-averaged F1",
}
_MAX_LABELS = 200
NOT_MEASURED = "not measured"


def evaluation_lines(facts: CardFacts, writer: CardWriter) -> Iterator[str]:
    """Yield the lines about every evaluation; always the baseline next to the model."""
    own = (facts.checkpoint.id, f"checkpoint {facts.checkpoint.name}")
    if not facts.evaluations:
        yield writer.lack("how well it works", "no evaluation of it is logged", own)
    for evaluation in facts.evaluations:
        yield from _one(facts, evaluation, writer)


def _one(facts: CardFacts, evaluation: Manifest, writer: CardWriter) -> Iterator[str]:
    body = evaluation.body
    own: tuple[Digest, str] = (evaluation.id, f"evaluation {evaluation.name}")
    tests = [(item.id, "test data") for item in evaluation.inputs_in("test")]
    yield f"### {escape(evaluation.name)}"
    yield ""
    yield writer.say(
        f"{body['count']} records of the part {code(body['split'])}, signed by "
        f"{code(evaluation.author)}",
        own,
        *tests,
    )
    yield from right_lines(evaluation, "evaluate", writer, facts)
    overlap = body["overlap"]
    yield writer.say(
        f"{overlap['exact']} of them are also in the training data, compared by "
        f"{escape(overlap['checked'])}",
        own,
    )
    level = Decimal(body["confidence"]["level"]) * 100
    yield writer.say(
        f"intervals: {escape(body['confidence']['method'])}, {level.normalize():f} %, "
        f"{body['confidence']['resamples']} resamples, seed {body['confidence']['seed']}",
        own,
    )
    yield writer.say(f"baseline: {escape(body['baseline']['method'])}", own)
    yield from _verdict(body, own, writer)
    yield ""
    yield "| metric | model | baseline | commonest label | evidence |"
    yield "| --- | --- | --- | --- | --- |"
    figures = [figures_of(body.get(system, {})) for system in _SYSTEMS]
    for metric in figures[0]:
        estimates = (_interval(one.get(metric)) for one in figures)
        yield writer.row((_METRICS[metric], *estimates), own)
    if "costPer1000" in body["model"]:
        costs = (str(Decimal(body[system]["costPer1000"])) for system in _SYSTEMS)
        unit = escape(body["costs"]["unit"], 100)
        yield writer.row((f"cost of mistakes in 1,000 records, {unit}", *costs), own)
    for title, path in (
        ("latency, median, ms", ("latencyMs", "p50")),
        ("latency, 95th percentile, ms", ("latencyMs", "p95")),
        ("wall-clock time, s", ("wallSeconds",)),
        ("processor time, s", ("cpuSeconds",)),
        ("peak memory, bytes", ("peakMemoryBytes",)),
    ):
        yield writer.row((title, *(_at(body.get(system, {}), path) for system in _SYSTEMS)), own)
    if "actual" in body:
        yield ""
    yield from resource_lines(writer, body.get("plan", {}), "planned of this evaluation", own)
    yield from resource_lines(writer, body.get("actual", {}), "taken by this evaluation", own)
    yield ""
    labels = sorted(body["model"].get("perClass", {}))
    if labels:
        yield "| class | records | precision | recall | F1 | F1 of the baseline | evidence |"
        yield "| --- | --- | --- | --- | --- | --- | --- |"
    for label in labels[:_MAX_LABELS]:
        scores = body["model"]["perClass"][label]
        other = body["baseline"].get("perClass", {}).get(label, {})
        cells = [escape(label, 200), str(scores["support"])]
        cells += [str(Decimal(scores[name])) for name in ("precision", "recall", "f1")]
        cells.append(str(Decimal(other["f1"])) if "f1" in other else NOT_MEASURED)
        yield writer.row(cells, own)
    if len(labels) > _MAX_LABELS:
        yield writer.say(f"and {len(labels) - _MAX_LABELS} more classes in the evaluation", own)
    yield ""
    worst = [item["record"] for item in body["worst"][:10] if "record" in item]
    if worst:
        shown = ", ".join(code(record) for record in worst)
        yield writer.say(f"records it got most wrong, by record id: {shown}", own)
    yield writer.lack("how it does on other data than this", "nothing measured it", own)


def _verdict(body: dict[str, Any], own: tuple[Digest, str], writer: CardWriter) -> Iterator[str]:
    if text := verdict_in_words(body):
        yield writer.say(f"verdict: **{escape(text)}**", own)
        lines = (seen_in_words(body), cost_in_words(body), near_in_words(body))
        for line in filter(None, lines):
            yield writer.say(escape(line), own)
        for one in body.get("thresholds", ()):
            said = escape(threshold_in_words(one), 300)
            yield writer.say(f"promised before training: {said}", own)
        return
    # An evaluation of version 1 compares nothing.
    yield _by_accuracy(body, own, writer)


def _by_accuracy(body: dict[str, Any], own: tuple[Digest, str], writer: CardWriter) -> str:
    ours = Decimal(body["model"]["accuracy"]["value"])
    theirs = Decimal(body["baseline"]["accuracy"]["value"])
    if ours == theirs:
        return writer.say("by accuracy, model and baseline are equal", own)
    better, worse = ("model", "baseline") if ours > theirs else ("baseline", "model")
    return writer.say(
        f"by accuracy, **the {better} is better** than the {worse}, by {abs(ours - theirs)}; "
        f"{_apart(body)}",
        own,
    )


def _apart(body: dict[str, Any]) -> str:
    ends = [body[system]["accuracy"] for system in ("model", "baseline")]
    if not all("low" in end and "high" in end for end in ends):
        return "how sure that is, is not known"
    ours, theirs = ((Decimal(end["low"]), Decimal(end["high"])) for end in ends)
    if ours[0] > theirs[1] or theirs[0] > ours[1]:
        return "their intervals do not overlap"
    return "their intervals overlap"


def _interval(found: Mapping[str, str] | None) -> str:
    if found is None:
        return NOT_MEASURED
    text = str(Decimal(found["value"]))
    if "low" in found and "high" in found:
        text += f" ({Decimal(found['low'])} to {Decimal(found['high'])})"
    return text


def _at(system: dict[str, Any], path: tuple[str, ...]) -> str:
    found: Any = system
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return NOT_MEASURED if found is None else str(Decimal(str(found)))
