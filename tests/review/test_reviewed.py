"""``reviewed/1``: records follow what people decided about them."""

import json
from pathlib import Path

import pytest

from lyrikstore.api import Store
from lyrikstore.curate.recipes.apply import FilterResult, apply_recipe
from lyrikstore.curate.recipes.explain.why import why
from lyrikstore.curate.recipes.recipe import parse_recipe
from lyrikstore.curate.recipes.references import read_dataset_records
from lyrikstore.history.repository.retired import Retirements
from lyrikstore.review.asked import ReviewRequest
from lyrikstore.review.hand_in import hand_in
from lyrikstore.review.held import HeldFiles
from lyrikstore.review.queue import request_review
from lyrikstore.verify.review.model import OUTCOME, FolderItem, RecordDecision
from tests.kinds import refused
from tests.review.conftest import ANNA, BEN, LABELS, commit_rows, right, rows, signed
from tests.review.test_attacks import forged

REVIEW = "reviews/acme/clauses"


def first_rejected(item: FolderItem) -> RecordDecision:
    """Return the decision of somebody who rejects one record."""
    if item.fields["text"].startswith("clause 7 "):
        return RecordDecision(item.item, "reject", 5000)
    return right(item)


def review(store: Store, folder: Path, name: str, *, sample: int = 0) -> str:
    """Have a dataset reviewed by two people; return the review."""
    asked = ReviewRequest((ANNA.did, BEN.did), sample=sample, overlap="1")
    queued = request_review(store, name, asked, folder / "queue")
    files = [signed(queued.folders[who.did], who, first_rejected) for who in (ANNA, BEN)]
    done = hand_in(store, files, HeldFiles(folder / "held"))
    assert done.review is not None
    return done.review.name


def step(ref: str = REVIEW, more: str = "") -> bytes:
    """Return a recipe with the step."""
    return f'recipe = 1\n[[step]]\nuse = "reviewed/1"\nreview = "{ref}"\n{more}'.encode()


def applied(store: Store, name: str, recipe: bytes, as_name: str = "acme/right") -> FilterResult:
    """Apply a recipe."""
    return apply_recipe(store, name, parse_recipe(recipe), as_name)


def labels(store: Store, name: str) -> list[object]:
    """Return the labels of a dataset."""
    manifest = store.repository.resolve(name)
    return [one.fields["label"] for one in read_dataset_records(store.repository, manifest)]


def test_a_whole_review(store: Store, tmp_path: Path) -> None:
    name = commit_rows(store, tmp_path / "data", rows(20))
    ref = review(store, tmp_path, name)
    done = applied(store, name, step(ref))
    (counts,) = done.counts.values()
    assert (counts["in"], counts["kept"], counts["dropped"]) == (20, 19, 1)
    assert done.dropped == {"rejected": 1}
    assert done.changed == {"changed-by-review": 4}
    assert done.reported == {"accepted": 15}
    assert not done.notes
    assert labels(store, "datasets/acme/right") == [LABELS[n % 3] for n in range(20) if n != 7]
    made = done.manifests[""]
    assert [
        one.name for one in map(store.repository.manifest, [i.id for i in made.inputs_in("review")])
    ] == [ref]
    assert applied(store, name, step(ref)).unchanged
    explained = why(store.repository, "acme/right", "rows.jsonl:1")
    changed = explained.stages[0].decisions[0]
    short = store.repository.resolve(ref).id.short
    assert (changed.reason, changed.detail) == ("changed-by-review", f"by {short}, 2 of 2 agree")


@pytest.mark.parametrize("unreviewed", ["keep", "drop"])
def test_a_sample_says_so(store: Store, tmp_path: Path, unreviewed: str) -> None:
    name = commit_rows(store, tmp_path / "data", rows(20))
    ref = review(store, tmp_path, name, sample=8)
    done = applied(store, name, step(ref, f'unreviewed = "{unreviewed}"\n'))
    counted = done.reported if unreviewed == "keep" else done.dropped
    assert counted["not-reviewed"] == 12
    assert len(done.notes) == 1
    derivation = done.manifests[""].body["derivation"]
    assert derivation["reported" if unreviewed == "keep" else "dropped"]["not-reviewed"] == 12


def test_several_labels_stay_lists(store: Store, tmp_path: Path) -> None:
    some = [{"text": f"clause {n} on law", "label": ["audit", "law"]} for n in range(6)]
    name = commit_rows(store, tmp_path / "data", some)
    ref = review(store, tmp_path, name)
    applied(store, name, step(ref))
    assert labels(store, "datasets/acme/right") == [["law"]] * 6


def test_what_is_refused(store: Store, tmp_path: Path) -> None:
    name = commit_rows(store, tmp_path / "data", rows(20))
    ref = review(store, tmp_path, name)
    with refused("not-a-review"):
        applied(store, name, step(name))
    with refused("bad-recipe"):
        parse_recipe(step().replace(b"[[step]]", b'[[step]]\nuse = "drop-empty/1"\n[[step]]'))
    # ATTACK A229: a review that somebody made up.
    made = store.repository.resolve(ref)
    outcome = store.repository.blobs.read(made.attachments_in(OUTCOME)[0].id, max_bytes=1 << 20)
    lines = [json.loads(one) for one in outcome.splitlines()]
    lines[0]["outcome"] = "reject"
    del lines[0]["value"]
    data = b"".join(
        json.dumps(one, sort_keys=True, separators=(",", ":")).encode() + b"\n" for one in lines
    )
    forged(store, made, attachments={OUTCOME: data})
    size = len(store.repository.entries())
    with refused("not-verified"):
        applied(store, name, step(ref))
    # ATTACK A228: a review of another version.
    commit_rows(store, tmp_path / "data", rows(21))
    with refused("other-version"):
        applied(store, name, step(made.id.hex))
    assert size + 2 >= len(store.repository.entries()) > size


def test_views_and_retention(store: Store, tmp_path: Path) -> None:
    """A retired dataset takes the labels and notes of its reviews with it."""
    name = commit_rows(store, tmp_path / "data", rows(20))
    made = store.repository.resolve(review(store, tmp_path, name, sample=8))
    sql = "SELECT items, change + reject + accept, requests, rubber_stamps FROM reviews"
    assert list(store.query.sql(sql).rows) == [(8, 8, 1, 0)]
    sql = "SELECT count(*), min(agree), max(len(was)) FROM review_outcomes"
    assert list(store.query.sql(sql).rows) == [(8, 2, 1)]
    dataset = store.repository.resolve(name)
    gone = Retirements(frozenset({dataset.id})).gone(made)
    assert {one.role for one in gone} == {"decisions", "outcome"}
