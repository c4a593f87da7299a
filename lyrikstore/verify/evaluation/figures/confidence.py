"""Calibration of confidences, and accuracy when the model abstains (spec §13.9.5)."""

from collections.abc import Collection
from fractions import Fraction
from typing import Any

import numpy as np

from lyrikstore.verify.evaluation.answers import WHOLE, Answers, Flags, Predictions
from lyrikstore.verify.evaluation.figures.measures import BILLION, Counts, decimal, ratio

BINS = 15
"""Bins of equal width over the confidence."""

COVERAGE = (0, 500_000, 600_000, 700_000, 800_000, 900_000, 950_000)
"""Abstention limits in millionths, for the table of coverage."""


def calibration(predictions: Predictions, answers: Answers, counts: Counts) -> dict[str, Any]:
    """Return bins, expected calibration error and Brier score.

    An answer is a given label, and its confidence is the label's score: if records may have several
    labels, one record has several answers, or none.
    """
    labels = counts.labels
    said = answers.given.keys(labels)
    right = np.isin(said, counts.hits.keys(labels), assume_unique=True)
    bins = np.minimum(BINS - 1, answers.scores * BINS // WHOLE)
    listed, distance = [], 0
    for number in range(BINS):
        inside = bins == number
        count = int(inside.sum())
        sure, good = int(answers.scores[inside].sum()), int(right[inside].sum())
        distance += abs(sure - good * WHOLE)
        listed.append(
            {
                "count": count,
                "confidence": decimal(ratio(sure, count * WHOLE)),
                "accuracy": decimal(ratio(good, count)),
            }
        )
    return {
        "ece": decimal(ratio(distance, len(said) * WHOLE)),
        "brier": decimal(answers.squares * BILLION // (WHOLE * WHOLE * len(predictions))),
        "bins": listed,
    }


def coverage(answers: Answers, right: Flags, floors: Collection[str] = ()) -> list[dict[str, str]]:
    """Return the accuracy of the answered records at each abstention limit.

    A limit at which nothing is answered has no accuracy, and no row.

    Args:
        answers: The answers.
        right: Whether each record has exactly its right labels.
        floors: Further abstention limits.
    """
    own = answers.answerer.abstain_below
    asked = {round(Fraction(one) * WHOLE) for one in floors}
    found = []
    for floor in sorted({*COVERAGE, *asked} if own is None else {*COVERAGE, *asked, own}):
        answered = answers.confidence >= floor
        count = int(answered.sum())
        if count:
            found.append(
                {
                    "abstainBelow": f"{floor // WHOLE}.{floor % WHOLE:06d}",
                    "share": decimal(ratio(count, len(right))),
                    "accuracy": decimal(ratio(int(right[answered].sum()), count)),
                }
            )
    return found
