"""Why a worker failed: each cause has its own error and its own next step."""

import errno
import json
import os
import subprocess
import sys

import pytest

from lyrikstore.canon.errors import (
    InvalidInputError,
    PolicyError,
    RunFailedError,
    StorageError,
    VerificationError,
)
from lyrikstore.train.worker.errors import fault_of, from_event, loading
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.process import _failure
from lyrikstore_cli.exits import exit_code


@pytest.mark.parametrize(
    ("error", "kind", "code", "hint"),
    [
        (MemoryError(), "out-of-memory", 18, "batch_size"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9 bytes"),
            "out-of-memory",
            18,
            "max_tokens",
        ),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "out-of-memory", 18, "more"),
        (
            ImportError("libtorch.so: failed to map segment from shared object"),
            "out-of-memory",
            18,
            "raise the limit",
        ),
        (OSError(errno.ENOSPC, "No space left", "/store/staging/x"), "disk-full", 1, "free some"),
        (OSError(errno.EACCES, "denied", "/x/y"), "no-permission", 1, "owner"),
        (FileNotFoundError(errno.ENOENT, "gone", "/x/train.jsonl"), "staging-lost", 1, "again"),
        (ModuleNotFoundError("No module named 'torch'"), "not-loaded", 1, "install"),
        (ValueError("the loss is nan at step 3: lower learning_rate"), "worker-failed", 18, ""),
        (PolicyError("unsafe-model", "no"), "unsafe-model", 14, ""),
        (VerificationError("bad-signature", "no"), "bad-signature", 18, ""),
    ],
)
def test_each_cause_has_its_own_error(error, kind, code, hint) -> None:
    fault = fault_of(error, "train")
    received = from_event(fault.to_json())
    assert received is not None
    assert received.kind == fault.kind == kind
    assert received.message == fault.message
    assert hint in received.hint
    assert "/store" not in received.message  # where the staging folder is does not matter
    assert exit_code(received) == code
    assert ("config" in received.hint) == (kind == "out-of-memory")


def test_predicting_has_no_config_to_change() -> None:
    assert "config" not in fault_of(MemoryError(), "predict").hint


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (KeyError("hidden_size"), InvalidInputError),
        (Exception("data did not match any variant of untagged enum"), InvalidInputError),
        (RuntimeError("size mismatch for classifier.weight"), InvalidInputError),
        (OSError("no file named model.safetensors"), InvalidInputError),
        (MemoryError(), MemoryError),
        (RuntimeError("can't allocate memory"), RuntimeError),
        (OSError(errno.EIO, "Input/output error"), OSError),
        (ImportError("No module named 'peft'"), ImportError),
    ],
)
def test_what_fails_while_a_model_is_loaded_is_its_fault_only_where_it_is(error, expected) -> None:
    with pytest.raises(expected) as caught, loading("the base model"):
        raise error
    if expected is InvalidInputError:
        assert caught.value.kind == "bad-model"
        assert "verify" in caught.value.hint
    else:
        assert caught.value is error


def test_a_file_that_is_gone_is_named(tmp_path) -> None:
    files = StagedFiles(tmp_path, lambda *_: None)
    for read in (files.read, lambda name: list(files.lines(name))):
        with pytest.raises(StorageError, match=r"base/config\.json") as caught:
            read("base/config.json")
        assert caught.value.kind == "staging-lost"


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"class": "SystemExit", "kind": "a", "message": "b", "hint": "c", "details": {}},
        {"class": ["StorageError"], "kind": "a", "message": "b", "hint": "c", "details": {}},
        {"class": "StorageError", "kind": 1, "message": "b", "hint": "c", "details": {}},
        {"class": "StorageError", "kind": "a", "message": None, "hint": "c", "details": {}},
    ],
)
def test_a_worker_cannot_raise_what_it_likes(event) -> None:
    assert from_event(event) is None


def test_a_worker_cannot_refuse_in_our_name() -> None:
    received = from_event(VerificationError("bad-signature", "no").to_json())
    assert type(received) is RunFailedError


def test_a_workers_words_are_one_line_and_few() -> None:
    received = from_event(RunFailedError("worker-failed", "a\nb" * 9999).to_json())
    assert isinstance(received, RunFailedError)
    assert "\n" not in received.message
    assert len(received.message) <= 600


FAILS = """
import os, sys
from pathlib import Path
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import open_staging
from lyrikstore_cli import main

def fail(*_, **__):
    with open_staging(Path.cwd()) as staging:
        job = {"job": "nonsense"}
        run_job(staging, job, reads=(), threads=1, base_env=os.environ, progress=print)

main.program.main = fail
sys.exit(main.run(sys.argv[1:]))
"""


def failed(folder, *options) -> "subprocess.CompletedProcess[str]":
    program = [sys.executable, "-c", FAILS, *options]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 18, done.stderr
    return done


def test_what_failed_in_a_worker_is_reported_without_its_traceback(tmp_path) -> None:
    document = json.loads(failed(tmp_path, "--json").stderr)
    assert document["details"] == {"exitCode": 1, "log": ["ValueError: no such job: nonsense"]}
    assert "Traceback" not in failed(tmp_path).stderr


def test_who_asks_for_more_gets_the_workers_log_before_the_error(tmp_path) -> None:
    received, _, document = failed(tmp_path, "--json", "-v").stderr.rstrip().rpartition("\n")
    assert "the worker's log (nonsense):\nTraceback (most recent call last):\n  File" in received
    assert json.loads(document)["kind"] == "worker-failed"
    lines = failed(tmp_path, "-v").stderr.splitlines()
    assert "Traceback (most recent call last):" in lines
    assert [line.partition(":")[0] for line in lines[-2:]] == ["error", "hint"]


def test_a_long_log_is_read_from_its_end(tmp_path) -> None:
    log = tmp_path / "train.log"
    log.write_text("".join(f"warning {number}\n" for number in range(100_000)) + "the end\n")
    error = _failure("train", 1, log, None)
    assert error.message == "train failed: the end"
    assert len(error.details["log"]) == 50
    assert len(error.__notes__[0]) < 1 << 17
    log.unlink()
    assert _failure("train", 1, log, None).message == "train failed: exit code 1"


def test_an_interpreter_that_dies_shows_no_stack_either(tmp_path) -> None:
    code = "import faulthandler, os; faulthandler.enable(); os.abort()"
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, stderr=subprocess.PIPE)
    log = tmp_path / "train.log"
    log.write_bytes(b"one\n" + done.stderr)
    error = _failure("train", done.returncode, log, None)
    assert "killed by SIGABRT" in error.message
    assert not [line for line in error.details["log"] if "File" in line or "call first" in line]
