"""``sample/1``: some of the records, by a hash that nobody can steer (spec §12.5.20)."""

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
    """Keeps the records that a hash of seed and record id puts first.

    Cost: 8 bytes of each record on disk, and some 30 in memory.

    Attributes:
        count: How many stay; 0: a share of them.
        share: Share that stays, in billionths.
        seed: Another seed draws anew.
    """

    USE: ClassVar[str] = "sample/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter("records", "number", "how many records stay", optional=True),
        Parameter("share", "fraction", "share of the records that stays", optional=True),
        Parameter("seed", "seed", "another seed draws anew", default="0"),
    )
    TOGETHER: ClassVar[Mapping[str, Any]] = {
        "oneOf": [{"required": ["records"]}, {"required": ["share"]}]
    }

    def __init__(self, count: int, share: int, seed: str) -> None:
        self.count, self.share, self.seed = count, share, seed

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the step.

        Raises:
            InvalidInputError: (``bad-recipe``) not exactly one of records and share.
        """
        if ("records" in values) == ("share" in values):
            raise InvalidInputError(
                "bad-recipe",
                "sample/1 takes records or share",
                hint="such as records = 1000, or share = 0.1",
            )
        share = round(float(values.get("share", "0")) * 10**9)
        return cls(int(values.get("records", 0)), share, values["seed"])

    def reads(self) -> tuple[str, ...]:
        """Return nothing: the record id decides."""
        return ()

    def key(self) -> Callable[[FilterRecord], bytes]:
        """Return the hash of seed and record id."""
        return lambda record: drawn(self.seed, record.drawn_id.hex)

    def judge(self, records: KeyedRecords) -> DatasetDecisions:
        """Return that the records with the least hashes stay."""
        judgement = DatasetDecisions(len(records), ("not-sampled",))
        kept = self.count or len(records) * self.share // 10**9
        if len(records) > kept:
            order = np.argsort(places(records.columns(8)), kind="stable")
            judgement.drop(order[kept:], "not-sampled", -1)
        return judgement

    def detail(self, reason: str, other: str) -> str:  # noqa: ARG002
        """Return nothing: there is no more to say."""
        return ""


def places(keys: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Return keys of 8 bytes as numbers that order them."""
    numbers: np.ndarray[Any, Any] = np.ascontiguousarray(keys).view(">u8")[:, 0]
    return numbers
