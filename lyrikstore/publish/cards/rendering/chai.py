"""``card.json`` as the Applied Model Card of the Coalition for Health AI, version 0.2, in XML.

Its elements are texts in Markdown. Each has the answers, then the statements from signed objects; a
required element without either says that it is not established. The element names and their order
are those of its schema, which is not part of this program.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode
from lyrikstore.canon.text import pluralize
from lyrikstore.publish.cards.rendering.figures import Figure, Figures
from lyrikstore.publish.cards.rendering.layout.blocks import Shown
from lyrikstore.publish.cards.rendering.layout.contents import CardContents
from lyrikstore.publish.cards.rendering.layout.statements import DETERMINES_NOTHING, state_of
from lyrikstore.publish.markdown import escape

VERSION = "chai/1"
NAMESPACE = "https://mc.chai.org/v0.2/schema.xsd"
NOBODY = "not established"

Sources = Mapping[str, Sequence[str]]
"""Element → the facts and answers that it shows, in this order."""

BASIC: Sources = {
    "ModelDeveloper": ("answer.provider", "subject.signer"),
    "DeveloperContact": ("answer.contact",),
}
RELEASE: Sources = {
    "ReleaseStage": (),
    "ReleaseDate": ("answer.release",),
    "ReleaseVersion": ("subject.version",),
    "GlobalAvailability": (),
}
USES: Sources = {
    "IntendedUseAndWorkflow": ("answer.intended-use", "answer.decision-role", "model.task"),
    "PrimaryIntendedUsers": ("answer.intended-users",),
    "HowToUse": (
        "answer.instructions-for-use",
        "answer.human-oversight",
        "answer.user-training",
        "model.decision",
    ),
    "TargetedPatientPopulation": ("answer.patient-population",),
    "CautionedOutOfScopeSettings": (
        "answer.out-of-scope",
        "rights.prohibits",
        "rights.limits",
        "rights.deletion",
    ),
}
WARNINGS: Sources = {
    "KnownRisksAndLimitations": (
        "rights.challenge",
        "rights.withdrawn",
        "answer.limitations",
        "answer.risks",
        "answer.memorised-data",
        "model.words",
        "evaluation.verdict",
        "evaluation.worst-class",
        "evaluation.confusion",
    ),
    "KnownBiasesOrEthicalConsiderations": (
        "answer.data-bias",
        "answer.groups",
        "data.biases",
        "evaluation.worst-slice",
    ),
    "ClinicalRiskLevel": (),
}
SYSTEM: Sources = {
    "OutcomesAndOutputs": ("answer.output-value", "model.labels", "model.generates"),
    "ModelType": ("model.task", "model.format"),
    "FoundationModels": ("model.base", "model.base-rights"),
    "InputDataSource": (
        "data.source",
        "data.licence",
        "data.licence-unstated",
        "data.publisher",
        "rights.licence",
        "rights.attribution",
        "data.origin",
        "data.collection-method",
        "data.consents",
        "rights.train",
    ),
    "OutputAndInputDataTypes": (
        "answer.input-variables",
        "answer.input-specification",
        "data.modalities",
        "data.formats",
    ),
    "DevelopmentDataCharacterization": (
        "answer.representativeness",
        "answer.data-relevance",
        "answer.selection-criteria",
        "data.about",
        "data.parts",
        "data.derived",
        "data.geography",
        "data.collected",
        "data.classification",
        "data.limitations",
        "answer.hipaa-path",
        "answer.hipaa-expert",
        "answer.safe-harbor-identifiers",
        "answer.residual-identifiers",
        "data.deidentification",
        "data.redacted",
    ),
    "BiasMitigationApproaches": ("answer.fairness-approach",),
    "OngoingMaintenance": (
        "answer.monitoring",
        "answer.update-policy",
        "answer.corrections",
        "answer.fairness-monitoring",
        "answer.predetermined-changes",
        "answer.change-impact",
    ),
    "Security": ("answer.cybersecurity",),
    "Transparency": ("subject.signer", "subject.logged", "run.registered", "rights.attested"),
}
TRANSPARENCY: Sources = {
    "FundingSource": ("answer.funding",),
    "ThirdPartyInformation": ("answer.external-tester", "rights.liability"),
    "StakeholdersConsulted": (),
}
METRICS: Mapping[str, Sources] = {
    "UsefulnessUsabilityEfficacy": {
        "MetricGoal": ("answer.metric-choice", "evaluation.threshold"),
        "Interpretation": ("evaluation.verdict", "evaluation.cost", "answer.outcomes"),
        "TestType": ("evaluation.data",),
        "TestingDataDescription": (
            "answer.external-data",
            "answer.external-representativeness",
            "evaluation.seen",
            "evaluation.near",
        ),
        "ValidationProcessAndJustification": (
            "answer.external-process",
            "answer.external-validity",
            "answer.local-validity",
        ),
    },
    "FairnessEquity": {
        "MetricGoal": ("answer.fairness-approach",),
        "Interpretation": ("answer.groups", "evaluation.worst-slice", "evaluation.worst-class"),
        "TestType": ("evaluation.data",),
        "TestingDataDescription": ("answer.external-representativeness", "data.biases"),
        "ValidationProcessAndJustification": ("answer.external-fairness", "answer.local-fairness"),
    },
    "SafetyReliability": {
        "MetricGoal": ("answer.risk-management",),
        "Interpretation": ("answer.robustness", "evaluation.calibration", "evaluation.coverage"),
        "TestType": ("evaluation.data",),
        "TestingDataDescription": ("evaluation.seen", "evaluation.near"),
        "ValidationProcessAndJustification": ("answer.human-oversight", "model.decision"),
    },
}
RESOURCES: Sources = {
    "PeerReviewedPublications": (),
    "PatientConsentOrDisclosure": ("data.consents", "data.agreements", "answer.hipaa-agreements"),
}
OPTIONAL = frozenset({"FoundationModels", "Security", "Transparency", "ThirdPartyInformation"})
"""Elements that are omitted if the card has no fact or answer for them."""

_MARKS = re.compile(r"[\\{}%\"]")


def to_chai(card: Mapping[str, Any]) -> bytes:
    """Return a card as XML in UTF-8; equal cards give equal bytes.

    ATTACK: texts may be written by an attacker: they become text nodes, with escaped Markdown
    (spec §14.5).

    Args:
        card: Contents of ``card.json``.
    """
    writer = _Writer(card)
    root = Element("AppliedModelCard", xmlns=NAMESPACE)
    basic = SubElement(root, "BasicInfo")
    SubElement(basic, "ModelName").text = card["subject"]["name"]
    writer.fill(basic, BASIC)
    writer.fill(SubElement(root, "ReleaseInfo"), RELEASE)
    writer.summary(SubElement(root, "ModelSummary"))
    writer.fill(SubElement(root, "UsesAndDirections"), USES)
    writer.fill(SubElement(root, "Warnings"), WARNINGS)
    trust = SubElement(root, "TrustIngredients")
    writer.fill(SubElement(trust, "AISystemFacts"), SYSTEM)
    writer.fill(SubElement(trust, "TransparencyInformation"), TRANSPARENCY)
    metrics = SubElement(root, "KeyMetrics")
    for name, sources in METRICS.items():
        writer.metric(SubElement(metrics, name), sources)
    writer.fill(SubElement(root, "Resources"), RESOURCES)
    SubElement(root, "Bibliography").text = writer.bibliography()
    indent(root, "\t")
    text = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


class _Writer:
    def __init__(self, card: Mapping[str, Any]) -> None:
        self.card = card
        self.contents = CardContents(card)
        self.labels = self.contents.labels

    def fill(self, parent: Element, sources: Sources) -> None:
        for name, facts in sources.items():
            text = self._text(facts)
            if text != NOBODY or name not in OPTIONAL:
                SubElement(parent, name).text = text

    def summary(self, parent: Element) -> None:
        lines = [
            f"- {escape(self.contents.status())}",
            f"- {DETERMINES_NOTHING}",
        ]
        for profile in self.card["profiles"]:
            reviewed = profile["reviewedBy"] or "no lawyer"
            lines.append(
                f"- Profile {escape(profile['profile'])}, as of {escape(profile['asOf'])}, "
                f"reviewed by {escape(reviewed)}."
            )
        said = self.contents.facts("model.task", "model.labels", "evaluation.verdict")
        SubElement(parent, "Summary").text = "\n".join([*lines, *self._lines(said)])
        keywords = SubElement(parent, "Keywords")
        for one in self.contents.facts("model.task"):
            if "value" in one:
                SubElement(keywords, "Keyword").text = escape(one["text"])

    def metric(self, parent: Element, sources: Sources) -> None:
        for at, (name, facts) in enumerate(sources.items()):
            if at == 1:  # after the goal
                self._results(SubElement(parent, "Results"), self._figures(parent.tag))
            SubElement(parent, name).text = self._text(facts)

    def bibliography(self) -> str:
        """Return the objects that the card rests on, in BibTeX."""
        store, digest = self.card["subject"]["store"], Digest.of(encode(self.card))
        note = f"{digest}, of which this is a rendering ({VERSION}), signed in the store {store}"
        entries = [_entry("card", "card.json, which alone has a meaning", note)]
        entries += [
            _entry(self.labels[one["id"]], one["what"], one["id"]) for one in self.card["evidence"]
        ]
        return "\n".join(entries)

    def _figures(self, name: str) -> Iterator[Figure]:
        figures = Figures(self.contents)
        if name == "UsefulnessUsabilityEfficacy":
            yield from figures.whole()
        elif name == "FairnessEquity":
            yield from figures.slices()
            yield from figures.classes()
        else:
            yield from figures.confidence()

    def _results(self, parent: Element, figures: Iterable[Figure]) -> None:
        shown = [(_label(one), _value(one)) for one in figures]
        for label, value in shown or [(NOBODY, '{"kind":"single","value":null}')]:
            result = SubElement(parent, "MetricResult")
            SubElement(result, "Label").text = escape(label)
            SubElement(result, "ValueJson").text = value

    def _text(self, facts: Iterable[str]) -> str:
        return "\n".join(self._lines(self.contents.facts(*facts))) or NOBODY

    def _lines(self, statements: Iterable[Shown]) -> Iterator[str]:
        for one in statements:
            if one["state"] == "not-established":
                continue
            answer = one["id"].startswith("answer.")
            title = (
                one["title"] if answer or not one["about"] else f"{one['title']}, {one['about']}"
            )
            ending = "" if title.endswith("?") else ":"
            was = f" ({escape(one['was'], 4000)})" if "was" in one else ""
            state = state_of(one, whole=True)
            if one.get("liable"):
                state += f"; liability: {one['liable']}"
            cited = ", ".join(self.labels[name] for name in one["evidence"])
            text = f"{escape(title)}{ending} {escape(one['text'], 4000)}{was}"
            yield f"- {text} *{escape(state, 6000)}* ({cited})"


def _label(figure: Figure) -> str:
    records = pluralize(figure.records, "record") if figure.records else ""
    return ", ".join(filter(None, (figure.called, figure.slice, records)))


def _value(figure: Figure) -> str:
    """Return a figure as in the examples of the format: a number with its full precision."""
    value = f"{Decimal(figure.value):f}"
    if not figure.low or not figure.high:
        return f'{{"kind":"single","value":{value}}}'
    low, high = f"{Decimal(figure.low):f}", f"{Decimal(figure.high):f}"
    level = f',"level":{Decimal(figure.level).normalize():f}' if figure.level else ""
    return f'{{"kind":"estimate_ci","estimate":{value},"lower":{low},"upper":{high}{level}}}'


def _entry(key: str, title: str, note: str) -> str:
    # ATTACK: a name with a brace ends the entry, and writes one of its own.
    return f"@misc{{{key},\n  title = {{{_MARKS.sub('', escape(title))}}},\n  note = {{{note}}}\n}}"
