"""The worker process of text extraction, which reads one document after the other."""

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
from lyrikstore.objects.parallel.limited import limit_time
from lyrikstore.objects.parallel.tasks import Stream, answer_request, receive


class _Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """An :class:`Extracted` without its text, which is sent as bytes."""

    format: str
    lengths: tuple[int, ...]
    encoding: str | None
    encoding_from: str | None
    fields: dict[str, str]
    attachments: tuple[AttachedFile, ...]
    notes: tuple[Note, ...]


def talk(stream: Stream) -> None:
    """Answer requests to read documents until the stream ends; the main loop of a worker."""
    while (request := receive(stream)) is not None:
        answer_request(stream, extract_one, request)


def extract_one(
    setup: Mapping[str, Any], task: Mapping[str, Any], data: bytes
) -> Iterator[tuple[Any, ...]]:
    """Yield the result for one document; a target of :mod:`lyrikstore.objects.parallel.tasks`."""
    limit_time(setup["seconds"])
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
    """Return the result that :func:`extract_one` sent.

    Raises:
        FormatError: (``bad-answer``) the answer has another form. ATTACK: a document that took over
            its worker sends the answer itself; it can forge its own text, but no other form.
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
        raise _bad_answer() from None
    pages, place = [], 0
    for length in answer.lengths:
        pages.append(text[place : place + length])
        place += length
    if place != len(text) or any(length < 0 for length in answer.lengths):
        raise _bad_answer()
    return Extracted(
        answer.format,
        tuple(pages),
        answer.encoding,
        answer.encoding_from,
        answer.fields,
        answer.attachments,
        answer.notes,
    )


def _bad_answer() -> FormatError:
    return FormatError("bad-answer", "the worker process returned an unexpected result")
