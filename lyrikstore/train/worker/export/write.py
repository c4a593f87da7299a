"""Writes a trained checkpoint in the form of a target. Runs in a worker."""

import json
from collections.abc import Mapping
from typing import Any

from lyrikstore.train.formats import blend, word_counts
from lyrikstore.train.formats.base_model import CONFIG
from lyrikstore.train.worker.export.output import FOLDER, Output
from lyrikstore.train.worker.export.settings import (
    UNLIMITED,
    base_settings,
    closing_token,
    label_settings,
    write_base_tokenizer,
    write_tokenizer,
)
from lyrikstore.train.worker.fitting.written import Report
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.load import load_model
from lyrikstore.train.worker.staging import CHECKPOINT
from lyrikstore.verify.evaluation.choice.task import AnswerRule

_OTHER = "encoder.logits"


def export(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Write a checkpoint as files that a target loads, with its temperature in its weights.

    Args:
        job: ``target``; ``checkpoint``, its id; ``threads``, ``seed``, ``format``, ``task``,
            ``labels``, and the ``decision`` of the manifest.
        files: The staging folder: the checkpoint, and its base if it has one.
        report: Called at the start.

    Returns:
        ``files``: name → BLAKE3 of each, in :data:`FOLDER`.

    Raises:
        InvalidInputError: (``no-such-target``) the target cannot give its answers; (``too-large``)
            nor hold it.
    """
    report("export", 0, 1)
    if job["needsBase"]:
        from lyrikstore.train.worker.models.encoder import prepare

        prepare(job["threads"], job["seed"])
    out = Output(files.folder / FOLDER)
    temperature = AnswerRule.of_body(job).temperature
    if job["target"] == "hf":
        _hugging_face(job, files, out, temperature)
    else:
        _onnx(job, files, out, temperature)
    report("export", 1, 1)
    return {"files": out.digests}


def _hugging_face(
    job: Mapping[str, Any], files: StagedFiles, out: Output, temperature: float
) -> None:
    from lyrikstore.train.worker.export.hugging_face import write_classifier

    model: Any = load_model(files, CHECKPOINT, job["format"])
    settings, network = base_settings(files), model.network()
    write_classifier(
        network, out, settings | label_settings(job["task"], job["labels"]), temperature
    )
    write_base_tokenizer(files, out, settings, network.max_tokens)


def _onnx(job: Mapping[str, Any], files: StagedFiles, out: Output, temperature: float) -> None:
    from lyrikstore.train.worker.export import onnx_model
    from lyrikstore.train.worker.export.word_graph import (
        PADDING,
        tokenizer_of,
        word_graph,
        words_of,
    )

    task, labels, form = job["task"], job["labels"], job["format"]
    described = label_settings(task, labels)
    if form == word_counts.FORMAT:
        counts: Any = load_model(files, CHECKPOINT, form)
        words = words_of(counts)
        graph = word_graph(counts, words, onnx_model.TOKENS, temperature)
        proto = onnx_model.word_model(graph, len(labels))
        # What transformers.js goes by: it hands on what the tokenizer gives.
        out.write_json(CONFIG, {"model_type": "bert", **described})
        write_tokenizer(out, "", tokenizer_of(words), UNLIMITED, PADDING)
    else:
        settings = base_settings(files)
        if form == blend.FORMAT:
            about = json.loads(files.read(f"{CHECKPOINT}/{blend.SETTINGS}"))
            first, second = map(float, about["temperatures"])
            counts = load_model(files, f"{CHECKPOINT}/{blend.WORDS}", about["members"][0])
            other: Any = load_model(files, f"{CHECKPOINT}/{blend.OTHER}", about["members"][1])
            words, network = words_of(counts), other.network()
            proto = onnx_model.blended_model(
                onnx_model.encoder_model(network, closing_token(files), second, _OTHER),
                _OTHER,
                word_graph(counts, words, onnx_model.WORDS, first),
                (task, float(about["weight"]), temperature),
                len(labels),
            )
            write_tokenizer(out, "words/", tokenizer_of(words), UNLIMITED, PADDING)
        else:
            model: Any = load_model(files, CHECKPOINT, form)
            network = model.network()
            proto = onnx_model.encoder_model(network, closing_token(files), temperature)
        shown = {name: value for name, value in settings.items() if name != "architectures"}
        out.write_json(CONFIG, shown | described)
        write_base_tokenizer(files, out, settings, network.max_tokens)
    props = {"lyrikstore.checkpoint": job["checkpoint"], "lyrikstore.labels": json.dumps(labels)}
    out.write(onnx_model.MODEL, onnx_model.finished(proto, props))
