"""What training refuses where the rest of it need not run: kinds of errors."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from lyrikstore.canon.progress import silent
from lyrikstore.train.plan.defaults import Proposal
from lyrikstore.train.reproduction import replay
from lyrikstore.train.task import find_task
from lyrikstore.train.tasks import generation
from tests.kinds import refused

NOBODY = cast("Any", None)


def test_only_what_is_generated_is_sampled() -> None:
    with refused("no-sample"):
        find_task("text-classification").evaluate(NOBODY, NOBODY, sample=5, device="cpu")


def test_without_fields_of_a_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "conversation_fields", lambda *_: {})
    proposal = cast("Proposal", Proposal({"train": "acme/rows"}, "checkpoints/a/b"))
    with refused("no-prompt"):
        find_task("sft").propose(cast("Any", SimpleNamespace(resolve=str)), proposal)


def test_segments_are_drawn_after_the_checkpoint_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = SimpleNamespace(body={replay.ROLE: {}}, id="id", name="acme/model")
    monkeypatch.setattr(replay, "begin_again", lambda *_: (NOBODY, [checkpoint]))
    head = SimpleNamespace(size=7)
    repository = SimpleNamespace(checkpoint=SimpleNamespace(head=head), index_of=lambda _: 7)
    context = cast("Any", SimpleNamespace(repository=repository, progress=silent))
    with refused("not-in-log"):
        replay.replay_segments(context, "acme/model", 1, nonce=b"n")
