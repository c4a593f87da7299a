"""Facts about the composition of data: what each step kept of it, and the licences that it has."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.statement import Cited, Said, counted, listed, named
from lyrikstore.publish.cards.vocabulary.data import sources
from lyrikstore.publish.cards.vocabulary.fact import Fact
from lyrikstore.verify.datasets.licences import LicenceCount, count_licences

_USED = ("train", "validation", "test", "subject")


def _funnel(facts: CardFacts) -> Iterator[Said]:
    if not facts.form.claims_by_evidence:
        return
    known = {one.id: one for one in facts.each_dataset}
    filters = {one.id: one for one in facts.filters}
    for role, dataset in facts.datasets:
        if role not in _USED or "derivation" not in dataset.body:
            continue
        steps = [_step(one, known, filters) for one in _chain(dataset, known)]
        evidence: list[Cited] = []
        for one in _chain(dataset, known):
            used = (item.id for item in one.inputs_in("filter") if item.id in filters)
            evidence += [named(one), *(named(filters[item]) for item in used)]
        text = "; then ".join(_step_in_words(step) for step in steps)
        place = dataset.name if role == "subject" else f"{role} {dataset.name}"
        value: JSON = {"role": role, "dataset": dataset.name, "steps": steps}
        yield Said(text, tuple(dict.fromkeys(evidence)), "measured", place, value=value)


def _chain(dataset: Manifest, known: Mapping[Digest, Manifest]) -> list[Manifest]:
    """Return a dataset and all that it was made from, the committed ones first."""
    found: dict[Digest, Manifest] = {}
    pending = [(dataset, False)]
    while pending:
        one, is_done = pending.pop()
        if is_done:
            found.setdefault(one.id, one)
        elif one.id not in found:
            pending.append((one, True))
            made_from = [known[each] for each in one.made_from if each in known]
            pending += [(each, False) for each in reversed(made_from)]
    return list(found.values())


def _step(
    dataset: Manifest, known: Mapping[Digest, Manifest], filters: Mapping[Digest, Manifest]
) -> dict[str, JSON]:
    derivation = dataset.body.get("derivation")
    if derivation is None:
        return {"name": dataset.name, "kept": dataset.body["records"]}
    counts = derivation["counts"]
    used = [filters[one.id] for one in dataset.inputs_in("filter") if one.id in filters]
    return {
        "name": dataset.name,
        "from": [known[one].name for one in dataset.made_from if one in known],
        "filter": listed(one.name for one in used),
        "uses": [step["use"] for one in used for step in one.body["steps"]],
        "seen": counts["in"],
        "kept": counts["kept"],
        "changed": counts["changed"],
        "elsewhere": counts["elsewhere"],
        "dropped": {**derivation["dropped"]},
    }


def _step_in_words(step: Mapping[str, JSON]) -> str:
    kept: Any = step["kept"]
    if "seen" not in step:
        return f"{step['name']} {counted(kept, 'record')}"
    dropped: Any = step["dropped"]
    lost = [f"{count:,} dropped ({reason})" for reason, count in sorted(dropped.items())]
    if step["elsewhere"]:
        lost.append(f"{step['elsewhere']:,} in other parts")
    return f"{step['name']} {kept:,} of {step['seen']:,}{f': {listed(lost)}' if lost else ''}"


def _licences(facts: CardFacts) -> Iterator[Said]:
    found = sources(facts)
    if not facts.form.claims_by_evidence or not found:
        return
    total = sum(one.body["records"] for one in found)
    licences: Counter[str] = Counter()
    by_record = unstated = uncounted = 0
    for dataset in found:
        count = facts.licences.get(dataset.id) or count_licences(dataset.body, None)
        if count.field is None and count.expression is not None:
            licences[count.expression] += count.records
            continue
        own, none = _of_records(count)
        # Licences of records are cells of a sheet, or values in rows.
        if facts.form.contains_values:
            licences.update(dict(count.values))
            own -= sum(records for _, records in count.values)
        by_record += own
        unstated += none
        uncounted += count.records - _of_records(count)[0] - none
    rows = sorted(licences.items(), key=lambda one: (-one[1], one[0]))
    said = [f"{licence}: {counted(records, 'record')}" for licence, records in rows]
    if by_record:
        said.append(f"{counted(by_record, 'record')}: each by its own field, not listed here")
    if unstated:
        said.append(f"{counted(unstated, 'record')}: none stated")
    if uncounted:
        said.append(f"{counted(uncounted, 'record')}: not counted which state one")
    value: JSON = {
        "licences": {**dict(rows)},
        "byRecord": by_record,
        "unstated": unstated,
        "notCounted": uncounted,
        "records": total,
    }
    evidence = tuple(named(one) for one in found)
    if not rows and not by_record:
        text = f"not established: no licence is stated of any of {counted(total, 'record')}"
        yield Said(text, evidence, "not-established", value=value)
        return
    text = f"of {counted(total, 'record')} that were committed, {'; '.join(said)}"
    yield Said(text, evidence, "stated", value=value)


def _of_records(count: LicenceCount) -> tuple[int, int]:
    """Return how many records state a licence of their own, and how many state none."""
    if count.unstated is None:
        return 0, 0
    return count.records - count.unstated, count.unstated


FACTS = {
    "data.funnel": Fact(
        "Kept and dropped",
        "what each step saw, kept and dropped, from what was committed to the data in use",
        _funnel,
    ),
    "data.licence-mix": Fact(
        "Licence mix", "licences with the number of records, as manifests state them", _licences
    ),
}
