"""Settings and tokenizer of an export, in the files of transformers and transformers.js."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lyrikstore.train.formats.architectures import family_of
from lyrikstore.train.formats.base_model import CONFIG, TOKENIZER
from lyrikstore.train.worker.export.output import Output
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.tokenizing import LimitedTokenizer
from lyrikstore.train.worker.staging import BASE

TOKENIZER_CONFIG = "tokenizer_config.json"
UNLIMITED = int(1e30)
"""The ``model_max_length`` by which transformers means a tokenizer without a limit."""


def base_settings(files: StagedFiles) -> dict[str, Any]:
    """Return the settings of the staged base model."""
    found: dict[str, Any] = json.loads(files.read(f"{BASE}/{CONFIG}"))
    return found


def label_settings(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of ``config.json`` about the labels of a job."""
    labels: Sequence[str] = job["labels"]
    answers = "multi" if job["several"] else "single"
    return {
        "id2label": {str(at): label for at, label in enumerate(labels)},
        "label2id": {label: at for at, label in enumerate(labels)},
        "num_labels": len(labels),
        "problem_type": f"{answers}_label_classification",
    }


def write_base_tokenizer(
    files: StagedFiles, out: Output, settings: Mapping[str, Any], max_tokens: int
) -> None:
    """Write the base's tokenizer, which truncates a text where the sealed model does."""
    described: dict[str, Any] = json.loads(files.read(f"{BASE}/{TOKENIZER}"))
    described["padding"] = None
    described["truncation"] = {
        "direction": "Right",
        "max_length": max_tokens,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    names = {one["id"]: one["content"] for one in described.get("added_tokens") or ()}
    padding = names.get(settings.get("pad_token_id", family_of(settings).padding))
    write_tokenizer(out, "", described, max_tokens, padding)


def closing_token(files: StagedFiles) -> int | None:
    """Return the one token that ends every sequence of the base's tokenizer, or None."""
    ((ids, mask),) = LimitedTokenizer(files).encode_marked(["a"])
    return int(ids[-1]) if mask[-2:] == [0, 1] else None


def write_tokenizer(
    out: Output, folder: str, described: Mapping[str, Any], max_tokens: int, padding: str | None
) -> None:
    """Write ``tokenizer.json`` and the settings file that transformers reads with it.

    Args:
        out: Receives the files.
        folder: Empty, or a folder with its slash.
        described: The content of ``tokenizer.json``.
        max_tokens: Longest sequence.
        padding: The padding token.
    """
    text = json.dumps(described, ensure_ascii=False)
    out.write(f"{folder}{TOKENIZER}", text.encode())
    out.write_json(
        f"{folder}{TOKENIZER_CONFIG}",
        {
            "clean_up_tokenization_spaces": False,
            "model_input_names": ["input_ids", "attention_mask"],
            "model_max_length": max_tokens,
            "tokenizer_class": "PreTrainedTokenizerFast",
            **({"pad_token": padding} if padding is not None else {}),
        },
    )
