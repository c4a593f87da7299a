"""Errors of a worker, carried to the process that started it (spec §13.2).

The worker knows whether a model could not be loaded, memory or disk space ran out, or the training
diverged; the parent process alone would only see an exit code. Each has a different next step.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from mmap import mmap
from pathlib import Path
from typing import Any

from lyrikstore.canon.errors import (
    InvalidInputError,
    LyrikstoreError,
    PolicyError,
    RunFailedError,
    StorageError,
    loading_error,
    storage_error,
)

_MEMORY = re.compile(
    r"out of memory|can't allocate memory|cannot allocate memory|not enough memory|bad_alloc"
    r"|memory allocation of \d+ bytes failed|failed to map segment|unable to allocate|MemoryError",
    re.IGNORECASE,
)
_CLASSES = (InvalidInputError, PolicyError, RunFailedError, StorageError)
BASE_MODEL = "the base model"
"""The name in messages of a model from elsewhere."""

TRAINED = "the checkpoint"
"""The name in messages of a model that was trained in this store."""

DIVERGED = "diverged"
"""Kind of the error for numbers that are no longer finite."""

_SYSTEM = re.compile(r"\(os error (\d+)\)")
"""The system's error number in messages of Rust libraries, such as the one of a full disk."""

_MAX_WORDS = 300
_PROBE_BYTES = 16 << 20


@contextmanager
def loading(what: str) -> Iterator[None]:
    """Convert exceptions during loading of a model into errors that name the model, where it fits.

    Args:
        what: The model's name in messages; :data:`TRAINED` for a checkpoint of this store.

    Raises:
        InvalidInputError: (``bad-model``; of a checkpoint ``bad-checkpoint``) the model cannot be
            loaded.
    """
    try:
        yield
    except LyrikstoreError:
        raise
    except Exception as error:
        # The libraries raise whatever they like, plain Exception included.
        if (
            _is_memory(error)
            or (isinstance(error, OSError) and error.errno)
            or loading_error(error)
        ):
            raise
        raise bad_model(what, _words(error)) from error


def bad_model(what: str, words: str) -> InvalidInputError:
    """Return the error for a model that cannot be used; ``words`` is the reason."""
    return InvalidInputError(
        "bad-checkpoint" if what == TRAINED else "bad-model",
        f"{what} cannot be loaded: {words}",
        hint="check the store with: lyrikstore verify; if it is undamaged, the committed folder "
        "was not a complete model: commit a complete copy, and name it in the config",
    )


def diverged(words: str, setting: str) -> RunFailedError:
    """Return the error for a training that diverged.

    Args:
        words: The number that is not finite, as the message names it.
        setting: The setting that is too large.
    """
    return RunFailedError(
        DIVERGED,
        f"training diverged: {words}",
        hint=f"nothing was stored; lower [training] {setting} and run it again",
    )


def fault_of(error: Exception, job: str) -> LyrikstoreError:
    """Return our error for the exception of a failed job, with the reason and the next step.

    Args:
        error: The exception of the job.
        job: The name of the job.
    """
    if isinstance(error, LyrikstoreError):
        return error
    if _is_memory(error):
        return out_of_memory(job, _words(error))
    if found := _SYSTEM.search(str(error)):
        number = int(found[1])
        return storage_error(OSError(number, os.strerror(number)), f"{job}: writing a model")
    if isinstance(error, OSError) and error.errno:
        named = Path(str(error.filename)).name if error.filename else "a staged file"
        if isinstance(error, FileNotFoundError):
            return staged_file_missing(named)
        return storage_error(error, f"{job}: {named}")
    return loading_error(error) or RunFailedError("worker-failed", f"{job} failed: {_words(error)}")


def out_of_memory(job: str, words: str) -> RunFailedError:
    """Return the error for a job that ran out of memory; ``words`` is the last line of its log."""
    less = (
        "lower batch_size (raise accumulate to keep the size of a step) or max_tokens in the "
        "config; or "
    )
    training = job.startswith("train")
    return RunFailedError(
        "out-of-memory",
        f"{job} ran out of memory ({words})",
        hint=f"nothing was stored; {less if training else ''}end other programs, raise the "
        "limit, or run it on a machine with more memory",
    )


def staged_file_missing(name: str) -> StorageError:
    """Return the error for a staged file that is missing."""
    return StorageError(
        "staging-lost",
        f"{name} was copied for the worker and has disappeared",
        hint="run it again; if it happens again, some program deletes files in the store's folder "
        "`staging`",
    )


def mentions_memory(text: str) -> bool:
    """Return whether the end of a log says that memory ran out."""
    return _MEMORY.search(text) is not None


def from_event(event: Mapping[str, Any]) -> LyrikstoreError | None:
    """Return the error that a worker reported, or None if the event is not one of our errors."""
    found = LyrikstoreError.from_json(event)
    if found is None:
        return None
    cls = type(found) if isinstance(found, _CLASSES) else RunFailedError
    kind, message, hint = (
        text[: 2 * _MAX_WORDS] for text in (found.kind, found.message, found.hint)
    )
    return cls(kind, " ".join(message.split()), hint=hint)


def _is_memory(error: Exception) -> bool:
    words = f"{type(error).__name__}: {error}"
    return isinstance(error, MemoryError) or mentions_memory(words) or _is_starved()


def _is_starved() -> bool:
    # Libraries that get no memory often say something else, such as "could not create a primitive".
    # Asked of the system: an allocator may still have what was given back to it.
    try:
        mmap(-1, _PROBE_BYTES).close()
    except OSError:
        return True
    return False


def _words(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no reason given"
    return f"{type(error).__name__}: {text}"[:_MAX_WORDS]
