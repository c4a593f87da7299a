"""A file of the program cannot be opened or read (needs strace).

Unlike elsewhere the interpreter is a fresh one, which loads all that the command needs.
"""

import re
from collections import Counter
from pathlib import Path

from tests.faults.robust.outcome import Finding, Row
from tests.faults.robust.subject import Answer, Subject
from tests.faults.robust.work import MOVING, Work
from tests.faults.scenarios.calls import LINE, SAYING, STRACE, WORKING_FOLDER, need_strace, touches
from tests.sweep import evenly

FAULTS = {"openat": ("EIO", "EMFILE"), "read": ("EIO",)}
TRIES = 8
"""How many files cannot be opened, and how many cannot be read, in one command."""
# What comes before is Python's own, and the first module of the program.
_BEGIN = re.compile(r"/lyrikstore_cli/(__pycache__/)?main\.")
_NO_FILE = re.compile(r'["<](?:/proc|/sys|/dev|/etc|pipe:|socket:|anon_inode:)')


def unreadable(base: Path, name: str, *, quick: bool) -> list[Row]:
    """Let the opening or reading of program files fail, one in each try."""
    need_strace()
    row = Row(f"a file of the program cannot be read by {name}")
    work = MOVING[name]
    subject = work.ready(base / "subject")
    for call, points in _rehearse(subject, work).items():
        chosen = evenly(points, 3 if quick else TRIES)
        row.facts[f"of {len(points)} {call} calls"] = len(chosen)
        for fault in FAULTS[call][:1] if quick else FAULTS[call]:
            for number in chosen:
                row.add(f"{fault} at {call} {number}", _attempt(subject, work, call, number, fault))
    return [row]


def _rehearse(subject: Subject, work: Work) -> dict[str, list[int]]:
    # The numbers of the calls of the first process that load the program.
    subject.restore()
    answer, trace = _traced(subject, work, "-e", f"trace={','.join(FAULTS)}")
    if answer.code:
        raise RuntimeError(f"rehearsal of {work.name}: exit {answer.code}: {answer.err}")
    lines = [found for found in map(LINE.match, trace.splitlines()) if found is not None]
    counts: Counter[str] = Counter()
    points: dict[str, list[int]] = {call: [] for call in FAULTS}
    begun = False
    for line in lines:
        if line["process"] != lines[0]["process"]:
            continue
        call, rest = line["call"], WORKING_FOLDER.sub("", line["rest"])
        counts[call] += 1
        begun = begun or bool(_BEGIN.search(rest))
        ours = not touches(subject, line["rest"]) and not _NO_FILE.search(rest)
        if begun and ours and "ENOENT" not in rest:
            points[call].append(counts[call])
    return points


def _attempt(subject: Subject, work: Work, call: str, number: int, fault: str) -> list[Finding]:
    subject.restore()
    inject = f"inject={call}:error={fault}:when={number}"
    answer, trace = _traced(subject, work, "-e", f"trace={call}", "-e", inject)
    findings = answer.manners(mute=bool(SAYING.search(trace)))
    return findings + work.judged(subject, answer)


def _traced(subject: Subject, work: Work, *options: str) -> tuple[Answer, str]:
    trace = subject.base / "trace"
    wrap = [*STRACE, "--seccomp-bpf", "-o", str(trace), *options]
    answer = subject.run(*work.again(subject), wrap=wrap)
    return answer, trace.read_text("utf-8", "replace")
