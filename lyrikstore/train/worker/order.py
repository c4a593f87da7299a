"""The order in which training sees its records (spec §13.3).

A function of seed, epoch, record ids and token counts alone, so that anyone can recompute which
records were in which step, in any language, without the library that trained.
"""

from collections.abc import Sequence

from blake3 import blake3

from lyrikstore.canon.digest import Digest

FUNCTION = "blake3-order/2"
"""The name that run manifests give it."""

WINDOW = 16
"""Batches of a window, in which records are brought together by length."""

_CONTEXT = "lyrikstore 2026-11 training order"


def epoch_order(records: Sequence[Digest], *, seed: int, epoch: int) -> list[int]:
    """Return the positions of ``records`` in the order of one epoch: ``blake3-order/1``.

    Args:
        records: Record ids in storage order: files by path, records by position.
        seed: 0 to 2^64-1.
        epoch: From 0.

    Returns:
        A permutation of ``range(len(records))``: sorted by the BLAKE3 derive-key hash of seed
        (8 bytes, big endian), epoch (4 bytes, big endian) and record id; equal ids keep their
        storage order.
    """
    keys = _keys(records, seed, epoch)
    return sorted(range(len(records)), key=lambda at: (keys[at], at))


def epoch_batches(
    records: Sequence[Digest], tokens: Sequence[int], *, size: int, seed: int, epoch: int
) -> list[list[int]]:
    """Return the batches of one epoch, each as positions of ``records``: ``blake3-order/2``.

    The order of ``blake3-order/1`` is cut into windows of :data:`WINDOW` batches. In a window
    records are sorted by token count, of equals in that order, and cut into batches. All batches
    are then sorted by the hash of their first record.

    Args:
        records: Record ids in storage order.
        tokens: How many tokens of each are read.
        size: Records of a batch; the last one of the last window may have fewer.
        seed: 0 to 2^64-1.
        epoch: From 0.
    """
    keys = _keys(records, seed, epoch)
    order = sorted(range(len(records)), key=lambda at: (keys[at], at))
    batches: list[list[int]] = []
    for start in range(0, len(order), WINDOW * size):
        window = sorted(order[start : start + WINDOW * size], key=lambda at: tokens[at])
        batches += [window[first : first + size] for first in range(0, len(window), size)]
    return sorted(batches, key=lambda batch: (keys[batch[0]], batch[0]))


def padding_ratio(batches: Sequence[Sequence[int]], tokens: Sequence[int]) -> float:
    """Return how many tokens are processed for each one that is there."""
    processed = sum(len(batch) * max(tokens[at] for at in batch) for batch in batches)
    return processed / max(1, sum(tokens[at] for batch in batches for at in batch))


def _keys(records: Sequence[Digest], seed: int, epoch: int) -> list[bytes]:
    prefix = seed.to_bytes(8, "big") + epoch.to_bytes(4, "big")
    return [blake3(prefix + record.raw, derive_key_context=_CONTEXT).digest() for record in records]
