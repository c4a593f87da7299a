"""``split/3``: deals records as ``split/2`` does, by nothing that was taken out (spec §12.5.29)."""

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
    """Deals records into parts; those of one group, and what was made of one record, never part.

    A group is dealt by its value as long as all its records still have it, and else by the record
    ids of what they have become: the part that it gets says nothing about the value.

    Cost: 41 bytes of each record on disk, and some 100 in memory.

    Attributes:
        seed: Another seed deals anew.
        by: The field of the groups; empty: that of the role ``group``, else each record is one.
        bounds: (part, exclusive upper bound of the 64-bit number), parts with share 0 left out.
    """

    USE: ClassVar[str] = "split/3"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = tuple(
        one for one in SplitByField.PARAMETERS if one.name in ("by", "seed")
    ) + tuple(one for one in Split.PARAMETERS if one.name in PARTS)

    def __init__(self, seed: str, by: str, bounds: tuple[tuple[str, int], ...]) -> None:
        self.seed, self.by, self.bounds = seed, by, bounds

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the step.

        Raises:
            InvalidInputError: (``bad-recipe``) the shares do not add up to 1.
        """
        dealt = Split.configure(values)
        return cls(dealt.seed, dealt.by or "", dealt.bounds)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that can receive records, in order."""
        return tuple(part for part, _ in self.bounds)

    def reads(self) -> tuple[str, ...]:
        """Return that the step reads the field of the groups, if it names one."""
        return (f"meta:{self.by}",) if self.by else ()

    def group(self, roles: FieldRoles) -> str:
        """Return the field whose equal values stay together; empty: each record is a group."""
        return self.by or roles.group

    def key(self) -> Callable[[FilterRecord], bytes]:
        """Return the function that gives what is known of a record's group, and its numbers."""

        def find(record: FilterRecord) -> bytes:
            by = self.group(record.roles)
            # The source's value tells who belongs together, even where a step has redacted it.
            source = record.source if by in record.source else record.fields
            value = as_text(source.get(by)) if by else None
            stays = value is not None and as_text(record.fields.get(by)) == value
            # What was made of one record stays together.
            group = [record.path, record.position] if value is None else [value]
            own = record.drawn_id.hex
            numbers = (
                int.from_bytes(_hash(own).digest(8), "big"),
                split_number(self.seed, "record", own),
                split_number(self.seed, "value", value) if stays and value is not None else 0,
            )
            told = b"".join(number.to_bytes(8, "big") for number in numbers)
            return _hash(encode(group).decode()).digest(16) + told + bytes([stays])

        return find

    def judge(self, records: KeyedRecords) -> DatasetDecisions:
        """Return the part of each record."""
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
        # The first of a group in an order that nothing in the source decides speaks for all.
        numbers = np.where(stays, dealt[ranked[firsts]], own[ranked[firsts]])
        bounds = np.array([bound for _, bound in self.bounds[:-1]], np.uint64)
        part = np.empty(len(ranked), np.int64)
        part[ranked] = np.searchsorted(bounds, numbers, "right")[np.cumsum(starts) - 1]
        judgement.deal(self.parts, part)
        return judgement

    def detail(self, reason: str, other: str) -> str:  # noqa: ARG002
        """Return nothing: no record is dropped."""
        return ""


def _hash(text: str) -> blake3:
    return blake3(text.encode(), derive_key_context=_ORDER)
