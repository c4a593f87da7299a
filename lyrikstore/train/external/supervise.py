"""The supervisor: a program that runs one command, and ends all processes that it left.

It is run by its path and uses the standard library alone: ``supervise.py RESULT COMMAND…``. RESULT
    is
the file descriptor to which it writes the result as JSON. It ends the command when its standard
input
closes, which happens when the process that started it has ended.
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
from typing import NamedTuple

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER: orphans of the command become our children
_DUMPABLE = 4  # PR_SET_DUMPABLE
_KEYCTL = {"x86_64": 250, "aarch64": 219}
_JOIN_SESSION_KEYRING = 1
_GRACE, _LONGEST = 3.0, 20.0
_PROC = Path("/proc")


class _Process(NamedTuple):
    """Status of a process; its number and ``started`` together identify it."""

    parent: int
    started: str
    ended: bool


def main() -> int:
    """Run the command of this process's arguments; return 0 if it could be started."""
    result, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(result, False)
    adopts = sys.platform == "linux" and _keep_apart()
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        _report(result, {"unstarted": error.strerror or "it cannot be started"})
        return 1
    code = _wait(child.pid)
    stopped = code is None
    listed = _PROC.is_dir()
    left, over = _end_others(child.pid, asking=stopped) if listed else (0, _end_group(child.pid))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    _report(
        result,
        {
            "code": code,
            "left": left,
            # ATTACK: without adoption of orphans, one in its own session is not found.
            "over": over and adopts,
            "cpuSeconds": used.ru_utime + used.ru_stime,
            "memoryBytes": used.ru_maxrss * unit,
        },
    )
    child.returncode = 0  # already reaped here
    return 0


def _keep_apart() -> bool:
    """Adopt orphans and protect this process from the command; return whether it adopts orphans."""
    system = ctypes.CDLL(None)
    # ATTACK A96: the command could forge its result through this process's descriptors in /proc.
    # Now only root can open them.
    system.prctl(_DUMPABLE, 0, 0, 0, 0)
    # ATTACK A94: tokens in the kernel's keyring of the session, which no namespace hides.
    if (call := _KEYCTL.get(os.uname().machine)) is not None:
        system.syscall(call, _JOIN_SESSION_KEYRING, None)
    return bool(system.prctl(_SUBREAPER, 1, 0, 0, 0) == 0)


def _report(descriptor: int, what: dict[str, object]) -> None:
    with contextlib.suppress(OSError):
        os.write(descriptor, json.dumps(what).encode("ascii"))


def _wait(command: int) -> int | None:
    """Return the exit code of the command; None: standard input was closed before it ended."""
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
    """End every remaining process; return how many there were, and whether all have ended.

    ``asking``: they get SIGTERM first, and time to end.
    """
    begun, left = time.monotonic(), 0
    asked: set[int] = set()
    while not _childless():
        others = _descendants()
        seconds = time.monotonic() - begun
        left = max(left, len(others.keys() - {command}))
        for pid, one in others.items():
            patient = asking and seconds < _GRACE
            if not patient or pid not in asked:
                asked.add(pid)
                _send(pid, one, signal.SIGTERM if patient else signal.SIGKILL)
        if seconds > _LONGEST:
            return left, False
        time.sleep(0.02)
        _reap()
    return left, True


def _end_group(command: int) -> bool:
    """End the command's process group, if processes cannot be listed; return whether all ended."""
    begun, there = time.monotonic(), True
    while time.monotonic() - begun < _LONGEST:
        try:
            if there:
                os.killpg(command, signal.SIGKILL)
        except ProcessLookupError:
            there = False  # its number may soon belong to another group
        except PermissionError:
            pass  # macOS: they have ended, and must be reaped
        _reap()
        if not there and _childless():
            return True
        time.sleep(0.02)
    return False


def _send(pid: int, seen: _Process, what: int) -> None:
    """Send a signal to a listed process, but not to another one that has its number now."""
    with contextlib.suppress(OSError):
        if seen.parent == os.getpid():
            os.kill(pid, what)  # it keeps its number until it is reaped, which is here
        elif hasattr(os, "pidfd_open"):  # else it is ended once it is a child of this process
            one = os.pidfd_open(pid)
            try:
                now = _look(pid)
                if now is not None and now.started == seen.started:
                    signal.pidfd_send_signal(one, what)
            finally:
                os.close(one)


def _childless() -> bool:
    """Return whether no process descends from this one: orphans become its children.

    ATTACK: a process that forks and ends at once, again and again, is in no list of processes.
    """
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    except AttributeError:  # macOS, until Python 3.13
        return False
    return False


def _descendants() -> dict[int, _Process]:
    """Return pid → status of the running descendants of this process."""
    known: dict[int, _Process] = {}
    for entry in os.listdir(_PROC) if _PROC.is_dir() else ():  # noqa: PTH208 - one call
        if entry.isdigit() and (one := _look(int(entry))) is not None:
            known[int(entry)] = one
    own, found = os.getpid(), {}
    for pid, one in known.items():
        at = one.parent
        for _ in known:  # numbers reused while they were read may form a cycle
            if at in {0, own} or at not in known:
                break
            at = known[at].parent
        if at == own and not one.ended:
            found[pid] = one
    return found


def _look(pid: int) -> _Process | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        stat = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
        words = stat.rpartition(")")[2].split()
        return _Process(int(words[1]), words[19], ended=words[0] in {"Z", "X"})
    return None


if __name__ == "__main__":
    sys.exit(main())
