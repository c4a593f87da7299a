"""A command whose processes cannot be ended, or not be seen to have ended."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lyrikstore.canon.errors import InvalidInputError, RunFailedError
from lyrikstore.canon.progress import silent
from lyrikstore.train.external import command, supervise
from lyrikstore.train.worker.staging import open_staging

LEAVES = """
import json, os, subprocess, sys
subprocess.Popen(["sleep", sys.argv[-1]], start_new_session=True)
print("left", flush=True)
"""
REPORTS = """
ended = {"code": 0, "left": 1, "over": False, "cpuSeconds": 0, "memoryBytes": 0}
os.write(int(sys.argv[1]), json.dumps(ended).encode())
"""
# The supervisor, where /proc is not mounted, or orphans become children of another process.
BLIND = """
import pathlib, sys
sys.path.insert(0, {folder!r})
import supervise
{change}
supervise._LONGEST = 2.0
supervise.main()
"""


def running(mark: str) -> bool:
    return mark in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


def interrupt(event: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("said", "progress", "raised"),
    [
        (REPORTS, silent, RunFailedError),
        ("", silent, RunFailedError),
        (REPORTS, interrupt, KeyboardInterrupt),
        ("", interrupt, KeyboardInterrupt),
    ],
)
def test_nothing_is_sealed_while_a_process_may_write_to_it(
    tmp_path: Path, monkeypatch, said, progress, raised
) -> None:
    mark = f"{os.getpid()}.75"
    (tmp_path / "supervise.py").write_text(LEAVES + said)
    monkeypatch.setattr(command, "_SUPERVISOR", tmp_path / "supervise.py")
    (tmp_path / "store").mkdir()
    with open_staging(tmp_path / "store") as staging, pytest.raises(raised) as caught:
        command.run_command(
            ("true", mark),
            staging,
            (),
            folder=tmp_path,
            base_env=os.environ,
            progress=progress,
        )
    if raised is RunFailedError:
        assert caught.value.kind == "worker-failed"
        assert caught.value.hint
    assert not running(mark)


@pytest.mark.parametrize(
    ("change", "text", "over"),
    [
        ("supervise._PROC = pathlib.Path('/absent')", "true", True),
        ("supervise._PROC = pathlib.Path('/absent')", "sleep 60 &", True),
        ("supervise._PROC = pathlib.Path('/absent')", "setsid sleep 4 & sleep 0.2", False),
        ("supervise.sys.platform = 'darwin'", "true", False),
    ],
)
def test_that_all_ended_is_said_only_where_it_is_seen(change, text, over) -> None:
    program = BLIND.format(folder=str(Path(supervise.__file__).parent), change=change)
    result, report = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", program, str(report), "sh", "-c", text],
        stdin=subprocess.PIPE,
        pass_fds=(report,),
    ) as child:
        os.close(report)
        child.wait(30)
        ended = json.loads(os.read(result, 1 << 16))
        os.close(result)
    assert ended["code"] == 0
    assert ended["over"] is over


def test_a_number_that_was_used_again_is_another_process() -> None:
    inner = "import subprocess; subprocess.run(['sleep', '60'])"
    with subprocess.Popen([sys.executable, "-c", inner], start_new_session=True) as child:
        try:
            deadline, grandchildren = time.monotonic() + 20, list[int]()
            while not grandchildren and time.monotonic() < deadline:
                time.sleep(0.05)
                found = supervise._descendants()
                grandchildren = [pid for pid, one in found.items() if one.parent == child.pid]
            (grandchild,) = grandchildren
            seen = found[grandchild]
            supervise._send(grandchild, seen._replace(started="1"), 9)
            assert child.poll() is None
            assert grandchild in supervise._descendants()
            supervise._send(grandchild, seen, 9)
            assert child.wait(20) == 0
        finally:
            child.kill()


def test_parents_in_a_circle_end_the_search(tmp_path: Path, monkeypatch) -> None:
    for pid, parent in ((5, 6), (6, 5), (7, 5), (8, os.getpid())):
        (tmp_path / str(pid)).mkdir()
        rest = " ".join(["0"] * 17)
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a (b) c) S {parent} {rest} 99 0")
    monkeypatch.setattr(supervise, "_PROC", tmp_path)
    found = supervise._descendants()
    assert list(found) == [8]
    assert found[8].started == "99"


def test_where_it_is_unknown_whether_all_have_ended_none_is_started(monkeypatch):
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    with pytest.raises(InvalidInputError) as caught:
        command.check_program("sh", {"PATH": os.environ["PATH"]})
    assert caught.value.kind == "bad-command"
