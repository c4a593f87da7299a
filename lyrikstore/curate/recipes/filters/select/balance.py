"""``balance/1``: not more records of one value than of others (spec §12.5.21)."""

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
    """Keeps at most so many records of each value; which, a hash of seed and record id says.

    Cost: 16 bytes of each record on disk, and some 60 in memory.

    Attributes:
        by: The field; empty: that of the role ``label``.
        most: Most records of one value; None: as many as the rarest value has.
        seed: Another seed draws anew.
    """

    USE: ClassVar[str] = "balance/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter("by", "string", "the field; without it that of the role label", optional=True),
        Parameter(
            "most",
            "number",
            "most records of one value; without it as many as the rarest value has",
            optional=True,
            limits={"minimum": 1},
        ),
        Parameter("seed", "seed", "another seed draws anew", default="0"),
    )

    def __init__(self, by: str, most: int | None, seed: str) -> None:
        self.by, self.most, self.seed = by, most, seed

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the step.

        Raises:
            InvalidInputError: (``bad-recipe``) no record of a value could stay.
        """
        if values.get("most") == 0:
            raise InvalidInputError(
                "bad-recipe",
                "balance/1: most = 0 would keep nothing",
                hint="leave it out: then as many stay as the rarest value has",
            )
        return cls(values.get("by", ""), values.get("most"), values["seed"])

    def reads(self) -> tuple[str, ...]:
        """Return that the step reads its field, if it names one."""
        return (f"meta:{self.by}",) if self.by else ()

    def key(self) -> Callable[[FilterRecord], bytes]:
        """Return the digest of the value, or of all values of a list, and the hash of the record.

        Raises:
            InvalidInputError: (``no-label``) no field is named, and none is the label.
        """

        def find(record: FilterRecord) -> bytes:
            if self.by:
                found = record.roles.texts(record.fields, self.by)
            elif record.label:
                found = record.roles.labels(record.fields)
            else:
                raise InvalidInputError(
                    "no-label",
                    "balance/1 names no field, and none is the label",
                    hint="name it: by = FIELD, or commit --label FIELD",
                )
            digest = blake3(encode(sorted(set(found)))).digest(8)
            return digest + drawn(self.seed, record.drawn_id.hex)

        return find

    def judge(self, records: KeyedRecords) -> DatasetDecisions:
        """Return that of each value the records with the least hashes stay."""
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
        """Return nothing: there is no more to say."""
        return ""
