"""Workers that are killed, starved or interrupted: the run fails, and the store is sound."""

import os
import resource
import signal
from pathlib import Path

import pytest

from lyrikstore.canon.errors import RunFailedError, StorageError
from tests.train.stored import assert_sound

pytestmark = [pytest.mark.train]


def children() -> list[int]:
    found = []
    for path in Path("/proc/self/task").glob("*/children"):
        found += map(int, path.read_text().split())
    return found


def test_a_worker_that_is_killed(workshop):
    others = set(children())  # servers of other tests, perhaps

    def kill(progress):
        if progress.phase == "step":
            for child in set(children()) - others:
                os.kill(child, signal.SIGKILL)

    with pytest.raises(RunFailedError, match="SIGKILL") as caught:
        workshop.train(workshop.tiny.replace('acme/tiny"', 'acme/killed"'), kill)
    assert caught.value.kind == "worker-failed"
    workshop.repo.refresh()
    assert "checkpoints/acme/killed" not in workshop.repo.refs
    assert not workshop.leftovers


@pytest.mark.ci
def test_a_staged_file_that_somebody_deletes_is_nobodys_config(workshop):
    def clean(progress):
        if progress.phase == "start" and not progress.done and "run" in progress.detail:
            for path in (workshop.repo.root / "staging").glob("work-*/base/model.safetensors"):
                path.unlink()

    with pytest.raises(StorageError, match=r"base/model\.safetensors was copied") as caught:
        workshop.train(workshop.tiny.replace('acme/tiny"', 'acme/cleaned"'), clean)
    assert caught.value.kind == "staging-lost"
    assert "run it again" in caught.value.hint


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of others are Linux's")
@pytest.mark.ci
def test_a_worker_without_memory_says_so(workshop, real_workers):
    others = set(children())

    def starve(progress):
        if progress.phase == "step":
            for child in set(children()) - others:
                resource.prlimit(child, resource.RLIMIT_AS, (1 << 20, 1 << 20))

    large = workshop.tiny.replace('acme/tiny"', 'acme/starved"').replace(
        "max_tokens = 16", "max_tokens = 256"
    )
    with pytest.raises(RunFailedError, match="ran out of memory") as caught:
        workshop.train(large, starve)
    assert caught.value.kind == "out-of-memory"
    assert "batch_size" in caught.value.hint
    assert not workshop.leftovers


def test_ctrl_c(workshop):
    others = set(children())

    def interrupt(progress):
        if progress.phase == "step":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workshop.train(workshop.tiny.replace('acme/tiny"', 'acme/stopped"'), interrupt)
    assert set(children()) <= others
    workshop.repo.refresh()
    assert "runs/acme/stopped" in workshop.repo.refs
    assert "checkpoints/acme/stopped" not in workshop.repo.refs
    assert not workshop.leftovers
    assert_sound(workshop)
