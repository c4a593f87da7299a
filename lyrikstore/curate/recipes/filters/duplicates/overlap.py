"""``decontaminate/1``: drops records that overlap with a test set (spec §12.5.18)."""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import msgspec
import numpy as np
from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.readers.fields import say_which
from lyrikstore.curate.recipes.filters.contract import (
    TEXT,
    Decide,
    Drop,
    FieldReport,
    Filter,
    FilterRecord,
    Keep,
    OtherRecord,
    Outcome,
)
from lyrikstore.curate.recipes.filters.duplicates.shingles import Shingles
from lyrikstore.curate.recipes.filters.parameters import Parameter
from lyrikstore.curate.text import is_blank, normalise

WORDS = 13
EXACT, NORMALISED, SHINGLE = "overlap-exact", "overlap-normalised", "overlap-13-gram"


class ComparedTexts(Struct, frozen=True):
    """The prepared data of a test set.

    Attributes:
        places: File and position of each record, 8 bytes each.
        exact: The digest of each text, 16 bytes.
        normal: The digest of each text in normal form, 16 bytes.
        shingles: The numbers of all shingles, sorted, 8 bytes each.
        holders: For each shingle the first record with it, 4 bytes.
    """

    places: bytes
    exact: bytes
    normal: bytes
    shingles: bytes
    holders: bytes


@dataclass(frozen=True, slots=True)
class Decontaminate(Filter):
    """Filter that drops records whose text, or 13 words of it in a row, is in a test set.

    Attributes:
        against: The test set, as the recipe names it.
        report: Whether to report such records instead.
        prepared: The prepared data of the test set; None until :meth:`bind`.

    Cost: in each process, 12 bytes for each word of the test set, and some 150 for each record.
    """

    USE: ClassVar[str] = "decontaminate/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter("against", "string", "the test set: a dataset, or a version of one"),
        Parameter("report", "boolean", "whether to keep and report such records", default=False),
    )

    against: str
    report: bool
    prepared: ComparedTexts | None = None

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step."""
        return cls(values["against"], values["report"])

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: the text."""
        return (TEXT,)

    @property
    def refs(self) -> tuple[str, ...]:
        """The test set."""
        return (self.against,)

    def prepare(self, records: Iterable[FilterRecord]) -> bytes:
        """Return the prepared data of the test set.

        Raises:
            InvalidInputError: (``no-text``) no field of the test set has the role text, or it
                contains no text.
        """
        texts = Shingles(WORDS)
        places, exact, normal = array("q"), bytearray(), bytearray()
        numbers, holders = array("Q"), array("I")
        for record in records:
            text = record.text
            if not text or is_blank(text):
                continue
            shingles = texts.of(text)
            numbers.frombytes(shingles.tobytes())
            holders.extend([len(places) // 2] * len(shingles))
            places.extend((record.file, record.position))
            exact += _digest(text)
            normal += _digest(normalise(text))
        if not places:
            raise InvalidInputError(
                "no-text",
                f"the test set {self.against} contains no text",
                hint=f"name another dataset, or {say_which('--text FIELD')}",
            )
        every, first = np.unique(np.frombuffer(numbers, np.uint64), return_index=True)
        held = np.frombuffer(holders, np.uint32)[first]
        known = ComparedTexts(
            places.tobytes(), bytes(exact), bytes(normal), every.tobytes(), held.tobytes()
        )
        return msgspec.msgpack.encode(known)

    def bind(self, prepared: bytes) -> Self:
        """Return the step with the prepared data of the test set."""
        texts = msgspec.msgpack.decode(prepared, type=ComparedTexts)
        return type(self)(self.against, self.report, texts)

    def start(self) -> Decide:
        """Return the decision function."""
        known = self.prepared
        if known is None:
            raise TypeError("the step is not bound to a test set")
        firsts = {EXACT: _firsts(known.exact), NORMALISED: _firsts(known.normal)}
        shingles = np.frombuffer(known.shingles, np.uint64)
        holders = np.frombuffer(known.holders, np.uint32)
        records = np.frombuffer(known.places, np.int64).reshape(-1, 2)
        texts = Shingles(WORDS)

        def find(text: str) -> tuple[str, int] | None:
            for reason, form in ((EXACT, text), (NORMALISED, normalise(text))):
                place = firsts[reason].get(_digest(form))
                if place is not None:
                    return reason, place
            numbers = texts.of(text)
            at = np.searchsorted(shingles, numbers)
            inside = at < len(shingles)
            hits = at[inside][shingles[at[inside]] == numbers[inside]]
            return (SHINGLE, int(holders[hits[0]])) if len(hits) else None

        def decide(record: FilterRecord) -> Outcome:
            text = record.require_text(self.USE)
            overlap = None if is_blank(text) else find(text)
            if overlap is None:
                return Keep()
            reason, place = overlap
            other = OtherRecord(*map(int, records[place]))
            called = f"record {other.position + 1} of file {other.file + 1} of {self.against}"
            detail = f"{WORDS} words of {called}" if reason == SHINGLE else f"text of {called}"
            if self.report:
                return Keep(reports=(FieldReport(reason, detail=detail, other=other),))
            return Drop(reason, detail, other)

        return decide


def _firsts(digests: bytes) -> dict[bytes, int]:
    """Return digest → index of the first record with it."""
    count = len(digests) // 16
    return {digests[at * 16 : at * 16 + 16]: at for at in reversed(range(count))}


def _digest(text: str) -> bytes:
    return blake3(text.encode()).digest(16)
