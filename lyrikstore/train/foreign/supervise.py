"""Starts one command, and leaves no process of it behind; a program of its own.

Run by its path, with the standard library alone: ``supervise.py RESULT COMMAND…``, where RESULT is
the descriptor to write how it ended to, as JSON. It ends the command when its standard input ends,
which is when whoever started it is gone.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER: orphans of the command become our children
_TRACER = "strace"
_GRACE, _LONGEST = 3.0, 20.0
_PROC = Path("/proc")


def main() -> int:
    """Run the command of this process's arguments; return 0 if it could be started."""
    result, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(result, False)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        _tell(result, {"unstarted": error.strerror or "it cannot be started"})
        return 1
    code = _wait(child.pid)
    stopped = code is None
    left, over = _end_others(child.pid, asking=stopped)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    _tell(
        result,
        {
            "code": code,
            "left": left,
            "over": over,
            "cpuSeconds": used.ru_utime + used.ru_stime,
            "memoryBytes": used.ru_maxrss * unit,
        },
    )
    child.returncode = 0  # reaped here: it has nothing to wait for
    return 0


def _tell(descriptor: int, what: dict[str, object]) -> None:
    with contextlib.suppress(OSError):
        os.write(descriptor, json.dumps(what).encode("ascii"))


def _wait(command: int) -> int | None:
    """Return how the command ended; None: whoever started this process is gone, or wants it."""
    while True:
        ended = _reap()
        if command in ended:
            return ended[command]
        ready, _, _ = select.select([0], [], [], 0.05)
        if ready and not os.read(0, 1):
            return None


def _reap() -> dict[int, int]:
    found: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            found[pid] = os.waitstatus_to_exitcode(status)
    return found


def _end_others(command: int, *, asking: bool) -> tuple[int, bool]:
    """End every process that is left; return how many were, and whether none is any more.

    ``asking``: they are given time first.
    """
    begun, left = time.monotonic(), 0
    asked: set[int] = set()
    if not _PROC.is_dir():
        with contextlib.suppress(OSError):
            os.killpg(command, signal.SIGKILL)
        return left, True
    while not _childless():
        others = _descendants()
        seconds = time.monotonic() - begun
        working = {pid for pid, name in others.items() if name != _TRACER}
        left = max(left, len(working - {command}))
        if not working and seconds < _GRACE:
            time.sleep(0.01)  # the tracer ends by itself
        for pid in working or others:
            patient = asking and seconds < _GRACE
            if working or seconds >= _GRACE:
                if patient and pid in asked:
                    continue
                asked.add(pid)
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGTERM if patient else signal.SIGKILL)
        if seconds > _LONGEST:
            return left, False
        time.sleep(0.02)
        _reap()
    return left, True


def _childless() -> bool:
    """Return whether no process descends from this one: orphans become its children.

    ATTACK: a process that forks and ends at once, again and again, is in no list of processes.
    """
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def _descendants() -> dict[int, str]:
    """Return what has this process among its ancestors: pid → name; without those that ended."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for entry in os.listdir(_PROC) if _PROC.is_dir() else ():  # noqa: PTH208 - one call
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError):
            head, _, rest = (_PROC / entry / "stat").read_text("utf-8", "replace").rpartition(")")
            state, parent = rest.split()[:2]
            parents[int(entry)] = int(parent)
            if state not in {"Z", "X"}:
                names[int(entry)] = head.partition("(")[2]
    own, found = os.getpid(), {}
    for pid, name in names.items():
        at = parents.get(pid, 0)
        while at not in {0, own}:
            at = parents.get(at, 0)
        if at == own:
            found[pid] = name
    return found


if __name__ == "__main__":
    sys.exit(main())
