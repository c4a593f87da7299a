"""How a training went is attached to its checkpoint, and drawn on the page of the run."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.api import Store
from lyrikstore.api.commands import page_of
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.timestamps import now
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.train.formats.history import MAX_SNAPSHOTS, read_history, write_history
from lyrikstore.web.pages.run import run_facts, run_page
from tests.kinds import refused

pytestmark = pytest.mark.train


def test_the_loss_of_every_step_is_in_it(trained, workshop, tmp_path):
    store = Store(workshop.repo, LogMemory(tmp_path / "memory"), tmp_path / "trust.toml", now)
    *earlier, final = trained.checkpoints
    assert all(store.models.history(one) is None for one in earlier)
    history = store.models.history(final)
    assert history["candidate"] == "lora"
    assert history["steps"] == final.body["step"]
    assert len(history["epochs"]) == 2
    assert history["epochs"][-1]["trainLoss"] == final.body["metrics"]["trainLoss"]
    page = page_of(store, trained.run)
    assert b"<svg" in page
    assert b"peft-lora/1" in page


def test_a_page_shows_names_and_runs_none_of_them():
    name = "runs/a/<script>alert(1)</script>"
    body = {"order": {"records": {"train": 1, "validation": 1}}, "plan": {}}
    run = {"id": "x", "name": name, "created": "2026", "body": body}
    page = run_page(run_facts(run, None, None, store="s"))
    assert b"<script>" not in page


@given(st.lists(st.floats(0, 1e6), max_size=3 * MAX_SNAPSHOTS))
def test_whatever_was_lost_is_read_again(losses):
    epochs = [{"trainLoss": "0.5000", "score": "0.2500"}]
    found = read_history(write_history("lora", losses, epochs))
    assert found["steps"] == len(losses)
    assert len(found["loss"]) <= MAX_SNAPSHOTS
    assert (not losses) == (not found["loss"])


GOOD = json.loads(write_history("lora", [1.0, 0.5], [{"trainLoss": "0.75", "score": "0.5"}]))


@given(
    st.sampled_from(sorted(GOOD)),
    st.none() | st.integers() | st.text(max_size=4) | st.lists(st.integers() | st.text(max_size=3)),
)
def test_another_value_is_read_or_refused(member, value):
    try:
        found = read_history(json.dumps({**GOOD, member: value}).encode())
    except FormatError:
        return
    for text in (*found["loss"], *(one["score"] for one in found["epochs"])):
        float(text)


def test_what_is_no_history():
    with refused("bad-history"):
        read_history(json.dumps({**GOOD, "steps": "many"}).encode())
