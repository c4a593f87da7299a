"""Linear models over the vectors of a frozen encoder, computed once (spec §13.2.2)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyrikstore.train.formats.embeddings import STRENGTH, STRENGTHS
from lyrikstore.train.worker.examples import Example, targets
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.embeddings import Base, Embeddings, embed
from lyrikstore.train.worker.models.encoder import TextEncoder, load_base, prepare
from lyrikstore.train.worker.models.linear import fit_linear
from lyrikstore.train.worker.models.model import Logits
from lyrikstore.train.worker.models.unlike import ClassDistances, Values, of_classes
from lyrikstore.train.worker.training.checkpoint_writer import Report
from lyrikstore.train.worker.training.folds import FittedFold, FittedModel, Rows


def open_vectors(
    job: Mapping[str, Any],
    files: StagedFiles,
    parts: tuple[Sequence[Example], Sequence[Example]],
    report: Report,
) -> "Vectors":
    """Return the candidate ``embeddings``; arguments are those of ``open_cheap``."""
    model, training = job["config"]["model"], job["config"]["training"]
    prepare(training["threads"], training["seed"])
    base = load_base(files, model["max_tokens"])
    text = TextEncoder(files, model["max_tokens"])
    return Vectors(job["task"], list(job["labels"]), parts, (base, text, model["pooling"]), report)


class Vectors:
    """The candidate of a linear model over vectors, with its pool of records.

    Args:
        task: Name of the task.
        labels: All labels.
        parts: Training and validation records, which are encoded separately: the padding of a text
        does not depend on the texts of the other part.
        base: The encoder, its tokenizer, and the pooling of token vectors.
        report: Called during encoding.
    """

    strength, grid = STRENGTH, STRENGTHS

    def __init__(
        self,
        task: str,
        labels: Sequence[str],
        parts: tuple[Sequence[Example], Sequence[Example]],
        base: Base,
        report: Report,
    ) -> None:
        self._task, self._labels, self._base = task, labels, base
        self._pool = [one for some in parts for one in some]
        self._wanted = targets(self._pool, labels)
        total = len(self._pool)
        report("start", 0, total, candidate="embeddings")
        found: list[NDArray[np.float64]] = []
        for some in parts:
            before = sum(map(len, found))

            def read(done: int, _: int, before: int = before) -> None:
                report("step", before + done, total)

            found.append(embed(*base, some, read))
        self._vectors = np.concatenate([one for one in found if len(one)])

    def fold(self, rows: Rows) -> FittedFold:
        """Return the fold that fits some records, for each requested strength."""
        return _VectorFold(self, rows)

    def fit(self, rows: Rows, strength: float) -> FittedModel:
        """Return a model fitted to some records."""
        model = Embeddings(self._task, self._labels, *self._base, *self.linear(rows, strength))
        return FittedModel(model, self.distances(rows))

    def measure(self, fitted: FittedModel, rows: Rows) -> tuple[Logits, Values | None]:
        """Return the logits of other records, and the distance of each to the nearest class."""
        model: Any = fitted.model
        vectors, distances = self._vectors[rows], fitted.distances
        return model.logits_of(vectors), None if distances is None else distances.of(vectors)

    def linear(
        self, rows: Rows, strength: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return weights and biases fitted to some records."""
        return fit_linear(self._task, self._vectors[rows], self._wanted[rows], strength)

    def distances(self, rows: Rows) -> ClassDistances | None:
        """Return the distances to the classes of some records."""
        return ClassDistances.fit([([self._pool[at] for at in rows], self._vectors[rows])])

    def at(self, rows: Rows) -> NDArray[np.float64]:
        """Return the vectors of some records."""
        return np.asarray(self._vectors[rows])


class _VectorFold:
    """Linear models fitted to the vectors of the other folds."""

    def __init__(self, vectors: Vectors, rows: Rows) -> None:
        self._vectors, self._rows = vectors, rows
        self._distances = vectors.distances(rows)

    def logits(self, strength: float, rows: Rows) -> Logits:
        weight, bias = self._vectors.linear(self._rows, strength)
        return np.asarray(self._vectors.at(rows) @ weight.T + bias)

    def unlike(self, rows: Rows) -> Values | None:
        found = self._distances
        return None if found is None else of_classes(found).of(self._vectors.at(rows))
