"""The fact about the 18 identifiers of HIPAA: which of them scans look for, find and leave.

A scan finds what its detectors know, in the places that it searches. So an identifier that no
detector of a scan looks for is named as such, and never counts as absent.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON
from lyrikstore.curate.personal.kinds import FOUND_BY, IDENTIFIERS, IN_PART, KINDS
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.statement import Said, counted, listed, named
from lyrikstore.publish.cards.vocabulary.fact import Fact
from lyrikstore.publish.cards.vocabulary.personal import ScannedDataset, scanned_datasets

_USED = frozenset({"train", "validation", "subject"})


def _identifiers(facts: CardFacts) -> Iterator[Said]:
    if not facts.form.claims_by_evidence:
        return
    each = {one.dataset.id: one for one in scanned_datasets(facts)}
    for one in each.values():
        if one.scans:
            yield _table(one)
    without = [
        one
        for one in dict.fromkeys(one for role, one in facts.datasets if role in _USED)
        if not any(each[before].scans for before in _behind(one, each))
    ]
    if without:
        names = listed(one.name for one in without)
        text = f"not established: no scan is logged of {names} or of what these were made from"
        yield Said(text, tuple(map(named, without)), "not-established")


def _behind(dataset: Manifest, each: Mapping[Digest, ScannedDataset]) -> set[Digest]:
    """Return a dataset and all that it was made from."""
    reached, pending = {dataset.id}, [dataset]
    while pending:
        new = {one for one in pending.pop().made_from if one in each} - reached
        reached |= new
        pending += [each[one].dataset for one in new]
    return reached


def _table(one: ScannedDataset) -> Said:
    rows = [_row(letter, name, one) for letter, name in IDENTIFIERS.items()]
    without = [str(row["identifier"]) for row in rows if not row["detectors"]]
    detectors = dict.fromkeys(name for row in rows for name in row["detectors"])
    said = [f"{18 - len(without)} of 18 identifiers were looked for by {listed(detectors)}"]
    if without:
        said.append(f"not looked for, since no detector of the scan covers it: {listed(without)}")
    for row in rows:
        if row["found"]:
            counts = (
                f"{kind} in {counted(count, 'record')}" for kind, count in row["found"].items()
            )
            left = listed(row["left"])
            said.append(
                f"{row['identifier']} {row['name']}: {listed(counts)}, "
                f"{f'left: {left}' if left else 'removed later'}"
            )
    if not any(row["found"] for row in rows):
        said.append("none was found")
    places = [_place(scan) for scan in one.scans]
    said.append(f"searched: {listed(dict.fromkeys(places))}")
    value: JSON = {"rows": [{**row} for row in rows], "searched": [*dict.fromkeys(places)]}
    evidence = (named(one.dataset), *map(named, one.filters))
    return Said("; ".join(said), evidence, "measured", one.dataset.name, value=value)


def _row(letter: str, name: str, one: ScannedDataset) -> dict[str, Any]:
    """Return what the scans of a dataset say of one identifier."""
    kinds = {kind for kind, about in KINDS.items() if about.identifier == letter}
    looked_for: dict[str, None] = {}
    sought: set[str] = set()
    for scan in one.scans:
        asked = kinds & set(_words(scan.get("kinds")))
        for detector in _words(scan.get("detectors")):
            if covered := asked & FOUND_BY.get(detector, frozenset()):
                looked_for[_versioned(detector, one.filters)] = None
                sought |= covered
    found = {kind: count for kind, count in one.found.items() if kind in kinds}
    left = [kind for kind in found if kind not in one.removed]
    status = "in-part" if letter in IN_PART else "looked-for"
    return {
        "identifier": letter,
        "name": name,
        "status": status if looked_for else "not-looked-for",
        "kinds": sorted(sought),
        "detectors": list(looked_for),
        "found": found,
        "left": left,
    }


def _words(value: Any) -> list[str]:
    # ATTACK: the author of a step signs its members in any form: what is malformed finds nothing.
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _versioned(detector: str, filters: tuple[Manifest, ...]) -> str:
    for one in filters:
        version = one.body.get("libraries", {}).get(f"personal-{detector}")
        if version is not None:
            return f"{detector}/{version}"
    return detector


def _place(scan: Mapping[str, Any]) -> str:
    columns = scan.get("columns")
    fields = "all fields" if columns == "*" else counted(len(_words(columns)), "field")
    text = scan.get("text") is True
    return f"the text and {fields}" if text and columns else "the text" if text else fields


FACTS = {
    "data.identifiers": Fact(
        "The 18 identifiers",
        "which of the identifiers of HIPAA scans look for, with what was found and left",
        _identifiers,
    ),
}
