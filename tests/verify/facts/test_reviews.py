"""How far people reviewed labels, as rules see it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.api import Store
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.timestamps import now
from lyrikstore.credentials.terms.model import Use
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.curate.recipes.apply import apply_recipe
from lyrikstore.curate.recipes.recipe import parse_recipe
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.review.asked import ReviewRequest
from lyrikstore.review.hand_in import hand_in
from lyrikstore.review.held import HeldFiles
from lyrikstore.review.queue import request_review
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.facts.datasets import DataUse, dataset_resources
from lyrikstore.verify.facts.resource import Resource
from tests.review.conftest import ANNA, commit_rows, rows, signed, store

__all__ = ["store"]
OWNER = signer_for("owner")


@pytest.fixture
def clauses(store: Store, tmp_path: Path) -> Manifest:
    return store.repository.resolve(commit_rows(store, tmp_path / "data", rows(12)))


def resource_of(store: Store, *used: Manifest, index: int | None = None) -> Resource:
    """Return the only partition of some datasets."""
    repository = store.repository
    ids = tuple(one.id for one in used)
    at = len(repository.entries()) if index is None else index
    data = DataUse(ids, Use(("train",), repository.floor()), OWNER.did)
    (found,) = dataset_resources(repository, Lineage.read(repository, *ids), data, at)
    return found


def word(store: Store, *used: Manifest, index: int | None = None) -> str:
    return str(resource_of(store, *used, index=index).facts["labelsReviewed"])


def review(
    store: Store, tmp_path: Path, dataset: Manifest, sample: int = 0, by: KeySigner = ANNA
) -> Manifest:
    folder = tmp_path / f"queue-{len(store.repository.entries())}"
    made = request_review(store, dataset.name, ReviewRequest((by.did,), sample=sample), folder)
    done = hand_in(store, [signed(made.folders[by.did], by)], HeldFiles(tmp_path / "held"))
    assert done.review is not None
    return done.review


def derive(
    store: Store,
    name: str,
    *sources: Manifest,
    by: Digest | None = None,
    step: Mapping[str, Any] | None = None,
) -> Manifest:
    """Log a dataset that a filter made; return it."""
    repository = store.repository
    common: dict[str, Any] = {"store": repository.store_id, "signer": OWNER}
    common["created"] = now()
    body = {"recipe": {}, "steps": [dict(step or {"use": "empty/1"})], "reads": ["text"]}
    body["engine"] = "builtin/1"
    made_by = sign_manifest(kind="filter", name=f"filters/acme/{name}", body=body, **common)
    inputs = [Input("source", "dataset", one.id) for one in sources]
    inputs.append(Input("filter", "filter", made_by.id))
    if by is not None:
        inputs.append(Input("review", "review", by))
    members = {**sources[0].body, "origin": "filtered"}
    members.pop("ignored", None)
    made = sign_manifest(
        kind="dataset",
        name=f"datasets/acme/{name}",
        body=members,
        inputs=inputs,
        tree=sources[0].tree,
        files=sources[0].files,
        **common,
    )
    with open_transaction(repository) as transaction:
        transaction.log_manifest(made_by)
        transaction.log_manifest(made)
        transaction.commit()
    return made


def test_a_review_of_all_records_or_of_a_sample(
    store: Store, tmp_path: Path, clauses: Manifest
) -> None:
    assert word(store, clauses) == "unknown"
    index = len(store.repository.entries())
    some = review(store, tmp_path, clauses, 5)
    before = len(store.repository.entries())
    found = resource_of(store, clauses)
    assert (found.facts["labelsReviewed"], some.id in found.evidence) == ("sample", True)
    part = derive(store, "part", clauses)
    assert word(store, part) == "sample"
    review(store, tmp_path, clauses)
    assert (word(store, clauses), word(store, part)) == ("all", "all")
    assert word(store, clauses, index=before) == "sample"
    assert word(store, clauses, index=index) == "unknown"


def test_reviewed_records_united_with_others(
    store: Store, tmp_path: Path, clauses: Manifest
) -> None:
    """ATTACK A239: records of a review, and those of the same source that nobody reviewed."""
    done = review(store, tmp_path, clauses, 5)
    rest = derive(store, "rest", clauses)
    kept = derive(
        store, "kept", clauses, by=done.id, step={"use": "reviewed/1", "unreviewed": "keep"}
    )
    only = derive(
        store, "only", clauses, by=done.id, step={"use": "reviewed/1", "unreviewed": "drop"}
    )
    assert (word(store, kept), word(store, only)) == ("sample", "all")
    assert word(store, derive(store, "part", only)) == "all"
    assert word(store, only, rest) == "sample"
    assert word(store, derive(store, "both", only, rest)) == "sample"


def test_authors_do_not_review_their_own_labels(
    store: Store, tmp_path: Path, clauses: Manifest
) -> None:
    """ATTACK A238: an author reviews what they labelled."""
    review(store, tmp_path, clauses, by=OWNER)
    assert word(store, clauses) == "unknown"


def test_decisions_that_nobody_signed_do_not_count(
    store: Store, tmp_path: Path, clauses: Manifest
) -> None:
    """ATTACK A238: a review by its author, with the figures of somebody else's."""
    true = review(store, tmp_path, clauses, by=OWNER)
    figures = dict(true.body["figures"])
    figures["reviewers"] = [{**one, "reviewer": ANNA.did} for one in figures["reviewers"]]
    false = sign_manifest(
        kind="review",
        store=store.repository.store_id,
        name=true.name,
        signer=OWNER,
        created=now(),
        parents=(true.id,),
        body={**true.body, "figures": figures},
        inputs=true.inputs,
        attachments=true.attachments,
    )
    with open_transaction(store.repository) as transaction:
        transaction.log_manifest(false)
        transaction.commit()
    assert word(store, clauses) == "unknown"


def test_the_step_reviewed_makes_data_reviewed(
    store: Store, tmp_path: Path, clauses: Manifest
) -> None:
    done = review(store, tmp_path, clauses, 5)
    for unreviewed, expected in (("keep", "sample"), ("drop", "all")):
        recipe = f'recipe = 1\n[[step]]\nuse = "reviewed/1"\nreview = "{done.name}"\n'
        steps = parse_recipe(f'{recipe}unreviewed = "{unreviewed}"\n'.encode())
        apply_recipe(store, clauses.name, steps, f"acme/{unreviewed}")
        made = store.repository.resolve(f"datasets/acme/{unreviewed}")
        assert word(store, made) == expected
