"""The vectors of what word counts answer: a model as its files, and logits of some texts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from lyrikstore.canon.digest import Digest
from lyrikstore.train.worker.examples import Example
from lyrikstore.train.worker.models.word_counts import WordCounts

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors" / "answers"
CASES = json.loads((VECTORS / "word-counts.json").read_text())["cases"]


class _Files:
    """The files of a model."""

    def __init__(self, case: dict[str, Any]) -> None:
        kind: type = np.float64 if case["format"] == "tfidf/1" else np.float32
        tensors = {"idf": case["idf"], "weight": case["weight"], "bias": case["bias"]}
        if "characters" in case:
            tensors["characters.idf"] = case["charactersIdf"]
        about = {"task": "text-classification", **{n: case[n] for n in ("labels", "format")}}
        self._files = {
            "classifier.json": json.dumps({**about, "fields": case["fields"]}).encode(),
            "vocabulary.json": json.dumps(case["vocabulary"]).encode(),
            "characters.json": json.dumps(case.get("characters", [])).encode(),
            "model.safetensors": save(
                {name: np.array(value, np.float64).astype(kind) for name, value in tensors.items()}
            ),
        }

    def read(self, name: str) -> bytes:
        """Return one."""
        return self._files[name.rpartition("/")[2]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_answers(case: dict[str, Any]) -> None:
    model = WordCounts.load(_Files(case), "model")
    assert model.format == case["format"]
    answers = case["answers"]
    some = [Example(Digest.of(b""), (), one["text"], one.get("fields", {})) for one in answers]
    found, unknown = model.measured(some, None)
    expected = np.array([one["logits"] for one in answers], np.float64)
    assert np.abs(found - expected).max() < 2e-6
    shares = [one["unknown"][0] / one["unknown"][1] for one in answers]
    assert np.asarray(unknown) == pytest.approx(shares)
