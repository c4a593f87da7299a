"""Where reviews meet retention and clones."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from lyrikstore.api import Store
from lyrikstore.crypto.keys.keyring import KeyFolder
from lyrikstore.review.asked import ReviewRequest
from lyrikstore.review.hand_in import adjudicate, close_review, hand_in
from lyrikstore.review.held import HeldFiles
from lyrikstore.review.queue import request_review
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import ACCEPTED, CheckState, Report
from tests.kinds import refused
from tests.review.conftest import ANNA, BEN, CARA, accepting, commit_rows, rows, signed
from tests.review.test_reviewed import applied, review, step

RIGHT = "datasets/acme/right"
REVIEW, QUEUE = "reviews/acme/clauses", "queues/acme/clauses"


def cloned(store: Store, folder: Path, only: Iterable[str] | None, *, for_audit: bool) -> Store:
    """Return a clone of the same user."""
    clone, _ = Store.clone(
        str(store.repository.location),
        folder,
        memory_dir=folder.parent / f"{folder.name}-memory",
        trust_file=folder.parent / "trust.toml",
        keys=KeyFolder(folder.parent / "keys"),
        signer=signer_for("owner"),
        only=None if only is None else tuple(only),
        for_audit=for_audit,
    )
    return clone


def troubled(report: Report) -> dict[str, CheckState]:
    """Return the checks of a report that have a problem."""
    return {one.id: one.state for one in report.checks if one.state not in ACCEPTED}


def test_a_retired_dataset(store: Store, tmp_path: Path) -> None:
    """What can be computed no more is called retired, by every way to it, and is not handed out."""
    name = commit_rows(store, tmp_path / "data", rows(20))
    asked = ReviewRequest(
        (ANNA.did, BEN.did), by=("label",), sample=18, overlap="1", adjudicator=CARA.did
    )
    queued = request_review(store, name, asked, tmp_path / "queue")
    held = HeldFiles(tmp_path / "held")
    files = [
        signed(queued.folders[ANNA.did], ANNA),
        signed(queued.folders[BEN.did], BEN, accepting),
    ]
    made = hand_in(store, files, held, destination=tmp_path / "apart")
    assert made.adjudication is not None
    applied(store, name, step())
    waiting = request_review(store, name, asked, tmp_path / "queue-2", name="acme/again")
    commit_rows(store, tmp_path / "data", rows(21))
    for purge in (False, True):
        store.datasets.gc(keep=("acme/clauses", 1), purge=purge)
        assert troubled(store.verify(name)) == {}
        for ref in (None, REVIEW, QUEUE, RIGHT):
            found = troubled(store.verify(ref))
            assert found == {"manifests": CheckState.WARN, "reviews": CheckState.WARN}
            detail = store.verify(ref).check("reviews").detail
            assert detail["reason"] == "retired"
    size = len(store.repository.entries())
    for again in (
        [signed(made.adjudication.folders[CARA.did], CARA)],
        [signed(waiting.folders[ANNA.did], ANNA)],
    ):
        with refused("retired"):
            hand_in(store, again, held)
    with refused("retired"):
        adjudicate(store, REVIEW, tmp_path / "apart-2")
    with refused("retired"):
        applied(store, queued.request.inputs_in("dataset")[0].id.hex, step(), "acme/other")
    assert len(store.repository.entries()) == size
    assert not list((tmp_path / "held").rglob("*.json"))
    assert list(store.query.sql("SELECT items FROM reviews").rows) == [(18,)]
    assert list(store.query.sql("SELECT * FROM review_outcomes").rows) == []


@pytest.mark.parametrize("how", ["whole", "part", "audit"])
def test_clones(store: Store, tmp_path: Path, how: str) -> None:
    name = commit_rows(store, tmp_path / "data", rows(20))
    review(store, tmp_path, name, sample=10)
    applied(store, name, step())
    only = ["acme/right"] if how == "part" else None
    clone = cloned(store, tmp_path / how, only, for_audit=how == "audit")
    lost = CheckState.UNCHECKED
    for ref in (None, REVIEW, RIGHT):
        found = troubled(clone.verify(ref))
        assert found.get("reviews") == (None if how == "whole" else lost)
        assert set(found.values()) <= {lost}
    # What is asked and decided at home after that is pulled.
    asked = ReviewRequest((ANNA.did,), sample=4)
    queued = request_review(store, name, asked, tmp_path / "queue-2", name="acme/again")
    file = signed(queued.folders[ANNA.did], ANNA)
    size = len(store.repository.entries())
    home = str(tmp_path / "work")
    clone.remotes.pull(home)
    with refused("not-home"):
        hand_in(clone, [file], HeldFiles(tmp_path / "held"))
    with refused("not-home"):
        close_review(clone, "queues/acme/again", HeldFiles(tmp_path / "held"))
    with refused("not-home"):
        adjudicate(clone, REVIEW, tmp_path / "apart")
    assert not list((tmp_path / "held").rglob("*.json"))
    assert len(store.repository.entries()) == size
    hand_in(store, [file], HeldFiles(tmp_path / "held"))
    clone.remotes.pull(home)
    assert set(troubled(clone.verify("reviews/acme/again")).values()) <= {lost}
    if how == "audit":
        return
    # Data that a clone adds is reviewed at home, once it was pushed.
    commit_rows(clone, tmp_path / "data", rows(9), "acme/ours")
    clone.remotes.push(home)
    store.repository.refresh()
    folder = tmp_path / "third"
    folder.mkdir()
    review(store, folder, "datasets/acme/ours")
    clone.remotes.pull(home)
    assert troubled(clone.verify("reviews/acme/ours")) == {}
    applied(clone, "datasets/acme/ours", step("reviews/acme/ours"), "acme/ours-right")
    clone.remotes.push(home)
    store.repository.refresh()
    assert troubled(store.verify("datasets/acme/ours-right")) == {}
