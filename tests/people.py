"""People at a terminal: the real command line in a process of its own, with a HOME of its own."""

import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lyrikstore.canon.schemas import check_schema
from tests import counts
from tests.epilogs import result_of
from tests.warm import CLOCK, Interpreter


@dataclass
class Result:
    """What one command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error on standard error, as JSON."""
        return json.loads(self.err.strip().splitlines()[-1])

    @property
    def kind(self) -> str:
        """The kind of the error on standard error."""
        kind: str = self.error["kind"]
        return kind

    def check(self, check_id: str) -> dict[str, Any]:
        """Return one check of the report that it printed as JSON."""
        found: dict[str, Any] = next(one for one in self.json["checks"] if one["id"] == check_id)
        return found


def is_known_user() -> bool:
    """Return whether this user is in the user database, as OpenSSH wants it."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True


def check_json(result: Result, *arguments: str) -> None:
    """Hold what a command printed with ``--json`` against the published schemas.

    Everything on standard output is one result, of the schema it names. A command that fails says
    why in one line on standard error; what tells its result by the exit code says nothing there.
    """
    if result.out:
        name = result.json["schema"].removeprefix("lyrikstore/cli/").partition("/")[0]
        assert name in {arguments[0], result_of([*map(str, arguments[:2])])}
        check_schema(result.json, f"cli/{name}")
    if result.code and (result.err or not result.out):
        check_schema(result.error, "cli/error")
        assert result.error["exitCode"] == result.code
        assert "-v" in arguments or len(result.err.splitlines()) == 1, result.err
    else:
        assert not result.err, result.err


@dataclass
class Person:
    """Somebody at a terminal: a HOME, a working folder, the lyrikstore command."""

    home: Path
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments: object) -> list[str]:
        """Return the argument vector of one lyrikstore command."""
        return [sys.executable, "-m", "lyrikstore_cli", *map(str, arguments)]

    def variables(self) -> dict[str, str]:
        """Return the environment of this person's commands: nothing of ours leaks in."""
        keep = {
            name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ
        }
        return {
            **keep,
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **self.environment,
        }

    def run(self, *arguments: object, timeout: float = 300, cwd: Path | None = None) -> Result:
        """Run a command and return what it did; a traceback is always a failure."""
        folder = cwd or self.folder
        if self._alike:
            result = Result(*_warm(map(str, arguments), folder, self.variables(), timeout))
        else:
            done = subprocess.run(
                self.command(*arguments),
                cwd=folder,
                env=self.variables(),
                capture_output=True,
                timeout=timeout,
                stdin=subprocess.DEVNULL,
            )
            result = Result(
                done.returncode,
                done.stdout.decode("utf-8", "replace"),
                done.stderr.decode("utf-8", "replace"),
            )
        assert "Traceback" not in result.err, result.err
        assert "internal error" not in result.err, result.err
        if "--json" in arguments:
            check_json(result, *map(str, arguments))
        return result

    def copy(self, folder: Path) -> "Person":
        """Return the same person with copies of home and folder, which lie in one place.

        Args:
            folder: The new place.
        """
        place = self.home.parent
        assert place == self.folder.parent
        shutil.copytree(place, folder, symlinks=True)
        # What was signed is remembered with where the store lies.
        for file in folder.glob("home/.local/state/lyrikstore/logs/signed/*.json"):
            text = file.read_text("utf-8").replace(f"{place}/", f"{folder}/")
            file.unlink()
            file.write_text(text, "utf-8")
        names = self.home.name, self.folder.name
        return Person(folder / names[0], folder / names[1], dict(self.environment))

    @property
    def _alike(self) -> bool:
        # Whether an interpreter that runs already does what a new one would: one reads these once.
        once = ("PYTHON", "LANG", "LC_", "LD_", "TZ")
        return type(self).command is Person.command and not any(
            name.startswith(once) for name in self.environment
        )

    def ok(self, *arguments: object, **options: Any) -> Result:
        """Run a command that must succeed."""
        result = self.run(*arguments, **options)
        assert result.code == 0, f"{arguments}: exit {result.code}\n{result.out}\n{result.err}"
        return result

    def did(self, name: str = "default") -> str:
        """Return the DID of one of this person's keys."""
        did: str = self.ok("key", "show", name, "--json").json["keys"][0]["did"]
        return did

    def fails(self, code: int, *arguments: object, **options: Any) -> Result:
        """Run a command that must fail with ``code`` and say why in one line."""
        result = self.run(*arguments, **options)
        assert result.code == code, f"{arguments}: exit {result.code}\n{result.out}\n{result.err}"
        return result


interpreters: list[Interpreter] = []
"""Those that have nothing to do."""


def _warm(
    arguments: Iterable[str], folder: Path, environment: dict[str, str], timeout: float
) -> tuple[int, str, str]:
    counts.add_command()
    dated = CLOCK in environment
    fitting = [one for one in interpreters if one.dated == dated]
    if fitting:
        interpreters.remove(interpreter := fitting[-1])
    else:
        interpreter = Interpreter(dated=dated)
    answer = interpreter.run(list(arguments), cwd=folder, environment=environment, timeout=timeout)
    interpreters.append(interpreter)
    return answer
