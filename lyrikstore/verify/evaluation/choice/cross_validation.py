"""Format ``validation/2``: out-of-fold scores of each candidate (spec §13.6.7).

JSON Lines: a head, then a line for each training and validation record in storage order, named by
its place alone. Scores are kept to the last bit, so that every program decides the same by them.
"""

from base64 import b64encode
from collections.abc import Collection, Mapping
from typing import Annotated, BinaryIO, Literal

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from lyrikstore.canon.base64 import decode_base64
from lyrikstore.canon.json import encode
from lyrikstore.verify.evaluation.choice import validation
from lyrikstore.verify.evaluation.choice.by_folds import choose_by_folds, compare
from lyrikstore.verify.evaluation.choice.candidates import (
    BY_FOLDS,
    BY_VALIDATION,
    CHEAP,
    ORDER,
    formats_by_name,
    measured_metric,
)
from lyrikstore.verify.evaluation.choice.folds import REPEATS, FoldedRecords, repeats_of
from lyrikstore.verify.evaluation.choice.task import (
    Flags,
    Scores,
    labelling_rules,
    macro_f1,
)
from lyrikstore.verify.evaluation.choice.validation import (
    MAX_LABELS,
    MAX_LINE,
    CandidateChoice,
    ValidationScores,
    are_labels,
    flags_of,
    read_validation,
    rules_of_head,
    those_allowed,
    with_declared_limit,
)
from lyrikstore.verify.evaluation.lines import Lines

FORMAT = "validation/2"
MAX_BYTES = 32 << 20
"""Longest attachment, in bytes; its recomputation takes a minute at most."""

_KIND = "bad-validation"

Kept = NDArray[np.float32]


class CrossValidation(Struct, frozen=True):
    """The scores of the training and validation records.

    Attributes:
        task: What is learned.
        labels: The labels, in the order of the columns.
        pool: The records.
        out_of_fold: Candidate → its logits of every record, each by what was learned from other
            folds: repeats × records × labels. Of a dear candidate the first repeat alone.
        holdout: Candidate → its logits of the validation records, of one that was not learned
            anew for every fold.
    """

    task: str
    labels: tuple[str, ...]
    pool: FoldedRecords
    out_of_fold: Mapping[str, Kept]
    holdout: Mapping[str, Kept]

    @property
    def expected(self) -> Flags:
        """The right labels of the records, as a boolean array."""
        return self.pool.expected

    def decide(self, allowed: Collection[str], limit: str = "") -> CandidateChoice:
        """Return the choice that follows from these scores (spec §13.2.2).

        Args:
            allowed: Formats of the candidates that may be taken.
            limit: The confidence below which nothing is answered, as the config of the run
                declares it; empty: it is fitted as well.

        Raises:
            FormatError: (``bad-validation``) none of them was trained.
        """
        task, formats = labelling_rules(self.task), formats_by_name(allowed)
        pool, width = self.pool, len(self.labels)
        scores: dict[str, tuple[NDArray[np.intp], Scores]] = {}
        for name in sorted({*self.out_of_fold, *self.holdout}, key=ORDER.index):
            held = self.out_of_fold.get(name)
            rows = pool.rows(0 if held is None else len(held))
            logits = self.holdout[name] if held is None else held.reshape(-1, width)
            scores[name] = rows, np.asarray(logits, np.float64)
        tried = those_allowed(compare(task, pool, scores), formats)
        tried, taken, reason = choose_by_folds(task, pool, tried)
        tried, taken = with_declared_limit(tried, taken, limit)
        right = pool.expected[taken.rows % len(pool.expected)]
        found = {
            "accuracy": float((taken.answers == right).all(1).mean()),
            "macroF1": macro_f1(right, taken.answers),
        }
        measured = {measured_metric(one, taken.by): f"{found[one]:.4f}" for one in found}
        return CandidateChoice(task.metric, tuple(tried), taken, reason, formats, measured)

    def write(self) -> bytes | None:
        """Return the attachment; None if it would be too long."""
        pool, names = self.pool, sorted({*self.out_of_fold, *self.holdout}, key=ORDER.index)
        count = sum(len(one) for one in self.out_of_fold.values()) * len(pool.expected)
        count += len(self.holdout) * pool.validation
        if count * len(self.labels) * 16 // 3 > MAX_BYTES:
            return None
        by = {name: BY_FOLDS if name in self.out_of_fold else BY_VALIDATION for name in names}
        lines = [
            encode(
                {
                    "format": FORMAT,
                    "task": self.task,
                    "labels": list(self.labels),
                    "seed": pool.seed,
                    "repeats": pool.repeats,
                    "records": {"train": pool.training, "validation": pool.validation},
                    "candidates": [{"candidate": name, "by": by[name]} for name in names],
                }
            )
        ]
        for at, right in enumerate(pool.expected):
            scores = [self._of_record(name, at) for name in names]
            group = {} if pool.groups is None else {"group": pool.groups[at]}
            lines.append(
                encode({"expected": np.flatnonzero(right).tolist(), **group, "logits": scores})
            )
        data = b"".join(line + b"\n" for line in lines)
        return data if len(data) <= MAX_BYTES and max(map(len, lines)) < MAX_LINE else None

    def _of_record(self, name: str, at: int) -> list[str]:
        if name in self.out_of_fold:
            rows = [one[at] for one in self.out_of_fold[name]]
        else:
            place = at - self.pool.training
            rows = [self.holdout[name][place]] if place >= 0 else []
        return [b64encode(np.asarray(one, "<f4").tobytes()).decode() for one in rows]


def read_kept(form: str, stream: BinaryIO) -> ValidationScores | CrossValidation | None:
    """Parse an attachment about validation; None if its format is unknown.

    Args:
        form: Its format, as the body of the checkpoint says it.
        stream: The attachment.

    Raises:
        FormatError: (``bad-validation``) it is no such attachment.

    Cost: one line at a time; memory for the scores, which are less than the attachment.
    """
    if form == validation.FORMAT:
        return read_validation(stream)
    return read_cross_validation(stream) if form == FORMAT else None


def read_cross_validation(stream: BinaryIO) -> CrossValidation:
    """Parse an attachment of this format; as :func:`read_kept`."""
    lines = Lines(stream, _KIND, max_line=MAX_LINE, max_bytes=MAX_BYTES)
    head = lines.need(_Head)
    rules = rules_of_head(lines, head.task)
    width, training = len(head.labels), head.records.train
    total = training + head.records.validation
    names = [one.candidate for one in head.candidates]
    folded = [one.by == BY_FOLDS for one in head.candidates]
    fine = (
        len(set(head.labels)) == width
        and names == sorted(set(names), key=ORDER.index)
        # ATTACK A156: cheap candidates on few records that suit one of them, and not by folds.
        and all(by for name, by in zip(names, folded, strict=True) if name in CHEAP)
        # Then each line has scores, and what is allocated is less than the attachment.
        and any(folded)
        and head.repeats == repeats_of(total)
    )
    if not fine:
        raise lines.bad("its head cannot be")
    repeats = [
        (head.repeats if name in CHEAP else 1) if by else 0
        for name, by in zip(names, folded, strict=True)
    ]
    rows: list[list[bytes]] = [[] for _ in names]
    expected: list[list[int]] = []
    groups: list[int] = []
    fresh = 0
    for line in lines.rest(_Line):
        wanted = [one or int(len(expected) >= training) for one in repeats]
        scores = [[decode_base64(one, _KIND) for one in some] for some in line.logits]
        fine = (
            len(expected) < total
            and [[len(one) for one in some] for some in scores] == [[4 * width] * n for n in wanted]
            and are_labels(line.expected, head.labels, rules)
            # ATTACK A156: numbers that put groups into folds as one likes; they come in order.
            and (line.group is None or line.group <= fresh)
        )
        if not fine:
            raise lines.bad("it cannot be")
        if line.group is not None:
            groups.append(line.group)
            fresh = max(fresh, line.group + 1)
        expected.append(line.expected)
        for held, one in zip(rows, scores, strict=True):
            held.extend(one)
    if len(expected) != total or len(groups) not in {0, total}:
        raise lines.bad("there are not as many records as its head says")
    out_of_fold, holdout = dict[str, Kept](), dict[str, Kept]()
    for name, some, count in zip(names, rows, repeats, strict=True):
        flat = np.frombuffer(b"".join(some), "<f4").astype(np.float32, copy=False)
        if not np.isfinite(flat).all():
            raise lines.bad("a score is no number")
        if count:
            of_record = flat.reshape(total, count, width)
            out_of_fold[name] = np.ascontiguousarray(of_record.transpose(1, 0, 2))
        else:
            holdout[name] = flat.reshape(head.records.validation, width)
    return CrossValidation(
        head.task,
        tuple(head.labels),
        FoldedRecords(head.seed, training, flags_of(expected, width), groups or None),
        out_of_fold,
        holdout,
    )


_Label = Annotated[str, Meta(min_length=1, max_length=65536)]
_Number = Annotated[int, Meta(ge=0, lt=MAX_LABELS)]
_Count = Annotated[int, Meta(ge=1, le=MAX_BYTES)]


class _Records(Struct, frozen=True, forbid_unknown_fields=True):
    train: _Count
    validation: _Count


class _Candidate(Struct, frozen=True, forbid_unknown_fields=True):
    candidate: Literal["tfidf", "embeddings", "lora", "full"]
    by: Literal["folds", "validation"]


class _Head(Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["validation/2"]
    task: _Label
    labels: Annotated[list[_Label], Meta(min_length=1, max_length=MAX_LABELS)]
    seed: Annotated[int, Meta(ge=0, lt=2**53)]
    repeats: Annotated[int, Meta(ge=1, le=REPEATS)]
    records: _Records
    candidates: Annotated[list[_Candidate], Meta(min_length=1, max_length=4)]


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    expected: list[_Number]
    logits: Annotated[
        list[Annotated[list[str], Meta(max_length=REPEATS)]], Meta(min_length=1, max_length=4)
    ]
    group: Annotated[int, Meta(ge=0, lt=MAX_BYTES)] | None = None
