"""Shingles: sequences of words as numbers, equal on every machine (spec §12.5.18)."""

import re
from typing import Any

import numpy as np
from blake3 import blake3

from lyrikstore.curate.text import normalise

CONTEXT = "lyrikstore 2026-11 words"

_WORD = re.compile(r"\w+")  # letters, numbers and _
BASE = 0x9E3779B97F4A7C15
_MAX_KNOWN = 1 << 18

Numbers = np.ndarray[Any, np.dtype[np.uint64]]


class Shingles:
    """Computes the numbers of the shingles of texts: of every sequence of ``words`` words.

    Args:
        words: Number of words in a shingle.
    """

    def __init__(self, words: int) -> None:
        self._words = words
        self._powers = [np.uint64(pow(BASE, words - 1 - place, 1 << 64)) for place in range(words)]
        self._known: dict[str, int] = {}

    def of(self, text: str, *, whole: bool = False) -> Numbers:
        """Return the number of each shingle of a text, in order.

        Args:
            text: The text.
            whole: Whether a text with fewer words counts as one shingle.

        Cost: some 3 million words a second.
        """
        words = [self._number(word) for word in _WORD.findall(normalise(text))]
        powers = self._powers[-len(words) :] if whole and words else self._powers
        count = len(words) - len(powers) + 1
        if count < 1:
            return np.zeros(0, np.uint64)
        numbers = np.array(words, np.uint64)
        total = np.zeros(count, np.uint64)
        for place, power in enumerate(powers):
            total += numbers[place : place + count] * power
        return mix(total)

    def _number(self, word: str) -> int:
        number = self._known.get(word)
        if number is None:
            if len(self._known) == _MAX_KNOWN:
                self._known.clear()
            digest = blake3(word.encode(), derive_key_context=CONTEXT).digest(8)
            number = self._known[word] = int.from_bytes(digest, "little")
        return number


def mix(numbers: Numbers) -> Numbers:
    """Return numbers with mixed bits, so that close numbers become unrelated."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
