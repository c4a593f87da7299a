"""A run of a generative model goes on to the same bytes."""

import pytest

from lyrikstore.testing.keys import signer_for
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.run import train_run
from tests.writers import CONFIG, write_model, write_rows

pytestmark = [pytest.mark.train, pytest.mark.ci]

OWNER = signer_for("train owner")


class StoppedError(Exception):
    """What stops a run where the test wants it."""


def go(workshop, name, cache, *, resume=False, stop_at=None, seen=None):
    def progress(event):
        if seen is not None and event.phase == "step":
            seen.append(event.done)
        if event.phase == "step" and stop_at is not None and event.done >= stop_at:
            raise StoppedError

    config = CONFIG.replace("checkpoints/acme/writer", f"checkpoints/acme/{name}")
    config = config.replace("rank = 4", "rank = 4\ndropout = 0.3")
    return train_run(
        workshop.context(progress=progress, cache=cache),
        TrainConfig.parse(config.encode()),
        snapshot_seconds=0,
        resume=resume,
    )


def test_it_goes_on_to_the_same_bytes(workshop, tmp_path):
    folder = write_model(tmp_path / "tiny")
    files = [(path.name, path.read_bytes(), {}) for path in sorted(folder.iterdir())]
    workshop.put(
        "checkpoint", "checkpoints/acme/tiny", files, origin="imported", format="transformers/1"
    )
    for part, file in write_rows(tmp_path / "rows").items():
        data = file.read_bytes()
        made = workshop.put(
            "dataset",
            f"datasets/acme/talk.{part}",
            [("rows.jsonl", data, {})],
            reader="jsonl/1",
            records=12,
            bytes=len(data),
            fileCount=1,
            origin="committed",
            descriptor={},
        )
        workshop.permit(made, "train", "evaluate")
    whole = go(workshop, "writer-whole", None)
    with pytest.raises(StoppedError):
        go(workshop, "writer", tmp_path / "cache", stop_at=3)
    seen = []
    result = go(workshop, "writer", tmp_path / "cache", resume=True, seen=seen)
    assert result.checkpoint.tree == whole.checkpoint.tree
    assert seen[0] > 1
