"""What a review refuses, by name, and with nothing taken in."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.api import Store
from lyrikstore.canon.timestamps import now
from lyrikstore.review.asked import QuestionsFile, ReviewRequest, parse_questions_file
from lyrikstore.review.hand_in import adjudicate, close_review, hand_in
from lyrikstore.review.held import HeldFiles
from lyrikstore.review.queue import QueuedReview, plan_review, request_review
from lyrikstore.review.sign import sign_decisions
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.review.model import (
    DecisionFile,
    RecordDecision,
    encoded,
    encoded_lines,
    parse_decisions,
    parse_folder,
    parse_items,
    parse_outcome,
)
from lyrikstore.verify.review.stated import read_queue
from tests.kinds import refused
from tests.review.conftest import (
    ANNA,
    BEN,
    CARA,
    accepting,
    commit_rows,
    decided,
    right,
    rows,
    signed,
)

OTHER = signer_for("nobody")
Change = Callable[[DecisionFile], DecisionFile]


@pytest.fixture
def name(store: Store, tmp_path: Path) -> str:
    return commit_rows(store, tmp_path / "data", rows(20))


@pytest.fixture
def queued(store: Store, name: str, tmp_path: Path) -> QueuedReview:
    asked = ReviewRequest((ANNA.did, BEN.did), sample=8)
    return request_review(store, name, asked, tmp_path / "queue")


@pytest.fixture
def held(tmp_path: Path) -> HeldFiles:
    return HeldFiles(tmp_path / "held")


def resigned(folder: Path, change: Change) -> bytes:
    """Return decisions that their reviewer signed, changed before by no program of ours."""
    opened, file = decided(folder)
    key = {ANNA.did: ANNA, BEN.did: BEN}[opened.folder.reviewer]
    changed = change(file)
    # What sign_decisions would refuse is signed as part of a folder that knows it.
    known = {one.item for one in opened.folder.items}
    more = [one.item for one in changed.decisions if one.item not in known]
    items = (*opened.folder.items, *(replace(opened.folder.items[0], item=n) for n in more))
    labels = (*opened.folder.questions.labels, "invented")
    questions = replace(opened.folder.questions, labels=labels)
    other = replace(opened.folder, items=items, questions=questions)
    queue = replace_id(opened.queue, changed.queue)
    return sign_decisions(replace(opened, folder=other, queue=queue), changed, key, now())


def replace_id(manifest: Struct, identity: str) -> Struct:
    from lyrikstore.canon.digest import Digest

    return replace(manifest, id=Digest.parse(identity))


REFUSED: dict[str, Change] = {
    "unknown-item": lambda file: replace(
        file, decisions=(*file.decisions, RecordDecision(999, "accept", 5000))
    ),
    "bad-decision-file": lambda file: replace(
        file,
        decisions=(
            replace(file.decisions[0], decision="change", value=("invented",), reason="wrong"),
        ),
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_when_it_is_handed_in(
    store: Store, queued: QueuedReview, held: HeldFiles, kind: str
) -> None:
    size = len(store.repository.entries())
    good = signed(queued.folders[BEN.did], BEN)
    bad = resigned(queued.folders[ANNA.did], REFUSED[kind])
    with refused(kind):
        hand_in(store, [good, bad], held)
    assert len(store.repository.entries()) == size
    assert not held.directory.exists()


def test_who_may_hand_in(store: Store, queued: QueuedReview, held: HeldFiles) -> None:
    data = signed(queued.folders[ANNA.did], ANNA)
    with refused("not-asked"):
        signed(queued.folders[ANNA.did], OTHER)
    with refused("bad-signature"):
        hand_in(store, [data.replace(b'"ms":4000', b'"ms":4001', 1)], held)
    with refused("bad-proof"):
        hand_in(store, [encoded(decided(queued.folders[ANNA.did])[1])], held)
    hand_in(store, [data], held)
    other = signed(queued.folders[ANNA.did], ANNA, accepting)
    with refused("submitted-already"):
        hand_in(store, [other], held)
    hand_in(store, [signed(queued.folders[BEN.did], BEN)], held)
    with refused("review-closed"):
        hand_in(store, [data], held)


def test_decisions_of_others(store: Store, queued: QueuedReview, held: HeldFiles) -> None:
    opened, file = decided(queued.folders[ANNA.did])
    elsewhere = replace(file, reviewer=OTHER.did)
    other = replace(opened, folder=replace(opened.folder, reviewer=OTHER.did))
    with refused("not-asked"):
        hand_in(store, [sign_decisions(other, elsewhere, OTHER, now())], held)
    with refused("no-decisions"):
        sign_decisions(opened, replace(file, decisions=()), ANNA, now())
    with refused("other-queue"):
        sign_decisions(opened, replace(file, queue=str(opened.request.id)), ANNA, now())
    with refused("not-a-queue"):
        read_queue(store.repository, opened.request.id)


def test_a_revoked_reviewer(
    store: Store, queued: QueuedReview, held: HeldFiles, name: str, tmp_path: Path
) -> None:
    store.policy.admit(ANNA.did)
    store.policy.revoke(ANNA.did)
    with refused("retired-key"):
        hand_in(store, [signed(queued.folders[ANNA.did], ANNA)], held)
    with refused("retired-key"):
        request_review(store, name, ReviewRequest((ANNA.did,)), tmp_path / "again")


def test_closing_early(store: Store, queued: QueuedReview, held: HeldFiles) -> None:
    with refused("no-decisions"):
        close_review(store, queued.queue.name, held)
    hand_in(store, [signed(queued.folders[ANNA.did], ANNA)], held)
    made = close_review(store, queued.queue.name, held)
    assert made.waiting == (BEN.did,)
    assert made.review is not None
    assert made.review.body["figures"]["unanswered"] == 4


def test_nothing_to_adjudicate(store: Store, name: str, held: HeldFiles, tmp_path: Path) -> None:
    for adjudicator, kind in (("", "no-adjudicator"), (CARA.did, "no-disagreement")):
        asked = ReviewRequest((ANNA.did, BEN.did), 4, overlap="1", adjudicator=adjudicator)
        made = request_review(store, name, asked, tmp_path / f"queue-{kind}")
        files = [signed(made.folders[one.did], one, right) for one in (ANNA, BEN)]
        review = hand_in(store, files, held).review
        assert review is not None
        with refused(kind):
            adjudicate(store, str(review.id), tmp_path / "adjudication")


def test_a_lost_or_changed_file(store: Store, queued: QueuedReview, held: HeldFiles) -> None:
    hand_in(store, [signed(queued.folders[ANNA.did], ANNA)], held)
    (file,) = held.directory.rglob("*.json")
    before = file.read_bytes()
    file.write_bytes(before + b" ")
    with refused("bad-decision-file"):
        close_review(store, queued.queue.name, held)
    file.unlink()
    with refused("no-file"):
        close_review(store, queued.queue.name, held)
    # Given again it is kept again, and logged once.
    assert hand_in(store, [before], held).submissions == ()
    assert close_review(store, queued.queue.name, held).review is not None


def test_requests(store: Store, name: str, tmp_path: Path) -> None:
    for asked, kind in (
        (ReviewRequest(()), "bad-option"),
        (ReviewRequest((ANNA.did, ANNA.did)), "bad-option"),
        (ReviewRequest((ANNA.did,), adjudicator=ANNA.did), "bad-option"),
        (ReviewRequest((ANNA.did,), by=("court",)), "unknown-column"),
        (ReviewRequest((ANNA.did,), questions=QuestionsFile(field="court")), "unknown-column"),
    ):
        with refused(kind):
            plan_review(store, name, asked)
    with refused("not-a-dataset"):
        plan_review(store, str(store.repository.store_id), ReviewRequest((ANNA.did,)))


def test_an_interrupted_request_is_taken_up(store: Store, name: str, tmp_path: Path) -> None:
    asked = ReviewRequest((ANNA.did,), sample=3)
    folder = tmp_path / "gone" / "queue"
    with refused("not-a-folder"):
        request_review(store, name, asked, folder)
    first = request_review(store, name, asked, tmp_path / "one")
    again = request_review(store, name, asked, tmp_path / "two")
    assert (first.requests, again.requests) == (1, 2)


def test_questions() -> None:
    for text in (
        'labels = ["' + "x" * 10_000 + '"]',
        "".join(
            f'[[question]]\nid = "q{n}"\nasks = "?"\nchoices = ["a", "b"]\n' for n in range(100)
        ),
        "colour = 1",
        'labels = ["a", "a"]',
        '[[question]]\nid = "q"\nasks = "?"\nchoices = ["a"]',
    ):
        with refused("bad-questions"):
            check(parse_questions_file(text.encode()))
    with refused("bad-toml"):
        parse_questions_file(b"labels = [")


def check(file: QuestionsFile) -> None:
    from lyrikstore.review.asked import complete_questions

    complete_questions(None, replace(file, title="t"), ())  # type: ignore[arg-type]


def test_documents_are_parsed_strictly(queued: QueuedReview) -> None:
    opened, file = decided(queued.folders[ANNA.did])
    data = encoded(file)
    first = file.decisions[0]
    for bad in (
        data + b"\n",
        data.replace(b'"ms"', b'"xs"', 1),
        encoded(replace(file, decisions=(first, first))),
        encoded(replace(file, decisions=tuple(reversed(file.decisions)))),
    ):
        with refused("bad-decision-file"):
            parse_decisions(bad)
    folder = encoded(opened.folder)
    item, *_ = opened.folder.items
    for bad in (
        folder[:-1],
        folder.replace(b'"salt"', b'"salz"', 1),
        encoded(replace(opened.folder, text="texts")),
        *(
            encoded(replace(opened.folder, items=(replace(item, spans=((start, end, ""),)),)))
            for start, end in ((0, 10_000), (-1, 2), (2, 2))
        ),
    ):
        with refused("bad-queue"):
            parse_folder(bad)
    for bad in (
        b'{"item":0,"place":1,"reviewers":[0]}',
        b'{"item":0,"place":-1,"reviewers":[0]}\n',
    ):
        with refused("bad-queue"):
            parse_items(bad)
    with refused("bad-outcome"):
        parse_outcome(b"{}\n")
    assert parse_items(encoded_lines(())) == ()


def test_the_first_adjudication_counts(
    store: Store, name: str, held: HeldFiles, tmp_path: Path
) -> None:
    asked = ReviewRequest((ANNA.did, BEN.did), 0, overlap="1", adjudicator=CARA.did)
    made = request_review(store, name, asked, tmp_path / "queue")
    with refused("not-a-review"):
        adjudicate(store, str(made.queue.id), tmp_path / "none")
    files = [signed(made.folders[ANNA.did], ANNA), signed(made.folders[BEN.did], BEN, accepting)]
    review = hand_in(store, files, held).review
    assert review is not None
    # A folder can be lost: there may be two queues for the adjudicator, and one is decided.
    first, second = (
        adjudicate(store, str(review.id), tmp_path / name_).folders[CARA.did]
        for name_ in ("a", "b")
    )
    assert hand_in(store, [signed(second, CARA)], held).disagreed == 0
    with refused("review-closed"):
        hand_in(store, [signed(first, CARA)], held)
    with refused("review-closed"):
        adjudicate(store, str(review.id), tmp_path / "c")
    with refused("no-disagreement"):
        adjudicate(store, "reviews/acme/clauses", tmp_path / "d")
