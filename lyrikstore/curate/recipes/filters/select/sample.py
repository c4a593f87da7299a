"""``sample/1``: keeps a sample of the records, drawn by a hash (spec §12.5.20)."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import numpy as np

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.readers.sampling import drawn
from lyrikstore.curate.recipes.filters.contract import (
    DatasetFilter,
    FilterRecord,
)
from lyrikstore.curate.recipes.filters.dataset_steps import DatasetDecisions, KeyedRecords
from lyrikstore.curate.recipes.filters.parameters import Parameter


class Sample(DatasetFilter):
    """Filter that keeps the records with the lowest hashes of seed and record id.

    Cost: 8 bytes for each record on disk, and some 30 in memory.

    Attributes:
        count: Number of records to keep; 0: a share of them.
        share: Share of the records to keep, in billionths.
        seed: The seed; another seed draws other records.
    """

    USE: ClassVar[str] = "sample/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter("records", "number", "number of records to keep", optional=True),
        Parameter("share", "fraction", "share of the records to keep", optional=True),
        Parameter("seed", "seed", "another seed draws other records", default="0"),
    )
    TOGETHER: ClassVar[Mapping[str, Any]] = {
        "oneOf": [{"required": ["records"]}, {"required": ["share"]}]
    }

    def __init__(self, count: int, share: int, seed: str) -> None:
        self.count, self.share, self.seed = count, share, seed

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step.

        Raises:
            InvalidInputError: (``bad-recipe``) neither ``records`` nor ``share`` is set, or both
                are.
        """
        if ("records" in values) == ("share" in values):
            raise InvalidInputError(
                "bad-recipe",
                "the sample/1 step needs either records or share",
                hint="such as records = 1000, or share = 0.1",
            )
        share = round(float(values.get("share", "0")) * 10**9)
        return cls(int(values.get("records", 0)), share, values["seed"])

    def reads(self) -> tuple[str, ...]:
        """Return no inputs: the record id decides."""
        return ()

    def key(self) -> Callable[[FilterRecord], bytes]:
        """Return the function that computes a key: the hash of seed and record id."""
        return lambda record: drawn(self.seed, record.drawn_id.hex)

    def judge(self, records: KeyedRecords) -> DatasetDecisions:
        """Return decisions that keep the records with the lowest hashes."""
        judgement = DatasetDecisions(len(records), ("not-sampled",))
        kept = self.count or len(records) * self.share // 10**9
        if len(records) > kept:
            order = np.argsort(places(records.columns(8)), kind="stable")
            judgement.drop(order[kept:], "not-sampled", -1)
        return judgement

    def detail(self, reason: str, other: str) -> str:  # noqa: ARG002
        """Return an empty detail: the reason explains the decision."""
        return ""


def places(keys: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Return keys of 8 bytes as numbers in the same order."""
    numbers: np.ndarray[Any, Any] = np.ascontiguousarray(keys).view(">u8")[:, 0]
    return numbers
