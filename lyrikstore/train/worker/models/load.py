"""Loads a checkpoint of any format, and what tells texts that are unlike its training data."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lyrikstore.train.formats import adapter, blend, embeddings, encoder, word_counts
from lyrikstore.train.worker.errors import TRAINED, loading
from lyrikstore.train.worker.examples import Example
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.model import Logits, Model
from lyrikstore.train.worker.models.unlike import ClassDistances
from lyrikstore.train.worker.staging import UNLIKE_FILE
from lyrikstore.verify.evaluation.choice.unlike import CLASS_DISTANCES, UNLIKE, limit_of


def load_model(files: StagedFiles, folder: str, form: str) -> Model:
    """Return a trained model, ready to answer.

    Args:
        files: Where it and its base are staged.
        folder: Its folder there.
        form: Its format.

    Raises:
        InvalidInputError: (``bad-checkpoint``) its files do not fit each other, or it cannot be
            loaded; (``bad-model``) its base cannot.
        StorageError: (``staging-lost``) a file is gone.
    """
    with loading(TRAINED):
        return _LOADERS[form](files, folder)


def _word_counts(files: StagedFiles, folder: str) -> Model:
    from lyrikstore.train.worker.models.word_counts import WordCounts

    return WordCounts.load(files, folder)


def _embeddings(files: StagedFiles, folder: str) -> Model:
    from lyrikstore.train.worker.models.embeddings import Embeddings

    return Embeddings.load(files, folder)


def _tuned(files: StagedFiles, folder: str) -> Model:
    from lyrikstore.train.worker.models.fine_tuned_encoder import Tuned

    return Tuned.load(files, folder)


def _blend(files: StagedFiles, folder: str) -> Model:
    from lyrikstore.train.worker.models.blend import Blend

    about = json.loads(files.read(f"{folder}/{blend.SETTINGS}"))
    words, other = about["members"]
    first, second = map(float, about["temperatures"])
    return Blend(
        about["task"],
        load_model(files, f"{folder}/{blend.WORDS}", words),
        load_model(files, f"{folder}/{blend.OTHER}", other),
        (first, second),
        float(about["weight"]),
    )


_LOADERS: dict[str, Callable[[StagedFiles, str], Model]] = {
    **dict.fromkeys(word_counts.KNOWN, _word_counts),
    embeddings.FORMAT: _embeddings,
    adapter.FORMAT: _tuned,
    encoder.FORMAT: _tuned,
    blend.FORMAT: _blend,
}


class UnlikeTexts(Struct, frozen=True):
    """Tells which texts are unlike the training data, where a checkpoint says how.

    Attributes:
        limit: Above it a text is; None: nothing is known of it.
        distances: What is measured by, where it is not by words.
    """

    limit: float | None = None
    distances: ClassDistances | None = None

    @classmethod
    def open(cls, job: Mapping[str, Any], files: StagedFiles) -> Self:
        """Return what a job says: ``unlike``, as the body of the checkpoint has it."""
        limit, distances = limit_of(job), None
        if limit is not None and job[UNLIKE]["method"] == CLASS_DISTANCES:
            with loading(TRAINED):
                distances = ClassDistances.of_file(files.read(UNLIKE_FILE))
        return cls(limit, distances)

    def answer(self, model: Model, examples: Sequence[Example]) -> tuple[Logits, NDArray[np.bool_]]:
        """Return the logits of some records, and which of them are unlike the training data."""
        if self.limit is None:
            return model.logits(examples), np.zeros(len(examples), bool)
        logits, values = model.measured(examples, self.distances)
        return logits, values > self.limit
