"""Commands in forks of an interpreter that has loaded the program once.

Loading takes most of the time of a small command, and there are thousands. A command that is killed
at a random moment is then killed at its work, too. Each is a process of its own all the same, with
its own arguments, folder, environment and streams.

    python -m tests.warm        runs commands, a JSON object a line, for :class:`Interpreter`
"""

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from lyrikstore.canon import schemas
from tests import worker_forks
from tests.run_folder import count_fsyncs

QUICK_KEYS = "QUICK_KEYS"
"""In the environment of a command: passphrases are derived once for each key, not 64 times."""

CLOCK = "FAKETIME"
"""In the environment of a command: how far its clock is off, such as ``-30d``."""

_GATE, _NEWS = 254, 255


class Command:
    """A command line in a forked process, in a session of its own.

    Args:
        arguments: The command line without the program's name.
        cwd: The folder that it runs in.
        environment: Its environment, whole.
        held: It waits for :meth:`go`, so that somebody can attach to it. By then it has made
            every system call that is not the command's.

    Attributes:
        process: Its process id.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        held: bool = False,
    ) -> None:
        # Standard output and error; the modules that it had to load.
        self._files = [tempfile.TemporaryFile() for _ in range(3)]  # noqa: SIM115
        gate, self._gate = os.pipe()
        self._begin = time.monotonic()
        self.process = os.fork()
        if not self.process:
            os.close(self._gate)
            numbers = [gate, *(file.fileno() for file in self._files)]
            _become(arguments, cwd, environment, numbers)
        os.close(gate)
        if not held:
            self.go()
        # Else it sleeps at the gate, and nowhere before.
        while held and Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2][1] != "S":
            time.sleep(0.0005)

    def go(self) -> None:
        """Let it begin."""
        self._begin = time.monotonic()
        os.close(self._gate)

    def ended(self, timeout: float) -> bool:
        """Return whether it ends within ``timeout`` seconds."""
        watched = os.pidfd_open(self.process)
        try:
            poll = select.poll()
            poll.register(watched, select.POLLIN)
            return bool(poll.poll(timeout * 1000))
        finally:
            os.close(watched)

    def finish(self, timeout: float) -> tuple[int, bytes, bytes, bool, float]:
        """Wait for its end; kill it and all that it started after ``timeout`` seconds.

        Returns:
            Its exit code, minus the signal that ended it; standard output; standard error;
            whether it had to be killed; how many seconds it took.
        """
        hung = not self.ended(timeout)
        if hung:
            os.killpg(self.process, signal.SIGKILL)
        _, status = os.waitpid(self.process, 0)
        for file in self._files:
            file.seek(0)
        out, err, news = (file.read() for file in self._files)
        for file in self._files:
            file.close()
        _load(news.decode().split())
        return os.waitstatus_to_exitcode(status), out, err, hung, time.monotonic() - self._begin


class Interpreter:
    """An interpreter that runs commands, one at a time, in a process that has no other threads.

    Args:
        dated: The variable :data:`CLOCK` in the environment of a command sets its clock.

    Attributes:
        dated: The same.
    """

    def __init__(self, *, dated: bool = False) -> None:
        self.dated = dated
        clock = {"LD_PRELOAD": _faketime(), CLOCK: "+0", f"{CLOCK}_NO_CACHE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm"],
            cwd=Path(__file__).resolve().parents[1],
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
                **(clock if dated else {}),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(
        self, arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str], timeout: float
    ) -> tuple[int, str, str]:
        """Run a command and return its exit code, standard output and standard error.

        Raises:
            TimeoutError: It was killed after ``timeout`` seconds.
        """
        task = {
            "arguments": list(arguments),
            "cwd": str(cwd),
            "environment": dict(environment),
            "timeout": timeout,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(task).encode() + b"\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if answer["hung"]:
            raise TimeoutError(arguments)
        return answer["code"], answer["out"], answer["err"]

    def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def _faketime() -> str:
    """Return the path of the library of Debian's package faketime, or nothing."""
    return next((str(one) for one in Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), "")


def _serve() -> None:
    worker_forks.stand_in()
    count_fsyncs()
    # Compiled here, and not in every command again.
    for name in schemas.schema_names():
        schemas._validator(name)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    for line in sys.stdin.buffer:
        task = json.loads(line)
        command = Command(task["arguments"], cwd=Path(task["cwd"]), environment=task["environment"])
        code, out, err, hung, _ = command.finish(task["timeout"])
        answer = {
            "code": code,
            "out": out.decode("utf-8", "replace"),
            "err": err.decode("utf-8", "replace"),
            "hung": hung,
        }
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _load(modules: Sequence[str]) -> None:
    # What one command had to load, the next ones find loaded.
    for name in modules:
        with contextlib.suppress(Exception):  # no module of its own, or one for the child alone
            importlib.import_module(name)
    if modules:
        gc.collect()
        gc.freeze()  # or the first collection of every child would copy all pages


def _become(
    arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], files: Sequence[int]
) -> NoReturn:
    known, end = set(sys.modules), os._exit

    def leave(code: int) -> NoReturn:
        loaded = sorted(set(sys.modules) - known)
        with contextlib.suppress(OSError):  # the call that is made to fail may be this one
            os.write(_NEWS, "\n".join(loaded).encode())
        end(code)

    os._exit = leave  # how the program ends
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for there, here in zip((nothing, *files), (0, _GATE, 1, 2, _NEWS), strict=True):
            os.dup2(there, here)
        os.closerange(3, _GATE)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environment)
        if os.environ.pop(QUICK_KEYS, ""):
            from lyrikstore.crypto.keys import key_file

            key_file.BCRYPT_ROUNDS = 1
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # Whoever starts this in the background has it ignore interrupts, or a hang-up.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        sys.setrecursionlimit(1000)
        sys.argv = ["lyrikstore", *arguments]
        for leave_the_gate in (lambda: os.read(_GATE, 1), lambda: os.close(_GATE)):
            with contextlib.suppress(OSError):  # the call that is made to fail may be this one
                leave_the_gate()  # nothing comes to be read: it is closed
        from lyrikstore_cli.__main__ import start

        start()
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    leave(1)


if __name__ == "__main__":
    _serve()
