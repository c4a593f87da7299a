"""Rules for test sets: data on which a model was trained cannot test it (spec §13.7).

The signing and the verification of an evaluation share these rules.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.history.lineage import LEARNED, Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.verify.evaluation.choice.baselines import has_rivals
from lyrikstore.verify.evaluation.choice.unlike import UNLIKE
from lyrikstore.verify.evaluation.limits import (
    MOST_SEEN_PERCENT,
    SEEN_PERCENT,
    are_more,
)

MERGED = "merge-adapters/1"
"""The operation that merges an adapter; the new checkpoint has the same training data."""

MERGED_MEMBERS = ("step", "epoch", "final", "task", "labels", "text", "decision", UNLIKE)
"""Members of a merged checkpoint's body that equal those of its source."""


OWN_DATA, ALL_DATA = "record ids", "record ids/2"
"""Bases of the count ``overlap.exact``: the checkpoint's own data; all data it rests on."""


def trained_on(checkpoint: Manifest) -> list[Digest]:
    """Return the ids of the datasets on which a checkpoint was trained."""
    return [item.id for item in checkpoint.inputs if item.role in LEARNED]


def fitted_to(checkpoint: Manifest) -> list[Digest]:
    """Return the ids of the datasets to whose records a model and its baselines were fitted.

    Those of validation are among them where it was fitted to these, too, once they had chosen.
    """
    roles = ("train", "validation") if checkpoint.body.get("refit") else ("train",)
    return [item.id for role in roles for item in checkpoint.inputs_in(role)]


def has_learned_less(evaluation: Manifest, checkpoint: Manifest, run: Manifest | None) -> bool:
    """Return whether the baseline of an evaluation was fitted to less data than its model.

    False for a checkpoint that was made before baselines were candidates.
    """
    learned = {item.id for item in evaluation.inputs_in("train")}
    # ATTACK A163: a baseline that is said to have learned from nothing at all.
    has_baseline = bool(learned) or "baseline" in evaluation.body
    is_asked = has_rivals(checkpoint.body, None if run is None else run.body)
    return is_asked and has_baseline and not learned >= {*fitted_to(checkpoint)}


def looked_in(
    overlap: Mapping[str, Any],
    checkpoint: Manifest,
    lineage: Lineage,
) -> list[Manifest] | None:
    """Return the datasets that an evaluation searched for records of its test set.

    Args:
        overlap: Member ``overlap`` of the evaluation.
        checkpoint: Its model.
        lineage: The lineage that the model is in.

    Returns:
        The datasets; None if not all datasets of the model can be followed.
    """
    own = set(trained_on(checkpoint))
    found = lineage.rests_on([checkpoint.id]).datasets
    if not own <= {one.id for one in found}:
        return None
    if overlap.get("checked") != ALL_DATA:
        return [one for one in found if one.id in own]
    # ATTACK A124: whoever calls the model's own data unread would count nothing.
    unread = overlap.get("unread", ())
    return [one for one in found if one.id in own or str(one.id) not in unread]


def overlooked(
    overlap: Mapping[str, Any],
    checkpoint: Manifest,
    lineage: Lineage,
) -> list[Manifest]:
    """Return the datasets that a model has seen and that an evaluation did not search.

    Args:
        overlap: That member of the evaluation.
        checkpoint: Its model.
        lineage: The lineage that the model is in.
    """
    known = {one.id for one in looked_in(overlap, checkpoint, lineage) or ()}
    return [one for one in lineage.rests_on([checkpoint.id]).datasets if one.id not in known]


def is_trained_on(test: Manifest, checkpoint: Manifest, known: Iterable[Manifest]) -> bool:
    """Return whether a checkpoint was trained on a dataset, also under another name.

    Args:
        test: The dataset.
        checkpoint: The model.
        known: Manifests; those that the checkpoint was trained on are looked at, as far as they are
            there.
    """
    own = set(trained_on(checkpoint))
    # ATTACK: the same files committed once more, or with other columns, are no other data.
    files = {one.files for one in known if one.id in own}
    return test.id in own or test.files in files


def is_used(
    data: Manifest, checkpoint: Manifest, references: Iterable[Digest], lineage: Lineage
) -> bool:
    """Return whether a model rests on data, or was tested on it, or its data was made from it.

    Args:
        data: A dataset; the same files under another name are the same.
        checkpoint: The model.
        references: Ids of the evaluations that it is held against.
        lineage: The lineage that the model and these are in.
    """
    holders = [*(item.id for item in checkpoint.inputs_in("run")), *references]
    found = (lineage.get(one) for one in holders)
    tests = [item.id for one in found if one is not None for item in one.inputs_in("test")]
    learned = [one.id for one in lineage.rests_on([checkpoint.id]).datasets]
    behind = lineage.datasets_behind([*learned, *tests])
    return any(one.id == data.id or one.files == data.files for one in behind)


def is_another(test: Manifest, run: Manifest) -> bool:
    """Return whether a run named test sets, and this dataset is not one of them."""
    planned = {item.id for item in run.inputs_in("test")}
    return bool(planned) and test.id not in planned


def is_mostly_seen(seen: int, count: int) -> bool:
    """Return whether a model was trained on too many of the records for a test."""
    return are_more(seen, count, MOST_SEEN_PERCENT)


def is_partly_seen(seen: int, count: int) -> bool:
    """Return whether a model was trained on too many of the records for history."""
    return are_more(seen, count, SEEN_PERCENT)
