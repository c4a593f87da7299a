"""Reviews whose author, or reviewer, cheats: `verify` finds each (attacks A217 to A219)."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.api import Store
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.readers import all_readers
from lyrikstore.review.asked import ReviewRequest
from lyrikstore.review.folder import open_folder
from lyrikstore.review.hand_in import HandedIn, hand_in
from lyrikstore.review.held import HeldFiles
from lyrikstore.review.queue import QueuedReview, attach, request_review
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import Check, CheckState
from lyrikstore.verify.review.model import ITEMS, OUTCOME, encoded_lines, parse_items
from lyrikstore.verify.store.object import verify_object
from tests.kinds import refused
from tests.review.conftest import ANNA, BEN, accepting, commit_rows, rows, signed

OWNER = signer_for("owner")


@pytest.fixture
def queued(store: Store, tmp_path: Path) -> QueuedReview:
    name = commit_rows(store, tmp_path / "data", rows(40))
    asked = ReviewRequest((ANNA.did, BEN.did), sample=12, by=("label",), overlap="1", blind=True)
    return request_review(store, name, asked, tmp_path / "queue")


@pytest.fixture
def reviewed(store: Store, queued: QueuedReview, tmp_path: Path) -> HandedIn:
    files = [
        signed(queued.folders[ANNA.did], ANNA),
        signed(queued.folders[BEN.did], BEN, accepting),
    ]
    return hand_in(store, files, HeldFiles(tmp_path / "held"))


def found(store: Store, one: Manifest) -> Check:
    """Return what `verify` says of the reviews behind a manifest."""
    return verify_object(store, one.id, readers=all_readers()).check("reviews")


def forged(
    store: Store,
    one: Manifest,
    *,
    attachments: dict[str, bytes] | None = None,
    signer: Any = OWNER,
    **other: Any,
) -> Manifest:
    """Log another version of a manifest, with other members, and signed as well."""
    new = attachments or {}
    with open_transaction(store.repository) as transaction:
        made = sign_manifest(
            kind=one.kind,
            store=one.store,
            name=one.name,
            body=other.get("body", one.body),
            signer=signer,
            created=store.repository.signing_date(store.clock),
            parents=(store.repository.refs[one.name].id,),
            inputs=other.get("inputs", one.inputs),
            attachments=[
                *(a for a in one.attachments if a.role not in new),
                *(attach(transaction, role, data) for role, data in new.items()),
            ],
        )
        transaction.log_manifest(made)
        transaction.commit()
    store.repository.refresh()
    return made


def test_an_honest_review(store: Store, queued: QueuedReview, reviewed: HandedIn) -> None:
    assert reviewed.review is not None
    assert found(store, queued.queue).state is CheckState.PASS
    check = found(store, reviewed.review)
    assert (check.state, check.detail["reviews"]) == (CheckState.PASS, 1)


def test_a_draw_that_was_steered_is_found(store: Store, queued: QueuedReview) -> None:
    items = parse_items(
        store.repository.blobs.read(queued.queue.attachments_in(ITEMS)[0].id, max_bytes=1 << 20)
    )
    taken = {one.place for one in items}
    easy = next(place for place in range(40) if place not in taken)
    steered = [replace(items[0], place=easy), *items[1:]]
    made = forged(store, queued.queue, attachments={ITEMS: encoded_lines(steered)})
    assert found(store, made).detail["reason"] == "other-draw"
    nobodys = [replace(items[0], reviewers=(7,)), *items[1:]]
    made = forged(store, queued.queue, attachments={ITEMS: encoded_lines(nobodys)})
    assert found(store, made).state is CheckState.FAIL
    # Nor does a seed of one's own help.
    made = forged(store, queued.queue, body={**queued.queue.body, "seed": "00" * 32})
    assert found(store, made).detail["reason"] == "other-draw"


def test_who_decides_after_the_reveal_is_found(
    store: Store, queued: QueuedReview, reviewed: HandedIn, tmp_path: Path
) -> None:
    review = reviewed.review
    assert review is not None
    late = signed(queued.folders[BEN.did], BEN)
    with refused("review-closed"):
        hand_in(store, [late], HeldFiles(tmp_path / "held"))
    before = next(one for one in reviewed.submissions if one.body["reviewer"] == BEN.did)
    peeked = forged(store, before)  # the same decisions, handed in when the others were known
    inputs = [
        Input(one.role, one.kind, peeked.id) if one.id == before.id else one
        for one in review.inputs
    ]
    made = forged(store, review, inputs=inputs)
    assert found(store, made).detail["reason"] == "peeked"


def test_decisions_about_another_queue_are_found(
    store: Store, queued: QueuedReview, reviewed: HandedIn, tmp_path: Path
) -> None:
    assert reviewed.review is not None
    asked = ReviewRequest((ANNA.did, BEN.did), sample=12, by=("label",), overlap="1", blind=True)
    other = request_review(store, queued.queue.inputs[1].id.hex, asked, tmp_path / "again")
    assert other.requests == 2
    inputs = [
        Input("queue", "queue", other.queue.id) if one.role == "queue" else one
        for one in reviewed.review.inputs
    ]
    made = forged(store, reviewed.review, inputs=inputs)
    assert found(store, made).state is CheckState.FAIL


def test_other_figures_and_outcomes_are_found(store: Store, reviewed: HandedIn) -> None:
    review = reviewed.review
    assert review is not None
    body = {**review.body, "figures": {**review.body["figures"], "unanswered": 1}}
    assert found(store, forged(store, review, body=body)).detail["reason"] == "other-figures"
    body = {**review.body, "figures": {**review.body["figures"], "requests": 0}}
    assert found(store, forged(store, review, body=body)).detail["reason"] == "other-figures"
    outcomes = [replace(one, outcome="unanswered") for one in reviewed.outcomes]
    made = forged(store, review, attachments={OUTCOME: encoded_lines(outcomes)})
    assert found(store, made).detail["reason"] == "other-figures"


def test_a_folder_that_was_edited(queued: QueuedReview) -> None:
    file = queued.folders[ANNA.did] / "queue.json"
    file.write_bytes(file.read_bytes().replace(b"clause", b"clausf", 1))
    with refused("other-folder"):
        open_folder(queued.folders[ANNA.did])
