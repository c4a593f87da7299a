"""The order in which training sees its records (spec §13.3).

A function of seed, epoch and record ids alone, so that anyone can recompute which records were in
which step, in any language, without the library that trained.
"""

from collections.abc import Sequence

from blake3 import blake3

from lyrikstore.canon.digest import Digest

FUNCTION = "blake3-order/1"
"""The name that run manifests give it."""

_CONTEXT = "lyrikstore 2026-11 training order"


def epoch_order(records: Sequence[Digest], *, seed: int, epoch: int) -> list[int]:
    """Return the positions of ``records`` in the order of one epoch.

    Args:
        records: Record ids in storage order: files by path, records by position.
        seed: 0 to 2^64-1.
        epoch: From 0.

    Returns:
        A permutation of ``range(len(records))``: sorted by the BLAKE3 derive-key hash of seed
        (8 bytes, big endian), epoch (4 bytes, big endian) and record id; equal ids keep their
        storage order.
    """
    prefix = seed.to_bytes(8, "big") + epoch.to_bytes(4, "big")

    def rank(position: int) -> tuple[bytes, int]:
        message = prefix + records[position].raw
        return blake3(message, derive_key_context=_CONTEXT).digest(), position

    return sorted(range(len(records)), key=rank)
