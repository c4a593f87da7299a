"""The worker process: ``python -m lyrikstore.train.worker.main JOB.json`` in a staging folder.

:mod:`lyrikstore.train.worker.process` starts it; never start it by hand. It writes JSON lines to
its standard output, and ends when its parent ends.
"""

import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from traceback import print_exception
from typing import Any, cast

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import parse
from lyrikstore.train.task import find_task
from lyrikstore.train.worker.errors import fault_of
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.process import emit

Job = Callable[[Mapping[str, Any], StagedFiles, Callable[..., None]], dict[str, Any]]


_JOBS = {
    "train": "training.fit:train",
    "folds": "training.adapter_folds:train_folds",
    "replay": "training.replay:replay",
    "measure": "measure:measure",
    "merge": "training.merge:merge",
    "export": "targets.jobs:export",
    "ask": "targets.jobs:ask",
    "convert": "gguf_import.convert:convert",
    "accelerator": "device:describe_accelerator",
}
"""Job → the function of this package that does it; only the module of the job is imported."""

_OF_TASKS = frozenset({"score", "baseline", "predict", "probe"})
"""Jobs that are done by the method of the same name of the task."""

LABELLING = frozenset({"text-classification", "multi-label"})
"""Tasks of this package whose models predict labels."""

_OF_LABELS = {"score": "scoring:score", "predict": "inference.predict:predict"}
"""Job → function for :data:`LABELLING`, called directly: the task's class would also import the
planning and the statements of runs."""


def main(arguments: list[str]) -> int:
    """Do the job that the one argument names, and return the exit status.

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
        result = _find_job(job)(job, files, report)
    except Exception as error:  # noqa: BLE001 - the parent gets every error
        emit(channel, {"event": "failed", **fault_of(error, str(job["job"])).to_json()})
        with suppress(OSError):  # the log is on the disk that may be full
            print_exception(error)
        return 1
    emit(channel, {"event": "done", **result})
    return 0


def _find_job(job: Mapping[str, Any]) -> Job:
    name = str(job["job"])
    function = _JOBS.get(name)
    if job.get("task") in LABELLING:
        function = _OF_LABELS.get(name, function)
    if function is None and name in _OF_TASKS:
        return cast("Job", getattr(find_task(job["task"]), name))
    if function is None:
        raise ValueError(f"no such job: {name}")
    module, _, called = function.partition(":")
    return cast("Job", getattr(import_module(f"lyrikstore.train.worker.{module}"), called))


def _die_with_parent() -> None:
    # The parent never writes; end of file means that it is gone. A worker that lived on would
    # burn hours for a result that nobody may use.
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
