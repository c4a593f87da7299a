"""The draw of a queue, which follows from the log and not from whoever asks (spec §26.4)."""

import heapq
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode
from lyrikstore.verify.review.model import QueueItem

_CONTEXT: Final = "lyrikstore 2026-12 review draw"


class DrawableRecord(Struct, frozen=True):
    """A record that may be drawn.

    Attributes:
        place: Its place in the dataset, in storage order, from 0.
        stratum: The values of the fields by which the draw is stratified; one for each field.
    """

    place: int
    stratum: tuple[tuple[str, ...], ...] = ()


def seed_of(root: bytes, request: Digest) -> bytes:
    """Return the seed of a draw, 32 bytes.

    ATTACK A217: whoever asks draws until the sample suits them. The seed follows from the root of
    the log that covers the request, so each draw needs a request that everybody sees.

    Args:
        root: The root of the log whose last entry is the request, 32 bytes.
        request: Id of the request.
    """
    return blake3(root + request.raw, derive_key_context=_CONTEXT).digest()


def draw(seed: bytes, records: Iterable[DrawableRecord], count: int) -> list[int]:
    """Return the places of the records that are drawn, in the order of the items.

    Args:
        seed: As :func:`seed_of` returns it.
        records: All records of the dataset.
        count: How many are drawn; 0: all. If there are fewer, all are drawn.

    Cost: with ``count`` and one stratum, memory for ``count`` records; else for all of them.
    """
    strata: dict[bytes, list[tuple[bytes, int]]] = {}
    for one in records:
        name = encode([list(values) for values in one.stratum])
        strata.setdefault(name, []).append((_key(seed, one.place), one.place))
    total = sum(len(some) for some in strata.values())
    shares = _shares({name: len(some) for name, some in strata.items()}, count or total)
    chosen = [key for name, some in strata.items() for key in heapq.nsmallest(shares[name], some)]
    return [place for _, place in sorted(chosen)]


def assigned(places: Sequence[int], reviewers: int, overlap: str) -> list[QueueItem]:
    """Return the items of a queue, each with the reviewers who decide it.

    Args:
        places: The places that were drawn, in their order.
        reviewers: How many reviewers there are.
        overlap: The share of the items that two reviewers decide, as the request states it.
    """
    share = Fraction(overlap) * len(places)
    twice = -(-share.numerator // share.denominator) if reviewers > 1 else 0
    return [
        QueueItem(
            item,
            place,
            (item % reviewers, (item + 1) % reviewers) if item < twice else (item % reviewers,),
        )
        for item, place in enumerate(places)
    ]


def own_order(seed: bytes, reviewer: str, items: Iterable[int]) -> list[int]:
    """Return items in the order in which a reviewer is shown them, which differs from others'."""
    return sorted(
        items,
        key=lambda item: blake3(reviewer.encode() + item.to_bytes(8, "big"), key=seed).digest(),
    )


def _key(seed: bytes, place: int) -> bytes:
    return blake3(place.to_bytes(8, "big"), key=seed).digest()


def _shares(sizes: dict[bytes, int], count: int) -> dict[bytes, int]:
    """Return how many records of each stratum are drawn, by the largest remainder."""
    total = sum(sizes.values())
    if count >= total:
        return sizes
    shares = {name: count * size // total for name, size in sizes.items()}
    by_remainder = sorted(sizes, key=lambda name: (-(count * sizes[name] % total), name))
    for name in by_remainder[: count - sum(shares.values())]:
        shares[name] += 1
    return shares
