"""``train``, ``evaluate``, ``predict`` reach no network, write nowhere else, unpickle nothing."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.small_runs import BASE, configure, parts, supply, supply_base
from tests.conftest import Person

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
def owner(tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Return somebody with a store, a small encoder and data."""
    root = tmp_path_factory.mktemp("owner")
    person = Person(root / "home", root / "work")
    person.home.mkdir()
    person.folder.mkdir()
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    person.ok("commit", supply_base(person), "-d", BASE)
    supply(person, "closed", parts())
    (person.folder / "ask.txt").write_text("alpha word1 word2")
    return person


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


HOOK = """
import pickle
import sys
from decimal import Decimal

def refuse(event, _arguments):
    if event == "pickle.find_class" or event.startswith("socket.connect"):
        raise SystemError(event)

sample = pickle.dumps(Decimal(1))
sys.addaudithook(refuse)
try:
    pickle.loads(sample)
except SystemError:
    from lyrikstore.train.worker.main import main
    sys.exit(main(sys.argv[1:]))
"""
"""A worker to which Python tells before a class or function is taken from a pickle: torch.load,
joblib and numpy do so, too."""

INSTEAD = """
import subprocess
import sys
import lyrikstore.train.worker.process as process

class Hooked(subprocess.Popen):
    def __init__(self, command, **options):
        if "lyrikstore.train.worker.main" in command:
            at = command.index("-m")
            command = [*command[:at], "-c", {hook!r}, *command[at + 2:]]
            print("hooked", file=sys.stderr)
        super().__init__(command, **options)

process.subprocess.Popen = Hooked
from lyrikstore_cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_nothing_is_unpickled_while_models_are_trained_and_asked(owner, tmp_path) -> None:
    script = tmp_path / "hooked.py"
    script.write_text(INSTEAD.format(hook=HOOK))
    config = configure(owner, "closed", base=BASE, candidates=["tfidf", "lora"])
    for arguments in (("train", config), ("predict", MODEL, "ask.txt")):
        done = subprocess.run(
            [sys.executable, script, *arguments],
            cwd=owner.folder,
            env=owner.variables(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "hooked" in done.stderr
