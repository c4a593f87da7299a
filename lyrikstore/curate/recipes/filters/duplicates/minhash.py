"""MinHash: finds pairs of similar sets from a few numbers of each set (spec §12.5.19).

This is own code instead of a library, because the numbers decide which records are kept: they must
    be
the same on every machine and in every version.
"""

from decimal import Decimal

import numpy as np
from blake3 import blake3

from lyrikstore.curate.recipes.filters.duplicates.shingles import BASE, Numbers, mix

HASHES = 128
CONTEXT = "lyrikstore 2026-11 minhash"

_ROWS = ((Decimal("0.91"), 8), (Decimal("0.71"), 4), (Decimal("0.37"), 2))
_BLOCK = 1024


def bands_for(threshold: Decimal) -> int:
    """Return the number of bands that miss at most 1 in 10,000 pairs above a similarity."""
    return HASHES // next((rows for least, rows in _ROWS if threshold >= least), 1)


class MinHash:
    """Computes the MinHash numbers of sets.

    Args:
        seed: The seed of the hash functions.
        bands: How many numbers to compute; sets with an equal number in a band may be similar.
    """

    def __init__(self, seed: str, bands: int) -> None:
        data = blake3(seed.encode(), derive_key_context=CONTEXT).digest(16 * HASHES)
        factors, self._terms = np.frombuffer(data, "<u8").astype(np.uint64).reshape(2, HASHES)
        self._factors = factors | np.uint64(1)
        self._shape = bands, HASHES // bands

    def of(self, numbers: Numbers) -> Numbers:
        """Return the number of each band for a set that is not empty.

        Cost: 128 products for each member; little memory.
        """
        least = np.full(HASHES, np.iinfo(np.uint64).max, np.uint64)
        for start in range(0, len(numbers), _BLOCK):
            block = numbers[start : start + _BLOCK, None] * self._factors + self._terms
            np.minimum(least, block.min(axis=0), out=least)
        bands, rows = self._shape
        grid = least.reshape(bands, rows)
        total = np.zeros(bands, np.uint64)
        for row in range(rows):
            total = total * np.uint64(BASE) + grid[:, row]
        return mix(total)
