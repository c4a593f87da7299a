"""Resampling: the same draws in any language, of records or of groups (spec §13.9.4)."""

from collections.abc import Iterator

import numpy as np
from blake3 import blake3

from lyrikstore.verify.evaluation.answers import Numbers

RESAMPLES, LEVEL = 1000, "0.95"
CONTEXT = "lyrikstore 2026-11 resampling"

Weights = Numbers
"""Number of times each record was drawn."""


def draws(count: int, *, seed: int, groups: Numbers | None = None) -> Iterator[Weights]:
    """Yield, for each resample, the number of times each record is drawn.

    Draw *i* of resample *r* is number *i* of the 8-byte little-endian numbers in the output of
    BLAKE3 over seed and *r*, modulo the number of records or groups. A draw of a group takes all of
    its records.

    Args:
        count: Records.
        seed: 0 to 2^64-1.
        groups: Number of each record's group, from 0 without gaps; None: records are drawn.

    Cost: per resample, 8 bytes of output a draw.
    """
    drawn = count if groups is None else int(groups.max(initial=-1)) + 1
    for number in range(RESAMPLES if drawn else 0):
        message = seed.to_bytes(8, "big") + number.to_bytes(4, "big")
        output = blake3(message, derive_key_context=CONTEXT).digest(8 * drawn)
        places = (np.frombuffer(output, "<u8") % np.uint64(drawn)).astype(np.int64)
        weights = np.bincount(places, minlength=drawn).astype(np.int64)
        yield weights if groups is None else weights[groups]


def ends(resampled: Numbers) -> tuple[int, int]:
    """Return the 2.5th and 97.5th percentile of the resampled figures.

    Places 24.975 and 974.025 of the sorted figures, with linear interpolation, rounded down.
    """
    ordered = np.sort(resampled)
    low, above, below, high = (int(ordered[at]) for at in (24, 25, 974, 975))
    return (25 * low + 975 * above) // 1000, (975 * below + 25 * high) // 1000
