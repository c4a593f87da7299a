"""What a dataset or a model rests on: whose terms count for it, and who said no (spec §12.7).

One walk for whoever asks before a use, whoever verifies one, and whatever shows terms: a source
that one of them finds, all of them find.
"""

from collections import deque
from collections.abc import Callable, Iterable

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest

LEARNED = frozenset({"train", "validation"})
"""Roles of what a model learned from: validation chooses among candidates, epochs, settings."""


class RightsClosure(Struct, frozen=True):
    """What some datasets and models rest on.

    Attributes:
        datasets: The datasets in use: those asked about, then what the models on the way learned
            from. What a source is used for, and which of its partitions, follows from these.
        sources: The datasets at the roots of these, made from no other: their terms count.
        models: The models at the roots, committed from elsewhere: their licence is what whoever
            committed them asserts.
        runs: The runs on the way, the nearest first.
        through: Source → the model through which alone it is reached, the nearest one; a source
            that is used directly, too, is not in it.
        absent: What cannot be followed; it is never taken for permitted.
    """

    datasets: tuple[Manifest, ...]
    sources: tuple[Manifest, ...]
    models: tuple[Manifest, ...]
    runs: tuple[Manifest, ...]
    through: dict[Digest, Manifest]
    absent: tuple[Digest, ...]

    @property
    def direct(self) -> tuple[Manifest, ...]:
        """The sources that are used directly."""
        return tuple(one for one in self.sources if one.id not in self.through)

    def way_to(self, source: Manifest) -> str:
        """Return through which model a source is reached, to follow its name; else empty."""
        model = self.through.get(source.id)
        return "" if model is None else f", which {model.name} learned from,"


def rights_closure(
    start: Iterable[Digest], manifest_of: Callable[[Digest], Manifest | None]
) -> RightsClosure:
    """Return what datasets, checkpoints and runs rest on.

    A dataset rests on the datasets that it may hold something of, and on the model that wrote it; a
    model on its run, what it was merged or trained on from, and what it learned from. Neither rests
    on what it was only compared with or measured on.

    Args:
        start: Ids of datasets, checkpoints and runs.
        manifest_of: Gives a manifest, or None where it cannot be followed. What it raises, is
            raised.

    Cost: one call of ``manifest_of`` for each manifest on the way.
    """
    datasets: dict[Digest, Manifest] = {}
    sources: list[Manifest] = []
    models: list[Manifest] = []
    through: dict[Digest, Manifest] = {}
    absent: list[Digest] = []
    known: dict[Digest, Manifest | None] = {}
    followed: set[Digest] = set()
    # What is used directly is followed first; what only models lead to, later.
    groups: deque[tuple[Manifest | None, list[Digest]]] = deque([(None, list(start))])
    while groups:
        model, used = groups.popleft()
        pending = list(used)
        for place, identity in enumerate(pending):  # which grows
            if identity not in known:
                known[identity] = manifest_of(identity)
                absent += [] if known[identity] else [identity]
            manifest = known[identity]
            if manifest is None:
                continue
            if place < len(used) and manifest.kind == "dataset":
                datasets[identity] = manifest
            if identity in followed:
                continue
            followed.add(identity)
            if manifest.kind != "dataset":
                models += [manifest] if manifest.body.get("origin") == "imported" else []
                nearest = manifest if manifest.kind == "checkpoint" else model
                groups.append((nearest, _learned_from(manifest)))
                continue
            pending += manifest.made_from
            groups += [(model, [item.id]) for item in manifest.inputs_in("generator")]
            if not manifest.made_from:
                sources.append(manifest)
                if model is not None:
                    through[identity] = model
    runs = tuple(one for one in known.values() if one is not None and one.kind == "run")
    return RightsClosure(
        tuple(datasets.values()), tuple(sources), tuple(models), runs, through, tuple(absent)
    )


def compared_with(
    start: Iterable[Digest], manifest_of: Callable[[Digest], Manifest | None]
) -> tuple[Digest, ...]:
    """Return the datasets with which some, or what they were made from, were compared.

    Args:
        start: Ids of datasets; those of other kinds were compared with nothing.
        manifest_of: As for :func:`rights_closure`; what cannot be followed is left out, because
            that function names it.
    """
    found: dict[Digest, None] = {}
    pending = list(dict.fromkeys(start))
    seen = set(pending)
    for identity in pending:  # which grows
        manifest = manifest_of(identity)
        if manifest is None or manifest.kind != "dataset":
            continue
        found.update((item.id, None) for item in manifest.inputs_in("against"))
        pending += (one for one in manifest.made_from if one not in seen)
        seen.update(manifest.made_from)
    return tuple(found)


def _learned_from(model: Manifest) -> list[Digest]:
    """Return what a checkpoint or a run rests on directly."""
    return [
        item.id
        for item in model.inputs
        if item.kind in {"checkpoint", "run"} or (item.kind == "dataset" and item.role in LEARNED)
    ]
