"""Prediction: the answers of a checkpoint to a file, a folder or rows (spec §13.11)."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from lyrikstore.canon.errors import (
    EmptyResultError,
    InvalidInputError,
    StorageError,
    storage_error,
    storage_errors,
)
from lyrikstore.canon.progress import OnProgress, Progress
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore.context import StoreContext
from lyrikstore.train.environment import check_device
from lyrikstore.train.predict.inputs import (
    InferenceInput,
    RecordLayout,
    Unanswered,
    check_place,
    read_inputs,
)
from lyrikstore.train.predict.prediction import AnsweredRecords, AnsweringModel, Prediction
from lyrikstore.train.predict.similar import RevokedRights
from lyrikstore.train.requirements import CPU
from lyrikstore.train.resolve_checkpoint import check_limit, learned_from, resolve_trained
from lyrikstore.train.task import find_task
from lyrikstore.train.worker.staging import Staging, open_staging
from lyrikstore.verify.evaluation.choice.task import with_limit

MOST_EXPLAINED = 1000
"""Most records that are explained, or answered by generated text: they are kept in memory."""

OPTION = "option"
"""Origin of a confidence limit: an option of this call."""

_ASKED = "asked.jsonl"
_ROWS_AT_ONCE = 1024


@contextmanager
def predict_records(
    context: StoreContext,
    checkpoint_ref: str,
    place: Path,
    *,
    explain: bool = False,
    most: int | None = None,
    device: str = CPU,
    abstain_below: float | None = None,
    revoked: RevokedRights = lambda _: {},
) -> Iterator[AnsweredRecords]:
    """Open the answers of a trained checkpoint to a file, the files in a folder, or rows.

    All loaded bytes are read once, by their digests. Nothing is written to the store, which may be
    read-only: model and records are copied for the worker into a staging folder of the user's
    cache,
    if there is one. Progress is reported in the
    phases ``read``, ``start``, ``predict`` and ``compare``.

    Args:
        context: The store.
        checkpoint_ref: A checkpoint that a run made.
        place: A text, a document, a file of rows, or a folder of these.
        explain: Whether to explain each answer, and to list similar training records.
        most: The most records; None: any number.
        device: Device of a generative model: ``cpu`` or ``cuda``.
        abstain_below: The confidence below which the model abstains; None: that of the checkpoint.
        revoked: Finds revoked credentials of rights.

    Raises:
        NotFoundError: (``no-file``, ``no-ref``) no such file or checkpoint.
        InvalidInputError: (``not-trained``, ``bad-model``, ``bad-device``; ``no-explanation``)
            the model generates text; (``bad-confidence``) it generates text, or the
            limit is not from 0 to 1; (``too-many``) there are more records than ``most`` or
            :data:`MOST_EXPLAINED`; (its reason) the only
            record cannot be answered; as
            :func:`lyrikstore.train.predict.inputs.read_inputs`.
        EmptyResultError: (``no-records``) there are no records, or none can be answered.
        PolicyError, VerificationError, IncompleteError: The model may not or cannot be loaded.
        VerificationError: (``input-changed``) another process changed the copied inputs.
        StorageError: The staging folder cannot be written.
        RunFailedError: (``worker-failed``, ``out-of-memory``) the worker failed.

    Cost: some seconds to load the libraries, then milliseconds per record; disk space for
    the texts; memory for a batch. With ``explain`` an encoder also answers each sentence, and
    computes a vector for each training record, which costs about as much as an answer.
    """
    check_place(place)
    repo = context.repository
    checkpoint = resolve_trained(repo, checkpoint_ref)
    task = find_task(checkpoint.body["task"])
    check_device(device, task.name)
    if explain and task.generative:
        raise InvalidInputError(
            "no-explanation",
            f"{checkpoint.name} generates text, and generated text cannot be explained",
            hint="leave --explain out",
        )
    decision = checkpoint.body.get("decision", {})
    if abstain_below is not None:
        check_limit(checkpoint, abstain_below)
        decision = with_limit(decision, abstain_below, OPTION)
    run = repo.manifest(checkpoint.inputs_in("run")[0].id)
    train = learned_from(repo, checkpoint)
    layout = RecordLayout.of(run.body["config"], train[0])
    folder = context.own_cache or repo.root  # prediction does not need to write to the store
    with storage_errors(f"making {folder}"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if explain or task.generative:
        most = min(most or MOST_EXPLAINED, MOST_EXPLAINED)
    with open_staging(folder) as staging:
        asked = read_inputs(place, layout, staging.path, repo.root)
        noted = _Noted(place, layout, staging, most, context.progress)
        model = AnsweringModel(checkpoint, run, train, noted.answerable(asked), staging, decision)
        found = task.answer(context, model, device=device, revoked=revoked if explain else None)
        yield AnsweredRecords(
            checkpoint,
            noted.count,
            noted.unanswered,
            noted.without_fields,
            found.missing,
            noted.predictions(found.answers),
            decision,
        )


def predict_file(context: StoreContext, checkpoint_ref: str, path: Path) -> Prediction:
    """Return the answer of a trained checkpoint to the text or document in one file.

    Args: As :func:`predict_records`.

    Raises:
        InvalidInputError: (``too-many``) it has several records; else as :func:`predict_records`.

    Cost: some seconds to load the libraries, then milliseconds.
    """
    with predict_records(context, checkpoint_ref, path, most=1) as found:
        return next(iter(found))


class _Noted:
    """Passes on the records that can be answered, and lists all records in a file."""

    def __init__(
        self,
        place: Path,
        layout: RecordLayout,
        staging: Staging,
        most: int | None,
        progress: OnProgress,
    ) -> None:
        self._place, self._layout, self._staging = place, layout, staging
        self._most, self._progress = most, progress
        self.count = self.without_fields = 0
        self.unanswered: dict[str, int] = {}

    def answerable(self, asked: Iterable[InferenceInput]) -> Iterator[InferenceInput]:
        """Yield the records that can be answered."""
        first, answerable = None, 0
        with self._staging.create(_ASKED) as note:
            for one in asked:
                self.count += 1
                if self._most is not None and self.count > self._most:
                    raise _too_many(self._place, self._most)
                if one.problem is not None:
                    reason = one.problem.reason
                    self.unanswered[reason] = self.unanswered.get(reason, 0) + 1
                    first = first or (one, one.problem)
                elif one.record is not None:
                    answerable += 1
                    self.without_fields += len(one.fields) < len(self._layout.joined)
                    yield one
                note(msgspec.json.encode(replace(one, text="", fields={})) + b"\n")
                if self.count % _ROWS_AT_ONCE == 0:
                    self._progress(Progress(self.count, phase="read"))
        if not answerable:
            raise self._nothing(first)
        self._progress(Progress(self.count, self.count, phase="read"))
        self._progress(Progress(phase="start"))

    def predictions(self, answers: Iterator[Mapping[str, Any]]) -> Iterator[Prediction]:
        """Yield a prediction for each record; a few are in memory at a time."""
        try:
            with (self._staging.path / _ASKED).open("rb") as asked:
                for line in asked:
                    one = msgspec.json.decode(line, type=InferenceInput)
                    yield Prediction(one) if one.problem else Prediction(one, **next(answers))
        except StorageError:
            raise
        except OSError as error:
            raise storage_error(error, "reading the answers") from error

    def _nothing(
        self, first: tuple[InferenceInput, Unanswered] | None
    ) -> InvalidInputError | EmptyResultError:
        if first is None:
            return EmptyResultError(
                "no-records",
                f"{self._place} contains no records",
                hint="name a text file, a file of rows, or a folder of these",
            )
        asked, problem = first
        shown = escape_control(asked.path if asked.line is None else f"{asked.path}:{asked.line}")
        more = f" (and {self.count - 1} more without an answer)" if self.count > 1 else ""
        return InvalidInputError(
            problem.reason,
            f"{shown}: {problem.summary}{more}",
            hint=problem.hint or "name a file with text",
            details={"unanswered": self.unanswered},
        )


def _too_many(place: Path, most: int) -> InvalidInputError:
    return InvalidInputError(
        "too-many",
        f"{place} has more than {pluralize(most, 'record')}, the most at once here",
        hint="write the answers to a file (-o FILE), or name fewer records",
    )
