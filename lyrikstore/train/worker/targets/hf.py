"""Target ``hf``: a model with labels for transformers, without custom code (spec §14.7.2)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyrikstore.train.worker.export.labels import Answer, check_labels
from lyrikstore.train.worker.export.output import Output
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.load import load_model
from lyrikstore.train.worker.staging import CHECKPOINT
from lyrikstore.train.worker.targets.registry import Usage
from lyrikstore.verify.evaluation.choice.task import AnswerRule

_USE = """\
```python
import torch
from transformers import pipeline

torch.set_num_threads(1)  # more threads wait for each other, and load a shared server
model = pipeline("text-classification", "THIS FOLDER", truncation=True, top_k=None)
print(model("A text."))
```

`truncation=True` reads as much of a text as the sealed model does; without it a longer text ends in
an error. Load the model in fp32 (the default) or in bf16; in fp16 its answers are NaN. The folder
is for inference: to train the model further, train the checkpoint.
"""


def usage(about: Mapping[str, Any]) -> Usage:
    """Return how the folder is loaded."""
    del about
    return Usage(_USE, {})


def write(job: Mapping[str, Any], files: StagedFiles, out: Output) -> None:
    """Write a BERT or RoBERTa as transformers' class for sequence classification.

    Raises:
        LyrikstoreError: As :func:`write_classifier`.
    """
    from lyrikstore.train.worker.export.hugging_face import write_classifier
    from lyrikstore.train.worker.export.settings import (
        base_settings,
        label_settings,
        write_base_tokenizer,
    )

    model: Any = load_model(files, CHECKPOINT, job["format"])
    settings, network = base_settings(files), model.network()
    temperature = AnswerRule.of_body(job).temperature
    write_classifier(network, out, settings | label_settings(job), temperature)
    write_base_tokenizer(files, out, settings, network.max_tokens)


def read(folder: Path, job: Mapping[str, Any]) -> Answer:
    """Return a function from a text to its answer, computed by transformers."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.set_num_threads(job["threads"])
    own: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(folder, **own)
    model, info = AutoModelForSequenceClassification.from_pretrained(
        folder, output_loading_info=True, **own
    )
    wrong = [
        name for kind in ("missing", "unexpected", "mismatched") for name in info[f"{kind}_keys"]
    ]
    if wrong:
        raise ValueError(f"its weights do not match its architecture: {wrong[0]}")
    model.eval()
    check_labels(model.config.id2label, job)

    def answer(text: str) -> tuple[NDArray[np.float64], float]:
        with torch.inference_mode():
            logits = model(**tokenizer(text, truncation=True, return_tensors="pt")).logits
        return np.asarray(logits[0].to(torch.float64).numpy()), 0.0

    return answer
