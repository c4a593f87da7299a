"""Near duplicates between two sets of texts, by the rules of filters (spec §12.5.18, §12.5.19)."""

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
"""Marks the texts that are near duplicates of another text."""

THRESHOLD, WORDS, SEED = Decimal("0.8"), 5, "0"
"""The defaults of ``near-duplicates/1``."""

ALIKE = f"near-duplicates/1, threshold {THRESHOLD}, words {WORDS}, seed {SEED}"
"""The method that finds texts with mostly the same shingles."""

METHOD = f"{ALIKE}; decontaminate/1; all that the model rests on"
"""The method that also finds texts with the same normal form, or with 13 equal words in a row: a
part of a record, such as 60 % of it, does not have mostly the same shingles, but was seen."""


def find_near(texts: Iterable[str], others: Iterable[str], how: str = METHOD) -> list[bool]:
    """Return for each text whether another set contains a near duplicate of it.

    All pairs with the same number in a band are compared exactly. A limit of 64, as for clusters,
    would make the result depend on the order of texts.

    Args:
        texts: The texts to check.
        others: The texts to compare with; iterated once.
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
    """Return a function that marks the texts with mostly the same shingles as another text."""
    shingles = Shingles(WORDS)
    minhash = MinHash(SEED, bands_for(THRESHOLD))
    billionths = int(THRESHOLD * BILLION)
    # Equal numbers in different bands get different keys; a collision costs a comparison only.
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
    """Return a function that marks the texts that ``decontaminate/1`` drops as near duplicates."""
    shingles = Shingles(IN_A_ROW)
    normal: dict[bytes, list[int]] = {}
    numbers: list[Numbers] = []
    for at, text in enumerate(texts):
        if is_blank(text):
            numbers.append(np.zeros(0, np.uint64))
            continue
        normal.setdefault(_digest(text), []).append(at)
        numbers.append(np.unique(shingles.of(text)))
    keys = np.concatenate([*numbers, np.zeros(0, np.uint64)])
    holders = np.repeat(np.arange(len(numbers)), list(map(len, numbers)))
    order = np.argsort(keys, kind="stable")
    keys, holders = keys[order], holders[order]

    def mark(other: str) -> None:
        if not is_blank(other):
            near[normal.get(_digest(other), [])] = True
            near[_holders(keys, holders, np.unique(shingles.of(other)))] = True

    return mark


def _holders(keys: Numbers, holders: NDArray[np.int64], wanted: Numbers) -> list[int]:
    """Return the holders of any of the wanted numbers; ``keys`` are sorted."""
    first, end = (np.searchsorted(keys, wanted, side) for side in ("left", "right"))
    ranges = zip(first[first < end].tolist(), end[first < end].tolist(), strict=True)
    return [at for low, high in ranges for at in holders[low:high].tolist()]


def _digest(text: str) -> bytes:
    return blake3(normalise(text).encode()).digest(16)
