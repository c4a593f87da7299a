"""Staged records, as every candidate reads them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lyrikstore.canon.digest import Digest
from lyrikstore.train.worker.hashed_read import StagedFiles

BATCH_RECORDS, BATCH_BYTES = 256, 1 << 20
"""With either a batch is full; a longer record is one by itself."""


class Example(Struct, frozen=True):
    """One record.

    Attributes:
        id: Its record id.
        labels: Its labels.
        text: Its text.
        fields: Further fields that join the text, as texts; those without a value are absent.
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
    batch: list[Example] = []
    size = 0
    for line in files.lines(name):
        if batch and size + len(line) > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(_example(line))
        size += len(line)
        if len(batch) == BATCH_RECORDS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def targets(examples: Iterable[Example], labels: Sequence[str]) -> NDArray[np.bool_]:
    """Return which of these labels each record has: records × labels."""
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
