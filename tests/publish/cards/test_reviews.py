"""Cards of reviewed data: who reviewed what, agreement, label errors, noted."""

import json
from pathlib import Path
from typing import Any

from lyrikstore.api import Store
from lyrikstore.publish.cards.card import make_card
from lyrikstore.publish.cards.sources import check_sources
from lyrikstore.review.asked import ReviewRequest
from lyrikstore.review.hand_in import hand_in
from lyrikstore.review.held import HeldFiles
from lyrikstore.review.queue import request_review
from tests.review.conftest import ANNA, BEN, accepting, commit_rows, rows, signed, store

__all__ = ["store"]
FACTS = ("review", "label-agreement", "label-error", "review-doubts", "review-unanswered")


def said(store: Store, name: str) -> dict[str, dict[str, Any]]:
    """Return the statements about reviews in a new card, by fact."""
    made = make_card(store, store.repository.resolve(name))
    content: Any = made.document.content
    check = check_sources(store.repository, made.manifest)
    assert check.state.value in {"pass", "stated"}, check
    found = {one["id"].split(":")[0]: one for one in content["statements"]}
    wanted = ("data.labels-reviewed", *(f"data.{one}" for one in FACTS))
    return {name.removeprefix("data."): found[name] for name in wanted if name in found}


def test_a_dataset_card_says_who_reviewed_what(store: Store, tmp_path: Path) -> None:
    name = commit_rows(store, tmp_path / "data", rows(60))
    assert said(store, name) == {}  # as before reviews existed
    asked = ReviewRequest((ANNA.did, BEN.did), sample=30, overlap="1")
    made = request_review(store, name, asked, tmp_path / "queue")
    asked_only = said(store, name)
    assert asked_only.keys() == {"labels-reviewed", "review-unanswered"}
    assert asked_only["labels-reviewed"]["state"] == "not-established"
    before = make_card(store, store.repository.resolve(name)).manifest
    files = [signed(made.folders[ANNA.did], ANNA), signed(made.folders[BEN.did], BEN, accepting)]
    done = hand_in(store, files, HeldFiles(tmp_path / "held"))
    assert done.review is not None
    found = said(store, name)
    assert found.keys() == {"labels-reviewed", *FACTS} - {"review-unanswered"}
    figures = done.review.body["figures"]
    assert found["labels-reviewed"]["value"] == "sample"
    assert str(done.review.id) in found["labels-reviewed"]["evidence"]
    assert found["review"]["value"]["reviewers"] == [ANNA.did, BEN.did]
    assert found["label-error"]["value"] == figures["labelError"]
    agreement = {**figures["agreement"], "kappa": figures["kappa"]}
    assert found["label-agreement"]["value"] == agreement
    noted = found["review-doubts"]["value"]
    assert noted == {"disagreed": figures["disagreed"], "rubberStamp": [BEN.did]}
    made = make_card(store, store.repository.resolve(name), rendering="croissant")
    analysis = json.loads(made.renderings["croissant"])["rai:dataAnnotationAnalysis"]
    assert len(analysis) == 4
    (labels,) = [
        item
        for profile in made.document.content["profiles"]  # type: ignore[union-attr]
        for item in profile["items"]  # type: ignore[index, call-overload, union-attr]
        if item["id"] == "2.5"
    ]
    assert found["review"]["id"] in labels["statements"]
    # What was logged since makes no earlier card false.
    assert check_sources(store.repository, before).state.value in {"pass", "stated"}
