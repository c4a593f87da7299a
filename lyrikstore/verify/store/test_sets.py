"""Whether a test set is one: what a model learnt from tests nothing (spec §13.7).

One rule, for whoever signs an evaluation and for whoever verifies one.
"""

from collections.abc import Iterable

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.verify.evaluation.limits import MOST_SEEN_PERCENT, are_more

LEARNT = frozenset({"train", "validation"})
"""Roles of what a checkpoint learnt from: validation chooses among candidates, epochs, settings."""


def learnt_by(checkpoint: Manifest) -> list[Digest]:
    """Return the ids of the datasets that a checkpoint learnt from."""
    return [item.id for item in checkpoint.inputs if item.role in LEARNT]


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
