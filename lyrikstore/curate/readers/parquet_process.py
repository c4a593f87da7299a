"""``parquet/1`` in a process with limits, as all sizes that a file states may be false.

ATTACK: a few hundred bytes of Parquet can stand for 2^31 rows, for a page of 2 GiB, or for one long
string in every row. No number in the file bounds the memory that its decoder allocates. So the
process that decodes it is limited: it can fill only its own memory, and it reads the file only
through a stream from the process that reads the rows.
"""

import atexit
import contextlib
import io
import os
from array import array
from collections.abc import Iterator, Mapping
from functools import partial
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final, cast

from lyrikstore.canon.errors import FormatError, InvalidInputError, LyrikstoreError, storage_errors
from lyrikstore.canon.limits import MAX_RECORD_BYTES
from lyrikstore.curate.readers.parquet import bad_file, decode_parquet
from lyrikstore.history.records.rows import BadRow, RawRow
from lyrikstore.objects.parallel.limited import (
    MAX_MEMORY_BYTES,
    LimitedProcess,
    ending,
    limit_time,
)
from lyrikstore.objects.parallel.processes import cores
from lyrikstore.objects.parallel.tasks import (
    Message,
    Stream,
    answer_request,
    receive,
    receive_answer,
    send,
    send_request,
)

MAX_RATIO, FREE_BYTES, ROW_BYTES = 1000, 1 << 30, 100
"""Rows are at most that many times their file, beyond the bytes that are free; a row counts as at
least so many bytes."""

MAX_SECONDS: Final = 120
"""Wall time for some thousand rows, or for the description of a file."""

_TARGET: Final = "lyrikstore.curate.readers.parquet_process:talk"
_PART: Final = 1 << 20
_AHEAD: Final = 4 << 20
_MAX_ANSWER_BYTES: Final = MAX_RECORD_BYTES + (16 << 20)
_SMALLER: Final = "write the file again with smaller row groups and pages; it may be hostile"
_REFUSED: Final = "too-much-memory"


def read_parquet(path: str, stream: BinaryIO) -> Iterator[RawRow | BadRow]:
    """Yield the rows of a Parquet file.

    Args:
        path: Its path, for messages.
        stream: Its bytes. A stream that cannot seek is copied to a temporary file first.

    Raises:
        InvalidInputError: (``bad-record``) it is not a Parquet file, is encrypted, has a column of
            a type that is refused, or needs more memory or time than the limits; (``too-large``)
            its rows are too large for its size (spec §9.1.2).
        StorageError: (``worker-died``) no process can be started.

    Cost: a process of up to 2 GiB, in which the file is decoded; in this process some thousand
    rows.
    """
    with contextlib.ExitStack() as opened:
        reading = _Reading(path, _seekable(path, stream, opened))
        process = _take()
        try:
            yield from reading.rows(process)
        except _OverLimitError:
            # Earlier files may have left the process little memory, or the batch is too large.
            yield from reading.last_rows()


class _OverLimitError(Exception):
    """The process ended, or reported that it is out of memory."""


class _Reading:
    """A file being read, and the number of rows read so far."""

    def __init__(self, path: str, stream: BinaryIO) -> None:
        self._path = path
        self._stream = stream
        self._size = stream.seek(0, os.SEEK_END)
        self._done = self._declared = 0
        self._left = FREE_BYTES + MAX_RATIO * self._size

    def last_rows(self) -> Iterator[RawRow | BadRow]:
        """Yield the remaining rows, each decoded alone, in a new process."""
        try:
            yield from self.rows(LimitedProcess(_TARGET), one_by_one=True)
        except _OverLimitError as error:
            reason = f"row {self._done + 1} cannot be decoded: {error}"
            raise bad_file(self._path, reason, hint=_SMALLER) from None

    def rows(
        self, process: LimitedProcess, *, one_by_one: bool = False
    ) -> Iterator[RawRow | BadRow]:
        """Yield the remaining rows, and keep the process if it can be used again."""
        sound = False
        task = {
            "path": self._path,
            "size": self._size,
            "after": self._done,
            "oneByOne": one_by_one,
        }
        try:
            for answer in self._answers(process, task):
                if "read" in answer.header:
                    self._send(process, answer.header["read"])
                elif "declared" in answer.header:
                    self._check(answer.header["declared"])
                else:
                    yield from self._unpack(answer)
            if self._done != self._declared:
                reason = f"it says that it has {self._declared} rows, and has {self._done}"
                raise bad_file(self._path, reason, hint=_SMALLER)
            sound = True
        finally:
            if sound:
                _keep(process)
            else:
                process.end()

    def _answers(self, process: LimitedProcess, task: dict[str, Any]) -> Iterator[Message]:
        """Yield the messages of a process, each as soon as the caller wants the next."""
        process.stream.begin(MAX_SECONDS, _MAX_ANSWER_BYTES)
        try:
            send_request(process.stream, {}, Message(task))
            for answer in receive_answer(process.stream):
                if _REFUSED in answer.header:
                    raise _OverLimitError(f"it takes more than {MAX_MEMORY_BYTES >> 30} GiB")
                yield answer
                process.stream.begin(MAX_SECONDS, _MAX_ANSWER_BYTES)
        except TimeoutError:
            reason = f"row {self._done + 1} is not decoded within {MAX_SECONDS} s"
            raise bad_file(self._path, reason, hint=_SMALLER) from None
        except LyrikstoreError as error:
            if error.kind != "worker-died":
                raise
            raise _OverLimitError(f"its process ended with {ending(process.end(wait=True))}") from (
                None
            )
        except OSError:
            raise _OverLimitError("its process went away") from None
        except RuntimeError as error:  # what its decoder raised
            raise _OverLimitError(str(error).rstrip().rpartition("\n")[2][:200]) from None
        except (ValueError, LookupError, TypeError):
            raise _strange() from None

    def _send(self, process: LimitedProcess, wanted: Any) -> None:
        try:
            offset, size = map(int, wanted)
        except (ValueError, TypeError):
            raise _strange() from None
        self._stream.seek(min(max(offset, 0), self._size))
        data = self._stream.read(min(max(size, 0), _AHEAD))
        process.stream.begin(MAX_SECONDS, _MAX_ANSWER_BYTES)
        with contextlib.suppress(OSError):  # reading its next message reports the reason
            send(process.stream, Message({}, (data,)))

    def _unpack(self, answer: Message) -> Iterator[RawRow | BadRow]:
        """Yield rows. ATTACK: a file that took over its process sends the answer itself."""
        try:
            lengths, data = array("I", answer.buffers[0]), answer.buffers[1]
            bad = {int(at): str(reason) for at, reason in answer.header["bad"].items()}
        except (ValueError, LookupError, AttributeError):
            raise _strange() from None
        if sum(lengths) != len(data):
            raise _strange()
        place = 0
        for at, length in enumerate(lengths):
            self._done += 1
            self._left -= max(length, ROW_BYTES)
            if self._left < 0:
                raise self._too_large()
            if at in bad:
                yield BadRow(self._done, bad[at])
            else:
                yield RawRow(self._done, data[place : place + length])
            place += length

    def _check(self, declared: Any) -> None:
        if not isinstance(declared, int):
            raise _strange()
        if (declared - self._done) * ROW_BYTES > self._left:
            raise self._too_large()
        self._declared = declared

    def _too_large(self) -> InvalidInputError:
        return InvalidInputError(
            "too-large",
            f"{self._path}: its rows take more than {MAX_RATIO} times the size of the file plus "
            f"{FREE_BYTES} bytes",
            hint="the file repeats a few values very often and may be hostile: check its source",
        )


def _strange() -> FormatError:
    return FormatError("bad-answer", "the worker process returned an unexpected result")


def _seekable(path: str, stream: BinaryIO, opened: contextlib.ExitStack) -> BinaryIO:
    if stream.seekable():
        return stream
    with storage_errors(f"copying {path}"):
        copy = opened.enter_context(TemporaryFile())  # noqa: SIM115 - entered
    while part := stream.read(_PART):
        with storage_errors(f"copying {path}"):
            copy.write(part)
    return cast("BinaryIO", copy)


_idle: list[tuple[int, LimitedProcess]] = []
"""Idle processes, each with the id of the process that started it."""


def _take() -> LimitedProcess:
    while _idle:
        owner, process = _idle.pop()
        if owner == os.getpid():  # a forked process must not use the streams of its parent
            return process
    return LimitedProcess(_TARGET)


def _keep(process: LimitedProcess) -> None:
    if len(_idle) < cores():
        _idle.append((os.getpid(), process))
    else:
        process.end()


@atexit.register
def _end_idle() -> None:
    while _idle:
        owner, process = _idle.pop()
        if owner == os.getpid():
            process.end()


# The process's side.


def talk(stream: Stream) -> None:
    """Answer requests to decode files until the stream ends; the main loop of the process."""
    while (request := receive(stream)) is not None:
        answer_request(stream, partial(_decode, stream), request)


def _decode(
    stream: Stream, _setup: Mapping[str, Any], task: Mapping[str, Any]
) -> Iterator[tuple[Any, ...]]:
    limit_time(MAX_SECONDS)
    # Its own allocator reserves a GiB of address space before it uses any.
    os.putenv("ARROW_DEFAULT_MEMORY_POOL", "system")
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = task["path"]
    try:
        file = pq.ParquetFile(_Remote(stream, task["size"]), buffer_size=_AHEAD)
        yield ({"declared": file.metadata.num_rows},)
        for rows in decode_parquet(path, file, after=task["after"], one_by_one=task["oneByOne"]):
            yield from _pack(rows)
            limit_time(MAX_SECONDS)
    except MemoryError:  # Arrow's, too
        yield ({_REFUSED: True},)
    except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise bad_file(path, f"no Parquet that can be read: {reason}") from None


def _pack(rows: list[RawRow | BadRow]) -> Iterator[tuple[Any, ...]]:
    bad: dict[int, str] = {}
    sizes, parts, size = array("I"), list[bytes](), 0
    for row in rows:
        data = row.data if isinstance(row, RawRow) else b""
        if isinstance(row, BadRow):
            bad[len(sizes)] = row.reason
        sizes.append(len(data))
        parts.append(data)
        size += len(data)
        if size >= _PART:
            yield {"bad": bad}, sizes.tobytes(), b"".join(parts)
            bad, sizes, parts, size = {}, array("I"), [], 0
    if sizes:
        yield {"bad": bad}, sizes.tobytes(), b"".join(parts)


class _Remote(io.RawIOBase):
    """The file, whose bytes the other process sends on request."""

    def __init__(self, stream: Stream, size: int) -> None:
        super().__init__()
        self._stream = stream
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_CUR: self._at, os.SEEK_END: self._size}.get(whence, 0)
        self._at = start + offset
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        left = max(0, self._size - self._at)
        left = left if size < 0 else min(size, left)
        parts = []
        while left:
            value = {"read": [self._at, min(left, _AHEAD)]}
            send(self._stream, Message({"kind": "result", "value": value}))
            answer = receive(self._stream)
            if answer is None or not answer.buffers[0]:
                raise ConnectionError("the other side is gone")
            parts.append(answer.buffers[0])
            self._at += len(parts[-1])
            left -= len(parts[-1])
        return b"".join(parts)
