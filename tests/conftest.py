"""What every test may use: the real command line in a subprocess, with a HOME of its own."""

import compileall
import csv
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import HealthCheck, settings

from lyrikstore.train.external.sandbox import find_confinement
from lyrikstore.train.worker import process
from tests import counts, run_folder, sweep, worker_forks
from tests.people import Person, Result, check_json, interpreters, is_known_user
from tests.scheduling import ByFile

__all__ = ["Person", "Result", "check_json"]

# A job in the background of a script ignores interrupts, and the commands under test would, too.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Below nohup it is hangups. Commands do not ignore what is handled here; the suite goes on.
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)

pytest_plugins = [
    "tests.servers.azure",
    "tests.servers.google",
    "tests.servers.s3",
    "tests.servers.sshd",
]

REPOSITORY = Path(__file__).resolve().parents[1]
# Test groups that need Debian packages: the program that must be there, and its package.
GROUPS = {
    "faults": ("strace", "strace"),
    "web": ("chromium", "chromium"),
    "firefox": ("firefox-esr", "firefox-esr"),
    "webkit": ("WebKitWebDriver", "webkitgtk-webdriver xvfb"),
    "s3": ("radosgw", "radosgw ceph-mon ceph-osd ceph-common"),
    "sftp": ("sshd", "openssh-server"),
    "node": ("node", "nodejs"),
    "jq": ("jq", "jq"),
    "clock": ("faketime", "faketime"),
    "cosign": ("cosign", "cosign"),
    "page": ("npm", "npm"),
    "azure": ("npm", "npm"),
}
CI_ONLY = ("ci", "firefox", "webkit", "s3", "azure", "gcs")
"""Marks of what CI adds to ``make test``: the same again on other browsers and real servers."""


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Return what spreads the tests over processes, whatever ``--dist`` says."""
    return ByFile(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switches between parts of the suite (``tests/README.md``)."""
    parser.addoption("--ci", action="store_true", help="run what is marked ci, too")
    parser.addoption(
        "--whole", action="store_true", help="sweep over everything, run what is marked slow"
    )
    parser.addoption("--disk", action="store_true", help="keep all temporary files on disk")


def pytest_configure(config: pytest.Config) -> None:
    """Set how much of a sweep runs before modules are collected, and make the run's folder."""
    sweep.WHOLE = config.getoption("whole")
    sweep.CI = config.getoption("ci") or sweep.WHOLE
    if not hasattr(config, "workerinput"):
        worker_forks.write_program(run_folder.begin(on_disk=config.getoption("disk")))
    config.pluginmanager.register(counts)
    counts.begin(config)
    worker_forks.stand_in()
    settings.register_profile(
        "lyrikstore",
        derandomize=True,
        deadline=None,
        max_examples=sweep.examples(60),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    settings.load_profile("lyrikstore")
    if not hasattr(config, "workerinput"):
        # Commands under test write no bytecode: without it each would compile what it loads.
        for package in ("lyrikstore", "cli"):
            compileall.compile_dir(REPOSITORY / package, quiet=2)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the run's folder, unless somebody has to look at what failed."""
    if not hasattr(session.config, "workerinput") and session.exitstatus == pytest.ExitCode.OK:
        run_folder.end()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what another part of the suite runs, and groups whose package is absent (CI: fail).

    Which part runs what is in ``tests/README.md``.
    """
    elsewhere = {
        *(() if sweep.WHOLE else ("slow",)),
        *(() if sweep.CI else CI_ONLY),
        *(() if os.environ.get("LYRIKSTORE_GPU") == "1" else ("gpu",)),
    }
    left_out = [item for item in items if any(map(item.get_closest_marker, elsewhere))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    if not is_known_user():
        for item in items:
            if item.get_closest_marker("sftp"):
                reason = "NOT RUN: OpenSSH wants this user in the user database"
                item.add_marker(pytest.mark.skip(reason=reason))
    confined = [item for item in items if item.get_closest_marker("sandbox")]
    if confined and not (found := find_confinement(os.environ)).program:
        reason = f"NOT RUN: no sandbox can be had here ({found.cause}: {found.said})"
        if os.environ.get("CI"):
            raise pytest.UsageError(f"group sandbox {reason}")
        for item in confined:
            item.add_marker(pytest.mark.skip(reason=reason))
    for item in items:
        for mark, (program, package) in GROUPS.items():
            if item.get_closest_marker(mark) and shutil.which(program, path=path) is None:
                if os.environ.get("CI"):
                    raise pytest.UsageError(f"group {mark} NOT RUN: install {package}")
                item.add_marker(pytest.mark.skip(reason=f"NOT RUN, install {package}"))


def list_name(purpose: str, base: str, issuer: str) -> str:
    """Return what the first status list of an issuer below a URL is called (spec §10.6)."""
    return f"{purpose}-{blake3(f'{base}/{issuer}'.encode()).hexdigest()[:12]}-1.json"


@pytest.fixture(scope="session", autouse=True)
def _no_interpreter_outlives_the_tests() -> Iterator[None]:
    yield
    for interpreter in interpreters:
        interpreter.stop()


@pytest.fixture(autouse=True)
def _disk(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path | None]:
    if not any(map(request.node.get_closest_marker, ("disk", "crash"))):
        yield None
        return
    tmp_path_factory.getbasetemp()  # of all tests: elsewhere
    folder = run_folder.on_disk("disk")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def tmp_path(tmp_path: Path, _disk: Path | None) -> Path:
    """Return the test's own folder: of what is marked ``disk`` it is on a disk."""
    return _disk or tmp_path


@pytest.fixture
def new_person(tmp_path: Path) -> Callable[[str], Person]:
    """Return a maker of people with nothing but a HOME and a folder."""

    def make(name: str) -> Person:
        home = tmp_path / name / "home"
        folder = tmp_path / name / "work"
        home.mkdir(parents=True)
        folder.mkdir()
        return Person(home, folder)

    return make


@pytest.fixture
def real_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have workers that this process starts be processes of their own, for what is about that."""
    monkeypatch.setattr(process, "PROGRAM", worker_forks.REAL)


@pytest.fixture(scope="session")
def _publisher(tmp_path_factory: pytest.TempPathFactory) -> Person:
    folder = tmp_path_factory.mktemp("publisher")
    person = Person(folder / "home", folder / "work")
    person.home.mkdir()
    person.folder.mkdir()
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    return person


@pytest.fixture
def publisher(_publisher: Person, tmp_path: Path) -> Person:
    """Return somebody with a key and an empty store: a copy of the one of this process."""
    return _publisher.copy(tmp_path / "publisher")


Make = Callable[[Person], object]


@pytest.fixture(scope="session")
def _made() -> dict[tuple[str, str], Person]:
    return {}


@pytest.fixture
def once(
    _made: dict[tuple[str, str], Person], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Person, Make], None]:
    """Return what has a person do something, which later tests of this process find done.

    They get copies of home and folder as they were then; what lies elsewhere is not there.
    """

    def do(person: Person, make: Make) -> None:
        name = (make.__module__, make.__qualname__)
        place = person.home.parent
        if name in _made:
            shutil.rmtree(place)
            _made[name].copy(place)
        else:
            make(person)
            _made[name] = person.copy(tmp_path_factory.mktemp("made") / place.name)

    return do


@dataclass(frozen=True)
class Corpus:
    """Real texts: the licence files of the packages installed beside us, and a sheet about them."""

    texts: dict[str, bytes]
    rows: list[dict[str, str]]

    columns = ("path", "package", "licence", "homepage", "size_class")

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write ``documents/`` and ``sheet.csv`` to ``folder`` and return both paths."""
        documents = folder / "documents"
        documents.mkdir(parents=True)
        for path, text in self.texts.items():
            (documents / path).write_bytes(text)
        sheet = folder / "sheet.csv"
        with sheet.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(self.rows)
        return documents, sheet


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Return a Chromium, the one of this process: Playwright takes no second one beside it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
            timeout=120_000,
        )
        yield started
        started.close()


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """Return up to 60 licence texts of installed packages, in a fixed order."""
    texts: dict[str, bytes] = {}
    rows = []
    for package in sorted(distributions(), key=lambda d: d.metadata["Name"].lower()):
        name = package.metadata["Name"].lower()
        for file in package.files or ():
            if not re.search(r"dist-info/(licenses/)?(LICEN[CS]E|COPYING)[^/]*$", str(file)):
                continue
            try:
                text = Path(str(file.locate())).read_bytes()
                text.decode("utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            path = f"{name}.txt"
            if path in texts or not text.strip() or len(texts) >= 60:
                continue
            texts[path] = text
            rows.append(
                {
                    "path": path,
                    "package": name,
                    "licence": package.metadata.get("License-Expression") or "unknown",
                    "homepage": package.metadata.get("Home-page") or "",
                    "size_class": "long" if len(text) > 2000 else "short",
                }
            )
    assert len(texts) >= 20, "too few installed packages carry their licence text"
    return Corpus(texts, rows)
