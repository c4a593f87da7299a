"""The worst of what a card states, by a fixed order (ADR 0043)."""

import re
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from lyrikstore.publish.cards.rendering.layout.blocks import Shown
from lyrikstore.publish.cards.rendering.layout.contents import CardContents
from lyrikstore.verify.evaluation.limits import MOST_SEEN_PERCENT, SEEN_PERCENT, are_more

_COUNTED = re.compile(r"([0-9]{1,18}) of ([0-9]{1,18}) test records ")
_NOT_SAID = "not said: "


class Finding(Struct, frozen=True):
    """The worst of what a card states.

    Attributes:
        kind: ``right-withdrawn``, ``contradicted``, ``personal-data``, ``leakage``,
            ``model-loses``, ``weakest`` or ``data``; ``none`` if nothing of this is established.
        statements: The statements that say so; for ``none`` those that would.
    """

    kind: str
    statements: Sequence[Shown]


def worst_finding(card: CardContents) -> Finding:
    """Return the first finding that holds, the worst kind first.

    Args:
        card: The card.
    """
    order: Mapping[str, Callable[[CardContents], list[Shown]]] = {
        "right-withdrawn": lambda one: one.established("rights.withdrawn"),
        "contradicted": _contradicted,
        "personal-data": lambda one: one.established("data.personal-found"),
        "leakage": _leakage,
        "model-loses": _loses,
        "weakest": _weakest,
        "data": _in_data,
    }
    for kind, find in order.items():
        if found := find(card):
            return Finding(kind, found)
    return Finding("none", card.facts("evaluation.data", "data.licence-unstated"))


def _contradicted(card: CardContents) -> list[Shown]:
    return [one for one in card.card["statements"] if one["state"] == "contradicted"]


def _leakage(card: CardContents) -> list[Shown]:
    """Return overlap with the training data, of the same or of nearly the same records."""
    seen = [one for one in card.facts("evaluation.seen") if _exceeds(one, SEEN_PERCENT)]
    near = [one for one in card.facts("evaluation.near") if _exceeds(one, MOST_SEEN_PERCENT)]
    return [*seen, *near]


def _exceeds(one: Shown, percent: int) -> bool:
    found = _COUNTED.match(one["text"])
    return found is not None and are_more(int(found[1]), int(found[2]), percent)


def _loses(card: CardContents) -> list[Shown]:
    """Return the decisions for the baseline; before ``card/8`` the verdicts that say so."""
    decided = [
        one
        for one in card.facts("evaluation.decision")
        if isinstance(one.get("value"), Mapping) and one["value"].get("use") == "baseline"
    ]
    worse = [one for one in card.facts("evaluation.verdict") if one.get("value") == "worse"]
    return decided or worse


def _weakest(card: CardContents) -> list[Shown]:
    slices, labels = card.facts("evaluation.worst-slice"), card.facts("evaluation.worst-class")
    return [one for one in (*slices, *labels) if not one["text"].startswith(_NOT_SAID)]


def _in_data(card: CardContents) -> list[Shown]:
    """Return what filters found in the data, and records without a licence.

    Personal data that only scans name was removed later: else it is ``data.personal-found``.
    """
    found = [
        one
        for one in card.established("data.found")
        if not all(reason.startswith("found-") for reason in one.get("value") or ("",))
    ]
    return [*card.established("data.licence-unstated"), *found]
