"""What a worker loads: nothing that its own job has no use for. These are real starts."""

import sys
from pathlib import Path

import pytest

from lyrikstore.train.predict.predict import predict_file
from lyrikstore.train.worker import process
from tests.contexts import context_of

pytestmark = pytest.mark.train

RECORDING = """
import atexit, pathlib, sys

def note():
    there = [name for name, module in sys.modules.items() if module is not None]
    pathlib.Path(sys.argv[1]).write_text(" ".join(there))

atexit.register(note)
from lyrikstore.train.worker.main import main
sys.exit(main(sys.argv[2:]))
"""
COMPILERS = {"bitsandbytes", "torch._inductor.compile_fx"}
NEVER = {
    "tfidf": COMPILERS
    | {"torch", "transformers", "peft", "accelerate", "sklearn", "pandas"}
    | {"lyrikstore.history.repository.repository", "lyrikstore.train.plan.plan"},
    "embeddings": COMPILERS | {"peft", "sklearn.linear_model"},
    "lora": COMPILERS,
}
"""Candidate → what its answers need not."""


@pytest.mark.parametrize(
    "candidate", ["tfidf", "lora", pytest.param("embeddings", marks=pytest.mark.ci)]
)
def test_an_answer_loads_what_it_needs(
    workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, candidate: str
) -> None:
    name = f"checkpoints/acme/loaded-{candidate}"
    config = workshop.tiny.replace("checkpoints/acme/tiny", name).replace("lora", candidate, 1)
    workshop.train(config)
    (tmp_path / "asked.txt").write_text("Permission is hereby granted, free of charge")
    recorded = tmp_path / "modules"
    monkeypatch.setattr(
        process, "PROGRAM", (sys.executable, "-P", "-s", "-c", RECORDING, str(recorded))
    )
    predict_file(context_of(workshop.repo), name, tmp_path / "asked.txt")
    loaded = set(recorded.read_text().split())
    assert "lyrikstore.train.worker.inference.predict" in loaded
    assert sorted(loaded & NEVER[candidate]) == []
