"""The members of an evaluation that follow from generated texts (spec §13.12.8)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyrikstore.verify.evaluation.answers import WHOLE, named
from lyrikstore.verify.evaluation.figures.measures import BILLION, Resampled, verdict
from lyrikstore.verify.evaluation.figures.resample import LEVEL, RESAMPLES, draws
from lyrikstore.verify.evaluation.generation.generations import Generations
from lyrikstore.verify.evaluation.generation.texts import BASE_MODEL, WrittenAnswer
from lyrikstore.verify.evaluation.limits import FEWEST_RECORDS

MEASURED = ("wallSeconds", "cpuSeconds", "peakMemoryBytes", "params")
"""Members of ``model`` and ``baseline`` that are measured, and do not follow from the texts."""

METRIC, METRIC_OF_CHOICES = "tokenF1", "exactMatch"
"""The deciding metric for free texts, and the one for choices."""

STATED = frozenset(
    {
        *("actual", "environment", "outsideChoices", "overlap", "plan", "prompt", "rights"),
        "split",
    }
)
"""Members of an evaluation that do not follow from the generated texts."""

_MEASURES = ("tokenF1", "exactMatch", "refusals", "cutOff", "meanTokens")
_WORST = 20


def generation_body(found: Generations, *, seed: int, choices: bool = False) -> dict[str, Any]:
    """Return every member of an evaluation's body that follows from the generated texts.

    Args:
        found: What was written.
        seed: Of the resampling: that of the run.
        choices: Whether the answers are choices.

    Returns:
        ``count``, ``task``, ``predictions``, ``outputs``, ``model``, ``confidence``, ``worst``, and
        where the base wrote, too, ``baseline`` and ``comparisons``.

    Cost: 1,000 resamples of all records.
    """
    count = len(found.records)
    tables = [_table([one[at] for one in found.outputs]) for at in range(found.answerers)]
    resampled = None
    if count >= FEWEST_RECORDS:
        drawn = [[_means(one, some) for one in tables] for some in draws(count, seed=seed)]
        resampled = np.asarray(drawn, np.int64)
    once = np.ones(count, np.int64)
    measured = Resampled((), [_means(one, once).tolist() for one in tables], resampled)
    systems = [
        {"measures": {name: measured.interval(at, column) for column, name in enumerate(_MEASURES)}}
        for at in range(found.answerers)
    ]
    body: dict[str, Any] = {
        "count": count,
        "task": "sft",
        "predictions": {"format": found.format, "count": count},
        "outputs": {"count": count * found.answerers},
        "model": systems[0],
        "confidence": {
            "method": "bootstrap",
            "level": LEVEL,
            "resamples": RESAMPLES if count >= FEWEST_RECORDS else 0,
            "seed": seed,
        },
        "worst": _worst(found, choices=choices),
    }
    if found.answerers > 1:
        body["baseline"] = {"method": BASE_MODEL, **systems[1]}
        metric = METRIC_OF_CHOICES if choices else METRIC
        difference = measured.difference(1, _MEASURES.index(metric))
        compared = {"baseline": BASE_MODEL, "metric": metric, "difference": difference}
        body["comparisons"] = [{**compared, "verdict": verdict(difference)}]
    return body


def _table(outputs: Sequence[WrittenAnswer]) -> NDArray[np.int64]:
    """Return the measures as an array, records × measures, in millionths; tokens as counts."""
    rows = [
        (
            one.token_f1,
            WHOLE * one.exact,
            WHOLE * one.refused,
            WHOLE * (not one.ended),
            WHOLE * one.tokens,
        )
        for one in outputs
    ]
    return np.asarray(rows, np.int64)


def _means(table: NDArray[np.int64], weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return means in billionths, rounded down."""
    sums = weights @ table
    return np.asarray(sums * (BILLION // WHOLE) // max(1, int(weights.sum())), np.int64)


def _worst(found: Generations, *, choices: bool) -> list[dict[str, str | int]]:
    """Return the records with the lowest deciding metric of the model; of equal ones, the first."""
    own = [outputs[0] for outputs in found.outputs]
    scores = [WHOLE * one.exact if choices else one.token_f1 for one in own]
    order = sorted(range(len(scores)), key=lambda at: (scores[at], at))
    return [
        {**named(found.records[at]), "score": f"0.{scores[at]:06d}"}
        for at in order[:_WORST]
        if scores[at] < WHOLE
    ]


def find_generation_difference(body: Mapping[str, Any], found: Generations) -> str:
    """Return the first member of an evaluation that differs from the computed one, or empty.

    Args:
        body: Of the evaluation.
        found: What its attachment holds.
    """
    seed = int(body.get("confidence", {}).get("seed", 0))
    choices = bool(body.get("prompt", {}).get("choices"))
    computed = generation_body(found, seed=seed, choices=choices)
    # ATTACK: figures that nothing gives, such as thresholds that are met.
    if others := sorted(body.keys() - computed.keys() - STATED - {"baseline", "comparisons"}):
        return f"{others[0]} does not follow from what was written"
    if body.get("overlap", {}).keys() - {"exact", "checked"}:
        return "overlap does not follow from what was written"
    for name in sorted(computed.keys() | ({"baseline", "comparisons"} & body.keys())):
        signed = body.get(name)
        if name in {"model", "baseline"} and isinstance(signed, dict):
            signed = {key: one for key, one in signed.items() if key not in MEASURED}
        if signed != computed.get(name):
            return f"{name} is not what the predictions give"
    return ""
