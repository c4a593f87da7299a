"""The worker process: ``python -m lyrikstore.train.worker.main JOB.json`` in a staging folder.

Started by :mod:`lyrikstore.train.worker.process`; never by hand. Speaks JSON lines on its standard
output, and dies with its parent.
"""

import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from traceback import print_exception
from typing import Any, cast

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import parse
from lyrikstore.train.worker.errors import fault_of
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.process import emit

Job = Callable[[Mapping[str, Any], StagedFiles, Callable[..., None]], dict[str, Any]]


def main(arguments: list[str]) -> int:
    """Do the job named by the one argument and return the exit status.

    An error is reported as the last event; its traceback goes to standard error.
    """
    # ATTACK: with this package libraries fetch native code from a hub while they compute.
    sys.modules["kernels"] = cast("Any", None)
    channel = os.dup(1)
    os.dup2(2, 1)  # what libraries print must not mix with what we report
    os.set_inheritable(channel, False)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.umask(0o077)

    def on_read(name: str, digest: Digest) -> None:
        emit(channel, {"event": "read", "file": name, "blake3": digest.hex})

    files = StagedFiles(Path.cwd(), on_read)
    job = parse(files.read(arguments[0]), max_bytes=1 << 24)

    def report(phase: str, done: int, total: int, **figures: Any) -> None:
        event = {"event": "progress", "phase": phase, "done": done, "total": total, **figures}
        emit(channel, event)

    try:
        result = _job(job["job"])(job, files, report)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told why
        emit(channel, {"event": "failed", **fault_of(error, str(job["job"])).to_json()})
        with suppress(OSError):  # the log is on the disk that may be full
            print_exception(error)
        return 1
    emit(channel, {"event": "done", **result})
    return 0


def _job(name: str) -> Job:
    # Imported here: each job pays for its own libraries only.
    if name == "train":
        from lyrikstore.train.worker.fitting.fit import train

        return train
    if name == "train-writer":
        from lyrikstore.train.worker.writing.training import train_writer

        return train_writer
    if name == "generate":
        from lyrikstore.train.worker.writing.generate import generate

        return generate
    if name == "replay":
        from lyrikstore.train.worker.fitting.replay import replay

        return replay
    if name == "replay-writer":
        from lyrikstore.train.worker.writing.replay import replay_writer

        return replay_writer
    if name == "merge":
        from lyrikstore.train.worker.fitting.merge import merge

        return merge
    if name == "score":
        from lyrikstore.train.worker.scoring import score

        return score
    if name == "baseline":
        from lyrikstore.train.worker.scoring import score_baseline

        return score_baseline
    if name == "predict":
        from lyrikstore.train.worker.predicting.predict import predict

        return predict
    if name == "measure":
        from lyrikstore.train.worker.measure import measure

        return measure
    if name == "accelerator":
        from lyrikstore.train.worker.device import describe_accelerator

        return describe_accelerator
    if name in {"probe", "export", "ask"}:
        from lyrikstore.train.worker.export import jobs

        return cast("Job", getattr(jobs, name))
    raise ValueError(f"no such job: {name}")


def _die_with_parent() -> None:
    # The parent never writes; end of file means that it is gone. A worker that lived on would
    # burn hours for a result that nobody may use.
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
