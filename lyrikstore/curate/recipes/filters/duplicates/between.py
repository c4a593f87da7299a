"""Near duplicates between two sets of texts, as ``near-duplicates/1`` tells them (§12.5.19)."""

from collections.abc import Iterable
from decimal import Decimal

import numpy as np

from lyrikstore.curate.recipes.filters.duplicates.clusters import BILLION, overlap
from lyrikstore.curate.recipes.filters.duplicates.minhash import MinHash, bands_for
from lyrikstore.curate.recipes.filters.duplicates.shingles import BASE, Numbers, Shingles

THRESHOLD, WORDS, SEED = Decimal("0.8"), 5, "0"
"""What ``near-duplicates/1`` uses where a recipe says nothing."""

METHOD = f"near-duplicates/1, threshold {THRESHOLD}, words {WORDS}, seed {SEED}"


def find_near(texts: Iterable[str], others: Iterable[str]) -> list[bool]:
    """Return, for each text, whether another set has one whose shingles are mostly the same.

    Every pair with the same number of a band is compared, exactly: the limit of 64 that clusters
    have would let the order of texts decide.

    Args:
        texts: Texts to look at.
        others: What they are compared with; read once, one at a time.

    Cost: memory for ``texts`` alone: 8 bytes for each of their words and some 600 for each text.
    Time grows with the words of both, and with the pairs that share a band.
    """
    shingles = Shingles(WORDS)
    minhash = MinHash(SEED, bands_for(THRESHOLD))
    billionths = int(THRESHOLD * BILLION)
    # The same number in another band is another key; a chance hit is only compared for nothing.
    apart = np.arange(bands_for(THRESHOLD), dtype=np.uint64) * np.uint64(BASE)

    def set_of(text: str) -> Numbers:
        return np.unique(shingles.of(text, whole=True))

    sets = [set_of(text) for text in texts]
    near = np.zeros(len(sets), bool)
    filled = [at for at, members in enumerate(sets) if len(members)]
    if not filled:
        return near.tolist()
    keys = np.concatenate([minhash.of(sets[at]) + apart for at in filled])
    holders = np.repeat(np.array(filled, np.int64), len(apart))
    order = np.argsort(keys, kind="stable")
    keys, holders = keys[order], holders[order]
    for other in others:
        members = set_of(other)
        if not len(members):
            continue
        asked = minhash.of(members) + apart
        first, end = (np.searchsorted(keys, asked, side) for side in ("left", "right"))
        ranges = zip(first[first < end].tolist(), end[first < end].tolist(), strict=True)
        for at in {at for low, high in ranges for at in holders[low:high].tolist()}:
            if not near[at]:
                shared, all_of = overlap(sets[at], members)
                near[at] = shared * BILLION >= billionths * all_of
    return near.tolist()
