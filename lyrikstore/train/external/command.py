"""Execution of an external trainer in its own session (spec §13.13.2).

The command gets an environment that is built from nothing, and none of its processes outlives it.
:mod:`lyrikstore.train.external.sandbox` decides what it can access.
"""

import contextlib
import json
import os
import platform
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError, RunFailedError, storage_errors
from lyrikstore.canon.progress import OnProgress, Progress
from lyrikstore.train.external.inputs import OUTPUT, StagedInput
from lyrikstore.train.worker.staging import Staging

_KEPT = frozenset(
    {
        "CUDA_VISIBLE_DEVICES",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "LD_LIBRARY_PATH",
        "OMP_NUM_THREADS",
        "PATH",
        "SYSTEMROOT",
        "TZ",
        "VIRTUAL_ENV",
    }
)
_SUPERVISOR = Path(__file__).with_name("supervise.py")
_PROC = Path("/proc")
_GRACE = 30.0
_MAX_LINE, _LAST_LINES = 1 << 16, 50
_HINT = "nothing was stored; correct the command and run it again"


class CommandEnd(Struct, frozen=True):
    """Time and memory of a command that has ended.

    Attributes:
        wall_seconds: Wall-clock time.
        cpu_seconds: CPU time of all cores together.
        memory_bytes: Peak memory of the largest process.
        left: Number of processes that it left running, which were ended; 0 in a sandbox, where they
            are not counted.
    """

    wall_seconds: float
    cpu_seconds: float
    memory_bytes: int
    left: int

    def to_json(self) -> dict[str, str]:
        """Return the member ``actual`` of a checkpoint."""
        return {
            "wallSeconds": f"{self.wall_seconds:.1f}",
            "cpuSeconds": f"{self.cpu_seconds:.1f}",
            "memoryBytes": str(self.memory_bytes),
        }


def run_command(
    command: Sequence[str],
    staging: Staging,
    inputs: Sequence[StagedInput],
    *,
    folder: Path,
    base_env: Mapping[str, str],
    progress: OnProgress,
    before: Sequence[str] = (),
    variables: Mapping[str, str] = {},
) -> CommandEnd:
    """Run a command until it and all processes that it started have ended.

    Args:
        command: Program and arguments, with placeholders such as ``{input}``.
        staging: The private folder, with the copies in it.
        inputs: The copies.
        folder: The working directory of the command.
        base_env: The caller's environment, of which a few variables are passed on.
        progress: Called with each line of its output, in the phase ``output``, as ``text``.
        before: The sandbox command to put before it; empty: no sandbox.
        variables: Further environment variables.

    Raises:
        InvalidInputError: (``bad-command``) it cannot be started.
        RunFailedError: (``worker-failed``) it failed; ``details`` has ``exitCode`` and ``log``,
            its last lines of output.
        StorageError: A pipe or folder could not be made.

    If this call is interrupted, for example by Ctrl-C, the command is stopped too.
    """
    words = fill_placeholders(command, staging, inputs)
    environment = command_environment(staging, inputs, base_env) | dict(variables)
    if before:
        environment["TMPDIR"] = "/tmp"  # noqa: S108 - a private one, inside
    begun, last = time.monotonic(), list[str]()

    def hear(line: str) -> None:
        last.append(line)
        del last[:-_LAST_LINES]
        progress(Progress(phase="output", detail={"text": line}))

    with _started([*before, *words], staging, folder, environment) as (child, ended):
        _listen(child, hear)
    if "unstarted" in ended:
        raise InvalidInputError("bad-command", f"the command: {ended['unstarted']}", hint=_HINT)
    code = ended.get("code")
    # ATTACK A96: a process that still runs could write to the output while it is sealed, and a
    # command with access to its supervisor could forge its result, and kill it.
    if child.returncode != 0:
        code = None
    over = ended.get("over") is True
    if code != 0 or not over:
        how = "its supervisor was killed" if code is None else _how(code)
        how = how if over else f"{how}, and some of its processes may still run"
        lines = [line for line in last if any(map(str.isalnum, line))]
        last_words = f": {lines[-1][:300]}" if lines else ""
        raise RunFailedError(
            "worker-failed",
            f"the command failed: {how}{last_words}",
            hint=_HINT,
            details={"exitCode": child.returncode if code is None else code, "log": last},
        )
    return CommandEnd(
        time.monotonic() - begun,
        float(ended["cpuSeconds"]),
        int(ended["memoryBytes"]),
        0 if before else int(ended["left"]),
    )


def check_program(name: str, base_env: Mapping[str, str]) -> None:
    """Raise `bad-command` unless a program exists and this system can track its processes.

    Raises:
        InvalidInputError: (``bad-command``) there is no such program, or this system is not Linux.
    """
    if platform.system() != "Linux":  # refused now: after hours of training nothing could be sealed
        raise InvalidInputError(
            "bad-command",
            "only on Linux can lyrikstore make sure that all processes of a command have ended",
            hint="run it in a Linux container, or run it yourself and import its output: "
            "lyrikstore import --trained FOLDER",
        )
    if shutil.which(name, path=base_env.get("PATH")) is None:
        raise InvalidInputError(
            "bad-command",
            f"the program {shlex.quote(name)[:80]} was not found",
            hint="write its path, or correct PATH",
        )


def fill_placeholders(
    command: Sequence[str], staging: Staging, inputs: Sequence[StagedInput]
) -> list[str]:
    """Return a command with ``{input}``, ``{input2}``, ``{base}`` and ``{output}`` replaced."""
    places = {one.name: str(one.folder) for one in inputs}
    places["output"] = str(staging.path / OUTPUT)
    filled = []
    for part in command:
        found = part
        for name, place in places.items():
            found = found.replace("{" + name + "}", place)
        filled.append(found)
    return filled


def command_environment(
    staging: Staging, inputs: Sequence[StagedInput], base: Mapping[str, str]
) -> dict[str, str]:
    """Return the whole environment of a command.

    Args:
        staging: The folder for home and temporary files.
        inputs: Named by ``LYRIKSTORE_INPUT``, ``…_INPUT2``, ``…_BASE``; their trees by ``…_TREE``.
        base: The environment of the caller.
    """
    home = str(staging.path / "home")
    found = {name: value for name, value in base.items() if name in _KEPT}
    found |= {
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HOME": home,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
        "HOME": home,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "TMPDIR": str(staging.path / "tmp"),
        "TOKENIZERS_PARALLELISM": "false",
        "TRANSFORMERS_OFFLINE": "1",
        "LYRIKSTORE_OUTPUT": str(staging.path / OUTPUT),
    }
    for one in inputs:
        found[f"LYRIKSTORE_{one.name.upper()}"] = str(one.folder)
        found[f"LYRIKSTORE_{one.name.upper()}_TREE"] = str(one.listing)
    return found


@contextlib.contextmanager
def _started(
    command: Sequence[str], staging: Staging, folder: Path, environment: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    """Run a command, and fill in the exit status that its supervisor reports."""
    ended: dict[str, Any] = {}
    with storage_errors("starting the command"):
        result, status_pipe = os.pipe()
        try:
            child = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SUPERVISOR), str(status_pipe), *command],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.PIPE,  # it closes when this process ends
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C goes to a whole group; only this process decides
                pass_fds=(status_pipe, staging.lock),
            )
        finally:
            os.close(status_pipe)
    try:
        yield child, ended
    finally:
        if child.stdin is not None:
            with contextlib.suppress(OSError):
                child.stdin.close()
        try:
            child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()
        ended.update(_read_result(result))
        os.close(result)
        if ended.get("over") is not True or child.returncode:
            _end_marked(f"LYRIKSTORE_OUTPUT={environment['LYRIKSTORE_OUTPUT']}")


def _listen(child: subprocess.Popen[bytes], hear: Callable[[str], None]) -> None:
    """Pass on the output of the command until its supervisor has ended."""
    stream = child.stdout
    if stream is None:
        return
    os.set_blocking(stream.fileno(), False)
    rest = b""
    with selectors.DefaultSelector() as waiting:
        waiting.register(stream, selectors.EVENT_READ)
        over = False
        while True:
            ready = waiting.select(0 if over else 0.1)
            for _ in ready:
                data = _read(stream.fileno())
                if not data:
                    waiting.unregister(stream)
                    continue
                *lines, rest = (rest + data).split(b"\n")
                if len(rest) > _MAX_LINE:
                    lines, rest = [*lines, rest], b""
                for line in lines:
                    hear(_text(line))
            if over and not ready:
                break
            over = over or child.poll() is not None
    if rest:
        hear(_text(rest))


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except BlockingIOError:  # pragma: no cover - select reported it as ready
        return b""


def _text(line: bytes) -> str:
    return line[:_MAX_LINE].decode("utf-8", "replace").rstrip("\r")


def _read_result(descriptor: int) -> dict[str, Any]:
    try:
        found = json.loads(os.read(descriptor, 1 << 16) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _end_marked(variable: str) -> None:
    """Kill processes whose environment has a variable, after their supervisor has ended.

    A process that cleared its environment is not found.
    """
    mark, until = os.fsencode(variable), time.monotonic() + _GRACE
    found = hasattr(os, "pidfd_open")
    while found and time.monotonic() < until:
        found = False
        for entry in _PROC.glob("[0-9]*"):
            with contextlib.suppress(OSError):
                # A descriptor first: the number may belong to another process after the check.
                one = os.pidfd_open(int(entry.name))
                try:
                    if mark in (entry / "environ").read_bytes().split(b"\0"):
                        signal.pidfd_send_signal(one, signal.SIGKILL)
                        found = True
                finally:
                    os.close(one)
        time.sleep(0.02)


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
