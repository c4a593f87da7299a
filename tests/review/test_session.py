"""A reviewer's session: what is open, undo, blind answers, autosave."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.timestamps import now
from lyrikstore.review.asked import QuestionsFile, ReviewRequest
from lyrikstore.review.folder import OpenedFolder, open_folder
from lyrikstore.review.session import AUTOSAVE, DecidingSession, resume, save
from lyrikstore.review.sign import sign_decisions
from lyrikstore.verify.review.model import encoded
from tests.review.conftest import ANNA, BEN, commit_rows, rows


@pytest.fixture
def handed(store, tmp_path):
    """Folders by whether the queue is blind."""

    def make(*, blind: bool) -> tuple[OpenedFolder, Path]:
        ref = commit_rows(store, tmp_path / "rows", rows(12))
        asked = ReviewRequest(
            reviewers=(ANNA.did, BEN.did),
            overlap="1",
            blind=blind,
            questions=QuestionsFile(reasons=("wrong",)),
        )
        folder = store.reviews.request(ref, asked, tmp_path / "queue").folders[ANNA.did]
        return open_folder(folder), folder

    return make


def test_each_key_is_kept_and_undone(handed) -> None:
    opened, path = handed(blind=False)
    session = resume(opened, path)
    first = session.item
    assert not session.undo()
    session.decide("change", 900, value=first.candidate)  # the same value: accepted
    session.skip()
    session.decide("reject", 100, reason="wrong", note="no clause")
    session.decide("cannot-say", -5)
    save(session, path)
    again = resume(open_folder(path), path)
    assert (again.decided, again.mean_ms) == (3, 333)
    assert again.item == opened.folder.items[1]  # what was skipped comes first
    assert again.undo()
    assert again.item == opened.folder.items[3]
    again.decide("accept", 1)
    while again.item is not None:
        again.decide("accept", 1)
    assert again.position == 0
    made = {one.item: one for one in again.file().decisions}
    assert made[first.item].decision == "accept"
    save(again, path)
    signed = sign_decisions(opened, again.file(), ANNA, now())
    assert signed.count(b'"item":') == 12


def test_a_blind_answer_stays_once_the_candidate_was_shown(handed) -> None:
    """ATTACK A236: who saw the candidate quits, or undoes, and gives another blind answer."""
    opened, path = handed(blind=True)
    session = resume(opened, path)
    item = session.item
    wrong = next(one for one in opened.folder.questions.labels if one not in item.candidate)
    assert not session.shows_candidate
    session.answer((wrong,), 5)
    assert session.shows_candidate
    session.answer(item.candidate, 5)  # too late
    assert session.answered == (wrong,)
    save(session, path)
    later = resume(opened, path)
    assert later.item != item
    assert later.undo()
    assert (later.item, later.answered) == (item, (wrong,))
    later.decide("accept", 5)
    assert later.undo()
    save(later, path)
    (kept,) = resume(opened, path).file().decisions
    assert (kept.blind, kept.decision, kept.value) == ((wrong,), "change", (wrong,))
    session.decide("change", 9, value=item.candidate)
    session.decide("cannot-say", 9)  # without an answer, the candidate is not shown
    assert [one.blind for one in session.file().decisions if one.item != item.item] == [()]
    sign_decisions(opened, session.file(), ANNA, now())


@pytest.mark.parametrize("change", ["queue", "item", "reason", "json"])
def test_an_autosave_of_something_else(handed, change) -> None:
    opened, path = handed(blind=False)
    session = DecidingSession(opened)
    session.decide("reject", 1)
    file = session.file()
    (one,) = file.decisions
    other = {
        "queue": replace(file, queue="blake3:" + "0" * 64),
        "item": replace(file, decisions=(replace(one, item=99),)),
        "reason": replace(file, decisions=(replace(one, reason="tired"),)),
        "json": None,
    }[change]
    (path / AUTOSAVE).write_bytes(b"{" if other is None else encoded(other))
    kinds = {"queue": "other-queue", "item": "unknown-item"}
    with pytest.raises(LyrikstoreError) as caught:
        resume(opened, path)
    assert caught.value.kind == kinds.get(change, "bad-decision-file")
