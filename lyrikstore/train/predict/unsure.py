"""The records of which a model is unsure, as a dataset for review (spec §13.15.4)."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import EmptyResultError, VerificationError, storage_errors
from lyrikstore.context import StoreContext
from lyrikstore.curate.commit.commit import commit_folder
from lyrikstore.curate.commit.inputs import CommitMetadata, GeneratedBy
from lyrikstore.curate.commit.result import CommitResult
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.work_folder import work_folder
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.manifests.names import parse_name
from lyrikstore.train.predict.inputs import InferenceInput, RecordLayout, read_inputs
from lyrikstore.train.predict.predict import predict_records
from lyrikstore.train.predict.prediction import AnsweredRecords, Prediction, decimal
from lyrikstore.train.requirements import CPU
from lyrikstore.train.resolve_checkpoint import check_limit, learned_from, resolve_trained
from lyrikstore.verify.evaluation.answers import WHOLE

SCORE_FIELD = "candidate_score"
"""The field with the confidence of the model's answer."""

_ROWS = "rows.jsonl"


class QueuedRecords(Struct, frozen=True):
    """The records of which a model is unsure, committed as a generated dataset.

    Attributes:
        checkpoint: The model.
        name: Full name of the dataset.
        asked: How many records were asked about.
        unanswered: Reason without an answer → number of records; they are not in the dataset.
        rows: How many are in the dataset.
        result: The commit.
    """

    checkpoint: Manifest
    name: str
    asked: int
    unanswered: Mapping[str, int]
    rows: int
    result: CommitResult

    @property
    def answered(self) -> int:
        """How many records have an answer."""
        return self.asked - sum(self.unanswered.values())


def queue_unsure(
    context: StoreContext,
    checkpoint_ref: str,
    place: Path,
    name: str,
    *,
    below: float,
    terms: str = "",
    permits_training: str = "unknown",
    message: str = "",
    device: str = CPU,
    dry_run: bool = False,
) -> QueuedRecords:
    """Commit the records that a model answers with a low confidence, with these answers.

    The dataset has origin ``generated``, and the model is its generator. Texts and fields are those
    that the model read; the label is its answer, whatever its limit; :data:`SCORE_FIELD` is the
    confidence of the whole answer, also where a record has several labels.

    Args:
        context: The store.
        checkpoint_ref: A trained classifier.
        place: As for :func:`lyrikstore.train.predict.predict.predict_records`.
        name: Full name of the dataset.
        below: The confidence below which a record is queued; those that are unlike the training
            data are queued at any confidence.
        terms: As for :class:`GeneratedBy`.
        permits_training: As for :class:`GeneratedBy`.
        message: Free text, signed with the version.
        device: As for ``predict_records``.
        dry_run: Whether nothing is logged.

    Raises:
        EmptyResultError: (``no-records``) the model is sure of all records.
        VerificationError: (``input-changed``) the records changed while they were read.
        LyrikstoreError: As ``predict_records`` and ``commit_folder``.

    Cost: the records are read twice; disk space for the rows.
    """
    repo = context.repository
    checkpoint = resolve_trained(repo, checkpoint_ref)
    check_limit(checkpoint, below)
    run = repo.manifest(checkpoint.inputs_in("run")[0].id)
    train = learned_from(repo, checkpoint)[0]
    layout, known = RecordLayout.of(run.body["config"], train), FieldRoles.of_body(train.body)
    label = known.label or "label"
    with work_folder(context.own_cache) as work:
        folder, read = work.path / "rows", work.path / "read"
        with storage_errors("making a work folder"):
            folder.mkdir()
            read.mkdir()
        with predict_records(
            context, str(checkpoint.id), place, device=device, abstain_below=0
        ) as found:
            again = read_inputs(place, layout, read, repo.root)
            some, has_ids = 0, True
            with storage_errors(f"writing {_ROWS}"), (folder / _ROWS).open("wb") as rows:
                for asked, one in _unsure(found, again, below):
                    row = _row(asked, one, layout, label, several=found.several)
                    has_ids &= layout.id in row
                    rows.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
                    some += 1
            count, unanswered = found.count, dict(found.unanswered)
        if not some:
            raise EmptyResultError(
                "no-records",
                f"{checkpoint.name} answers all records with a confidence of at least {below:g}",
                hint="queue those below a greater confidence, or ask about other records",
            )
        roles = FieldRoles(
            text=layout.text[:1], label=label, id=layout.id if has_ids and known.id else ""
        )
        made = GeneratedBy(str(checkpoint.id), None, terms, permits_training)
        stated = CommitMetadata(roles=roles, generated=made, message=message)
        result = commit_folder(context, folder, name, stated, dry_run=dry_run)
    return QueuedRecords(checkpoint, str(parse_name(name)), count, unanswered, some, result)


def _unsure(
    found: AnsweredRecords, again: Iterator[InferenceInput], below: float
) -> Iterator[tuple[InferenceInput, Prediction]]:
    """Yield the records of which the model is unsure, with their texts, and its answers."""
    for one in found:
        asked = next(again, None)
        # ATTACK: the file is exchanged between the answers and the rows that get them.
        if asked is None or (asked.path, asked.line, asked.record) != (
            one.asked.path,
            one.asked.line,
            one.asked.record,
        ):
            raise VerificationError("input-changed", "the records changed while they were read")
        if one.asked.problem is None and (one.abstained or one.confidence < below * WHOLE):
            yield asked, one


def _row(
    asked: InferenceInput, one: Prediction, layout: RecordLayout, label: str, *, several: bool
) -> dict[str, Any]:
    # A text unlike the training data has no answer: its likeliest label is the candidate.
    answer = list(one.answer) or [name for name, _ in one.candidates[:1] if not several]
    return {
        **asked.fields,
        layout.text[0]: asked.text,
        **({layout.id: asked.id} if asked.id else {}),
        label: answer if several else "".join(answer),
        SCORE_FIELD: decimal(one.confidence),
    }
