"""Filters tried without a store: rows and documents made by hand, and what a step says of them."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from lyrikstore.canon.digest import Digest
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.filters.contract import (
    DatasetFilter,
    Filter,
    FilterRecord,
    Outcome,
)
from lyrikstore.curate.recipes.filters.dataset_steps import DatasetDecisions, KeyedRecords
from lyrikstore.curate.recipes.recipe import parse_recipe


def step(toml: str) -> Any:
    """Return the one step of a recipe."""
    return parse_recipe(f"recipe = 1\n[[step]]\n{toml}".encode()).steps[0].filter


def row(position: int = 0, _texts: tuple[str, ...] = ("text",), **fields: Any) -> FilterRecord:
    """Return a row whose label is the field ``label``."""
    identity = Digest.of(json.dumps(fields).encode())
    return FilterRecord(
        "rows.jsonl", position, identity, fields, fields, _texts, FieldRoles(_texts, "label")
    )


def document(text: str | None, path: str = "a.txt", **meta: str) -> FilterRecord:
    """Return a document with what a sheet says of it; no text: its bytes are no UTF-8."""
    fields = meta if text is None else {**meta, "": text}
    identity = Digest.of((text or "").encode())
    return FilterRecord(path, 0, identity, fields, fields, roles=FieldRoles(label="label"))


def decisions_of(step: DatasetFilter, records: Sequence[FilterRecord]) -> DatasetDecisions:
    """Return what a step for the whole dataset says of records."""
    key = step.key()
    keys = [key(record) for record in records]
    ends = np.cumsum([len(one) for one in keys], dtype=np.int64)
    return step.judge(KeyedRecords(np.frombuffer(b"".join(keys), np.uint8), ends))


def judged(step: DatasetFilter, records: Sequence[FilterRecord]) -> list[Any]:
    """Return what a step for the whole dataset says of each record."""
    judgement = decisions_of(step, records)
    return [judgement.of(at) for at in range(len(records))]


def decided(step: Filter, *records: FilterRecord) -> list[Outcome]:
    """Return what a step says of records, each alone."""
    decide = step.start()
    return [decide(record) for record in records]
