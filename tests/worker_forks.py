"""Training workers in forks of a process that has loaded PyTorch and the rest once.

A worker that starts anew imports for seconds and computes for less. In tests a small program stands
in for ``python -m lyrikstore.train.worker.main``: it hands its streams, folder and environment to
the server, waits, and ends as the worker ended. Whoever starts it sees a process like any other:
killed, it takes the worker with it.

    python -m tests.worker_forks SOCKET PID     serves until the process PID is gone

What is about starting a worker (what it imports, opens or inherits) takes the real one. A worker
here fails that takes a class or function from a pickle, as ``torch.load``, joblib and numpy do, or
that reaches for another machine.
"""

import array
import contextlib
import fcntl
import gc
import importlib
import json
import os
import pickle
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from lyrikstore.train.worker import process
from tests.run_folder import STARTS, current

REPOSITORY = Path(__file__).resolve().parents[1]
_NAME = "worker"
REAL = process.PROGRAM
"""What starts a worker anew."""

MODULES = (
    "lyrikstore.train.tasks.generation",
    "lyrikstore.train.tasks.labelling",
    "lyrikstore.train.worker.export.gguf_model",
    "lyrikstore.train.worker.export.hugging_face",
    "lyrikstore.train.worker.targets.jobs",
    "lyrikstore.train.worker.export.labels",
    "lyrikstore.train.worker.export.next_tokens",
    "lyrikstore.train.worker.export.onnx_model",
    "lyrikstore.train.worker.gguf_import.convert",
    "lyrikstore.train.worker.training.fit",
    "lyrikstore.train.worker.training.merge",
    "lyrikstore.train.worker.training.replay",
    "lyrikstore.train.worker.training.encoder_training",
    "lyrikstore.train.worker.main",
    "lyrikstore.train.worker.measure",
    "lyrikstore.train.worker.models.blend",
    "lyrikstore.train.worker.models.embeddings",
    "lyrikstore.train.worker.models.word_counts",
    "lyrikstore.train.worker.inference.predict",
    "lyrikstore.train.worker.baselines",
    "lyrikstore.train.worker.scoring",
    "lyrikstore.train.worker.targets.gguf",
    "lyrikstore.train.worker.targets.hf",
    "lyrikstore.train.worker.targets.onnx",
    "lyrikstore.train.worker.targets.vllm",
    "lyrikstore.train.worker.generation.generate",
    "lyrikstore.train.worker.generation.adapter_training",
    "onnxruntime",
    "onnxscript",
    "sklearn.feature_extraction.text",
    "sklearn.linear_model",
    "torch.onnx",
    "transformers.models.auto.modeling_auto",
)
"""What workers load; none of these starts a thread."""

UNPICKLES = "unpickle"
"""In place of a job: the worker reads a pickle."""

_LENGTH = 8
_MOST_FILES = 16

# The stand-in starts in ten milliseconds: it imports no more than it needs, and none of ours.
_STAND_IN = """#!{python} -IS
import array, json, os, signal, socket, sys

def connect():
    found = socket.socket(socket.AF_UNIX)
    found.connect({place!r})
    return found

def start():
    import fcntl, subprocess, time
    with open({place!r} + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return connect()
        except OSError:
            pass
        log = open({place!r} + ".log", "ab")
        server = subprocess.Popen(
            {server!r}, cwd={repository!r}, env={environment!r}, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )
        while server.poll() is None:
            try:
                return connect()
            except OSError:
                time.sleep(0.02)
        sys.exit("the server of workers ended: " + {place!r} + ".log says why")

with open(sys.argv[1], "r+b", 0) as counts:
    if counts.read(1) == b"1":
        descriptor = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
        os.write(descriptor, b".")
        os.close(descriptor)
try:
    server = connect()
except OSError:
    server = start()
files = [int(name) for name in os.listdir("/proc/self/fd")]
files = [n for n in files if n != server.fileno() and os.path.exists(f"/proc/self/fd/{{n}}")]
request = {{"arguments": sys.argv[1:], "cwd": os.getcwd(), "files": files}}
request = json.dumps({{**request, "environment": dict(os.environ)}}).encode()
server.sendmsg(
    [len(request).to_bytes({length}, "big")],
    [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))],
)
server.sendall(request)
for number in files:
    os.close(number)
signal.signal(signal.SIGTERM, lambda *_: server.sendall(b"T"))  # to the worker: it ends first
ended = server.recv({length})
code = int.from_bytes(ended, "big", signed=True) if ended else 1
if code < 0:
    signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
    os.kill(os.getpid(), -code)
os._exit(code)
"""


def write_program(folder: Path) -> None:
    """Write the program that stands in for a worker into the folder of a run of the tests."""
    place = folder / "workers"
    environment = process.clean_environment(folder, os.environ, 1)
    written = _STAND_IN.format(
        python=sys.executable,
        place=str(place),
        server=[
            sys.executable,
            "-P",
            "-s",
            "-m",
            "tests.worker_forks",
            str(place),
            f"{os.getpid()}",
        ],
        repository=str(REPOSITORY),
        environment=environment,
        length=_LENGTH,
    )
    found = folder / _NAME
    found.write_text(written, "utf-8")
    found.chmod(0o755)


def stand_in() -> None:
    """Have this process, and its forks, start that program for workers."""
    process.PROGRAM = (str(current() / _NAME), os.environ[STARTS])


def _serve(place: str, owner: int) -> None:
    importlib.import_module("torch")
    for name in MODULES:
        importlib.import_module(name)
    from lyrikstore.train.worker.models.adapters import load_peft

    load_peft()
    assert threading.active_count() == 1
    sys.addaudithook(_refuse)
    gc.collect()
    gc.freeze()  # or the first collection of every child would copy all pages
    with socket.socket(socket.AF_UNIX) as listener:
        Path(place).unlink(missing_ok=True)
        listener.bind(place + ".new")
        listener.listen(64)
        os.rename(place + ".new", place)  # whoever finds it can connect
        _Server(listener, os.pidfd_open(owner)).run()


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    away = event == "socket.connect" and str(arguments[1][0]) not in {"127.0.0.1", "::1"}
    if event == "pickle.find_class" or away:
        raise SystemError(f"a worker of the tests is not to {event}")


class _Server:
    # One thread: a fork of a process with others could wait for ever for what they held.
    def __init__(self, listener: socket.socket, owner: int) -> None:
        self._listener, self._owner = listener, owner
        self._clients: dict[int, tuple[socket.socket, int]] = {}  # connection → it, pid
        self._ends: dict[int, int] = {}  # pidfd → connection
        self._poll = select.poll()
        for number in (listener.fileno(), owner):
            self._poll.register(number, select.POLLIN)

    def run(self) -> None:
        while True:
            for number, _ in self._poll.poll():
                if number == self._owner:
                    self._kill_all()
                    return
                if number == self._listener.fileno():
                    self._start(self._listener.accept()[0])
                elif number in self._ends:
                    self._report(number)
                elif number in self._clients:
                    self._pass_on(number)

    def _start(self, client: socket.socket) -> None:
        try:
            request, files = _receive(client)
        except (OSError, ValueError, EOFError):  # killed before it asked
            client.close()
            return
        worker = os.fork()
        if not worker:
            self._listener.close()
            for other, _ in self._clients.values():
                other.close()
            client.close()
            _become(request, files)
        for number in files:
            os.close(number)
        end = os.pidfd_open(worker)
        self._clients[client.fileno()] = (client, worker)
        self._ends[end] = client.fileno()
        self._poll.register(end, select.POLLIN)
        self._poll.register(client.fileno(), select.POLLIN)

    def _pass_on(self, number: int) -> None:
        client, worker = self._clients[number]
        asked = b""
        with contextlib.suppress(OSError):
            asked = client.recv(1)
        if not asked:  # it was killed, and its worker goes with it
            self._poll.unregister(number)
        os.kill(worker, signal.SIGTERM if asked else signal.SIGKILL)

    def _report(self, end: int) -> None:
        number = self._ends.pop(end)
        client, worker = self._clients.pop(number)
        code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
        self._poll.unregister(end)
        with contextlib.suppress(KeyError):
            self._poll.unregister(number)
        os.close(end)
        with contextlib.suppress(OSError), client:
            client.sendall(code.to_bytes(_LENGTH, "big", signed=True))

    def _kill_all(self) -> None:
        for _, worker in self._clients.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)


def _receive(client: socket.socket) -> tuple[dict[str, Any], list[int]]:
    files = array.array("i")
    room = socket.CMSG_SPACE(_MOST_FILES * files.itemsize)
    head, sent, _, _ = client.recvmsg(_LENGTH, room)
    for level, kind, data in sent:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            files.frombytes(data[: len(data) - len(data) % files.itemsize])
    left = int.from_bytes(head, "big")
    parts = []
    while left:
        part = client.recv(left)
        if not part:
            raise EOFError
        parts.append(part)
        left -= len(part)
    request: dict[str, Any] = json.loads(b"".join(parts))
    return request, list(files)


def _become(request: Mapping[str, Any], files: Sequence[int]) -> NoReturn:
    code = 1
    try:
        os.setsid()
        # First out of the way of the numbers that they get.
        high = [fcntl.fcntl(number, fcntl.F_DUPFD, 100) for number in files]
        os.closerange(0, 100)
        for number, wanted in zip(high, request["files"], strict=True):
            os.dup2(number, wanted)
            os.close(number)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["environment"])
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # Python's own: -P -s -m lyrikstore.train.worker.main JOB.json
        arguments = request["arguments"][-1:]
        if arguments == [UNPICKLES]:
            pickle.loads(pickle.dumps(Path()))
        sys.argv = ["lyrikstore.train.worker.main", *arguments]
        from lyrikstore.train.worker import main

        code = main.main(arguments)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        with contextlib.suppress(OSError):
            os.write(2, traceback.format_exc().encode())
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
