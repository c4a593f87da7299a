"""The credentials that peers are asked about: those of the verdict vectors, and changes to them."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import make_attestations as attested
import make_credentials as made
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.crypto import proofset
from lyrikstore.crypto.signer import KeySigner
from tests.interop.peers import JCS, Question

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"


@dataclass(frozen=True)
class Subject:
    """One credential.

    Attributes:
        name: For the table.
        question: What peers are asked, secured with eddsa-jcs-2022.
        sound: Whether it should be accepted by who looks at everything.
        signed: Whether the signature should be found to fit.
    """

    name: str
    question: Question
    sound: bool = True
    signed: bool = True

    def secured_with(self, suite: str) -> Question:
        """Return the question about the same statement under another proof."""
        if suite == JCS or not self.signed:
            return self.question
        document = copy.deepcopy(self.question.credential)
        proof = document.pop("proof")
        signer = _signers()[document["issuer"]["id"]]
        made = proofset.add_proof(
            document, signer, suite=suite, created=parse_timestamp(proof["created"])
        )
        return self.question._replace(credential=made)

    def changed_under(self, suite: str, change: Callable[[dict[str, Any]], object]) -> Question:
        """Return the question after somebody without the key changed the credential."""
        question = copy.deepcopy(self.secured_with(suite))
        change(question.credential)
        return question


def _signers() -> dict[str, KeySigner]:
    return {signer.did: signer for signer in (made.OWNER, attested.AUDITOR)}


def _case(name: str, case_id: str, target: str) -> Question:
    vectors = json.loads((VECTORS / "verdicts" / f"{name}.json").read_text("utf-8"))
    (case,) = [case for case in vectors["cases"] if case["id"] == case_id]
    fields = vectors["base"] | case["changes"]
    beside = fields.get("siblings", fields.get("files", {}))
    text = beside[target] if target in beside else fields[target]
    lists = {}
    for other in beside.values():
        if "BitstringStatusListCredential" in other:
            document = json.loads(other)
            lists[document["id"]] = document
    at: datetime = parse_timestamp(fields["at"])
    return Question(json.loads(text), lists, at)


def subjects() -> list[Subject]:
    """Return every subject, sound ones first."""
    credential = _case("deliveries", "sound", "credential")
    attestation = _case("attestations", "believed", "attestation-1.json")
    grant = _case("grants", "sound", "target")
    return [
        Subject("dataset credential", credential),
        Subject("auditor's attestation", attestation),
        Subject("licence grant", grant),
        Subject("licence grant, not revoked", _case("grants", "not-revoked", "target")),
        Subject(
            "dataset credential, revoked",
            _case("deliveries", "status-revoked", "credential"),
            sound=False,
        ),
        Subject(
            "auditor's attestation, revoked",
            _case("attestations", "revoked", "attestation-1.json"),
            sound=False,
        ),
        Subject("licence grant, revoked", _case("grants", "revoked", "target"), sound=False),
    ]


def _permit_more(document: dict[str, Any]) -> None:
    document["name"] = "Everything is permitted"


def _last_longer(document: dict[str, Any]) -> None:
    document["validUntil"] = "2037-11-01T00:00:00Z"


def _sign_earlier(document: dict[str, Any]) -> None:
    document["proof"]["created"] = "2026-01-01T00:00:00Z"


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "claim changed": _permit_more,
    "valid for longer": _last_longer,
    "proof back-dated": _sign_earlier,
}
"""What somebody without the key does to a sound credential."""
