"""Loads a checkpoint of any format."""

import json
from collections.abc import Callable

from lyrikstore.train.formats import adapter, blend, embeddings, encoder, word_counts
from lyrikstore.train.worker.errors import TRAINED, loading
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.model import Model


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
    from lyrikstore.train.worker.models.tuned import Tuned

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
    word_counts.FORMAT: _word_counts,
    embeddings.FORMAT: _embeddings,
    adapter.FORMAT: _tuned,
    encoder.FORMAT: _tuned,
    blend.FORMAT: _blend,
}
