"""Lengths of texts in tokens: counted, or estimated from characters.

The rules: docs/internals/training.md.
"""

import math
from collections.abc import Iterable, Mapping
from statistics import NormalDist
from typing import Self

from msgspec import Struct

CHARACTERS_PER_TOKEN = 4.5
"""In English text: 4.1 (banking77), 4.8 (CUAD) and 5.0 (UNFAIR-ToS) with MiniLM's tokenizer."""

TOKENS_PER_WORD = 1.25
"""In the same data: 1.2, 1.3 and 1.1."""

USUAL_WIDTH = 0.7
"""Standard deviation of the logarithm of a text's length: 0.7, 0.8 and 0.7 in the same data."""

SPECIAL_TOKENS = 2
"""Number of special tokens at the ends of a text."""

_STEPS = 200
_MANY = 1000


class TokenCounts(Struct, frozen=True):
    """Distribution of the number of tokens per record.

    Attributes:
        lengths: Pairs of tokens and records, shortest first. Numbers of records are
            fractions if the lengths are estimated.
        counted: Whether a tokenizer counted them.
    """

    lengths: tuple[tuple[int, float], ...]
    counted: bool

    @classmethod
    def of_tokens(cls, records: Mapping[int, int]) -> Self:
        """Return the counts of a tokenizer.

        Args:
            records: Tokens → records.
        """
        return cls(tuple((length, records[length]) for length in sorted(records)), counted=True)

    @classmethod
    def of_characters(cls, characters: Iterable[int]) -> Self:
        """Return an estimate from the lengths of all texts, in characters."""
        records: dict[int, int] = {}
        for length in characters:
            tokens = _tokens(length)
            records[tokens] = records.get(tokens, 0) + 1
        return cls(tuple((length, records[length]) for length in sorted(records)), counted=False)

    @classmethod
    def of_summary(
        cls,
        records: int,
        *,
        least: float,
        median: float,
        most: float,
        seen: int,
        unit: float = CHARACTERS_PER_TOKEN,
    ) -> Self:
        """Return an estimate from the shortest, the median and the longest text.

        Lengths of texts are nearly log-normal. The median gives its centre, and the longest of n
        texts its width, since that is expected at the quantile 1 − 1/n.

        Args:
            records: How many records there are.
            least: The shortest length.
            median: The median.
            most: The longest.
            seen: The number of records that these lengths come from.
            unit: The length of a token, in the unit of the lengths.
        """
        centre = math.log(max(1.0, median))
        width = 0.0
        if seen > 2 and most > median > 0:
            width = math.log(most / median) / NormalDist().inv_cdf(1 - 1 / seen)
        found: dict[int, float] = {}
        for step in range(_STEPS if records else 0):
            at = NormalDist().inv_cdf((step + 0.5) / _STEPS)
            length = min(max(math.exp(centre + width * at), least), most)
            tokens = _tokens(length, unit)
            found[tokens] = found.get(tokens, 0) + records / _STEPS
        return cls(tuple((length, found[length]) for length in sorted(found)), counted=False)

    @classmethod
    def of_mean(cls, records: int, mean: float) -> Self:
        """Return a rough estimate from the mean length, in characters."""
        median = mean / math.exp(USUAL_WIDTH**2 / 2)
        most = median
        if records > 2:
            most = median * math.exp(USUAL_WIDTH * NormalDist().inv_cdf(1 - 1 / records))
        return cls.of_summary(records, least=0, median=median, most=most, seen=records)

    @property
    def records(self) -> float:
        """Number of records."""
        return sum(records for _, records in self.lengths)

    def total(self, most: int) -> float:
        """Return the number of tokens of all records, each truncated to ``most``."""
        return sum(min(length, most) * records for length, records in self.lengths)

    def squares(self, most: int) -> float:
        """Return the sum of the squared lengths, to which attention is proportional."""
        return sum(min(length, most) ** 2 * records for length, records in self.lengths)

    def padded(self, most: int, batch: int, window: int = 0) -> tuple[float, float]:
        """Return the number of tokens in padded batches, and the sum of squared lengths.

        Args:
            most: Each text is truncated to this number of tokens.
            batch: Number of texts per batch, which have similar lengths.
            window: Number of texts among which those of similar length are found; 0: all.
        """
        size = min(self.records, window or self.records)
        starts = range(0, math.ceil(size), batch)
        if (
            not starts or len(starts) > _MANY
        ):  # with many batches, the texts of each have the same length
            return self.total(most), self.squares(most)
        tokens = squares = 0.0
        of = (
            size if size == self.records else size + 1
        )  # a part of the records hardly contains the longest one
        for start in starts:
            texts = min(batch, size - start)
            length = min(self.percentile((start + texts) / of), most)
            tokens += texts * length
            squares += texts * length**2
        return tokens * self.records / size, squares * self.records / size

    @property
    def characters(self) -> float:
        """Estimated number of characters of all texts."""
        tokens = sum(length * records for length, records in self.lengths)
        return max(0.0, tokens - SPECIAL_TOKENS * self.records) * CHARACTERS_PER_TOKEN

    def percentile(self, share: float) -> int:
        """Return the length in tokens that ``share`` of the records do not exceed."""
        wanted, seen = share * self.records, 0.0
        for length, records in self.lengths:
            seen += records
            if seen >= wanted - 1e-9:
                return length
        return 0

    def longest(self, most: int) -> int:
        """Return the length of the longest record in tokens, truncated to ``most``."""
        return min(self.lengths[-1][0], most) if self.lengths else 0

    def share_cut(self, most: int) -> float:
        """Return the share of records that have more than ``most`` tokens."""
        cut = sum(records for length, records in self.lengths if length > most)
        return cut / self.records if self.records else 0.0

    def joined(self, other: Self) -> "TokenCounts":
        """Return the distribution of both together."""
        found = dict(self.lengths)
        for length, records in other.lengths:
            found[length] = found.get(length, 0) + records
        lengths = tuple((length, found[length]) for length in sorted(found))
        return TokenCounts(lengths, self.counted and other.counted)


def _tokens(length: float, unit: float = CHARACTERS_PER_TOKEN) -> int:
    return math.ceil(length / unit) + SPECIAL_TOKENS
