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
"""Candidate → the format of the checkpoint that it would give; the cheaper ones come first."""

NAMES: Mapping[str, str] = {form: name for name, form in FORMAT_IDS.items()} | {
    "tfidf/1": "tfidf",
    "tfidf/2": "tfidf",
}
"""Format → the candidate that gives or gave it; runs of before say the older one."""

ORDER = tuple(FORMAT_IDS)
"""Order of candidates: of equally good ones the first is chosen, which answers at lower cost."""

BLEND = "blend"

WEIGHTS = tuple(f"0.{tenths}" for tenths in range(1, 10))
"""Weights of the other model of a blend; with none or all it were no blend."""

FEW_RECORDS = 50
"""Validation records below which a temperature may not make answers surer than the model's own."""

_LIMIT = re.compile(r"0(\.[0-9]{1,6})?|1(\.0{1,6})?")

CHEAP = ("tfidf", "embeddings")
"""Candidates that take no steps, and cost little enough to be learned anew for every fold."""

STRENGTHS: Mapping[str, tuple[str, ...]] = {
    "tfidf": ("1", "4", "16"),
    "embeddings": ("0.5", "1.5", "5", "15", "50"),
}
"""Cheap candidate → C of its linear model, of which the folds choose one, ascending; as signed."""

REFITTED = (*CHEAP, BLEND)
"""Those that are learned anew from all records, once chosen; of a blend its word counts are."""

BY_FOLDS, BY_VALIDATION = "folds", "validation"
"""How a candidate was measured: out of fold, or on the validation records alone."""

VALIDATION = "validation"
"""Member of a checkpoint's body, and role of the attachment, that keep what validation decides."""


def validation_metric(metric: str) -> str:
    """Return the name of a metric of validation data among those of a checkpoint."""
    if metric.startswith("validation"):
        return metric
    return f"validation{metric[0].upper()}{metric[1:]}"


def measured_metric(metric: str, by: str) -> str:
    """Return the name of a metric among those of a checkpoint.

    Args:
        metric: The metric of the task.
        by: What measured it: :data:`BY_FOLDS` or :data:`BY_VALIDATION`.
    """
    if by == BY_FOLDS:
        return f"outOfFold{metric[0].upper()}{metric[1:]}"
    return validation_metric(metric)


def is_measured(name: str, by: str) -> bool:
    """Return whether a metric of a checkpoint is said to be measured in a way.

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
    """Return candidate → its format, of formats that a run says; others are left out."""
    return {NAMES[form]: form for form in formats if form in NAMES}


def is_refitted(run: Mapping[str, Any], form: str) -> bool:
    """Return whether a checkpoint of a run learned from the validation records, too (§13.2.2).

    Args:
        run: Its body.
        form: The format of the checkpoint.
    """
    return bool(run.get("refit")) and NAMES.get(form) in REFITTED


def allowed_formats(run: Mapping[str, Any]) -> Collection[str] | None:
    """Return the formats among which validation chose; None: the run does not say.

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
    """Return the confidence below which nothing is answered, as a run's config declares it.

    Args:
        run: Its body.

    Returns:
        The limit as a checkpoint signs it, with six decimals; empty: it is left to validation.
    """
    section = run["config"].get("decision")  # of a config it may be anything
    limit = section.get("abstain_below") if isinstance(section, dict) else None
    return f"{float(limit):.6f}" if isinstance(limit, str) and _LIMIT.fullmatch(limit) else ""
