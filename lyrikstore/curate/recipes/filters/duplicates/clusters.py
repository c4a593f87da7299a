"""Clusters of sets that are alike: MinHash proposes pairs, Jaccard decides (spec §12.5.19)."""

from array import array
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lyrikstore.curate.recipes.filters.duplicates.shingles import Numbers

WINDOW = 64
"""Each set is compared with at most so many earlier ones of its bucket; all would cost n²."""

BILLION = 10**9

Places = np.ndarray[Any, np.dtype[np.signedinteger[Any]]]

SetOf = Callable[[int], Numbers]
"""Returns a set as sorted numbers without repeats."""


def clusters_of(
    digests: Numbers, sizes: Places, bands: Numbers, set_of: SetOf, billionths: int
) -> Places:
    """Return for each set the first set of its cluster; linked sets form a cluster.

    Args:
        digests: The digest of each set; sets are equal if their digests are.
        sizes: The number of members of each set.
        bands: The MinHash numbers of each set, a row for each.
        set_of: Returns the set at an index.
        billionths: The least Jaccard similarity of linked sets, in billionths.

    Cost: a sort for each band, some 15 µs for each compared pair, 24 bytes for each set.
    """
    _, first, same = np.unique(digests, return_index=True, return_inverse=True)
    links = _Links(len(digests))
    for at, other in enumerate(first[same]):
        links.join(int(other), at)
    distinct = np.sort(first)
    unlike = np.zeros(0, np.int64)
    for band in range(bands.shape[1]):
        fresh: list[int] = []
        for one, other in _pairs(bands[distinct, band], distinct, sizes, billionths):
            codes = one * np.int64(len(digests)) + other
            known = np.isin(codes, unlike, assume_unique=True)
            for a, b in zip(one[~known].tolist(), other[~known].tolist(), strict=True):
                if links.find(a) == links.find(b):
                    continue
                shared, all_of = overlap(set_of(a), set_of(b))
                if shared * BILLION >= billionths * all_of:
                    links.join(a, b)
                else:
                    fresh.append(a * len(digests) + b)
        if fresh:
            unlike = np.union1d(unlike, np.array(fresh, np.int64))
    return np.fromiter(map(links.find, range(len(digests))), np.int64, len(digests))


def overlap(one: Numbers, other: Numbers) -> tuple[int, int]:
    """Return the sizes of the intersection and of the union of two sets."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared, len(one) + len(other) - shared


def _pairs(
    numbers: Numbers, places: Places, sizes: Places, billionths: int
) -> Iterator[tuple[Places, Places]]:
    """Yield pairs of sets with the same number whose sizes allow the wanted similarity."""
    order = np.argsort(numbers, kind="stable")
    ordered, at = numbers[order], places[order]
    for distance in range(1, WINDOW + 1):
        same = np.flatnonzero(ordered[distance:] == ordered[:-distance])
        if not len(same):
            return
        one, other = at[same], at[same + distance]
        small = np.minimum(sizes[one], sizes[other]).astype(np.int64)
        large = np.maximum(sizes[one], sizes[other]).astype(np.int64)
        near = small * BILLION >= billionths * large
        yield one[near], other[near]


class _Links:
    """Disjoint sets, each named by its first member."""

    def __init__(self, count: int) -> None:
        self._parents = array("q", range(count))

    def find(self, at: int) -> int:
        parents = self._parents
        while parents[at] != at:
            parents[at] = parents[parents[at]]
            at = parents[at]
        return at

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.find(one), self.find(other)))
        self._parents[high] = low
