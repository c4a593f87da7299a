"""The candidates of a run, and the formats of the checkpoints that they give (spec §13.2.2)."""

import re
from collections.abc import Collection, Mapping
from typing import Any

FORMAT_IDS: Mapping[str, str] = {
    "tfidf": "tfidf/2",
    "embeddings": "embeddings/1",
    "blend": "blend/1",
    "lora": "peft-lora/1",
    "full": "encoder/1",
    "decoder": "decoder-lora/1",
}
"""Candidate → format of its checkpoint, the cheaper candidates first."""

NAMES: Mapping[str, str] = {form: name for name, form in FORMAT_IDS.items()} | {
    "tfidf/1": "tfidf",
    "tfidf/2": "tfidf",
}
"""Format → its candidate; runs of earlier versions state the older format."""

ORDER = tuple(FORMAT_IDS)
"""Order of candidates, the cheapest first: of equally good candidates the first is chosen."""

BLEND = "blend"

WEIGHTS = tuple(f"0.{tenths}" for tenths in range(1, 10))
"""Weights of the second model in a blend; 0 and 1 would not be blends."""

FEW_RECORDS = 50
"""With fewer validation records a temperature must not make answers more certain."""

_LIMIT = re.compile(r"0(\.[0-9]{1,6})?|1(\.0{1,6})?")

CHEAP = ("tfidf", "embeddings")
"""Candidates without training steps, cheap enough to fit again for every fold."""

STRENGTHS: Mapping[str, tuple[str, ...]] = {
    "tfidf": ("1", "4", "16"),
    "embeddings": ("0.5", "1.5", "5", "15", "50"),
}
"""Cheap candidate → values of C from which the folds choose, ascending, as they are signed."""

REFITTED = (*CHEAP, BLEND)
"""Candidates that are fitted again to all records after the choice; of a blend, its word counts."""

BY_FOLDS, BY_VALIDATION = "folds", "validation"
"""How a candidate was measured: out of fold, or on the validation records only."""

VALIDATION = "validation"
"""Member of a checkpoint's body, and role of the attachment, with the validation scores."""


def validation_metric(metric: str) -> str:
    """Return the name in a checkpoint of a metric of the validation data."""
    if metric.startswith("validation"):
        return metric
    return f"validation{metric[0].upper()}{metric[1:]}"


def measured_metric(metric: str, by: str) -> str:
    """Return the name in a checkpoint of a metric that was measured in this way.

    Args:
        metric: The metric of the task.
        by: What measured it: :data:`BY_FOLDS` or :data:`BY_VALIDATION`.
    """
    if by == BY_FOLDS:
        return f"outOfFold{metric[0].upper()}{metric[1:]}"
    return validation_metric(metric)


def is_measured(name: str, by: str) -> bool:
    """Return whether a metric of a checkpoint was measured in this way, by its name.

    Args:
        name: As the checkpoint calls it.
        by: :data:`BY_FOLDS` or :data:`BY_VALIDATION`.
    """
    if by == BY_FOLDS:
        return name.startswith("outOfFold")
    return name.startswith("validation") and name != "validationLoss"  # that is training's own


def deciding_metrics(metric: str, *, by_folds: bool) -> list[str]:
    """Return the possible names of the deciding metric in a checkpoint, which has one of them.

    Args:
        metric: The metric of the task.
        by_folds: Whether its run compares candidates by folds.
    """
    ways = (BY_FOLDS, BY_VALIDATION) if by_folds else (BY_VALIDATION,)
    return [measured_metric(metric, by) for by in ways]


def formats_by_name(formats: Collection[str]) -> dict[str, str]:
    """Return candidate → its format, for the formats of a run; unknown ones are omitted."""
    return {NAMES[form]: form for form in formats if form in NAMES}


def is_refitted(run: Mapping[str, Any], form: str) -> bool:
    """Return whether a checkpoint was also fitted to the validation records (§13.2.2).

    Args:
        run: Its body.
        form: The format of the checkpoint.
    """
    return bool(run.get("refit")) and NAMES.get(form) in REFITTED


def allowed_formats(run: Mapping[str, Any]) -> Collection[str] | None:
    """Return the formats that could be chosen; None if the run does not state them.

    Args:
        run: Its body.
    """
    if "candidates" not in run:
        return None
    tried = {one["format"] for one in run["candidates"]}
    model = run["config"].get("model")  # of a config it may be anything
    named = model.get("candidates") if isinstance(model, dict) else None
    if not isinstance(named, list) or not named:
        return tried
    # What a blend joins is trained for it, and not taken where nobody names it.
    known = {**FORMAT_IDS, **formats_by_name(tried)}
    return {known[one] for one in named if isinstance(one, str) and one in known}


def declared_limit(run: Mapping[str, Any]) -> str:
    """Return the abstention limit that a run's config declares; empty if it declares none.

    Args:
        run: Its body.

    Returns:
        The limit as a checkpoint signs it, with six decimals; empty: it is left to validation.
    """
    section = run["config"].get("decision")  # of a config it may be anything
    limit = section.get("abstain_below") if isinstance(section, dict) else None
    return f"{float(limit):.6f}" if isinstance(limit, str) and _LIMIT.fullmatch(limit) else ""
