"""Limits: fewest records for a figure, and when a change counts as drift (§13.7, §13.9.11)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

MONITOR = "monitor"
"""Purpose of an evaluation of data from after the run."""

FEWEST_RECORDS, FEWEST_GROUPS = 30, 10
"""Fewest records, and groups, for which figures have an interval."""

JUDGED_RECORDS = 20
"""Fewest records of a slice, and of a label that is compared with others."""

FEWEST = 100
"""Fewest records, new and of the reference, for which a distance between them is computed."""

LIMITS: Mapping[str, Decimal] = {
    "labels": Decimal("0.25"),
    "lengths": Decimal("0.25"),
    "newTokenShift": Decimal("0.1"),
    "unlikeShift": Decimal("0.1"),
    "confidenceShift": Decimal("0.1"),
}
"""Member of ``drift`` → distance from which it counts as drift, unless a threshold differs."""

MEMBERS = {
    "labelDrift": "labels",
    "lengthDrift": "lengths",
    "newTokenShare": "newTokenShare",
    "unlikeShare": "unlikeShare",
    "confidenceShift": "confidenceShift",
}
"""Metric of a threshold → its member of ``drift``."""

MEASURED = ("lengths", "newTokenShare", "newTokenShift")
"""Members of ``drift`` that need texts, which may no longer be readable."""

MEASURED_UNLIKE = ("unlikeShare", "unlikeShift")
"""Members of ``drift`` of models that detect texts unlike their training data."""

SEEN_PERCENT, MOST_SEEN_PERCENT = 1, 20
"""Percentages of test records seen in training: above the first no model is recommended, above the
second the data cannot be a test.
"""

_REPLACED = {"newTokenShare": "newTokenShift", "unlikeShare": "unlikeShift"}
"""A member with a threshold → the other member whose limit the threshold replaces."""


def are_more(seen: int, count: int, percent: int) -> bool:
    """Return whether more than a share of the test records were seen in training."""
    return 100 * seen > percent * count


def is_alarming(body: Mapping[str, Any]) -> bool:
    """Return whether a monitoring result has drift, or misses a threshold of the run."""
    missed = (not one["met"] for one in body.get("thresholds", ()) if one["metric"] not in MEMBERS)
    return bool(body["drift"]["verdict"] == "drift" or any(missed))


def beyond_limits(body: Mapping[str, Any]) -> list[str]:
    """Return the members of ``drift`` beyond their limits, and the metrics that fell.

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
