"""A tokenizer at work: what its file does not show ends the worker, and the parent says why."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.formats.tokenizer import check_tokenizer
from lyrikstore.train.worker import process
from lyrikstore.train.worker.staging import BASE, TOKENIZING, Staging

PROGRAM = """
import pathlib, sys
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models import tokenizing

tokenizing.SECONDS, tokenizing.BYTES_PER_SECOND, tokenizing.MEMORY_BYTES = 0.3, 10**9, 64 << 20
files = StagedFiles(pathlib.Path.cwd(), lambda name, digest: None)
text = pathlib.Path("text").read_text()
try:
    print(len(tokenizing.LimitedTokenizer(files, 8).encode(["a", text])[1]))
except Exception as error:
    print(error.kind)
"""


def tokenize(folder: Path, text: str, **changes: Any) -> subprocess.CompletedProcess[str]:
    """Encode a text in a process with low limits, as a worker does."""
    model = {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1}, "unk_token": "[UNK]"}
    described = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": []}
    whole = {"normalizer": None, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None}
    data = json.dumps({**described, **whole, "decoder": None, "model": model, **changes}).encode()
    check_tokenizer(data)
    for name in (BASE, "tmp"):
        (folder / name).mkdir()
    (folder / BASE / "tokenizer.json").write_bytes(data)
    (folder / "text").write_text(text)
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env={"PYTHONPATH": ":".join(sys.path), "TOKENIZERS_PARALLELISM": "false"},
        capture_output=True,
        text=True,
    )


def replace(content: str, times: int) -> dict[str, Any]:
    one = {"type": "Replace", "pattern": {"String": "a"}, "content": content}
    return {"type": "Sequence", "normalizers": [one] * times}


def test_an_honest_one_is_not_ended(tmp_path: Path) -> None:
    assert tokenize(tmp_path, "a " * 2000).stdout == "8\n"
    assert not (tmp_path / TOKENIZING).exists()


def test_one_that_takes_too_long_or_too_much(tmp_path: Path) -> None:
    """ATTACK A100: every letter becomes thousands, or an expression tries every way to part it."""
    slow = {"type": "Split", "behavior": "Isolated", "invert": False}
    hostile: list[tuple[str, dict[str, Any], list[signal.Signals]]] = [
        ("a" * 400_000, {"normalizer": replace("a" * 64, 2)}, [signal.SIGABRT]),
        (
            ("a" * 20 + "!") * 2000,
            {"pre_tokenizer": {**slow, "pattern": {"Regex": "(a+)+b"}}},
            [signal.SIGPROF],
        ),
    ]
    for number, (text, change, signals) in enumerate(hostile):
        folder = tmp_path / str(number)
        folder.mkdir()
        ended = tokenize(folder, text, **change)
        assert -ended.returncode in signals, ended
        error = process._ended_by_tokenizer(Staging(folder, 0, {}), ended.returncode)
        assert isinstance(error, InvalidInputError)
        assert error.kind == "bad-model"
        assert process._ended_by_tokenizer(Staging(folder, 0, {}), -signal.SIGKILL) is None


def test_one_that_fails_or_gives_too_many(tmp_path: Path) -> None:
    piece = {"SpecialToken": {"id": "[C]", "type_id": 0}}
    template = {
        "type": "TemplateProcessing",
        "single": [*[piece] * 10, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"[C]": {"id": "[C]", "ids": [1], "tokens": ["a"]}},
    }
    slow = {"type": "Split", "behavior": "Isolated", "invert": False}
    gives_up = {**slow, "pattern": {"Regex": "(a+)+b"}}
    for name, change in (
        ("many", {"post_processor": template}),
        ("fails", {"pre_tokenizer": gives_up}),
    ):
        (tmp_path / name).mkdir()
        assert tokenize(tmp_path / name, "a" * 28 + "!", **change).stdout == "bad-model\n"
