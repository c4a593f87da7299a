"""The contract every filter meets: pure, deterministic, with a reason for what it does.

Normative text: spec §12.5.1. A filter sees one record at a time, in path order, and
returns an outcome; it has no clock, no randomness, no network and no files.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.recipes.filters.parameters import Parameter

TEXT = "text"
"""The field name of a document's text; sheet columns are ``meta:COLUMN``."""


class Candidate(Struct, frozen=True):
    """A record on its way through a recipe.

    Attributes:
        path: The record's path; no filter changes it.
        id: The record id in the source dataset.
        text: The text as earlier steps left it; ``None`` if the bytes are not UTF-8, or if no
            step of the recipe reads text.
        meta: The metadata as earlier steps left it.
        source_meta: The metadata as the source dataset has it.
    """

    path: str
    id: Digest
    text: str | None
    meta: Mapping[str, str]
    source_meta: Mapping[str, str]

    def require_text(self, use: str) -> str:
        """Return the text.

        Raises:
            InvalidInputError: (``undecodable-text``) the bytes are not UTF-8.
        """
        if self.text is None:
            raise InvalidInputError(
                "undecodable-text",
                f"{self.path}: not UTF-8 text, so {use} cannot read it",
                hint='put a step with use = "drop-empty/1" first, or convert the file to UTF-8',
                details={"path": self.path},
            )
        return self.text


class Keep(Struct, frozen=True):
    """The record stays as it is.

    Attributes:
        part: The part it goes to, if the filter splits.
    """

    part: str | None = None


class Drop(Struct, frozen=True):
    """The record goes.

    Attributes:
        reason: Stable code; counts are summed by it.
        detail: For people and programs: the kept twin's id, the value that is not allowed.
    """

    reason: str
    detail: str = ""


class FieldChange(Struct, frozen=True):
    """What changed in one field, without the text that went.

    Attributes:
        field: :data:`TEXT` or ``meta:COLUMN``.
        reason: Stable code, such as ``redacted-email``.
        count: How many places.
        spans: Where the replacements stand in the field's new value: UTF-8 byte offsets.
        before: Digest of the field's old UTF-8 bytes; only of texts, because the digest of a
            short cell could be guessed back.
    """

    field: str
    reason: str
    count: int
    spans: tuple[tuple[int, int], ...]
    before: Digest | None = None


class Change(Struct, frozen=True):
    """The record stays, changed.

    Attributes:
        text: The new text, or ``None`` if it is as before.
        meta: The new metadata, all of it.
        changes: At least one.
    """

    text: str | None
    meta: Mapping[str, str]
    changes: tuple[FieldChange, ...]


Outcome = Keep | Drop | Change
Decide = Callable[[Candidate], Outcome]


class Filter(ABC):
    """One configured step of a recipe.

    Attributes:
        USE: Name and version, as recipes write them.
        PARAMETERS: What the step takes.
    """

    USE: ClassVar[str]
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = ()

    @classmethod
    @abstractmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the step for parameter values that satisfy :attr:`PARAMETERS`.

        Raises:
            InvalidInputError: (``bad-recipe``) values that contradict each other.
        """

    @abstractmethod
    def reads(self) -> tuple[str, ...]:
        """Return the fields the step reads: ``text``, ``meta:COLUMN``, or ``meta:*`` for all."""

    @abstractmethod
    def start(self) -> Decide:
        """Return the decision function for one pass over a dataset, called in path order."""


Judge = Callable[[bytes, Digest, str], Keep | Drop]
"""Given the key, the id and the path of a record, says whether it stays."""


class OrderedFilter(Filter):
    """A step whose decision depends on earlier records, but only through a key of each.

    The key can be worked out anywhere; the judging is done in path order, in one place.
    """

    @abstractmethod
    def key(self, candidate: Candidate) -> bytes:
        """Return what the decision needs of the record alone."""

    @abstractmethod
    def judge(self) -> Judge:
        """Return the decision function for one pass over a dataset, called in path order."""

    def start(self) -> Decide:
        """Return the decision function for one pass over whole records."""
        judge = self.judge()
        return lambda candidate: judge(self.key(candidate), candidate.id, candidate.path)
