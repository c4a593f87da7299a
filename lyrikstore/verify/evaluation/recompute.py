"""Comparison of a signed evaluation with its predictions (spec §13.9.9)."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON, encode
from lyrikstore.canon.quoting import quote
from lyrikstore.verify.evaluation.answers import WHOLE, Predictions
from lyrikstore.verify.evaluation.body import evaluation_body
from lyrikstore.verify.evaluation.drift import length_drift, monitor_body
from lyrikstore.verify.evaluation.evidence import (
    FINE,
    NEWER_FORMAT,
    NOT_COMPARED,
    Evidence,
    Fault,
    LabelledRecord,
    OtherEvaluation,
)
from lyrikstore.verify.evaluation.external_answers import (
    SEED,
    answer_file_answerer,
    are_given,
    are_scored,
    undeclared_answers,
)
from lyrikstore.verify.evaluation.limits import MEASURED, MEASURED_UNLIKE
from lyrikstore.verify.evaluation.slices import (
    HELD,
    LENGTH,
    MOST_FIELDS,
    PERSONAL,
    RULE,
    FewValues,
    divide,
    find_slices,
    group_field,
    usual_fields,
)

_COMPUTED = (
    "count", "task", "predictions", "model", "baseline", "baselines", "majority", "comparisons",
    "confidence", "slices", "thresholds", "costs", "worst", "drift", "coverageAt", "against",
)  # fmt: skip
_SYSTEMS = ("model", "baseline", "majority")
_MEASURED = frozenset({"latencyMs", "wallSeconds", "cpuSeconds", "peakMemoryBytes", "params"})


def figures_fault(found: Evidence) -> str:
    """Return the fault of the first member of an evaluation that does not follow, or none."""
    thresholds = (found.body if found.run is None else found.run).get("thresholds", ())
    judged = ("value", "met")
    bare = [{name: one[name] for name in one if name not in judged} for one in thresholds]
    # Whoever read the evidence says so where what it is compared with was retired.
    left = () if found.against is not None else ("against",)
    try:
        return find_difference(
            {name: one for name, one in found.body.items() if name not in left},
            found.predictions,
            bare,
            found.reference,
            unlike="unlike" in found.checkpoint,
            against=found.against,
        )
    except InvalidInputError as error:
        return quote(error.message, 300)


def find_difference(
    body: Mapping[str, Any],
    predictions: Predictions,
    thresholds: Iterable[Mapping[str, Any]],
    reference: Predictions | None = None,
    *,
    unlike: bool = False,
    against: OtherEvaluation | None = None,
) -> str:
    """Return the first member of an evaluation that does not follow from its predictions.

    Args:
        body: Of the evaluation.
        predictions: What its attachment holds.
        thresholds: Those of the run.
        reference: Of a monitor: the predictions of the evaluation that it is held against.
        unlike: Whether the checkpoint says which texts are unlike its training data.
        against: The evaluation that it is compared with, if it is.

    Returns:
        Its path, what is there and what follows, printable; empty if all is as it follows.

    Raises:
        InvalidInputError: The figures cannot be computed; see :func:`evaluation_body`.
    """
    confidence = body.get("confidence", {})
    near = body.get("overlap", {}).get("near")
    settings: dict[str, Any] = {
        "seed": confidence.get("seed", 0),
        "costs": body.get("costs"),
        "thresholds": list(thresholds),
        "field_of_groups": confidence.get("groups", {}).get("field"),
    }
    if reference is None:
        computed = evaluation_body(
            predictions,
            majority=body.get("majority", {}).get("label"),
            near=None if near is None else near["method"],
            floors=body.get("coverageAt", ()),
            scored=are_scored(body),
            against=against,
            **settings,
        )
    else:
        drift = body.get("drift", {})
        names = (*MEASURED, *(MEASURED_UNLIKE if unlike else ()))
        measured = {name: drift[name] for name in names if name in drift}
        # Monitors once had macro-F1 of all labels that are expected or given.
        occurring = any("over" in one for one in body.get("comparisons", ()))
        settings |= {"measured": measured, "unlike": unlike}
        computed = monitor_body(
            predictions,
            reference,
            occurring=occurring,
            backfill="backfill" in body,
            **settings,
        )
    signed: dict[str, Any] = {name: body[name] for name in _COMPUTED if name in body}
    for name in _SYSTEMS:
        if name in signed:
            signed[name] = _unmeasured(signed[name])
    if "baselines" in signed:
        signed["baselines"] = [_unmeasured(one) for one in signed["baselines"]]
    if near is not None:
        signed["overlap"] = {"near": near}
    return _difference("", signed, computed)


def undeclared(
    body: Mapping[str, Any],
    predictions: Predictions,
    checkpoint: Mapping[str, Any],
    run: Mapping[str, Any] | None,
    test: Mapping[str, Any] | None = None,
) -> str:
    """Return the part of an evaluation that was not declared before it; empty if all was.

    Args:
        body: Of the evaluation.
        predictions: What its attachment holds.
        checkpoint: Body of the checkpoint.
        run: Body of its run, if one made it.
        test: Body of the test set, if it is here.
    """
    head, model = predictions.head, predictions.head.answerers[0]
    if fault := undeclared_answers(body, predictions, checkpoint):
        return fault
    known = tuple(checkpoint.get("labels", ()))
    added = list(head.labels[len(known) :])
    expected = {head.labels[number] for number in set(predictions.expected.numbers.tolist())}
    given, decision = are_given(body), checkpoint.get("decision", {})
    if head.task != checkpoint.get("task", head.task if given else None):
        return "its task is not that of the checkpoint"
    if head.labels[: len(known)] != known or added != sorted(added, key=str.encode):
        return "its labels are not those of the checkpoint, and then others, sorted"
    if not expected.issuperset(added) and not (given and not known):
        return "it has a label that neither the checkpoint nor a record has"
    if given and model != answer_file_answerer(several=head.several):
        return "its answers are taken by another rule than given ones are"
    if not given and not (
        _is_millionths(decision.get("threshold"), model.threshold)
        and _is_millionths(decision.get("abstainBelow"), model.abstain_below)
        and decision.get("atLeastOne", False) == model.at_least_one
    ):
        return "its model answers by another rule than the checkpoint's"
    unlike = body.get("unlike")
    if unlike is not None and ("unlike" not in checkpoint or unlike["count"] > len(predictions)):
        return "it counts unlike texts that its checkpoint cannot tell"
    if (run is None and not given) or not head.labelled:
        return ""
    seed, config = (SEED, {}) if run is None else (run["seed"], run["config"])
    if body.get("confidence", {}).get("seed") != seed:
        return "its seed is not that of the run"
    if body.get("costs") != costs_of(config):
        return "its costs are not those of the run"
    # ATTACK: records of one patient, drawn as if each were another's, narrow every interval.
    groups = body["confidence"].get("groups", {}).get("field")
    declared = group_field(config, test or {})
    if groups != declared and (declared is not None or test is not None):
        return "its groups are not those of the run, or of the test set"
    return ""


def costs_of(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return ``costs`` of an evaluation, as a run's config declares them; None if it does not."""
    cost = config.get("cost")
    if cost is None:
        return None
    found = {"unit": cost["unit"], "otherwise": cost["otherwise"]}
    return found | ({"mistakes": cost["mistake"]} if cost.get("mistake") else {})


def compare_test_set(found: Evidence) -> Fault:
    """Return how predictions do not match the test set that the evaluation names.

    Raises:
        LyrikstoreError: It cannot be read.
    """
    body, config = found.body, found.config
    predictions: Predictions = found.predictions
    field = config.get("data", {}).get("label", "")
    if not field and are_given(body) and found.tests:  # what answered has no run, or one by others
        field = found.tests[0].get("fields", {}).get("label", "")
    if not field:
        return NOT_COMPARED, "no run says which field is the label"
    if not found.is_whole:
        return NOT_COMPARED, "its test set cannot be read"
    if found.reference is not None:  # what came later may be called otherwise
        field = found.tests[0].get("fields", {}).get("label") or field
    groups = body.get("confidence", {}).get("groups", {}).get("field")
    declared, slicing = config.get("evaluation", {}).get("slices"), body.get("slicing")
    if not predictions.head.labelled:
        declared, slicing = [], None
    elif slicing is not None and slicing["rule"] != RULE:
        return NEWER_FORMAT, f"slices by the rule {quote(slicing['rule'])}"
    elif slicing is not None and not declared:
        declared = usual_fields(found.tests[0], [field, *map(config.get("data", {}).get, HELD)])
    fields = {*(declared or sliced_by(predictions)), *([groups] if groups else ())}
    words = compare_records(
        predictions,
        found.read(field, sorted(fields)),
        field_of_groups=groups,
        declared=declared,
        slicing=slicing,
    )
    said = body.get("drift", {}).get("lengths")
    if said is not None and not words:
        now, then = (
            [one.length for one in read(field, ())] for read in (found.read, found.read_reference)
        )
        if not then:  # ATTACK: a monitor is held against what has no records, or none that are here
            return NOT_COMPARED, "the test set of what it is held against is not here"
        follows = length_drift(now, then)
        words = "" if said == follows else f"drift.lengths is {quote(said)}, and {follows} follows"
    return ("other-test-set", words) if words else FINE


def compare_records(
    predictions: Predictions,
    records: Iterable[LabelledRecord],
    *,
    field_of_groups: str | None,
    declared: Sequence[str] | None,
    slicing: Mapping[str, Any] | None = None,
) -> str:
    """Return how predictions differ from the test set that the evaluation names, or empty text.

    Args:
        predictions: What an attachment holds.
        records: The test set in storage order; ``values`` has the fields of slices and groups.
        field_of_groups: The field whose groups are numbered, if any is.
        declared: The fields that are to make slices; None: those of the predictions.
        slicing: What the evaluation says of its slices, by ``slices/2``; None: they are by the rule
            before it.

    Cost: one read of the records; memory for the values of fields that make slices.
    """
    head = predictions.head
    numbers = {label: number for number, label in enumerate(head.labels)}
    fields = sliced_by(predictions) if declared is None else list(declared)
    by_length = LENGTH in fields
    values: dict[str, list[tuple[str, ...]]] = {one: [] for one in fields if one != LENGTH}
    lengths: list[int] = []
    groups: dict[tuple[str, ...], int] = {}
    expected, at, place, groups_seen = predictions.expected, 0, 0, 0
    for at, record in enumerate(records, start=1):
        if at > len(predictions):
            return "the test set has more records"
        if predictions.ids is not None and record.id != predictions.record(at - 1):
            return f"record {at} is another in the test set"
        end = place
        while end < len(expected.records) and expected.records[end] == at - 1:
            end += 1
        said = expected.numbers[place:end].tolist()
        place = end
        if not head.labelled and record.labels:
            return f"record {at} has a label in the test set, and the predictions state none"
        if head.labelled and said != sorted({numbers.get(label, -1) for label in record.labels}):
            return f"record {at} has other labels in the test set"
        if predictions.groups is not None and field_of_groups is not None:
            key = record.values.get(field_of_groups, ())
            number = groups.setdefault(key, groups_seen) if key else groups_seen
            groups_seen = max(groups_seen, number + 1)
            if number != int(predictions.groups[at - 1]):
                return f"record {at} is in another group in the test set"
        for field, some in values.items():
            some.append(record.values.get(field, ()))
        lengths.append(record.length)
    if at < len(predictions):
        return "the test set has fewer records"
    if slicing is not None:
        said_left = {one["field"]: one["reason"] for one in slicing.get("leftOut", ())}
        personal = {name: why for name, why in said_left.items() if why in PERSONAL}
        divided = divide(fields, values, lengths, personal)
        if slicing != divided.slicing:
            return "what makes no slices is not what it says"
        slices, members = divided.slices, divided.members
    else:
        if declared is None and not _are_chosen(values):
            return "it is sliced by fields that nobody named, and that have one value, or too many"
        slices, members = find_slices(values, lengths if by_length else None)
    if tuple(slices) != head.slices or any(
        predictions.slices.of(at) != some for at, some in enumerate(members)
    ):
        return "its slices are not those of the test set"
    return ""


def _are_chosen(values: Mapping[str, Sequence[Sequence[str]]]) -> bool:
    """Return whether fields could be slice fields before ``slices/2`` without being named."""
    few = FewValues(values)
    for name, texts in values.items():
        if any(few.drop({name: some}) for some in texts):
            return False
    ordered = sorted(values, key=str.encode)
    return len(values) <= MOST_FIELDS and few.kept == ordered


def sliced_by(predictions: Predictions) -> list[str]:
    """Return the slice fields in their order."""
    return list(dict.fromkeys(field for field, _ in predictions.head.slices))


def _unmeasured(system: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in system.items() if name not in _MEASURED}


def _is_millionths(text: str | None, number: int | None) -> bool:
    if text is None or number is None:
        return text is None and number is None
    return Fraction(text) * WHOLE == number


def _difference(path: str, signed: JSON, computed: JSON) -> str:
    if signed == computed and type(signed) is type(computed):
        return ""
    if isinstance(signed, dict) and isinstance(computed, dict):
        for name in sorted(signed.keys() | computed.keys()):
            inner = f"{path}.{name}" if path else name
            if name not in signed:
                return f"{quote(inner, 200)} is missing"
            if name not in computed:
                return f"{quote(inner, 200)} does not follow"
            if found := _difference(inner, signed[name], computed[name]):
                return found
    if isinstance(signed, list) and isinstance(computed, list) and len(signed) == len(computed):
        for number, pair in enumerate(zip(signed, computed, strict=True)):
            if found := _difference(f"{path}[{number}]", *pair):
                return found
    said, follows = (quote(encode(one).decode(), 60) for one in (signed, computed))
    return f"{quote(path, 200)} is {said}, and {follows} follows"
