"""Monitoring: a checkpoint on data that came after its run, signed (spec §13.9.11).

Never a test: what came later was not fixed before training, and somebody chose it. So it has a name
of its own, and neither a card nor a comparison of models takes its figures for those of a test.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.canon.timestamps import Clock
from lyrikstore.credentials.terms.model import Use
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.curate.labelled import read_labelled
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import retired_versions
from lyrikstore.train.evaluation.answers import (
    MEASURED,
    answer_records,
    fields_of,
    head_of,
    lines_of,
)
from lyrikstore.train.evaluation.sliced import slice_records
from lyrikstore.train.evaluation.vocabulary import count_unseen
from lyrikstore.train.requirements import MONITOR_SUFFIX as SUFFIX
from lyrikstore.train.requirements import SFT
from lyrikstore.train.snapshot import read_texts
from lyrikstore.train.trained import resolve_trained
from lyrikstore.verify.evaluation.drift import length_drift, monitor_body, new_token_share, shift
from lyrikstore.verify.evaluation.limits import MONITOR
from lyrikstore.verify.evaluation.predictions import read_predictions, write_predictions
from lyrikstore.verify.evaluation.recompute import costs_of
from lyrikstore.verify.rights.required import check_rights

_LONGEST, _DIGITS = 64 - len(SUFFIX), 8


class _Asked(Struct, frozen=True):
    """What is looked at.

    Attributes:
        checkpoint: The model.
        run: Its run.
        reference: The evaluation that it is held against.
        new: The data that came.
        old: The test set of the reference.
        train: What the model learnt from.
    """

    checkpoint: Manifest
    run: Manifest
    reference: Manifest
    new: Manifest
    old: Sequence[Manifest]
    train: Sequence[Manifest]


def monitor_checkpoint(
    repo: Repository,
    checkpoint_ref: str,
    dataset_ref: str,
    *,
    signer: Signer,
    trust: Trust,
    clock: Clock,
    base_env: Mapping[str, str],
    progress: OnProgress = silent,
) -> Manifest:
    """Return the signed, logged statement how a checkpoint does on data that came after its run.

    Args:
        repo: The store, opened to append.
        checkpoint_ref: A checkpoint that a run here made, and that was evaluated.
        dataset_ref: A dataset that was logged after that run; with labels or without.
        signer: Signs the statement.
        trust: Whose permissions count.
        clock: Tells the claimed time, and the moment of use.
        base_env: The caller's environment; a few harmless variables of it reach the worker.
        progress: Progress callback, called per record, in the phases ``check``, ``warn``,
            ``score``, ``overlap``, ``log`` and ``done``.

    Raises:
        PolicyError: (``not-new``) the data was logged before the run, or is what the model was
            trained or tested on; (``rights-missing``) it may not be used to evaluate.
        InvalidInputError: (``no-monitor``) the model writes; (``not-evaluated``) there is no
            evaluation with predictions to hold it against;
            (``not-trained``, ``not-a-dataset``, ``empty``, ``label-missing`` …)
        VerificationError, IncompleteError, RunFailedError: As
            :func:`lyrikstore.train.evaluation.evaluate.evaluate_checkpoint`.
        ConflictError, LockedError, StorageError: As any transaction.

    Cost: answers every record once, one at a time; reads the data, the test set of the reference
    and the training data once more, for lengths and words. Where these may not be used any more,
    what rests on them is left out, with a warning.
    """
    progress(Progress(phase="check"))
    asked = _asked(repo, checkpoint_ref, dataset_ref)
    config = asked.run.body["config"]
    use = Use.of_evaluation(config, clock())
    rights = check_rights(repo, [asked.new], use, trust=trust, user=signer.did, measuring=use)

    def may_use(datasets: Sequence[Manifest], how: Use, what: str) -> bool:
        try:
            check_rights(repo, datasets, how, trust=trust, user=signer.did, measuring=use)
        except PolicyError as error:
            text = f"{what} left out: {error.message}"
            progress(Progress(phase="warn", detail={"code": "left-out", "text": text}))
            return False
        return True

    with_old = may_use(asked.old, use, "drift of lengths and words is")
    learning = Use.of_run(asked.run.body, clock())
    with_train = with_old and may_use(asked.train, learning, "drift of words is")
    found, predictions = _found(
        repo, asked, base_env, progress, with_old=with_old, with_train=with_train
    )
    body = {**found, **rights.to_body()}
    name = monitor_name(asked.checkpoint.name)
    progress(Progress(phase="log"))
    with open_transaction(repo) as transaction:
        state = repo.refs.get(name)
        blob = transaction.writer.put_bytes(predictions)
        manifest = sign_manifest(
            kind="evaluation",
            store=repo.store_id,
            name=name,
            parents=[state.id] if state else [],
            inputs=[
                Input("checkpoint", "checkpoint", asked.checkpoint.id),
                Input("reference", "evaluation", asked.reference.id),
                Input("test", "dataset", asked.new.id),
            ],
            body=body,
            attachments=[Attachment("predictions", blob, len(predictions))],
            signer=signer,
            created=repo.signing_date(clock),
        )
        transaction.log_manifest(manifest)
        transaction.commit()
    progress(Progress(phase="done"))
    return manifest


def monitor_name(checkpoint: str) -> str:
    """Return the name of what monitors a checkpoint, and nothing else: of no evaluation."""
    _, owner, part = checkpoint.split("/")
    if len(part) > _LONGEST:  # two names may begin alike
        digest = Digest.of(part.encode()).hex[:_DIGITS]
        part = f"{part[: _LONGEST - _DIGITS - 1]}-{digest}"
    return f"evaluations/{owner}/{part}{SUFFIX}"


def _asked(repo: Repository, checkpoint_ref: str, dataset_ref: str) -> _Asked:
    checkpoint = resolve_trained(repo, checkpoint_ref)
    if checkpoint.body["task"] == SFT:
        raise InvalidInputError(
            "no-monitor",
            f"{checkpoint.name} writes: how its words drift is not measured yet",
            hint=f"measure it again: lyrikstore evaluate {checkpoint.name} --on TEST",
        )
    run = repo.manifest(checkpoint.inputs_in("run")[0].id)
    new = repo.resolve(dataset_ref)
    if new.kind != "dataset":
        raise InvalidInputError("not-a-dataset", f"{dataset_ref} is a {new.kind}, not a dataset")
    name = "evaluations/" + checkpoint.name.removeprefix("checkpoints/")
    evaluations = repo.history(name) if name in repo.refs else []
    gone = retired_versions(repo)
    reference = next(
        (
            one
            for one in evaluations
            if "predictions" in one.body
            and one.id not in gone
            and one.body.get("purpose") != MONITOR
            and one.inputs_in("checkpoint")[0].id == checkpoint.id
        ),
        None,
    )
    if reference is None:
        raise InvalidInputError(
            "not-evaluated",
            f"{checkpoint.name} has no evaluation to hold new data against",
            hint=f"first: lyrikstore evaluate {checkpoint.name} --on TEST",
        )
    old, train = (
        [repo.manifest(item.id) for item in some]
        for some in (reference.inputs_in("test"), checkpoint.inputs_in("train"))
    )
    known = [*old, *train, *(repo.manifest(one.id) for one in checkpoint.inputs_in("validation"))]
    if any(new.id == one.id or new.files == one.files for one in known):
        raise PolicyError(
            "not-new",
            f"{new.name} is what the model was trained or tested on; it shows no change",
            hint="commit what came since, and name that",
        )
    if repo.index_of(new.id) < repo.index_of(run.id):
        raise PolicyError(
            "not-new",
            f"{new.name} was logged before the run: that is a test set",
            hint=f"lyrikstore evaluate {checkpoint.name} --on {new.name}",
        )
    return _Asked(checkpoint, run, reference, new, old, train)


def _found(
    repo: Repository,
    asked: _Asked,
    base_env: Mapping[str, str],
    progress: OnProgress,
    *,
    with_old: bool,
    with_train: bool,
) -> tuple[dict[str, Any], bytes]:
    """Return the body, but for the rights, and the predictions."""
    config, seed = asked.run.body["config"], asked.run.body["seed"]
    field = FieldRoles.of_body(asked.new.body).label or config["data"]["label"]
    records = list(read_labelled(repo, [asked.new], field, []))
    labelled = any(one.labels for one in records)
    answered = answer_records(
        repo,
        asked.checkpoint,
        asked.run,
        asked.new,
        learnt=None,
        label=field if labelled else "",
        base_env=base_env,
        progress=progress,
    )
    progress(Progress(0, len(records), phase="overlap"))
    sliced = slice_records(repo, asked.new, config, label=field) if labelled else None
    slices = sliced.slices if sliced else ()
    head = head_of(asked.checkpoint.body, answered, slices, labelled=labelled)
    written = b"".join(write_predictions(head, lines_of(head, answered, sliced)))
    measured: dict[str, str] = {}
    if with_old:
        old = read_labelled(repo, asked.old, config["data"]["label"], [])
        measured["lengths"] = length_drift(
            [one.length for one in records], [one.length for one in old]
        )
    if with_train:
        fields = fields_of(config, label="")
        texts = [read_texts(repo, some, fields) for some in ([asked.new], asked.old)]
        unseen = count_unseen(texts, read_texts(repo, asked.train, fields))
        now, before = (new_token_share(*one) for one in unseen)
        measured |= {"newTokenShare": now, "newTokenShift": shift(now, before)}
    attached = asked.reference.attachments_in("predictions")[0]
    with repo.blobs.open(attached.id) as stream:
        reference = read_predictions(stream)
    found = monitor_body(
        read_predictions(BytesIO(written)),
        reference,
        seed=seed,
        costs=costs_of(config) if labelled else None,
        thresholds=asked.run.body.get("thresholds", ()),
        field_of_groups=sliced.group if sliced else None,
        measured=measured,
    )
    if sliced:
        found["slicing"] = dict(sliced.slicing)
    found["model"] |= {name: answered.systems[0][name] for name in MEASURED}
    found |= {"purpose": MONITOR, "split": MONITOR, "environment": answered.environment}
    return found, written
