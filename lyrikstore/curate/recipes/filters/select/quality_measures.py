"""The measures of ``quality/1`` (spec §12.5.25): counts, and shares as two whole numbers.

Shares are compared and shown without floating point, so that all machines agree.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from lyrikstore.canon.text import WHITE_SPACE
from lyrikstore.curate.extract.chunk import find_tokens

PROSE = 50
"""Least number of words with a Latin letter for measures of prose."""

LIST = 5
"""Least number of lines for measures of lines."""

SHORT_LINE = 30
"""A line with fewer characters is short."""

GRAM = 5

STOP_WORDS: Mapping[str, frozenset[str]] = {
    "en": frozenset(["the", "be", "to", "of", "and", "that", "have", "with"]),
    "de": frozenset(["der", "die", "und", "den", "von", "zu", "das", "mit", "nicht", "sich"]),
    "es": frozenset(["el", "la", "de", "que", "y", "en", "los", "del", "las", "por"]),
    "fr": frozenset(["le", "la", "de", "et", "les", "des", "en", "du", "que", "est"]),
    "it": frozenset(["il", "la", "di", "che", "e", "per", "del", "non", "con", "della"]),
    "nl": frozenset(["de", "het", "een", "van", "en", "dat", "niet", "met", "voor", "zijn"]),
}
"""Language → stop words; the English ones are those of Gopher."""

_BULLET = re.compile(
    "[\u2022\u2023\u2043\u2219\u25cf\u25cb\u25e6\u25aa\u25ab\u25a0\u25a1\u2013\u2014*-]"
)
_LATIN = re.compile("[A-Za-z]")
_SYMBOL = re.compile(r"#|…|\.\.\.")
_ENDS_IN_ELLIPSIS = re.compile(r"(?:…|\.\.\.)\Z")
_UNREADABLE = re.compile("[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f\x7f]")
_EDGES = ".,;:!?\"'()[]{}<>\u00ab\u00bb\u201c\u201d\u2018\u2019\u201e\u2026"

Share = tuple[int, int]
"""A share: a count, and the total."""


class TextMeasures:
    """Measures of one text, each computed on first use.

    Args:
        text: Any text.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def words(self) -> list[str]:
        """The tokens of ``chunk/1``."""
        return find_tokens(self.text)

    @cached_property
    def lines(self) -> list[str]:
        """The lines that are not blank, without white space at their ends."""
        stripped = (line.strip(WHITE_SPACE) for line in self.text.split("\n"))
        return [line for line in stripped if line]

    @cached_property
    def latin(self) -> list[str]:
        """The words with an ASCII letter."""
        return [word for word in self.words if _LATIN.search(word)]

    @property
    def word_length(self) -> Share:
        """Characters of the Latin words, and the number of these words."""
        return sum(map(len, self.latin)), len(self.latin)

    @property
    def prose_word_length(self) -> Share | None:
        """:attr:`word_length`; None for a text with few Latin words."""
        return self.word_length if len(self.latin) >= PROSE else None

    @property
    def lettered(self) -> Share:
        """Words with a letter, of all words."""
        return sum(any(map(str.isalpha, word)) for word in self.words), len(self.words)

    @property
    def symbols(self) -> Share:
        """Number signs and ellipses, and the number of words."""
        return len(_SYMBOL.findall(self.text)), len(self.words)

    @property
    def bullets(self) -> Share | None:
        """Lines that begin with a bullet; None for a text of few lines."""
        if len(self.lines) < LIST:
            return None
        return sum(_BULLET.match(line) is not None for line in self.lines), len(self.lines)

    @property
    def ellipses(self) -> Share | None:
        """Lines that end in an ellipsis; None for a text of few lines."""
        if len(self.lines) < LIST:
            return None
        ends = sum(_ENDS_IN_ELLIPSIS.search(line) is not None for line in self.lines)
        return ends, len(self.lines)

    @property
    def stop_words(self) -> int | None:
        """Different stop words of the best-matching language; None for few Latin words."""
        if len(self.latin) < PROSE:
            return None
        present = {word.strip(_EDGES).lower() for word in self.words}
        return max(len(present & words) for words in STOP_WORDS.values())

    @property
    def repeated_lines(self) -> Share:
        """Lines that repeat an earlier line, of all lines."""
        return len(self.lines) - len(set(self.lines)), len(self.lines)

    @property
    def repeated_grams(self) -> Share:
        """Characters of words in repeated sequences of five words, of those of all words."""
        repeated = _repeated(self.words)
        lengths = [len(word) for word in self.words]
        covered = sum(length for length, again in zip(lengths, repeated, strict=True) if again)
        return covered, sum(lengths)

    @property
    def short_lines(self) -> Share | None:
        """Lines of fewer than 30 characters; None for a text of few lines."""
        if len(self.lines) < LIST:
            return None
        return sum(len(line) < SHORT_LINE for line in self.lines), len(self.lines)

    @property
    def longest_line(self) -> int:
        """Characters of the longest line."""
        return max(map(len, self.lines), default=0)

    @property
    def unreadable(self) -> Share:
        """Replacement, private-use and control characters, of all characters."""
        return len(_UNREADABLE.findall(self.text)), len(self.text)


def _repeated(words: Sequence[str]) -> list[bool]:
    """Return for each word whether it is in a sequence of five words that occurred before."""
    seen: set[tuple[str, ...]] = set()
    repeated = [False] * len(words)
    for at in range(len(words) - GRAM + 1):
        gram = tuple(words[at : at + GRAM])
        if gram in seen:
            repeated[at : at + GRAM] = [True] * GRAM
        seen.add(gram)
    return repeated
