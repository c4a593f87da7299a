"""Greedy generation: a generative model answers with the likeliest tokens (spec §13.12.8)."""

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, cast

import torch
from transformers import GenerationConfig

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.worker.device import accelerator_figures, autocast
from lyrikstore.train.worker.generation.constrained_choices import AnswerChoices
from lyrikstore.train.worker.generation.decoder import AdaptedDecoder
from lyrikstore.train.worker.generation.tokenized import ConversationTokenizer
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.metrics import decimal
from lyrikstore.train.worker.models.encoder import prepare
from lyrikstore.train.worker.process import peak_memory_bytes
from lyrikstore.train.worker.staging import CHECKPOINT
from lyrikstore.train.worker.training.checkpoint_writer import Report

AT_ONCE = 16
"""Answers that are generated together."""

_Written = tuple[str, int, bool]


def generate(
    job: Mapping[str, Any], files: StagedFiles, report: Report, *, phases: Sequence[str]
) -> dict[str, Any]:
    """Generate an answer to each prompt.

    Args:
        job: ``threads``, ``seed``, ``device``; ``weights``: the files of the base's weights;
            ``chat``: whether prompts come from a chat template; ``choices``: the allowed answers,
            each with its completion; ``asked``: the file of prompts.
        files: The staging folder: the checkpoint, its base, the prompts.
        report: Called per batch.
        phases: The systems that answer: ``score``: the model; ``baseline``: its base.

    Returns:
        ``outputs``: a file with a JSON list for each record: for each system the text, its number
        of tokens, and whether it has an end token; ``systems``: the cost of each system;
        ``accelerator``: the memory of a GPU that was used.

    Raises:
        InvalidInputError: (``prompt-too-long``) a prompt leaves no room for an answer.
    """
    prepare(job["threads"], job["seed"])
    text = ConversationTokenizer(files, chat=job["chat"])
    prompts = text.prompts([json.loads(line)["prompt"] for line in files.lines(job["asked"])])
    model = AdaptedDecoder.load(files, CHECKPOINT, job["weights"], device=job["device"])
    choices = AnswerChoices.of_checkpoint(text, job, model.about)
    most = int(model.about["answerTokens"])
    room = int(model.causal.config.max_position_embeddings) - most
    longest = max(map(len, prompts))
    if longest > room:
        raise InvalidInputError(
            "prompt-too-long",
            f"a prompt has {longest} tokens, and the model reads {room} before an answer",
            hint="shorten it, or drop such records in a filter: length/1",
        )
    found, systems = [], []
    for phase in phases:
        wall, cpu = time.monotonic(), time.process_time()
        without = model.peft.disable_adapter() if phase == "baseline" else nullcontext()
        with without:
            found.append(_write(model, text, choices, prompts, most, phase, report))
        systems.append(
            {
                "wallSeconds": decimal(time.monotonic() - wall, 1),
                "cpuSeconds": decimal(time.process_time() - cpu, 1),
                "peakMemoryBytes": peak_memory_bytes(),
            }
        )
    out = files.folder / "out"
    out.mkdir(exist_ok=True, mode=0o700)
    with (out / "generated.jsonl").open("w", encoding="ascii") as file:
        file.writelines(json.dumps(list(one)) + "\n" for one in zip(*found, strict=True))
    accelerator = accelerator_figures(model.device)
    return {"outputs": "out/generated.jsonl", "systems": systems, "accelerator": accelerator}


def _write(
    model: AdaptedDecoder,
    text: ConversationTokenizer,
    choices: AnswerChoices,
    prompts: Sequence[Sequence[int]],
    most: int,
    phase: str,
    report: Report,
) -> list[_Written]:
    order = sorted(range(len(prompts)), key=lambda at: (len(prompts[at]), at))
    found: list[_Written] = [("", 0, False)] * len(prompts)
    half = model.about["precision"] == "bf16"
    settings = cast("Any", GenerationConfig)(
        do_sample=False,
        max_new_tokens=most,
        eos_token_id=list(text.stops),
        pad_token_id=text.stops[0],
        use_cache=True,
    )
    for start in range(0, len(order), AT_ONCE):
        places = order[start : start + AT_ONCE]
        length = max(len(prompts[at]) for at in places)
        tokens = torch.full((len(places), length), text.stops[0], dtype=torch.long)
        mask = torch.zeros((len(places), length), dtype=torch.long)
        for row, at in enumerate(places):
            tokens[row, length - len(prompts[at]) :] = torch.tensor(prompts[at])
            mask[row, length - len(prompts[at]) :] = 1
        with torch.inference_mode(), autocast(model.device, half=half):
            written = model.causal.generate(
                input_ids=tokens.to(model.device),
                attention_mask=mask.to(model.device),
                generation_config=settings,
                **choices.generation_arguments(length),
            )
        for row, at in enumerate(places):
            found[at] = _ended(text, choices, written[row, length:].tolist())
        report(phase, min(start + AT_ONCE, len(order)), len(order))
    return found


def _ended(text: ConversationTokenizer, choices: AnswerChoices, tokens: list[int]) -> _Written:
    """Return the text up to its end token, the tokens including that one, and if it ended."""
    end = next((at for at, token in enumerate(tokens) if token in text.stops), None)
    if choices:
        given = tokens if end is None else tokens[: end + 1]
        return choices.name(given), len(given), True
    if end is None:
        return text.read(tokens).strip(), len(tokens), False
    return text.read(tokens[:end]).strip(), end + 1, True
