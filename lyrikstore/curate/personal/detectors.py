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
"""Returns what a detector finds in a text, in no order, overlaps included."""


class Detector(Struct, frozen=True):
    """One detector.

    Attributes:
        version: Of what it finds; another behaviour has another number.
        load: Reads the models, and returns the search.
        packages: The packages whose version changes what it finds.
        weights: The model's files, if it has a model.
    """

    version: int
    load: Callable[[], Search]
    packages: tuple[str, ...] = ()
    weights: PinnedModel | None = None


class DetectorFacts(Struct, frozen=True):
    """What a filter manifest says about the detectors of a step.

    Attributes:
        detectors: Names with versions, such as ``patterns/2``.
        libraries: Package to version, of those installed here.
        models: One object for each model: ``name``, ``version``, ``digest`` of its files,
            ``licence``.
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
    """Return the search of a detector, loaded once in a process.

    Raises:
        IncompleteError: (``no-detector``, ``other-weights``) a package or model is missing or is
            another one.
    """
    return DETECTORS[name].load()


def detector_facts(names: tuple[str, ...]) -> DetectorFacts:
    """Return what a filter manifest says about these detectors, as they are installed here.

    Raises:
        IncompleteError: As :func:`open_detector`.

    Cost: reads the files of the models once in a process.
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
