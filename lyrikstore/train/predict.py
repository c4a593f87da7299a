"""Prediction: the answer of one checkpoint about one file."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, storage_error
from lyrikstore.canon.files import no_file
from lyrikstore.canon.progress import silent
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.evaluate import TRAINED, resolve_trained, stage_checkpoint
from lyrikstore.train.snapshot import MAX_TEXT_BYTES, decode_text
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import TEXT, open_staging


class Prediction(Struct, frozen=True):
    """What a checkpoint says about a text.

    Attributes:
        label: The likeliest label.
        probabilities: Label → probability as decimal text, likeliest first. They are the model's
            own, not calibrated.
        checkpoint: Manifest id of the checkpoint that answered.
        text: Digest of the file.
        tokens: How many tokens were read, special ones included.
        max_tokens: The most the model reads; a text with more is cut off there.
    """

    label: str
    probabilities: Mapping[str, str]
    checkpoint: Digest
    text: Digest
    tokens: int
    max_tokens: int

    @property
    def cut_off(self) -> bool:
        """Whether the text may have been longer than the model reads."""
        return self.tokens >= self.max_tokens


def predict_file(
    repo: Repository,
    checkpoint_ref: str,
    path: Path,
    *,
    base_env: Mapping[str, str],
    folder: Path,
) -> Prediction:
    """Return what a trained checkpoint says about a text file.

    Only bytes that were read through their digests are loaded. Writes nothing to the store, which
    may be on a medium that cannot be written.

    Args:
        repo: The store.
        checkpoint_ref: A checkpoint that a run made.
        path: A UTF-8 text file.
        base_env: The caller's environment; a few harmless variables of it reach the worker.
        folder: Where the model is unpacked for the worker, in a staging folder; made if missing.

    Raises:
        NotFoundError: (``no-file``, ``no-ref``) no such file or checkpoint.
        InvalidInputError: (``not-text``, ``no-reader``, ``too-large``, ``not-trained``,
            ``bad-model``)
        PolicyError, VerificationError, IncompleteError: The model may not or cannot be loaded.
        VerificationError: (``input-changed``) somebody rewrote what was copied for the worker.
        StorageError: ``folder`` cannot be written.
        RunFailedError: (``worker-failed``, ``out-of-memory``) it was loaded, and failed.

    Cost: some seconds to load the libraries, then milliseconds.
    """
    data = _read(path)
    checkpoint = resolve_trained(repo, checkpoint_ref)
    text = decode_text(path.name, data)
    threads = repo.manifest(checkpoint.inputs_in("run")[0].id).body["environment"]["threads"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, f"making {folder}") from error
    with open_staging(folder) as staging:
        stage_checkpoint(repo, checkpoint, staging)
        staging.write(TEXT, text.encode("utf-8"))
        result = run_job(
            staging,
            {"job": "predict", "threads": threads, "seed": 0},
            reads=(*TRAINED, TEXT),
            threads=threads,
            base_env=base_env,
            progress=silent,
        )
    answers: dict[str, str] = result["probabilities"]
    ordered = sorted(answers, key=lambda label: (-Decimal(answers[label]), label))
    return Prediction(
        label=ordered[0],
        probabilities={label: answers[label] for label in ordered},
        checkpoint=checkpoint.id,
        text=Digest.of(data),
        tokens=result["tokens"],
        max_tokens=checkpoint.body["text"]["maxTokens"],
    )


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            # A FIFO would wait for ever.
            if path.exists():
                raise InvalidInputError("not-a-file", f"{path} is not a file")
            raise no_file(path)
        with path.open("rb") as file:
            return file.read(MAX_TEXT_BYTES + 1)
    except OSError as error:
        raise storage_error(error, f"reading {path}") from error
