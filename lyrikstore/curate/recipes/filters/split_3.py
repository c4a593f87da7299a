"""``split/3``: splits records as ``split/2``, without use of removed data (spec §12.5.29)."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from blake3 import blake3

from lyrikstore.canon.json import encode
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.rows import as_text
from lyrikstore.curate.recipes.filters.contract import DatasetFilter, FilterRecord
from lyrikstore.curate.recipes.filters.dataset_steps import DatasetDecisions, KeyedRecords
from lyrikstore.curate.recipes.filters.parameters import Parameter
from lyrikstore.curate.recipes.filters.select.sample import places
from lyrikstore.curate.recipes.filters.split import PARTS, Split, split_number
from lyrikstore.curate.recipes.filters.split_2 import SplitByField

_ORDER = "lyrikstore 2026-12 split order"
_KEY_BYTES = 41


class SplitGroups(DatasetFilter):
    """Filter that splits records into parts.

    All records of a group, and all that were made from one source record, get into the same part.
    The group's value decides if all its records still have it; otherwise the new record ids decide,
    so that the part reveals nothing about the value.

    Cost: 41 bytes for each record on disk, and some 100 in memory.

    Attributes:
        seed: The seed; another seed gives another split.
        by: The field of the groups; empty: the field with the role ``group``, or each record alone.
        bounds: (part, exclusive upper bound of the 64-bit number), without parts of share 0.
    """

    USE: ClassVar[str] = "split/3"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = tuple(
        one for one in SplitByField.PARAMETERS if one.name in ("by", "seed")
    ) + tuple(one for one in Split.PARAMETERS if one.name in PARTS)

    def __init__(self, seed: str, by: str, bounds: tuple[tuple[str, int], ...]) -> None:
        self.seed, self.by, self.bounds = seed, by, bounds

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step.

        Raises:
            InvalidInputError: (``bad-recipe``) the shares do not add up to 1.
        """
        split = Split.configure(values)
        return cls(split.seed, split.by or "", split.bounds)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that can receive records, in order."""
        return tuple(part for part, _ in self.bounds)

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: the field of the groups, if the recipe names one."""
        return (f"meta:{self.by}",) if self.by else ()

    def group(self, roles: FieldRoles) -> str:
        """Return the field of the groups; empty: each record is a group."""
        return self.by or roles.group

    def key(self) -> Callable[[FilterRecord], bytes]:
        """Return the function that computes a key: a hash of the group, and random numbers."""

        def find(record: FilterRecord) -> bytes:
            by = self.group(record.roles)
            # The value in the source decides the group, even if a step redacted it.
            source = record.source if by in record.source else record.fields
            value = as_text(source.get(by)) if by else None
            stays = value is not None and as_text(record.fields.get(by)) == value
            # Records that were made from one source record are a group.
            group = [record.path, record.position] if value is None else [value]
            own = record.drawn_id.hex
            numbers = (
                int.from_bytes(_hash(own).digest(8), "big"),
                split_number(self.seed, "record", own),
                split_number(self.seed, "value", value) if stays and value is not None else 0,
            )
            encoded = b"".join(number.to_bytes(8, "big") for number in numbers)
            return _hash(encode(group).decode()).digest(16) + encoded + bytes([stays])

        return find

    def judge(self, records: KeyedRecords) -> DatasetDecisions:
        """Return decisions that assign each record to a part."""
        judgement = DatasetDecisions(len(records), ())
        if not len(records):
            return judgement
        keys = records.columns(_KEY_BYTES)
        high, low, order, own, dealt = (places(keys[:, at : at + 8]) for at in range(0, 40, 8))
        ranked = np.lexsort((order, low, high))
        starts = np.ones(len(ranked), bool)
        starts[1:] = (high[ranked][1:] != high[ranked][:-1]) | (low[ranked][1:] != low[ranked][:-1])
        firsts = np.flatnonzero(starts)
        stays = np.minimum.reduceat(keys[:, 40][ranked], firsts).astype(bool)
        # One record decides for its group: the first in an order independent of the source.
        numbers = np.where(stays, dealt[ranked[firsts]], own[ranked[firsts]])
        bounds = np.array([bound for _, bound in self.bounds[:-1]], np.uint64)
        part = np.empty(len(ranked), np.int64)
        part[ranked] = np.searchsorted(bounds, numbers, "right")[np.cumsum(starts) - 1]
        judgement.deal(self.parts, part)
        return judgement

    def detail(self, reason: str, other: str) -> str:  # noqa: ARG002
        """Return an empty detail: the step drops no record."""
        return ""


def _hash(text: str) -> blake3:
    return blake3(text.encode(), derive_key_context=_ORDER)
