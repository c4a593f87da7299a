"""An answer by a key that the trust file does not know is shown, and closes no required item."""

from datetime import timedelta
from typing import Any

import pytest

from lyrikstore.canon.errors import PolicyError
from lyrikstore.credentials.trust import PinnedDocument, Trust, TrustedIssuer
from lyrikstore.history.commit.policy_change import revoked
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.publish.cards.approval import approve_card, card_status
from lyrikstore.publish.identity.issuer import Issuance
from lyrikstore.publish.issue.attest_card import attest_card
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import CheckState
from tests.publish.cards.making import (
    LIABILITY,
    PICKS,
    answer_of,
    answered,
    approving,
    draft,
    judge,
    make,
    policy,
    reason,
    status_of,
    trusting,
    with_role,
)

SAID = {"personal-data": {"text": "I looked.", "choice": "some"}}
CLINIC = "did:web:clinic.example"


@pytest.fixture
def card(chain: Any) -> Any:
    """A card whose one required item an expert answered, which the chain's owner need not know."""
    policy(chain, with_role("approver", "ada", threshold=1))
    answered(chain, SAID, profiles=[PICKS])
    chain.card = make(chain, profiles=[PICKS])
    return chain.card


def word(chain: Any, card: Any, **entry: Any) -> str:
    """Return the status of a card for somebody whose trust file has one entry for the expert."""
    one = TrustedIssuer(did=signer_for("expert").did, nickname="expert", **entry)
    return card_status(chain.repository, card.manifest, trust=Trust((one,)), at=chain.clock()).word


def test_it_closes_nothing(chain: Any, card: Any) -> None:
    assert answer_of(card, "personal-data")["state"] == "attested"
    assert card.document.open == {"picks/1": 0}  # the card believes nobody, and is what it was
    assert status_of(chain, card.manifest, "somebody").word == "draft"
    with pytest.raises(PolicyError) as refused:
        approve_card(approving(chain, "ada", "somebody"), card.manifest)
    assert refused.value.kind == "card-open"
    report = judge(chain, card.renderings["html"])
    found = report.check("card.answers")
    assert (found.state, found.detail["reason"]) == (CheckState.WARN, "unknown-issuer")
    assert found.detail["issuers"] == [signer_for("expert").did]
    assert found.detail["items"] == ["picks/1 1"]
    assert report.check("card.sources").state is CheckState.PASS
    assert reason(report, "card.approval") == "draft"


def test_who_is_known_closes_it(chain: Any, card: Any) -> None:
    assert status_of(chain, card.manifest, "expert").word == "complete"
    found = judge(chain, card.renderings["html"], "expert").check("card.answers")
    assert found.state is CheckState.PASS
    approve_card(approving(chain), card.manifest)
    # Who approved it vouches for it; who gave the answers is said all the same.
    report = judge(chain, card.renderings["html"])
    assert report.check("card.approval").state is CheckState.PASS
    assert reason(report, "card.answers") == "unknown-issuer"


def test_one_known_answer_among_others_suffices(chain: Any, card: Any) -> None:
    answered(chain, SAID, by="another", profiles=[PICKS])
    both = make(chain)
    assert status_of(chain, both.manifest, "another").word == "complete"
    found = judge(chain, both.renderings["html"], "another").check("card.answers")
    assert (found.state, found.detail["items"]) == (CheckState.WARN, [])


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        ({"roles": ("expert",)}, "complete"),
        ({"roles": ("publisher",)}, "complete"),
        ({"roles": ("auditor",)}, "draft"),
        ({"roles": ("auditor",), "claims": ("answers",)}, "complete"),
        ({"roles": ("expert",), "claims": ("challenge",)}, "draft"),
        ({"roles": ("expert",), "names": ("datasets/*",)}, "draft"),
    ],
    ids=str,
)
def test_a_key_is_known_for_what_its_entry_says(
    chain: Any, card: Any, entry: Any, status: str
) -> None:
    assert word(chain, card, **entry) == status


def test_it_is_known_at_the_moment_that_counts(chain: Any, card: Any) -> None:
    until = chain.clock() - timedelta(days=1)
    assert word(chain, card, roles=("expert",), until=until) == "draft"


def test_what_a_stolen_key_answered_closes_nothing(chain: Any) -> None:
    policy(chain, with_role("helper", "expert", threshold=1, kind="evaluation"))
    index = chain.repository.checkpoint.size
    answered(chain, SAID, profiles=[PICKS])
    card = make(chain, profiles=[PICKS]).manifest
    assert status_of(chain, card).word == "complete"
    policy(chain, revoked(signer_for("expert").did, index))
    assert status_of(chain, card).word == "draft"


def test_a_document_that_anybody_could_have_written_makes_no_clinic(chain: Any) -> None:
    """ATTACK: a key made for it, in the name of an organisation that is known."""
    said = {"liability": LIABILITY, "answers": SAID}
    made = attest_card(
        draft(chain, profiles=[PICKS]).data,
        "answers",
        said,
        Issuance(organisation=CLINIC),
        signer=signer_for("mallory"),
        clock=chain.clock,
    )
    assert made.did_document is not None
    with open_transaction(chain.repository) as transaction:
        transaction.log_credential(made.did_document)
        transaction.log_credential(made.data)
        transaction.commit()
    card = make(chain, profiles=[PICKS])
    assert card.document.open == {"picks/1": 0}
    clinic = TrustedIssuer(did=CLINIC, nickname="clinic", roles=("expert",))
    trust = Trust((*trusting(chain).issuers, clinic))
    pinned = Trust(trust.issuers, documents=(PinnedDocument(CLINIC, made.did_document),))
    at = chain.clock()
    for whom, status in ((trust, "draft"), (pinned, "complete")):
        assert card_status(chain.repository, card.manifest, trust=whom, at=at).word == status
