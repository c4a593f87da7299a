"""Checks of evaluations whose answers were computed elsewhere (spec §13.16).

The signer states that the named model gave the answers. Figures follow from them as from other
answers; no model was run here.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # which loads numpy
    from lyrikstore.verify.evaluation.answers import Answerer, Predictions

EXTERNAL = "external"
"""Origin of a checkpoint whose weights are not in this store."""

EXTERNAL_FORMAT = "external/1"
"""Its format: it has no files."""

SEED = 0
"""Seed of the resampling if no run states one."""

_MEASURED = ("latencyMs", "wallSeconds", "cpuSeconds", "peakMemoryBytes")

Body = Mapping[str, Any]


def are_given(body: Body) -> bool:
    """Return whether the answers of an evaluation were computed elsewhere."""
    return "answers" in body


def are_scored(body: Body) -> bool:
    """Return whether the model's answers in an evaluation have confidences."""
    return not are_given(body) or bool(body["answers"]["scores"])


def answer_file_answerer(*, several: bool) -> "Answerer":
    """Return the rule by which imported scores become answers, whatever the checkpoint states.

    Args:
        several: Whether a record may have several labels.
    """
    from lyrikstore.verify.evaluation.answers import MODEL, WHOLE, Answerer

    return Answerer(MODEL, WHOLE // 2 if several else None)


def undeclared_answers(body: Body, predictions: "Predictions", checkpoint: Body) -> str:
    """Return the fault in an evaluation's statement about its answers, or an empty text."""
    from lyrikstore.verify.evaluation.answers import WHOLE

    # ATTACK A133: rules of somebody's, as if they were a model that had been run here.
    if not are_given(body):
        external = checkpoint.get("origin") == EXTERNAL
        return (
            "its model is not in this store, and it does not say who answered" if external else ""
        )
    if any(name in body["model"] for name in _MEASURED):
        return "it states what answering took, and nobody answered here"
    if not are_scored(body) and (predictions.answers[0].confidence != WHOLE).any():
        return "its answers have scores, and it says that they have none"
    return ""
