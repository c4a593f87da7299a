"""Format ``predictions/2``: the answers of model and baselines, by record (spec §13.9.1).

JSON Lines: a head, then a line for each record of the test set, in storage order, so that the line
tells which record it is about. Probabilities are whole millionths, so that every program computes
the same figures from them. ``predictions/1``, whose lines have record ids, is read.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Annotated, BinaryIO, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from lyrikstore.canon.json import as_json, encode
from lyrikstore.verify.evaluation.answers import (
    FORMAT_BY_ID,
    MAJORITY,
    MODEL,
    WHOLE,
    Answerer,
    Head,
    Predictions,
    Reading,
)
from lyrikstore.verify.evaluation.lines import Lines
from lyrikstore.verify.evaluation.tasks import TEXT, find_rules

MAX_BYTES, MAX_LINE, MAX_RECORDS = 1 << 30, 1 << 20, 1 << 24
"""Longest attachment and line, in bytes, and most records."""

MAX_LABELS, MAX_LABEL_BYTES, MAX_ANSWERERS, MAX_SLICES = 1000, 64 << 10, 18, 200

_KIND = "bad-predictions"


class Line(Struct, frozen=True, omit_defaults=True):
    """One record.

    Attributes:
        expected: Numbers of its labels, ascending.
        scores: For each answerer the millionths of the labels, in their order.
        group: Number of its group, if groups are drawn.
        slices: Numbers of the slices that it is in, ascending.
        near: Whether the training data has a near duplicate of it.
    """

    expected: tuple[int, ...]
    scores: Sequence[Sequence[int]]
    group: int | None = None
    slices: tuple[int, ...] = ()
    near: bool = False


def write_predictions(head: Head, lines: Iterable[Line]) -> Iterator[bytes]:
    """Yield the lines of the attachment, which :func:`read_predictions` checks.

    Args:
        head: What holds for all records.
        lines: The records of the test set, in storage order.

    Cost: one line in memory.
    """
    yield encode(head.to_json()) + b"\n"
    for line in lines:
        yield encode(as_json(line)) + b"\n"


def read_predictions(stream: BinaryIO) -> Predictions:
    """Return the answers in an attachment.

    Raises:
        FormatError: (``bad-predictions``) it is no such attachment: another format, a line that is
            not canonical, a number out of range, a record of another shape, too much of something.

    Cost: one line at a time, of at most 1 MiB. What stays of each record is 18 bytes, of version 1
    50, and 8 for each
    answerer, 16 for each label that is expected and each slice, and 24 for each label that is
    given, which may be all of them: at most 6 kB a record, and 2.4 MB. Columns grow by an eighth.
    """
    lines = Lines(stream, _KIND, max_line=MAX_LINE, max_bytes=MAX_BYTES)
    head = _head(lines)
    shape = [len(head.labels)] * len(head.answerers)
    reading = Reading(head)
    for line in lines.rest(_WrittenLineById if head.format == FORMAT_BY_ID else _WrittenLine):
        problem = (
            "its scores" if [len(one) for one in line.scores] != shape
            else "its labels" if not _rising(line.expected, len(head.labels))
            or (len(line.expected) != 1 if head.labelled and not head.several else
                line.expected and not head.labelled)
            else "its slices" if not _rising(line.slices, len(head.slices))
            else "its mark near" if line.near is False
            else "its number" if lines.number > MAX_RECORDS + 1
            else reading.group_problem(None if line.group is UNSET else line.group)
        )  # fmt: skip
        if problem:
            raise lines.bad(f"{problem} cannot be")
        reading.add(
            line.expected,
            line.scores,
            line.slices,
            near=line.near is True,
            record=bytes.fromhex(line.record) if isinstance(line, _WrittenLineById) else b"",
        )
        # ATTACK: a small file that gives every label in every slice, a thousand times drawn.
        if reading.gives_too_much:
            raise lines.bad("too many labels are given")
    if not reading.count:
        raise lines.bad("there are no records")
    found = reading.finish()
    if (unused := found.unused_slice) is not None:
        raise lines.bad(f"no record is in slice {unused}")
    return found


_Number = Annotated[int, Meta(ge=0, lt=1 << 24)]
_Millionths = Annotated[int, Meta(ge=0, le=WHOLE)]
_Name = Annotated[str, Meta(min_length=1, max_length=256)]


class _WrittenAnswerer(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    name: _Name
    threshold: _Millionths | UnsetType = UNSET
    at_least_one: bool | UnsetType = UNSET
    abstain_below: _Millionths | UnsetType = UNSET


class _WrittenHead(Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["predictions/1", "predictions/2"]
    task: _Name
    labels: Annotated[list[_Name], Meta(min_length=1, max_length=MAX_LABELS)]
    answerers: Annotated[list[_WrittenAnswerer], Meta(min_length=1, max_length=MAX_ANSWERERS)]
    slices: Annotated[list[tuple[_Name, _Name]], Meta(max_length=MAX_SLICES)]
    labelled: Literal[False] | UnsetType = UNSET


class _WrittenLine(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    expected: list[_Number]
    scores: list[list[_Millionths]]
    group: _Number | UnsetType = UNSET
    slices: Annotated[list[_Number], Meta(min_length=1)] = field(default_factory=list)
    near: bool | UnsetType = UNSET


class _WrittenLineById(_WrittenLine, frozen=True, forbid_unknown_fields=True, kw_only=True):
    record: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


def _head(lines: Lines) -> Head:
    found = lines.need(_WrittenHead)
    names = [one.name for one in found.answerers]
    rules = find_rules(found.task)
    several = rules is not None and rules.several
    problem = ""
    if rules is None or rules.answers == TEXT:
        problem = "its task has no labels, or is not installed here"
    elif any({one.threshold is UNSET, one.at_least_one is UNSET} != {not several}
           for one in found.answerers):  # fmt: skip
        problem = "a threshold is there iff records may have several labels"
    elif any(len(set(some)) != len(some) for some in (found.labels, names, found.slices)):
        problem = "it names something twice"
    elif names[0] != MODEL or MAJORITY in names:
        problem = f"the first answerer is called {MODEL!r}, and none {MAJORITY!r}"
    elif sum(len(label.encode()) for label in found.labels) > MAX_LABEL_BYTES:
        problem = f"its labels have more than {MAX_LABEL_BYTES} bytes"
    if problem:
        raise lines.bad(problem)
    return Head(
        found.task,
        tuple(found.labels),
        tuple(
            Answerer(
                one.name,
                None if one.threshold is UNSET else one.threshold,
                one.at_least_one is True,
                None if one.abstain_below is UNSET else one.abstain_below,
            )
            for one in found.answerers
        ),
        tuple(found.slices),
        found.labelled is UNSET,
        found.format,
    )


def _rising(numbers: Sequence[int], above: int) -> bool:
    return all(0 <= one < above for one in numbers) and all(
        one < other for one, other in pairwise(numbers)
    )
