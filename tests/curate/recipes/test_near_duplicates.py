"""Near duplicates: all pairs that are alike are found, and nothing else."""

import random
from typing import Any

import numpy as np
import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.recipes.filters.contract import FilterRecord
from lyrikstore.curate.recipes.filters.duplicates.shingles import Shingles
from tests.curate.tried import decisions_of, document, judged, row, step

USE = 'use = "near-duplicates/1"\n'
WORDS = [f"w{number}" for number in range(3000)]


def planted(pairs: int, seed: int) -> list[FilterRecord]:
    """Return texts and near copies of them, in any order."""
    chance = random.Random(seed)
    texts = []
    for _ in range(pairs):
        words = chance.choices(WORDS, k=chance.randint(30, 120))
        copy = list(words)
        for _ in range(chance.randint(0, 6)):
            copy[chance.randrange(len(copy))] = chance.choice(WORDS)
        texts += [" ".join(words), " ".join(copy)]
    chance.shuffle(texts)
    return [row(at, text=text) for at, text in enumerate(texts)]


def jaccard(one: set[int], other: set[int]) -> float:
    return len(one & other) / len(one | other)


@pytest.mark.parametrize(("threshold", "words"), [("0.8", 5), ("0.5", 3), ("0.95", 1)])
def test_every_pair_above_the_threshold_is_found_and_no_other(threshold: str, words: int) -> None:
    records = planted(150, 7)
    found = judged(step(USE + f"threshold = {threshold}\nwords = {words}"), records)
    parts = [set(Shingles(words).of(one.text or "").tolist()) for one in records]
    linked = {
        at
        for at in range(len(parts))
        for other in range(at)
        if jaccard(parts[at], parts[other]) >= float(threshold)
    }
    assert {at for at, one in enumerate(found) if one} == linked
    assert len(linked) > 30
    assert all(one is None or (one[0], one[1], one[2] < at) for at, one in enumerate(found))


def test_the_best_stays_and_its_likeness_is_reported() -> None:
    text = " ".join(WORDS[:100])
    near = step(USE)
    records = [row(0, text=text), row(1, text=f"{text} more", label="x"), row(2, text="other one")]
    judgement = decisions_of(near, records)
    assert judgement.of(0) == ("near-duplicate", True, 1)
    assert judgement.likeness(0) == ", Jaccard 0.9896"
    assert judgement.likeness(1) == ""
    assert near.detail("near-duplicate", "record 1") == "similar to record 1"
    gone = judged(
        step(USE + 'conflicts = "drop"'),
        [row(0, text=text, label="x"), row(1, text=text, label="y"), row(2, text="z")],
    )
    assert gone == [("label-conflict", True, 1), ("label-conflict", True, 0), None]


def test_the_same_clusters_whatever_the_order_of_other_texts() -> None:
    records = planted(60, 3)
    near = step(USE + "threshold = 0.6\nwords = 2")

    def clusters(some: list[FilterRecord]) -> set[frozenset[Any]]:
        found: dict[int, set[Any]] = {}
        for at, one in enumerate(judged(near, some)):
            found.setdefault(at if one is None else one[2], set()).add(some[at].text)
        return {frozenset(one) for one in found.values()}

    shuffled = random.Random(5).sample(records, len(records))
    assert clusters(shuffled) == clusters(records)


def test_many_texts_with_the_same_part_cost_no_square(monkeypatch: pytest.MonkeyPatch) -> None:
    from lyrikstore.curate.recipes.filters.duplicates import clusters

    compared = []
    real = clusters.overlap

    def counted(one: Any, other: Any) -> tuple[int, int]:
        compared.append(1)
        return real(one, other)

    monkeypatch.setattr(clusters, "overlap", counted)
    same = np.zeros((2000, 1), np.uint64)
    sets = [np.array([at, at + 1], np.uint64) for at in range(2000)]
    digests = np.arange(2000, dtype=np.uint64)
    sizes = np.full(2000, 2)
    found = clusters.clusters_of(digests, sizes, same, sets.__getitem__, clusters.BILLION)
    assert found.tolist() == list(range(2000))
    assert len(compared) <= 2000 * clusters.WINDOW


def test_documents_and_what_is_refused() -> None:
    near = step(USE)
    assert judged(near, [document("a b c d e f", "a"), document("A b c d e f", "b")])[1]
    with pytest.raises(InvalidInputError) as caught:
        judged(near, [document(None)])
    assert caught.value.kind == "undecodable-text"
    assert judged(near, []) == []
    for toml in ("threshold = 0.4", "words = 0", "words = 101", "threshold = 1.1"):
        with pytest.raises(InvalidInputError) as caught:
            step(USE + toml)
        assert caught.value.kind == "bad-recipe"
