"""What the steps of a recipe find in one record, as it crosses between processes and waits on disk.

:mod:`~lyrikstore.curate.recipes.record_steps` makes it, :mod:`~lyrikstore.curate.recipes.engine`
passes it on, :mod:`~lyrikstore.curate.recipes.write_outcome` makes decisions and files of it.
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
        detail: For people.
        other: The record that it is dropped for.
    """

    step: int
    reason: str
    detail: str = ""
    other: OtherRecord | None = None


class Changed(Struct, frozen=True, array_like=True, tag="changed"):
    """A step changes the record.

    Attributes:
        step: 1-based number of the step.
        changes: What, at least one.
    """

    step: int
    changes: tuple[FieldChange, ...]


class Reported(Struct, frozen=True, array_like=True, tag="reported"):
    """A step found something, and the record stays as it is.

    Attributes:
        step: 1-based number of the step.
        reports: What, at least one.
    """

    step: int
    reports: tuple[FieldReport, ...]


class Divided(Struct, frozen=True, array_like=True, tag="divided"):
    """A step puts others in the record's place; they follow it.

    Attributes:
        step: 1-based number of the step.
        reason: Stable code.
        count: How many others.
    """

    step: int
    reason: str
    count: int


class Failed(Struct, frozen=True, array_like=True, tag="failed"):
    """A step cannot take the record.

    Attributes:
        error: Why, as :meth:`LyrikstoreError.to_json` has it.
    """

    error: dict[str, Any]

    def to_error(self) -> LyrikstoreError:
        """Return what to raise."""
        return LyrikstoreError.from_json(self.error) or InvalidInputError(
            "bad-record", "a record cannot be read"
        )


Finding = Dropped | Changed | Reported | Divided | Failed


class Item(Struct, array_like=True):
    """A record on its way, or one that was made of it.

    Attributes:
        id: The record id in the source; of one that was made, that of the line it was made as.
        findings: What happened to it so far.
        data: Its line, or a document's text, if that is not what the source has; None: it is.
        meta: What the sheet says of a document, if that is not what the source has.
        origin: Of what was made, the record id in the source of what it was made of.
        number: Which of those it is that were made of one record of the source, directly or through
            others, from 0: step by step, within a step in storage order.
        key: What the next step, which is for the whole dataset, needs of it.
        part: The part it goes to.
        folder: The folder it goes to.
        step: The step that chose them.
        left: Its record id as the last step that takes personal data out left it, if that changed
            it: what later steps draw lots by.
        path: The path that a document gets, if that is another one; of a row its file's, if that
            needs another name.
        before: Of what was made, the reasons for which what it was made of was changed, and those
            for which something was found in it.
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
        """The reasons for which it was changed, and those for which something was found in it."""
        changed, reported = map(set, self.before)
        for finding in self.findings:
            if isinstance(finding, Changed):
                changed.update(change.reason for change in finding.changes)
            elif isinstance(finding, Reported):
                reported.update(report.reason for report in finding.reports)
        return frozenset(changed), frozenset(reported)

    @property
    def is_alive(self) -> bool:
        """Whether it is still on its way."""
        return not (self.findings and isinstance(self.findings[-1], Dropped | Divided | Failed))


class BatchResults(Struct, array_like=True):
    """What was found of a batch of records.

    Attributes:
        records: Of each record its items: itself, and what was made of it.
        foreign: Path and format of files that a text filter cannot read.
        values: Number of a step with a list → values of its field that are on it, or resemble
            some that are.
    """

    records: list[list[Item]] = field(default_factory=list)
    foreign: list[tuple[str, str]] = field(default_factory=list)
    values: dict[int, list[str]] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return it as bytes."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> "BatchResults":
        """Return what :meth:`encode` gave.

        Raises:
            FormatError: (``bad-answer``) it is something else.
        """
        try:
            return msgspec.msgpack.decode(data, type=BatchResults)
        except msgspec.MsgspecError as error:
            raise FormatError("bad-answer", "a worker answered with no findings") from error


def work_lost() -> StorageError:
    """Return the error for findings of a stage that are gone, or are of something else."""
    return StorageError(
        "work-lost",
        "what a filter had found is gone from its folder, or no longer fits",
        hint="give the same command again: what is missing is worked out anew",
    )
