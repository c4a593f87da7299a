"""The fields in which filters reported personal data (spec §13.9.6)."""

from collections.abc import Iterable, Iterator
from typing import Any

from lyrikstore.canon.errors import IncompleteError, InvalidInputError
from lyrikstore.curate.decision_table import DecisionTable
from lyrikstore.curate.recipes.filters.fields.template import Template
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository

_FOUND = "found-"
_RENAMES = "map/1"


class ScannedFields:
    """The fields of a dataset in which a filter found personal data, in it or in its sources.

    It does not matter whether the data was removed since: the purpose of the field is the same. If
    the decisions of a filter that found personal data are no longer in the store, every field
    counts.

    Args:
        repository: The store.
        dataset: The dataset.

    Raises:
        VerificationError, FormatError: Decisions are damaged.
        NotFoundError: A part of its lineage is not in the store.

    Cost: reads the decisions of each filter of the lineage that found personal data.
    """

    def __init__(self, repository: Repository, dataset: Manifest) -> None:
        self._repository = repository
        self._names: set[str] = set()
        self._everywhere = False
        lineage = Lineage.read(repository, dataset.id)
        behind = lineage.datasets_behind([dataset.id], strict=True)
        for one in sorted(behind, key=lambda each: lineage.nodes[each.id].index):
            self._add(one)

    def __contains__(self, name: str) -> bool:
        return self._everywhere or name in self._names

    def _add(self, dataset: Manifest) -> None:
        reported = dataset.body.get("derivation", {}).get("reported", {})
        if any(reason.startswith(_FOUND) for reason in reported):
            try:
                self._names.update(self._found(dataset))
            except IncompleteError:
                self._everywhere = True
        for item in dataset.inputs_in("filter"):
            for step in self._repository.manifest(item.id).body["steps"]:
                if step["use"] == _RENAMES:
                    self._names.update(_renamed(step, self._names))

    def _found(self, dataset: Manifest) -> Iterator[str]:
        for batch in DecisionTable(self._repository, [dataset]).batches():
            rows = zip(
                *(batch.column(name).to_pylist() for name in ("reason", "field")), strict=True
            )
            for reason, field in dict.fromkeys(rows):
                if field is not None and (reason or "").startswith(_FOUND):
                    yield field.removeprefix("meta:")


def _renamed(step: dict[str, Any], found: Iterable[str]) -> Iterator[str]:
    """Yield field names before and after a step ``map/1``."""
    known = frozenset(found)
    rename, combine = step.get("rename"), step.get("combine")
    if isinstance(rename, dict):
        yield from (str(now) for was, now in rename.items() if was in known)
    for name, text in combine.items() if isinstance(combine, dict) else ():
        try:
            if not known.isdisjoint(Template.parse(str(text), name).names):
                yield name
        except InvalidInputError:  # ATTACK: the signed parameter is not a valid template
            yield name
