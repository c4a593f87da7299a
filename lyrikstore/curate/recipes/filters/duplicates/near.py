"""``near-duplicates/1``: of texts that differ little one stays (spec §12.5.19)."""

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
"""Numbers before the bands of a key: labels, filled fields, digest of the shingles."""

_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class NearDuplicates(DatasetFilter):
    """Drops records whose text shares most of its shingles with that of another one.

    Attributes:
        threshold: From which Jaccard similarity on.
        words: How many words a shingle has.
        seed: Another seed compares other candidate pairs.
        drop_conflicts: Whether records of a cluster with different labels go.

    Cost: on disk for each record 8 bytes for each word and 280 more; in memory some 450.
    """

    USE: ClassVar[str] = "near-duplicates/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "threshold", "fraction", "share of the shingles that two texts have both", default="0.8"
        ),
        Parameter(
            "words",
            "number",
            "how many words in a row are compared",
            default=5,
            limits={"minimum": 1, "maximum": MAX_WORDS},
        ),
        Parameter("seed", "seed", "another seed looks at other candidates", default="0"),
        CONFLICTS,
    )

    threshold: Decimal
    words: int
    seed: str
    drop_conflicts: bool

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the step.

        Raises:
            InvalidInputError: (``bad-recipe``) a threshold below 0.5, or shingles of too many
                words.
        """
        threshold, words = Decimal(values["threshold"]), values["words"]
        if threshold < LEAST:
            raise InvalidInputError(
                "bad-recipe",
                f"near-duplicates/1: threshold is below {LEAST}: such texts are not alike",
                hint="such as threshold = 0.8",
            )
        if not 1 <= words <= MAX_WORDS:
            raise InvalidInputError(
                "bad-recipe",
                f"near-duplicates/1: words is not between 1 and {MAX_WORDS}",
                hint="such as words = 5; fewer find more in short texts",
            )
        return cls(threshold, words, values["seed"], values["conflicts"] == "drop")

    def reads(self) -> tuple[str, ...]:
        """Return that the step reads the text."""
        return (TEXT,)

    def way_out(self, roles: FieldRoles) -> str:
        """Return by what it compares records, and how they are compared by something else."""
        return compared_by(roles.text)

    @property
    def _bands(self) -> int:
        return bands_for(self.threshold)

    def key(self) -> Callable[[FilterRecord], bytes]:
        """Return what a record says, its bands, and its shingles, as numbers of 8 bytes."""
        shingles, minhash = Shingles(self.words), MinHash(self.seed, self._bands)

        def key(record: FilterRecord) -> bytes:
            found = np.unique(shingles.of(record.require_text(self.USE), whole=True))
            if not len(found):
                return standing(record)
            data = found.astype("<u8").tobytes()
            bands = minhash.of(found).astype("<u8").tobytes()
            return standing(record) + blake3(data).digest(8) + bands + data

        return key

    def judge(self, records: KeyedRecords) -> DatasetDecisions:
        """Return that the best of each cluster stays, and of each label that it has."""
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
        found = group_duplicates(grouping, labels, drop_conflicts=self.drop_conflicts)
        judgement.drop(found.dropped, NEAR, found.kept)
        tell = judgement.drop if self.drop_conflicts else judgement.report
        tell(found.conflicting, CONFLICT, found.others)
        for at, other in (
            *zip(found.dropped.tolist(), found.kept.tolist(), strict=True),
            *zip(found.conflicting.tolist(), found.others.tolist(), strict=True),
        ):
            shared, all_of = overlap(set_of(at), set_of(other))
            judgement.liken(at, shared * 10_000 // all_of)
        return judgement

    def detail(self, reason: str, other: str) -> str:
        """Return which record it is like."""
        if reason == CONFLICT:
            return f"like another one, with another label: {other}"
        return f"like {other}"


def _gather(numbers: Numbers, starts: Numbers, width: int) -> Numbers:
    """Return so many numbers from each start on, read in order and a block at a time."""
    found = np.empty((len(starts), width), np.uint64)
    for first in range(0, len(starts), _BLOCK):
        some = starts[first : first + _BLOCK, None] + np.arange(width)
        found[first : first + _BLOCK] = numbers[some]
    return found
