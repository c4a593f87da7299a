"""Distance of texts to the training data, by statistics without records (spec §13.2.4)."""

from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from safetensors.numpy import load, save

from lyrikstore.train.worker.examples import Example
from lyrikstore.verify.evaluation.choice.unlike import (
    CENTROIDS,
    CLASS_DISTANCES,
    FEWEST_OF_CLASS,
    UNKNOWN_WORDS,
    VARIANCES,
    unlike_limit,
)

Values = NDArray[np.float64]
"""The distance of each text to the training data."""

Vectors = NDArray[np.float64]
"""Vectors of texts, of length 1: texts × width."""

_LEAST = 1e-9
"""Least variance of a dimension."""


class ClassDistances(Struct, frozen=True):
    """The centroids of the training data's classes, and the variance of their texts.

    Attributes:
        centroids: The mean vector of each class that has enough different texts.
        variances: The variance of each dimension, over all these classes.
    """

    centroids: NDArray[np.float32]
    variances: NDArray[np.float32]

    @classmethod
    def fit(cls, parts: Iterable[tuple[Sequence[Example], Vectors]]) -> Self | None:
        """Return the distances fitted to training records; None: no class has enough of them.

        Args:
            parts: Records and their vectors, in order.
        """
        sums: dict[str, Vectors] = {}
        squares: dict[str, Vectors] = {}
        seen: dict[str, set[str]] = {}
        for examples, vectors in parts:
            for example, vector in zip(examples, vectors, strict=True):
                # ATTACK A136: the centroid of one text, however often it is there, is that text.
                text = " ".join(example.text.lower().split())
                for label in example.labels:
                    known = seen.setdefault(label, set())
                    if text not in known:
                        known.add(text)
                        sums[label] = sums.get(label, 0.0) + vector
                        squares[label] = squares.get(label, 0.0) + vector**2
        kept = sorted(label for label, some in seen.items() if len(some) >= FEWEST_OF_CLASS)
        if not kept:
            return None
        counts = np.asarray([len(seen[label]) for label in kept], np.float64)
        centroids = np.stack([sums[label] for label in kept]) / counts[:, None]
        spread = sum(squares[label] for label in kept) - (counts[:, None] * centroids**2).sum(0)
        variances = np.maximum(spread / (counts.sum() - len(kept)), _LEAST)
        return cls(centroids.astype(np.float32), variances.astype(np.float32))

    def of(self, vectors: Vectors) -> Values:
        """Return the distance of each vector to the nearest centroid.

        It is the root of the mean square, over the dimensions, of the difference in standard
        deviations.
        """
        scale = 1 / np.sqrt(self.variances.astype(np.float64))
        points, centroids = vectors * scale, self.centroids.astype(np.float64) * scale
        apart = (points**2).sum(1)[:, None] - 2 * points @ centroids.T + (centroids**2).sum(1)
        return np.asarray(np.sqrt(np.maximum(apart.min(1), 0.0) / len(scale)))

    def to_bytes(self) -> bytes:
        """Return the content of :data:`~lyrikstore.train.worker.staging.UNLIKE_FILE`."""
        return save({CENTROIDS: self.centroids, VARIANCES: self.variances})

    @classmethod
    def of_file(cls, data: bytes) -> Self:
        """Parse the result of :meth:`to_bytes`; raise ``ValueError`` unless it is valid."""
        tensors = load(data)
        if not all(np.isfinite(one).all() for one in tensors.values()):
            raise ValueError("a centroid, or the variances, have infinity or NaN")
        if not (tensors[VARIANCES] > 0).all():
            raise ValueError("a variance is not above 0")
        return cls(tensors[CENTROIDS], tensors[VARIANCES])


def of_classes(distances: ClassDistances | None) -> ClassDistances:
    """Return ``distances``; raise ``ValueError`` if a checkpoint has none."""
    if distances is None:
        raise ValueError("it has no distances to classes")
    return distances


class FittedUnlike(Struct, frozen=True):
    """The limit above which texts are unlike the training data.

    Attributes:
        method: The method of measuring.
        limit: The limit, a decimal.
        distances: The file with the classes, for the method that needs it.
    """

    method: str
    limit: str
    distances: bytes = b""


def fit_unlike(values: Iterable[float], distances: ClassDistances | None) -> FittedUnlike | None:
    """Return the limit above which texts are unlike the training data; None: too little data.

    Args:
        values: The distances of the validation data.
        distances: The classes that they were measured to; None: they are shares of unknown words.
    """
    limit = unlike_limit(values)
    if limit is None:
        return None
    if distances is None:
        return FittedUnlike(UNKNOWN_WORDS, limit)
    return FittedUnlike(CLASS_DISTANCES, limit, distances.to_bytes())
