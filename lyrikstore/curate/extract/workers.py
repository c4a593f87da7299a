"""Reading documents in worker processes, which hostile ones may crash, hang or fill.

A process reads one document after the other. The one that does not answer in time, or dies, takes
only its own document with it: a fresh process reads the next. What crosses is JSON and bytes.

It is no sandbox (:mod:`lyrikstore.objects.parallel.limited`).
"""

import queue
import signal
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Self

from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    StorageError,
)
from lyrikstore.curate.extract.document import ExtractOptions, check_encoding
from lyrikstore.curate.extract.limits import (
    MAX_DOCUMENT_BYTES,
    MAX_SECONDS,
    MAX_TEXT_BYTES,
)
from lyrikstore.curate.extract.result import Extracted, Unreadable
from lyrikstore.curate.extract.worker import unpack
from lyrikstore.objects.parallel.limited import MAX_MEMORY_BYTES, LimitedProcess, ending
from lyrikstore.objects.parallel.processes import cores
from lyrikstore.objects.parallel.tasks import Message, receive_answer, send_request

_TARGET: Final = "lyrikstore.curate.extract.worker:talk"
_MAX_ANSWER_BYTES: Final = MAX_TEXT_BYTES + (32 << 20)  # 20,000 attachments, listed, take 10 MiB


class Extractor:
    """Reads documents in processes of their own; a context manager, safe to use by threads.

    Args:
        options: How documents are read.
        count: How many processes at most; they start when they are needed. The results do not
            depend on it.
        seconds: Wall time for one document.
        memory_bytes: Address space of one process.

    Raises:
        InvalidInputError: (``bad-encoding``).
    """

    def __init__(
        self,
        options: ExtractOptions | None = None,
        *,
        count: int | None = None,
        seconds: float = MAX_SECONDS,
        memory_bytes: int = MAX_MEMORY_BYTES,
    ) -> None:
        encoding = (options or ExtractOptions()).encoding
        self._encoding = None if encoding is None else check_encoding(encoding)
        self._count = count or cores()
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._idle: queue.LifoQueue[LimitedProcess | None] = queue.LifoQueue()
        for _ in range(self._count):
            self._idle.put(None)  # the right to start one
        # Whoever cannot close it, such as a step of a recipe, leaves that to its end.
        weakref.finalize(self, _end_idle, self._idle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes that read nothing; call it when all answers are there."""
        _end_idle(self._idle)

    def extract(self, path: str, data: bytes) -> Extracted | Unreadable:
        """Return the text of a document, or the reason why there is none.

        Args:
            path: Its suffix counts where the content does not tell the format.
            data: All of it.

        Raises:
            InvalidInputError: (``no-parser``) the extra ``documents`` is not installed.
            StorageError: (``worker-died``) no process can be started.

        Cost: one process; the document and its text in memory, here and there.
        """
        if len(data) > MAX_DOCUMENT_BYTES:
            return Unreadable("too-large", f"more than {MAX_DOCUMENT_BYTES} bytes")
        process = self._idle.get()
        kept = None
        try:
            used = process is not None
            process = process or self._start()
            result = self._ask(process, path, data)
            if used and _is_doubtful(result):
                # Earlier documents may have left it little memory: a fresh one decides, so that
                # the result is that of this document alone.
                process.end()
                process = self._start()
                result = self._ask(process, path, data)
            if result is None:
                result = _judge(process.end(wait=True))
            kept = None if _is_spoilt(result) else process
            return result
        finally:
            if kept is None and process is not None:
                process.end()
            self._idle.put(kept)

    def map(self, documents: Iterable[tuple[str, bytes]]) -> Iterator[Extracted | Unreadable]:
        """Yield the result of each document, in their order.

        Args:
            documents: Paths and bytes; taken only as far ahead as there are processes.

        Raises:
            InvalidInputError, StorageError: As :meth:`extract`.
        """
        waiting: deque[Future[Extracted | Unreadable]] = deque()
        with ThreadPoolExecutor(self._count) as threads:
            try:
                for path, data in documents:
                    waiting.append(threads.submit(self.extract, path, data))
                    del data  # it is held no longer than it is read
                    if len(waiting) > self._count:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _start(self) -> LimitedProcess:
        return LimitedProcess(_TARGET, self._memory_bytes)

    def _ask(
        self, process: LimitedProcess, path: str, data: bytes
    ) -> Extracted | Unreadable | None:
        """Return the answer; None where the process ended without one."""
        setup = {"seconds": self._seconds, "encoding": self._encoding}
        try:
            process.stream.begin(self._seconds, _MAX_ANSWER_BYTES)
            send_request(process.stream, setup, Message({"path": path}, (data,)))
            answers = list(receive_answer(process.stream))
            if len(answers) != 1:
                raise FormatError("bad-answer", "a worker answered twice, or not at all")
            return unpack(answers[0].header, answers[0].buffers)
        except TimeoutError:
            return Unreadable("timeout", f"not read within {self._seconds:g} s")
        except (InvalidInputError, StorageError) as error:
            if error.kind != "worker-died":
                raise  # a library is missing, or cannot be loaded
            return None
        except OSError:
            return None
        except (LyrikstoreError, RuntimeError, ValueError, LookupError, TypeError):
            return Unreadable("broken", "its parser answered something else than asked")


def _end_idle(idle: queue.LifoQueue[LimitedProcess | None]) -> None:
    for process in [idle.get() for _ in range(idle.qsize())]:
        if process is not None:
            process.end()
        idle.put(None)


def _judge(code: int) -> Unreadable:
    """Return the result for a document whose process ended before it answered."""
    ended = f"its parser ended with {ending(code)}"
    if code == -signal.SIGXCPU:
        return Unreadable("timeout", ended)
    # The system kills where memory ends; PDFium aborts where it gets none.
    if code in {-signal.SIGKILL, -signal.SIGABRT}:
        return Unreadable("out-of-memory", ended)
    return Unreadable("broken", ended)


def _is_doubtful(result: Extracted | Unreadable | None) -> bool:
    # One that took too long is not: it would take as long again.
    return result is None or (_is_spoilt(result) and getattr(result, "reason", "") != "timeout")


def _is_spoilt(result: Extracted | Unreadable) -> bool:
    # Whether the process is not to be used again, and the result may be its fault.
    return isinstance(result, Unreadable) and (
        result.reason in {"timeout", "out-of-memory"} or result.detail.startswith("its parser")
    )
