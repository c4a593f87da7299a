"""Text generation by a staged checkpoint, in a worker (spec §13.12.8)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import RunFailedError, storage_errors
from lyrikstore.context import StoreContext
from lyrikstore.train.snapshot import staged_weights
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import TEST, Staging

MAX_OUTPUT_BYTES = 1 << 20
"""Longest generated text, in characters."""


class GeneratedText(Struct, frozen=True):
    """A text that one model generated.

    Attributes:
        text: The answer.
        tokens: Number of its tokens, with the one that ends it.
        ended: Whether the text is complete.
    """

    text: str
    tokens: int
    ended: bool


class GeneratedTexts(Struct, frozen=True):
    """The generated texts.

    Attributes:
        texts: For each record, the text of the model, and that of the base if it was run.
        systems: Time and memory of each model.
        accelerator: The GPU memory that was used; empty on a CPU.
    """

    texts: tuple[tuple[GeneratedText, ...], ...]
    systems: tuple[Mapping[str, Any], ...]
    accelerator: Mapping[str, str] = {}


def generate_texts(
    context: StoreContext,
    staging: Staging,
    reads: Sequence[str],
    run: Mapping[str, Any],
    *,
    job: str,
    chat: bool,
    choices: Sequence[tuple[str, str]],
    device: str,
    asked: str = TEST,
) -> GeneratedTexts:
    """Return the texts that a staged checkpoint generates for staged prompts.

    Args:
        context: The store.
        staging: The folder with checkpoint, base and prompts.
        reads: The files of the checkpoint and its base.
        run: Body of its run.
        job: ``predict``; or ``score``, for which the base is run too.
        chat: Whether prompts come from a chat template.
        choices: The permitted answers, with the completion of each; empty: any answer.
        device: The device that the models run on.
        asked: The staged file of prompts.

    Raises:
        RunFailedError, InvalidInputError, VerificationError, StorageError: As
            :func:`lyrikstore.train.worker.process.run_job`.
    """
    threads = run["config"]["training"]["threads"]
    result = run_job(
        staging,
        {
            "job": job,
            "task": run["task"],
            "threads": threads,
            "device": device,
            "seed": run["seed"],
            "weights": staged_weights(staging),
            "chat": chat,
            "choices": [list(one) for one in choices],
            "asked": asked,
        },
        reads=(*reads, asked),
        threads=threads,
        base_env=context.environment,
        progress=context.progress,
    )
    path = staging.path / str(result["outputs"])
    with storage_errors(f"reading {path.name}"):
        lines = path.read_bytes().splitlines()
    texts = tuple(tuple(_text(one) for one in json.loads(line)) for line in lines)
    if any(len(some) != (2 if job == "score" else 1) for some in texts):
        raise RunFailedError(
            "bad-output", f"the output file {path.name} of the worker is malformed"
        )
    return GeneratedTexts(texts, tuple(result["systems"]), result["accelerator"])


def _text(one: Any) -> GeneratedText:
    text, tokens, ended = one
    return GeneratedText(str(text)[:MAX_OUTPUT_BYTES], int(tokens), bool(ended))
