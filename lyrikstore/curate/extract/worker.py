"""The worker's side: one process that reads documents, one after the other."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, ValidationError, convert, to_builtins

from lyrikstore.canon.errors import FormatError
from lyrikstore.curate.extract.document import ExtractOptions, extract
from lyrikstore.curate.extract.result import (
    REASONS,
    AttachedFile,
    Extracted,
    Note,
    Unreadable,
)
from lyrikstore.objects.parallel import processes

TARGET = "lyrikstore.curate.extract.worker:extract_one"


class _Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """An :class:`Extracted` without its text, which crosses as bytes."""

    format: str
    lengths: tuple[int, ...]
    encoding: str | None
    encoding_from: str | None
    fields: dict[str, str]
    attachments: tuple[AttachedFile, ...]
    notes: tuple[Note, ...]


def serve(descriptor: int, memory_bytes: int) -> None:
    """Read documents from a socket until it is closed: the whole life of a worker process."""
    _limit_process(memory_bytes)
    processes.serve(descriptor, TARGET)


def _limit_process(memory_bytes: int) -> None:
    import resource

    limits = (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),  # it has nothing to write
    )
    for limit, value in limits:
        with contextlib.suppress(ValueError, OSError):  # macOS does not know all of them
            resource.setrlimit(limit, (value, value))


def _limit_time(seconds: float) -> None:
    # The process that waits for the answer ends this one in time. Where that one was killed
    # itself, nobody else would end a parser that hangs.
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 2
    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def extract_one(
    setup: Mapping[str, Any], task: Mapping[str, Any], data: bytes
) -> Iterator[tuple[Any, ...]]:
    """Read one document: a target of :mod:`lyrikstore.objects.parallel.tasks`."""
    _limit_time(setup["seconds"])
    try:
        yield _pack(extract(task["path"], data, ExtractOptions(setup["encoding"])))
    except MemoryError:
        yield {"unreadable": {"reason": "out-of-memory", "detail": "its text is too long"}}, b""


def _pack(result: Extracted | Unreadable) -> tuple[Any, ...]:
    if isinstance(result, Unreadable):
        return {"unreadable": to_builtins(result)}, b""
    answer = _Answer(
        result.format,
        tuple(len(page) for page in result.pages),
        result.encoding,
        result.encoding_from,
        result.fields,
        result.attachments,
        result.notes,
    )
    return {"extracted": to_builtins(answer)}, "".join(result.pages).encode()


def unpack(header: Mapping[str, Any], buffers: tuple[bytes, ...]) -> Extracted | Unreadable:
    """Return what :func:`extract_one` found.

    Raises:
        FormatError: (``bad-answer``) it is something else. ATTACK: a document that took over its
            worker answers in its place; what it says is of its own text, but no other shape.
    """
    try:
        (data,) = buffers
        if "unreadable" in header:
            unreadable = convert(header["unreadable"], Unreadable)
            REASONS[unreadable.reason]
            return unreadable
        answer = convert(header["extracted"], _Answer)
        text = data.decode("utf-8")
    except (ValidationError, ValueError, KeyError, TypeError):
        raise FormatError("bad-answer", "a worker answered something else than asked") from None
    pages, place = [], 0
    for length in answer.lengths:
        pages.append(text[place : place + length])
        place += length
    if place != len(text) or any(length < 0 for length in answer.lengths):
        raise FormatError("bad-answer", "a worker answered something else than asked")
    return Extracted(
        answer.format,
        tuple(pages),
        answer.encoding,
        answer.encoding_from,
        answer.fields,
        answer.attachments,
        answer.notes,
    )
