"""``--dask``: workers and schedulers that die, a worker whose disk is full."""

import contextlib
import importlib.util
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults.robust.outcome import Finding, Row, UnavailableError
from tests.faults.robust.subject import Subject, write_large
from tests.faults.robust.work import MOVING, Work
from tests.faults.scenarios.kills import finish

SHARED = ("commit", "filter", "verify")
"""Commands that share their work."""
LARGE, LINES = 3, 900_000
"""Files, and lines in each: more than a share of the work, so that each worker has one."""


def spread(base: Path, name: str, *, quick: bool) -> list[Row]:
    """Do a command on a cluster of two workers, and harm the cluster."""
    if importlib.util.find_spec("distributed") is None:
        raise UnavailableError("the extra dask is not installed")
    subject = _ready(base / "subject", MOVING[name])
    rows = [
        _dying(subject, name, "worker", 1 if quick else 2),
        _dying(subject, name, "scheduler", 0 if quick else 1),
        _full(subject, 1 if name == "commit" else 0),
    ]
    return [row for row in rows if row.tries]


def _ready(base: Path, work: Work) -> Subject:
    subject = work.ready(base)
    for number in range(LARGE):
        write_large(subject.documents / f"large-{number}.txt", seed=90 + number, lines=LINES)
    if work.name != "commit":
        subject.commit()
    subject.keep()
    return subject


def _dying(subject: Subject, name: str, whom: str, tries: int) -> Row:
    row = Row(f"{', '.join(SHARED)} --dask: kill -9 of a {whom}")
    chance = random.Random(f"{name} {whom}")
    work = MOVING[name]
    for number in range(tries):
        subject.restore()
        with _cluster(subject) as (address, scheduler, workers):
            child = subprocess.Popen(
                subject.command(*work.again(subject), "--dask", address),
                cwd=subject.work,
                env=subject.variables(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            time.sleep(chance.uniform(1, 5))
            row.facts["in time"] += child.poll() is None
            (scheduler if whom == "scheduler" else workers[0]).kill()
            answer = finish(child)
        findings = answer.manners()
        if whom == "worker" and answer.code:
            findings.append(
                Finding("other", f"exit {answer.code}, with a worker left: {answer.err}")
            )
        row.add(f"{name} {number}", findings + work.judged(subject, answer))
    return row


def _full(subject: Subject, tries: int) -> Row:
    row = Row("commit --dask: a worker whose disk is full")
    work = MOVING["commit"]
    for number in range(tries):
        subject.restore()
        with _cluster(subject, full=True) as (address, _, _):
            answer = subject.run(*work.again(subject), "--dask", address)
        findings = answer.manners()
        if not answer.code:
            findings.append(Finding("undetected", "a commit with a worker whose disk is full"))
        row.add(f"full {number}", findings + work.judged(subject, answer))
    return row


_Process = subprocess.Popen[bytes]


@contextlib.contextmanager
def _cluster(
    subject: Subject, *, full: bool = False
) -> Iterator[tuple[str, _Process, list[_Process]]]:
    place = subject.base / "dask"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    file = place / "scheduler.json"
    common = ("--host", "127.0.0.1", "--no-dashboard")

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    def start(module: str, *options: object, full: bool = False) -> _Process:
        command = [sys.executable, "-m", f"distributed.cli.{module}", *map(str, options)]
        child = subprocess.Popen(
            [*command, *common],
            cwd=place,
            env={**subject.variables(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=small if full else None,  # noqa: PLW1509
        )
        started.append(child)
        return child

    started: list[_Process] = []
    try:
        scheduler = start("dask_scheduler", "--port", 0, "--scheduler-file", file)
        address = _address(file)
        worker = ("dask_worker", address, "--nthreads", 1, "--no-nanny")
        workers = [start(*worker, full=full), start(*worker)]
        _wait(address, len(workers))
        yield address, scheduler, workers
    finally:
        for child in started:
            child.send_signal(signal.SIGKILL)
            child.wait()


def _address(file: Path) -> str:
    give_up = time.monotonic() + 60
    while not file.exists() or not file.read_text("utf-8").strip():
        if time.monotonic() > give_up:
            raise UnavailableError("no Dask scheduler starts here")
        time.sleep(0.1)
    return str(json.loads(file.read_text("utf-8"))["address"])


def _wait(address: str, workers: int) -> None:
    import distributed

    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=60)
