"""Facts about the data: its origin, its description, and how it was processed.

A dataset is described once, as it was committed; for datasets made from it, only the processing is
described.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lyrikstore.canon.json import JSON
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.gathering.values import without_values
from lyrikstore.publish.cards.statement import Said, counted, listed, named
from lyrikstore.publish.cards.vocabulary.fact import Fact
from lyrikstore.verify.datasets.licences import count_licences

FIELDS: Mapping[str, tuple[str, str]] = {
    "name": ("Title", "title"),
    "about": ("What it contains", "about"),
    "origin": ("Origin", "origin"),
    "originGeography": ("Where it comes from", "geography"),
    "collectedDuring": ("Collected", "collected"),
    "collectionMethod": ("How it was collected", "collection-method"),
    "modalities": ("Modalities", "modalities"),
    "formats": ("Formats", "formats"),
    "stats": ("Statistics", "statistics"),
    "annotation": ("Labelled", "annotation"),
    "classification": ("Personal and confidential data", "classification"),
    "confidentiality": ("Confidentiality", "confidentiality"),
    "deidentification": ("De-identification", "deidentification"),
    "consents": ("Consents", "consents"),
    "agreements": ("Agreements", "agreements"),
    "licence": ("What the licence means", "licence-meaning"),
    "intellectualProperty": ("Notices", "intellectual-property"),
    "tdmReservation": ("Text and data mining", "text-and-data-mining"),
    "purposes": ("Purposes", "purposes"),
    "prohibitedUses": ("Prohibited uses", "prohibited-uses"),
    "processing": ("Where it may be processed", "processing"),
    "storage": ("Where it may be stored", "storage"),
    "retention": ("Retention", "retention"),
    "synthetic": ("Synthetic records", "synthetic"),
    "quality": ("Quality", "quality"),
    "biases": ("Known biases", "biases"),
    "limitations": ("Known limitations", "limitations"),
}
"""Field of the descriptor → what it is called, and its name as a fact. What a dataset was made
from is said by ``data.derived``."""

_CAPITAL = re.compile(r"(?<=[a-z0-9])[A-Z](?=[a-z])")

_PARTS = {"train": "Trained on", "validation": "Validated on", "test": "Tested on"}

_MAX_MODELS = 100

_STATES = {"measured": "measured", "tool-asserted": "stated", "human-asserted": "stated"}


def sources(facts: CardFacts) -> list[Manifest]:
    """Return the datasets that were committed or imported, without those made from others."""
    return [dataset for dataset in facts.each_dataset if not list(dataset.made_from)]


def _source(facts: CardFacts) -> Iterator[Said]:
    if not facts.datasets:
        text = "not established: no dataset is among the inputs of the model"
        yield Said(text, (named(facts.subject),), "not-established")
    for dataset in sources(facts):
        body = dataset.body
        records = counted(body["records"], "record")
        files = counted(body["fileCount"], "file")
        size = counted(body["bytes"], "byte")
        text = f"{records} in {files}, {size}; signed by {dataset.author}"
        value: JSON = {"records": body["records"], "files": body["fileCount"]}
        yield Said(text, (named(dataset),), "measured", dataset.name, value=value)


def _licence(facts: CardFacts) -> Iterator[Said]:
    for dataset in sources(facts):
        expression = dataset.body.get("licence", {}).get("expression")
        if expression is None:
            text, state = "not established: whoever committed it states none", "not-established"
            yield Said(text, (named(dataset),), state, dataset.name)
        else:
            yield Said(
                expression, (named(dataset),), "stated", dataset.name,
                value=expression, by=facts.author_of(dataset),
            )  # fmt: skip


def _unstated(facts: CardFacts) -> Iterator[Said]:
    if not facts.form.has_publishers_terms:  # earlier cards did not count them
        return
    for dataset in sources(facts):
        found = count_licences(dataset.body, None)
        if found.field is None:
            continue
        records = counted(found.records, "record")
        value: JSON = {"field": found.field, "records": found.records}
        if found.unstated is None:
            text = (
                f"not established: in how many of {records} {found.field} is empty, is not counted"
            )
            yield Said(text, (named(dataset),), "not-established", dataset.name, value=value)
            continue
        text = f"{found.unstated:,} of {records} state none in {found.field}"
        value = {**value, "unstated": found.unstated}
        yield Said(text, (named(dataset),), "measured", dataset.name, value=value)


def _publisher(facts: CardFacts) -> Iterator[Said]:
    for dataset in facts.each_dataset:
        theirs = facts.terms[dataset.id].published
        if theirs is not None:
            text = f"{theirs.name} of the store {theirs.store}, signed by {theirs.author}"
            value: JSON = {
                "name": theirs.name, "manifest": str(theirs.manifest), "store": str(theirs.store)
            }  # fmt: skip
            yield Said(text, (named(dataset),), subject=dataset.name, value=value, by=theirs.author)


def _described(field: str) -> Callable[[CardFacts], Iterator[Said]]:
    """Return a function that yields a field of the descriptor of each source, known or not."""

    def find(facts: CardFacts) -> Iterator[Said]:
        for dataset in sources(facts):
            found = dataset.body["descriptor"].get(field)
            if found is not None:
                if found["state"] == "value" and not facts.form.contains_values:
                    found = {**found, "value": without_values(field, found["value"])}
                yield _field(found, dataset, facts.author_of(dataset))

    return find


def _field(found: Mapping[str, Any], dataset: Manifest, by: str) -> Said:
    own, subject = (named(dataset),), dataset.name
    if found["state"] == "value":
        value = found["value"]
        text, state = words(value), _STATES[found["basis"]]
        return Said(text, own, state, subject, value=value, by=by)
    reason = found.get("reason") or "no reason is given"
    state = "not-established" if found["state"] == "unknown" else "not-applicable"
    said = "not established" if found["state"] == "unknown" else "does not apply"
    return Said(f"{said}: {reason}", own, state, subject, by=by)


def words(value: JSON) -> str:
    """Return a value in words: members by name, nested values in brackets."""
    match value:
        case None | bool():
            return {None: "none", True: "yes", False: "no"}[value]
        case int():
            return f"{value:,}"
        case dict():
            return "; ".join(f"{_spaced(name)} {_inside(one)}" for name, one in value.items())
        case list():
            return listed(map(_inside, value))
        case _:
            return str(value)


def _inside(value: JSON) -> str:
    return f"({words(value)})" if isinstance(value, dict | list) else words(value)


def _spaced(name: str) -> str:
    """Return a member's name as people write it: ``collected from`` for ``collectedFrom``."""
    return _CAPITAL.sub(lambda found: f" {found[0].lower()}", name)


def _derived(facts: CardFacts) -> Iterator[Said]:
    for dataset in facts.each_dataset:
        derivation: dict[str, Any] | None = dataset.body.get("derivation")
        if derivation is None:
            continue
        counts = derivation["counts"]
        used = {item.id for item in dataset.inputs_in("filter")}
        filters = [item for item in facts.filters if item.id in used]
        steps = [step["use"] for item in filters for step in item.body["steps"]]
        text = (
            f"by {listed(steps)}: {counted(counts['in'], 'record')} seen, {counts['kept']:,} "
            "kept here, "
            f"{counts['changed']:,} of them changed, {counts['dropped']:,} dropped, "
            f"{counts['elsewhere']:,} put into other parts"
        )
        reasons = [
            f"{count:,} {what} ({reason})"
            for what in ("dropped", "changed")
            for reason, count in sorted(derivation[what].items())
        ]
        if reasons:
            text += f"; {listed(reasons)}"
        evidence = (named(dataset), *(named(item) for item in filters))
        value: dict[str, JSON] = {**counts, "from": [str(one) for one in dataset.made_from]}
        if facts.form.claims_by_evidence:
            value |= {"seen": counts["in"], "droppedBy": dict(derivation["dropped"])}
        yield Said(text, evidence, "measured", dataset.name, value=value)


def _found(facts: CardFacts) -> Iterator[Said]:
    for dataset in facts.each_dataset:
        reported = dataset.body.get("derivation", {}).get("reported", {})
        if reported:
            said = (f"{reason}: {counted(one, 'record')}" for reason, one in reported.items())
            yield Said(
                listed(sorted(said)), (named(dataset),), "measured", dataset.name, value=reported
            )


def _redacted(facts: CardFacts) -> Iterator[Said]:
    for dataset in facts.each_dataset:
        found = dataset.body["descriptor"].get("deidentification", {})
        if dataset.body.get("derivation") is not None and found.get("state") == "value":
            yield _field(found, dataset, dataset.author)


def _parts(facts: CardFacts) -> Iterator[Said]:
    for role, dataset in facts.datasets:
        if role not in _PARTS:
            continue
        records = dataset.body["records"]
        text = f"{dataset.name}, {counted(records, 'record')}"
        if role == "validation" and facts.checkpoint.body.get("refit"):
            text += "; the model learned from them, too, once it was chosen"
        yield Said(
            text, (named(dataset),), "measured", f"{role} {dataset.name}", _PARTS[role], records
        )


def _first_used(facts: CardFacts) -> Iterator[Said]:
    for dataset in sources(facts):
        if dataset.id in facts.earlier.first_used:
            run, index = facts.earlier.first_used[dataset.id]
            text = (
                f"by {run.name}, log entry {index}, which claims the day {run.created[:10]}; "
                "before that no run in this store trained on it"
            )
            value: JSON = {"index": index, "day": run.created[:10]}
            yield Said(text, (named(run), named(dataset)), "derived", dataset.name, value=value)


def _also_used(facts: CardFacts) -> Iterator[Said]:
    for dataset in sources(facts):
        others = facts.earlier.also_used.get(dataset.id, ())[:_MAX_MODELS]
        if others:
            names = sorted(one.name for one in others)
            text = f"{listed(names)}, before this model; lyrikstore impact tells of later ones"
            if len(others) == _MAX_MODELS:
                text += f", and whether there are more than these {_MAX_MODELS}"
            evidence = (*(named(one) for one in others), named(dataset))
            yield Said(text, evidence, "derived", dataset.name, value=list(names))


FACTS = {
    "data.source": Fact("Source", "each dataset that was committed, with its size", _source),
    "data.licence": Fact("Licence", "the licence its committer states", _licence),
    "data.licence-unstated": Fact(
        "Without a licence", "how many records state no licence where others do", _unstated
    ),
    "data.publisher": Fact(
        "Published as", "whose an imported dataset is, and what they call it", _publisher
    ),
    "data.parts": Fact("Parts", "what it was trained, validated and tested on", _parts),
    "data.derived": Fact(
        "Made by", "what filters did, with counts and reasons of what was dropped", _derived
    ),
    "data.found": Fact("Found by filters", "what filters found and left, by record", _found),
    "data.redacted": Fact(
        "Personal data treated", "what filters did to personal data, of derived datasets", _redacted
    ),
    "data.first-used": Fact(
        "First trained on", "the first run of this store that trained on it", _first_used
    ),
    "data.also-used": Fact(
        "Also trained on", "other models of this store that were trained on it before", _also_used
    ),
    **{
        f"data.{name}": Fact(title, f"field {field} of the descriptor", _described(field))
        for field, (title, name) in FIELDS.items()
    },
}
