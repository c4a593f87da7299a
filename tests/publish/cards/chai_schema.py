"""The schema of the Coalition for Health AI's card: a file of theirs, and what of it is held."""

import os
from pathlib import Path
from typing import Any

import signxml
from lxml import etree

SCHEMA = Path(os.environ.get("LYRIKSTORE_SCHEMAS", "absent")) / "chai-v0.2.xsd"

ELEMENTS = {
    "AppliedModelCard": "BasicInfo ReleaseInfo ModelSummary UsesAndDirections Warnings "
    "TrustIngredients KeyMetrics Resources Bibliography",
    "BasicInfo": "ModelName ModelDeveloper DeveloperContact",
    "ReleaseInfo": "ReleaseStage ReleaseDate ReleaseVersion GlobalAvailability",
    "ModelSummary": "Summary Keywords",
    "Keywords": "Keyword*",
    "UsesAndDirections": "IntendedUseAndWorkflow PrimaryIntendedUsers HowToUse "
    "TargetedPatientPopulation CautionedOutOfScopeSettings",
    "Warnings": "KnownRisksAndLimitations KnownBiasesOrEthicalConsiderations ClinicalRiskLevel",
    "TrustIngredients": "AISystemFacts TransparencyInformation",
    "AISystemFacts": "OutcomesAndOutputs ModelType FoundationModels? InputDataSource "
    "OutputAndInputDataTypes DevelopmentDataCharacterization BiasMitigationApproaches "
    "OngoingMaintenance Security? Transparency?",
    "TransparencyInformation": "FundingSource ThirdPartyInformation? StakeholdersConsulted",
    "KeyMetrics": "UsefulnessUsabilityEfficacy FairnessEquity SafetyReliability",
    **dict.fromkeys(
        ("UsefulnessUsabilityEfficacy", "FairnessEquity", "SafetyReliability"),
        "MetricGoal Results Interpretation TestType TestingDataDescription "
        "ValidationProcessAndJustification",
    ),
    "Results": "MetricResult+",
    "MetricResult": "Label ValueJson",
    "Resources": "PeerReviewedPublications PatientConsentOrDisclosure",
}
"""Element → its children in their order, of those that a card of ours has."""


def schema() -> Any:
    """The schema, with that of XML signatures as signxml has it: nothing is loaded."""

    class Packaged(etree.Resolver):  # type: ignore[misc, unused-ignore]
        def resolve(self, url: str, _: str, context: Any) -> Any:
            assert url.endswith("xmldsig-core-schema.xsd") or url == str(SCHEMA), url
            if url == str(SCHEMA):
                return None
            place = Path(str(signxml.__file__)).parent / "schemas" / "xmldsig-core-schema.xsd"
            return self.resolve_filename(str(place), context)

    parser = etree.XMLParser(no_network=True, load_dtd=False)
    parser.resolvers.add(Packaged())
    return etree.XMLSchema(etree.parse(str(SCHEMA), parser))
