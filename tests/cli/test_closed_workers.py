"""``train``, ``evaluate``, ``predict`` reach no network, write nowhere else, unpickle nothing."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lyrikstore.train.worker import process
from tests import run_folder
from tests.cli.small_runs import BASE, configure, parts, supply, supply_base
from tests.conftest import Person
from tests.worker_forks import UNPICKLES

pytestmark = pytest.mark.train
MODEL = "checkpoints/acme/closed"
CALLS = "connect,sendto,sendmsg,bind,open,openat,openat2,creat"
STRACE = ("strace", "-f", "-y", "-qqq", "-s", "200", "--seccomp-bpf", "-e", f"trace={CALLS}")
CALL = re.compile(r"^\d+ +(?P<name>\w+)\((?P<rest>.*)$")
OPENED = re.compile(r'(?:AT_FDCWD<(?P<at>[^>]*)>|\d+<(?P<of>[^>]*)>)?,? ?"(?P<path>[^"]*)"')
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")
NEAR = re.compile(r"AF_UNIX|AF_NETLINK|127\.0\.0\.1|::1")
EVERYWHERE = ("/dev/null", "/dev/tty", "/dev/pts", "/dev/shm", "/proc/self")


@pytest.fixture(scope="module")
def owner() -> Iterator[Person]:
    """Return somebody with a store on disk, a small encoder and data."""
    root = run_folder.on_disk("closed")
    person = Person(root / "home", root / "work")
    person.home.mkdir()
    person.folder.mkdir()
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    person.ok("commit", supply_base(person), "-d", BASE)
    supply(person, "closed", parts())
    (person.folder / "ask.txt").write_text("alpha word1 word2")
    yield person
    shutil.rmtree(root)


def calls(person: Person, trace: Path, *arguments: str) -> Iterator[tuple[str, str]]:
    """Run a command; yield the calls of all its processes that open or reach something."""
    done = subprocess.run(
        [*STRACE, "-o", trace, *person.command(*arguments)],
        cwd=person.folder,
        env=person.variables(),
        check=False,
        capture_output=True,
        text=True,
    )
    if "PTRACE" in done.stderr:
        pytest.skip("NOT RUN, strace cannot attach to a process here")
    assert done.returncode == 0, done.stderr
    for line in trace.read_text("utf-8", "replace").splitlines():
        if (found := CALL.match(line)) is not None:
            yield found["name"], found["rest"]


def written(rest: str) -> Path | None:
    """Return the path that a call opens to write to."""
    found = OPENED.match(rest)
    if found is None or not WRITES.search(rest[found.end() :]):
        return None
    return Path(found["at"] or found["of"] or "/") / found["path"]


@pytest.mark.ci
@pytest.mark.faults
def test_they_reach_nothing_and_write_to_the_store_alone(owner, tmp_path) -> None:
    config = configure(owner, "closed", base=BASE, candidates=["tfidf", "embeddings"])
    places = [
        *(
            owner.folder / ".lyrikstore",
            *(owner.home / one for one in (".cache", ".local", ".config")),
        ),
    ]
    for number, arguments in enumerate(
        (
            ("train", config),
            ("evaluate", MODEL, "--on", "acme/closed.test"),
            ("predict", MODEL, "ask.txt", "--explain"),
        )
    ):
        seen = 0
        for name, rest in calls(owner, tmp_path / f"trace{number}", *arguments):
            if name in {"connect", "sendto", "sendmsg", "bind"}:
                assert NEAR.search(rest), (arguments[0], name, rest)
            elif (path := written(rest)) is not None:
                seen += 1
                known = any(path.is_relative_to(place) for place in places)
                assert known or str(path).startswith(EVERYWHERE), (arguments[0], rest)
        assert seen, arguments


def test_nothing_is_unpickled_in_any_worker_of_the_tests() -> None:
    # What holds for all of them (tests/worker_forks.py) is shown to hold here.
    done = subprocess.run([*process.PROGRAM, UNPICKLES], stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert b"pickle.find_class" in done.stderr
