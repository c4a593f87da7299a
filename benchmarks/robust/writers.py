"""Several writers at once: every commit is acknowledged, or refused cleanly and tried again."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from robust.subject import Subject, write_texts
from robust.table import Finding, Row

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
