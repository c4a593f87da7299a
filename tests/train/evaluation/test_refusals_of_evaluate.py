"""What ``evaluate`` refuses of a model whose data or rights are gone, and what it says to do."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import PolicyError
from lyrikstore.train.evaluation import evaluate
from tests.kinds import refused

TRAIN, VALIDATION = Digest.of(b"train"), Digest.of(b"validation")
CHECKPOINT = cast(
    "Any",
    SimpleNamespace(
        name="checkpoints/acme/model",
        inputs=[
            SimpleNamespace(role="train", id=TRAIN),
            SimpleNamespace(role="validation", id=VALIDATION),
        ],
    ),
)
TEST = cast("Any", SimpleNamespace(name="datasets/acme/held.test"))


@pytest.mark.parametrize("gone", [TRAIN, VALIDATION], ids=["train", "validation"])
def test_of_retired_data_the_next_step_is_named(monkeypatch: pytest.MonkeyPatch, gone) -> None:
    repository = cast(
        "Any",
        SimpleNamespace(
            manifest=lambda _: SimpleNamespace(name="datasets/acme/data"),
            refs={"evaluations/acme/model"},
        ),
    )
    monkeypatch.setattr(evaluate, "retired_versions", lambda _: frozenset({gone}))
    with refused("retired") as found:
        evaluate.check_present(repository, CHECKPOINT)
    assert "log evaluations/acme/model" in found.value.hint
    monkeypatch.setattr(evaluate, "retired_versions", lambda _: frozenset())
    evaluate.check_present(repository, CHECKPOINT)


def test_without_the_right_to_the_training_data_answers_can_be_measured() -> None:
    error = PolicyError("rights-missing", "none", hint="permit it", details={"missing": []})
    found = evaluate.with_other_way(error, CHECKPOINT, TEST)
    assert (found.kind, found.details) == (error.kind, error.details)
    assert "evaluate checkpoints/acme/model --on acme/held.test --predictions" in found.hint
    other = PolicyError("log-behind", "none", hint="pull")
    assert evaluate.with_other_way(other, CHECKPOINT, TEST) is other
