"""Work in several processes: a function named by its module, JSON headers and raw buffers.

Why not ``multiprocessing``: it runs the caller's script again where that has no main guard, which
scripts and notebooks of data people rarely have, and it pickles. Here nothing crosses but JSON and
bytes, over a private pair of sockets.

A *target* is a generator function, named ``"package.module:function"``::

    def target(setup, task, *buffers):
        yield header, *buffers          # as often as it likes; at least once

``setup`` and ``task`` are JSON objects. A target depends on nothing but its arguments and must be
safe to run in a thread, for where no process can be started it runs in this one; other
schedulers can call it as well.
"""

import contextlib
import importlib
import io
import json
import os
import queue
import signal
import socket
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

from lyrikstore.canon import errors
from lyrikstore.canon.errors import LyrikstoreError, StorageError, loading_error
from lyrikstore.version import __version__

MAX_WORKERS = 8

_HEAD = struct.Struct("<II")  # bytes of the header, number of buffers
_SIZE = struct.Struct("<Q")
_LIMIT = 1 << 31
_START = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); \
from lyrikstore.objects.workers import serve; serve(int(sys.argv[2]), sys.argv[3])"


class Message(NamedTuple):
    """What crosses: a JSON object and raw buffers.

    Attributes:
        header: JSON-compatible members.
        buffers: Bytes that JSON should not carry.
    """

    header: dict[str, Any]
    buffers: tuple[bytes, ...] = ()


class Result(NamedTuple):
    """Something a target yielded.

    Attributes:
        task: Number of the task it belongs to, from 0.
        header: JSON-compatible members.
        buffers: Raw bytes.
    """

    task: int
    header: dict[str, Any]
    buffers: tuple[bytes, ...]


def cores() -> int:
    """Return how many worker processes pay off here: the usable cores, at most 8."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(count or 1, MAX_WORKERS))


class Workers:
    """Processes that run one target; a context manager.

    Args:
        target: ``"package.module:function"``.
        setup: Given to every call.
        count: How many processes; 0 runs everything in this one, one task after the other. Where
            a process cannot be started, its share runs in a thread of this one.
        threads: Whether to run all shares so, for work that is done by libraries in long calls:
            it starts at once.
    """

    def __init__(
        self, target: str, setup: Mapping[str, Any], count: int, *, threads: bool = False
    ) -> None:
        self._target = target
        self._setup = dict(setup)
        self._processes: list[_Process | None] = []
        with contextlib.ExitStack() as undo:
            undo.callback(self._stop)
            for _ in range(count):
                self._processes.append(None if threads else _start(target))
            undo.pop_all()
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._stop()

    def map(self, tasks: Iterable[Message]) -> Iterator[Result]:
        """Run every task and yield what the target yields, as it comes.

        The results of one task come in order; those of several tasks mix. Tasks are taken from
        ``tasks`` only when a worker is free, so that an endless source stays cheap.

        Args:
            tasks: Iterated in other threads, by one at a time.

        Raises:
            LyrikstoreError: What a target, or ``tasks``, raised first.
            StorageError: (``worker-died``) a process was killed, perhaps for want of memory.
        """
        numbered = enumerate(tasks)
        if not self._processes:
            for number, task in numbered:
                for result in _run(self._target, self._setup, task):
                    yield Result(number, *result)
            return
        # Bounded: a slow reader must hold the workers back, not fill the memory.
        results: queue.Queue[Result | BaseException | None] = queue.Queue(len(self._processes) * 4)
        share = _Shared(numbered)
        threads = [
            threading.Thread(target=self._drive, args=(process, share, results), daemon=True)
            for process in self._processes
        ]
        for thread in threads:
            thread.start()
        working = len(threads)
        try:
            while working:
                came = results.get()
                if came is None:
                    working -= 1
                elif isinstance(came, BaseException):
                    raise came
                else:
                    yield came
        finally:
            if working:
                self._stopped.set()
                self._stop()
                while any(thread.is_alive() for thread in threads):
                    with contextlib.suppress(queue.Empty):
                        results.get(timeout=0.02)

    def _drive(
        self,
        process: "_Process | None",
        share: "_Shared",
        results: "queue.Queue[Result | BaseException | None]",
    ) -> None:
        try:
            ready = process is not None and process.ready()
            while not self._stopped.is_set() and (item := share.next()) is not None:
                number, task = item
                if process is not None and ready:
                    answers = process.run(self._setup, task)
                else:
                    answers = _run(self._target, self._setup, task)
                for answer in answers:
                    results.put(Result(number, *answer))
                    if self._stopped.is_set():
                        return
        except BaseException as error:  # noqa: BLE001 - raised again where the results are read
            results.put(error)
        finally:
            results.put(None)

    def _stop(self) -> None:
        for process in self._processes:
            if process is not None:
                process.kill()


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...
    def write(self, data: bytes, /) -> int: ...
    def flush(self) -> None: ...


class _Shared:
    # One iterator for several threads.
    def __init__(self, items: Iterator[tuple[int, Message]]) -> None:
        self._items = items
        self._lock = threading.Lock()

    def next(self) -> tuple[int, Message] | None:
        with self._lock:
            return next(self._items, None)


class _Process:
    def __init__(self, child: "subprocess.Popen[bytes]", connection: socket.socket) -> None:
        self._child = child
        self._connection = connection
        self._stream = connection.makefile("rwb")

    def ready(self) -> bool:
        """Return whether the process has loaded its target; too little memory can prevent it."""
        try:
            return _receive(self._stream) is not None
        except OSError:
            return False

    def run(self, setup: dict[str, Any], task: Message) -> Iterator[Message]:
        try:
            _send(self._stream, Message({"setup": setup, "task": task.header}, task.buffers))
            yield from _answers(self._stream)
        except LyrikstoreError:
            raise
        except (OSError, ValueError):
            raise worker_died() from None  # ValueError: closed here while it was read

    def kill(self) -> None:
        """End the process, whatever it is doing."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._child.kill()
        self._child.wait()
        with contextlib.suppress(OSError, ValueError):
            self._stream.close()
        self._connection.close()


def _start(target: str) -> _Process | None:
    try:
        ours, theirs = socket.socketpair()
    except OSError:
        return None
    # -I: what is imported is what this process imports, whatever the environment or folder holds.
    flags = ["-I", *(["-B"] if sys.dont_write_bytecode else [])]
    argv = [json.dumps(sys.path), str(theirs.fileno()), target]
    try:
        child = subprocess.Popen(
            [sys.executable, *flags, "-c", _START, *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
    except (OSError, MemoryError):
        ours.close()
        return None
    finally:
        theirs.close()
    return _Process(child, ours)


def pack_request(target: str, setup: Mapping[str, Any], task: Message) -> bytes:
    """Return a task as bytes that :func:`run_request` runs, on any machine with this library."""
    header = {"version": __version__, "target": target, "setup": dict(setup), "task": task.header}
    stream = io.BytesIO()
    _send(stream, Message(header, task.buffers))
    return stream.getvalue()


def run_request(request: bytes) -> bytes:
    """Run a task from :func:`pack_request` to its end and return all it yielded, as bytes."""
    message = _receive(io.BytesIO(request))
    answer = io.BytesIO()
    if message is None or message.header["version"] != __version__:
        theirs = message.header["version"] if message else "another"
        error = StorageError(
            "worker-version",
            f"a worker has lyrikstore {__version__}, not {theirs}",
            hint="install the same version on every worker",
        )
        _send(answer, Message({"kind": "error", "value": _described(error)}))
        return answer.getvalue()
    task = Message(message.header["task"], message.buffers)
    _answer(answer, message.header["target"], message.header["setup"], task)
    return answer.getvalue()


def read_answer(answer: bytes) -> Iterator[Message]:
    """Yield what the target yielded, from what :func:`run_request` returned.

    Raises:
        LyrikstoreError: What the target raised.
    """
    return _answers(io.BytesIO(answer))


def worker_died() -> StorageError:
    """Return the error for a worker that ended before its answer did."""
    return StorageError(
        "worker-died",
        "a worker process ended in the middle of its work",
        hint="run the command again; if it happens again, there is too little memory",
    )


def serve(descriptor: int, target: str) -> None:
    """Run tasks from a socket until it is closed: the whole life of a worker process."""
    # An interrupt goes to everybody at the terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=descriptor) as connection, connection.makefile("rwb") as stream:
        _load(target)
        with contextlib.suppress(OSError):
            _send(stream, Message({"kind": "ready"}))
            while (message := _receive(stream)) is not None:
                task = Message(message.header["task"], message.buffers)
                _answer(stream, target, message.header["setup"], task)


def _answer(stream: _Stream, target: str, setup: dict[str, Any], task: Message) -> None:
    try:
        for message in _run(target, setup, task):
            _send(stream, Message({"kind": "result", "value": message.header}, message.buffers))
    except LyrikstoreError as error:
        _send(stream, Message({"kind": "error", "value": _described(error)}))
    except Exception as error:
        if (unloaded := loading_error(error)) is not None:
            _send(stream, Message({"kind": "error", "value": _described(unloaded)}))
        elif isinstance(error, OSError):
            raise  # the other side is gone
        else:  # a defect of ours, to be seen where the work was ordered
            _send(stream, Message({"kind": "crash", "value": traceback.format_exc()}))
    else:
        _send(stream, Message({"kind": "end"}))


def _run(target: str, setup: dict[str, Any], task: Message) -> Iterator[Message]:
    for header, *buffers in _load(target)(setup, task.header, *task.buffers):
        yield Message(header, tuple(buffers))


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def _answers(stream: _Stream) -> Iterator[Message]:
    while (answer := _receive(stream)) is not None:
        kind = answer.header["kind"]
        if kind == "end":
            return
        if kind == "error":
            raise _error(answer.header["value"])
        if kind == "crash":
            raise RuntimeError(answer.header["value"])
        yield Message(answer.header["value"], answer.buffers)
    raise worker_died()


def _described(error: LyrikstoreError) -> dict[str, Any]:
    return {
        "class": type(error).__name__,
        "kind": error.kind,
        "message": error.message,
        "hint": error.hint,
        "details": error.details,
    }


def _error(value: dict[str, Any]) -> LyrikstoreError:
    cls = getattr(errors, value["class"])
    error: LyrikstoreError = cls(
        value["kind"], value["message"], hint=value["hint"], details=value["details"]
    )
    return error


def _send(stream: _Stream, message: Message) -> None:
    header = json.dumps(message.header).encode()
    stream.write(_HEAD.pack(len(header), len(message.buffers)))
    stream.write(header)
    for buffer in message.buffers:
        stream.write(_SIZE.pack(len(buffer)))
        stream.write(buffer)
    stream.flush()


def _receive(stream: _Stream) -> Message | None:
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    length, count = _HEAD.unpack(head)
    header = json.loads(_exactly(stream, length))
    buffers = []
    for _ in range(count):
        (size,) = _SIZE.unpack(_exactly(stream, _SIZE.size))
        buffers.append(_exactly(stream, size))
    return Message(header, tuple(buffers))


def _exactly(stream: _Stream, size: int) -> bytes:
    data = stream.read(size) if size < _LIMIT else b""
    if len(data) != size:
        raise ConnectionError("the other side is gone")
    return data
