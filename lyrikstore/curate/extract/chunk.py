"""Chunks of a text, which may overlap and have their places in the text (spec §12.5.11).

All places are in code points of the text. The result depends neither on a model nor on the Unicode
version of Python: the classes of characters are listed here and in the specification.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import WHITE_SPACE

Unit = Literal["paragraphs", "tokens"]

# Scripts without spaces between words: each character is a token.
_ALONE = "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\
\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f\U00020000-\U0003ffff"
_LONGEST_TOKEN = 32  # code points; longer runs, such as addresses and base64, are several
_TOKEN = re.compile(f"[{_ALONE}]|[^{WHITE_SPACE}{_ALONE}]{{1,{_LONGEST_TOKEN}}}")

_WORDS = re.compile(f"[^{WHITE_SPACE}]+")
_INNER = WHITE_SPACE.replace("\n", "")
_BLANK_LINE = re.compile(f"\n[{_INNER}]*+\n[{WHITE_SPACE}]*+")
_CLOSERS = "\"')\\]\u2019\u201d\u00bb\u300d\u300f"
# The lookbehind keeps a row of full stops, as in a table of contents, from being matched at each.
_SENTENCE_END = re.compile(
    f"(?<![.!?\u2026])[.!?\u2026]++[{_CLOSERS}]*+(?=[{WHITE_SPACE}]++[^a-z])"
    f"|[\u3002\uff01\uff1f]++[{_CLOSERS}]*+"
)


class TextChunk(Struct, frozen=True):
    """A part of a text.

    Attributes:
        text: ``whole[start:end]``.
        page: The page on which it begins, from 1; None if the text has no pages.
        start: Position of its first code point in the whole text.
        end: Position after its last code point.
    """

    text: str
    page: int | None
    start: int
    end: int


Span = tuple[int, int]


def check_size(size: int, overlap: int) -> None:
    """Raise `bad-chunk-size` unless size and overlap are valid.

    Raises:
        InvalidInputError: (``bad-chunk-size``) the size is below 1, or the overlap is negative or
            more than half of the size.
    """
    if size < 1 or not 0 <= overlap * 2 <= size:
        raise InvalidInputError(
            "bad-chunk-size",
            f"chunks cannot have a size of {size} and an overlap of {overlap}",
            hint="use a size of at least 1 and an overlap of at most half of it",
        )


def chunk(
    text: str, unit: Unit, size: int, overlap: int = 0, *, pages: Sequence[int] = ()
) -> Iterator[TextChunk]:
    """Yield chunks of ``text``, in order; together they hold all of it except white space.

    ``paragraphs``: each chunk has as many whole paragraphs as fit ``size`` code points, counted
    from the start of the first to the end of the last. Blank lines separate paragraphs; a longer
    paragraph is cut after the last sentence that fits, else at the last white space, else at
    ``size``. ``tokens``: each chunk has ``size`` tokens; a token is a run of at most 32 characters
    without white space; each Chinese or Japanese character is a token.

    Args:
        text: Any text.
        unit: ``paragraphs`` or ``tokens``.
        size: Largest size of a chunk: code points with ``paragraphs``, tokens with ``tokens``.
        overlap: Largest part of a chunk that the next one repeats, in the same unit; with
            ``paragraphs`` it begins at a sentence.
        pages: Positions where pages begin, ascending, from 0.

    Raises:
        LyrikstoreError: See :func:`check_size`.

    Cost: O(length). All chunks together hold at most four times the text.
    """
    check_size(size, overlap)
    cut = _cut_paragraphs if unit == "paragraphs" else _cut_tokens
    page_of = _page_finder(pages)
    for start, end in cut(text, size, overlap):
        yield TextChunk(text[start:end], page_of(start), start, end)


def find_tokens(text: str) -> list[str]:
    """Return the tokens of a text in their order, as ``unit = "tokens"`` counts them."""
    return _TOKEN.findall(text)


def _page_finder(pages: Sequence[int]) -> Callable[[int], int | None]:
    return (lambda start: bisect_right(pages, start)) if pages else (lambda _: None)


def _cut_tokens(text: str, size: int, overlap: int) -> Iterator[Span]:
    window: list[Span] = []  # the tokens of the next chunk
    for match in _TOKEN.finditer(text):
        if len(window) == size:
            yield window[0][0], window[-1][1]
            window = window[size - overlap :]
        window.append(match.span())
    if window:
        yield window[0][0], window[-1][1]


def _cut_paragraphs(text: str, size: int, overlap: int) -> Iterator[Span]:
    atoms: list[Span] = []  # sentences, or parts of long sentences, of the next chunk
    for paragraph in _paragraphs(text):
        for group in _fit(text, paragraph, size):
            if atoms and group[-1][1] - atoms[0][0] > size:
                yield atoms[0][0], atoms[-1][1]
                atoms = _repeated(atoms, overlap, size, group[-1][1])
            atoms += group
    if atoms:
        yield atoms[0][0], atoms[-1][1]


def _repeated(atoms: list[Span], overlap: int, size: int, end: int) -> list[Span]:
    """Return the last atoms that fit the overlap, and, with the text up to ``end``, the size."""
    least = max(atoms[-1][1] - overlap, end - size)
    first = len(atoms)
    while first > 0 and atoms[first - 1][0] >= least:
        first -= 1
    return atoms[first:]


def _paragraphs(text: str) -> Iterator[Span]:
    place = 0
    for match in _BLANK_LINE.finditer(text):
        if (span := _trim(text, place, match.start())) is not None:
            yield span
        place = match.end()
    if (span := _trim(text, place, len(text))) is not None:
        yield span


def _trim(text: str, start: int, end: int) -> Span | None:
    while start < end and text[start] in WHITE_SPACE:
        start += 1
    while end > start and text[end - 1] in WHITE_SPACE:
        end -= 1
    return (start, end) if start < end else None


def _fit(text: str, paragraph: Span, size: int) -> Iterator[list[Span]]:
    """Yield the sentences of a paragraph: in one group if they fit ``size``, else one by one."""
    start, end = paragraph
    sentences = _sentences(text, start, end)
    if end - start <= size:
        yield list(sentences)
        return
    for sentence in sentences:
        for atom in _cut_long(text, sentence, size):
            yield [atom]


def _sentences(text: str, start: int, end: int) -> Iterator[Span]:
    for match in _SENTENCE_END.finditer(text, start, end):
        if (span := _trim(text, start, match.end())) is not None:
            yield span
        start = match.end()
    if (span := _trim(text, start, end)) is not None:
        yield span


def _cut_long(text: str, sentence: Span, size: int) -> Iterator[Span]:
    start, end = sentence
    if end - start <= size:
        yield sentence
        return
    first = last = start
    for match in _WORDS.finditer(text, start, end):
        word_start, word_end = match.span()
        if word_end - first > size and last > first:
            yield first, last
            first = word_start
        elif first == last:
            first = word_start
        while word_end - first > size:
            yield first, first + size
            first += size
        last = word_end
    if last > first:
        yield first, last
