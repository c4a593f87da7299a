"""What stands in the store is in the card, and what is not known is counted (M4, M5)."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import parse
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES
from lyrikstore.credentials.issue import issue
from lyrikstore.credentials.model.attestation import build_attestation
from lyrikstore.credentials.model.credential import Claims, CredentialMetadata
from lyrikstore.credentials.model.status_entry import log_entries
from lyrikstore.credentials.model.status_list import sign_list
from lyrikstore.credentials.terms.model import Partition, Terms, UsageLimits
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.publish.cards.statement import OPEN, STATES
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import CheckState, Verdict
from tests.credentialed import log_credential
from tests.publish.cards.making import (
    LIABILITY,
    PICKS,
    answer_all,
    answered,
    judge,
    make,
    statement_of,
)

PUBLISHER, AUDITOR = signer_for("a publisher"), signer_for("an auditor")
ABOUT = "datasets/acme/contracts"


def log(chain: Any, data: bytes) -> Digest:
    with open_transaction(chain.repository) as transaction:
        transaction.log_credential(data)
        transaction.commit()
    return Digest.of(data)


@pytest.fixture
def credential(chain: Any, world: Any) -> bytes:
    """What a publisher says of the data: all that can be said."""
    terms = Terms(
        (
            Partition(
                "all",
                ("train", "evaluate"),
                ("redistribute", "commercialUse"),
                ("attribution", "shareAlike"),
                UsageLimits(territory=("DE", "AT"), seats=3),
            ),
        )
    )
    valid = (chain.clock(), chain.clock() + timedelta(days=300))
    warrantor = {"type": "Party", "name": "Lex LLP, Dr. J. Doe"}
    return log_credential(
        chain.repository,
        chain.made["raw"],
        PUBLISHER,
        terms,
        valid,
        issuer_name="Press Ltd",
        licence_texts=[("LicenseRef-Acme-1.0", world.LICENCE)],
        more={
            "regulatory": [
                {
                    "type": "RegulatoryStatement",
                    "regime": "EU-GDPR",
                    "status": "pseudonymised",
                    "basis": "Art. 6(1)(a) GDPR",
                    "asOf": "2026-10-01",
                    "warrantedBy": warrantor,
                },
            ],
            "quality": [
                {
                    "type": "QualityMeasurement",
                    "metric": "labelAgreementKappa",
                    "value": "0.87",
                    "basis": "human-asserted",
                    "method": "3 annotators",
                }
            ],
        },
    )


def attest(chain: Any, credential: bytes) -> Digest:
    """Log what an auditor attests of the data."""
    found: Any = parse(credential)
    return log(
        chain,
        issue(
            build_attestation(
                CredentialMetadata(AUDITOR.did, chain.clock(), chain.clock() + timedelta(days=9)),
                Claims.of(found["credentialSubject"]),
                kind="quality",
                statement={
                    "extent": "sample",
                    "records": 2,
                    "selection": "every second file",
                    "standard": "ISO/IEC 5259-2:2024",
                    "method": "two people read them",
                    "conclusion": "no label errors were found",
                    "results": [{"metric": "labelErrorRate", "value": "0.000"}],
                    "limitations": ["the other records were not read"],
                    "liability": "Audit GmbH, up to EUR 100,000",
                },
                documents={},
                content_checked=True,
            ),
            AUDITOR,
            chain.clock(),
        ),
    )


def test_m4_what_a_credential_says_is_in_the_card(chain: Any, credential: bytes) -> None:
    card = make(chain)
    place = f"{ABOUT} {Digest.of(credential).short}"
    for fact, text in {
        "rights.permits": "train, evaluate",
        "rights.prohibits": "redistribute, commercialUse",
        "rights.requires": "attribution, shareAlike",
    }.items():
        found = statement_of(card, f"{fact}:{place}")
        assert (found["text"], found["by"]) == (text, PUBLISHER.did)
        assert found["value"] == text.split(", ")
    limits = statement_of(card, f"rights.limits:{place} all")["text"]
    assert limits == "seats 3; territory DE, AT"
    law = statement_of(card, f"rights.regulatory:{place} EU-GDPR")["text"]
    assert law == (
        "EU-GDPR: pseudonymised, because Art. 6(1)(a) GDPR, as of 2026-10-01; "
        "warranted by Lex LLP, Dr. J. Doe"
    )
    quality = statement_of(card, f"rights.quality:{place} labelAgreementKappa")
    assert (quality["text"], quality["value"]) == (
        "labelAgreementKappa 0.87 (human-asserted)",
        "0.87",
    )
    assert statement_of(card, "rights.rules")["text"].startswith("no rules")
    text = card.renderings["markdown"].decode()
    first = text.split("In figures")[0]
    assert "warranted by Lex LLP, Dr. J. Doe" in first
    assert "redistribute, commercialUse" in first


def test_m4_who_attested_and_is_liable_is_in_the_card(chain: Any, credential: bytes) -> None:
    said = attest(chain, credential)
    answered(chain, {"limitations": "It fails."})
    card = make(chain)
    assert said in card.document.evidence
    found = statement_of(card, f"rights.attested:{ABOUT} {said.short}")
    assert (found["state"], found["by"]) == ("attested", AUDITOR.did)
    assert "no label errors were found (looked at sample of 2 records" in found["text"]
    assert "Not shown: the other records were not read" in found["text"]
    liable = statement_of(card, f"rights.liability:{ABOUT} {said.short}")
    assert liable["text"] == "Audit GmbH, up to EUR 100,000"
    for rendering in ("markdown", "html"):
        table = responsibility(card.renderings[rendering].decode(), rendering)
        assert "Audit GmbH, up to EUR 100,000" in table
        assert AUDITOR.did[-4:] in table
        assert PUBLISHER.did[-4:] in table
        assert signer_for("expert").did[-4:] in table
    report = judge(chain, card.renderings["html"])
    assert report.check("card.sources").state is CheckState.PASS


def responsibility(text: str, rendering: str) -> str:
    begin, end = "Who says so, and who is liable", "Where it fails"
    return text.split(begin, 1)[1].split(end, 1)[0]


def test_m4_the_liability_of_answers_is_in_the_table(chain: Any) -> None:
    answered(chain, {"limitations": "It fails."})
    card = make(chain)
    for rendering in ("markdown", "html"):
        assert LIABILITY in responsibility(card.renderings[rendering].decode(), rendering)


def test_m4_a_revoked_right_is_shown_and_verify_warns(chain: Any) -> None:
    before = make(chain)
    entry = next(one for one in log_entries(chain.credential) if one.purpose == "revocation")
    bits = bytearray(STATUS_LIST_ENTRIES // 8)
    bits[entry.index // 8] |= 1 << (7 - entry.index % 8)
    made = sign_list(
        entry.url, "revocation", bytes(bits), chain.signer, chain.clock(), timedelta(days=30)
    )
    log(chain, made)
    report = judge(chain, before.renderings["html"])
    assert report.verdict not in {Verdict.TRUSTED, Verdict.VALID}
    assert "revoked" in report.check("card.current").summary
    card = make(chain)
    found = statement_of(card, f"rights.withdrawn:credential {chain.credential.short}")
    assert found["text"].startswith("revoked, by log entry ")
    for rendering in ("markdown", "html"):
        first = card.renderings[rendering].decode().split("In figures")[0]
        assert "revoked, by log entry " in first
    report = judge(chain, card.renderings["html"])
    assert report.check("card.sources").state is CheckState.PASS
    assert report.check("card.current").state is CheckState.PASS
    assert report.verdict not in {Verdict.TRUSTED, Verdict.VALID}


def test_m4_what_is_unsigned_or_forged_is_not_in_the_card(chain: Any, credential: bytes) -> None:
    honest = make(chain)
    log(chain, credential.replace(b"Lex LLP", b"Rex LLP"))
    card = make(chain)
    assert (card.changed, b"Rex LLP" in card.renderings["card"]) == (False, False)
    assert card.manifest.id == honest.manifest.id


@pytest.mark.parametrize("answer", [False, True])
def test_m5_the_count_is_what_a_count_by_other_means_gives(chain: Any, answer: bool) -> None:
    """Counted from the manifests of the store, without a line of the card's own code."""
    if answer:
        answer_all(chain)
    card = make(chain)
    made, unknown = chain.made, 0
    for one in (made["raw"], made["test"]):  # what was committed, not what filters made of it
        fields = json.loads(one.encode())["body"]["descriptor"]
        unknown += sum(field["state"] == "unknown" for field in fields.values())
        unknown += "licence" not in one.body
    unknown += "rights" not in made["evaluation"].body
    unknown += 1  # no filter of the chain scans for personal data
    asked = 0 if answer else 9  # questions of the profile
    assert card.document.states["not-established"] == unknown + asked
    content: Any = parse(card.renderings["card"])
    counted = Counter(one["state"] for one in content["statements"])
    assert counted == content["counts"]
    assert card.manifest.body["notEstablished"] == unknown + asked
    waiting = sum(one["open"] and one["required"] for one in content["profiles"][0]["items"])
    assert card.document.open["huggingface/5"] == waiting == (0 if answer else 9)
    text = card.renderings["markdown"].decode()
    assert f"{unknown + asked} facts not established" in text.partition("In figures")[0]


def test_m5_each_unknown_field_is_a_statement_of_its_own(chain: Any) -> None:
    old = chain.made["raw"]
    fields = ("origin", "biases", "retention", "purposes", "synthetic", "agreements")
    before = make(chain).document.states["not-established"]
    descriptor = {
        **old.body["descriptor"],
        **{name: {"state": "unknown", "reason": "nobody has asked"} for name in fields},
    }
    again = chain.dataset(
        "other",
        "datasets/acme/other",
        {"x.txt": b"another text"},
        body={"descriptor": descriptor},
    )
    run = chain.made["run"]
    inputs = [*run.inputs, type(run.inputs[0])("validation", "dataset", again.id)]
    chain.log("run", kind="run", name=run.name, body=run.body, inputs=inputs, parents=[run.id])
    model = chain.made["checkpoint"]
    first = type(model.inputs[0])("run", "run", chain.made["run"].id)
    chain.log(
        "checkpoint",
        kind="checkpoint",
        name=model.name,
        body=model.body,
        tree=model.tree,
        files=model.files,
        inputs=[first, *model.inputs[1:]],
        parents=[model.id],
    )
    card = make(chain)
    found = [
        one
        for one in card.document.statements
        if one.subject == "datasets/acme/other" and one.state == "not-established"
    ]
    assert len(found) == len(fields) + 2  # consents, and no licence
    # This version has no evaluation yet: one fact less that the evaluation lacks, two more.
    assert card.document.states["not-established"] == before + len(found) + 1


def test_states_are_those_that_are_described(chain: Any) -> None:
    answered(chain, {"personal-data": {"text": "x", "choice": "none"}}, profiles=[PICKS])
    card = make(chain, profiles=[PICKS])
    assert set(card.document.states) == set(STATES)
    assert set(STATES) > OPEN
    assert sum(card.document.states.values()) == len(card.document.statements)
