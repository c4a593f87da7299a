"""What peers are asked about: documents of the verdict vectors, and changes to them."""

import copy
import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import make_attestations as attested
import make_credentials as made
import verdicts_of_organisations as organisations
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.w3c.proofs import proof_set
from tests.interop.peers import JCS, Question

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"
STATUS, ASKED = "status list", "challenge and domain"
REVOKED = {"revoked": STATUS, "suspended": STATUS, "expired": "period"}


@dataclass(frozen=True)
class Subject:
    """One credential or presentation.

    Attributes:
        name: For the table.
        question: What peers are asked, secured with eddsa-jcs-2022.
        seen_by: What one has to look at to refuse it, in the words of a peer's ``looks_at``; empty
            if it is sound.
    """

    name: str
    question: Question
    seen_by: str = ""

    @property
    def sound(self) -> bool:
        """Whether it should be accepted by who looks at everything."""
        return not self.seen_by

    def secured_with(self, suite: str) -> Question:
        """Return the question about the same statement under another proof."""
        if suite == JCS:
            return self.question
        return self.question._replace(document=_secured(self.question.document, suite))

    def changed_under(self, suite: str, change: Callable[[dict[str, Any]], object]) -> Question:
        """Return the question after somebody without the key changed the document."""
        question = copy.deepcopy(self.secured_with(suite))
        change(question.document)
        return question


def _secured(document: dict[str, Any], suite: str) -> dict[str, Any]:
    made = copy.deepcopy(document)
    proof = made.pop("proof")
    if "verifiableCredential" in made:
        shown = made["verifiableCredential"]
        made["verifiableCredential"] = [_secured(one, suite) for one in shown]
    method = proof["verificationMethod"]
    return proof_set.add_proof(
        made,
        _signers()[method.partition("#")[2]],
        suite=suite,
        purpose=proof["proofPurpose"],
        method=method,
        created=parse_timestamp(proof["created"]),
        domain=proof.get("domain"),
        challenge=proof.get("challenge"),
    )


def _signers() -> dict[str, KeySigner]:
    signers = (made.OWNER, made.MALLORY, attested.AUDITOR, attested.BUYER, organisations.NEXT)
    return {signer.did.removeprefix("did:key:"): signer for signer in signers}


def _case(name: str, case_id: str, target: str = "target") -> Question:
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
    pinned = tomllib.loads(fields["trust"]).get("document", [])
    return Question(
        json.loads(text),
        lists,
        parse_timestamp(fields["at"]),
        {entry["did"]: json.loads(entry["inline"]) for entry in pinned},
        fields.get("challenge", ""),
        fields.get("domain", ""),
    )


def subjects() -> list[Subject]:
    """Return every subject: a sound one before what is wrong with it."""
    dataset, audit, grant = "dataset credential", "auditor's attestation", "licence grant"
    web, shown = "organisation's dataset credential (did:web)", "presentation of a grant"
    return [
        Subject(dataset, _case("deliveries", "sound", "credential")),
        Subject(audit, _case("attestations", "believed", "attestation-1.json")),
        Subject(grant, _case("grants", "sound")),
        Subject(f"{grant}, not revoked", _case("grants", "not-revoked")),
        Subject(f"{dataset}, revoked", _case("deliveries", "status-revoked", "credential"), STATUS),
        Subject(
            f"{dataset}, suspended", _case("deliveries", "status-suspended", "credential"), STATUS
        ),
        Subject(f"{dataset}, expired", _case("deliveries", "expired", "credential"), "period"),
        *(
            Subject(f"{audit}, {state}", _case("attestations", state, "attestation-1.json"), seen)
            for state, seen in REVOKED.items()
        ),
        *(
            Subject(f"{grant}, {state}", _case("grants", state), seen)
            for state, seen in REVOKED.items()
        ),
        Subject(web, _case("deliveries", "web-pinned", "credential")),
        Subject(f"{grant} by an organisation's next key", _case("grants", "web-next-key")),
        Subject(
            f"{web}, its key taken out of the document",
            _case("deliveries", "web-key-not-listed", "credential"),
            "DID document",
        ),
        Subject(shown, _case("presented", "sound")),
        Subject(
            f"{shown}, for another challenge",
            _case("presented", "replayed-challenge"),
            ASKED,
        ),
        Subject(
            f"{shown}, for another domain",
            _case("presented", "for-somebody-else"),
            ASKED,
        ),
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
