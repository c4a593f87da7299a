"""What a model is compared with: candidates that were not taken, fitted as a run fits them."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.train.evaluation.answers import job_folds
from lyrikstore.train.snapshot import copy_base
from lyrikstore.train.worker.baselines import fit_rivals as fit
from lyrikstore.train.worker.baselines import learnable, nearest, score_baselines
from lyrikstore.train.worker.examples import Example, read_examples, targets
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.staging import TEST, TRAIN, open_staging
from lyrikstore.verify.evaluation.choice.baselines import EMBEDDINGS, NEAREST, WORD_COUNTS

pytestmark = pytest.mark.train

TEXTS = {
    "billing": ("invoice for march is wrong", "the invoice was paid twice", "send the invoice"),
    "repair": ("pump leaks again", "the pump makes noise", "please repair the pump"),
}
SINGLE: dict[str, Any] = {
    "task": "text-classification",
    "labels": [*TEXTS],
    "config": {
        "data": {},
        "model": {"max_tokens": 16, "pooling": "mean"},
        "training": {"threads": 1, "seed": 1},
    },
}


def ignore(*_: Any, **__: Any) -> None:
    """Take no notice."""


def records() -> list[Example]:
    found = []
    for at in range(4):
        for label, texts in TEXTS.items():
            for text in texts:
                words = f"{text} number {at}"
                found.append(Example(Digest.of(words.encode()), (label,), words))
    return found


@pytest.fixture
def staged(workshop) -> Iterator[StagedFiles]:
    """Give a folder with training data, a test set that is the same, and an encoder."""
    with ExitStack() as stack:
        staging = stack.enter_context(open_staging(workshop.repo.root))
        copy_base(workshop.repo, workshop.repo.resolve("checkpoints/acme/minilm"), staging)
        lines = [
            {"id": one.id.hex, "labels": list(one.labels), "text": one.text} for one in records()
        ]
        data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        for name in (TRAIN, TEST):
            staging.write(name, data)
        yield StagedFiles(staging.path, ignore)


def job(task: str = "text-classification", **rival: str) -> dict[str, Any]:
    wanted = targets(records(), SINGLE["labels"])
    found = {**SINGLE, "task": task, "folds": job_folds(1, wanted, None)}
    return {**found, "rival": rival} if rival else found


@pytest.mark.parametrize(
    ("asked", "methods", "strength"),
    [
        (job(candidate="tfidf", strength="3"), [WORD_COUNTS, NEAREST], "3"),
        (job(candidate="tfidf", strength=""), [WORD_COUNTS, NEAREST], None),
        (job("multi-label", candidate="tfidf", strength="3"), [WORD_COUNTS, NEAREST], "3"),
        (job(candidate="embeddings", strength="10"), [EMBEDDINGS, NEAREST], "10"),
        (job(), [NEAREST], None),
    ],
)
def test_each_is_fitted_and_answers_every_record(
    staged: StagedFiles, asked: Any, methods: list[str], strength: str | None
) -> None:
    answered = score_baselines(asked, staged, ignore, fit)["answered"]
    assert [one["method"] for one in answered] == methods
    if strength is not None:
        assert answered[0]["params"]["C"] == strength
    for one in answered:
        data = (staged.folder / one["scores"]).read_bytes()
        scores = np.frombuffer(data, "<i4").reshape(len(records()), 2)
        wanted = targets(read_examples(staged, TEST), SINGLE["labels"])
        assert (scores.argmax(1) == wanted.argmax(1)).all()
        assert one["params"]["trainRecords"] == len(records())


def test_the_nearest_record_is_the_first_of_equals_however_many_are_asked_at_once() -> None:
    known = np.eye(3)[[0, 0, 1]]
    wanted = np.array([[True, False], [False, True], [False, True]])

    class Sparse(np.ndarray):
        def toarray(self) -> Any:
            return np.asarray(self)

    asked = records()[:2]
    find = nearest(lambda some: np.eye(3)[: len(some)].view(Sparse), known, wanted)
    assert find(asked).argmax(1).tolist() == [0, 1]


def test_a_record_of_another_label_teaches_nothing() -> None:
    # Where answers were given, a label of the training data may be none of the model's.
    other = Example(Digest.of(b"x"), ("other",), "a third kind of letter")
    folds = job_folds(1, targets([*records(), other], SINGLE["labels"]), None)
    kept, dealt = learnable({**SINGLE, "folds": folds}, [*records(), other])
    assert (len(kept), dealt.shape[1]) == (len(records()), len(records()))
