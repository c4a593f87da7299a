"""A pool of worker processes for one target (:mod:`lyrikstore.objects.parallel.tasks`).

Why not ``multiprocessing``: it runs the caller's script again if that has no main guard, which
scripts and notebooks of data scientists rarely have, and it pickles. Here messages go over a
private pair of sockets.
"""

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.objects.parallel.tasks import (
    Message,
    Result,
    answer_request,
    load_target,
    receive,
    receive_answer,
    run_target,
    send,
    send_request,
    worker_died,
)

MAX_WORKERS = 8

_START = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); \
from lyrikstore.objects.parallel.processes import serve; serve(int(sys.argv[2]), sys.argv[3])"


def cores() -> int:
    """Return the useful number of worker processes here: the usable cores, at most 8."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(count or 1, MAX_WORKERS))


class Workers:
    """A pool of processes that run one target; a context manager.

    Args:
        target: ``"package.module:function"``.
        setup: Passed to every call.
        count: Number of processes; 0 runs all tasks in this process, one after the other. If a
            process cannot be started, its share runs in a thread of this one.
        threads: Whether to run all shares in threads, for work that libraries do in long calls:
            threads start at once.
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

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._stop()

    def map(self, tasks: Iterable[Message]) -> Iterator[Result]:
        """Run every task and yield the results of the target as they arrive.

        The results of one task come in order; those of several tasks are interleaved. Tasks are
        taken from ``tasks`` only when a worker is free, so that an endless source stays cheap.

        Args:
            tasks: Iterated in other threads, by one thread at a time.

        Raises:
            LyrikstoreError: The first error that a target, or ``tasks``, raised.
            StorageError: (``worker-died``) a process was killed, perhaps for lack of memory.
        """
        numbered = enumerate(tasks)
        if not self._processes:
            for number, task in numbered:
                for result in run_target(self._target, self._setup, task):
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
                    answers = run_target(self._target, self._setup, task)
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
            return receive(self._stream) is not None
        except (OSError, ValueError):  # ValueError: closed here while it was read
            return False

    def run(self, setup: dict[str, Any], task: Message) -> Iterator[Message]:
        try:
            send_request(self._stream, setup, task)
            yield from receive_answer(self._stream)
        except LyrikstoreError:
            raise
        except (OSError, ValueError):
            raise worker_died() from None

    def kill(self) -> None:
        """End the process at once."""
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


def serve(descriptor: int, target: str) -> None:
    """Run tasks from a socket until it is closed; this is the main function of a worker process."""
    # An interrupt goes to everybody at the terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=descriptor) as connection, connection.makefile("rwb") as stream:
        load_target(target)
        with contextlib.suppress(OSError):
            send(stream, Message({"kind": "ready"}))
            while (request := receive(stream)) is not None:
                answer_request(stream, target, request)
