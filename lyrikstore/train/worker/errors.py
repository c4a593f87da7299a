"""Errors of a worker, carried to the process that started it (spec §13.2).

The worker knows whether a model would not load, memory or disk ran out, or the training went wrong;
from outside all of these are an exit code. Each has another next step.
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
"""What messages call a model that came from elsewhere."""

TRAINED = "the checkpoint"
"""What messages call a model that training here has made."""

DIVERGED = "diverged"
"""Kind of the error for numbers that grew out of bounds."""

_SYSTEM = re.compile(r"\(os error (\d+)\)")
"""How libraries in Rust tell what the system said, such as that the disk is full."""

_MAX_WORDS = 300
_PROBE_BYTES = 16 << 20


@contextmanager
def loading(what: str) -> Iterator[None]:
    """Turn what goes wrong while a model is loaded into the model's fault, where it is that.

    Args:
        what: The model, as messages call it; :data:`TRAINED` where it is a checkpoint of ours.

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
    """Return the error for a model that cannot be used; ``words`` say why."""
    return InvalidInputError(
        "bad-checkpoint" if what == TRAINED else "bad-model",
        f"{what} cannot be loaded: {words}",
        hint="lyrikstore verify tells whether the store still has what was committed; if so, "
        "that was no whole model: commit a whole copy, and name that",
    )


def diverged(words: str, setting: str) -> RunFailedError:
    """Return the error for a training whose numbers grew out of bounds.

    Args:
        words: Where it showed.
        setting: The setting that is too large.
    """
    return RunFailedError(
        DIVERGED,
        f"training diverged: {words}",
        hint=f"nothing was stored; lower [training] {setting} and run it again",
    )


def fault_of(error: Exception, job: str) -> LyrikstoreError:
    """Return the error that says why a job failed, and what to do.

    Args:
        error: What left the job.
        job: Its name.
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
            return lost(named)
        return storage_error(error, f"{job}: {named}")
    return loading_error(error) or RunFailedError("worker-failed", f"{job} failed: {_words(error)}")


def out_of_memory(job: str, words: str) -> RunFailedError:
    """Return the error for a job that got no more memory; ``words`` are its last ones."""
    less = (
        "with a smaller batch_size (accumulate keeps the step as large) or max_tokens in the "
        "config it needs less; or "
    )
    training = job.startswith("train")
    return RunFailedError(
        "out-of-memory",
        f"{job} needs more memory than it gets ({words})",
        hint=f"nothing was stored; {less if training else ''}end other programs, raise the "
        "limit, or run it on a machine with more",
    )


def lost(name: str) -> StorageError:
    """Return the error for a staged file that is gone."""
    return StorageError(
        "staging-lost",
        f"{name} was copied for the worker and is gone",
        hint="run it again; if it happens again, something deletes files in the store's folder "
        "`staging`",
    )


def mentions_memory(text: str) -> bool:
    """Return whether last words say that memory ran out."""
    return _MEMORY.search(text) is not None


def from_event(event: Mapping[str, Any]) -> LyrikstoreError | None:
    """Return the error that a worker reported, or None if its words are none of ours."""
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
