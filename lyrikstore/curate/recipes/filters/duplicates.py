"""``drop-duplicates/1``: keeps the first of equal texts (spec §12.5.3)."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.curate.recipes.filters.contract import (
    TEXT,
    Candidate,
    Drop,
    Judge,
    Keep,
    OrderedFilter,
)
from lyrikstore.curate.text import normalise


class DropDuplicates(OrderedFilter):
    """Drops records whose normalised text an earlier record already has.

    Cost: 32 bytes of digest and one path per distinct text.
    """

    USE: ClassVar[str] = "drop-duplicates/1"

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:  # noqa: ARG003
        """Return the step; it takes no parameters."""
        return cls()

    def reads(self) -> tuple[str, ...]:
        """Return that the step reads the text."""
        return (TEXT,)

    def key(self, candidate: Candidate) -> bytes:
        """Return the digest of the normalised text."""
        return blake3(normalise(candidate.require_text(self.USE)).encode()).digest()

    def judge(self) -> Judge:
        """Return a decision function that remembers the texts it has kept."""
        kept: dict[bytes, tuple[Digest, str]] = {}

        def decide(key: bytes, record: Digest, path: str) -> Keep | Drop:
            first = kept.setdefault(key, (record, path))
            if first[1] == path:
                return Keep()
            return Drop("duplicate", f"same text as record {first[0].hex} ({first[1]})")

        return decide
