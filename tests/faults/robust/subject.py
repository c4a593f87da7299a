"""A person with a store that is treated badly, and the judge of what is left of it."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blake3 import blake3

from tests.faults.robust.outcome import Finding
from tests.warm import Command

PATIENCE = 600.0
"""Seconds after which a command counts as hanging."""

CODES = frozenset({0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16, 17, 18, 130, 141})


@dataclass(frozen=True)
class Answer:
    """What one command did.

    Attributes:
        code: Its exit code; minus the signal that ended it.
        out: Standard output.
        err: Standard error.
        hung: It had to be killed after :data:`PATIENCE`.
        seconds: How long it took.
    """

    code: int
    out: str
    err: str
    hung: bool = False
    seconds: float = 0.0

    def manners(
        self, *, may_fail: bool = True, killed: bool = False, mute: bool = False
    ) -> list[Finding]:
        """Return what is wrong with how the command ended and what it said.

        Args:
            may_fail: Failing cleanly is fine.
            killed: Ending by a signal is fine.
            mute: What it said did not get through.
        """
        if self.hung:
            return [Finding("hang", f"no end within {PATIENCE:g} s: {self.err[-200:]}")]
        if "Traceback" in self.err or "internal error" in self.err:
            return [Finding("traceback", self.err[-600:])]
        if self.code < 0:
            return [] if killed else [Finding("other", f"ended by signal {-self.code}: {self.err}")]
        if self.code not in CODES:
            return [Finding("other", f"exit {self.code} is in no table: {self.err}")]
        if self.code and not may_fail:
            return [Finding("other", f"exit {self.code}: {self.err}")]
        explained = mute or "error: " in self.err or "hint: " in self.err or '"kind": ' in self.err
        if self.code in {1, 10, 11, 12, 13, 14, 15, 16, 17} and not explained:
            return [Finding("other", f"exit {self.code} without a word: {self.err!r}")]
        return []

    @property
    def json(self) -> Any:
        """Standard output as JSON, or None where it is not."""
        try:
            return json.loads(self.out)
        except ValueError:
            return None


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    timeout: float = PATIENCE,
    **options: Any,
) -> Answer:
    """Run a process in a session of its own; after ``timeout`` kill all of it."""
    begin = time.monotonic()
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    child = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdin=options.pop("stdin", subprocess.DEVNULL),
        start_new_session=True,
        **options,
    )
    try:
        out, err = child.communicate(timeout=timeout)
        hung = False
    except subprocess.TimeoutExpired:
        end(child.pid)
        out, err = child.communicate()
        hung = True
    return Answer(
        child.returncode,
        (out or b"").decode("utf-8", "replace"),
        (err or b"").decode("utf-8", "replace"),
        hung,
        time.monotonic() - begin,
    )


def ending(command: Command) -> Answer:
    """Wait for a command and return what it did."""
    code, out, err, hung, seconds = command.finish(PATIENCE)
    return Answer(
        code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), hung, seconds
    )


def end(group: int) -> None:
    """Kill what is left of a process group that this program started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def contents(folder: Path) -> dict[str, str]:
    """Return the BLAKE3 of every file below ``folder``, by relative path."""
    return {
        str(path.relative_to(folder)): blake3(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write_texts(folder: Path, count: int, *, seed: int, size: int = 800) -> None:
    """Write ``count`` small texts that depend on ``seed`` alone."""
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        words = [f"{chance.getrandbits(24):x}" for _ in range(max(1, size // 7))]
        (folder / f"text-{number:05d}.txt").write_text(" ".join(words) + "\n")


def write_large(path: Path, *, seed: int, lines: int = 60_000) -> None:
    """Write a text of some 2.4 MB that is cut into pieces."""
    chance = random.Random(seed)
    path.write_text("".join(f"{n} {chance.getrandbits(128):x}\n" for n in range(lines)))


@dataclass
class Subject:
    """Somebody with a HOME and a store, and a record of what the store acknowledged.

    Attributes:
        base: Holds everything: ``home``, ``work`` (with the store) and ``documents``.
        truth: Version id → the files that were acknowledged under it.
        environment: What the commands see beside the necessary.
    """

    base: Path
    truth: dict[str, dict[str, str]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The HOME: keys, trust, memory, caches."""
        return self.base / "home"

    @property
    def work(self) -> Path:
        """The folder that the commands run in."""
        return self.base / "work"

    @property
    def store(self) -> Path:
        """The store."""
        return self.work / ".lyrikstore"

    @property
    def documents(self) -> Path:
        """What is committed."""
        return self.base / "documents"

    def variables(self) -> dict[str, str]:
        """Return the environment of the commands; nothing of ours leaks in."""
        names = ("PATH", "LD_LIBRARY_PATH")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        return {
            **kept,
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            **self.environment,
        }

    def command(self, *arguments: object) -> list[str]:
        """Return the argument vector of a lyrikstore command."""
        return [sys.executable, "-m", "lyrikstore_cli", *map(str, arguments)]

    def run(self, *arguments: object, wrap: Sequence[str] = (), **options: Any) -> Answer:
        """Run a lyrikstore command, perhaps inside another program."""
        variables = options.pop("environment", None) or self.variables()
        return run(
            [*wrap, *self.command(*arguments)], cwd=self.work, environment=variables, **options
        )

    def begin(self, *arguments: object, held: bool = False) -> Command:
        """Start a lyrikstore command in a fork of an interpreter that has loaded it before."""
        return Command(
            list(map(str, arguments)), cwd=self.work, environment=self.variables(), held=held
        )

    def ask(self, *arguments: object) -> Answer:
        """Run a command of the judge."""
        return ending(self.begin(*arguments))

    def must(self, *arguments: object) -> Answer:
        """Run a command of the preparation, which has to succeed."""
        answer = self.ask(*arguments)
        if answer.code:
            raise RuntimeError(f"{arguments}: exit {answer.code}\n{answer.out}\n{answer.err}")
        return answer

    def found(self) -> "Subject":
        """Make HOME, a key and an empty store."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.work.mkdir(exist_ok=True)
        self.must("key", "new", "--no-passphrase")
        self.must("init")
        return self

    def commit(self, documents: Path | None = None, name: str = "acme/texts") -> Answer:
        """Commit a folder, which must succeed, and remember what was acknowledged."""
        folder = documents or self.documents
        answer = self.must("commit", folder, "-d", name, "--yes", "--json")
        self.acknowledge(answer, folder)
        return answer

    def acknowledge(self, answer: Answer, folder: Path) -> None:
        """Remember the version that a successful ``commit --json`` of ``folder`` told of."""
        if answer.code == 0 and answer.json:
            self.truth[answer.json["id"]] = contents(folder)

    def keep(self) -> None:
        """Keep HOME and the store as they are now, for :meth:`restore`."""
        kept = self.base / "kept"
        shutil.rmtree(kept, ignore_errors=True)
        for place in (self.home, self.work):
            shutil.copytree(place, kept / place.name, symlinks=True)
        self._kept_truth = dict(self.truth)

    def restore(self) -> None:
        """Go back to the moment of :meth:`keep`; paths stay, so it is no copied store."""
        for place in (self.home, self.work):
            shutil.rmtree(place)
            shutil.copytree(self.base / "kept" / place.name, place, symlinks=True)
        self.truth = dict(self._kept_truth)

    # -- the judge ---------------------------------------------------------------------------

    def sound(self, *, behind: bool = False) -> list[Finding]:
        """Return what ``verify`` says against the store.

        Args:
            behind: It may say that what came since at the home is not here.
        """
        answer = self.ask("verify", "--json")
        if found := answer.manners():
            return found
        if answer.code == 0:
            return []
        checks = (answer.json or {}).get("checks", [])
        guilty = [c["detail"].get("reason") for c in checks if c["state"] in {"fail", "unchecked"}]
        if behind and guilty == ["behind"]:
            return []
        failed = [f"{c['id']}: {c['summary']}" for c in checks if c["state"] not in {"pass", "n/a"}]
        return [Finding("other", f"verify exits {answer.code}: {failed or answer.err}")]

    def kept_promises(self, *options: object) -> list[Finding]:
        """Return which acknowledged versions are not byte-identical on checkout.

        Args:
            options: Of the checkout; to look into another store, say.
        """
        findings = []
        for identity, files in self.truth.items():
            target = self.base / "judge"
            shutil.rmtree(target, ignore_errors=True)
            answer = self.ask("checkout", *options, identity, target)
            findings += answer.manners()
            if answer.code:
                findings.append(Finding("lost", f"{identity[:19]}: {answer.err}"))
            elif contents(target) != files:
                findings.append(Finding("lost", f"{identity[:19]}: other bytes"))
            shutil.rmtree(target, ignore_errors=True)
        return findings

    def repeated(self, *arguments: object) -> list[Finding]:
        """Return what is wrong when the command is run again: nothing may need unlocking."""
        answer = self.ask(*arguments)
        if answer.code == 11 or answer.hung:
            return [Finding("stuck lock", f"{answer.code}: {answer.err}")]
        return answer.manners(may_fail=False)

    def examine(self, *again: object) -> list[Finding]:
        """Return everything that is wrong with the store now, and when ``again`` is run."""
        findings = self.sound() + self.kept_promises()
        if again:
            findings += self.repeated(*again) + self.sound()
        return findings
