"""The order of records in training (spec §13.3).

It is a function of seed, epoch, record ids and token counts alone, so that a program in any
language can recompute the records of each step, without the library that trained.
"""

from collections.abc import Sequence

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError

FUNCTION = "blake3-order/2"
"""The name of this order in run manifests."""

WINDOW = 16
"""Batches of a window; records of one window are sorted by length."""

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
        tokens: The number of tokens that are read of each record.
        size: Records of a batch; the last batch of the last window may have fewer.
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


def rank_batches(
    records: Sequence[Digest], *, batch_size: int, seed: int, epoch: int, rank: int, ranks: int
) -> list[list[int]]:
    """Return the part of one rank in each batch of an epoch: ``blake3-order/1``.

    Record *k* of a batch goes to rank *k* modulo the number of ranks. So a batch is the same set of
    records for any number of ranks, and with one rank it is the whole batch, in order.

    Args:
        records: An id of each record, computed from its content, such as the
        :class:`Digest` of its line; the same ids in the same order on every rank.
        batch_size: Records of a batch of all ranks together; the last batch may have fewer.
        seed: 0 to 2^64-1.
        epoch: From 0, to 2^32-1.
        rank: Number of this process, from 0 (``RANK`` of ``torchrun``).
        ranks: How many processes there are (``WORLD_SIZE`` of ``torchrun``).

    Returns:
        For each batch the positions of ``records`` that the rank takes; every rank gets equally
        many batches. A rank for which the last batch has no record gets an empty list for it.

    Raises:
        InvalidInputError: (``bad-order``) a number is out of range, or an id is not a digest.
    """
    _check_number("batch_size", batch_size, 1, 2**63 - 1)
    _check_number("seed", seed, 0, 2**64 - 1)
    _check_number("epoch", epoch, 0, 2**32 - 1)
    _check_number("ranks", ranks, 1, 2**31 - 1)
    _check_number("rank", rank, 0, 2**31 - 1)
    if rank >= ranks:
        message = f"rank {rank} does not exist among {ranks}"
        raise InvalidInputError("bad-order", message, hint="ranks are numbered from 0")
    if not all(isinstance(record, Digest) for record in records):
        raise InvalidInputError(
            "bad-order",
            "a record id is not a digest",
            hint="pass Digest.of(…) of the bytes of each record",
        )
    order = epoch_order(records, seed=seed, epoch=epoch)
    starts = range(0, len(order), batch_size)
    return [order[start : start + batch_size][rank::ranks] for start in starts]


def padding_ratio(batches: Sequence[Sequence[int]], tokens: Sequence[int]) -> float:
    """Return the number of processed tokens, padding included, per token of the texts."""
    processed = sum(len(batch) * max(tokens[at] for at in batch) for batch in batches)
    return processed / max(1, sum(tokens[at] for batch in batches for at in batch))


def _check_number(name: str, value: object, low: int, high: int) -> None:
    # Environment variables are text: a caller that forgets int() gets an error.
    if not isinstance(value, int) or not low <= value <= high:
        raise InvalidInputError(
            "bad-order",
            f"{name} is {value!r:.80}, and not a whole number from {low} to {high}",
            hint=f"pass {name} as a number from {low} on",
        )


def _keys(records: Sequence[Digest], seed: int, epoch: int) -> list[bytes]:
    prefix = seed.to_bytes(8, "big") + epoch.to_bytes(4, "big")
    return [blake3(prefix + record.raw, derive_key_context=_CONTEXT).digest() for record in records]
