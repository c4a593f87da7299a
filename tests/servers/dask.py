"""A Dask scheduler and workers, each a process that can be killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lyrikstore.api.store import Store
from lyrikstore.canon.progress import OnProgress, Progress
from lyrikstore.crypto.keys.keyring import KeyFolder
from lyrikstore.objects.parallel.dask import Cluster, dask_cluster
from lyrikstore.objects.parallel.tasks import (
    Message,
    Result,
    pack_request,
    read_answer,
    run_request,
)
from lyrikstore.testing.keys import signer_for


class InProcess:
    """A pool that runs tasks here, through the bytes that a cluster would carry, last one first."""

    def __init__(self, target: str, setup: dict[str, Any]) -> None:
        self._work = (target, setup)

    def __enter__(self) -> "InProcess":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, tasks: Iterable[Message]) -> Iterator[Result]:
        for number, task in reversed(list(enumerate(tasks))):
            for message in read_answer(run_request(pack_request(*self._work, task))):
                yield Result(number, *message)


def new_store(folder: Path) -> Store:
    """Return a new store that "owner" may write to, with all that belongs to it in ``folder``."""
    return Store.create(
        folder / "store",
        signer=signer_for("owner"),
        keys=KeyFolder(folder / "keys"),
        memory_dir=folder / "memory",
        trust_file=folder / "trust.toml",
    )


@contextlib.contextmanager
def scheduler(folder: Path) -> Iterator[str]:
    file = folder / "scheduler.json"
    module = "distributed.cli.dask_scheduler"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file]
    with process(folder, module, *options):
        deadline = time.monotonic() + 60
        while not file.exists() or not file.read_text().strip():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"]


@contextlib.contextmanager
def worker(folder: Path, address: str, *more: object) -> Iterator["subprocess.Popen[bytes]"]:
    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
    with process(folder, "distributed.cli.dask_worker", address, *options, *more) as child:
        yield child


@contextlib.contextmanager
def losing_a_worker(folder: Path) -> Iterator[tuple[Cluster, OnProgress]]:
    """Yield a cluster of two workers and a listener that kills one of them within the work.

    Left without having done so, the block fails.
    """
    killed = False
    with (
        scheduler(folder) as address,
        worker(folder, address) as first,
        worker(folder, address),
        dask_cluster(address) as cluster,
    ):
        cluster.wait(2)

        def kill_one(step: Progress) -> None:
            nonlocal killed
            if 0 < step.done < step.total and not killed:
                killed = True
                first.kill()

        yield cluster, kill_one
        assert killed


@contextlib.contextmanager
def process(folder: Path, module: str, *options: object) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", module, *map(str, options)]
    child = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield child
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
