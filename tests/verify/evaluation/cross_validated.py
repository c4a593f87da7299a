"""What candidates said of records out of fold, made up of noise and of what is right."""

from collections.abc import Mapping

import numpy as np

from lyrikstore.verify.evaluation.choice.cross_validation import CrossValidation
from lyrikstore.verify.evaluation.choice.folds import FoldedRecords, repeats_of

FORMATS = {"tfidf/1", "embeddings/1", "blend/1", "peft-lora/1"}
LABELS = 4


def cross_validated(
    strengths: Mapping[str, float],
    held_out: Mapping[str, float] | None = None,
    *,
    records: int = 120,
    several: bool = False,
    groups: list[int] | None = None,
    seed: int = 7,
) -> CrossValidation:
    """Return scores of candidates: the right label is raised by so much over noise.

    Args:
        strengths: Of those by folds; of a dear one in the first repeat alone.
        held_out: Of those by validation records, a quarter of all.
        records: How many records.
        several: Whether a record has any number of labels.
        groups: Their groups.
        seed: Of the noise.
    """
    chance = np.random.default_rng(seed)
    expected = np.zeros((records, LABELS), bool)
    expected[np.arange(records), chance.integers(0, LABELS, records)] = True
    if several:
        expected ^= chance.random(expected.shape) < 0.2
    validation = records // 4

    def scores(repeats: int, right: np.ndarray, strength: float) -> np.ndarray:
        noise = chance.normal(size=(repeats, *right.shape))
        return (noise + strength * (right - several / 2)).astype(np.float32)

    count = repeats_of(records)
    cheap = ("tfidf", "embeddings")
    return CrossValidation(
        "multi-label" if several else "text-classification",
        tuple(f"label{number}" for number in range(LABELS)),
        FoldedRecords(3, records - validation, expected, groups),
        {
            name: scores(count if name in cheap else 1, expected, strength)
            for name, strength in strengths.items()
        },
        {
            name: scores(1, expected[-validation:], strength)[0]
            for name, strength in (held_out or {}).items()
        },
    )
