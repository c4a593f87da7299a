"""Compares predictions with answers that models and baselines give again (spec §13.9.9).

The caller gives the code that computes the answers: it reads texts, and loads modules that are not
part of verification.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.quoting import quote
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.evaluation.external_answers import are_given

if TYPE_CHECKING:
    from lyrikstore.verify.evaluation.answers import Answers, Numbers, Predictions

AnswerAgain = Callable[
    [Repository, Manifest, Manifest, Manifest, Mapping[str, Sequence[Manifest]], str],
    "Iterator[Numbers] | None",
]
"""Function that answers a test set again, some records at a time, in millionths, records × labels:
from store, evaluation, checkpoint, run, datasets by role, and name of an answerer. None: this
answerer is not run again. A row with a negative number was not answered.
"""

FindNear = Callable[[Repository, Manifest, Manifest, Manifest], "Sequence[bool] | None"]
"""Function that finds the test records with a near duplicate in a model's training data: from
store, evaluation, checkpoint and run. None: another method was used.
"""

NEAR = "near duplicates"
"""Name of the part that was not searched again, or never."""

TOLERANCE, FITTED_TOLERANCE = 2, 5_000
"""Millionths by which a score may differ: for models, whose sums may have another order; for fitted
baselines, whose optimizer stops at slightly different points.
"""


class RecomputeAnswers(Struct, frozen=True):
    """The functions that compute answers again.

    Attributes:
        answer: Computes the answers of models and baselines.
        near: Searches for near duplicates.
    """

    answer: AnswerAgain
    near: FindNear


class RecomputedAnswers(Struct):
    """The result of computing answers again.

    Attributes:
        fault: The difference; empty if there is none.
        unasked: The answers that were not computed again, near duplicates included.
        undone: Why data or model could not be read; None if they were read.
    """

    fault: str = ""
    unasked: list[str] = []
    undone: LyrikstoreError | None = None


def ask_again(
    repository: Repository,
    evaluation: Manifest,
    checkpoint: Manifest,
    run: Manifest,
    data: Mapping[str, Sequence[Manifest]],
    predictions: "Predictions",
    again: RecomputeAnswers,
) -> RecomputedAnswers:
    """Return how predictions differ from the answers computed again.

    Args:
        repository: The store.
        evaluation: The evaluation with the predictions.
        checkpoint: Its model.
        run: The run that made the model.
        data: The datasets in the roles ``test``, ``train`` and ``validation``.
        predictions: The recorded answers.
        again: Computes the answers again.

    Cost: one read of the texts for each answerer, and of the training data where one is fitted.
    """
    asked = RecomputedAnswers()
    labels = len(checkpoint.body.get("labels", ()))
    for at, said in enumerate(predictions.answers):
        name = said.answerer.name
        tolerance = FITTED_TOLERANCE if at else TOLERANCE
        if not at and are_given(evaluation.body):  # its model is not here
            asked.unasked.append(name)
            continue
        try:
            rows = again.answer(repository, evaluation, checkpoint, run, data, name)
            if rows is None:
                asked.unasked.append(name)
                continue
            asked.fault = _difference(predictions, said, rows, labels, tolerance)
        except LyrikstoreError as error:
            asked.undone = error
        if asked.fault or asked.undone:
            return asked
    method = evaluation.body.get("overlap", {}).get("near", {}).get("method")
    if method is None:  # ATTACK A91: who looks finds some, and so nobody is said to have looked
        asked.unasked.append(NEAR)
        return asked
    try:
        near = again.near(repository, evaluation, checkpoint, run)
    except LyrikstoreError as error:
        asked.undone = error
        return asked
    if near is None:
        asked.unasked.append(NEAR)
    # ATTACK A91: a test set of what training has nearly, and nothing says so.
    elif list(near) != predictions.near.tolist():
        asked.fault = "other records are nearly in the training data than it says"
    return asked


def _difference(
    predictions: "Predictions",
    said: "Answers",
    batches: "Iterator[Numbers]",
    labels: int,
    tolerance: int,
) -> str:
    """Return the first record whose answer differs, as text; empty if no answer differs."""
    import numpy as np

    from lyrikstore.verify.evaluation.answers import WHOLE

    name, threshold, begin = quote(said.answerer.name, 80), said.answerer.threshold, 0
    expected, records = predictions.expected, len(predictions)
    squares, all_complete = 0, True
    for rows in batches:
        end = begin + len(rows)
        if end > records or rows.shape[1] != labels:
            return "the test set has other records, or the model other labels"
        first, last = np.searchsorted(said.given.records, (begin, end))
        places = said.given.records[first:last] - begin
        numbers, scores = said.given.numbers[first:last], said.scores[first:last]
        given = np.zeros(rows.shape, bool)
        known = numbers < labels  # nobody is sure at all of a label that the model does not know
        given[places[known], numbers[known]] = True
        found = np.where(known, rows[places, np.minimum(numbers, labels - 1)], 0)
        wrong = np.zeros(len(rows), bool)
        np.logical_or.at(wrong, places, np.abs(found - scores) > tolerance)
        # What was not given is no likelier than what was, or than the threshold.
        rest = np.where(given, -1, rows).max(1)
        if threshold is None:
            least = np.zeros(len(rows), np.int64)
            np.maximum.at(least, places, scores)
            wrong |= rest > least + 2 * tolerance
        else:
            wrong |= rest >= threshold + tolerance
            sure = np.where(given, rows, WHOLE - rows).min(1)
            wrong |= np.abs(sure - said.confidence[begin:end]) > tolerance
        complete = (rows >= 0).all(1)
        if (wrong & complete).any():
            at = begin + int(np.flatnonzero(wrong & complete)[0]) + 1
            return f"asked again, {name} answers record {at} otherwise"
        all_complete = all_complete and bool(complete.all())
        first, last = np.searchsorted(expected.records, (begin, end))
        right = np.zeros((len(rows), max(labels, len(predictions.head.labels))), np.int64)
        right[expected.records[first:last] - begin, expected.numbers[first:last]] = WHOLE
        right[:, :labels] -= rows
        squares += int((right**2).sum())
        begin = end
    if begin < records:
        return "the test set has fewer records"
    # ATTACK A91: scores of labels that were not given, by which calibration looks better.
    if all_complete and abs(squares - said.squares) > 2 * tolerance * WHOLE * labels * records:
        return f"asked again, {name} is not as sure of its answers"
    return ""
