"""What the machine of ``test_rights.py`` found, step by step."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lyrikstore.canon.errors import PolicyError
from lyrikstore.testing.clocks import FrozenClock
from tests.model.rights_oracle import Part
from tests.model.rights_stores import NAMES, Place, recorded
from tests.model.rights_terms import EVALUATE, TRAIN, WIDE, WISHES


def test_a_grant_keeps_the_duties_of_the_terms_that_it_is_under(tmp_path: Path) -> None:
    """The publisher says something else to everybody, later and besides."""
    clock, wish = FrozenClock(), WISHES[0]
    acme, home = (Place(tmp_path, name, clock, NAMES) for name in NAMES[:2])
    made, said = acme.commit({"a.jsonl": 2}), []
    for duty, grantable in (("shareAlike", TRAIN), ("attribution", frozenset())):
        clock.advance(seconds=1)
        part = Part(EVALUATE, requires=frozenset({duty}), grantable=grantable)
        said.append(acme.permit(made, {"a.jsonl": part}, listed=True))
    document, folder = acme.issue(made, {"a.jsonl": Part(EVALUATE)}, None)
    bought = home.take_in(folder, made, document)
    acme.grant(said[0], home.signer.did, TRAIN, (), ("reportUse",), 30)
    clock.advance(seconds=1)
    home.hear(acme)
    assert {"shareAlike", "reportUse"} <= home.terms([bought], wish).duties.keys()
    plan = home.ask([bought], None, wish)
    assert plan is not None
    model = home.train((bought,), None, wish, recorded(plan), honest=True)
    assert all(f"{duty} (" in home.said_of(model)[0] for duty in ("shareAlike", "reportUse"))


def test_what_has_ended_is_not_redistributed(tmp_path: Path) -> None:
    clock = FrozenClock()
    acme, home = (Place(tmp_path, name, clock, NAMES) for name in NAMES[:2])
    made, until = acme.commit({"a.jsonl": 2}), clock() + timedelta(days=1)
    document, folder = acme.issue(made, {"a.jsonl": replace(WIDE, until=until)}, None)
    bought = home.take_in(folder, made, document)
    clock.advance(days=2)
    with pytest.raises(PolicyError) as caught:
        home.issue(bought, {"a.jsonl": Part(TRAIN)}, None)
    assert caught.value.kind == "wider-than-sources"


def test_what_is_redistributed_by_a_grant_under_replaced_terms_verifies(tmp_path: Path) -> None:
    clock, redistribute = FrozenClock(), frozenset({"redistribute"})
    acme, home, buyer = (Place(tmp_path, name, clock, NAMES) for name in NAMES)
    made = acme.commit({"a.jsonl": 2})
    document, folder = acme.issue(made, {"a.jsonl": Part(TRAIN, grantable=redistribute)}, None)
    bought = home.take_in(folder, made, document)
    acme.grant(document, home.signer.did, TRAIN | redistribute, (), (), 30)
    acme.permit(made, {"a.jsonl": Part(EVALUATE)}, old=document, listed=True)
    clock.advance(seconds=1)
    acme.replace(document)
    home.hear(acme)
    _, sold = home.issue(bought, {"a.jsonl": Part(TRAIN)}, None)
    assert buyer.verify_delivery(sold).verdict == "valid"
