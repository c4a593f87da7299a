"""Earlier models in a log that matter for a card: those of the same data, and the version before.

Models that are logged later are omitted, so that a card does not change when others train.
"""

from collections.abc import Container, Iterable, Mapping, Sequence

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest

_TRAINING = ("train", "validation")


class Earlier(Struct, frozen=True):
    """Relevant objects that were logged before a model.

    Attributes:
        first_used: Source dataset of the model → the first run that trained on data made from it,
            and its log index.
        also_used: Source dataset → other models trained on it, the last of each name.
        evaluations: Evaluations of the version before, the last of each name.
    """

    first_used: Mapping[Digest, tuple[Manifest, int]]
    also_used: Mapping[Digest, tuple[Manifest, ...]]
    evaluations: tuple[Manifest, ...]


class Survey:
    """Collects :class:`Earlier` in one pass over a log.

    Args:
        checkpoint: The model.
        index: Its log index.
        previous: The version before.
        datasets: As ``CardFacts.datasets``.
        cited: The objects that count, as the author of a card knew them; None: all.
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
        # Dataset → the sources of the model that it contains records of.
        self._made_from = {one: frozenset({one}) for one in _sources(datasets)}
        self._first: dict[Digest, tuple[Manifest, int]] = {}
        self._also: dict[Digest, dict[str, Manifest]] = {}
        self._evaluations: dict[str, Manifest] = {}

    def see(self, index: int, manifest: Manifest) -> None:
        """Add the next manifest with effect, in log order."""
        if manifest.kind == "dataset":
            held = [self._made_from.get(one) for one in manifest.made_from]
            if found := frozenset[Digest]().union(*filter(None, held)):
                self._made_from[manifest.id] = self._made_from.get(manifest.id, found) | found
        if self._cited is not None and manifest.id not in self._cited:
            return
        if manifest.kind == "evaluation":
            # An evaluation of the version before may be logged after the model, and still counts.
            of = [one.id for one in manifest.inputs_in("checkpoint")]
            if of == [self._previous] and manifest.body.get("purpose") is None:
                self._evaluations[manifest.name] = manifest
        elif manifest.kind == "run" and index < self._index:
            for source in self._trained_on(manifest):
                self._first.setdefault(source, (manifest, index))
        elif manifest.kind == "checkpoint" and index < self._index and manifest.name != self._name:
            for source in self._trained_on(manifest):
                models = self._also.setdefault(source, {})
                # In the order of the manifests that count: a verifier of the card sees only these.
                models.pop(manifest.name, None)
                models[manifest.name] = manifest

    def found(self) -> Earlier:
        """Return the collected objects."""
        also = {source: tuple(models.values()) for source, models in self._also.items()}
        return Earlier(self._first, also, tuple(self._evaluations.values()))

    def _trained_on(self, manifest: Manifest) -> Iterable[Digest]:
        used = (one.id for role in _TRAINING for one in manifest.inputs_in(role))
        return {source for one in used for source in self._made_from.get(one, ())}


def _sources(datasets: Sequence[tuple[str, Manifest]]) -> set[Digest]:
    """Return the source datasets of the model's training data, without those of its test data."""
    known = {dataset.id: dataset for _, dataset in datasets}
    pending = [dataset.id for role, dataset in datasets if role in _TRAINING]
    reached = set(pending)
    while pending:
        made_from = known[pending.pop()].made_from
        new = {one for one in made_from if one in known and one not in reached}
        reached |= new
        pending += new
    return {one for one in reached if not list(known[one].made_from)}
