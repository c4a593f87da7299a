"""Reading of a file with answers that were computed elsewhere (spec §13.16).

It is JSON Lines, or a sheet as CSV, TSV or XLSX. All mistakes in it are reported together.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.files import no_file, open_regular
from lyrikstore.canon.json import JSON, parse
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.curate.readers.rows import as_texts
from lyrikstore.curate.sheets.mistakes import Mistakes
from lyrikstore.curate.sheets.sheet import read_sheet
from lyrikstore.train.snapshot import Snapshot
from lyrikstore.verify.evaluation.answers import WHOLE

RECORD, ANSWER, SCORES, SCORE = "record", "answer", "scores", "score:"
"""Members of a line, or columns of a sheet; for each label a column ``score:LABEL``."""

MAX_BYTES, MAX_LINE, MAX_CELLS = 512 << 20, 1 << 20, 1 << 28
"""Longest file and line in bytes, and most records × labels."""

MAX_LABEL, MAX_LISTED = 256, 20
"""Most characters of a label, and most missing records that an error lists."""

_SHOWN = 80
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_ID = re.compile(r"(?:blake3:)?([0-9a-f]{64})")
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?")


class AnswerRow(Struct, frozen=True):
    """The answer to one record.

    Attributes:
        at: Its place in the file, such as ``line 3``.
        record: The record's number in the dataset, from 0, or its id.
        answer: The answer as the file has it: a text, or a list of texts.
        scores: Label → its score as the file has it.
    """

    at: str
    record: str
    answer: JSON
    scores: Mapping[str, JSON]


class AnswerFile(Struct, frozen=True):
    """The content of an answer file.

    Attributes:
        name: Name of the file.
        digest: BLAKE3 of the file.
        bytes: Length of the file.
        rows: The answer to each record.
    """

    name: str
    digest: Digest
    bytes: int
    rows: Sequence[AnswerRow]

    @property
    def scored(self) -> bool:
        """Whether the answers have scores."""
        return any(one.scores for one in self.rows)


class PlacedAnswers(Struct, frozen=True):
    """Answers in the order of the records.

    Attributes:
        labels: The labels of the model; sorted, if no checkpoint lists them.
        scores: Scores in millionths, records × labels.
    """

    labels: tuple[str, ...]
    scores: NDArray[np.int32]


def read_answer_file(path: Path) -> AnswerFile:
    """Return the content of an answer file.

    Args:
        path: ``.jsonl``, or a sheet: ``.csv``, ``.tsv`` or ``.xlsx``.

    Raises:
        InvalidInputError: (``bad-answer-file``) unreadable, too long, or malformed, with the lines;
            else as :func:`lyrikstore.curate.sheets.sheet.read_sheet`.
    """
    mistakes = Mistakes()
    try:
        if path.suffix.lower() in {".jsonl", ".ndjson"}:
            rows = list(_lines(path, mistakes))
        else:
            sheet = read_sheet(path, RECORD, mistakes)
            if ANSWER not in sheet.columns:
                raise mistakes.fail(_bad(f"it has no column {ANSWER!r}"))
            scored = [one for one in sheet.columns if one.startswith(SCORE)]
            rows = [
                AnswerRow(
                    f"row {one.number}",
                    one.key,
                    one.meta.get(ANSWER),
                    {name[len(SCORE) :]: one.meta[name] for name in scored if name in one.meta},
                )
                for one in sheet.rows
            ]
        digest, size = Digest.of_file(path), path.stat().st_size
    except FileNotFoundError:
        raise no_file(path) from None
    except OSError as error:
        text = f"cannot be read ({error.strerror or error})"
        raise _bad(text, "check the file and its permissions") from None
    mistakes.check()
    return AnswerFile(path.name, digest, size, rows)


def place_answers(
    given: AnswerFile,
    tested: Snapshot,
    *,
    labels: Collection[str] | None,
    several: bool,
    separator: str = "",
) -> PlacedAnswers:
    """Return the answers in the order of the records.

    Args:
        given: The answer file.
        tested: The records.
        labels: The labels of the checkpoint; None: all labels in the file and the records.
        several: Whether a record may have several labels.
        separator: The separator of several labels in one text; empty: a text is one label.

    Raises:
        InvalidInputError: (``bad-answer-file``) a record is missing, unknown or answered twice, or
            an answer is malformed; all mistakes are in ``mistakes`` of the details.
    """
    mistakes, count = Mistakes(), len(tested.records)
    places: dict[str, list[int]] = {}
    for at, record in enumerate(tested.records):
        places.setdefault(record.hex, []).append(at)
    answers: list[Sequence[str]] = [()] * count
    scores: list[Mapping[str, int]] = [{}] * count
    first: dict[int, str] = {}
    for row in given.rows:
        found = _places(row.record, count, places)
        try:
            if not found:
                text = f"no record {quote(row.record, _SHOWN)}: use 0 to {count - 1}, or ids"
                raise _bad(f"{row.at}: {text}")
            # A record twice in the dataset is named once by its id, or by each number.
            if (twice := next((at for at in found if at in first), None)) is not None:
                text = f"{first[twice]} already answers record {quote(row.record, _SHOWN)}"
                raise _bad(f"{row.at}: {text}")
            first |= dict.fromkeys(found, row.at)
            answer, sure = _answer(row, separator if several else ""), _scores(row)
            if labels is not None and (unknown := {*answer, *sure} - {*labels}):
                text = f"{quote(min(unknown), _SHOWN)} is not a label of the model"
                raise _bad(f"{row.at}: {text}")
            if not several and len(answer) != 1:
                raise _bad(f"{row.at}: it has {'several answers' if answer else 'no answer'}")
            if given.scored:
                _check_scores(row, answer, sure, several=several)
        except InvalidInputError as error:
            mistakes.add(error)
            continue
        for at in found:
            answers[at], scores[at] = answer, sure
    missing = [at for at in range(count) if at not in first]
    if missing:
        listed = ", ".join(map(str, missing[:MAX_LISTED])) + (", …" * (len(missing) > MAX_LISTED))
        text = f"{pluralize(len(missing), 'record is', 'records are')} not answered: {listed}"
        mistakes.add(
            _bad(
                text,
                "answer every record once: lyrikstore checkout REF DIR --without LABEL lists them",
            )
        )
    mistakes.check()
    known = tuple(labels) if labels is not None else _all_labels(tested, answers, scores)
    if count * len(known) > MAX_CELLS:
        raise _bad(f"more than {MAX_CELLS} records times labels", "use a smaller test set")
    return PlacedAnswers(known, _table(answers, scores, known, scored=given.scored))


def _all_labels(
    tested: Snapshot,
    answers: Sequence[Sequence[str]],
    scores: Sequence[Mapping[str, int]],
) -> tuple[str, ...]:
    found = {*tested.labels, *(label for one in answers for label in one)}
    found.update(label for one in scores for label in one)
    return tuple(sorted(found, key=str.encode))


def _table(
    answers: Sequence[Sequence[str]],
    scores: Sequence[Mapping[str, int]],
    labels: Sequence[str],
    *,
    scored: bool,
) -> NDArray[np.int32]:
    numbers = {label: number for number, label in enumerate(labels)}
    table = np.zeros((len(answers), len(labels)), np.int32)
    for at, answer in enumerate(answers):
        row = table[at]
        if not scored:
            row[[numbers[label] for label in answer]] = WHOLE
            continue
        for label, score in scores[at].items():
            row[numbers[label]] = score
        if len(answer) == 1 and row.argmax() != numbers[answer[0]]:
            # Of equal scores the first counts: those before the answer are one millionth less.
            before = row[: numbers[answer[0]]]
            before[before == row.max()] -= 1
    return table


def _places(record: str, count: int, places: Mapping[str, Sequence[int]]) -> Sequence[int]:
    if _NUMBER.fullmatch(record):
        return [int(record)] if int(record) < count else []
    found = _ID.fullmatch(record)
    return places.get(found[1], []) if found else []


def _answer(row: AnswerRow, separator: str) -> tuple[str, ...]:
    listed = as_texts(row.answer, separator)
    if not all(0 < len(one) <= MAX_LABEL for one in listed):
        raise _bad(f"{row.at}: its answer is not a label of 1 to {MAX_LABEL} characters")
    if len({*listed}) != len(listed):
        raise _bad(f"{row.at}: its answer names a label twice")
    return tuple(listed)


def _scores(row: AnswerRow) -> dict[str, int]:
    found = {}
    for label, written in row.scores.items():
        # A spreadsheet writes the comma of its language.
        text = written.replace(",", ".") if isinstance(written, str) else repr(written)
        if not _DECIMAL.fullmatch(text) or not 0 <= float(text) <= 1 or len(label) > MAX_LABEL:
            raise _bad(f"{row.at}: the score of {quote(label, _SHOWN)} is not a number from 0 to 1")
        found[label] = round(float(text) * WHOLE)
    return found


def _check_scores(
    row: AnswerRow, answer: Sequence[str], scores: Mapping[str, int], *, several: bool
) -> None:
    """Raise `bad-answer-file` unless an answer follows from its scores."""
    if several:
        if {label for label, one in scores.items() if one >= WHOLE // 2} != {*answer}:
            raise _bad(f"{row.at}: its answers are not the labels with a score of at least 0.5")
    elif not (best := max(scores.values(), default=0)) or scores.get(answer[0]) != best:
        raise _bad(f"{row.at}: its answer is not the label with the greatest score")


def _lines(path: Path, mistakes: Mistakes) -> Iterator[AnswerRow]:
    with open_regular(path) as file:
        size, number = 0, 0
        while line := file.readline(MAX_LINE + 1):
            number, size = number + 1, size + len(line)
            if len(line) > MAX_LINE or size > MAX_BYTES:
                text = f"line {number} is too long, or the file longer than {MAX_BYTES >> 20} MiB"
                raise mistakes.fail(_bad(text))
            if not line.strip():
                continue
            try:
                found = parse(line, max_bytes=MAX_LINE, floats=True, nulls=True)
            except FormatError as error:
                mistakes.add(_bad(f"line {number}: {quote(error.message, 200)}"))
                continue
            record = found.get(RECORD) if isinstance(found, dict) else None
            scores = found.get(SCORES, {}) if isinstance(found, dict) else None
            if isinstance(record, bool) or not isinstance(record, int | str):
                mistakes.add(_bad(f"line {number}: it has no {RECORD}"))
            elif not isinstance(scores, dict):
                mistakes.add(_bad(f"line {number}: its {SCORES} are not a JSON object"))
            else:
                yield AnswerRow(f"line {number}", str(record), found.get(ANSWER), scores)


def _bad(text: str, hint: str = "") -> InvalidInputError:
    usual = f"write a line for each record: {RECORD}, {ANSWER}, and {SCORES} if there are any"
    return InvalidInputError("bad-answer-file", text, hint=hint or usual)
