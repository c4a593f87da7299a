"""The figures of a review: coverage, agreement, label error, overrides, times (spec §26.8).

All are computed in integers and written with six decimals, so that every implementation gets the
same digits.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import isqrt
from typing import Any, Final

from msgspec import Struct, UnsetType

from lyrikstore.verify.review.model import (
    MAX_LABEL,
    MAX_LABELS,
    ItemOutcome,
    RecordDecision,
    value_of,
)
from lyrikstore.verify.review.outcome import ItemDecisions

_MILLION: Final = 1_000_000
_Z: Final = Fraction(1_959_964, _MILLION)
"""Quantile of the normal distribution for an interval of 95 %."""
_FAST: Final = 2_000
_FAST_MEDIAN: Final = 5_000
_ENOUGH: Final = 20
_PAIR: Final = 2


class ReviewContext(Struct, frozen=True):
    """What figures depend on beside the decisions.

    Attributes:
        requests: How many requests for the dataset's name the log had before the review.
        authors: DIDs of those who signed the dataset.
        generated: Whether a generator wrote the candidates.
    """

    requests: int
    authors: frozenset[str]
    generated: bool


def figures_of(
    decided: Sequence[ItemDecisions],
    outcomes: Sequence[ItemOutcome],
    decisions: Mapping[str, Iterable[RecordDecision]],
    context: ReviewContext,
) -> dict[str, Any]:
    """Return the member ``figures`` of a review.

    Args:
        decided: The items with the decisions about them.
        outcomes: Their outcomes.
        decisions: DID → all decisions of this reviewer, or adjudicator.
        context: The rest.
    """
    words = Counter(one.outcome for one in outcomes)
    done = len(outcomes) - words["disagreed"] - words["unanswered"]
    candidates = {one.item.item: one.candidate for one in decided}
    error = _wrong(outcomes)
    return {
        "items": len(outcomes),
        "decided": done,
        "coverage": _decimal(Fraction(done, max(1, len(outcomes)))),
        "accept": words["accept"],
        "change": words["change"],
        "reject": words["reject"],
        "cannotSay": words["cannot-say"],
        "disagreed": words["disagreed"],
        "unanswered": words["unanswered"],
        "requests": context.requests,
        **_agreement(decided),
        **_changed_mind(decided),
        "labelError": error,
        "labels": _by_label(decided, outcomes),
        **({"overrides": error} if context.generated else {}),
        "reviewers": [
            _of_reviewer(who, list(some), candidates, context)
            for who, some in sorted(decisions.items())
        ],
    }


def wilson(hits: int, count: int) -> tuple[str, str]:
    """Return Wilson's interval of 95 % for a share, with six decimals.

    The bounds are rounded down and up, so that the interval never gets narrower.

    Args:
        hits: How many.
        count: Of how many; at least 1.
    """
    share, square = Fraction(hits, count), _Z * _Z
    middle = share + square / (2 * count)
    under = (share * (1 - share) + square / (4 * count)) / count
    # The root of a fraction, in billionths: rounded up.
    scaled = under * 10**18
    root = Fraction(isqrt(scaled.numerator // scaled.denominator) + 1, 10**9)
    width, whole = _Z * root, 1 + square / count
    low, high = (middle - width) / whole, (middle + width) / whole
    return _decimal(max(Fraction(0), low), up=False), _decimal(min(Fraction(1), high), up=True)


def cohen_kappa(pairs: Sequence[tuple[object, object]]) -> Fraction | None:
    """Return Cohen's kappa of two reviewers' values; None where it is undefined.

    It is undefined without pairs, and where both gave one and the same value to everything.
    """
    count = len(pairs)
    if not count:
        return None
    left, right = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    observed = Fraction(sum(a == b for a, b in pairs), count)
    chance = Fraction(sum(left[one] * right[one] for one in left), count * count)
    return None if chance == 1 else (observed - chance) / (1 - chance)


def _agreement(decided: Sequence[ItemDecisions]) -> dict[str, Any]:
    twice = [one for one in decided if len(one.first) == _PAIR]
    if not twice:
        return {}
    agreed = sum(not one.disagrees() for one in twice)
    found: dict[str, Any] = {
        "agreement": {
            "items": len(twice),
            "agreed": agreed,
            "rate": _decimal(Fraction(agreed, len(twice))),
            "interval": list(wilson(agreed, len(twice))),
        }
    }
    who = sorted({did for one in twice for did in one.first})
    if len(who) == _PAIR:
        values = [
            {did: value_of(d, one.candidate) for did, d in one.first.items()} for one in twice
        ]
        kappa = cohen_kappa([(one[who[0]], one[who[1]]) for one in values])
        if kappa is not None:
            found["kappa"] = _decimal(kappa)
    return found


def _changed_mind(decided: Sequence[ItemDecisions]) -> dict[str, str]:
    """Return of blind decisions the share that differs from the value given before."""
    both = [
        (tuple(sorted(decision.blind)), value_of(decision, one.candidate))
        for one in decided
        for decision in one.first.values()
        if not isinstance(decision.blind, UnsetType)
    ]
    if not both:
        return {}
    other = sum(isinstance(final, tuple) and final != before for before, final in both)
    return {"changedMind": _decimal(Fraction(other, len(both)))}


def _wrong(outcomes: Iterable[ItemOutcome]) -> dict[str, Any]:
    words = Counter(one.outcome for one in outcomes)
    wrong = words["change"] + words["reject"]
    of = words["accept"] + wrong
    found: dict[str, Any] = {"wrong": wrong, "of": of}
    if of:
        found |= {"rate": _decimal(Fraction(wrong, of)), "interval": list(wilson(wrong, of))}
    return found


def _by_label(
    decided: Sequence[ItemDecisions], outcomes: Sequence[ItemOutcome]
) -> list[dict[str, Any]]:
    """Return for each label of the candidates its items, agreement and errors."""
    items = {one.item.item: one for one in decided}
    groups: dict[str, list[ItemOutcome]] = {}
    for one in outcomes:
        for label in dict.fromkeys(one.was):
            groups.setdefault(label, []).append(one)
    if any(len(label) > MAX_LABEL for label in groups):
        return []  # free text
    found = []
    for label, some in sorted(groups.items(), key=lambda group: group[0].encode()):
        twice = [items[one.item] for one in some if len(items[one.item].first) == _PAIR]
        pairs = {"pairs": len(twice), "agreed": sum(not one.disagrees() for one in twice)}
        found.append(
            {"label": label, "items": len(some), **(pairs if twice else {}), **_wrong(some)}
        )
    return found if len(found) <= MAX_LABELS else []


def _of_reviewer(
    who: str,
    decisions: Sequence[RecordDecision],
    candidates: Mapping[int, tuple[str, ...]],
    context: ReviewContext,
) -> dict[str, Any]:
    times = sorted(one.ms for one in decisions)
    median = (times[(len(times) - 1) // 2] + times[len(times) // 2]) // 2 if times else 0
    fast = sum(one < _FAST for one in times)
    accepted = sum(
        value_of(one, candidates[one.item]) == tuple(sorted(candidates[one.item]))
        for one in decisions
        if one.item in candidates
    )
    everything = accepted == len(times) and median < _FAST_MEDIAN
    return {
        "reviewer": who,
        "decided": len(times),
        "accepted": accepted,
        "medianMs": median,
        "underTwoSeconds": fast,
        "rubberStamp": len(times) >= _ENOUGH and (2 * fast > len(times) or everything),
        "author": who in context.authors,
    }


def _decimal(value: Fraction, *, up: bool | None = None) -> str:
    """Return a number with six decimals: rounded half up, or down, or up."""
    scaled = value * _MILLION
    if up is None:
        scaled += Fraction(1, 2)
    whole = (
        -(-scaled.numerator // scaled.denominator) if up else scaled.numerator // scaled.denominator
    )
    sign, whole = ("-", -whole) if whole < 0 else ("", whole)
    return f"{sign}{whole // _MILLION}.{whole % _MILLION:06d}"
