"""Evaluation and monitoring of labelling models, with baselines (spec §13.7, §13.9)."""

from collections.abc import Mapping, Sequence
from io import BytesIO

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.progress import Progress
from lyrikstore.context import StoreContext
from lyrikstore.curate.labelled_records import read_labelled
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.filters.duplicates.between import METHOD, find_near
from lyrikstore.train.evaluation.answers import (
    MEASURED,
    actual_of,
    answer_records,
    fields_of,
    head_of,
    lines_of,
)
from lyrikstore.train.evaluation.overlap import LearnedData
from lyrikstore.train.evaluation.slicing import slice_records
from lyrikstore.train.evaluation.vocabulary import count_unseen
from lyrikstore.train.plan.evaluating import plan_evaluation
from lyrikstore.train.snapshot import read_texts
from lyrikstore.train.task import Evaluated, ModelWithAnswers, MonitoredModel, TestedModel
from lyrikstore.verify.evaluation.body import evaluation_body
from lyrikstore.verify.evaluation.choice.unlike import UNLIKE
from lyrikstore.verify.evaluation.drift import length_drift, monitor_body, share_of, shift
from lyrikstore.verify.evaluation.figures.paired import pairing_fault
from lyrikstore.verify.evaluation.predictions import read_predictions, write_predictions
from lyrikstore.verify.evaluation.recompute import costs_of


def evaluate_labels(context: StoreContext, model: TestedModel | ModelWithAnswers) -> Evaluated:
    """Return the evaluation of a labelling model, or of its answer file, and its baselines.

    Raises:
        InvalidInputError, VerificationError, IncompleteError, RunFailedError, StorageError: As
            :func:`lyrikstore.train.evaluation.answers.answer_records`.
    """
    repo, config, test = context.repository, model.config, model.test
    given = model.given if isinstance(model, ModelWithAnswers) else None
    if given is not None and model.floors and not given.scored:
        raise InvalidInputError(
            "bad-confidence",
            f"{given.name} has no scores, so its answers have no confidence",
            hint="leave --abstain-below out, or add scores of the labels to the file",
        )
    fields = fields_of(config)
    learned = None
    if model.checkpoint is not None and model.run is not None:
        learned = LearnedData.of(repo, model.checkpoint, fields)
    answered = answer_records(context, model, seen_in=learned)
    context.progress(Progress(0, len(answered.tested.records), phase="overlap"))
    near: Sequence[bool] = ()
    if learned is not None:
        near = find_near(read_texts(repo, [test], fields), learned.texts())
    records = slice_records(repo, test, config)
    head = head_of(model, answered, records.slices)
    written = b"".join(write_predictions(head, lines_of(head, answered, records, near)))
    predictions = read_predictions(BytesIO(written))
    if model.against and (fault := pairing_fault(predictions, model.against.predictions)):
        text = f"{model.against.name}: {fault}"
        raise InvalidInputError("not-comparable", text, hint="first evaluate that model again")
    found = evaluation_body(
        predictions,
        seed=model.seed,
        costs=costs_of(config),
        thresholds=[] if model.run is None else model.run.body.get("thresholds", ()),
        field_of_groups=records.group,
        majority=_commonest(answered.trained.labels) if model.train else None,
        near=None if learned is None else METHOD,
        scored=given is None or given.scored,
        floors=model.floors,
        against=model.against,
    )
    own, *baselines = answered.systems
    found["model"] |= {name: own[name] for name in MEASURED if name in own}
    signed = [found.get("baseline", {}), *found.get("baselines", ())]
    for each, one in zip(signed, baselines, strict=False):
        each |= {name: one[name] for name in (*MEASURED, "params")}
    if given is None and (plan := plan_evaluation(repo, config, model.train, test)):
        found["plan"] = plan
    if given is not None:
        found["answers"] = {
            "source": "given",
            "digest": str(given.digest),
            "bytes": given.bytes,
            "scores": given.scored,
        }
    if learned is not None:
        found["overlap"] = {**found["overlap"], **learned.overlap(answered.seen)}
    found |= {"slicing": dict(records.slicing), "environment": answered.environment}
    if actual := actual_of(answered.systems):
        found["actual"] = actual
    if given is None and model.checkpoint is not None and UNLIKE in model.checkpoint.body:
        found[UNLIKE] = {"count": own[UNLIKE]}
    return Evaluated(found, {"predictions": written}, answered.labels)


def monitor_labels(
    context: StoreContext, asked: MonitoredModel, *, with_old: bool, with_train: bool
) -> Evaluated:
    """Run a model on data from after its run, and return how it differs from the test set.

    Args:
        context: The store.
        asked: The model and the data.
        with_old: Whether the test set of the reference may be read.
        with_train: Whether the training data may be read.

    Raises:
        InvalidInputError, VerificationError, IncompleteError, RunFailedError, StorageError: As
            :func:`lyrikstore.train.evaluation.answers.answer_records`.
    """
    repo, config, seed = context.repository, asked.run.body["config"], asked.run.body["seed"]
    field = FieldRoles.of_body(asked.new.body).label or config["data"]["label"]
    records = list(read_labelled(repo, [asked.new], field, []))
    labelled = any(one.labels for one in records)
    model = TestedModel(asked.checkpoint, asked.run, asked.new)
    answered = answer_records(context, model, label=field if labelled else "")
    context.progress(Progress(0, len(records), phase="overlap"))
    sliced = slice_records(repo, asked.new, config, label=field) if labelled else None
    slices = sliced.slices if sliced else ()
    head = head_of(model, answered, slices, labelled=labelled)
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
        now, before = (share_of(*one) for one in unseen)
        measured |= {"newTokenShare": now, "newTokenShift": shift(now, before)}
    attached = asked.reference.attachments_in("predictions")[0]
    with repo.blobs.open(attached.id) as stream:
        reference = read_predictions(stream)
    detects = UNLIKE in asked.checkpoint.body
    if detects:
        measured["unlikeShare"] = share_of(answered.systems[0][UNLIKE], len(records))
    if detects and UNLIKE in asked.reference.body:
        before = share_of(asked.reference.body[UNLIKE]["count"], len(reference))
        measured["unlikeShift"] = shift(measured["unlikeShare"], before)
    found = monitor_body(
        read_predictions(BytesIO(written)),
        reference,
        seed=seed,
        costs=costs_of(config) if labelled else None,
        thresholds=asked.run.body.get("thresholds", ()),
        field_of_groups=sliced.group if sliced else None,
        measured=measured,
        backfill=asked.backfill,
        unlike=detects,
    )
    if sliced:
        found["slicing"] = dict(sliced.slicing)
    found["model"] |= {name: answered.systems[0][name] for name in MEASURED}
    found["environment"] = answered.environment
    return Evaluated(found, {"predictions": written})


def _commonest(labels: Mapping[str, int]) -> str:
    return min(labels, key=lambda label: (-labels[label], label))
