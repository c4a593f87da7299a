"""What a model has to be compared with (spec §13.7.1)."""

from types import SimpleNamespace
from typing import Any

import pytest

from lyrikstore.verify.evaluation.choice.baselines import (
    EMBEDDINGS,
    NEAREST,
    NEAREST_1,
    WORD_COUNTS,
    WORD_COUNTS_1,
    Rival,
    baseline_fault,
    rival_of,
)
from lyrikstore.verify.store.test_sets import has_learned_less

TRIED = {"tfidf/2": "16", "embeddings/1": "5", "peft-lora/1": ""}


def checkpoint(form: str, *formats: str, method: str = "folds") -> dict[str, Any]:
    candidates = [
        {"format": one, **({"settings": {"C": TRIED[one]}} if TRIED[one] else {})}
        for one in formats
    ]
    return {"format": form, "chosen": {"method": method, "candidates": candidates}}


def body(method: str, strength: str = "", task: str = "text-classification") -> dict[str, Any]:
    params = {"C": strength} if strength else {}
    return {"task": task, "baseline": {"method": method, "params": params}}


@pytest.mark.parametrize(
    ("of", "rival"),
    [
        ({}, Rival("tfidf")),  # of somebody's own
        ({"format": "embeddings/1"}, Rival("tfidf")),  # of one that was made before
        (checkpoint("peft-lora/1", "peft-lora/1"), Rival("tfidf")),
        (checkpoint("blend/1", "tfidf/2", "embeddings/1"), Rival("tfidf", "16")),
        (checkpoint("tfidf/2", "tfidf/2", "embeddings/1"), Rival("embeddings", "5")),
        (checkpoint("tfidf/2", "tfidf/2", "peft-lora/1"), None),  # too dear to be trained again
        (checkpoint("tfidf/2", "tfidf/2"), None),
    ],
)
def test_the_rival_is_the_strongest_cheap_candidate(of: Any, rival: Rival | None) -> None:
    assert rival_of(of) == rival


@pytest.mark.parametrize(
    ("of", "said", "fine"),
    [
        (checkpoint("blend/1", "tfidf/2", "embeddings/1"), body(WORD_COUNTS, "16"), True),
        (checkpoint("blend/1", "tfidf/2", "embeddings/1"), body(WORD_COUNTS, "0.01"), False),
        (checkpoint("blend/1", "tfidf/2", "embeddings/1"), body(WORD_COUNTS), False),
        (checkpoint("peft-lora/1", "peft-lora/1"), body(WORD_COUNTS, "3"), True),
        (checkpoint("peft-lora/1", "peft-lora/1"), body(WORD_COUNTS_1), False),
        (checkpoint("peft-lora/1", "peft-lora/1"), body(NEAREST), False),
        (checkpoint("peft-lora/1", "peft-lora/1"), body("a coin"), False),
        (checkpoint("tfidf/2", "tfidf/2", "embeddings/1"), body(EMBEDDINGS, "5"), True),
        (checkpoint("tfidf/2", "tfidf/2", "embeddings/1"), body(NEAREST), True),  # without the base
        (checkpoint("tfidf/2", "tfidf/2"), body(NEAREST_1), False),
        (checkpoint("tfidf/2", "tfidf/2"), body(EMBEDDINGS), False),
        (checkpoint("peft-lora/1", "peft-lora/1"), {"task": "text-classification"}, True),
        (checkpoint("tfidf/2", "tfidf/2"), body("a coin", task="ordinal-classification"), True),
        ({"format": "tfidf/1", "chosen": {"candidates": []}}, body(NEAREST_1), True),
        ({"format": "tfidf/1"}, body(NEAREST_1), True),
    ],
)
def test_a_weaker_baseline_is_found(of: Any, said: Any, fine: bool) -> None:
    # ATTACK A163
    assert (baseline_fault(said, of, None) == "") == fine


def test_no_checkpoint_says_of_its_rival_what_nobody_chose_among() -> None:
    # ATTACK A163: the strength is not that of anybody, so that it is chosen anew
    of = checkpoint("embeddings/1", "tfidf/2", "embeddings/1")
    of["chosen"]["candidates"][0]["settings"] = {"C": "0.000001"}
    assert rival_of(of) == Rival("tfidf")


@pytest.mark.parametrize(
    ("run", "fine"),
    [
        ({"folds": {}}, False),
        ({"candidates": [{"format": "tfidf/2"}]}, False),
        ({"candidates": [{"format": "tfidf/1"}]}, True),  # of before
    ],
)
def test_a_checkpoint_that_says_nothing_of_its_choice_has_the_rivals_of_its_run(
    run: Any, fine: bool
) -> None:
    # ATTACK A163
    assert (baseline_fault(body(NEAREST_1), {"format": "peft-lora/1"}, run) == "") == fine


class Signed:
    """As much of a manifest as is looked at."""

    def __init__(self, body: Any, **inputs: tuple[int, ...]) -> None:
        self.body, self._inputs = body, inputs

    def inputs_in(self, role: str) -> list[Any]:
        return [SimpleNamespace(id=one) for one in self._inputs.get(role, ())]


@pytest.mark.parametrize(
    ("of", "learned", "less"),
    [
        ({"refit": True}, (1, 2), False),
        ({"refit": True}, (2,), True),
        ({"refit": True}, (1,), True),  # not from the validation records, which its model knows
        ({"refit": False}, (1,), False),
        ({"refit": False}, (), False),  # it has no baseline
        ({"chosen": {}}, (3,), False),  # of before
    ],
)
def test_a_baseline_that_learned_less_is_found(of: Any, learned: Any, less: bool) -> None:
    # ATTACK A163
    model: Any = Signed({"chosen": {"method": "folds"}, **of}, train=(1,), validation=(2,))
    evaluation: Any = Signed({}, train=learned)
    assert has_learned_less(evaluation, model, None) == less


def test_a_baseline_that_learned_from_nothing_is_found() -> None:
    # ATTACK A163
    evaluation: Any = Signed({"baseline": {}})
    model: Any = Signed({}, train=(1,))
    assert has_learned_less(evaluation, model, Signed({"folds": {}}))  # type: ignore[arg-type]
    assert not has_learned_less(evaluation, model, Signed({}))  # type: ignore[arg-type]
