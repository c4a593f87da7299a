"""Near duplicates between two sets of texts, as filters tell them (spec §12.5.18, §12.5.19)."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from lyrikstore.curate.recipes.filters.duplicates.clusters import BILLION, overlap
from lyrikstore.curate.recipes.filters.duplicates.minhash import MinHash, bands_for
from lyrikstore.curate.recipes.filters.duplicates.overlap import WORDS as IN_A_ROW
from lyrikstore.curate.recipes.filters.duplicates.shingles import BASE, Numbers, Shingles
from lyrikstore.curate.text import is_blank, normalise

Mark = Callable[[str], None]
"""Given another text, marks those that are nearly the same."""

THRESHOLD, WORDS, SEED = Decimal("0.8"), 5, "0"
"""What ``near-duplicates/1`` uses where a recipe says nothing."""

ALIKE = f"near-duplicates/1, threshold {THRESHOLD}, words {WORDS}, seed {SEED}"
"""Records of which most shingles are the same."""

METHOD = f"{ALIKE}; decontaminate/1; all that the model rests on"
"""These, and those with an equal normal form or 13 equal words in a row: a part
of a record, such as 60 % of it, is not mostly the same, and was seen nevertheless."""


def find_near(texts: Iterable[str], others: Iterable[str], how: str = METHOD) -> list[bool]:
    """Return, for each text, whether another set has one that is nearly the same.

    Every pair with the same number of a band is compared, exactly: the limit of 64 that clusters
    have would let the order of texts decide.

    Args:
        texts: Texts to look at.
        others: What they are compared with; read once, one at a time.
        how: :data:`METHOD`, or :data:`ALIKE` alone.

    Cost: memory for ``texts`` alone: 20 bytes for each of their words and some 800 for each text.
    Time grows with the words of both, and with the pairs that share a band.
    """
    texts = list(texts)
    near = np.zeros(len(texts), bool)
    marks = [_alike(texts, near), *([_shared(texts, near)] if how == METHOD else [])]
    for other in others:
        for mark in marks:
            mark(other)
    return near.tolist()


def _alike(texts: Sequence[str], near: NDArray[np.bool_]) -> Mark:
    """Return what marks the texts whose shingles are mostly those of another."""
    shingles = Shingles(WORDS)
    minhash = MinHash(SEED, bands_for(THRESHOLD))
    billionths = int(THRESHOLD * BILLION)
    # The same number in another band is another key; a chance hit is only compared for nothing.
    apart = np.arange(bands_for(THRESHOLD), dtype=np.uint64) * np.uint64(BASE)

    def set_of(text: str) -> Numbers:
        return np.unique(shingles.of(text, whole=True))

    sets = [set_of(text) for text in texts]
    filled = [at for at, members in enumerate(sets) if len(members)]
    keys = np.concatenate([minhash.of(sets[at]) + apart for at in filled] or [apart[:0]])
    holders = np.repeat(np.array(filled, np.int64), len(apart))
    order = np.argsort(keys, kind="stable")
    keys, holders = keys[order], holders[order]

    def mark(other: str) -> None:
        members = set_of(other)
        if not len(members):
            return
        for at in set(_holders(keys, holders, minhash.of(members) + apart)):
            if not near[at]:
                shared, all_of = overlap(sets[at], members)
                near[at] = shared * BILLION >= billionths * all_of

    return mark


def _shared(texts: Sequence[str], near: NDArray[np.bool_]) -> Mark:
    """Return what marks the texts that ``decontaminate/1`` drops for another."""
    shingles = Shingles(IN_A_ROW)
    normal: dict[bytes, list[int]] = {}
    found: list[Numbers] = []
    for at, text in enumerate(texts):
        if is_blank(text):
            found.append(np.zeros(0, np.uint64))
            continue
        normal.setdefault(_digest(text), []).append(at)
        found.append(np.unique(shingles.of(text)))
    keys = np.concatenate([*found, np.zeros(0, np.uint64)])
    holders = np.repeat(np.arange(len(found)), [len(one) for one in found])
    order = np.argsort(keys, kind="stable")
    keys, holders = keys[order], holders[order]

    def mark(other: str) -> None:
        if not is_blank(other):
            near[normal.get(_digest(other), [])] = True
            near[_holders(keys, holders, np.unique(shingles.of(other)))] = True

    return mark


def _holders(keys: Numbers, holders: NDArray[np.int64], asked: Numbers) -> list[int]:
    """Return who holds any of the numbers asked for, of sorted keys."""
    first, end = (np.searchsorted(keys, asked, side) for side in ("left", "right"))
    ranges = zip(first[first < end].tolist(), end[first < end].tolist(), strict=True)
    return [at for low, high in ranges for at in holders[low:high].tolist()]


def _digest(text: str) -> bytes:
    return blake3(normalise(text).encode()).digest(16)
