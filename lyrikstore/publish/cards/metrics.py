"""The evaluation part of a model card (spec §14.4.4)."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.rights import right_lines
from lyrikstore.publish.cards.writer import CardWriter
from lyrikstore.publish.markdown import code, escape

_SYSTEMS = ("model", "baseline", "majority")
_METRICS = (("accuracy", "accuracy"), ("macroF1", "macro-averaged F1"))
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
    yield _verdict(body, own, writer)
    yield ""
    yield "| metric | model | baseline | commonest label | evidence |"
    yield "| --- | --- | --- | --- | --- |"
    for metric, title in _METRICS:
        estimates = (_interval(body[system].get(metric)) for system in _SYSTEMS)
        yield writer.row((title, *estimates), own)
    for title, path in (
        ("latency, median, ms", ("latencyMs", "p50")),
        ("latency, 95th percentile, ms", ("latencyMs", "p95")),
        ("wall-clock time, s", ("wallSeconds",)),
        ("processor time, s", ("cpuSeconds",)),
        ("peak memory, bytes", ("peakMemoryBytes",)),
    ):
        yield writer.row((title, *(_at(body[system], path) for system in _SYSTEMS)), own)
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
    worst = [item["record"] for item in body["worst"][:10]]
    if worst:
        shown = ", ".join(code(record) for record in worst)
        yield writer.say(f"records it got most wrong, by record id: {shown}", own)
    yield writer.lack("how it does on other data than this", "nothing measured it", own)


def _verdict(body: dict[str, Any], own: tuple[Digest, str], writer: CardWriter) -> str:
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


def _interval(found: dict[str, str] | None) -> str:
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
