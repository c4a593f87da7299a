"""The interface of filters: pure, deterministic functions that give a reason for each outcome.

Normative text: spec §12.5.1. A filter receives one record at a time, in storage order, and returns
an outcome; it uses no clock, no randomness, no network and no files. A record is a mapping of named
fields: a row, or a document with its metadata from a sheet.
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
"""Input of a step that reads the text of records; the input for a field is ``meta:NAME``."""

DATA = "data"
"""Input of a step that reads the bytes of documents."""


def reads_field(name: str) -> str:
    """Return the input of a step that reads a field; ``text`` also means the text of documents."""
    return f"field:{name}"


DOCUMENT_TEXTS = frozenset((TEXT, reads_field(TEXT)))
"""Inputs that require the text of documents."""


class OtherRecord(NamedTuple):
    """The position of another record, to which a decision refers.

    Attributes:
        file: The number of its file, from 0, in order of paths.
        position: Its position in that file, from 0.
        item: The number of the record that was made from it; None: the record itself.
    """

    file: int
    position: int
    item: int | None = None


class FilterRecord(Struct, frozen=True):
    """A record on its way through a recipe, as filters see it.

    Attributes:
        path: The path of its file in the source.
        position: Its position in that file, from 0.
        id: The record id in the source dataset; for a record that a step made, that of its first
            line.
        fields: Its fields after the earlier steps. A document's text has the name
            :data:`lyrikstore.curate.readers.fields.DOCUMENT_TEXT`; it is absent if the bytes are
            not UTF-8, or if no step of the recipe reads texts.
        source: Its fields in the source dataset.
        text_fields: Names of the fields that are the text; for a document only ``DOCUMENT_TEXT``.
        roles: The roles of its fields.
        data: The bytes of a document, if a step of the recipe reads them.
        origin: For a record that a step made, the id of the source record; otherwise its own id.
        left: Its record id after the last step that removes personal data; None if there is no such
            step, or if it changed nothing.
        file: The number of its file in its dataset, from 0; set for records to compare with only.
        new_path: The path that a step gave to a document; None: the path of its file.
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
        """Its position in messages: the file, and for a row the line."""
        return self.path if self.is_document else f"{self.path}:{self.position + 1}"

    @property
    def source_id(self) -> Digest:
        """The id of the source record that it is, or was made from."""
        return self.origin or self.id

    @property
    def drawn_id(self) -> Digest:
        """The record id for random draws; it does not depend on removed data."""
        return self.left or self.id

    @property
    def label(self) -> str:
        """Name of the field with the role label; empty if there is none."""
        return self.roles.label

    @property
    def is_document(self) -> bool:
        """Whether the record is a whole file and not a row."""
        return self.text_fields == (DOCUMENT_TEXT,)

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Its texts, each with the name of its field; a list of texts is yielded item by item."""
        texts: list[tuple[str, str]] = []
        for name in self.text_fields:
            value = self.fields.get(name)
            if isinstance(value, str):
                texts.append((name, value))
            elif isinstance(value, list):
                texts += [(name, item) for item in value if isinstance(item, str)]
        return texts

    @property
    def text(self) -> str | None:
        """All its texts, joined by empty lines; None for a document that is not UTF-8."""
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
                f"{self.path} is not UTF-8 text, so {use} cannot read it",
                hint='put a step with use = "drop-empty/1" first, or convert the file to UTF-8',
                details={"path": self.path},
            )
        return text

    def name_of(self, name: str) -> str:
        """Return the internal name of a field; users call a document's text ``text``."""
        return DOCUMENT_TEXT if name == TEXT and self.is_document else name

    def value(self, name: str) -> str | None:
        """Return a field as text; None if it has no value."""
        return as_text(self.fields.get(name))

    def others(self) -> list[str]:
        """Return the names of the fields that are not the text, sorted by their UTF-8 bytes."""
        return sorted(
            (name for name in self.fields if name not in self.text_fields), key=str.encode
        )

    def labels_in(self, name: str) -> tuple[str, ...]:
        """Return the labels in a field; a cell of a sheet is one label."""
        return self._labels(self.fields, name)

    def labels_of_source(self, name: str) -> tuple[str, ...]:
        """Return the labels that a field has in the source dataset."""
        return self._labels(self.source, name)

    def _labels(self, fields: Fields, name: str) -> tuple[str, ...]:
        value = fields.get(name)
        if self.is_document and isinstance(value, str):
            return (value,)
        return tuple(self.roles.texts(fields, name))

    def called(self, name: str) -> str:
        """Return the name of a field in decisions (spec §12.6)."""
        if not self.is_document:
            return name
        return TEXT if name == DOCUMENT_TEXT else f"meta:{name}"


class FieldReport(Struct, frozen=True, array_like=True):
    """A finding in a record, which the step leaves unchanged.

    Attributes:
        reason: Stable code, such as ``found-email``.
        field: The name of the field in decisions; None for the whole record.
        count: Number of finds.
        detail: An explanation for the user; shown, but not stored.
        other: The record that this one resembles.
    """

    reason: str
    field: str | None = None
    count: int | None = None
    detail: str | None = None
    other: OtherRecord | None = None


class Keep(Struct, frozen=True):
    """The record is kept unchanged.

    Attributes:
        part: The part that it is assigned to, if the filter splits.
        folder: The folder that it is put into, if the filter partitions.
        reports: Findings in the record.
    """

    part: str | None = None
    folder: str | None = None
    reports: tuple[FieldReport, ...] = ()


class Drop(Struct, frozen=True):
    """The record is dropped.

    Attributes:
        reason: Stable code; counts are summed by it.
        detail: An explanation for the user, such as the value that is not allowed; shown, but not
            stored.
        other: The record that is kept in its place.
    """

    reason: str
    detail: str = ""
    other: OtherRecord | None = None


class FieldChange(Struct, frozen=True, array_like=True):
    """A change in one field, without the removed text.

    Attributes:
        field: The name of the field in decisions.
        reason: Stable code, such as ``redacted-email``.
        count: Number of changed places.
        detail: An explanation for the user; shown, but not stored.
    """

    field: str
    reason: str
    count: int
    detail: str | None = None


class Change(Struct, frozen=True):
    """The record is kept with changes.

    Attributes:
        fields: All new fields. An unchanged value is the same object as before.
        changes: At least one change.
        reports: Further findings in the record.
        path: The new path of a document; for a row, any path means that its file needs a new name.
            None: the path stays.
    """

    fields: Fields
    changes: tuple[FieldChange, ...]
    reports: tuple[FieldReport, ...] = ()
    path: str | None = None


class Made(Struct, frozen=True):
    """A record that a step makes from another; always a row.

    Attributes:
        fields: Its fields.
    """

    fields: dict[str, JSON]


class Divide(Struct, frozen=True):
    """The record is replaced by others.

    Attributes:
        reason: Stable code, for which the record itself is dropped.
        made: At least one row, in order; iterated once.
    """

    reason: str
    made: Iterable[Made]


Outcome = Keep | Drop | Change | Divide
Decide = Callable[[FilterRecord], Outcome]
DecideAll = Callable[[Sequence[FilterRecord]], Sequence[Outcome | InvalidInputError]]
"""Decides on several records; returns an error for each record that it cannot process."""


class Filter(ABC):
    """A configured step of a recipe.

    Attributes:
        USE: Name and version, as recipes write them.
        PARAMETERS: The parameters of the step.
        TOGETHER: Constraints across parameters, in keywords of JSON Schema.
        MAKES_ROWS: Whether its results are rows, also for documents.
        NEEDS_ROWS: Whether it accepts rows only.
        REF_ROLE: The role of the datasets in :attr:`refs` among the inputs of the derived dataset.
        REF_KIND: The kind of manifest that :attr:`refs` name.
        COMES_FIRST: Whether only steps with this attribute may precede it.
        REDACTS: Whether it replaces values in records.
        TAKES_OUT: Whether no result of later steps may depend on the data that it removes.
        STATES: Fields into which it writes digests of texts; steps with ``TAKES_OUT`` drop them.
        NAMES_FOLDERS: Whether it names folders after values of a field.
        GIVES_AWAY: The data in its rows that reveals what other steps remove; empty if none.
        SUCCESSOR: The filter that replaces it; empty for the newest version.
    """

    USE: ClassVar[str]
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = ()
    TOGETHER: ClassVar[Mapping[str, Any]] = {}
    MAKES_ROWS: ClassVar[bool] = False
    NEEDS_ROWS: ClassVar[bool] = False
    REF_ROLE: ClassVar[str] = "against"
    REF_KIND: ClassVar[str] = "dataset"
    COMES_FIRST: ClassVar[bool] = False
    REDACTS: ClassVar[bool] = False
    TAKES_OUT: ClassVar[bool] = False
    STATES: ClassVar[frozenset[str]] = frozenset()
    NAMES_FOLDERS: ClassVar[bool] = False
    GIVES_AWAY: ClassVar[str] = ""
    SUCCESSOR: ClassVar[str] = ""

    @classmethod
    @abstractmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step for parameter values that satisfy :attr:`PARAMETERS`.

        Raises:
            InvalidInputError: (``bad-recipe``) the values contradict each other.
        """

    @abstractmethod
    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step.

        An input is ``text``, ``data``, ``meta:FIELD``, ``meta:*`` for all fields, or a result of
        :func:`reads_field`.
        """

    def start(self) -> Decide:
        """Return the decision function for one pass over a dataset: by default :meth:`decide`.

        It is called once in each process and may load models there; decisions depend on the record
        alone.
        """
        return self.decide

    def decide(self, record: FilterRecord) -> Outcome:
        """Return the decision on a record."""
        raise NotImplementedError

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that it assigns records to, in order; empty if it does not split."""
        return ()

    @property
    def copies(self) -> frozenset[str]:
        """The fields whose values it copies to, or renames to, other fields."""
        return frozenset()

    @property
    def draws_by_source(self) -> bool:
        """Whether its random draws depend on source values that earlier steps may have removed."""
        return False

    def group(self, roles: FieldRoles) -> str | None:  # noqa: ARG002
        """Return the field by which it groups records: equal values get into the same part.

        Args:
            roles: The roles of fields before the step.

        Returns:
            The field; empty if it assigns each record alone; None if it assigns none at random.
        """
        return None

    def name_after(self, name: str) -> str:
        """Return the name of a field after the step; empty if the step drops it."""
        return name

    def name_before(self, name: str) -> str:
        """Return the name of a field before the step; empty if the step creates it."""
        return name

    def may_part(self, name: str) -> bool:  # noqa: ARG002
        """Return whether equal values of a field may differ or be missing after the step."""
        return self.REDACTS

    def way_out(self, roles: FieldRoles) -> str:  # noqa: ARG002
        """Return a hint for users whose records are dropped unexpectedly.

        Args:
            roles: The roles of fields before the step.
        """
        return "see a few of them with filter -n, and correct the step to keep them"

    def fields_after(self, before: frozenset[str]) -> frozenset[str]:
        """Return the fields that records have after the step, given those before."""
        return before

    def roles(self, before: FieldRoles) -> FieldRoles:
        """Return the roles of fields after the step, given those before."""
        return before

    def libraries(self) -> Mapping[str, str]:
        """Return name → version of the libraries on which its decisions depend."""
        return {}

    def models(self) -> Sequence[Mapping[str, str]]:
        """Return the models on which its decisions depend, as the filter manifest names them."""
        return ()

    @property
    def refs(self) -> tuple[str, ...]:
        """REFs of the datasets that it compares with, as the recipe writes them."""
        return ()

    def prepare(self, records: Iterable[FilterRecord]) -> bytes:
        """Return prepared data for :meth:`bind` from the records of :attr:`refs`."""
        raise NotImplementedError

    def bind(self, prepared: bytes) -> Self:
        """Return the step with the data of :meth:`prepare`."""
        raise NotImplementedError


class BatchFilter(Filter):
    """A step that decides on each record alone, and receives many records in one call."""

    @abstractmethod
    def start_batch(self) -> DecideAll:
        """Return the decision function for many records; as :meth:`start`."""

    def start(self) -> Decide:
        """Return the decision function for one record."""
        decide = self.start_batch()

        def decide_one(record: FilterRecord) -> Outcome:
            (outcome,) = decide((record,))
            if isinstance(outcome, InvalidInputError):
                raise outcome
            return outcome

        return decide_one


class DatasetFilter(Filter):
    """A step whose decisions depend on the keys of all records that reach it.

    Any process computes keys; one process decides after all keys are known.
    """

    @abstractmethod
    def key(self) -> Callable[[FilterRecord], bytes]:
        """Return the function that computes the key of a record."""

    @abstractmethod
    def judge(self, records: KeyedRecords) -> DatasetDecisions:
        """Return the decisions on all records, given their keys."""

    @abstractmethod
    def detail(self, reason: str, other: str) -> str:
        """Return the detail of a decision, given the name of the other record."""
