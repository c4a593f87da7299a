"""Opinions on a model, a card and a store: what is signed, taken in, shown, and refused."""

from collections.abc import Mapping
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, IncompleteError, LyrikstoreError
from lyrikstore.canon.json import parse
from lyrikstore.credentials.issue import issue
from lyrikstore.credentials.model.credential import CredentialMetadata
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.opinion import SeenLog, build_opinion
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.gathering.form import (
    FORMAT,
    WITH_OPINIONS,
    WITHOUT_OPINIONS,
    CardForm,
)
from lyrikstore.publish.imports.attestations import attestations_about, opinions_on_store
from lyrikstore.publish.imports.import_credentials import import_credentials
from lyrikstore.publish.issue.attest import Findings
from lyrikstore.publish.issue.attest_opinion import attest_opinion
from lyrikstore.publish.status.changes import revoke_alone
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.credential.card_attestation import check_card_attestation
from lyrikstore.verify.report import Check, CheckState, Report, Verdict, check_of, complete
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.statements.opinions import OpinionsHere
from lyrikstore.verify.store.store import verify_store_at
from tests.contexts import context_of
from tests.publish.cards.making import judge, make, reason

STATEMENT: Mapping[str, Any] = {
    "extent": "all",
    "standard": "ISAE 3000",
    "method": "Re-performance of the training, and inspection of the log.",
    "opinion": "qualified",
    "conclusion": "The controls were effective, but for one approval.",
    "limitations": ["The sources of the bought data were not visited."],
    "liability": "Audit GmbH, for gross negligence, up to 1,000,000 EUR",
    "period": {"from": "2026-01-01", "until": "2026-06-30"},
}
AUDITOR = signer_for("auditor")
ABOUT: Mapping[str, str] = {"checkpoint": "Checkpoint", "card": "Card"}


def members(chain: Any, about: Manifest | None) -> dict[str, str]:
    store = chain.repository.store_id.urn
    if about is None:
        return {"type": "Store", "id": store, "store": store, "name": "store"}
    found = {"type": ABOUT[about.kind], "store": store, "name": about.name}
    found |= {"id": (about.tree or about.id).urn, "manifest": about.id.urn}
    return found | ({} if about.files is None else {"files": about.files.urn})


def signed(
    chain: Any,
    about: Manifest | None,
    *,
    by: Any = AUDITOR,
    log: Mapping[str, Any] | None = None,
    subject: Mapping[str, str] | None = None,
    **statement: Any,
) -> bytes:
    """Return an opinion, signed whatever it says."""
    head = chain.repository.checkpoint
    seen = {"origin": chain.repository.origin, "size": head.size, "root": head.root.hex()}
    document = build_opinion(
        CredentialMetadata(by.did, chain.clock()),
        {**members(chain, about), **(subject or {})},
        kind="quality",
        statement={**STATEMENT, **statement},
        documents={},
        log=SeenLog(**{**seen, **(log or {})}),
        content_checked=True,
    )
    return issue(document, by, chain.clock())


def context(chain: Any, *believed: str) -> Any:
    issuers = [
        TrustedIssuer(did=signer_for(one).did, nickname=one, roles=("auditor",)) for one in believed
    ]
    return context_of(
        chain.repository, signer=chain.signer, clock=chain.clock, trust=Trust(tuple(issuers))
    )


def take_in(chain: Any, data: bytes) -> Digest:
    (logged,) = import_credentials(context(chain), {"opinion.json": data}, {}).logged
    return logged


def log_unchecked(chain: Any, data: bytes) -> None:
    """Log a credential as an altered program does."""
    with open_transaction(chain.repository) as transaction:
        transaction.log_credential(data)
        transaction.commit()


def shown(chain: Any, about: Manifest, *believed: str) -> list[Any]:
    return attestations_about(context(chain, *believed), [about])[about.id]


def problems(chain: Any) -> str:
    report = verify_store_at(
        chain.repository.root, trust=Trust(), at=chain.clock(), memory=chain.repository.memory
    )
    return str(report.check("credentials").detail.get("problems", ""))


def opinion_in(card: Any) -> Any:
    """Return the statement of a card on the opinion of somebody."""
    found = [one for one in card.document.content["statements"] if one["title"] == "Opinion"]
    assert len(found) == 1
    return found[0]


def test_an_opinion_on_each_kind_of_object(chain: Any) -> None:
    model, card = chain.made["checkpoint"], make(chain).manifest
    for about in (model, card, None):
        data = signed(chain, about)
        identity = take_in(chain, data)
        found = opinions_on_store(context(chain)) if about is None else shown(chain, about)
        (one,) = found
        assert one.id == identity
        assert one.outcome.verdict is Verdict.VALID, "an unknown issuer is never plainly verified"
        assert one.outcome.statement["opinion"] == "qualified"
        again = (
            opinions_on_store(context(chain, "auditor"))
            if about is None
            else shown(chain, about, "auditor")
        )
        assert again[0].outcome.verdict is Verdict.TRUSTED
        assert check_of(again[0].outcome.checks, "attestation").state == "stated"
    assert problems(chain) == ""


def verified(chain: Any, state: str) -> Report:
    checks = (Check("blobs", CheckState(state), ("said", {"reason": "lost"})),)
    required = complete("object", checks) if state == "unchecked" else checks
    return Report.of("object", required, subject="x", issuer=None, at=chain.clock())


def test_what_the_attester_signs(chain: Any) -> None:
    findings = Findings("quality", STATEMENT, {"report.pdf": b"why"})
    auditor = context_of(chain.repository, signer=AUDITOR, clock=chain.clock)
    sound = verify_object(auditor, chain.made["checkpoint"].id)
    for about in (chain.made["checkpoint"], make(chain).manifest, None):
        with pytest.raises(IncompleteError) as caught:
            attest_opinion(auditor, about, sound, findings, valid_for=None)
        assert caught.value.kind == "not-checked"
        made = attest_opinion(auditor, about, sound, findings, valid_for=None, unchecked=True)
        subject: Any = parse(made.data)["credentialSubject"]
        assert subject["attestation"]["examined"]["content"] == "unchecked"
        expected = members(chain, about)
        assert {one: subject[one] for one in subject if one != "attestation"} == expected
        take_in(chain, made.data)


@pytest.mark.parametrize(
    ("about", "kind", "state", "refused"),
    [
        ("train", "quality", "pass", "wrong-object"),
        ("checkpoint", "deidentification", "pass", "wrong-kind"),
        ("checkpoint", "quality", "fail", "does-not-verify"),
        ("checkpoint", "quality", "unchecked", "not-checked"),
    ],
)
def test_what_is_not_attested(
    full_chain: Any, about: str, kind: str, state: str, refused: str
) -> None:
    auditor = context_of(full_chain.repository, signer=AUDITOR, clock=full_chain.clock)
    report = verified(full_chain, state)
    if state == "pass":  # its verdict is not what this asks about
        report = verified(full_chain, "unchecked")
    with pytest.raises(LyrikstoreError) as caught:
        attest_opinion(
            auditor,
            full_chain.made[about],
            report,
            Findings(kind, STATEMENT, {}),
            valid_for=None,
            unchecked=state == "pass",
        )
    assert caught.value.kind == refused


def test_a190_an_opinion_is_no_opinion_on_another_object(chain: Any) -> None:
    model, base = chain.made["checkpoint"], chain.made["base"]
    card = make(chain).manifest
    forged = [
        signed(chain, model, subject={"name": base.name}),
        signed(chain, model, subject={"manifest": base.id.urn}),
        signed(chain, base, subject={"id": model.tree.urn}),
        signed(chain, model, subject={"store": Digest.of(b"another").urn}),
        signed(chain, card, subject={"id": model.id.urn, "manifest": model.id.urn}),
        signed(chain, model, subject={"manifest": Digest.of(b"nothing").urn}),
    ]
    for data in forged:
        with pytest.raises(LyrikstoreError) as caught:
            take_in(chain, data)
        assert caught.value.kind == "does-not-verify"
    for data in forged:
        log_unchecked(chain, data)
    for about in (model, base, card):
        assert all(one.outcome.verdict is Verdict.INVALID for one in shown(chain, about))
    assert make(chain).manifest.body["profile"] == FORMAT, "no card repeats them"
    assert "another object" in problems(chain)


def test_a190_a_second_id_is_refused(chain: Any) -> None:
    with pytest.raises(FormatError):
        signed(chain, None, subject={"id": Digest.of(b"another").urn})


def test_a191_own_work_is_shown_as_such(chain: Any) -> None:
    model = chain.made["checkpoint"]
    take_in(chain, signed(chain, model, by=chain.signer))
    (one,) = shown(chain, model)
    check = check_of(one.outcome.checks, "attestation")
    assert (check.state, check.detail["reason"]) == ("warn", "own-work")
    said = opinion_in(make(chain))
    assert "by nobody independent" in said["text"]


def test_a192_an_opinion_on_a_fork_is_refused(chain: Any) -> None:
    size = chain.repository.checkpoint.size
    for log in ({"root": "00" * 32}, {"origin": "example.org/other"}, {"size": size - 1}):
        data = signed(chain, None, log=log)
        with pytest.raises(LyrikstoreError) as caught:
            take_in(chain, data)
        assert caught.value.kind == "does-not-verify"
        here = OpinionsHere(chain.repository)
        judged = check_card_attestation(
            OpenedCredential(data), trust=Trust(), at=chain.clock(), here=here
        )
        assert check_of(judged.checks, "attestation").detail["reason"] == "other-log"
    ahead = signed(chain, None, log={"size": size + 5})
    with pytest.raises(LyrikstoreError):
        take_in(chain, ahead)
    log_unchecked(chain, ahead)
    assert "may be behind" in problems(chain)


def test_a_card_has_opinions_until_they_are_revoked(chain: Any) -> None:
    model, before = chain.made["checkpoint"], make(chain)
    assert before.manifest.body["profile"] == FORMAT
    data = signed(chain, model)
    take_in(chain, data)
    report = judge(chain, before.renderings["card"], "auditor")
    assert report.check("card.sources").state == "pass"
    assert "model.opinion" in str(report.check("card.current").detail["problems"])
    earlier = make(chain, form=CardForm(WITHOUT_OPINIONS))
    assert earlier.manifest.body["profile"] == WITH_OPINIONS
    after = make(chain)
    assert after.manifest.body["profile"] == FORMAT
    said = opinion_in(after)
    assert (said["state"], said["value"], said["by"]) == ("attested", "qualified", AUDITOR.did)
    assert not make(chain).changed
    report = judge(chain, after.renderings["card"])
    assert report.check("card.sources").state == "pass", reason(report, "card.sources")
    _, status_list = revoke_alone(data, signer=AUDITOR, clock=chain.clock)
    take_in(chain, status_list)
    assert [one.outcome.verdict for one in shown(chain, model)] == [Verdict.INVALID]
    ids = [one["id"] for one in parse(make(chain).renderings["card"])["statements"]]
    assert not any(one.startswith("model.opinion") for one in ids)
