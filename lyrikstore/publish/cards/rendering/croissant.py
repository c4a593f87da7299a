"""The card of a dataset as Croissant 1.1, for dataset hubs and loaders.

Statements for which the format has a field are in that field, each text with its state. All other
statements, and those that are not established, are in ``lyrik:card``. No field is filled with
invented values: a required field without a value says that it is not established.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import encode
from lyrikstore.publish.cards.rendering.layout.blocks import Shown
from lyrikstore.publish.cards.rendering.layout.contents import CardContents
from lyrikstore.publish.cards.rendering.layout.statements import (
    DETERMINES_NOTHING,
    called,
    properties,
    state_of,
)
from lyrikstore.publish.cards.statement import MAX_TEXT, OPEN
from lyrikstore.publish.exports.odrl import CONTEXT as OF_ODRL
from lyrikstore.publish.exports.odrl import odrl_policy
from lyrikstore.publish.markdown import plain

VERSION = "croissant/1"

CROISSANT = "http://mlcommons.org/croissant/1.1"
RAI = "http://mlcommons.org/croissant/RAI/1.0"

_OWN: Any = OF_ODRL[1]
_TERMS = (
    "annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty",
    "excludes", "extract", "field", "fileObject", "fileProperty", "fileSet", "format",
    "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path",
    "readLines", "recordSet", "references", "regex", "repeated", "replace", "samplingRate",
    "sdVersion", "separator", "source", "subField", "transform", "unArchive",
)  # fmt: skip

CONTEXT: Mapping[str, Any] = {
    **_OWN,  # first: by it, verify knows whose file it is
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS},
}

FIELDS: Mapping[str, Sequence[str]] = {
    "rai:dataCollection": ("data.collection-method", "answer.collection-process"),
    "rai:dataCollectionRawData": ("data.origin", "data.geography"),
    "rai:dataPreprocessingProtocol": ("data.derived", "data.redacted", "answer.preparation"),
    "rai:dataAnnotationProtocol": ("data.annotation", "answer.annotation-process"),
    "rai:dataAnnotationAnalysis": (
        "data.review", "data.label-agreement", "data.label-error", "data.review-doubts",
    ),
    "rai:dataReleaseMaintenancePlan": (
        "data.retention", "answer.upkeep", "answer.retention-period",
    ),
    "rai:personalSensitiveInformation": (
        "data.classification", "data.deidentification", "data.found", "data.consents",
        "answer.holds-personal-data", "answer.sensitive-content", "answer.notice-and-consent",
    ),
    "rai:dataBiases": ("data.biases", "answer.subgroups", "answer.bias-sources"),
    "rai:dataLimitations": (
        "data.limitations", "data.prohibited-uses", "answer.sample", "answer.data-errors",
        "answer.unsuitable-uses",
    ),
    "rai:dataUseCases": (
        "data.purposes", "answer.motivation", "answer.prior-uses", "answer.suitable-uses",
    ),
}  # fmt: skip
"""Property of Responsible AI 1.0 → facts and answers that belong there, all of them texts."""

_ONE = frozenset(
    {
        "rai:dataCollection",
        "rai:dataCollectionRawData",
        "rai:dataAnnotationProtocol",
        "rai:dataReleaseMaintenancePlan",
    }
)
"""Properties that have one value."""

_DESCRIBING = ("answer.contents", "data.about")

_MEDIA = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".txt": "text/plain",
    ".xml": "application/xml",
}
"""Suffix → media type."""

_IDENTIFIER = re.compile(r"(?!LicenseRef-|NONE$|NOASSERTION$)[A-Za-z0-9][A-Za-z0-9.-]{0,100}")
_IRIS = frozenset(
    {"action", "assigner", "leftOperand", "operator", "profile", "source", "target", "uid"}
)
"""Members of an ODRL policy whose values are identifiers."""


def to_croissant(card: Mapping[str, Any]) -> bytes:
    """Return the card of a dataset as Croissant 1.1 in JSON-LD; equal cards give equal bytes.

    Args:
        card: Contents of ``card.json``.
    """
    text = json.dumps(describe_dataset(card), indent=1, ensure_ascii=False)
    # ATTACK: the format lies in a web page's script element, which a text of a stranger's ends.
    text = text.replace("<", "\\u003c")
    return f"{text}\n".encode()


def describe_dataset(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return what :func:`to_croissant` writes."""
    return _Description(card).document()


def media_type(suffix: str) -> str:
    """Return the media type of files with this suffix; an unknown suffix is of plain bytes."""
    return _MEDIA.get(suffix.lower(), "application/octet-stream")


class _Description:
    def __init__(self, card: Mapping[str, Any]) -> None:
        self.card = card
        self.contents = CardContents(card)
        self.id: str = card["subject"]["id"]
        self.name: str = card["subject"]["name"]
        challenged = (one["value"] for one in self.contents.facts("rights.challenge"))
        self.disputed = {str(name) for names in challenged for name in names}
        self.revoked = {one["evidence"][0] for one in self.contents.facts("rights.withdrawn")}

    def document(self) -> dict[str, Any]:
        own, responsible = self.card["subject"], dict(self._responsible())
        found: dict[str, Any] = {
            "@context": dict(CONTEXT),
            "@type": "sc:Dataset",
            "@id": _urn(own["id"]),
            "conformsTo": [CROISSANT, RAI] if responsible else CROISSANT,
            "name": plain(self.name.removeprefix("datasets/")),
            "description": self._description(),
            "url": _urn(own["id"]),
            "identifier": [_urn(own["tree"]), _urn(own["id"])],
            "creator": self._creators(),
            "license": self._licences(),
            "datePublished": own["created"],
        }
        titles = self._own("data.title")
        if titles:
            found["alternateName"] = titles[0]["text"]
        version = self.contents.facts("subject.version")
        if version and "value" in version[0]:
            found["version"] = version[0]["value"]
        found |= self._published(self.id) or self._published(*dict(self._sources()))
        found["distribution"] = [self._files()]
        found |= {**self._usage(self.id), **self._provenance(self.id)}
        signer = self.contents.facts("subject.signer")[0]["by"]
        found["prov:wasAttributedTo"] = {"@id": signer, "@type": "prov:Agent"}
        sources = [self._source(identity, name) for identity, name in self._sources()]
        if sources:
            found["prov:wasDerivedFrom"] = sources
        return {**found, **responsible, "lyrik:card": self._card()}

    def _description(self) -> str:
        said = [self._text(one) for one in self._established(*_DESCRIBING)]
        said += [self._text(one) for one in self._own("data.derived")]
        return "\n".join(said) or "not established: nobody says what the dataset holds"

    def _creators(self) -> list[dict[str, str]]:
        said = self._established("data.origin")
        if not said:  # whoever signed it need not have created it
            unknown = "not established: nobody says where the data comes from"
            return [{"@type": "Organization", "name": unknown}]
        return [
            {"@type": "Organization", "name": one["text"], "description": self._text(one)}
            for one in said
        ]

    def _licences(self) -> list[dict[str, str]]:
        said = self._established("data.licence")
        stated = {one["text"] for one in said}
        said += [one for one in self._in_force("rights.licence") if one["text"] not in stated]
        if not said:
            unknown = "not established: whoever committed the data states no licence"
            return [{"@type": "CreativeWork", "name": unknown}]
        return [self._licence(one) for one in said]

    def _licence(self, one: Shown) -> dict[str, str]:
        found = {
            "@type": "CreativeWork",
            "name": one["text"],
            "description": f"{self._text(one)}, by {one['by']}",
        }
        if _IDENTIFIER.fullmatch(one["text"]):
            found["url"] = f"https://spdx.org/licenses/{one['text']}"
        return found

    def _files(self) -> dict[str, Any]:
        content = self.contents.facts("subject.content")[0]
        formats = self._own("data.formats")
        listed: Any = formats[0].get("value") if formats else None
        suffixes = [str(one["suffix"]) for one in listed] if _is_formats(listed) else [""]
        media = (media_type(one) for one in suffixes)
        return {
            "@type": "cr:FileSet",
            "@id": _urn(self.card["subject"]["tree"]),
            "name": "all files of the dataset",
            "description": f"{content['text']}: BLAKE3 of a list of all files with their digests",
            "contentSize": f"{content['value']} B",
            "encodingFormat": list(dict.fromkeys(media)),
            "includes": ["*", "**/*"],
        }

    def _sources(self) -> Iterator[tuple[str, str]]:
        """Yield (id, name) of every dataset that this one was made from, directly or indirectly."""
        said = self.contents.facts("data.source", "data.derived")
        others = {one["evidence"][0]: one["about"] for one in said}
        for identity, name in others.items():
            if identity != self.id:
                yield identity, name

    def _source(self, identity: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {
            "@id": _urn(identity), "@type": "prov:Entity", "name": name.removeprefix("datasets/")
        }  # fmt: skip
        licences = [self._licence(one) for one in self._about(identity, "rights.licence")]
        if licences:
            found["license"] = licences
        return {
            **found,
            **self._published(identity),
            **self._provenance(identity),
            **self._usage(identity),
        }

    def _provenance(self, identity: str) -> dict[str, Any]:
        made = [
            one for one in self.contents.facts("data.derived") if identity == one["evidence"][0]
        ]
        activities = [
            {
                "@type": "prov:Activity",
                "prov:label": one["text"],
                "prov:used": [{"@id": _urn(used)} for used in one["evidence"][1:]],
            }
            for one in made
        ]
        return {"prov:wasGeneratedBy": activities} if activities else {}

    def _usage(self, identity: str) -> dict[str, Any]:
        """Return the terms in credentials about a dataset, without revoked ones."""
        offers: list[Any] = []
        for one in self.contents.facts("rights.credential"):
            # ATTACK: of two versions of one name, the terms of one are not those of the other.
            if identity in one["evidence"] and one["evidence"][0] not in self.revoked:
                offers += _offers(one)
        return {"usageInfo": offers} if offers else {}

    def _published(self, *datasets: str) -> dict[str, Any]:
        """Return the publishers of imported datasets, and the names that their terms require."""
        found: dict[str, Any] = {}
        publishers = {
            one["by"]: {
                "@type": "Organization", "@id": one["by"], "name": one["by"],
                "description": self._text(one),
            }
            for identity in datasets
            for one in self._about(identity, "data.publisher")
        }  # fmt: skip
        named = [
            one["text"] for each in datasets for one in self._about(each, "rights.attribution")
        ]
        if publishers:
            found["publisher"] = list(publishers.values())
        if named:
            found["creditText"] = list(dict.fromkeys(named))
        return found

    def _about(self, identity: str, *names: str) -> list[Shown]:
        return [one for one in self._in_force(*names) if identity in one["evidence"]]

    def _in_force(self, *names: str) -> list[Shown]:
        """Return the statements without those of revoked credentials."""
        said = self._established(*names)
        return [one for one in said if one["evidence"][0] not in self.revoked]

    def _responsible(self) -> Iterator[tuple[str, Any]]:
        for member, names in FIELDS.items():
            said = [self._text(one) for one in self._established(*names)]
            if said:
                yield member, "\n".join(said) if member in _ONE else said
        days = [day for one in self._established("data.collected") for day in _days(one)]
        if days:
            yield "rai:dataCollectionTimeframe", days

    def _card(self) -> dict[str, Any]:
        digest, store = Digest.of(encode(self.card)), self.card["subject"]["store"]
        profiles = (
            f"{one['profile']}, {one['title']}, as of {one['asOf']}, reviewed by "
            f"{one['reviewedBy'] or 'no lawyer'}"
            for one in self.card["profiles"]
        )
        return {
            "@id": digest.urn,
            "@type": "CreativeWork",
            "name": "card.json",
            "description": f"{VERSION} of card.json {digest}, which alone has a meaning; both are "
            f"attached to a signed manifest in the store {store}",
            "creativeWorkStatus": self.contents.status(),
            "disambiguatingDescription": DETERMINES_NOTHING,
            "lyrik:profile": [plain(one, MAX_TEXT) for one in profiles],
            "lyrik:statement": [
                {"@type": "PropertyValue", "name": name, "value": value}
                for name, value in properties(self.card["statements"])
            ],
        }

    def _established(self, *names: str) -> list[Shown]:
        return [one for one in self.contents.facts(*names) if one["state"] not in OPEN]

    def _own(self, name: str) -> list[Shown]:
        return [one for one in self._established(name) if one["evidence"][0] == self.id]

    def _text(self, one: Shown) -> str:
        """Return the text of a statement with the name of its dataset, and its state."""
        title, answer = one["title"], one["id"].startswith("answer.")
        if not answer and one["evidence"][0] != self.id:
            title += f" ({one['about']})"
        state = state_of(one, whole=True) + (", disputed" if one["id"] in self.disputed else "")
        return f"{title}{'' if answer else ':'} {one['text']} ({state})"


def _urn(identity: str) -> str:
    return Digest.parse(identity).urn


def _is_formats(value: Any) -> bool:
    """Return whether a value has the form that ``commit`` writes; foreign software may differ."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, dict) and isinstance(one.get("suffix"), str) for one in value)
    )


def _days(one: Shown) -> list[str]:
    """Return the first and the last day, or nothing if one of them is unknown or malformed."""
    value = one.get("value")
    if not isinstance(value, dict):
        return []
    days = [str(value.get(member))[:10] for member in ("start", "end")]
    try:
        return [date.fromisoformat(day).isoformat() for day in days]
    except ValueError:
        return []


def _offers(credential: Shown) -> Iterator[dict[str, Any]]:
    """Yield the terms of a credential as an ODRL Offer, or nothing if it has no terms."""
    said: Any = credential["value"]
    document = {
        **{name: said[name] for name in ("id", "validFrom", "validUntil") if name in said},
        "issuer": credential["by"],
        "credentialSubject": {
            "id": said["tree"] if "tree" in said else f"{said['dataset']}#data",
            "licence": {"partitions": said["partitions"]},
        },
    }
    try:
        policy = odrl_policy(document)
    except InvalidInputError:
        return
    del policy["@context"]
    name = f"{credential['text']}{called(credential)}"
    yield {**_prefixed(policy), "@type": ["CreativeWork", "odrl:Offer"], "name": name}


def _prefixed(value: Any, member: str = "") -> Any:
    """Return a part of a policy with full prefixes, so that ODRL's context need not be fetched."""
    if isinstance(value, dict):
        return {
            key if key.startswith("@") else f"odrl:{key}" if key != "type" else "@type": (
                item if key.startswith("@") else _prefixed(item, key)
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_prefixed(one, member) for one in value]
    if member == "type":
        return f"odrl:{value}"
    if member in _IRIS:
        return {"@id": value if ":" in value else f"odrl:{value}"}
    return value
