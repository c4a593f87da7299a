"""What others hold is damaged: a remote, a copy to repair from, a delivery."""

import random
import shutil
from pathlib import Path

from tests.faults.robust.outcome import Finding, Row
from tests.faults.robust.subject import Subject, contents
from tests.faults.robust.work import NAME
from tests.faults.scenarios.damage import MODES, build, served, spoil

SPARE = frozenset({"README.md", "log.consistency.json", "log.leaves"})
"""Files of a delivery that its verdict does not rest on: but for the first, only after a change of
keys, or for whoever saw the log before."""


def _tries(folder: Path, chance: random.Random, most: int) -> list[tuple[Path, str, list[Path]]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    tries = [(path, mode) for mode in MODES for path in paths]
    chance.shuffle(tries)
    return [(path, mode, [one for one in paths if one != path]) for path, mode in tries[:most]]


def damaged_remote(base: Path, *, quick: bool) -> list[Row]:
    """Damage the copy that others clone and pull from: they get right bytes, or an error."""
    row = Row("damage to a remote: clone, pull")
    subject = build(base)
    copy = base / "copy"
    subject.must("remote", "add", "copy", copy)
    subject.must("push", "copy", "--mirror")
    subject.must("clone", copy, subject.work / "cloned")
    (subject.documents / "text-00005.txt").write_text("edited last\n")
    subject.commit()
    subject.must("push", "copy")
    subject.keep()
    kept = base / "kept-copy"
    shutil.copytree(copy, kept)
    chance = random.Random("remote")
    for path, mode, others in _tries(copy, chance, 4 if quick else 48):
        if spoil(path, mode, others, chance):
            findings = []
            for place, command in (
                ("fresh", ["clone", copy, "fresh"]),
                ("cloned", ["pull", "-C", "cloned"]),
            ):
                answer = subject.run(*command)
                findings += answer.manners()
                if answer.code == 0:
                    findings += _same(subject, place)
            row.add(f"{mode}, {path.relative_to(base)}", findings)
            subject.restore()
        shutil.rmtree(copy)
        shutil.copytree(kept, copy)
    return [row]


def _same(subject: Subject, place: str) -> list[Finding]:
    # What was brought over must be sound and whole; a remote may be behind, not different.
    verdict = subject.ask("verify", "-C", place, "--json")
    findings = verdict.manners()
    if verdict.code not in {0, 4}:
        findings.append(Finding("undetected", f"took in what verify refuses: {verdict.out[-500:]}"))
    for identity, files in subject.truth.items():
        target = subject.base / "served"
        got = subject.ask("checkout", "-C", place, identity, target)
        if got.code == 0 and contents(target) != files:
            findings.append(Finding("undetected", "checkout gave wrong bytes with exit 0"))
        elif got.code:
            findings.append(Finding("other", f"exit 0, and yet not there: {got.err}"))
        shutil.rmtree(target, ignore_errors=True)
    return findings


def repaired(base: Path, *, quick: bool) -> list[Row]:
    """Damage the store, repair it from a mirror: it is sound again, or nothing got worse."""
    row = Row("damage repaired from a mirror")
    subject = build(base)
    subject.must("remote", "add", "copy", base / "copy")
    subject.must("push", "copy", "--mirror")
    subject.keep()
    chance = random.Random("repair")
    for path, mode, others in _tries(subject.store, chance, 4 if quick else 60):
        if path.name == "lock" or not spoil(path, mode, others, chance):
            continue
        answer = subject.ask("verify", "--repair-from", "copy")
        findings = answer.manners() + served(subject)
        row.facts["repaired"] += answer.code == 0
        if answer.code == 0:
            findings += subject.examine("commit", subject.documents, "-d", NAME, "--yes")
        else:
            findings.append(Finding("other", f"exit {answer.code}: {answer.out} {answer.err}"))
        row.add(f"{mode}, {path.relative_to(base)}", findings)
        subject.restore()
    return [row]


def delivered(base: Path, *, quick: bool) -> list[Row]:
    """Damage a delivery: whoever verifies it is not told that it is trusted."""
    row = Row("damage to a delivery: verify")
    subject = build(base)
    terms = ("--permit", "train", "--status-url", "https://data.example/status")
    subject.must("issue", NAME, "-o", "handed", *terms)
    subject.must("verify", "handed")
    subject.keep()
    chance = random.Random("delivery")
    handed = subject.work / "handed"
    evidence = [path for path in handed.glob("*") if path.is_file() and path.name not in SPARE]
    data = sorted((handed / "data").glob("*"))[::9]
    tries = [(path, mode) for mode in MODES for path in (*sorted(evidence), *data)]
    chance.shuffle(tries)
    for path, mode in tries[: 4 if quick else None]:
        # Siblings are found by digest: two that swapped their names are both still there.
        others = [one for one in data if one != path]
        if not spoil(path, mode, others, chance):
            continue
        verdict = subject.ask("verify", "handed", "--json")
        findings = verdict.manners()
        if verdict.code == 0:
            findings.append(Finding("undetected", "verify says that it is trusted"))
        row.add(f"{mode}, {path.relative_to(handed)}", findings)
        subject.restore()
    return [row]
