"""Staged records, in the form that every model candidate reads."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lyrikstore.canon.digest import Digest
from lyrikstore.train.worker.hashed_read import StagedFiles

T = TypeVar("T")

BATCH_RECORDS, BATCH_BYTES = 256, 1 << 20
"""Limits of a batch; a record with more bytes is a batch by itself."""


class Example(Struct, frozen=True):
    """One record.

    Attributes:
        id: Its record id.
        labels: Its labels.
        text: Its text.
        fields: Further input fields, as texts; a field without a value is absent.
    """

    id: Digest
    labels: tuple[str, ...]
    text: str
    fields: Mapping[str, str] = {}


def read_examples(files: StagedFiles, name: str) -> list[Example]:
    """Return the records of a staged dataset, in storage order."""
    return list(map(_example, files.lines(name)))


def example_batches(files: StagedFiles, name: str) -> Iterator[list[Example]]:
    """Yield the records of a staged dataset in batches, in storage order."""
    for lines in full_batches(files.lines(name), len):
        yield list(map(_example, lines))


def full_batches(some: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """Yield items in batches of :data:`BATCH_RECORDS`, or of less than :data:`BATCH_BYTES`.

    Args:
        some: The items.
        size: Function from an item to its length.
    """
    batch: list[T] = []
    total = 0
    for one in some:
        length = size(one)
        if batch and (len(batch) == BATCH_RECORDS or total + length > BATCH_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(one)
        total += length
    if batch:
        yield batch


def targets(examples: Iterable[Example], labels: Sequence[str]) -> NDArray[np.bool_]:
    """Return a boolean array of the labels of each record: records × labels."""
    numbers = {label: number for number, label in enumerate(labels)}
    listed = list(examples)
    found = np.zeros((len(listed), len(labels)), bool)
    for at, example in enumerate(listed):
        for label in example.labels:
            if label in numbers:
                found[at, numbers[label]] = True
    return found


def _example(line: bytes) -> Example:
    read: dict[str, Any] = json.loads(line)
    return Example(
        Digest.parse_hex(read["id"]), tuple(read["labels"]), read["text"], read.get("fields", {})
    )
