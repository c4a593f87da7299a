"""Free ports on loopback, and daemons that die with the test run."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Return a TCP port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def start(command: Sequence[str | Path], log: Path) -> subprocess.Popen[bytes]:
    """Start a daemon that is killed when the test process dies, however that dies."""
    guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    with log.open("ab") as output:
        return subprocess.Popen(
            [*guard, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def stop(daemon: subprocess.Popen[bytes]) -> None:
    """Ask a daemon to end; after 10 seconds, end it."""
    daemon.terminate()
    try:
        daemon.wait(10)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def wait_until(ready: Callable[[], bool], what: str, *, seconds: float, every: float = 0.2) -> None:
    """Return when ``ready`` says so; fail after ``seconds``."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not come up in {seconds:g} s")
        time.sleep(every)


def listens(port: int) -> bool:
    """Return whether somebody accepts connections on ``port``."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 2):
        return True
    return False
