"""A review from the request to the outcome."""

from pathlib import Path

from lyrikstore.api import Store
from lyrikstore.review.asked import ReviewRequest
from lyrikstore.review.hand_in import hand_in
from lyrikstore.review.held import HeldFiles
from lyrikstore.review.queue import request_review
from tests.review.conftest import ANNA, BEN, CARA, accepting, commit_rows, rows, signed


def test_two_blind_reviewers_and_an_adjudicator(store: Store, tmp_path: Path) -> None:
    name = commit_rows(store, tmp_path / "data", rows(60))
    asked = ReviewRequest(
        (ANNA.did, BEN.did), sample=30, overlap="1", blind=True, adjudicator=CARA.did
    )
    made = request_review(store, name, asked, tmp_path / "queue")
    assert made.requests == 1
    held = HeldFiles(tmp_path / "held")
    first = hand_in(store, [signed(made.folders[ANNA.did], ANNA)], held)
    assert (first.waiting, first.review) == ((BEN.did,), None)
    last = hand_in(
        store,
        [signed(made.folders[BEN.did], BEN, accepting)],
        held,
        destination=tmp_path / "apart",
    )
    assert last.review is not None
    figures = last.review.body["figures"]
    wrong = figures["disagreed"]
    assert 0 < wrong < 30
    assert figures["agreement"]["agreed"] == 30 - wrong
    assert figures["requests"] == 1
    assert [one["rubberStamp"] for one in figures["reviewers"]].count(True) == 1
    assert last.adjudication is not None
    folder = last.adjudication.folders[CARA.did]
    end = hand_in(store, [signed(folder, CARA)], held)
    assert end.review is not None
    assert end.review.parents == (last.review.id,)
    assert end.review.body["figures"]["labelError"]["wrong"] == wrong
    assert not list((tmp_path / "held").rglob("*.json"))
