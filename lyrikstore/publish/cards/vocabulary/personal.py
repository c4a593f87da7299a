"""The fact about personal data that a filter found, and that no later step removed.

Filters count the personal data in the dataset they make. Findings in an earlier dataset count as
removed if a later step searched the same places with the same detectors, and replaced or dropped
them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.statement import Said, counted, listed, named
from lyrikstore.publish.cards.vocabulary.fact import Fact

_FOUND = "found-"
_SCAN = "scan/1"
_REMOVES = frozenset({"redact/2", "redact/3", "drop-personal/1"})
_RENAMES = "map/1"

Step = Mapping[str, Any]


class _Search(Struct, frozen=True):
    """The places and detectors of a search by a step, and the kinds that it removes.

    ATTACK: the author of a step signs its members in any form: malformed members of a scan are read
    as a search of everything, those of a removing step as a search of nothing.
    """

    detectors: frozenset[str]
    text: bool
    columns: frozenset[str] | None  # None: all
    kinds: frozenset[str] = frozenset()
    moved: bool = False  # whether what was found may have another name by then

    @classmethod
    def of_scan(cls, step: Step) -> Self:
        detectors, columns = step.get("detectors"), step.get("columns")
        known = isinstance(detectors, list) and (columns == "*" or isinstance(columns, list))
        return cls(
            detectors=_words(detectors) if known else frozenset({""}),
            text=step.get("text") is not False,
            columns=_words(columns) if isinstance(columns, list) else None,
        )

    @classmethod
    def of_removal(cls, step: Step) -> Self:
        columns = step.get("columns")
        return cls(
            detectors=_words(step.get("detectors")),
            text=step.get("text") is True,
            columns=None if columns == "*" else _words(columns),
            # A value that is kept: something that was found may be left.
            kinds=frozenset() if step.get("keep") else _words(step.get("kinds")),
        )

    def holds(self, other: Self) -> bool:
        """Return whether it searches all places of ``other``, with all of its detectors."""
        # ATTACK: text that is a column by then, which nothing looks at any more.
        if self.moved and not (self.text and self.columns is None):
            return False
        return (
            self.detectors >= other.detectors
            and self.text >= other.text
            and (
                self.columns is None
                or (other.columns is not None and self.columns >= other.columns)
            )
        )


def _words(value: Any) -> frozenset[str]:
    found = value if isinstance(value, list) else ()
    return frozenset(one for one in found if isinstance(one, str))


class ScannedDataset(Struct, frozen=True):
    """A dataset in use, or one that data in use was made from, with its scans.

    Attributes:
        dataset: The dataset.
        filters: Its filters.
        scans: Its steps that scan; may be empty.
        removed: Kinds that a later step removed in all places that the scans searched.
        found: Kind → number of records in which a step found it, as the dataset reports it.
    """

    dataset: Manifest
    filters: tuple[Manifest, ...]
    scans: tuple[Step, ...]
    removed: frozenset[str]
    found: Mapping[str, int]


def scanned_datasets(facts: CardFacts) -> Iterator[ScannedDataset]:
    """Yield the training and validation data, and each dataset that they were made from.

    The data in use comes first.
    """
    filters = {one.id: one for one in facts.filters}
    for dataset, after in _with_what_came_after(facts, filters):
        steps = _steps(dataset, filters)
        at = [at for at, step in enumerate(steps) if step["use"] == _SCAN]
        scans = {_Search.of_scan(steps[one]) for one in at}
        later = _removals(steps[at[-1] + 1 :] if at else (), after)
        if at and any(step["use"] == _RENAMES for step in steps[at[0] : at[-1]]):
            later = _moved(later)
        removed = frozenset[str]().union(
            *(step.kinds for step in later if all(step.holds(scan) for scan in scans))
        )
        reported = dataset.body.get("derivation", {}).get("reported", {})
        found = {
            reason.removeprefix(_FOUND): count
            for reason, count in sorted(reported.items())
            if reason.startswith(_FOUND)
        }
        of = tuple(_filters(dataset, filters))
        yield ScannedDataset(dataset, of, tuple(steps[one] for one in at), removed, found)


def _found(facts: CardFacts) -> Iterator[Said]:
    for one in scanned_datasets(facts):
        left = {
            f"{_FOUND}{kind}": count for kind, count in one.found.items() if kind not in one.removed
        }
        if left:
            counts = (f"{reason}: {counted(count, 'record')}" for reason, count in left.items())
            evidence = (named(one.dataset), *map(named, one.filters))
            text = f"{listed(counts)}; nothing after that removed it"
            yield Said(text, evidence, "measured", one.dataset.name, value=left)


def _with_what_came_after(
    facts: CardFacts, filters: Mapping[Digest, Manifest]
) -> Iterator[tuple[Manifest, frozenset[_Search]]]:
    """Yield the data in use and the datasets it was made from, each with later removing steps.

    If several paths lead from a dataset to the data in use, only steps on all paths count.
    """
    known = {dataset.id: dataset for _, dataset in facts.datasets}
    used = [one.id for role, one in facts.datasets if role in {"train", "validation", "subject"}]
    reached, pending = set(used), list(used)
    while pending:
        made_from = known[pending.pop()].made_from
        new = {one for one in made_from if one in known and one not in reached}
        reached |= new
        pending += new
    users = dict.fromkeys(reached, 0)
    for identity in reached:
        for source in set(known[identity].made_from) & reached:
            users[source] += 1
    after: dict[Digest, frozenset[_Search]] = dict.fromkeys(used, frozenset())
    pending = sorted((one for one in reached if not users[one]), key=str)
    while pending:
        identity = pending.pop()
        dataset = known[identity]
        yield dataset, after[identity]
        passed = _removals(_steps(dataset, filters), after[identity])
        for source in sorted(set(dataset.made_from) & reached, key=str):
            after[source] = after.get(source, passed) & passed
            users[source] -= 1
            if not users[source]:
                pending.append(source)


def _filters(dataset: Manifest, filters: Mapping[Digest, Manifest]) -> list[Manifest]:
    return [filters[one.id] for one in dataset.inputs_in("filter") if one.id in filters]


def _removals(steps: Sequence[Step], after: frozenset[_Search]) -> frozenset[_Search]:
    """Return the removing steps among and after the given ones, for the data before them."""
    for step in reversed(steps):
        if step["use"] == _RENAMES:
            after = _moved(after)
        elif step["use"] in _REMOVES:
            after |= {_Search.of_removal(step)}
    return after


def _moved(removals: frozenset[_Search]) -> frozenset[_Search]:
    return frozenset(replace(one, moved=True) for one in removals)


def _steps(dataset: Manifest, filters: Mapping[Digest, Manifest]) -> list[Step]:
    return [step for one in _filters(dataset, filters) for step in one.body["steps"]]


FACTS = {
    "data.personal-found": Fact(
        "Personal data found and left",
        "kinds of personal data that a filter found in the data and nothing removed",
        _found,
    ),
}
