"""The kernel says no, or the process dies, at chosen system calls of a commit (needs strace).

A rehearsal under strace lists the system calls of one commit that touch the store, the user's
memory of it, or the documents. The same commit is then run again from the same state, and one of
those calls fails, or the process is killed as it enters the call. Whatever the call: one line says
what failed, the version before is there, and the store verifies.
"""

import re
import shutil
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

from lyrikstore.canon.timestamps import now
from lyrikstore.credentials.report import CheckState, Verdict
from lyrikstore.credentials.storecheck import verify_store_at
from lyrikstore.credentials.trust import load_trust
from lyrikstore.history.memory import LogMemory
from lyrikstore.history.repository import Repository

pytestmark = pytest.mark.faults

NAME = "acme/texts"
TRACED = "write,pwrite64,fsync,link,linkat,rename,renameat,renameat2,openat,mkdir,flock,ftruncate"
# How one system call is reported by strace -f -y: process, name, arguments.
CALL = re.compile(r"^(?:\d+ +)?(?P<call>[a-z0-9]+)\((?P<rest>.*)$")
WORKING_FOLDER = re.compile(r"AT_FDCWD<[^>]*>")
# Class of calls → error → how many points, spread evenly over the commit.
FAULTS = {
    "write": {"ENOSPC": 2, "EIO": 1},
    "fsync": {"EIO": 3},
    "link": {"ENOSPC": 3},
    "rename": {"ENOSPC": 2},
    "openat": {"EMFILE": 3, "EIO": 1},
}
KILLS = {"link": 3, "rename": 2, "fsync": 2}


@dataclass(frozen=True)
class Point:
    """The ``number``-th call (from 1) of ``call`` in a commit, and what it touches."""

    call: str
    number: int
    rest: str


class Rehearsed:
    """A publisher with one version, whose next commit can be run over and over."""

    def __init__(self, person, scratch: Path) -> None:
        self.person = person
        self.scratch = scratch
        self.documents = person.folder / "documents"
        self.documents.mkdir()
        for number in range(12):
            (self.documents / f"{number}.txt").write_text(f"text {number}\n" * 50)
        person.ok("commit", self.documents, "-d", NAME)
        self.before = self.versions()
        for number in range(6, 18):
            (self.documents / f"{number}.txt").write_text(f"changed {number}\n" * 50)
        (self.documents / "large.bin").write_bytes(bytes(range(256)) * 6000)  # cut into pieces
        for place in (person.home, person.folder):
            shutil.copytree(place, scratch / place.name, symlinks=True)
        self.points = self._rehearse()

    def restore(self) -> None:
        """Go back to the moment before the commit; paths stay, so it is no copied store."""
        for place in (self.person.home, self.person.folder):
            shutil.rmtree(place)
            shutil.copytree(self.scratch / place.name, place, symlinks=True)

    def versions(self) -> list[str]:
        """Return the ids of every version, newest first; in this process, which is faster."""
        repository = Repository.open(self.person.folder / ".lyrikstore")
        return [str(version.id) for version in repository.history(f"datasets/{NAME}")]

    def commit(self, *options: str) -> tuple[subprocess.CompletedProcess[bytes], str]:
        """Run the commit under strace; return what it did and what strace wrote."""
        trace = self.scratch / "trace"
        trace.unlink(missing_ok=True)
        command = self.person.command("commit", self.documents, "-d", NAME)
        done = subprocess.run(
            [
                "strace",
                "-f",
                "-y",
                "-qqq",
                "-s",
                "0",
                "-o",
                str(trace),
                *options,
                *command,
            ],
            cwd=self.person.folder,
            env={**self.person.variables(), "PYTHONHASHSEED": "0"},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
        return done, trace.read_text("utf-8", "replace")

    def in_store(self, trace: str) -> bool:
        """Return whether the call that failed was about anything but the documents."""
        failed = next(line for line in trace.splitlines() if "(INJECTED)" in line)
        return str(self.documents) not in failed

    def pick(self, call: str, count: int) -> list[Point]:
        """Return ``count`` calls of a class, evenly spread, the first and the last among them."""
        found = self.points[call]
        count = min(count, len(found))
        assert count, f"the commit makes no {call} call"
        if count == 1:
            return [found[len(found) // 2]]
        return [found[index * (len(found) - 1) // (count - 1)] for index in range(count)]

    def _rehearse(self) -> dict[str, list[Point]]:
        self.restore()
        done, trace = self.commit("-e", f"trace={TRACED}")
        assert done.returncode == 0, done.stderr
        assert len(self.versions()) == len(self.before) + 1
        counts: dict[str, int] = defaultdict(int)
        points: dict[str, list[Point]] = defaultdict(list)
        # Not the working folder itself: Python looks for modules there.
        store = self.person.folder / ".lyrikstore"
        places = (str(self.person.home / ".local"), str(store), f"{self.documents}/")
        for line in trace.splitlines():
            found = CALL.match(line)
            if found is None:
                continue
            counts[found["call"]] += 1
            touched = WORKING_FOLDER.sub("", found["rest"])
            if any(place in touched for place in places):
                kind = found["call"].removesuffix("at2").removesuffix("at")
                kind = "openat" if kind == "open" else kind
                points[kind].append(Point(found["call"], counts[found["call"]], found["rest"]))
        return points


def damage(rehearsed: Rehearsed) -> tuple[str, int]:
    """Return what is wrong with the store, and how many new versions it shows: none or one."""
    home = rehearsed.person.home
    report = verify_store_at(
        rehearsed.person.folder / ".lyrikstore",
        trust=load_trust(home / ".config" / "lyrikstore" / "trust.toml"),
        at=now(),
        memory=LogMemory(home / ".local" / "state" / "lyrikstore" / "logs"),
    )
    if report.verdict is not Verdict.TRUSTED:
        failed = [check for check in report.checks if check.state is CheckState.FAIL]
        return f"verify: {report.verdict}: {[(c.id, c.summary) for c in failed]}", 0
    after = rehearsed.versions()
    if after[-len(rehearsed.before) :] != rehearsed.before:
        return f"an earlier version is gone: {after}", 0
    new = len(after) - len(rehearsed.before)
    return ("" if new in {0, 1} else f"{new} new versions"), new


def unfinished(rehearsed: Rehearsed) -> str:
    """Return what is wrong once the same command was run again."""
    again = rehearsed.person.run("commit", rehearsed.documents, "-d", NAME)
    if again.code:
        return f"the next commit exits {again.code}: {again.err}"
    problem, new = damage(rehearsed)
    return problem or ("" if new == 1 else "the next commit made no version")


def misreported(rehearsed: Rehearsed, code: int, text: str, trace: str) -> str:
    """Return what is wrong with how a failed commit spoke to its user."""
    if "(INJECTED)" not in trace:
        return "the point was not reached"
    if "Traceback" in text or "internal error" in text:
        return f"no clean error: {text}"
    told = [line for line in text.splitlines() if line.startswith("error: ")]
    # 1: the store's disk. 16: a document that cannot be read.
    if code != (1 if rehearsed.in_store(trace) else 16) or len(told) != 1:
        return f"exit {code}: {text}"
    return ""


@pytest.fixture
def rehearsed(publisher, tmp_path: Path) -> Rehearsed:
    scratch = tmp_path / "before"
    scratch.mkdir()
    return Rehearsed(publisher, scratch)


def test_a_failing_system_call_is_one_line_and_no_damage(rehearsed) -> None:
    told = 0
    problems = []
    points = [
        (error, point)
        for call, errors in FAULTS.items()
        for error, count in errors.items()
        for point in rehearsed.pick(call, count)
    ]
    for error, point in points:
        rehearsed.restore()
        fault = f"inject={point.call}:error={error}:when={point.number}"
        done, trace = rehearsed.commit("-e", f"trace={point.call}", "-e", fault)
        problem = ""
        if done.returncode:  # 0: a cache or a clean-up, which the store can do without
            told += 1
            problem = misreported(rehearsed, done.returncode, done.stderr.decode(), trace)
        problem = problem or damage(rehearsed)[0] or unfinished(rehearsed)
        if problem:
            problems.append(f"{error} at {point}: {problem}")
    assert not problems, "\n".join(problems)
    assert told >= 8, "hardly any of the faults mattered: the points are badly chosen"


def test_a_kill_at_any_step_of_publishing_loses_nothing(rehearsed) -> None:
    news = set()
    problems = []
    for call, count in KILLS.items():
        for point in rehearsed.pick(call, count):
            rehearsed.restore()
            fault = f"inject={point.call}:signal=KILL:when={point.number}"
            done, _ = rehearsed.commit("-e", f"trace={point.call}", "-e", fault)
            assert done.returncode == -9, f"{point}: exit {done.returncode}"
            problem, new = damage(rehearsed)
            news.add(new)
            problem = problem or unfinished(rehearsed)
            if problem:
                problems.append(f"killed at {point}: {problem}")
    assert not problems, "\n".join(problems)
    assert 0 in news, "every kill came after the commit"
