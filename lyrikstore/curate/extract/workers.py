"""Text extraction in worker processes, as hostile documents may crash, hang or fill a process.

A process reads one document after the other. If it does not answer in time, or dies, only the
document that it was reading is left out: a new process reads the next. Processes exchange JSON and
bytes.

It is not a sandbox (see :mod:`lyrikstore.objects.parallel.limited`).
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
    """Extracts texts in worker processes; a context manager that several threads may use.

    Args:
        options: Options of text extraction.
        count: Largest number of processes; they start when needed. The results do not depend on
            it.
        seconds: Wall time for one document.
        memory_bytes: Address space of one process.

    Raises:
        InvalidInputError: (``bad-encoding``) Python knows no text encoding of that name.
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
            self._idle.put(None)  # a free slot: a process may be started for it
        # Callers that cannot close it, such as a step of a recipe, rely on the garbage collector.
        weakref.finalize(self, _end_idle, self._idle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the idle processes; call it after all answers have arrived."""
        _end_idle(self._idle)

    def extract(self, path: str, data: bytes) -> Extracted | Unreadable:
        """Return the text of a document, or the reason why it cannot be read.

        Args:
            path: Its path; the suffix decides the format if the content is ambiguous.
            data: The whole document.

        Raises:
            InvalidInputError: (``no-parser``) the extra ``documents`` is not installed.
            StorageError: (``worker-died``) no process can be started.

        Cost: one process; the document and its text in memory, in both processes.
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
                # Earlier documents may have left the process little memory. A new process reads the
                # document again, so that the result depends on this document alone.
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
            documents: Paths and bytes; read ahead by at most the number of processes.

        Raises:
            InvalidInputError, StorageError: See :meth:`extract`.
        """
        waiting: deque[Future[Extracted | Unreadable]] = deque()
        with ThreadPoolExecutor(self._count) as threads:
            try:
                for path, data in documents:
                    waiting.append(threads.submit(self.extract, path, data))
                    del data  # free the bytes as soon as the document is read
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
        """Return the answer; None if the process ended without an answer."""
        setup = {"seconds": self._seconds, "encoding": self._encoding}
        try:
            process.stream.begin(self._seconds, _MAX_ANSWER_BYTES)
            send_request(process.stream, setup, Message({"path": path}, (data,)))
            answers = list(receive_answer(process.stream))
            if len(answers) != 1:
                raise FormatError("bad-answer", "the worker process sent two results, or none")
            return unpack(answers[0].header, answers[0].buffers)
        except TimeoutError:
            return Unreadable("timeout", f"not read within {self._seconds:g} s")
        except (InvalidInputError, StorageError) as error:
            if error.kind != "worker-died":
                raise  # a library is missing or cannot be loaded
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
    # Out of memory, the system kills the process, or PDFium aborts.
    if code in {-signal.SIGKILL, -signal.SIGABRT}:
        return Unreadable("out-of-memory", ended)
    return Unreadable("broken", ended)


def _is_doubtful(result: Extracted | Unreadable | None) -> bool:
    # A timeout is not doubtful: the document would take as long again.
    return result is None or (_is_spoilt(result) and getattr(result, "reason", "") != "timeout")


def _is_spoilt(result: Extracted | Unreadable) -> bool:
    # Return whether the process must not be used again, and may have caused the result.
    return isinstance(result, Unreadable) and (
        result.reason in {"timeout", "out-of-memory"} or result.detail.startswith("its parser")
    )
