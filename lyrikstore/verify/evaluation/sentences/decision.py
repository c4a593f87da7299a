"""The decision that an evaluation supports: model or baseline, and which is cheaper to run."""

from collections.abc import Mapping

from lyrikstore.canon.json import JSON
from lyrikstore.verify.evaluation.words import (
    METRICS,
    NO_RIVAL,
    Body,
    baseline_called,
    cheaper_side,
    compare_costs,
    figures_of,
    given_in_words,
    shown_in_words,
    sides_in_words,
    too_few_in_words,
    verdict_of,
    with_interval,
)


def decision_of(body: Body) -> dict[str, JSON]:
    """Return whether to use model or baseline, with the figures that it rests on.

    Args:
        body: Of an evaluation that is no monitoring.

    Returns:
        ``use``: ``model``, ``baseline`` or ``undecided``; ``verdict`` as :func:`verdict_of` gives
        it, or ``none``; ``cheaper``: ``model``, ``baseline``, ``neither`` or ``unknown``, by time;
        and, where they were measured, ``metric``, ``model``, ``baseline``, ``difference``,
        ``latencyMs`` and ``costPer1000``.
    """
    verdict = verdict_of(body)
    use = {"better": "model", "worse": "baseline"}.get(verdict, "undecided")
    if verdict == "no-difference-shown":
        use = cheaper_side(body) or use
    found: dict[str, JSON] = {
        "use": use,
        "verdict": verdict or "none",
        "cheaper": compare_costs(body)[0].side,
    }
    if verdict not in {"", NO_RIVAL}:
        compared = body["comparisons"][0]
        figures = _figures_compared(body)
        found |= {
            "metric": compared["metric"],
            "difference": dict(compared["difference"]),
            **{side: dict(figure) for side, figure in figures.items()},
        }
    systems = (("model", body["model"]), ("baseline", body.get("baseline", {})))
    times = {side: one["latencyMs"]["p50"] for side, one in systems if "latencyMs" in one}
    costs = {side: one["costPer1000"] for side, one in systems if "costPer1000" in one}
    if times:
        found["latencyMs"] = {**times}
    if costs:
        found["costPer1000"] = {**costs, "unit": body["costs"]["unit"]}
    return found


def decision_in_words(body: Body) -> str:
    """Return in one sentence which of model and baseline to use, and which is cheaper to run.

    Args:
        body: As for :func:`decision_of`.
    """
    verdict, names = verdict_of(body), sides_in_words(body)
    said = f"undecided: {_why_undecided(body)}"
    if verdict not in {"", NO_RIVAL}:
        compared = body["comparisons"][0]
        names["baseline"] = other = baseline_called(compared["baseline"])
        figures = _figures_compared(body).items()
        shown = (f"{names[side]} {figure['value']}" for side, figure in figures)
        metric = METRICS[compared["metric"]]
        measured = f"{metric}: {', '.join(shown)}, difference "
        measured += with_interval(compared["difference"], signed=True)
        use = names.get(str(decision_of(body)["use"]), "")
        lead = f"use {use}, the cheaper one" if use else "undecided"
        words = {
            "better": f"use the model, which is better than {other} by {measured}",
            "worse": f"use {other}, which is better than the model by {measured}",
            "no-difference-shown": f"{lead}: no difference is shown in {measured}",
        }
        said = words.get(verdict, f"undecided: {too_few_in_words(body)}; {measured}")
    costs = [one.text for one in compare_costs(body) if one.side != "unknown"]
    if "baseline" in body and not costs:
        costs = [compare_costs(body)[0].text]
    return "; ".join(filter(None, (said, *costs, given_in_words(body))))


def _why_undecided(body: Body) -> str:
    """Return why an evaluation has no verdict."""
    if "baseline" not in body:
        return "there is no baseline to hold it against"
    return shown_in_words(body).removeprefix("no verdict: ") or "no difference was measured"


def _figures_compared(body: Body) -> dict[str, Mapping[str, str]]:
    """Return the deciding figure of the model and of what it is compared with."""
    compared = body["comparisons"][0]
    others = [body["baseline"]] if "baseline" in body else []
    others += body.get("baselines", ())
    if "majority" in body:
        others.append({**body["majority"], "method": "majority"})
    theirs: Body = next((one for one in others if one.get("method") == compared["baseline"]), {})
    sides = {"model": figures_of(body["model"]), "baseline": figures_of(theirs)}
    metric = compared["metric"]
    return {side: figures[metric] for side, figures in sides.items() if metric in figures}
