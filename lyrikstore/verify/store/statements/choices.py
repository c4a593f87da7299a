"""Checks of a checkpoint's choice against its run and its data (spec §11.7.5)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lyrikstore.canon.text import pluralize
from lyrikstore.verify.evaluation.choice.candidates import (
    BLEND,
    BY_FOLDS,
    BY_VALIDATION,
    CHEAP,
    NAMES,
    ORDER,
    STRENGTHS,
    VALIDATION,
    allowed_formats,
    formats_by_name,
    is_measured,
    is_refitted,
    measured_metric,
    validation_metric,
)
from lyrikstore.verify.evaluation.evidence import LabelledRecord
from lyrikstore.verify.evaluation.tasks import USUAL_TASK, rules_of

if TYPE_CHECKING:
    from lyrikstore.verify.evaluation.choice.cross_validation import CrossValidation
    from lyrikstore.verify.evaluation.choice.validation import ValidationScores


def find_choice_faults(body: Mapping[str, Any], run: Mapping[str, Any]) -> Iterator[str]:
    """Yield each part of a checkpoint's choice that is impossible, whatever validation measured.

    Args:
        body: Body of the checkpoint, with ``chosen``.
        run: Body of its run.
    """
    chosen, metric = body["chosen"], rules_of(body.get("task", USUAL_TASK)).metric
    if body.get("final") is not True:
        yield "it is not the final one, and says what was chosen"
    tried = chosen["candidates"]
    taken = [one for one in tried if one["taken"]]
    if chosen["metric"] != metric or any(metric not in one["metrics"] for one in tried):
        yield "what it chose was not chosen by the metric of its task"
        return
    allowed = allowed_formats(run)
    # ATTACK A92: a candidate that nobody trained, for others to compare with.
    if allowed is not None and {one["format"] for one in tried} != set(allowed):
        yield "its candidates are not those that its run tried"
    if [one["format"] for one in taken] != [body["format"]]:
        yield "it is not the candidate that was taken"
        return
    by_folds = "folds" in run
    # ATTACK A157: compared otherwise than was announced, since that suits another candidate.
    if (chosen.get("method") == BY_FOLDS) != by_folds:
        yield "it did not choose as its run announced"
        return
    said = measured_metric(metric, taken[0].get("by", BY_VALIDATION))
    if body.get("metrics", {}).get(said) != taken[0]["metrics"][metric]:
        yield f"its {said} is not that of the candidate that was taken"
    if any(
        is_measured(name, one) for one in _other_ways(taken[0], run) for name in body["metrics"]
    ):
        # ATTACK A157: what early stopping saw, beside what was measured out of fold.
        yield "it has metrics that were not measured as its run announced"
    if by_folds:
        yield from _folds_faults(tried, taken[0], metric, run)
        return
    if any({"by", "other", "difference", "settings"} & one.keys() for one in tried):
        yield "it says of candidates what only folds tell"
    if metric == validation_metric(metric):  # the less the better, and there is no other
        return
    best = max(float(one["metrics"][metric]) for one in tried)
    ranks = [
        ORDER.index(NAMES[one["format"]])
        for one in tried
        if float(one["metrics"][metric]) == best and one["format"] in NAMES
    ]
    mine = NAMES.get(body["format"])
    worse = float(taken[0]["metrics"][metric]) < best
    if worse and mine is not None and ranks and ORDER.index(mine) > max(ranks):
        yield "a cheaper candidate was better than the one that was taken"


def _other_ways(taken: Mapping[str, Any], run: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the settings in which the chosen candidate differs from the measured one."""
    if "folds" not in run:
        return (BY_FOLDS,)
    return (BY_VALIDATION,) if taken.get("by") == BY_FOLDS else (BY_FOLDS,)


def _folds_faults(
    tried: Iterable[Mapping[str, Any]],
    taken: Mapping[str, Any],
    metric: str,
    run: Mapping[str, Any],
) -> Iterator[str]:
    folded = {NAMES.get(one) for one in run["folds"]["candidates"]}
    for one in tried:
        name, other = NAMES.get(one["format"]), one.get("other")
        if (name == BLEND) != (other is not None):
            yield "a candidate of it is no blend, or does not say of what"
        # ATTACK A157: measured on validation records that suit it, and called out of fold.
        if one.get("by") != (BY_FOLDS if (other or name) in folded else BY_VALIDATION):
            yield "a candidate of it was measured otherwise than its run announced"
        settings = one.get("settings")
        # ATTACK A163: a C by which the candidate learns nothing, which a model then is better than.
        if settings is not None and [*settings.items()] not in [
            [("C", each)] for each in STRENGTHS.get(name or "", ())
        ]:
            yield "a candidate of it has other settings than folds choose among"
        if ("difference" in one) == (one is taken):
            yield "it does not say how far each candidate is from the one that was taken"
            continue
        dearest = {other or name, taken.get("other") or NAMES.get(taken["format"])}
        if one is taken or not dearest <= set(CHEAP):
            continue
        gap = float(one["metrics"][metric]) - float(taken["metrics"][metric])
        # Both answered all records, so that the difference is one of figures that are there.
        if abs(gap - float(one["difference"]["value"])) > 0.00011:
            yield "the difference of two candidates is not that of their metrics"
        if gap > 0:
            yield "a candidate was better than the one that was taken"


def has_to_keep(body: Mapping[str, Any], run: Mapping[str, Any]) -> bool:
    """Return whether the scores of a choice by folds are short enough for an attachment.

    No line is longer than what is counted here, nor its head than a MiB.

    Args:
        body: Of the checkpoint, a final one.
        run: Body of its run.
    """
    from lyrikstore.verify.evaluation.choice.cross_validation import MAX_BYTES

    folds, counts = run["folds"], run["order"]["records"]
    training, validation = (counts.get(one, 0) for one in ("train", VALIDATION))
    folded, rows = {NAMES.get(one) for one in folds["candidates"]}, 0
    for name in {NAMES.get(one["format"], BLEND) for one in run.get("candidates", ())} - {BLEND}:
        times = folds["repeats"] if name in CHEAP else 1
        rows += times * (training + validation) if name in folded else validation
    labels = len(body.get("labels", ()))
    longest = (training + validation) * (64 + 5 * labels) + rows * (8 + 6 * labels)
    return bool(longest <= MAX_BYTES - (1 << 20))


def refit_fault(body: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """Return how the training data of a checkpoint contradicts its run, or an empty text.

    Args:
        body: Of the checkpoint.
        run: Body of its run.
    """
    # ATTACK A158: validation records that were learned from, called unseen; or the reverse, so
    # that figures out of fold pass for those of a model that saw more.
    if bool(body.get("refit")) != is_refitted(run, body["format"]):
        return "whether it learned from the validation records is not what its run announced"
    return ""


def computed_choice(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of ``chosen`` that follow from the kept validation scores.

    That is all but ``settings``, which its worker alone says, and ``reason``: its words may be
    others in another version, and its figures are those of the candidates.
    """
    tried = [
        {name: value for name, value in one.items() if name != "settings"}
        for one in chosen.get("candidates", ())
    ]
    return {
        **{name: value for name, value in chosen.items() if name != "reason"},
        "candidates": tried,
    }


def kept_fault(
    found: "ValidationScores | CrossValidation", body: Mapping[str, Any], run: Mapping[str, Any]
) -> str:
    """Return how a kept validation contradicts its checkpoint, or an empty text.

    Args:
        found: The kept validation.
        body: Of the checkpoint.
        run: Body of its run.
    """
    from lyrikstore.verify.evaluation.choice.cross_validation import CrossValidation

    count = len(found.expected)
    if (found.task, list(found.labels)) != (body.get("task"), body.get("labels")):
        return "its validation has another task, or other labels"
    if body[VALIDATION]["count"] != count:
        return f"its validation is of {pluralize(count, 'record')}, and it says otherwise"
    # ATTACK A156: validation alone, where folds were announced and would have decided otherwise.
    if isinstance(found, CrossValidation) != ("folds" in run):
        return "its validation is not that which its run announced"
    if not isinstance(found, CrossValidation):
        return ""
    # ATTACK A156: of many seeds that whose folds suit a candidate.
    if found.pool.seed != run["seed"]:
        return "its folds are not those of its run"
    formats = formats_by_name([one["format"] for one in run.get("candidates", ())])
    folded = {formats.get(name) for name in found.out_of_fold}
    held_out = {formats.get(name) for name in found.holdout}
    announced = set(run["folds"]["candidates"])
    if folded != announced or held_out != set(formats.values()) - announced - {formats.get(BLEND)}:
        return "what was compared by folds is not what its run announced"
    return ""


def record_fault(
    found: "ValidationScores | CrossValidation",
    grouped: str | None,
    records: Iterable[LabelledRecord],
) -> str:
    """Return how a kept validation differs from the data, or an empty text.

    Args:
        found: The kept validation.
        grouped: The field of the groups, if there are any.
        records: The records that it is about, with that field.
    """
    from lyrikstore.verify.evaluation.choice.cross_validation import CrossValidation
    from lyrikstore.verify.evaluation.choice.folds import number_groups

    numbers = {label: number for number, label in enumerate(found.labels)}
    keys: list[tuple[str, ...]] = []
    for at, record in enumerate(records):
        right = {numbers.get(label, -1) for label in record.labels}
        # ATTACK A92: what is wrong in the data is called right.
        if at >= len(found.expected) or right != set(found.expected[at].nonzero()[0].tolist()):
            return f"record {at + 1} of its validation has other labels in the data"
        if grouped is not None:
            keys.append(record.values.get(grouped, ()))
    if grouped is None or not isinstance(found, CrossValidation):
        return ""
    # ATTACK A156: what belongs together, parted between folds.
    if number_groups(keys) != list(found.pool.groups or ()):
        return "records of its validation are in other groups in the data"
    return ""
