"""The candidates that were not chosen, and their distance from the chosen one.

Of what a checkpoint signs alone, and without numpy: a page or a log does not load it for this.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from lyrikstore.verify.evaluation.choice.candidates import BY_FOLDS, BY_VALIDATION, CHEAP, NAMES

_CALLED = {
    "macroF1": "macro-F1",
    "microF1": "micro-F1",
    "validationLoss": "loss on validation",
}

_PLACES = Decimal("0.0001")
"""Decimals of figures: differences of rounded figures may be wrong by one last digit."""

_RECORDS = ("on the validation records", "out of fold in the first repeat", "out of fold")
"""The records a candidate answered: the validation part; each once; each in every repeat."""


class TriedCandidate(Struct, frozen=True):
    """A candidate as a checkpoint describes it.

    Attributes:
        name: Its format, of a blend with what it joins.
        is_taken: Whether it is the one that was taken.
        metric: The metric that decided, for people.
        score: What it reached.
        by: What measured it: ``folds`` or ``validation``.
        difference: How much better it is than what was taken, on the records that both answered,
            as a decimal; less than 0: worse; None: that was not measured, or it was taken.
        error: The standard error of that; None: nothing is known of it.
        alike: The metric of this one and of what was taken, on the records that both answered;
            None: that was not measured, or it was taken.
        where: On which records :attr:`score` is, for people.
        where_alike: On which records :attr:`alike` is; empty: on those of :attr:`score`.
    """

    name: str
    is_taken: bool
    metric: str
    score: str
    by: str
    difference: str | None
    error: str | None
    alike: tuple[Decimal, Decimal] | None
    where: str
    where_alike: str

    @property
    def measured_text(self) -> str:
        """The result of the candidate, and the records it was measured on."""
        if self.metric == _CALLED["validationLoss"]:
            return f"{self.metric} {self.score}"
        return f"{self.metric} {self.score} {self.where}"

    @property
    def distance_text(self) -> str:
        """Its distance from the chosen candidate on the same records; empty if not stated."""
        if self.alike is None:
            return ""
        mine, taken = self.alike
        value = mine - taken
        side = f"{abs(value)} {'worse' if value < 0 else 'better'}" if value else "no difference"
        error = "standard error not known" if self.error is None else f"standard error {self.error}"
        where = f"{self.where_alike} {mine}, " if self.where_alike else ""
        return f"{where}where the chosen model has {taken}: {side} ({error})"

    @property
    def text(self) -> str:
        """One line that says why the candidate was not chosen."""
        return ", ".join(filter(None, (f"{self.name}: {self.measured_text}", self.distance_text)))

    @property
    def text_before_card_5(self) -> str:
        """The same line as cards before ``card/5`` have it."""
        where = "out of fold" if self.by == BY_FOLDS else "on validation"
        said = f"{self.name}: {self.metric} {self.score} {where}"
        if self.metric == _CALLED["validationLoss"]:
            said = f"{self.name}: {self.metric} {self.score}"
        if self.difference is None:
            return said
        value = self.difference.removeprefix("-")
        side = "worse" if self.difference.startswith("-") else "better"
        moved = (
            "by chance alone, for all that is known" if self.error is None else f"± {self.error}"
        )
        if not value.strip("0."):
            return f"{said}, no different from what was taken ({moved})"
        return f"{said}, {value} {side} than what was taken ({moved})"


def candidates_of(chosen: Mapping[str, Any]) -> list[TriedCandidate]:
    """Return the candidates of a choice in the order of their trial.

    Args:
        chosen: That member of the body of a checkpoint.
    """
    metric, tried = chosen["metric"], chosen["candidates"]
    taken = next((one for one in tried if one["taken"]), None)
    found = []
    for one in tried:
        other, difference = one.get("other"), one.get("difference", {})
        where, where_alike = _RECORDS[2 if one.get("by") == BY_FOLDS else 0], ""
        alike = None if taken is None else _on_the_same(metric, one, taken)
        if alike is not None and taken is not None:
            # Otherwise both figures are as they stand, of the same records.
            if f"{alike[0]}" != one["metrics"][metric]:
                where_alike = _RECORDS[_extent(taken)]
            elif f"{alike[1]}" != taken["metrics"][metric]:
                where = _RECORDS[_extent(one)]
        found.append(
            TriedCandidate(
                name=f"{one['format']} with {other}" if other else one["format"],
                is_taken=one["taken"],
                metric=_CALLED.get(metric, metric),
                score=one["metrics"].get(metric, ""),
                by=one.get("by", BY_VALIDATION),
                difference=difference.get("value"),
                error=difference.get("standardError"),
                alike=alike,
                where=where,
                where_alike=where_alike,
            )
        )
    return found


def _on_the_same(
    metric: str, one: Mapping[str, Any], taken: Mapping[str, Any]
) -> tuple[Decimal, Decimal] | None:
    """Return the metrics of a candidate and of the chosen one, on the records that both answered.

    The records of a candidate are among those of each that answered more, so the metric of the one
    of fewer records is on those of both, and the difference gives that of the other.

    Returns:
        Both, whose difference is that which is signed, or beside it by what rounding makes; None:
        nothing is said of it.
    """
    try:
        mine = Decimal(one["metrics"][metric])
        theirs = Decimal(taken["metrics"][metric])
        value = Decimal(one["difference"]["value"])
    except KeyError:  # it was taken, or the checkpoint is of before
        return None
    if abs(mine - theirs - value) <= _PLACES:
        return mine, theirs
    if _extent(one) <= _extent(taken):
        return mine, mine - value
    return theirs + value, theirs


def _extent(one: Mapping[str, Any]) -> int:
    """Return the place in :data:`_RECORDS` of the records that a candidate answered."""
    if one.get("by") != BY_FOLDS:
        return 0
    return 2 if (one.get("other") or NAMES.get(one["format"])) in CHEAP else 1
