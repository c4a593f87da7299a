"""The contract every filter meets: pure, deterministic, with a reason for what it does.

Normative text: spec §12.5.1. A filter sees one record at a time, in storage order, and returns an
outcome; it has no clock, no randomness, no network and no files. A record is a mapping of named
fields, whether it is a row or a document with what a sheet says of it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT, FieldRoles
from lyrikstore.curate.readers.rows import Fields, as_text
from lyrikstore.curate.recipes.filters.dataset_steps import DatasetDecisions, KeyedRecords
from lyrikstore.curate.recipes.filters.parameters import Parameter

TEXT = "text"
"""What a step reads that looks at the text of records; a field is ``meta:NAME``."""

DATA = "data"
"""What a step reads that looks at the bytes of documents."""


def reads_field(name: str) -> str:
    """Return what a step reads that looks at a field, or at the text of documents as ``text``."""
    return f"field:{name}"


DOCUMENT_TEXTS = frozenset((TEXT, reads_field(TEXT)))
"""What steps read for which the text of documents is needed."""


class OtherRecord(NamedTuple):
    """The place of another record, to which a decision points.

    Attributes:
        file: Which file it is in, from 0, in the order of their paths.
        position: Its place there, from 0.
        item: Which of the records that were made of it; None: the record itself.
    """

    file: int
    position: int
    item: int | None = None


class FilterRecord(Struct, frozen=True):
    """A record on its way through a recipe.

    Attributes:
        path: The path of its file in the source.
        position: Its place in that file, from 0.
        id: The record id in the source dataset; of one that a step made, that of its first line.
        fields: Its fields as earlier steps left them. A document's text has the name
            :data:`lyrikstore.curate.readers.fields.DOCUMENT_TEXT`; it is absent if the bytes are
            not UTF-8, or if no step of the recipe reads texts.
        source: The fields as the source dataset has them.
        text_fields: Names of the fields that are the text: of a document that one.
        roles: Which field has which role.
        data: The bytes of a document, if a step of the recipe reads them.
        origin: The record id of what a step made it of; of others their own.
        left: Its record id as the last step that takes personal data out left it; None if there
            was none, or it changed nothing.
        file: Which file of its dataset it is in, from 0; known of records to compare with.
        new_path: Of a document the path that a step gave it; None: it has that of its file.
    """

    path: str
    position: int
    id: Digest
    fields: Fields
    source: Fields
    text_fields: tuple[str, ...] = (DOCUMENT_TEXT,)
    roles: FieldRoles = FieldRoles()
    data: bytes = b""
    origin: Digest | None = None
    left: Digest | None = None
    file: int = 0
    new_path: str | None = None

    @property
    def place(self) -> str:
        """Where messages say it is: its file, and of a row the line."""
        return self.path if self.is_document else f"{self.path}:{self.position + 1}"

    @property
    def source_id(self) -> Digest:
        """The record id in the source dataset of what it is, or was made of."""
        return self.origin or self.id

    @property
    def drawn_id(self) -> Digest:
        """The record id by which lots are drawn: of what was taken out nothing follows from it."""
        return self.left or self.id

    @property
    def label(self) -> str:
        """Name of the field that holds its label; empty if none does."""
        return self.roles.label

    @property
    def is_document(self) -> bool:
        """Whether it is a whole file, and no row."""
        return self.text_fields == (DOCUMENT_TEXT,)

    @property
    def texts(self) -> list[tuple[str, str]]:
        """The texts in it, each with the name of its field; of a list of texts each."""
        found: list[tuple[str, str]] = []
        for name in self.text_fields:
            value = self.fields.get(name)
            if isinstance(value, str):
                found.append((name, value))
            elif isinstance(value, list):
                found += [(name, one) for one in value if isinstance(one, str)]
        return found

    @property
    def text(self) -> str | None:
        """The text: its texts with an empty line between; None for bytes that are not UTF-8."""
        if self.is_document:
            value = self.fields.get(DOCUMENT_TEXT)
            return value if isinstance(value, str) else None
        return "\n\n".join(text for _, text in self.texts)

    def require_text(self, use: str) -> str:
        """Return the text.

        Raises:
            InvalidInputError: (``undecodable-text``) the bytes are not UTF-8.
        """
        text = self.text
        if text is None:
            raise InvalidInputError(
                "undecodable-text",
                f"{self.path}: not UTF-8 text, so {use} cannot read it",
                hint='put a step with use = "drop-empty/1" first, or convert the file to UTF-8',
                details={"path": self.path},
            )
        return text

    def name_of(self, name: str) -> str:
        """Return the name under which it has what people call so: a document's text is ``text``."""
        return DOCUMENT_TEXT if name == TEXT and self.is_document else name

    def value(self, name: str) -> str | None:
        """Return a field as text; None if it has no value."""
        return as_text(self.fields.get(name))

    def others(self) -> list[str]:
        """Return the names of the fields that are not the text, sorted by their UTF-8 bytes."""
        return sorted(
            (name for name in self.fields if name not in self.text_fields), key=str.encode
        )

    def called(self, name: str) -> str:
        """Return what decisions call a field (spec §12.6)."""
        if not self.is_document:
            return name
        return TEXT if name == DOCUMENT_TEXT else f"meta:{name}"


class FieldReport(Struct, frozen=True, array_like=True):
    """Something that was found in a record, which stays as it is.

    Attributes:
        reason: Stable code, such as ``found-email``.
        field: What decisions call the field; None for the whole record.
        count: How often.
        detail: For people; shown, and not kept.
        other: The record that it is like.
    """

    reason: str
    field: str | None = None
    count: int | None = None
    detail: str | None = None
    other: OtherRecord | None = None


class Keep(Struct, frozen=True):
    """The record stays as it is.

    Attributes:
        part: The part it goes to, if the filter splits.
        folder: The folder it goes to, if the filter partitions.
        reports: What was found in it.
    """

    part: str | None = None
    folder: str | None = None
    reports: tuple[FieldReport, ...] = ()


class Drop(Struct, frozen=True):
    """The record goes.

    Attributes:
        reason: Stable code; counts are summed by it.
        detail: For people, such as the value that is not allowed; shown, and not kept.
        other: The record that it goes for.
    """

    reason: str
    detail: str = ""
    other: OtherRecord | None = None


class FieldChange(Struct, frozen=True, array_like=True):
    """What changed in one field, without the text that went.

    Attributes:
        field: What decisions call it.
        reason: Stable code, such as ``redacted-email``.
        count: How many places.
        detail: For people; shown, and not kept.
    """

    field: str
    reason: str
    count: int
    detail: str | None = None


class Change(Struct, frozen=True):
    """The record stays, changed.

    Attributes:
        fields: All of its fields now. A value that did not change is the very object it was.
        changes: At least one.
        reports: What else was found in it.
        path: The path that a document gets; of a row what says that its file needs another name.
            None: it keeps its own.
    """

    fields: Fields
    changes: tuple[FieldChange, ...]
    reports: tuple[FieldReport, ...] = ()
    path: str | None = None


class Made(Struct, frozen=True):
    """A record that a step makes of another.

    Attributes:
        fields: Its fields; a row always.
    """

    fields: dict[str, JSON]


class Divide(Struct, frozen=True):
    """Others take the record's place.

    Attributes:
        reason: Stable code, for which the record itself is dropped.
        made: Those others, at least one, in their order; rows. Taken once, one by one.
    """

    reason: str
    made: Iterable[Made]


Outcome = Keep | Drop | Change | Divide
Decide = Callable[[FilterRecord], Outcome]
DecideAll = Callable[[Sequence[FilterRecord]], Sequence[Outcome | InvalidInputError]]
"""Decides on several; in place of an outcome, why a record cannot be taken."""


class Filter(ABC):
    """One configured step of a recipe.

    Attributes:
        USE: Name and version, as recipes write them.
        PARAMETERS: What the step takes.
        TOGETHER: What holds of its parameters together, in keywords of JSON Schema.
        MAKES_ROWS: Whether what leaves it are rows, whatever came.
        NEEDS_ROWS: Whether it takes nothing but rows.
        REF_ROLE: The role of the datasets in :attr:`refs` among the inputs of what is made.
        REDACTS: Whether it replaces what it finds in records.
        TAKES_OUT: Whether nothing that follows it may depend on what it takes out of records.
        STATES: Fields in which it states digests of texts, which a step that takes out drops.
        NAMES_FOLDERS: Whether it calls folders by what a field holds.
        GIVES_AWAY: What its rows hold that depends on what other steps take out; empty: nothing.
        SUCCESSOR: What to use instead of it; empty: it is the newest of its name.
    """

    USE: ClassVar[str]
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = ()
    TOGETHER: ClassVar[Mapping[str, Any]] = {}
    MAKES_ROWS: ClassVar[bool] = False
    NEEDS_ROWS: ClassVar[bool] = False
    REF_ROLE: ClassVar[str] = "against"
    REDACTS: ClassVar[bool] = False
    TAKES_OUT: ClassVar[bool] = False
    STATES: ClassVar[frozenset[str]] = frozenset()
    NAMES_FOLDERS: ClassVar[bool] = False
    GIVES_AWAY: ClassVar[str] = ""
    SUCCESSOR: ClassVar[str] = ""

    @classmethod
    @abstractmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the step for parameter values that satisfy :attr:`PARAMETERS`.

        Raises:
            InvalidInputError: (``bad-recipe``) values that contradict each other.
        """

    @abstractmethod
    def reads(self) -> tuple[str, ...]:
        """Return what the step reads.

        It is ``text``, ``data``, ``meta:FIELD``, ``meta:*`` for all fields, or what
        :func:`reads_field` gives.
        """

    def start(self) -> Decide:
        """Return the decision function for one pass over a dataset: by default :meth:`decide`.

        It is called in each process that shares the work, and may load models there; what it
        decides depends on the record alone.
        """
        return self.decide

    def decide(self, record: FilterRecord) -> Outcome:
        """Return what becomes of a record."""
        raise NotImplementedError

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that it can put records into, in order; none if it does not split."""
        return ()

    @property
    def copies(self) -> frozenset[str]:
        """The fields whose values it hands on under other names."""
        return frozenset()

    @property
    def draws_by_source(self) -> bool:
        """Whether it draws lots by what the source has, whatever steps before it took out."""
        return False

    def group(self, roles: FieldRoles) -> str | None:  # noqa: ARG002
        """Return the field whose equal values it keeps together as it deals records into parts.

        Args:
            roles: Which field has which role where it stands.

        Returns:
            Empty: it deals each record alone; None: it deals none by lots.
        """
        return None

    def name_after(self, name: str) -> str:
        """Return what a field is called after the step; empty where it ends there."""
        return name

    def name_before(self, name: str) -> str:
        """Return what a field was called before the step; empty where the step makes it."""
        return name

    def may_part(self, name: str) -> bool:  # noqa: ARG002
        """Return whether equal values of a field may differ, or be gone, after the step."""
        return self.REDACTS

    def way_out(self, roles: FieldRoles) -> str:  # noqa: ARG002
        """Return what to do where it drops more records than was meant.

        Args:
            roles: Which field has which role where it stands.
        """
        return "filter -n shows a few of them: correct the step where they should stay"

    def fields_after(self, before: frozenset[str]) -> frozenset[str]:
        """Return the fields that records have after the step, given those before."""
        return before

    def roles(self, before: FieldRoles) -> FieldRoles:
        """Return which field has which role after the step."""
        return before

    def libraries(self) -> Mapping[str, str]:
        """Return name → version of the libraries that what it decides depends on."""
        return {}

    def models(self) -> Sequence[Mapping[str, str]]:
        """Return the models that it depends on, as the filter's manifest names them."""
        return ()

    @property
    def refs(self) -> tuple[str, ...]:
        """REFs of other datasets that it compares with, as the recipe writes them."""
        return ()

    def prepare(self, records: Iterable[FilterRecord]) -> bytes:
        """Return what :meth:`bind` needs of the records of :attr:`refs`."""
        raise NotImplementedError

    def bind(self, prepared: bytes) -> Self:
        """Return the step with what :meth:`prepare` gave."""
        raise NotImplementedError


class BatchFilter(Filter):
    """A step that takes many records in one call, and yet decides on each of them alone."""

    @abstractmethod
    def start_batch(self) -> DecideAll:
        """Return the decision function for many, as :meth:`start` does."""

    def start(self) -> Decide:
        """Return the decision function for one."""
        decide = self.start_batch()

        def decide_one(record: FilterRecord) -> Outcome:
            (outcome,) = decide((record,))
            if isinstance(outcome, InvalidInputError):
                raise outcome
            return outcome

        return decide_one


class DatasetFilter(Filter):
    """A step whose decision depends on other records, but only through a key of each.

    The keys are worked out anywhere; the judging is done in one place, once all are known.
    """

    @abstractmethod
    def key(self) -> Callable[[FilterRecord], bytes]:
        """Return the function that gives what the decision needs of a record alone."""

    @abstractmethod
    def judge(self, records: KeyedRecords) -> DatasetDecisions:
        """Return what becomes of the records."""

    @abstractmethod
    def detail(self, reason: str, other: str) -> str:
        """Return the detail of a decision, given how the other record is called."""
