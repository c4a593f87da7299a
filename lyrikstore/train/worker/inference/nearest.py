"""The training records most similar to other records, by the vectors of a model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lyrikstore.train.worker.examples import example_batches
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.model import Model
from lyrikstore.train.worker.training.checkpoint_writer import Report

MOST = 3
"""Training records that are returned for each record."""

_EXCERPT = 200


class Nearest:
    """Finds the nearest training records by vectors; ties go to the first in storage order."""

    def __init__(self) -> None:
        self._parts: list[Any] = []

    def add(self, vectors: Any) -> None:
        """Add the vectors of more records.

        Args:
            vectors: Rows of length 1, as the model's ``vectors`` returns them.
        """
        self._parts.append(vectors)

    def find(
        self, files: StagedFiles, known: Sequence[str], model: Model, report: Report
    ) -> list[list[Mapping[str, Any]]]:
        """Return for each added record the most similar training records, the most similar first.

        Args:
            files: The staging folder.
            known: Names of the files with training records.
            model: The model that computes the vectors.
            report: Called per batch.

        Cost: one vector for each training record, for an encoder about one inference each; memory
        for a batch.
        """
        best: list[list[tuple[float, Mapping[str, Any]]]] = []
        for part in self._parts:
            best += [[] for _ in range(part.shape[0])]
        done = 0
        for number, name in enumerate(known):
            for batch in example_batches(files, name):
                self._compare(number, batch, model.vectors(batch), best)
                done += len(batch)
                report("compare", done, 0)
        return [[one for _, one in some] for some in best]

    def _compare(
        self,
        number: int,
        batch: Sequence[Any],
        vectors: Any,
        best: list[list[tuple[float, Mapping[str, Any]]]],
    ) -> None:
        first = 0
        for part in self._parts:
            likeness = part @ vectors.T
            table = likeness.toarray() if hasattr(likeness, "toarray") else np.asarray(likeness)
            for at, row in enumerate(table, start=first):
                for place in np.argsort(-row, kind="stable")[:MOST]:
                    _keep(best[at], float(row[place]), number, batch[place])
            first += part.shape[0]


def _keep(
    best: list[tuple[float, Mapping[str, Any]]], likeness: float, number: int, one: Any
) -> None:
    if len(best) == MOST and likeness <= best[-1][0]:
        return
    about = {
        "from": number,
        "record": one.id.hex,
        "labels": list(one.labels),
        "text": one.text[:_EXCERPT],
        "likeness": f"{min(max(likeness, 0.0), 1.0):.4f}",
    }
    best.append((likeness, about))
    best.sort(key=lambda pair: -pair[0])  # stable: of equals the earlier stays first
    del best[MOST:]
