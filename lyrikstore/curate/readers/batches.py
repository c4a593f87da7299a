"""Batches of records, limited in number and in bytes."""

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from lyrikstore.canon.json import JSON

BATCH_ROWS: Final = 8192
"""Most records of a batch."""

BATCH_BYTES: Final = 4 << 20
"""Bytes from which a batch is full; its last record may make it larger."""

T = TypeVar("T")


def batched(items: Iterable[tuple[T, int]]) -> Iterator[list[T]]:
    """Yield items in lists; each list is yielded as soon as it is full.

    Args:
        items: The items, each with its exact or approximate size in bytes.
    """
    batch: list[T] = []
    size = 0
    for item, item_size in items:
        batch.append(item)
        size += item_size
        if len(batch) == BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def rough_size(value: JSON) -> int:
    """Return the approximate size of a value as JSON in bytes, without encoding it."""
    if isinstance(value, str):
        return len(value) + 2
    if isinstance(value, dict):
        return sum(len(name) + rough_size(one) for name, one in value.items()) + 2
    if isinstance(value, list):
        return sum(map(rough_size, value)) + 2
    return 8
