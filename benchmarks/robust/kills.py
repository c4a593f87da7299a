"""Kill -9, at random moments and of any process that takes part; signals that ask politely."""

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

from robust.subject import PATIENCE, Answer, Subject, end
from robust.table import Finding, Row, UnavailableError
from robust.work import WORKS, Work

_QUICK = frozenset({"commit", "filter", "commit of 2,100 files", "push", "gc"})
POLITE = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGHUP": signal.SIGHUP}


def kill(base: Path, *, quick: bool) -> list[Row]:
    """Kill each command with SIGKILL at random moments."""
    rows = []
    for work in WORKS:
        if quick and work.name not in _QUICK:
            continue
        row = Row(f"kill -9 during {work.name}")
        rows.append(row)
        _interrupted(row, work, base, signal.SIGKILL, 2 if quick else 14)
    return rows


def kill_worker(base: Path, *, quick: bool) -> list[Row]:
    """Kill one worker process of a large commit, not the command itself."""
    row = Row("kill -9 of a worker process")
    work = WORKS[1]
    subject = work.ready(base / "worker")
    chance = random.Random(7)
    met = 0
    for number in range(2 if quick else 10):
        subject.restore()
        child = _start(subject, work)
        victim = _grandchild(child.pid)
        time.sleep(chance.uniform(0, 0.15))
        if victim:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
                met += 1
        answer = _finish(child)
        findings = answer.manners()
        if answer.code == 0:
            findings += work.promised(subject, answer)
        row.add(number, findings + subject.examine(*work.again(subject)))
    row.facts = f"{met} workers met"
    return [row]


def polite(base: Path, *, quick: bool) -> list[Row]:
    """Send SIGINT, SIGTERM and SIGHUP: one line, exit 130, a whole store."""
    row = Row("SIGINT, SIGTERM, SIGHUP during commit")
    for name, number in POLITE.items():
        _interrupted(row, WORKS[1], base / name, number, 1 if quick else 6)
    return [row]


def _interrupted(row: Row, work: Work, base: Path, number: int, tries: int) -> None:
    try:
        subject = work.ready(base / work.name.replace(" ", "-"))
    except UnavailableError as reason:
        row.skipped = str(reason)
        return
    whole = subject.run(*work.again(subject)).seconds
    chance = random.Random(f"{work.name}{number}")
    met = 0
    for attempt in range(tries):
        subject.restore()
        child = _start(subject, work)
        time.sleep(chance.uniform(0.3 if number != signal.SIGKILL else 0.05, max(0.4, whole)))
        if number == signal.SIGKILL:
            child.send_signal(number)
        else:
            # A terminal sends it to everybody in the foreground.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, number)
        answer = _finish(child)
        met += answer.code in {-number, 130}
        findings = answer.manners(killed=number == signal.SIGKILL) + _left_over(child.pid)
        if answer.code == 0:
            findings += work.promised(subject, answer)
        elif number != signal.SIGKILL and answer.code != 130:
            findings.append(Finding("other", f"exit {answer.code} after signal {number}"))
        row.add(attempt, findings + subject.examine(*work.again(subject)))
    row.facts = f"{met + int(row.facts.split()[0]) if row.facts else met} in time"


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


def _finish(child: "subprocess.Popen[bytes]") -> Answer:
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
