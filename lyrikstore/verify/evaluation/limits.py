"""From where on figures say nothing, and a change is called drift (spec §13.7, §13.9.11)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

MONITOR = "monitor"
"""Purpose of an evaluation of data that came after the run."""

FEWEST_RECORDS, FEWEST_GROUPS = 30, 10
"""Records, and groups, from which on figures have an interval: of fewer it would say too little."""

JUDGED_RECORDS = 20
"""Records that a slice has at least, and from which on a label is compared with others."""

FEWEST = 100
"""Records, new and of the reference, below which no distance between them says anything."""

LIMITS: Mapping[str, Decimal] = {
    "labels": Decimal("0.25"),
    "lengths": Decimal("0.25"),
    "newTokenShift": Decimal("0.1"),
    "unlikeShift": Decimal("0.1"),
    "confidenceShift": Decimal("0.1"),
}
"""Member of ``drift`` → from which distance on it is called so, unless a threshold says else."""

MEMBERS = {
    "labelDrift": "labels",
    "lengthDrift": "lengths",
    "newTokenShare": "newTokenShare",
    "unlikeShare": "unlikeShare",
    "confidenceShift": "confidenceShift",
}
"""Metric of a threshold → the member of ``drift`` that it is for."""

MEASURED = ("lengths", "newTokenShare", "newTokenShift")
"""Members of ``drift`` that need texts, which may not be read any more."""

MEASURED_UNLIKE = ("unlikeShare", "unlikeShift")
"""Members of ``drift`` of a model that says which texts are unlike its training data."""

SEEN_PERCENT, MOST_SEEN_PERCENT = 1, 20
"""Shares of the test records that a model was trained on: above the first nothing is recommended,
above the second it is no test."""

_REPLACED = {"newTokenShare": "newTokenShift", "unlikeShare": "unlikeShift"}
"""A member with a threshold → the other one whose limit that replaces."""


def are_more(seen: int, count: int, percent: int) -> bool:
    """Return whether more than a share of the test records were seen in training."""
    return 100 * seen > percent * count


def is_alarming(body: Mapping[str, Any]) -> bool:
    """Return whether a monitor drifted, or misses what the run promised of its figures."""
    missed = (not one["met"] for one in body.get("thresholds", ()) if one["metric"] not in MEMBERS)
    return bool(body["drift"]["verdict"] == "drift" or any(missed))


def beyond_limits(body: Mapping[str, Any]) -> list[str]:
    """Return the drift in a monitoring result: members of ``drift``, and metrics that fell.

    Args:
        body: Of the monitor: ``count``, ``drift``, and ``thresholds`` and ``comparisons``, if any.
    """
    drift = body["drift"]
    judged = [one for one in body.get("thresholds", ()) if one["metric"] in MEMBERS]
    named = {MEMBERS[one["metric"]] for one in judged}
    found = {MEMBERS[one["metric"]]: None for one in judged if not one["met"]}
    for name, limit in LIMITS.items():
        has_threshold = name in named or any(_REPLACED.get(one) == name for one in named)
        if name in drift and not has_threshold and abs(Decimal(drift[name])) >= limit:
            found[name] = None
    if min(body["count"], drift["referenceCount"]) < FEWEST:
        found = {}
    fell = [one["metric"] for one in body.get("comparisons", ()) if one["verdict"] == "worse"]
    return [*found, *fell]
