"""A command whose processes cannot be ended, which no test can start."""

import os
from pathlib import Path

import pytest

from lyrikstore.canon.errors import RunFailedError
from lyrikstore.canon.progress import silent
from lyrikstore.train.foreign import command
from lyrikstore.train.worker.staging import open_staging

SUPERVISOR = """
import json, os, sys
ended = {"code": 0, "left": 1, "over": False, "cpuSeconds": 0, "memoryBytes": 0}
os.write(int(sys.argv[1]), json.dumps(ended).encode())
"""


def test_nothing_is_sealed_while_a_process_may_write_to_it(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "supervise.py").write_text(SUPERVISOR)
    monkeypatch.setattr(command, "_SUPERVISOR", tmp_path / "supervise.py")
    (tmp_path / "store").mkdir()
    with open_staging(tmp_path / "store") as staging, pytest.raises(RunFailedError) as caught:
        command.run_command(
            ("true",),
            staging,
            (),
            folder=tmp_path,
            base_env=os.environ,
            observer=None,
            progress=silent,
        )
    assert caught.value.kind == "worker-failed"
    assert caught.value.hint
