"""A run that was killed at any step goes on to the same bytes as one that was not."""

import json
import os
import shutil
import signal
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from lyrikstore.api.purge import _runs_on
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import ConflictError, NotFoundError, RunFailedError
from lyrikstore.testing.keys import signer_for
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.replay.resume_state import forget_resume_state, resume_state_folder
from lyrikstore.train.replay.segment_store import segments_folder
from lyrikstore.train.run import train_run
from tests.sweep import thinned

pytestmark = pytest.mark.train

OWNER = signer_for("train owner")


class StoppedError(Exception):
    """What stops a run where a test wants it."""


def go(workshop, config, cache, *, resume=False, stop_at=None, seconds=0, seen=None):
    """Train with points as often as can be; stop before a step."""

    def progress(event):
        if seen is not None:
            seen.append(event)
        if event.phase == "step" and stop_at is not None and event.done >= stop_at:
            raise StoppedError

    return train_run(
        workshop.context(progress=progress, cache=cache),
        TrainConfig.parse(config.encode()),
        snapshot_seconds=seconds,
        resume=resume,
    )


def config_of(workshop, name, candidate="lora", keep="best"):
    text = workshop.tiny.replace("checkpoints/acme/tiny", f"checkpoints/acme/{name}")
    text = text.replace('["lora"]', f'["{candidate}"]')
    text = text.replace(
        'keep = "every-epoch"', f'keep = "{keep}"\nbatch_size = 4\naccumulate = 2\ndropout = 0.3'
    )
    return text.replace("epochs = 1", "epochs = 3")


def files_of(workshop, manifest):
    return {entry.path: entry.blake3 for entry in workshop.repo.tree(manifest).entries}


@pytest.mark.parametrize(
    ("candidate", "keep", "stop_at"),
    thinned(
        [
            ("lora", "best", 5),
            ("lora", "every-epoch", 8),
            ("full", "best", 4),
            ("lora", "best", 1),
            ("lora", "last", 9),
            ("full", "every-epoch", 7),
        ],
        1,
    ),
)
def test_it_goes_on_to_the_same_bytes(workshop, tmp_path, candidate, keep, stop_at):
    name = f"resumed-{candidate}-{keep}-{stop_at}"
    whole = go(workshop, config_of(workshop, f"{name}-whole", candidate, keep), None)
    config = config_of(workshop, name, candidate, keep)
    with pytest.raises(StoppedError):
        go(workshop, config, tmp_path, stop_at=stop_at)
    entries = workshop.repo.checkpoint.size
    seen = []
    if stop_at + 2 < 9:  # interrupted twice
        with pytest.raises(StoppedError):
            go(workshop, config, tmp_path, resume=True, stop_at=stop_at + 2)
    assert workshop.repo.checkpoint.size == entries  # one run, announced once
    result = go(workshop, config, tmp_path, resume=True, seen=seen)
    assert [files_of(workshop, one) for one in result.checkpoints] == [
        files_of(workshop, one) for one in whole.checkpoints
    ]
    assert [one.body["metrics"]["trainLoss"] for one in result.checkpoints] == [
        one.body["metrics"]["trainLoss"] for one in whole.checkpoints
    ]
    steps = [one.done for one in seen if one.phase == "step"]
    assert all(before < after for before, after in pairwise(steps))
    if stop_at > 1:
        assert any(one.phase == "resume" for one in seen)
        assert steps[0] > 1  # what was done is not done again
    assert not resume_state_folder(tmp_path, result.run.name).exists()


@pytest.mark.ci
def test_a_killed_worker_leaves_a_point(workshop, real_workers, tmp_path):
    config = config_of(workshop, "killed-worker")

    def kill(event):
        if event.phase == "step" and event.done == 4:
            (child,) = [
                int(path.parent.name)
                for path in Path("/proc").glob("[0-9]*/cmdline")
                if b"lyrikstore.train.worker.main" in path.read_bytes()
                and f"PPid:\t{os.getpid()}\n" in (path.parent / "status").read_text()
            ]
            os.kill(child, signal.SIGKILL)

    with pytest.raises(RunFailedError):
        train_run(
            workshop.context(progress=kill, cache=tmp_path),
            TrainConfig.parse(config.encode()),
            snapshot_seconds=0,
        )
    seen = []
    go(workshop, config, tmp_path, resume=True, seen=seen)
    assert next(one for one in seen if one.phase == "resume").detail["step"] >= 1


def test_changed_lost_and_foreign_points_are_not_used(workshop, tmp_path):
    config = config_of(workshop, "hostile-points")
    with pytest.raises(StoppedError):
        go(workshop, config, tmp_path, stop_at=5)
    (folder,) = (tmp_path / "points").iterdir()
    for harm in thinned((_flip, _cut, _drop, _other_list, _nonsense, _other_key), 2):
        copy = tmp_path / f"cache-{harm.__name__}"
        target = copy / "points" / folder.name
        shutil.copytree(folder, target)
        harm(target)
        seen = []
        with pytest.raises(StoppedError):
            go(workshop, config, copy, resume=True, seen=seen, stop_at=2)
        # From the first step on, and never from what somebody else wrote.
        assert not any(one.phase == "resume" for one in seen), harm
        assert next(one.done for one in seen if one.phase == "step") == 1


def _points(folder):
    return sorted(folder.glob("*.safetensors"))


def _flip(folder):
    for path in _points(folder):
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)


def _cut(folder):
    for path in _points(folder):
        path.write_bytes(path.read_bytes()[:-100])


def _drop(folder):
    for path in _points(folder):
        path.unlink()


def _other_list(folder):
    document = json.loads((folder / "points.json").read_bytes())
    document["record"] = document["record"].replace("lora-", "lora-0")
    (folder / "points.json").write_text(json.dumps(document))


def _other_key(folder):
    document = json.loads((folder / "points.json").read_bytes())
    record = document["record"].encode()
    document["signature"] = signer_for("a thief").sign(b"lyrikstore points 1\n" + record).hex()
    (folder / "points.json").write_text(json.dumps(document))


def _nonsense(folder):
    (folder / "points.json").write_bytes(b"[" * 100_000)


def test_only_the_same_run_goes_on(workshop, tmp_path):
    config = config_of(workshop, "same-run")
    with pytest.raises(NotFoundError) as caught:
        go(workshop, config, tmp_path, resume=True)
    assert caught.value.kind == "no-run"
    with pytest.raises(StoppedError):
        go(workshop, config, tmp_path, stop_at=5)
    size = workshop.repo.checkpoint.size
    for change in (("epochs = 3", "epochs = 4"), ("threads = 1", "threads = 1\nseed = 2")):
        with pytest.raises(ConflictError) as differs:
            go(workshop, config.replace(*change), tmp_path, resume=True)
        assert differs.value.kind == "run-differs"
        assert differs.value.details["members"][0] == "config"
    assert workshop.repo.checkpoint.size == size
    go(workshop, config, tmp_path, resume=True)
    with pytest.raises(NotFoundError):  # it gave what it announced
        go(workshop, config, tmp_path, resume=True)


def test_points_of_what_was_retired_go(tmp_path):
    retired, kept = Digest.of(b"retired"), Digest.of(b"kept")
    manifests = {Digest.of(bytes([n])): one for n, one in enumerate((retired, kept, retired))}
    names = ("runs/acme/old", "runs/acme/new", "datasets/acme/derived")
    runs = {
        identity: SimpleNamespace(name=name, inputs=[SimpleNamespace(id=used)])
        for (identity, used), name in zip(manifests.items(), names, strict=True)
    }
    repository = SimpleNamespace(
        refs={
            one.name: SimpleNamespace(name=one.name, history=[identity])
            for identity, one in runs.items()
        },
        manifest=runs.__getitem__,
    )
    assert list(_runs_on(repository, {retired})) == ["runs/acme/old"]
    for name in names[:2]:
        for folder in (
            resume_state_folder(tmp_path, name),
            segments_folder(tmp_path, name) / "one",
        ):
            folder.mkdir(parents=True)
            (folder / "point").write_bytes(b"12345")
    assert forget_resume_state(tmp_path, "runs/acme/old") == 10
    assert forget_resume_state(tmp_path, "runs/acme/old") == 0
    assert len(list(tmp_path.rglob("point"))) == 2
