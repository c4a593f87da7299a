"""The detectors by name, and the facts that a filter manifest states about each."""

from collections.abc import Callable, Mapping
from functools import cache

from msgspec import Struct

from lyrikstore.curate.personal.found import Found
from lyrikstore.curate.personal.patterns import find_patterns
from lyrikstore.curate.personal.presidio import PRESIDIO_PACKAGES, SPACY_MODEL, load_presidio
from lyrikstore.curate.personal.rampart import RAMPART_MODEL, RAMPART_PACKAGES, load_rampart
from lyrikstore.curate.weights import PinnedModel, installed_versions

Search = Callable[[str], list[Found]]
"""Returns the finds of a detector in a text, in no order, with overlaps."""


class Detector(Struct, frozen=True):
    """One detector.

    Attributes:
        version: Version of its behaviour; a change of its finds changes the number.
        load: Loads its models, and returns the search.
        packages: The packages whose versions change its finds.
        weights: The files of its model, if it has one.
    """

    version: int
    load: Callable[[], Search]
    packages: tuple[str, ...] = ()
    weights: PinnedModel | None = None


class DetectorFacts(Struct, frozen=True):
    """The facts about the detectors of a step, as a filter manifest states them.

    Attributes:
        detectors: Names with versions, such as ``patterns/2``.
        libraries: Package to installed version.
        models: One object per model: ``name``, ``version``, ``digest`` of its files, ``licence``.
    """

    detectors: tuple[str, ...]
    libraries: Mapping[str, str]
    models: tuple[Mapping[str, str], ...]


DETECTORS: Mapping[str, Detector] = {
    "patterns": Detector(2, lambda: find_patterns),
    "presidio": Detector(2, load_presidio, PRESIDIO_PACKAGES, SPACY_MODEL),
    "rampart": Detector(1, load_rampart, RAMPART_PACKAGES, RAMPART_MODEL),
}


@cache
def open_detector(name: str) -> Search:
    """Return the search of a detector; it is loaded once per process.

    Raises:
        IncompleteError: (``no-detector``, ``other-weights``) a package or model is missing, or its
            files differ from the known ones.
    """
    return DETECTORS[name].load()


def detector_facts(names: tuple[str, ...]) -> DetectorFacts:
    """Return the facts that a filter manifest states about these detectors, as installed.

    Raises:
        IncompleteError: See :func:`open_detector`.

    Cost: one read of the models' files per process.
    """
    for name in names:
        open_detector(name)
    chosen = [(name, DETECTORS[name]) for name in names]
    packages = sorted({package for _, detector in chosen for package in detector.packages})
    return DetectorFacts(
        tuple(f"{name}/{detector.version}" for name, detector in chosen),
        installed_versions(packages),
        tuple(weights.facts for _, detector in chosen if (weights := detector.weights) is not None),
    )
