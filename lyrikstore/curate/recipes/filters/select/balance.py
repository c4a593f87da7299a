"""``balance/1``: limits the number of records for each value of a field (spec §12.5.21)."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from blake3 import blake3

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import encode
from lyrikstore.curate.readers.sampling import drawn
from lyrikstore.curate.recipes.filters.contract import (
    DatasetFilter,
    FilterRecord,
)
from lyrikstore.curate.recipes.filters.dataset_steps import DatasetDecisions, KeyedRecords
from lyrikstore.curate.recipes.filters.parameters import Parameter
from lyrikstore.curate.recipes.filters.select.sample import places


class Balance(DatasetFilter):
    """Filter that keeps at most ``most`` records of each value, by a hash of seed and record id.

    Cost: 16 bytes for each record on disk, and some 60 in memory.

    Attributes:
        by: The field; empty: the field with the role ``label``.
        most: Most records of one value; None: as many as the rarest value has.
        seed: The seed; another seed draws other records.
    """

    USE: ClassVar[str] = "balance/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "by", "string", "the field; default: the field with the role label", optional=True
        ),
        Parameter(
            "most",
            "number",
            "most records of one value; default: as many as the rarest value has",
            optional=True,
            limits={"minimum": 1},
        ),
        Parameter("seed", "seed", "another seed draws other records", default="0"),
    )

    def __init__(self, by: str, most: int | None, seed: str) -> None:
        self.by, self.most, self.seed = by, most, seed

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step.

        Raises:
            InvalidInputError: (``bad-recipe``) ``most`` is 0.
        """
        if values.get("most") == 0:
            raise InvalidInputError(
                "bad-recipe",
                "balance/1: most = 0 would keep nothing",
                hint="omit `most` to keep as many records as the rarest value has",
            )
        return cls(values.get("by", ""), values.get("most"), values["seed"])

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: its field, if the recipe names one."""
        return (f"meta:{self.by}",) if self.by else ()

    def key(self) -> Callable[[FilterRecord], bytes]:
        """Return the function that computes a key: the digest of the values, and the record's hash.

        Raises:
            InvalidInputError: (``no-label``) the recipe names no field, and no field has the role
                label.
        """

        def find(record: FilterRecord) -> bytes:
            if self.by:
                values = record.roles.texts(record.fields, self.by)
            elif record.label:
                values = record.roles.labels(record.fields)
            else:
                raise InvalidInputError(
                    "no-label",
                    "the balance/1 step names no field, and no field has the role label",
                    hint="name the field: by = FIELD, or commit --label FIELD",
                )
            digest = blake3(encode(sorted(set(values)))).digest(8)
            return digest + drawn(self.seed, record.drawn_id.hex)

        return find

    def judge(self, records: KeyedRecords) -> DatasetDecisions:
        """Return decisions that keep, for each value, the records with the lowest hashes."""
        judgement = DatasetDecisions(len(records), ("balanced",))
        if not len(records):
            return judgement
        columns = records.columns(16)
        values, order = places(columns[:, :8]), places(columns[:, 8:])
        ranked = np.lexsort((order, values))
        ordered = values[ranked]
        starts = np.ones(len(ranked), bool)
        starts[1:] = ordered[1:] != ordered[:-1]
        first = np.flatnonzero(starts)
        rank = np.arange(len(ranked)) - first[np.cumsum(starts) - 1]
        most = self.most
        if most is None:
            most = int(np.diff(np.append(first, len(ranked))).min())
        judgement.drop(ranked[rank >= most], "balanced", -1)
        return judgement

    def detail(self, reason: str, other: str) -> str:  # noqa: ARG002
        """Return an empty detail: the reason explains the decision."""
        return ""
