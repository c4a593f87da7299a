"""The results of steps for each record, as processes exchange them and work folders hold them.

:mod:`~lyrikstore.curate.recipes.record_steps` creates the results,
:mod:`~lyrikstore.curate.recipes.engine` keeps them,
:mod:`~lyrikstore.curate.recipes.write_outcome` writes decisions and files from them.
"""

from typing import Any

import msgspec
from msgspec import Struct, field

from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    StorageError,
)
from lyrikstore.curate.recipes.filters.contract import FieldChange, FieldReport, OtherRecord


class Dropped(Struct, frozen=True, array_like=True, tag="dropped"):
    """A step drops the record.

    Attributes:
        step: 1-based number of the step.
        reason: Stable code.
        detail: An explanation for the user.
        other: The record that is kept in its place.
    """

    step: int
    reason: str
    detail: str = ""
    other: OtherRecord | None = None


class Changed(Struct, frozen=True, array_like=True, tag="changed"):
    """A step changes the record.

    Attributes:
        step: 1-based number of the step.
        changes: At least one change.
    """

    step: int
    changes: tuple[FieldChange, ...]


class Reported(Struct, frozen=True, array_like=True, tag="reported"):
    """A step reports something about the record and leaves it unchanged.

    Attributes:
        step: 1-based number of the step.
        reports: At least one report.
    """

    step: int
    reports: tuple[FieldReport, ...]


class Divided(Struct, frozen=True, array_like=True, tag="divided"):
    """A step replaces the record by others, whose items follow this one.

    Attributes:
        step: 1-based number of the step.
        reason: Stable code.
        count: Number of these others.
    """

    step: int
    reason: str
    count: int


class Failed(Struct, frozen=True, array_like=True, tag="failed"):
    """A step cannot process the record.

    Attributes:
        error: The error, as JSON of :meth:`LyrikstoreError.to_json`.
    """

    error: dict[str, Any]

    def to_error(self) -> LyrikstoreError:
        """Return the exception to raise."""
        return LyrikstoreError.from_json(self.error) or InvalidInputError(
            "bad-record", "a record cannot be read"
        )


Finding = Dropped | Changed | Reported | Divided | Failed


class Item(Struct, array_like=True):
    """The results of steps for one record, of the source or made by a step.

    Attributes:
        id: The record id in the source; for a record that a step made, that of its first line.
        findings: The results of the steps so far, in order.
        data: The line of a row, or the text of a document, if steps changed it; None: unchanged.
        meta: The sheet's metadata of a document, if steps changed it; None: unchanged.
        origin: For a record that a step made: the id of the source record that it was made from.
        number: For a record that a step made: its number among all that were made from one source
            record, directly or indirectly, from 0; step by step, in storage order within a step.
        key: The key for the next dataset step.
        part: The part that the record is assigned to.
        folder: The folder that the record is put into.
        step: The step that chose part and folder.
        left: Its record id after the last step that removes personal data, if that step changed it;
            later steps draw by this id.
        path: The new path of a document, if a step changed it; for a row the path of its file, if
            the file needs a new name.
        before: For a record that a step made: the reasons for changes of the record that it was
            made from, and the reasons for reports on it.
    """

    id: bytes
    findings: list[Finding] = field(default_factory=list)
    data: bytes | None = None
    meta: dict[str, str] | None = None
    origin: bytes | None = None
    number: int | None = None
    key: bytes = b""
    part: str | None = None
    folder: str | None = None
    step: int | None = None
    left: bytes | None = None
    path: str | None = None
    before: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())

    @property
    def reasons(self) -> tuple[frozenset[str], frozenset[str]]:
        """The reasons for changes of the record, and the reasons for reports on it."""
        changed, reported = map(set, self.before)
        for finding in self.findings:
            if isinstance(finding, Changed):
                changed.update(change.reason for change in finding.changes)
            elif isinstance(finding, Reported):
                reported.update(report.reason for report in finding.reports)
        return frozenset(changed), frozenset(reported)

    @property
    def is_alive(self) -> bool:
        """Whether no step dropped, divided or refused the record."""
        return not (self.findings and isinstance(self.findings[-1], Dropped | Divided | Failed))


class BatchResults(Struct, array_like=True):
    """The results of steps for a batch of records.

    Attributes:
        records: For each record its items: the record itself, and the records made from it.
        foreign: Path and format of files that a text filter cannot read.
        values: Number of a step with a list → values of its field: all that are on the list, and
            some others.
    """

    records: list[list[Item]] = field(default_factory=list)
    foreign: list[tuple[str, str]] = field(default_factory=list)
    values: dict[int, list[str]] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the results as MessagePack."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> "BatchResults":
        """Decode the bytes of :meth:`encode`.

        Raises:
            FormatError: (``bad-answer``) the bytes are not results of a batch.
        """
        try:
            return msgspec.msgpack.decode(data, type=BatchResults)
        except msgspec.MsgspecError as error:
            raise FormatError("bad-answer", "a worker returned no results") from error


def work_lost() -> StorageError:
    """Return the `work-lost` error for results that are missing, damaged or of another batch."""
    return StorageError(
        "work-lost",
        "intermediate results of the filter are missing from its work folder, or damaged",
        hint="run the same command again: it computes the missing results",
    )
