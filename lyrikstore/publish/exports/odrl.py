"""Export of terms as an ODRL 2.2 policy, for software without lyrikstore (spec §19.7).

Terms without an ODRL word use lyrikstore's ODRL profile; members that have no place in a policy are
omitted. The credential remains the signed document.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lyrikstore.canon.errors import InvalidInputError, VerificationError
from lyrikstore.canon.json import JSON
from lyrikstore.credentials.model.credential import issuer_of
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.terms.model import Partition, Terms, UsageLimits
from lyrikstore.credentials.trust import Trust
from lyrikstore.verify.credential.credential import check_credential

CONTEXT: list[JSON] = [
    "http://www.w3.org/ns/odrl.jsonld",
    {
        "lyrik": "https://w3id.org/lyrikstore/v1#",
        "cc": "http://creativecommons.org/ns#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    },
]
PROFILE = "https://w3id.org/lyrikstore/odrl-1"

ACTIONS: Mapping[str, str] = {
    "train": "lyrik:train",
    "evaluate": "lyrik:evaluate",
    "test": "lyrik:test",
    "research": "lyrik:research",
    "commercialUse": "cc:CommercialUse",
    "modify": "modify",
    "derivativeModels": "lyrik:derivativeModels",
    "redistribute": "distribute",
    "reidentify": "lyrik:reidentify",
}
"""Word of permits and prohibits → action."""

DUTIES: Mapping[str, str] = {
    "attribution": "attribute",
    "shareAlike": "cc:ShareAlike",
    "deleteOnExpiry": "delete",
    "noticeOfChange": "lyrik:noticeOfChange",
    "includeLicence": "cc:Notice",
    "reportUse": "inform",
}
"""Word of requires → action."""


def export_odrl(data: bytes, label: str, *, trust: Trust, at: datetime) -> dict[str, JSON]:
    """Return the terms of a credential as :func:`odrl_policy` does, if its signature holds.

    Args:
        data: A dataset credential.
        label: Name of the file for messages.
        trust: Pins DID documents of a did:web; it does not matter whether the issuer is believed.
        at: The moment of verification.

    Raises:
        VerificationError: (``bad-signature``) it is no dataset credential, or its signature is
            invalid.
        InvalidInputError: As :func:`odrl_policy`.
    """
    opened = OpenedCredential(data)
    if not check_credential(opened, trust=trust, at=at).signature_valid:
        raise VerificationError(
            "bad-signature",
            f"{label} is not a dataset credential with a valid signature",
            hint=f"see why: lyrikstore verify {label}",
        )
    return odrl_policy(opened.parsed().members)


def odrl_policy(document: Mapping[str, Any]) -> dict[str, JSON]:
    """Return the terms of a dataset credential as an ODRL Offer.

    Args:
        document: A credential of profile ``lyrik`` with a valid proof.

    Raises:
        InvalidInputError: (``nothing-to-export``) it permits, prohibits and requires nothing: a
            policy needs a rule.
    """
    subject = document["credentialSubject"]
    terms = Terms.of(subject["licence"])
    policy: dict[str, JSON] = {
        "@context": CONTEXT,
        "type": "Offer",
        "uid": document["id"],
        "profile": PROFILE,
        "assigner": issuer_of(document),
    }
    rules: dict[str, list[JSON]] = {"permission": [], "prohibition": [], "obligation": []}
    for partition in terms.partitions:
        target = _target(subject["id"], partition, whole=len(terms.partitions) == 1)
        constraints = _constraints(partition.limits, document)
        duties: list[JSON] = [
            {"action": _word(DUTIES, word)}
            for word in partition.requires
            if word != "deleteOnExpiry"
        ]
        for word in partition.permits:
            rules["permission"].append(
                {
                    "target": target,
                    "action": _word(ACTIONS, word),
                    "constraint": constraints,
                    **({"duty": duties} if duties else {}),
                }
            )
        rules["prohibition"] += [
            {"target": target, "action": _word(ACTIONS, word)} for word in partition.prohibits
        ]
        if "deleteOnExpiry" in partition.requires:
            rules["obligation"].append(_deletion(target, partition.limits, document))
    policy.update({name: listed for name, listed in rules.items() if listed})
    if not any(rules.values()):
        raise InvalidInputError(
            "nothing-to-export",
            "the credential permits and prohibits nothing, and an ODRL policy needs a rule",
        )
    return policy


def _target(tree: str, partition: Partition, *, whole: bool) -> JSON:
    if whole:
        return tree
    return {
        "type": "AssetCollection",
        "source": tree,
        "refinement": [
            {"leftOperand": "lyrik:partition", "operator": "eq", "rightOperand": partition.name}
        ],
    }


def _constraints(limits: UsageLimits, document: Mapping[str, Any]) -> list[JSON]:
    stated = limits.to_json()
    start = max(filter(None, (document["validFrom"], stated.get("useFrom"))))
    constraints: list[JSON] = [_moment("gteq", start)]
    end = limits.end(document.get("validUntil"))
    if end is not None:
        constraints.append(_moment("lteq", end))
    if limits.territory:
        constraints.append(_constraint("spatial", "isAnyOf", list(limits.territory)))
    if limits.seats is not None:
        seats: JSON = {"@value": str(limits.seats), "@type": "xsd:integer"}
        constraints.append(_constraint("lyrik:seats", "lteq", seats))
    if limits.purposes:
        iris: JSON = [{"@id": f"lyrik:{word}"} for word in limits.purposes]
        constraints.append(_constraint("purpose", "isAnyOf", iris))
    return constraints


def _deletion(target: JSON, limits: UsageLimits, document: Mapping[str, Any]) -> JSON:
    end = limits.end(document.get("validUntil"))
    if end is None:  # without an end, ODRL's `delete` would mean to delete now
        return {"target": target, "action": "lyrik:deleteOnExpiry"}
    return {"target": target, "action": "delete", "constraint": [_moment("gteq", end)]}


def _moment(operator: str, moment: str) -> JSON:
    return _constraint("dateTime", operator, {"@value": moment, "@type": "xsd:dateTime"})


def _constraint(left: str, operator: str, right: JSON) -> JSON:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _word(table: Mapping[str, str], word: str) -> str:
    return table.get(word, f"lyrik:{word}")
