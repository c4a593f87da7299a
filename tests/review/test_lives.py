"""Any life of reviews has the state of a model of them: asked, decided, closed, adjudicated."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from lyrikstore.api import Store
from lyrikstore.crypto.keys.keyring import KeyFolder
from lyrikstore.readers import all_readers
from lyrikstore.review.asked import ReviewRequest
from lyrikstore.review.folder import open_folder
from lyrikstore.review.hand_in import HandedIn, adjudicate, close_review, hand_in
from lyrikstore.review.held import HeldFiles
from lyrikstore.review.queue import request_review
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import CheckState
from lyrikstore.verify.store.object import verify_object
from tests.kinds import refused
from tests.review.conftest import ANNA, BEN, CARA, accepting, commit_rows, right, rows, signed
from tests.sweep import examples

KEYS = {"anna": ANNA, "ben": BEN, "cara": CARA}
WAYS = {True: right, False: accepting}


class Asked:
    """What the model knows of one request."""

    def __init__(self, made: Any) -> None:
        self.queue = made.queue
        self.folders = {name: made.folders.get(key.did) for name, key in KEYS.items()}
        shown = open_folder(self.folders["anna"]).folder.items
        self.wrong = sum(right(one).decision == "change" for one in shown)
        self.careful: dict[str, bool] = {}
        self.files: dict[str, bytes] = {}
        self.last = 0  # requests that the log had when the last decisions came in
        self.review: Any = None
        self.apart: list[Path] = []
        self.adjudicated = False

    @property
    def disagreed(self) -> int:
        """On how many records the reviewers disagree."""
        differ = len(set(self.careful.values())) == 2
        return self.wrong if differ and not self.adjudicated else 0


class Lives(RuleBasedStateMachine):
    """Ask, hand in, hand in again, close, adjudicate, revoke keys; a model of its own counts."""

    place: Path

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(dir=type(self).place))
        self.store = Store.create(
            self.root / "work",
            signer=signer_for("owner"),
            keys=KeyFolder(self.root / "keys"),
            memory_dir=self.root / "memory",
            trust_file=self.root / "trust.toml",
        )
        for key in KEYS.values():
            self.store.policy.admit(key.did)
        self.name = commit_rows(self.store, self.root / "data", rows(12))
        self.held = HeldFiles(self.root / "held")
        self.asked: list[Asked] = []
        self.gone: set[str] = set()
        self.folders = 0

    def _new(self) -> Path:
        self.folders += 1
        return self.root / f"folder-{self.folders}"

    def _does(self, kind: str, act: Any) -> Any:
        """Do something; hold that it is refused for this reason, or not if none is given."""
        if not kind:
            return act()
        size = len(self.store.repository.entries())
        with refused(kind):
            act()
        assert len(self.store.repository.entries()) == size
        return None

    @rule()
    def ask(self) -> None:
        asked = ReviewRequest((ANNA.did, BEN.did), 5, overlap="1", adjudicator=CARA.did)
        kind = "retired-key" if self.gone else ""
        made = self._does(kind, lambda: request_review(self.store, self.name, asked, self._new()))
        if made is not None:
            self.asked.append(Asked(made))
            assert made.requests == len(self.asked)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), who=st.sampled_from(["anna", "ben"]), careful=st.booleans())
    def submit(self, data: st.DataObject, who: str, careful: bool) -> None:
        one = data.draw(st.sampled_from(self.asked))
        file = signed(one.folders[who], KEYS[who], WAYS[careful])
        kind = ""
        if one.review is not None:
            kind = "review-closed"
        elif who in self.gone:
            kind = "retired-key"
        elif one.files.get(who, file) != file:
            kind = "submitted-already"
        taken = self._does(kind, lambda: hand_in(self.store, [file], self.held))
        if taken is not None and who in one.files:  # signed in the same second: the same file
            assert (taken.submissions, taken.review) == ((), None)
        elif taken is not None:
            one.careful[who], one.files[who] = careful, file
            one.last = len(self.asked)
            assert (taken.review is not None) == (len(one.careful) == 2)
            self._revealed(one, taken)

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.asked))
        kind = "" if one.careful else "no-decisions"
        kind = "review-closed" if one.review is not None else kind
        queue = str(one.queue.id)
        closed = self._does(kind, lambda: close_review(self.store, queue, self.held))
        if closed is not None:
            assert len(closed.waiting) == 2 - len(one.careful)
            self._revealed(one, closed)

    def _revealed(self, one: Asked, made: HandedIn) -> None:
        if made.review is None:
            return
        one.review = made.review
        figures = made.review.body["figures"]
        assert (figures["requests"], figures["disagreed"]) == (one.last, one.disagreed)
        assert figures["decided"] == (5 if one.careful else 0)
        check = verify_object(self.store, made.review.id, readers=all_readers()).check("reviews")
        assert check.state is CheckState.PASS

    @precondition(lambda self: any(one.review is not None for one in self.asked))
    @rule(data=st.data())
    def ask_the_adjudicator(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from([one for one in self.asked if one.review is not None]))
        kind = ""
        if one.disagreed == 0:
            kind = "no-disagreement"
        elif "cara" in self.gone:
            kind = "retired-key"
        review = str(one.review.id)
        made = self._does(kind, lambda: adjudicate(self.store, review, self._new()))
        if made is not None:
            assert made.queue.body["items"] == one.wrong
            one.apart.append(made.folders[CARA.did])

    @precondition(lambda self: any(one.apart for one in self.asked))
    @rule(data=st.data(), careful=st.booleans())
    def adjudicates(self, data: st.DataObject, careful: bool) -> None:
        one = data.draw(st.sampled_from([one for one in self.asked if one.apart]))
        file = signed(data.draw(st.sampled_from(one.apart)), CARA, WAYS[careful])
        kind = "retired-key" if "cara" in self.gone else ""
        kind = "review-closed" if one.adjudicated else kind
        taken = self._does(kind, lambda: hand_in(self.store, [file], self.held))
        if taken is not None:
            one.adjudicated, one.last = True, len(self.asked)
            self._revealed(one, taken)

    @rule(who=st.sampled_from(["ben", "cara"]))
    def revoke(self, who: str) -> None:
        if who not in self.gone and len(self.asked) > 1:
            self.store.policy.revoke(KEYS[who].did)
            self.gone.add(who)


def test_lives(tmp_path: Path) -> None:
    Lives.place = tmp_path
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Lives, settings=settings(max_examples=examples(12), stateful_step_count=16, deadline=None)
    )
