"""The limit above which a text counts as unlike the training data (spec §13.2.4)."""

import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from lyrikstore.verify.evaluation.choice.candidates import (
    BY_FOLDS,
    CHEAP,
    FEW_RECORDS,
    NAMES,
)

UNLIKE = "unlike"
"""Member of a checkpoint's body with the limit, and role of the attachment with the distances."""

UNKNOWN_WORDS, CLASS_DISTANCES = "unknown-words/1", "class-distances/1"
"""Methods: the share of words that are in no term; the distance to the nearest class."""

WITHIN_PERCENT = 95
"""Share of the validation data that is within the limit."""

CENTROIDS, VARIANCES = "centroids", "variances"
"""Tensors of the attachment."""

FEWEST_OF_CLASS = 5
"""Fewest different texts of a class with a centroid."""

_LIMIT = re.compile(r"[0-9]{1,4}\.[0-9]{2}")


def unlike_limit(values: Iterable[float]) -> str | None:
    """Return the smallest number of hundredths that 95 % of the validation data do not exceed.

    Args:
        values: How unlike the training data each text of the validation data is.

    Returns:
        A decimal; None: they are too few to say it of.
    """
    ordered = sorted(values)
    if len(ordered) < FEW_RECORDS:
        return None
    last = ordered[-(-len(ordered) * WITHIN_PERCENT // 100) - 1]
    # ATTACK A135: whoever guesses a validation text recognises it by what it alone measures.
    return f"{math.ceil(round(last * 100, 6)) / 100:.2f}"


def limit_of(about: Mapping[str, Any]) -> float | None:
    """Return the value above which a text is unlike; None if no limit is stated.

    Args:
        about: Has :data:`UNLIKE`, as the body of a checkpoint, where it is said.
    """
    return float(about[UNLIKE]["limit"]) if about.get(UNLIKE) else None


def unlike_rule_in_words(about: Mapping[str, Any]) -> str:
    """Return a description of the texts that a checkpoint calls unlike its training data.

    Args:
        about: That member of its body.
    """
    if about["method"] == UNKNOWN_WORDS:
        return f"more than {Decimal(about['limit']):.0%} of its words are unknown to the model"
    return f"it is more than {about['limit']} standard deviations from every class"


def is_limit_by_folds(chosen: Mapping[str, Any]) -> bool:
    """Return whether a limit was fitted to out-of-fold records; else to the validation data.

    Args:
        chosen: That member of the body of the checkpoint.
    """
    tried = chosen.get("candidates", ())
    taken: Mapping[str, Any] = next((one for one in tried if one["taken"]), {})
    # What takes steps is measured by the validation data, however it was compared.
    dearest = taken.get("other") or NAMES.get(taken.get("format", ""))
    return taken.get("by") == BY_FOLDS and dearest in CHEAP


def unlike_fault(body: Mapping[str, Any], attached: int) -> str:
    """Return the impossible part of a checkpoint's statement on unlike texts, or an empty text.

    Args:
        body: Of the checkpoint.
        attached: How many attachments it has in that role.
    """
    about = body.get(UNLIKE)
    if about is None:
        return "distances are attached, and no limit is stated" if attached else ""
    if "labels" not in body:
        return "a model without labels says it"
    # ATTACK A137: what one format is measured by says nothing of another.
    method = UNKNOWN_WORDS if NAMES.get(body["format"]) == "tfidf" else CLASS_DISTANCES
    if about["method"] != method:
        return f"its method is not {method}"
    if not _LIMIT.fullmatch(about["limit"]):
        return "its limit is not in hundredths"
    if attached != (method == CLASS_DISTANCES):
        return "not the one attachment of its method is there"
    return ""
