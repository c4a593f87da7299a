"""Asks a deployed model through the program that will serve it. Runs in a worker."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyrikstore.train.worker.errors import loading
from lyrikstore.train.worker.examples import read_examples
from lyrikstore.train.worker.fitting.written import Report
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.metrics import latency
from lyrikstore.train.worker.staging import TEST
from lyrikstore.verify.evaluation.answers import WHOLE
from lyrikstore.verify.evaluation.choice.task import labelling_rules

Answer = Callable[[str], NDArray[np.float64]]
"""Text → logits."""


def ask(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Answer some records with a folder that was deployed, each alone and timed.

    Args:
        job: ``folder``, its path; ``target``, ``task``, ``labels``, ``threads``.
        files: The staging folder: ``test.jsonl``.
        report: Called per record.

    Returns:
        ``scores``, a file of int32 millionths, records × labels; and ``latencyMs``.
    """
    folder = Path(job["folder"])
    with loading("the folder"):
        load = _hugging_face if job["target"] == "hf" else _onnx
        answer, labels = load(folder, job["threads"])
        if labels != job["labels"]:
            raise ValueError("its labels are not those of the checkpoint")
    rows, times = [], []
    examples = read_examples(files, TEST)
    for number, example in enumerate(examples):
        begun = time.perf_counter()
        rows.append(answer(example.text))
        times.append((time.perf_counter() - begun) * 1000)
        report("check", number + 1, len(examples))
    probabilities = labelling_rules(job["task"]).probabilities(np.asarray(rows, np.float64))
    if not np.isfinite(probabilities).all():
        probabilities = np.zeros_like(probabilities)
    (files.folder / "out").mkdir(exist_ok=True, mode=0o700)
    millionths = np.rint(probabilities * WHOLE)
    np.ascontiguousarray(millionths, "<i4").tofile(files.folder / "out" / "deployed.scores")
    return {"scores": "out/deployed.scores", "latencyMs": latency(times)}


def _hugging_face(folder: Path, threads: int) -> tuple[Answer, Sequence[str]]:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.set_num_threads(threads)
    own: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(folder, **own)
    model, info = AutoModelForSequenceClassification.from_pretrained(
        folder, output_loading_info=True, **own
    )
    odd = [
        name for kind in ("missing", "unexpected", "mismatched") for name in info[f"{kind}_keys"]
    ]
    if odd:
        raise ValueError(f"its weights are not those of its architecture: {odd[0]}")
    model.eval()

    def answer(text: str) -> NDArray[np.float64]:
        with torch.inference_mode():
            given = model(**tokenizer(text, truncation=True, return_tensors="pt")).logits
        return np.asarray(given[0].to(torch.float64).numpy())

    return answer, _labels(model.config.id2label)


def _onnx(folder: Path, threads: int) -> tuple[Answer, Sequence[str]]:
    import onnxruntime
    from tokenizers import Tokenizer

    from lyrikstore.train.worker.export.onnx_model import MASK, MODEL, TOKENS, WORDS

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        str(folder / MODEL), options, providers=["CPUExecutionProvider"]
    )
    inputs = {one.name for one in session.get_inputs()}
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    words = None
    if WORDS in inputs:
        words = Tokenizer.from_file(str(folder / "words" / "tokenizer.json"))

    def answer(text: str) -> NDArray[np.float64]:
        ids = tokenizer.encode(text).ids
        given = {TOKENS: [ids]}
        if MASK in inputs:
            given[MASK] = [[1] * len(ids)]
        if words is not None:
            given[WORDS] = [words.encode(text).ids]
        fed = {name: np.asarray(value, np.int64) for name, value in given.items()}
        return np.asarray(session.run(["logits"], fed)[0][0], np.float64)

    config = json.loads((folder / "config.json").read_bytes())
    return answer, _labels(config["id2label"])


def _labels(named: Mapping[Any, str]) -> list[str]:
    return [named[at] for at in sorted(named, key=int)]
