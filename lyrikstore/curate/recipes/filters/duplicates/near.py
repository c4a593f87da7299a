"""``near-duplicates/1``: keeps one record of those with similar texts (spec §12.5.19)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

import numpy as np
from blake3 import blake3

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.filters.contract import TEXT, DatasetFilter, FilterRecord
from lyrikstore.curate.recipes.filters.dataset_steps import DatasetDecisions, KeyedRecords
from lyrikstore.curate.recipes.filters.duplicates.clusters import BILLION, clusters_of, overlap
from lyrikstore.curate.recipes.filters.duplicates.first import compared_by
from lyrikstore.curate.recipes.filters.duplicates.minhash import MinHash, bands_for
from lyrikstore.curate.recipes.filters.duplicates.preference import (
    CONFLICT,
    group,
    group_duplicates,
    standing,
)
from lyrikstore.curate.recipes.filters.duplicates.richest import CONFLICTS
from lyrikstore.curate.recipes.filters.duplicates.shingles import Numbers, Shingles
from lyrikstore.curate.recipes.filters.parameters import Parameter

NEAR = "near-duplicate"
LEAST = Decimal("0.5")
MAX_WORDS = 100

_HEAD = 3
"""Count of numbers before the bands in a key: labels, filled fields, digest of the shingles."""

_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class NearDuplicates(DatasetFilter):
    """Filter that drops records whose text shares most shingles with that of another record.

    Attributes:
        threshold: The least Jaccard similarity of near duplicates.
        words: Number of words in a shingle.
        seed: The seed of MinHash; another seed compares other candidate pairs.
        drop_conflicts: Whether to drop records of a cluster with different labels.

    Cost: for each record 280 bytes on disk, and 8 for each of its words; some 450 bytes in memory.
    """

    USE: ClassVar[str] = "near-duplicates/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "threshold",
            "fraction",
            "share of shingles that two texts have in common",
            default="0.8",
        ),
        Parameter(
            "words",
            "number",
            "number of words in a shingle",
            default=5,
            limits={"minimum": 1, "maximum": MAX_WORDS},
        ),
        Parameter("seed", "seed", "another seed compares other candidates", default="0"),
        CONFLICTS,
    )

    threshold: Decimal
    words: int
    seed: str
    drop_conflicts: bool

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step.

        Raises:
            InvalidInputError: (``bad-recipe``) the threshold is below 0.5, or ``words`` is out of
                range.
        """
        threshold, words = Decimal(values["threshold"]), values["words"]
        if threshold < LEAST:
            raise InvalidInputError(
                "bad-recipe",
                f"near-duplicates/1: threshold is below {LEAST}; such texts differ too much",
                hint="such as threshold = 0.8",
            )
        if not 1 <= words <= MAX_WORDS:
            raise InvalidInputError(
                "bad-recipe",
                f"near-duplicates/1: words is not between 1 and {MAX_WORDS}",
                hint="such as words = 5; fewer words find more in short texts",
            )
        return cls(threshold, words, values["seed"], values["conflicts"] == "drop")

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: the text."""
        return (TEXT,)

    def way_out(self, roles: FieldRoles) -> str:
        """Return a hint: the fields that the step compares, and how to compare others."""
        return compared_by(roles.text)

    @property
    def _bands(self) -> int:
        return bands_for(self.threshold)

    def key(self) -> Callable[[FilterRecord], bytes]:
        """Return the function that computes a key: standing, digest, bands and shingles.

        All are numbers of 8 bytes; the digest is that of the shingles. A text without words has its
        standing only.
        """
        shingles, minhash = Shingles(self.words), MinHash(self.seed, self._bands)

        def key(record: FilterRecord) -> bytes:
            members = np.unique(shingles.of(record.require_text(self.USE), whole=True))
            if not len(members):
                return standing(record)
            data = members.astype("<u8").tobytes()
            bands = minhash.of(members).astype("<u8").tobytes()
            return standing(record) + blake3(data).digest(8) + bands + data

        return key

    def judge(self, records: KeyedRecords) -> DatasetDecisions:
        """Return decisions that keep, for each cluster and each label in it, the best record."""
        count = len(records)
        judgement = DatasetDecisions(count, (NEAR, CONFLICT))
        if not count:
            return judgement
        numbers, ends = records.numbers()
        starts = np.concatenate(([0], ends[:-1]))
        sizes = ends - starts - _HEAD - self._bands
        members = np.flatnonzero(sizes > 0)
        labels, filled = numbers[starts], numbers[starts + 1]

        def set_of(at: int) -> Numbers:
            return np.array(numbers[ends[at] - sizes[at] : ends[at]])

        heads = _gather(numbers, starts[members] + _HEAD - 1, 1 + self._bands)
        clusters = np.arange(count)
        clusters[members] = members[
            clusters_of(
                heads[:, 0],
                sizes[members],
                heads[:, 1:],
                lambda at: set_of(members[at]),
                int(self.threshold * BILLION),
            )
        ]
        del heads
        grouping = group((clusters,), np.zeros(count, bool), labels, filled)
        groups = group_duplicates(grouping, labels, drop_conflicts=self.drop_conflicts)
        judgement.drop(groups.dropped, NEAR, groups.kept)
        decide = judgement.drop if self.drop_conflicts else judgement.report
        decide(groups.conflicting, CONFLICT, groups.others)
        for at, other in (
            *zip(groups.dropped.tolist(), groups.kept.tolist(), strict=True),
            *zip(groups.conflicting.tolist(), groups.others.tolist(), strict=True),
        ):
            shared, all_of = overlap(set_of(at), set_of(other))
            judgement.liken(at, shared * 10_000 // all_of)
        return judgement

    def detail(self, reason: str, other: str) -> str:
        """Return the detail, with the name of the similar record."""
        if reason == CONFLICT:
            return f"similar to {other}, with another label"
        return f"similar to {other}"


def _gather(numbers: Numbers, starts: Numbers, width: int) -> Numbers:
    """Return ``width`` numbers from each start, read in order, one block at a time."""
    gathered = np.empty((len(starts), width), np.uint64)
    for first in range(0, len(starts), _BLOCK):
        some = starts[first : first + _BLOCK, None] + np.arange(width)
        gathered[first : first + _BLOCK] = numbers[some]
    return gathered
