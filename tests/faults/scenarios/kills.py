"""Kill -9, at random moments and of any process that takes part; signals that ask politely."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

from tests.faults.robust.models import ALL
from tests.faults.robust.outcome import Finding, Row
from tests.faults.robust.signing import WORKS
from tests.faults.robust.subject import PATIENCE, Answer, Subject, end, ending
from tests.faults.robust.work import MANY_FILES, MOVING, Work
from tests.warm import Command

POLITE = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGHUP": signal.SIGHUP}
ASKED = (MANY_FILES, "filter", "issue", "push", "gc", "revoke")
"""Commands that are asked to stop."""


def kill(base: Path, name: str, *, quick: bool) -> list[Row]:
    """Kill a command with SIGKILL at random moments."""
    row = Row(f"kill -9 during {name}")
    work = ALL[name]
    subject = work.ready(base / "subject")
    whole = _duration(subject, work)
    chance = random.Random(name)
    tries = 14 if name in MOVING else 4 if work.slow else 8
    for attempt in range(2 if quick else tries):
        subject.restore()
        command = _at_work(subject, work)
        command.ended(chance.uniform(0, whole))
        with contextlib.suppress(ProcessLookupError):
            os.kill(command.process, signal.SIGKILL)
        answer = ending(command)
        row.facts["in time"] += answer.code == -signal.SIGKILL
        findings = answer.manners(killed=True) + _left_over(command.process)
        row.add(attempt, findings + work.judged(subject, answer))
    if not row.facts["in time"] and not quick:
        row.add("all", [Finding("other", "every command had ended before: nothing was tried")])
    return [row]


def kill_worker(base: Path, *, quick: bool) -> list[Row]:
    """Kill one worker process of a large commit, not the command itself."""
    row = Row("kill -9 of a worker process")
    work = WORKS[MANY_FILES]
    subject = work.ready(base / "worker")
    chance = random.Random(7)
    for number in range(2 if quick else 10):
        subject.restore()
        child = _start(subject, work)
        victim = _grandchild(child.pid)
        time.sleep(chance.uniform(0, 0.15))
        if victim:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
                row.facts["workers met"] += 1
        answer = finish(child)
        findings = answer.manners()
        row.add(number, findings + work.judged(subject, answer))
    return [row]


def polite(base: Path, name: str, *, quick: bool) -> list[Row]:
    """Send a signal that asks politely: one line, exit 130, a whole store."""
    row = Row(f"{name} during {', '.join(ASKED)}")
    chance = random.Random(name)
    for title in ASKED[:1] if quick else ASKED:
        work = WORKS[title]
        subject = work.ready(base / title.replace(" ", "-"))
        whole = _duration(subject, work)
        for attempt in range(2 if quick else 6):
            subject.restore()
            command = _at_work(subject, work)
            command.ended(max(0.01, chance.uniform(0.1, 0.9) * whole))
            with contextlib.suppress(ProcessLookupError):
                # A terminal sends it to everybody in the foreground.
                os.killpg(command.process, POLITE[name])
            answer = ending(command)
            row.facts["in time"] += answer.code == 130
            findings = answer.manners() + _left_over(command.process)
            if answer.code not in {0, 130}:
                findings.append(Finding("other", f"exit {answer.code} after {name}"))
            row.add(f"{title} {attempt}", findings + work.judged(subject, answer))
        shutil.rmtree(subject.base)
    if not row.facts["in time"] and not quick:
        row.add("all", [Finding("other", "no signal came in time: nothing was tried")])
    return [row]


def _at_work(subject: Subject, work: Work) -> Command:
    # A command that begins now: what comes before is not the program's.
    command = subject.begin(*work.again(subject), held=True)
    command.go()
    return command


def _duration(subject: Subject, work: Work) -> float:
    ending(_at_work(subject, work))  # the first one loads what it needs
    subject.restore()
    return ending(_at_work(subject, work)).seconds


def _start(subject: Subject, work: Work) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        subject.command(*work.again(subject)),
        cwd=subject.work,
        env=subject.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finish(child: "subprocess.Popen[bytes]") -> Answer:
    """Wait for a command; kill it and all that it started after :data:`PATIENCE`."""
    try:
        out, err = child.communicate(timeout=PATIENCE)
        hung = False
    except subprocess.TimeoutExpired:
        end(child.pid)
        out, err = child.communicate()
        hung = True
    return Answer(child.returncode, out.decode(), err.decode("utf-8", "replace"), hung)


def _left_over(group: int) -> list[Finding]:
    # A worker that outlives its master for long holds memory and scratch files.
    give_up = time.monotonic() + 10
    while time.monotonic() < give_up:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return []
        time.sleep(0.02)
    end(group)
    return [Finding("hang", "a worker process outlived its command by 10 s")]


def _grandchild(parent: int) -> int:
    give_up = time.monotonic() + 3
    while time.monotonic() < give_up:
        found: list[str] = []
        for thread in Path(f"/proc/{parent}/task").glob("*"):
            with contextlib.suppress(OSError):
                found += (thread / "children").read_text().split()
        if not Path(f"/proc/{parent}").exists():
            return 0
        if found:
            return int(found[-1])
        time.sleep(0.002)
    return 0
