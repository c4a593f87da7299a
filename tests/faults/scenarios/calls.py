"""The kernel says no, or the process dies, at chosen system calls (needs strace).

A rehearsal under strace lists the calls of one command that touch the store, the user's memory of
it, or the documents; the command is then run again from the same state, and one of them fails.
"""

import itertools
import re
import shutil
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.robust.models import ALL
from tests.faults.robust.outcome import Finding, Row, UnavailableError
from tests.faults.robust.signing import WORKS
from tests.faults.robust.subject import PATIENCE, Answer, Subject, ending
from tests.faults.robust.work import MANY_FILES, Work
from tests.sweep import evenly

# Class of calls → what can go wrong there, the names the kernel knows it by.
CALLS = {
    "write": ("write", "pwrite64", "writev"),
    "fsync": ("fsync", "fdatasync", "syncfs"),
    "rename": ("rename", "renameat", "renameat2"),
    "link": ("link", "linkat"),
    "open": ("open", "openat"),
    "mkdir": ("mkdir", "mkdirat"),
    "read": ("read", "readv", "pread64"),
    "list": ("getdents64",),
    "stat": ("newfstatat", "stat", "lstat", "fstat", "statx"),
    "unlink": ("unlink", "unlinkat", "rmdir"),
    "close": ("close",),
    "lock": ("flock",),
    "size": ("ftruncate", "fallocate", "copy_file_range"),
    "process": ("clone", "clone3", "vfork", "fork", "socketpair", "pipe2"),
}
FAULTS = {
    "write": ("ENOSPC", "EIO"),
    "fsync": ("EIO", "ENOSPC"),
    "rename": ("ENOSPC", "EIO"),
    "link": ("ENOSPC", "EIO"),
    "open": ("EMFILE", "EIO", "ENOSPC"),
    "mkdir": ("ENOSPC", "EIO"),
    "read": ("EIO",),
    "list": ("EIO",),
    "stat": ("EIO",),
    "unlink": ("EIO",),
    "close": ("EIO",),
    "lock": ("ENOLCK",),
    "size": ("ENOSPC",),
    "process": ("EAGAIN", "ENOMEM", "EMFILE"),
}
READING = frozenset({"verify", "query", "checkout", "status"})
WRITING = tuple(name for name in WORKS if name not in READING)
"""Commands that write something that a kill at a step could spoil."""
LEAST = 4
"""How many calls of a kind fail, at least, where there are so many; one less of slow commands."""
MOST = 40
"""How many calls of a kind fail, at most, in a command that does one thing thousands of times."""
SAMPLED = {"stat": 8, "close": 8}
"""How many calls of these kinds fail, at most: there are hundreds, nearly all of them alike."""
SLOWLY = ("write", "fsync", "rename", "open", "mkdir", "read", "process")
"""Kinds of calls that fail in a command that loads libraries for seconds."""
CHANCES = 4
"""How often a command is run for a call that comes in some runs only: threads race."""
KILLED = ("write", "fsync", "rename", "link", "open", "mkdir")
LINE = re.compile(r"^(?P<process>\d+) +(?P<call>[a-z0-9]+)\((?P<rest>.*)$")
SAYING = re.compile(r"write\(2<.*\(INJECTED\)")
WORKING_FOLDER = re.compile(r"AT_FDCWD<[^>]*>")
_KINDS = {name: kind for kind, names in CALLS.items() for name in names}
RELATIVE = re.compile(r'(AT_FDCWD<[^>]*>, )?"[^/"]')
STRACE = ("strace", "-f", "-y", "-qqq", "-s", "0")


@dataclass(frozen=True, order=True)
class Point:
    """The ``number``-th call (from 1) named ``call`` of some process of the command."""

    call: str
    number: int


def refused(base: Path, name: str, *, quick: bool, every: int) -> list[Row]:
    """Let system calls of a command fail, one in each try: every so-manieth of each kind."""
    row = Row(f"a system call fails of {name}")
    work = ALL[name]
    wanted = {kind: FAULTS[kind] for kind in (SLOWLY if work.slow else FAULTS)}
    return _rows(row, base, work, wanted, quick=quick, every=every)


def killed(base: Path, name: str, *, quick: bool, every: int) -> list[Row]:
    """Kill the process as it enters a system call, another one in each try."""
    row = Row(f"SIGKILL at a system call of {name}")
    kills = dict.fromkeys(KILLED, ("",))
    return _rows(row, base, ALL[name], kills, quick=quick, every=every)


def need_strace() -> None:
    """Return if there is strace.

    Raises:
        UnavailableError: There is none.
    """
    if shutil.which("strace") is None:
        raise UnavailableError("Debian's strace is not installed")


def _rows(
    row: Row,
    base: Path,
    work: Work,
    wanted: Mapping[str, Sequence[str]],
    *,
    quick: bool,
    every: int,
) -> list[Row]:
    need_strace()
    subject = work.ready(base / "subject")
    ending(subject.begin(*work.again(subject)))  # the first one loads what it needs
    points = _rehearse(subject, work)
    for kind, names in wanted.items():
        found = points[kind]
        least = LEAST - 1 if work.slow else LEAST
        count = 1 if quick else max(least, -(-len(found) // every))
        most = min(MOST if work.name == MANY_FILES else count, SAMPLED.get(kind, count))
        chosen = evenly(found, min(count, most))
        hit = 0
        for point, fault in zip(chosen, itertools.cycle(names)):
            findings, met = _attempt(subject, work, point, fault)
            if findings or met:
                row.add(f"{fault or 'KILL'} at {point}", findings)
            else:
                row.facts["not met again"] += 1
            hit += met
        row.facts[f"of {len(found)} {kind} calls"] += hit
    return [row]


def _rehearse(subject: Subject, work: Work) -> dict[str, list[Point]]:
    points: dict[str, list[Point]] = defaultdict(list)
    # Each on its own: what is traced is slower, and threads then share the work otherwise. Where
    # that would take minutes, all at once.
    for calls in [list(_KINDS)] if work.slow else [[call] for call in _KINDS]:
        subject.restore()
        answer, trace = _traced(subject, work, "-e", f"trace={','.join(calls)}")
        if answer.code:
            raise RuntimeError(f"rehearsal of {work.name}: exit {answer.code}: {answer.err}")
        counts: Counter[tuple[str, str]] = Counter()
        found: set[Point] = set()
        for line in filter(None, map(LINE.match, trace.splitlines())):
            call = line["call"]
            counts[line["process"], call] += 1
            if _counts(subject, call, line["rest"]):
                found.add(Point(call, counts[line["process"], call]))
        for point in sorted(found):
            points[_KINDS[point.call]].append(point)
    return points


def _counts(subject: Subject, call: str, rest: str) -> bool:
    return _KINDS[call] == "process" or touches(subject, rest)


def touches(subject: Subject, rest: str) -> bool:
    """Return whether a traced call is about the store, the user's files or the documents."""
    # Not the working folder itself: Python looks for modules there.
    named = WORKING_FOLDER.sub("", rest)
    places = (subject.home, subject.work, subject.documents)
    inside = any(f"{place}/" in named for place in places) or bool(RELATIVE.match(rest))
    return inside and "/__pycache__" not in named


def _attempt(subject: Subject, work: Work, point: Point, fault: str) -> tuple[list[Finding], bool]:
    # What was wrong, and whether the call came that was to fail.
    what = f"error={fault}" if fault else "signal=KILL"
    inject = ("-e", f"trace={point.call}", "-e", f"inject={point.call}:{what}:when={point.number}")
    for _ in range(CHANCES):
        subject.restore()
        answer, trace = _traced(subject, work, *inject)
        findings = answer.manners(killed=not fault, mute=bool(SAYING.search(trace)))
        met = _met(subject, fault, trace)
        if findings or met or answer.hung:
            break
    else:
        return [], False
    return findings + work.judged(subject, answer), met


def _met(subject: Subject, fault: str, trace: str) -> bool:
    # A call that its process did not survive has no result.
    mark = re.compile(r"\(INJECTED\)" if fault else r"= \?$")
    return any(
        mark.search(line["rest"]) and _counts(subject, line["call"], line["rest"])
        for line in filter(None, map(LINE.match, trace.splitlines()))
    )


def _traced(subject: Subject, work: Work, *options: str) -> tuple[Answer, str]:
    trace = subject.base / "trace"
    trace.unlink(missing_ok=True)
    command = subject.begin(*work.again(subject), held=True)
    attached = f"--attach={command.process}"
    tracer = subprocess.Popen([*STRACE, "-o", trace, *options, attached], start_new_session=True)
    status = Path(f"/proc/{command.process}/status")
    while "TracerPid:\t0" in status.read_text("utf-8"):
        if tracer.poll() is not None:
            command.go()
            command.finish(PATIENCE)
            raise UnavailableError("strace cannot attach to a process here")
        time.sleep(0.001)
    command.go()
    answer = ending(command)
    tracer.wait()
    return answer, trace.read_text("utf-8", "replace")
