"""``card.json`` as a bill of materials in CycloneDX 1.7, for software inventories.

Statements for which the format has a field are in that field; all others, and those that are not
established, are properties: no field is filled with invented values. Considerations are attested
answers only.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode
from lyrikstore.publish.cards.rendering.figures import Figure, Figures
from lyrikstore.publish.cards.rendering.layout.blocks import Shown
from lyrikstore.publish.cards.rendering.layout.contents import CardContents
from lyrikstore.publish.cards.rendering.layout.statements import (
    DETERMINES_NOTHING,
    called,
    properties,
)
from lyrikstore.publish.cards.statement import MAX_TEXT
from lyrikstore.publish.markdown import plain
from lyrikstore.verify.evaluation.tasks import find_rules

VERSION = "cyclonedx/1"

_FAMILIES = {
    "tfidf": "linear model of word counts",
    "embeddings": "linear model of the vectors of a frozen encoder",
    "blend": "blend of two models",
    "encoder": "transformer",
    "peft-lora": "transformer",
    "transformers": "transformer",
}

_CONSIDERED = {
    "users": ("intended-users",),
    "useCases": ("intended-use",),
    "technicalLimitations": ("limitations", "out-of-scope", "robustness"),
}
_RISKS = ("risks", "data-bias", "special-categories", "memorised-data")

_OF_DATASETS = ("rights.licence:", "rights.attribution:", "rights.deletion:")
"""Statements of a credential that are about a dataset, which is the second of their evidence."""

_WORD = r"\(*[A-Za-z0-9][A-Za-z0-9.+:-]*\)*"
_EXPRESSION = re.compile(rf"{_WORD}(?: (?:AND|OR|WITH) {_WORD})*")


def to_cyclonedx(card: Mapping[str, Any]) -> bytes:
    """Return a card as CycloneDX 1.7 in JSON, UTF-8; equal cards give equal bytes.

    The serial number is derived from ``card.json``, so that two cards never share one, and the time
    is the one that the checkpoint claims.

    Args:
        card: Contents of ``card.json``.
    """
    text = json.dumps(_Bill(card).document(), indent=1, ensure_ascii=False)
    return f"{text}\n".encode()


class _Bill:
    def __init__(self, card: Mapping[str, Any]) -> None:
        self.card = card
        self.contents = CardContents(card)
        self.digest = Digest.of(encode(card))
        self.model: str = card["subject"]["id"]
        self.datasets = {
            one["id"]: plain(one["what"]).removeprefix("dataset ")
            for one in card["evidence"]
            if one["what"].startswith("dataset datasets/")
        }
        for one in self.contents.facts("evaluation.data"):
            for test in one["evidence"][1:]:
                self.datasets.setdefault(test, "test data")
        self.about: dict[str, list[Shown]] = {self.model: []}
        for one in card["statements"]:
            first = one["evidence"][0] if one["id"].startswith("data.") else self.model
            first = one["evidence"][1] if one["id"].startswith(_OF_DATASETS) else first
            subject = first if first in self.datasets else self.model
            self.about.setdefault(subject, []).append(one)

    def document(self) -> dict[str, Any]:
        own = self.card["subject"]
        found: dict[str, Any] = {
            "bomFormat": "CycloneDX",
            "specVersion": "1.7",
            "serialNumber": uuid5(NAMESPACE_URL, self.digest.urn).urn,
            "version": 1,
            "metadata": {
                "timestamp": own["created"],
                "tools": {"components": [{"type": "application", "name": "lyrikstore"}]},
                "component": self._model(),
                "properties": list(self._provenance()),
            },
            "components": [*self._base(), *map(self._dataset, self.datasets)],
            "externalReferences": [
                {
                    "type": "model-card",
                    "url": self.digest.urn,
                    "comment": "card.json, of which this is a rendering",
                    "hashes": [_hash(str(self.digest))],
                }
            ],
            "dependencies": [
                {"ref": self.model, "dependsOn": self._needed()},
                *self._made_from(),
            ],
        }
        return found

    def _made_from(self) -> Iterator[dict[str, Any]]:
        """Yield each derived dataset with the datasets that it was made from."""
        for one in self.contents.facts("data.derived"):
            origins = [origin for origin in one["value"]["from"] if origin in self.datasets]
            if origins and one["evidence"][0] in self.datasets:
                yield {"ref": one["evidence"][0], "dependsOn": origins}

    def _provenance(self) -> Iterator[dict[str, str]]:
        store = self.card["subject"]["store"]
        yield _property(
            "rendering",
            f"{VERSION} of card.json {self.digest}, which alone has a meaning; both are attached "
            f"to a signed manifest in the store {store}",
        )
        yield _property("status", self.contents.status())
        yield _property("notice", DETERMINES_NOTHING)
        yield _property("hashes", "BLAKE3 of the signed manifest, which names the content")
        for profile in self.card["profiles"]:
            reviewed = profile["reviewedBy"] or "no lawyer"
            yield _property(
                "profile",
                f"{profile['profile']}, {profile['title']}, as of {profile['asOf']}, reviewed by "
                f"{reviewed}",
            )

    def _model(self) -> dict[str, Any]:
        own, version = self.card["subject"], self.contents.facts("subject.version")
        found: dict[str, Any] = {
            "type": "machine-learning-model",
            "bom-ref": self.model,
            "name": own["name"],
        }
        if version and "value" in version[0]:
            found["version"] = str(version[0]["value"])
        found["hashes"] = [_hash(self.model)]
        licences = self.contents.answers("model-licence")
        texts = {one["text"] for one in licences if one["state"] == "attested"}
        if len(texts) == 1:  # ATTACK: somebody else's answer, before the expert's other one
            found["licenses"] = [{"license": _named(texts.pop())}]
        found["modelCard"] = {
            "modelParameters": self._parameters(),
            "quantitativeAnalysis": {"performanceMetrics": list(self._metrics())},
            "considerations": self._considerations(),
            "properties": list(_properties(self.about[self.model])),
        }
        found["properties"] = [
            _property("manifest", own["id"]),
            _property("tree", own["tree"]),
            _property("files", own["files"]),
            _property("log", f"entry {own['index']} of {own['origin']}"),
        ]
        return found

    def _parameters(self) -> dict[str, Any]:
        task, form = self._value("model.task"), self._value("model.format")
        found: dict[str, Any] = {}
        if "run.config:data.label" in self.contents.by_id:
            found["approach"] = {"type": "supervised"}
        if task:
            found["task"] = task
        family = _FAMILIES.get(form.partition("/")[0])
        if family:
            found["architectureFamily"] = family
        found["modelArchitecture"] = form
        found["datasets"] = [{"ref": one} for one in self.datasets]
        if rules := find_rules(task):
            found["inputs"], found["outputs"] = [{"format": "text"}], [{"format": rules.answers}]
        return found

    def _value(self, fact: str) -> str:
        said = self.contents.facts(fact)
        return plain(str(said[0].get("value", "")), MAX_TEXT) if said else ""

    def _metrics(self) -> Iterator[dict[str, Any]]:
        figures = Figures(self.contents)
        for found in (figures.whole(), figures.slices(), figures.classes(), figures.confidence()):
            yield from map(_metric, found)

    def _considerations(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            member: said
            for member, questions in _CONSIDERED.items()
            if (said := self._attested(*questions))
        }
        verdicts = [one["text"] for one in self.contents.facts("evaluation.verdict")]
        if verdicts:
            found["performanceTradeoffs"] = verdicts
        if risks := self._attested(*_RISKS):
            found["ethicalConsiderations"] = [{"name": one} for one in risks]
        if groups := self._attested("groups"):
            found["fairnessAssessments"] = [{"groupAtRisk": one} for one in groups]
        return found

    def _attested(self, *questions: str) -> list[str]:
        said = self.contents.answers(*questions)
        return [one["text"] for one in said if one["state"] == "attested"]

    def _base(self) -> Iterator[dict[str, Any]]:
        """Yield the base model, and the external models that it is based on."""
        rights = {one["evidence"][0]: one for one in self.contents.facts("model.base-rights")}
        named = {
            one["evidence"][1]: one["value"]
            for one in self.contents.facts("model.base")
            if "value" in one
        }
        named |= {model: one["about"] for model, one in rights.items() if one["about"]}
        for model, name in named.items():
            found = {
                "type": "machine-learning-model",
                "bom-ref": model,
                "name": plain(name),
                "hashes": [_hash(model)],
            }
            if "value" in rights.get(model, {}):
                text = plain(str(rights[model]["value"]), MAX_TEXT)
                found["licenses"] = [{"license": _named(text)}]
            yield found

    def _dataset(self, identity: str) -> dict[str, Any]:
        said = self.about.get(identity, [])
        found: dict[str, Any] = {
            "type": "data",
            "bom-ref": identity,
            "name": self.datasets[identity],
            "hashes": [_hash(identity)],
        }
        licences = [one for one in said if one["id"].startswith("data.licence:")]
        stated = [one["text"] for one in licences[:1] if one["state"] == "stated"]
        # Where whoever committed it states none, its publisher may have, in the credential.
        stated = stated or [one["text"] for one in said if one["id"].startswith("rights.licence:")]
        if len(set(stated)) == 1:
            found["licenses"] = [_licence(stated[0])]
        elif stated:
            found["licenses"] = [{"license": _named(one)} for one in dict.fromkeys(stated)]
        found["data"] = [self._data(identity, said)]
        if said:
            found["properties"] = list(_properties(said))
        return found

    def _data(self, identity: str, said: Iterable[Shown]) -> dict[str, Any]:
        by_fact = {one["id"].partition(":")[0]: one for one in said}
        found: dict[str, Any] = {"type": "dataset", "name": self.datasets[identity]}
        secret = by_fact.get("data.confidentiality", {})
        if "value" in secret:
            found["classification"] = secret["text"]
        kinds = by_fact.get("data.classification", {}).get("value")
        if isinstance(kinds, dict):
            present = [plain(kind) for kind, state in kinds.items() if state == "present"]
            if present:
                found["sensitiveData"] = present
        described = [
            f"{one['title']}: {one['text']}"
            for fact, one in by_fact.items()
            if fact in {"data.about", "data.parts", "data.derived", "data.source"}
            and one["state"] not in {"not-established", "not-applicable"}
        ]
        if described:
            found["description"] = "\n".join(described)
        # Whose credential says what may be done with it; whether they own it, no object says.
        stewards = dict.fromkeys(
            f"{one['by']}{called(one)}"
            for one in self.contents.facts("rights.credential")
            if identity in one["evidence"]
        )
        if stewards:
            parties = [{"organization": {"name": plain(one, MAX_TEXT)}} for one in stewards]
            found["governance"] = {"stewards": parties}
        return found

    def _needed(self) -> list[str]:
        trained_on = [
            one["evidence"][0]
            for one in self.contents.facts("data.parts")
            if one["about"].partition(" ")[0] in {"train", "validation"}
        ]
        return list(dict.fromkeys([*(one["bom-ref"] for one in self._base()), *trained_on]))


def _metric(figure: Figure) -> dict[str, Any]:
    found: dict[str, Any] = {"type": figure.called, "value": figure.value}
    if figure.slice:
        found["slice"] = figure.slice
    if figure.low and figure.high:
        found["confidenceInterval"] = {"lowerBound": figure.low, "upperBound": figure.high}
    return found


def _properties(statements: Iterable[Shown]) -> Iterator[dict[str, str]]:
    for name, value in properties(statements):
        yield _property(name, value)


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"lyrikstore:{plain(name)}", "value": plain(value, 2 * MAX_TEXT)}


def _hash(identity: str) -> dict[str, str]:
    return {"alg": "BLAKE3", "content": Digest.parse(identity).hex}


def _licence(text: str) -> dict[str, Any]:
    """Return the licence that a committer states, as an SPDX expression if it has that form."""
    if _EXPRESSION.fullmatch(text) and text.count("(") == text.count(")"):
        return {"expression": text, "acknowledgement": "declared"}
    return {"license": _named(text)}


def _named(text: str) -> dict[str, str]:
    return {"name": text, "acknowledgement": "declared"}
