"""What a terminal shows while work is under way; what is no terminal is told nothing."""

import os
import subprocess

import pytest

from lyrikstore.canon.progress import Progress
from lyrikstore_cli.output.screen import Meter, Screen
from lyrikstore_cli.output.training_progress import follow
from tests.conftest import Person


def test_a_terminal_sees_steps_bytes_and_phase(publisher: Person) -> None:
    documents = publisher.folder / "documents"
    documents.mkdir()
    for number in range(3):
        (documents / f"{number}.bin").write_bytes(os.urandom(1 << 19))
    assert "3/3  1.5 MiB" in at_a_terminal(publisher, "commit", documents, "-d", "acme/docs")
    assert "MiB/s" in at_a_terminal(publisher, "verify")
    issue = ("issue", "acme/docs", "-o", "delivery", "--permit", "train")
    assert "/s  data" in at_a_terminal(publisher, *issue)
    publisher.ok("init", "other")
    shown = at_a_terminal(publisher, "import", "delivery", "--store", "other/.lyrikstore")
    assert "3/3  1.5 MiB" in shown.rpartition("importing")[2]
    quiet = publisher.ok("checkout", "acme/docs", publisher.folder / "out")
    assert "MiB/s" not in quiet.err


def test_a_log_says_every_minute_how_far_a_long_epoch_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hours = iter(number * 0.2 for number in range(100_000))
    screen = Screen(json=False, quiet=False, color=None, verbose=False)
    listen = follow(screen, Meter(None, None), lambda: next(hours))
    listen(Progress(phase="start"))
    for step in range(1, 1001):
        listen(Progress(step, 1000, phase="step", detail={"loss": "0.5"}))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "– loading the model"
    assert lines[1].startswith("– step 300 of 1000 loss 0.5")
    assert len(lines) == 4


def at_a_terminal(person: Person, *arguments: object, both: bool = False) -> str:
    """Run a command whose messages, or both streams, go to a terminal; return what it got."""
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb", 0) as screen:
        done = subprocess.Popen(
            person.command(*arguments),
            cwd=person.folder,
            env={**person.variables(), "TERM": "xterm", "COLUMNS": "200", "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=theirs if both else subprocess.DEVNULL,
            stderr=theirs,
        )
        os.close(theirs)
        sent = b""
        try:
            while data := screen.read(1 << 16):
                sent += data
        except OSError:  # what a terminal says when nobody is left on its other side
            pass
        shown = sent.decode("utf-8", "replace")
        assert done.wait() == 0, shown
    return shown
