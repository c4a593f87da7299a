"""Whether a test set is one: what a model learnt from tests nothing (spec §13.7).

One rule, for whoever signs an evaluation and for whoever verifies one.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.verify.evaluation.limits import MOST_SEEN_PERCENT, are_more
from lyrikstore.verify.rights.closure import rights_closure

MERGED = "merge-adapters/1"
"""The operation that makes a checkpoint of another with an adapter: it learnt the same."""

MERGED_MEMBERS = ("step", "epoch", "final", "task", "labels", "text", "decision")
"""Members of its body that are those of its source."""

LEARNT = frozenset({"train", "validation"})
"""Roles of what a checkpoint learnt from: validation chooses among candidates, epochs, settings."""


OWN_DATA, ALL_DATA = "record ids", "record ids/2"
"""How ``overlap.exact`` is counted: over the checkpoint's own data; and over all it rests on."""


def learnt_by(checkpoint: Manifest) -> list[Digest]:
    """Return the ids of the datasets that a checkpoint learnt from."""
    return [item.id for item in checkpoint.inputs if item.role in LEARNT]


def bases_of(
    checkpoint: Manifest, manifest_of: Callable[[Digest], Manifest | None]
) -> list[Manifest]:
    """Return the models that a checkpoint was trained from, one after another.

    Args:
        checkpoint: The model.
        manifest_of: Gives a manifest; None where it cannot be followed.
    """
    found: list[Manifest] = []
    current: Manifest | None = checkpoint
    while current is not None and (named := current.inputs_in("base")):
        current = manifest_of(named[0].id)
        if current is not None:
            found.append(current)
    return found


def generated_among(
    datasets: Iterable[Manifest], manifest_of: Callable[[Digest], Manifest | None]
) -> list[Manifest]:
    """Return those of some datasets, and of what they were made from, that a model wrote.

    Args:
        datasets: The datasets.
        manifest_of: Gives a manifest; None where it cannot be followed.
    """
    pending = list(datasets)
    seen = {one.id for one in pending}
    for one in pending:  # which grows
        new = [identity for identity in one.made_from if identity not in seen]
        seen.update(new)
        pending += filter(None, map(manifest_of, new))
    return [one for one in pending if one.body["origin"] == "generated"]


def not_to_train_on(dataset: Manifest) -> str | None:
    """Return which generator's output terms do not permit to train on a dataset; None: none's."""
    for one in dataset.body.get("generators", ()):
        if one["outputTerms"]["permitsTraining"] == "no":
            return str(one["name"])
    return None


def all_learned_by(
    checkpoint: Manifest, manifest_of: Callable[[Digest], Manifest | None]
) -> list[Manifest]:
    """Return the datasets that a checkpoint learned from, its own first, and all it rests on.

    Args:
        checkpoint: The model.
        manifest_of: As for :func:`lyrikstore.verify.rights.closure.rights_closure`.
    """
    return list(rights_closure([checkpoint.id], manifest_of).datasets)


def looked_in(
    overlap: Mapping[str, Any],
    checkpoint: Manifest,
    manifest_of: Callable[[Digest], Manifest | None],
) -> list[Manifest] | None:
    """Return the datasets in which an evaluation looked for records of its test set.

    Args:
        overlap: That member of it.
        checkpoint: Its model.
        manifest_of: Gives a manifest, or None where it cannot be followed.

    Returns:
        The datasets; None where the model's own cannot all be followed.
    """
    own = set(learnt_by(checkpoint))
    found = all_learned_by(checkpoint, manifest_of)
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
    manifest_of: Callable[[Digest], Manifest | None],
) -> list[Manifest]:
    """Return the datasets that a model has seen, and in which an evaluation did not look.

    Args:
        overlap: That member of the evaluation.
        checkpoint: Its model.
        manifest_of: Gives a manifest, or None where it cannot be followed.
    """
    known = {one.id for one in looked_in(overlap, checkpoint, manifest_of) or ()}
    return [one for one in all_learned_by(checkpoint, manifest_of) if one.id not in known]


def is_learnt(test: Manifest, checkpoint: Manifest, known: Iterable[Manifest]) -> bool:
    """Return whether a dataset is what a checkpoint learnt from, also under another name.

    Args:
        test: The dataset.
        checkpoint: The model.
        known: Manifests; those that the checkpoint learnt from are looked at, as far as they are
            there.
    """
    learnt = set(learnt_by(checkpoint))
    # ATTACK: the same files committed once more, or with other columns, are no other data.
    files = {one.files for one in known if one.id in learnt}
    return test.id in learnt or test.files in files


def is_another(test: Manifest, run: Manifest) -> bool:
    """Return whether a run named test sets, and this is none of them."""
    planned = {item.id for item in run.inputs_in("test")}
    return bool(planned) and test.id not in planned


def is_mostly_seen(seen: int, count: int) -> bool:
    """Return whether a model learnt from so many of the records that they are no test."""
    return are_more(seen, count, MOST_SEEN_PERCENT)
