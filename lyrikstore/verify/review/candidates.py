"""Generated data that nobody reviewed, or whose terms do not permit training (spec §13.15.3).

Training, reproduction and the verification of checkpoints use these rules.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.verify.review.model import REVIEW

UNREVIEWED = "unreviewed-candidates"
"""Error kind, and reason code of ``runs``, for generated data that nobody reviewed."""

OUTPUT_TERMS = "output-terms"
"""Error kind, and reason code of ``runs``, for output terms that do not permit training."""

_REVIEWED: Final = "reviewed/1"

StatedBy = Callable[[Manifest], Manifest]
"""Returns the manifest that states how a dataset came to be: of an import, its publisher's."""


class OutputTerms(Struct, frozen=True):
    """A generator whose output terms do not permit training.

    Attributes:
        generator: Its name.
        permits: ``no`` or ``unknown``.
    """

    generator: str
    permits: str


def generated_behind(
    lineage: Lineage, start: Iterable[Digest], stated_by: StatedBy
) -> Iterator[tuple[Manifest, Manifest]]:
    """Yield the generated datasets among some datasets and all that they were made from.

    Args:
        lineage: The lineage of the datasets.
        start: Their ids.
        stated_by: See :data:`StatedBy`.

    Yields:
        The dataset, and the manifest that names its generators.
    """
    for dataset in lineage.datasets_behind(start):
        # ATTACK A69: generated data is redistributed, and trained on in a store without the model.
        stated = stated_by(dataset)
        if stated.body.get("generators"):
            yield dataset, stated


def unreviewed_candidates(
    lineage: Lineage, start: Iterable[Digest], stated_by: StatedBy
) -> list[Manifest]:
    """Return the generated datasets whose records nobody reviewed on some way to a part.

    A way from a generated dataset to the part needs a dataset made by ``reviewed/1`` with
    ``unreviewed`` = ``drop``, by a review of the very version that it was made from.

    Args:
        lineage: The lineage of the parts; what is absent from it is skipped.
        start: Ids of the datasets of the training and validation parts.
        stated_by: See :data:`StatedBy`.

    Cost: a walk over the lineage.
    """
    found: dict[Digest, Manifest] = {}
    seen: set[Digest] = set()
    pending = list(start)
    while pending:
        identity = pending.pop()
        dataset = lineage.get(identity)
        if identity in seen or dataset is None or dataset.kind != "dataset":
            continue
        seen.add(identity)
        if stated_by(dataset).body.get("generators"):
            found[identity] = dataset
        # ATTACK A230: reviewed candidates, united with those that nobody reviewed.
        reviewed = _reviewed_before(lineage, dataset)
        pending += [one for one in dataset.made_from if one not in reviewed]
    return [found[identity] for identity in sorted(found)]


def output_terms_against_training(stated: Manifest) -> OutputTerms | None:
    """Return the first generator of a dataset whose output terms do not permit training, or None.

    One whose terms say no comes before one whose terms are unknown.

    Args:
        stated: The manifest that names the generators.
    """
    said: dict[str, str] = {}
    for one in stated.body.get("generators", ()):
        said.setdefault(one["outputTerms"]["permitsTraining"], str(one["name"]))
    for word in ("no", "unknown"):  # ATTACK A232: terms that nobody read are taken for a yes
        if word in said:
            return OutputTerms(said[word], word)
    return None


def _reviewed_before(lineage: Lineage, dataset: Manifest) -> frozenset[Digest]:
    """Return the datasets of which only reviewed records are in a dataset made from them."""
    filters = (lineage.get(one.id) for one in dataset.inputs_in("filter"))
    steps = [step for one in filters if one is not None for step in one.body.get("steps", ())]
    if not any(map(_keeps_only_reviewed, steps)):
        return frozenset()
    reviews = (lineage.get(one.id) for one in dataset.inputs_in(REVIEW))
    # ATTACK A231: a review of another version, whose records were others.
    return frozenset(
        item.id for one in reviews if one is not None for item in one.inputs_in("dataset")
    )


def _keeps_only_reviewed(step: Mapping[str, Any]) -> bool:
    return step.get("use") == _REVIEWED and step.get("unreviewed") == "drop"
