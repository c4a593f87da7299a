"""What a log held before a model that bears on it: the same data, and the version before.

What is logged after the model is left out, so that its card stays what it is when others train.
"""

from collections.abc import Container, Iterable, Mapping, Sequence

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest

_TRAINING = ("train", "validation")


class Earlier(Struct, frozen=True):
    """What was logged before a model.

    Attributes:
        first_used: Source dataset of it → the first run that trained on data made from it, and its
            log index.
        also_used: Source dataset → other models that were trained on it, of each name the last.
        evaluations: Those of the version before, of each name the last.
    """

    first_used: Mapping[Digest, tuple[Manifest, int]]
    also_used: Mapping[Digest, tuple[Manifest, ...]]
    evaluations: tuple[Manifest, ...]


class Survey:
    """Finds :class:`Earlier` in one walk through a log.

    Args:
        checkpoint: The model.
        index: Its log index.
        previous: The version before.
        datasets: As ``CardFacts.datasets``.
        cited: What alone is looked at, as the author of a card knew it; None: all.
    """

    def __init__(
        self,
        checkpoint: Manifest,
        index: int,
        previous: Manifest | None,
        datasets: Sequence[tuple[str, Manifest]],
        cited: Container[Digest] | None,
    ) -> None:
        self._name, self._index, self._cited = checkpoint.name, index, cited
        self._previous = None if previous is None else previous.id
        # Dataset → those of the model's sources that it holds something of.
        self._made_from = {one: frozenset({one}) for one in _sources(datasets)}
        self._first: dict[Digest, tuple[Manifest, int]] = {}
        self._also: dict[Digest, dict[str, Manifest]] = {}
        self._evaluations: dict[str, Manifest] = {}

    def see(self, index: int, manifest: Manifest) -> None:
        """Take in the next manifest that has effect, in log order."""
        if manifest.kind == "dataset":
            held = [self._made_from.get(one) for one in manifest.made_from]
            if found := frozenset[Digest]().union(*filter(None, held)):
                self._made_from[manifest.id] = self._made_from.get(manifest.id, found) | found
        if self._cited is not None and manifest.id not in self._cited:
            return
        if manifest.kind == "evaluation":
            # One of the version before may be made later than the model, and still compares.
            of = [one.id for one in manifest.inputs_in("checkpoint")]
            if of == [self._previous] and manifest.body.get("purpose") is None:
                self._evaluations[manifest.name] = manifest
        elif manifest.kind == "run" and index < self._index:
            for source in self._trained_on(manifest):
                self._first.setdefault(source, (manifest, index))
        elif manifest.kind == "checkpoint" and index < self._index and manifest.name != self._name:
            for source in self._trained_on(manifest):
                models = self._also.setdefault(source, {})
                # In the order of what counts: whoever verifies a card sees nothing else.
                models.pop(manifest.name, None)
                models[manifest.name] = manifest

    def found(self) -> Earlier:
        """Return what there was."""
        also = {source: tuple(models.values()) for source, models in self._also.items()}
        return Earlier(self._first, also, tuple(self._evaluations.values()))

    def _trained_on(self, manifest: Manifest) -> Iterable[Digest]:
        used = (one.id for role in _TRAINING for one in manifest.inputs_in(role))
        return {source for one in used for source in self._made_from.get(one, ())}


def _sources(datasets: Sequence[tuple[str, Manifest]]) -> set[Digest]:
    """Return the sources of what the model was trained on, not of what it was tested on."""
    known = {dataset.id: dataset for _, dataset in datasets}
    pending = [dataset.id for role, dataset in datasets if role in _TRAINING]
    reached = set(pending)
    while pending:
        made_from = known[pending.pop()].made_from
        new = {one for one in made_from if one in known and one not in reached}
        reached |= new
        pending += new
    return {one for one in reached if not list(known[one].made_from)}
