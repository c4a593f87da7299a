"""Several writers at once: every commit is acknowledged, or refused cleanly and tried again."""

import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.robust.outcome import Finding, Row
from tests.faults.robust.subject import Subject, run, write_texts

TRIES = 60
ONE_NAME = "one name"
WHERE = ("names of their own", ONE_NAME)


def parallel(base: Path, where: str, *, quick: bool) -> list[Row]:
    """Let 8 writers commit 3 times each, to names of their own or to one name."""
    writers, commits = (4, 2) if quick else (8, 3)
    row = Row(f"{writers} writers × {commits} commits to {where}")
    subject = Subject(base).found()

    def work(writer: int) -> list[tuple[list[Finding], int]]:
        return [_commit(subject, writer, number, where == ONE_NAME) for number in range(commits)]

    with ThreadPoolExecutor(writers) as pool:
        done = [one for some in pool.map(work, range(writers)) for one in some]
    refused = sum(count for _, count in done)
    for number, (findings, _) in enumerate(done):
        row.add(number, findings)
    wanted = writers * commits
    findings = subject.examine()
    if len(subject.truth) != wanted:
        findings.append(Finding("other", f"{len(subject.truth)} of {wanted} acknowledged"))
    row.add("afterwards", findings)
    row.facts.update({"acknowledged": len(subject.truth), "refused and tried again": refused})
    return [row]


def crowded(base: Path, *, quick: bool) -> list[Row]:
    """Let 8 writers commit, as many killed, while gc collects and somebody verifies."""
    writers, commits = (3, 1) if quick else (8, 3)
    row = Row(f"{writers} writers × {commits} commits, others killed, beside gc and verify")
    subject = Subject(base).found()
    write_texts(subject.documents, 6, seed=1)
    subject.commit()
    chance = random.Random("crowd")
    killed_after = [[chance.uniform(0.2, 1.6) for _ in range(commits)] for _ in range(writers)]
    over = threading.Event()

    def work(writer: int) -> list[Finding]:
        found = []
        for number in range(commits):
            found += _killed(row, subject, writer, number, killed_after[writer][number])
            found += _commit(subject, writer, 10 + number, shared=False)[0]
        return found

    def disturb() -> list[Finding]:
        found = []
        while not over.is_set():
            for command in (["gc", "--grace", 0], ["verify"]):
                answer = subject.run(*command, timeout=150)
                found += answer.manners()
                if answer.code not in {0, 11, 15}:
                    text = f"{command[0]} beside writers: exit {answer.code}: {answer.out}"
                    found.append(Finding("other", f"{text}{answer.err}"))
        return found

    with ThreadPoolExecutor(writers + 1) as pool:
        beside = pool.submit(disturb)
        for number, findings in enumerate(pool.map(work, range(writers))):
            row.add(f"writer {number}", findings)
        over.set()
        row.add("gc and verify", beside.result())
    row.add("afterwards", subject.examine("gc", "--grace", 0))
    row.facts["acknowledged"] = len(subject.truth) - 1
    return [row]


def _killed(row: Row, subject: Subject, writer: int, number: int, after: float) -> list[Finding]:
    folder = subject.base / f"documents-{writer}"
    write_texts(folder, 6, seed=100 * writer + number)
    command = subject.command("commit", folder, "-d", f"acme/writer-{writer}", "--yes", "--json")
    wrap = ("timeout", "--signal=KILL", f"{after:.2f}")
    answer = run([*wrap, *command], cwd=subject.work, environment=subject.variables(), timeout=150)
    if answer.code == 0:
        subject.acknowledge(answer, folder)
    row.facts["killed"] += answer.code == -signal.SIGKILL
    return answer.manners(killed=True)


def sharing(base: Path, *, quick: bool) -> list[Row]:
    """Let 8 clones commit and push 3 times each to one folder: transactions without a lock."""
    writers, commits = (3, 1) if quick else (8, 3)
    row = Row(f"{writers} clones × {commits} commits pushed to one folder")
    subject = Subject(base).found()
    write_texts(subject.documents, 6, seed=1)
    subject.commit()
    shared = base / "shared"
    subject.must("remote", "add", "origin", shared)
    subject.must("push")
    clones = [subject.work / f"clone-{number}" for number in range(writers)]
    for clone in clones:
        subject.must("clone", shared, clone)

    def work(writer: int) -> list[tuple[list[Finding], int]]:
        return [_share(subject, clones[writer], writer, number) for number in range(commits)]

    with ThreadPoolExecutor(writers) as pool:
        done = [one for some in pool.map(work, range(writers)) for one in some]
    for number, (findings, _) in enumerate(done):
        row.add(number, findings)
    # Whoever asks the shared folder finds what everybody pushed, and so does every clone.
    for label, command in (
        ("a new clone", ("clone", shared, "fresh")),
        ("the first store", ("pull",)),
        ("the first clone", ("pull", "-C", clones[0])),
    ):
        answer = subject.ask(*command)
        place = {"pull": ".", "clone": "fresh"}[command[0]] if len(command) != 3 else command[2]
        options = ("-C", place)
        findings = answer.manners(may_fail=False) + subject.kept_promises(*options)
        verdict = subject.ask("verify", *options)
        if verdict.code:
            findings.append(Finding("other", f"verify exits {verdict.code}: {verdict.out}"))
        row.add(label, findings)
    missing = writers * commits + 1 - len(subject.truth)
    if missing:
        row.add("all", [Finding("other", f"{missing} were never acknowledged")])
    again = sum(count for _, count in done)
    row.facts.update({"acknowledged": len(subject.truth) - 1, "refused and tried again": again})
    return [row]


def _share(subject: Subject, clone: Path, writer: int, number: int) -> tuple[list[Finding], int]:
    folder = subject.base / f"documents-{writer}"
    write_texts(folder, 6, seed=100 * writer + number)
    name = f"acme/writer-{writer}"
    made = subject.run("commit", "-C", clone, folder, "-d", name, "--yes", "--json")
    if findings := made.manners(may_fail=False):
        return findings, 0
    for refused in range(TRIES):
        answer = subject.run("push", "-C", clone, timeout=150)
        findings = answer.manners()
        if findings or answer.code not in {0, 11, 15}:
            return findings or [Finding("other", f"exit {answer.code}: {answer.err}")], refused
        if answer.code == 0:
            subject.acknowledge(made, folder)
            return [], refused
        subject.run("pull", "-C", clone, timeout=150)
    return [Finding("other", f"refused {TRIES} times")], TRIES


def _commit(subject: Subject, writer: int, number: int, shared: bool) -> tuple[list[Finding], int]:
    folder = subject.base / f"documents-{writer}"
    write_texts(folder, 6, seed=100 * writer + number)
    name = "acme/shared" if shared else f"acme/writer-{writer}"
    for refused in range(TRIES):
        answer = subject.run("commit", folder, "-d", name, "--yes", "--json", timeout=150)
        findings = answer.manners()
        if findings or answer.code not in {0, 11, 15}:
            return findings or [Finding("other", f"exit {answer.code}: {answer.err}")], refused
        if answer.code == 0:
            subject.acknowledge(answer, folder)
            return [], refused
    return [Finding("other", f"refused {TRIES} times")], TRIES
