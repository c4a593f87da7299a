"""Running a target in this process, in another process or on another machine.

A *target* is a generator function, named ``"package.module:function"``::

    def target(setup, task, *buffers):
        yield header, *buffers          # at least once, any number of times

``setup`` and ``task`` are JSON objects. A target depends only on its arguments and must be safe to
run in a thread, because it runs in the caller's process if no process can be started. Only JSON and
bytes are exchanged, never a pickle.
"""

import importlib
import io
import json
import struct
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from lyrikstore.canon.errors import (
    FormatError,
    LyrikstoreError,
    StorageError,
    loading_error,
    storage_error,
)
from lyrikstore.version import __version__

_HEAD = struct.Struct("<II")  # bytes of the header, number of buffers
_SIZE = struct.Struct("<Q")
_LIMIT = 1 << 31


class Message(NamedTuple):
    """A message between processes: a JSON object and raw buffers.

    Attributes:
        header: JSON-compatible members.
        buffers: Bytes that are not part of the JSON.
    """

    header: dict[str, Any]
    buffers: tuple[bytes, ...] = ()


class Result(NamedTuple):
    """One result that a target yielded.

    Attributes:
        task: Number of the task it belongs to, from 0.
        header: JSON-compatible members.
        buffers: Raw bytes.
    """

    task: int
    header: dict[str, Any]
    buffers: tuple[bytes, ...]


class Pool(Protocol):
    """A pool that runs a target on many tasks."""

    def map(self, tasks: Iterable[Message]) -> Iterator[Result]:
        """Run every task and yield the results of the target as they arrive."""


Pools = Callable[[str, Mapping[str, Any]], AbstractContextManager[Pool]]
"""A function that creates a pool for a target and its setup, such as ``Cluster.pool``."""


Target = Callable[..., Iterator[tuple[Any, ...]]]
"""The function that a target's name refers to."""


class Stream(Protocol):
    """A binary stream: the file of a socket, or a file in memory."""

    def read(self, size: int, /) -> bytes:
        """Return ``size`` bytes, or fewer at the end of the stream."""

    def write(self, data: bytes, /) -> int:
        """Write all of ``data``."""

    def flush(self) -> None:
        """Send all written data."""


def load_target(target: str) -> Callable[..., Any]:
    """Import and return the function that ``target`` names."""
    module, _, name = target.partition(":")
    found: Callable[..., Any]
    found = getattr(importlib.import_module(module), name)
    return found


def run_target(target: str | Target, setup: Mapping[str, Any], task: Message) -> Iterator[Message]:
    """Run ``target`` in this thread and yield its results."""
    run = load_target(target) if isinstance(target, str) else target
    for header, *buffers in run(setup, task.header, *task.buffers):
        yield Message(header, tuple(buffers))


def send_request(stream: Stream, setup: Mapping[str, Any], task: Message) -> None:
    """Send a task to a process that knows the target and runs :func:`answer_request`."""
    send(stream, Message({"setup": dict(setup), "task": task.header}, task.buffers))


def answer_request(stream: Stream, target: str | Target, request: Message) -> None:
    """Run a received task and send its results, or its error.

    Raises:
        OSError: The other process has ended.
    """
    task = Message(request.header["task"], request.buffers)
    try:
        for message in run_target(target, request.header["setup"], task):
            send(stream, Message({"kind": "result", "value": message.header}, message.buffers))
    except LyrikstoreError as error:
        _send_error(stream, error)
    except Exception as error:
        if (unloaded := loading_error(error)) is not None:
            _send_error(stream, unloaded)
        elif isinstance(error, OSError):
            raise  # the other process has ended
        else:  # a defect of ours, to be seen where the work was ordered
            send(stream, Message({"kind": "crash", "value": traceback.format_exc()}))
    else:
        send(stream, Message({"kind": "end"}))


def receive_answer(stream: Stream) -> Iterator[Message]:
    """Yield the results of the target for one request.

    Raises:
        LyrikstoreError: The error that the target raised; (``worker-died``) the stream ended
            before the last result.
    """
    while (answer := receive(stream)) is not None:
        kind = answer.header["kind"]
        if kind == "end":
            return
        if kind == "error":
            raise LyrikstoreError.from_json(answer.header["value"]) or worker_died()
        if kind == "crash":
            raise RuntimeError(answer.header["value"])
        yield Message(answer.header["value"], answer.buffers)
    raise worker_died()


def pack_request(target: str, setup: Mapping[str, Any], task: Message) -> bytes:
    """Return a task as bytes that :func:`run_request` runs, on any machine with this library."""
    header = {"version": __version__, "target": target, "setup": dict(setup), "task": task.header}
    stream = io.BytesIO()
    send(stream, Message(header, task.buffers))
    return stream.getvalue()


def run_request(request: bytes) -> bytes:
    """Run a task from :func:`pack_request` and return all its results as bytes."""
    message = receive(io.BytesIO(request))
    answer = io.BytesIO()
    if message is not None and message.header["version"] == __version__:
        try:
            answer_request(answer, message.header["target"], message)
        except OSError as fault:  # in memory nobody is gone: it is the work that failed
            answer = io.BytesIO()
            _send_error(answer, storage_error(fault, "a worker"))
    else:
        theirs = message.header["version"] if message else "another"
        error = StorageError(
            "worker-version",
            f"a worker has lyrikstore {__version__}, not {theirs}",
            hint="install the same version on every worker",
        )
        _send_error(answer, error)
    return answer.getvalue()


def read_answer(answer: bytes) -> Iterator[Message]:
    """Yield the results of the target from the return value of :func:`run_request`.

    Raises:
        LyrikstoreError: As :func:`receive_answer`.
    """
    return receive_answer(io.BytesIO(answer))


def one_answer_each(results: Iterable[Result], count: int) -> Iterator[Result]:
    """Yield ``results``; raise `bad-answer` unless each of ``count`` tasks has exactly one.

    Raises:
        FormatError: (``bad-answer``) a task has two results, or none.
    """
    answered: set[int] = set()
    for result in results:
        if result.task in answered:
            raise FormatError("bad-answer", "a worker returned two results for one task")
        answered.add(result.task)
        yield result
    if len(answered) != count:
        raise FormatError("bad-answer", "a worker returned no result for a task")


def worker_died() -> StorageError:
    """Return the error for a worker that ended before its last result."""
    return StorageError(
        "worker-died",
        "a worker process ended in the middle of its work",
        hint="run the command again; if it happens again, there is too little memory",
    )


def _send_error(stream: Stream, error: LyrikstoreError) -> None:
    send(stream, Message({"kind": "error", "value": error.to_json()}))


def send(stream: Stream, message: Message) -> None:
    """Write one message and flush."""
    header = json.dumps(message.header).encode()
    stream.write(_HEAD.pack(len(header), len(message.buffers)))
    stream.write(header)
    for buffer in message.buffers:
        stream.write(_SIZE.pack(len(buffer)))
        stream.write(buffer)
    stream.flush()


def receive(stream: Stream) -> Message | None:
    """Return the next message; None at the end of the stream.

    Raises:
        ConnectionError: The stream ends within a message.
    """
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


def _exactly(stream: Stream, size: int) -> bytes:
    data = stream.read(size) if size < _LIMIT else b""
    if len(data) != size:
        raise ConnectionError("the other process has ended")
    return data
