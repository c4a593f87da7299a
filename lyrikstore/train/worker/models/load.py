"""Loading of checkpoints of any format, and detection of texts unlike their training data."""

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
        files: The staging folder, with the checkpoint and its base.
        folder: The checkpoint's folder in it.
        form: The checkpoint's format.

    Raises:
        InvalidInputError: (``bad-checkpoint``) the files of the checkpoint do not match, or cannot
        be loaded; (``bad-model``) its base cannot be loaded.
        StorageError: (``staging-lost``) a file is missing.
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
    """Detects texts unlike the training data, if the checkpoint has a limit for it.

    Attributes:
        limit: The largest value of a text like the training data; None: there is no limit.
        distances: The classes to measure the distance to; None: unknown words are counted.
    """

    limit: float | None = None
    distances: ClassDistances | None = None

    @classmethod
    def open(cls, job: Mapping[str, Any], files: StagedFiles) -> Self:
        """Return the detector for the job's ``unlike``, which is that of the checkpoint's body."""
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
