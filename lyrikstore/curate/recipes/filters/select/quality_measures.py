"""What ``quality/1`` measures of a text (spec §12.5.25): counts, and shares as two whole numbers.

No number with a fraction is formed before a share is compared or shown, so that no machine differs.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from lyrikstore.canon.text import WHITE_SPACE
from lyrikstore.curate.extract.chunk import find_tokens

PROSE = 50
"""Words with a Latin letter from which a text is taken as prose of which words say something."""

LIST = 5
"""Lines from which they say something."""

SHORT_LINE = 30
"""Characters of which a short line has fewer."""

GRAM = 5

STOP_WORDS: Mapping[str, frozenset[str]] = {
    "en": frozenset(["the", "be", "to", "of", "and", "that", "have", "with"]),
    "de": frozenset(["der", "die", "und", "den", "von", "zu", "das", "mit", "nicht", "sich"]),
    "es": frozenset(["el", "la", "de", "que", "y", "en", "los", "del", "las", "por"]),
    "fr": frozenset(["le", "la", "de", "et", "les", "des", "en", "du", "que", "est"]),
    "it": frozenset(["il", "la", "di", "che", "e", "per", "del", "non", "con", "della"]),
    "nl": frozenset(["de", "het", "een", "van", "en", "dat", "niet", "met", "voor", "zijn"]),
}
"""Of each language its own; the English ones are Gopher's."""

_BULLET = re.compile(
    "[\u2022\u2023\u2043\u2219\u25cf\u25cb\u25e6\u25aa\u25ab\u25a0\u25a1\u2013\u2014*-]"
)
_LATIN = re.compile("[A-Za-z]")
_SYMBOL = re.compile(r"#|…|\.\.\.")
_ENDS_IN_ELLIPSIS = re.compile(r"(?:…|\.\.\.)\Z")
_UNREADABLE = re.compile("[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f\x7f]")
_EDGES = ".,;:!?\"'()[]{}<>\u00ab\u00bb\u201c\u201d\u2018\u2019\u201e\u2026"

Share = tuple[int, int]
"""How many, and of how many."""


class TextMeasures:
    """The measures of one text, each worked out when it is asked for.

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
        """The lines that hold more than white space, without that at their ends."""
        stripped = (line.strip(WHITE_SPACE) for line in self.text.split("\n"))
        return [line for line in stripped if line]

    @cached_property
    def latin(self) -> list[str]:
        """The words with a letter of ASCII."""
        return [word for word in self.words if _LATIN.search(word)]

    @property
    def word_length(self) -> Share:
        """Characters of the Latin words, of these."""
        return sum(map(len, self.latin)), len(self.latin)

    @property
    def prose_word_length(self) -> Share | None:
        """The same; None for a text that is no prose."""
        return self.word_length if len(self.latin) >= PROSE else None

    @property
    def lettered(self) -> Share:
        """Words that hold a letter."""
        return sum(any(map(str.isalpha, word)) for word in self.words), len(self.words)

    @property
    def symbols(self) -> Share:
        """Hashes and ellipses, of the words."""
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
        """Different stop words, of the language of which most occur; None if it is no prose."""
        if len(self.latin) < PROSE:
            return None
        found = {word.strip(_EDGES).lower() for word in self.words}
        return max(len(found & words) for words in STOP_WORDS.values())

    @property
    def repeated_lines(self) -> Share:
        """Lines that stood before."""
        return len(self.lines) - len(set(self.lines)), len(self.lines)

    @property
    def repeated_grams(self) -> Share:
        """Characters of the words in a sequence of five that stood before, of those of all."""
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
        """Characters that stand for one that nobody could read, or for none."""
        return len(_UNREADABLE.findall(self.text)), len(self.text)


def _repeated(words: Sequence[str]) -> list[bool]:
    """Return of each word whether it is in a sequence of five that stood before."""
    seen: set[tuple[str, ...]] = set()
    repeated = [False] * len(words)
    for at in range(len(words) - GRAM + 1):
        gram = tuple(words[at : at + GRAM])
        if gram in seen:
            repeated[at : at + GRAM] = [True] * GRAM
        seen.add(gram)
    return repeated
