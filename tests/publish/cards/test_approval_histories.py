"""Any history of approvals, withdrawals, keys and cards has the status of a model of them (S1)."""

import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from lyrikstore.canon.errors import PolicyError
from lyrikstore.history.commit.policy_change import revoked, rotated, with_writer
from lyrikstore.publish.cards.approval import approve_card
from lyrikstore.testing.keys import signer_for
from tests.contexts import context_of
from tests.publish.cards.making import (
    answer_all,
    answered,
    make,
    policy,
    status_of,
    trusting,
    with_role,
)
from tests.sweep import examples

PEOPLE = ("ada", "grace", "edith", "writer", "owner")
ROLE = ("ada", "grace", "edith")


class Approvals(RuleBasedStateMachine):
    """Approve, withdraw, make new cards, rotate and revoke keys; a model of its own counts."""

    world: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        chain = type(self).world.Chain(Path(self.folder.name)).build()
        policy(chain, with_writer(signer_for("writer").did, None))
        answer_all(chain)
        self.chain = chain
        self.cards = [make(chain).manifest]
        self.keys = {one: chain.signer if one == "owner" else signer_for(one) for one in PEOPLE}
        self.gone: set[str] = set()
        self.said: dict[tuple[int, str], str] = {}  # card, person → the last word of the person
        self.number = 0

    @initialize(threshold=st.integers(1, 3), owner=st.booleans())
    def begin(self, threshold: int, owner: bool) -> None:
        people = (*ROLE, "owner") if owner else ROLE
        policy(self.chain, with_role("approver", *people, threshold=threshold))
        self.threshold, self.allowed = threshold, set(people)

    @rule(who=st.sampled_from(ROLE))
    def approve(self, who: str) -> None:
        newest = len(self.cards) - 1
        right = who not in self.gone
        assert self.sign(who, newest) is right
        if right:
            self.said[newest, who] = "approve"

    @rule()
    def approve_alone(self) -> None:
        newest = len(self.cards) - 1
        assert not self.sign("owner", newest)
        right = "owner" in self.allowed
        assert self.sign("owner", newest, alone=True) is right
        if right:
            self.said[newest, "owner"] = "approve"

    @rule(who=st.sampled_from((*ROLE, "writer")))
    def approve_wrongly(self, who: str) -> None:
        newest = len(self.cards) - 1
        assert not self.sign(who, newest, alone=True)
        assert not self.sign("writer", newest)
        if newest:
            assert not self.sign(who, newest - 1)

    @rule(who=st.sampled_from(PEOPLE), back=st.integers(0, 2))
    def revoke(self, who: str, back: int) -> None:
        at = max(0, len(self.cards) - 1 - back)
        right = who in self.allowed - self.gone and self.said.get((at, who)) == "approve"
        assert self.sign(who, at, revoke=True) is right
        if right:
            self.said[at, who] = "withdraw"

    def sign(self, who: str, at: int, **options: Any) -> bool:
        try:
            context = context_of(
                self.chain.repository,
                signer=self.keys[who],
                clock=self.chain.clock,
                trust=trusting(self.chain, "expert"),
            )
            approve_card(context, self.cards[at], **options)
        except PolicyError:
            return False
        return True

    @rule()
    def another_card(self) -> None:
        self.number += 1
        answered(self.chain, {"contact": f"Ada {self.number}"})
        self.cards.append(make(self.chain, signer=self.keys["owner"]).manifest)

    @rule(who=st.sampled_from((*ROLE, "owner")))
    def rotate(self, who: str) -> None:
        if who in self.gone:
            return
        self.number += 1
        new = signer_for(f"{who} {self.number}")
        policy(self.chain, rotated(self.keys[who].did, new.did), by=self.keys["owner"])
        self.keys[who] = new

    @rule(who=st.sampled_from(ROLE))
    def let_go(self, who: str) -> None:
        if who in self.gone:
            return
        size = self.chain.repository.checkpoint.size
        change = revoked(self.keys[who].did, size)
        policy(self.chain, change, by=self.keys["owner"])
        self.gone.add(who)

    @invariant()
    def the_status_is_that_of_the_model(self) -> None:
        if not hasattr(self, "threshold"):
            return
        newest = len(self.cards) - 1
        for at, card in enumerate(self.cards):
            word = status_of(self.chain, card).word
            if at != newest:
                assert word == "superseded"
                continue
            said = {who: one for (of, who), one in self.said.items() if of == at}
            approving = {who for who, one in said.items() if one == "approve"}
            counted = approving - self.gone - {"owner"}
            if len(counted) >= self.threshold:
                assert word == "approved", said
            elif said and not approving:
                assert word == "withdrawn", said
            elif "owner" in approving:
                assert word == "self-approved", said
            else:
                assert word == "complete", said

    def teardown(self) -> None:
        self.folder.cleanup()


def test_every_history_has_the_status_of_a_model(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The dear part of a card has no part in its status: where Typst is missing it has no PDF.
    monkeypatch.setitem(sys.modules, "typst", None)
    Approvals.world = world
    found = settings(max_examples=examples(20), stateful_step_count=16, deadline=None)
    run_state_machine_as_test(Approvals, settings=found)
