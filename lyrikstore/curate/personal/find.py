"""The entry point: the personal data in a text, found by chosen detectors."""

from collections.abc import Collection, Iterable

from lyrikstore.curate.personal.detectors import open_detector
from lyrikstore.curate.personal.found import Found, join_overlapping
from lyrikstore.curate.personal.kinds import DEFAULT_KINDS
from lyrikstore.curate.personal.patterns import find_patterns, protect_dockets


def find(
    text: str, detectors: Iterable[str], kinds: Collection[str] = DEFAULT_KINDS
) -> list[Found]:
    """Return the personal data in ``text``: the united finds of the detectors.

    Args:
        text: Any text.
        detectors: Keys of :data:`~lyrikstore.curate.personal.detectors.DETECTORS`.
        kinds: Keys of :data:`~lyrikstore.curate.personal.kinds.KINDS`; other finds are left out.
            Docket numbers are always recognised, so that no other kind takes them.

    Returns:
        The finds in text order, none overlapping.

    Raises:
        IncompleteError: (``no-detector``, ``other-weights``) a package or model is missing, or the
            model's files differ from the known ones. Nothing was searched.

    Cost: ``patterns`` is linear in the length; the models take some 20 ms for a page, and a second
    when first used. docs/personal-data.md has measured figures.
    """
    found: list[Found] = []
    names = tuple(detectors)
    for search in [open_detector(name) for name in names]:
        found += search(text)
    if "patterns" not in names:
        found += [item for item in find_patterns(text) if item.kind == "docket"]
    chosen = [item for item in protect_dockets(found) if item.kind in kinds]
    return join_overlapping(chosen)
