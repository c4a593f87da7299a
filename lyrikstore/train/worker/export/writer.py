"""The job ``export-writer``: an adapter as files that other programs load (spec §14.7.6)."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lyrikstore.train.formats.adapter import ADAPTER, ADAPTER_CONFIG
from lyrikstore.train.formats.base_model import CONFIG, TOKENIZER
from lyrikstore.train.formats.decoder import PROMPT
from lyrikstore.train.formats.decoders.serving import GRAMMAR
from lyrikstore.train.worker.export import gguf_model
from lyrikstore.train.worker.export.gguf_model import Tensor
from lyrikstore.train.worker.export.output import FOLDER, Output
from lyrikstore.train.worker.fitting.written import Report
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.encoder import prepare
from lyrikstore.train.worker.staging import BASE, CHECKPOINT
from lyrikstore.train.worker.writing.choices import AnswerChoices
from lyrikstore.train.worker.writing.decoder import AdaptedDecoder
from lyrikstore.train.worker.writing.texts import WriterText


def export_writer(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Write a checkpoint as files that a target loads.

    Args:
        job: ``target``, ``threads``, ``seed``; ``weights``: files of the base's weights;
            ``chatTemplate``, empty where there is none; ``choices``: the only answers, each with
            its completion; ``chat``.
        files: The staging folder: the checkpoint and its base.
        report: Called at the start.

    Returns:
        ``files``: name → BLAKE3 of each.

    Raises:
        InvalidInputError: (``no-such-target``) the target loads no such model.
    """
    report("export", 0, 1)
    prepare(job["threads"], job["seed"])
    out = Output(files.folder / FOLDER)
    if job["target"] == "gguf":
        model = AdaptedDecoder.load(files, CHECKPOINT, job["weights"])
        gguf_model.write_gguf(
            out.place(gguf_model.MODEL),
            json.loads(files.read(f"{BASE}/{CONFIG}")),
            files.read(f"{BASE}/{TOKENIZER}"),
            job["chatTemplate"],
            merged(model.causal),
        )
        out.was_written(gguf_model.MODEL)
        text = WriterText(files, chat=job["chat"])
        if choices := AnswerChoices.of_checkpoint(text, job, model.about):
            out.write(GRAMMAR, choices.grammar().encode())
    else:
        for name in (CONFIG, TOKENIZER, *job["weights"]):
            out.write(f"base/{name}", files.read(f"{BASE}/{name}"))
        about = json.loads(files.read(f"{CHECKPOINT}/{ADAPTER_CONFIG}"))
        out.write_json(f"adapter/{ADAPTER_CONFIG}", about | {"base_model_name_or_path": "../base"})
        files.read(f"{CHECKPOINT}/{PROMPT}")  # all that was staged is loaded, or the job fails
        out.write(f"adapter/{ADAPTER}", files.read(f"{CHECKPOINT}/{ADAPTER}"))
    report("export", 1, 1)
    return {"files": out.digests}


def merged(causal: Any) -> Iterator[tuple[str, tuple[int, ...], Tensor]]:
    """Yield the weights of a model with its adapter added, in fp32, a base in 4 bits unpacked.

    Args:
        causal: The model, whose adapter is in it.

    Yields:
        Name, shape, and what makes the values when it is asked, so that memory holds one of them.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    shared = bool(causal.config.tie_word_embeddings)
    for name, module in causal.named_modules():
        if ".base_layer" in name or ".lora_" in name or (shared and name == "lm_head"):
            continue
        added = module if isinstance(module, BaseTunerLayer) else None
        plain = module if added is None else added.get_base_layer()
        for part, value in plain.named_parameters(recurse=False):
            state = getattr(value, "quant_state", None)
            shape = tuple(value.shape if state is None else state.shape)
            yield f"{name}.{part}", shape, partial(_sum, value, added if part == "weight" else None)


def _sum(value: Any, added: Any) -> NDArray[np.float32]:
    state = getattr(value, "quant_state", None)
    if state is None:
        weight = value.detach().to(torch.float32)
    else:
        from bitsandbytes.functional import dequantize_4bit

        weight = dequantize_4bit(value.data, state).to(torch.float32)
    if added is not None:
        weight = weight + added.get_delta_weight("default").detach().to(torch.float32)
    return np.asarray(weight.numpy(), np.float32)
