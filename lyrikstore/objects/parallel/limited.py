"""A process with limits of memory and time, in which hostile files are read.

It may crash, hang or fill its memory; the process that started it continues. They exchange only
JSON and bytes.

It is not a sandbox: a file that takes over its parser runs as the user, without an environment and
without the ability to write files, but with access to the network.
"""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from typing import Final

from lyrikstore.canon.errors import StorageError, storage_error
from lyrikstore.objects.parallel.tasks import Message, load_target, receive, send

MAX_MEMORY_BYTES: Final = 2 << 30
"""Address space of a process, including the code of its libraries."""

_START: Final = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); \
from lyrikstore.objects.parallel.limited import serve; \
serve(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])"
_START_SECONDS: Final = 60
_DYING_SECONDS: Final = 10
_BLOCK: Final = 1 << 20


class LimitedProcess:
    """A running process, and the stream to it.

    Args:
        target: ``"package.module:function"``; it is called once, with its end of the stream, and
            returns when the stream ends.
        memory_bytes: Address space that it may use.

    Attributes:
        stream: The stream to and from it; call :meth:`TimedStream.begin` first.

    Raises:
        StorageError: (``worker-died``) it cannot be started.
    """

    def __init__(self, target: str, memory_bytes: int = MAX_MEMORY_BYTES) -> None:
        try:
            self._connection, theirs = socket.socketpair()
        except OSError as error:
            raise storage_error(error, "starting a reader of files") from error
        # -I: what is imported is what this process imports, whatever the environment or folder
        # holds. No environment: no proxies, no credentials.
        flags = ["-I", *(["-B"] if sys.dont_write_bytecode else [])]
        argv = [json.dumps(sys.path), str(theirs.fileno()), str(memory_bytes), target]
        try:
            self._child = subprocess.Popen(
                [sys.executable, *flags, "-c", _START, *argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={"LC_ALL": "C.UTF-8"},
                cwd="/",
                start_new_session=True,  # an interrupt at the terminal is the parent's to judge
            )
        except OSError as error:
            self._connection.close()
            raise storage_error(error, "starting a reader of files") from error
        finally:
            theirs.close()
        self.stream = TimedStream(self._connection)
        self.stream.begin(_START_SECONDS, _BLOCK)
        try:
            ready = receive(self.stream) is not None
        except (OSError, ValueError):
            ready = False
        if not ready:
            code = self.end(wait=True)
            raise StorageError(
                "worker-died",
                f"the process that reads files did not start ({ending(code)})",
                hint="free some memory, or allow more memory, and run the command again",
            )

    def end(self, *, wait: bool = False) -> int:
        """End the process and return its exit code.

        Args:
            wait: Whether to wait some seconds, because it is ending by itself.
        """
        self._connection.close()
        if wait:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._child.wait(_DYING_SECONDS)
        self._child.kill()
        return self._child.wait()


class TimedStream:
    """The stream of a socket, with a deadline and a limit on the bytes read."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._until = 0.0
        self._left = 0

    def begin(self, seconds: float, max_bytes: int) -> None:
        """Set the deadline to ``seconds`` from now, and the read limit to ``max_bytes`` bytes."""
        self._until = time.monotonic() + seconds
        self._left = max_bytes

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes, or fewer at the end of the stream.

        Raises:
            TimeoutError: The deadline has passed.
            ConnectionError: It is more than may be read.
        """
        self._left -= size
        if self._left < 0:
            raise ConnectionError("an endless answer")
        data = bytearray()
        while len(data) < size:
            self._wait()
            block = self._connection.recv(min(size - len(data), _BLOCK))
            if not block:
                break
            data += block
        return bytes(data)

    def write(self, data: bytes) -> int:
        """Send all of ``data``.

        Raises:
            TimeoutError: The deadline has passed.
            OSError: The other process has ended.
        """
        self._wait()
        self._connection.sendall(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: writes are not buffered."""

    def _wait(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)


def ending(code: int) -> str:
    """Return the end of a process for messages: the name of a signal, or the exit code."""
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"exit code {code}"


def serve(descriptor: int, memory_bytes: int, target: str) -> None:
    """Run ``target`` on a socket, under limits; this is the main function of the process."""
    _limit(memory_bytes)
    with socket.socket(fileno=descriptor) as connection, connection.makefile("rwb") as stream:
        talk = load_target(target)
        with contextlib.suppress(OSError):  # the other side is gone
            send(stream, Message({"kind": "ready"}))
            talk(stream)


def limit_time(seconds: float) -> None:
    """Let the system end this process after ``seconds`` more of CPU time.

    Normally the process that waits for the answer ends this one in time. If that process was killed
    itself, only this limit ends a parser that hangs.
    """
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 2
    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _limit(memory_bytes: int) -> None:
    import resource

    limits = (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),  # it has nothing to write
    )
    for limit, value in limits:
        with contextlib.suppress(ValueError, OSError):  # macOS does not know all of them
            resource.setrlimit(limit, (value, value))
