"""What was passed over in a choice, and by how much, for people and for programs.

Of what a checkpoint signs alone, and without numpy: a page or a log does not load it for this.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.verify.evaluation.choice.candidates import BY_FOLDS, BY_VALIDATION

_CALLED = {
    "macroF1": "macro-F1",
    "microF1": "micro-F1",
    "validationLoss": "loss on validation",
}


class TriedCandidate(Struct, frozen=True):
    """A candidate as a checkpoint tells of it.

    Attributes:
        name: Its format, of a blend with what it joins.
        is_taken: Whether it is the one that was taken.
        metric: The metric that decided, for people.
        score: What it reached.
        by: What measured it: ``folds`` or ``validation``.
        difference: How much better it is than what was taken, on the records that both answered,
            as a decimal; less than 0: worse; None: that was not measured, or it was taken.
        error: How far chance moves that; None: nothing is known of it.
    """

    name: str
    is_taken: bool
    metric: str
    score: str
    by: str
    difference: str | None
    error: str | None

    @property
    def measured_text(self) -> str:
        """What it reached, on which records."""
        if self.metric == _CALLED["validationLoss"]:
            return f"{self.metric} {self.score}"
        where = "out of fold" if self.by == BY_FOLDS else "on validation"
        return f"{self.metric} {self.score} {where}"

    @property
    def distance_text(self) -> str:
        """How far it is from what was taken; empty: nobody said."""
        if self.difference is None:
            return ""
        value = self.difference.removeprefix("-")
        side = "worse" if self.difference.startswith("-") else "better"
        moved = (
            "by chance alone, for all that is known" if self.error is None else f"± {self.error}"
        )
        if not value.strip("0."):
            return f"no different from what was taken ({moved})"
        return f"{value} {side} than what was taken ({moved})"

    @property
    def text(self) -> str:
        """One line about it."""
        return ", ".join(filter(None, (f"{self.name}: {self.measured_text}", self.distance_text)))


def candidates_of(chosen: Mapping[str, Any]) -> list[TriedCandidate]:
    """Return the candidates of a choice in the order of their trial.

    Args:
        chosen: That member of the body of a checkpoint.
    """
    metric = chosen["metric"]
    found = []
    for one in chosen["candidates"]:
        other, difference = one.get("other"), one.get("difference", {})
        found.append(
            TriedCandidate(
                name=f"{one['format']} with {other}" if other else one["format"],
                is_taken=one["taken"],
                metric=_CALLED.get(metric, metric),
                score=one["metrics"].get(metric, ""),
                by=one.get("by", BY_VALIDATION),
                difference=difference.get("value"),
                error=difference.get("standardError"),
            )
        )
    return found
