"""What the documentation shows: its blocks, and a terminal in which its command lines are typed."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import REPOSITORY, Person


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a page of docs/ that are of one language; "" is of none."""
    text = (REPOSITORY / "docs" / page).read_text("utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for named, block in found if named == language]


def commands(block: str) -> Iterator[str]:
    """Yield the command lines of a block, each on one line, without its comment."""
    for line in block.replace("\\\n", " ").splitlines():
        if line.removeprefix("$ ").startswith("lyrikstore "):
            yield re.sub(r" +# .*", "", line.removeprefix("$ "))


@dataclass
class Shell:
    """A terminal of one person: the folder it is in stays from line to line.

    Attributes:
        person: Whose it is.
        meant: What the documentation shows → what this person types there.
    """

    person: Person
    meant: Mapping[str, str] = field(default_factory=dict)

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """Type one line."""
        bin_folder = self.person.home / "bin"
        bin_folder.mkdir(exist_ok=True)
        program = bin_folder / "lyrikstore"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lyrikstore_cli "$@"\n')
        program.chmod(0o755)
        variables = self.person.variables()
        variables["PATH"] = f"{bin_folder}:{variables['PATH']}"
        for shown, typed in self.meant.items():
            line = line.replace(shown, typed)
        where = self.person.home / "where"
        done = subprocess.run(
            ["sh", "-c", f"{line}\ncode=$?; pwd > {where}; exit $code"],
            cwd=self.person.folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        self.person.folder = Path(where.read_text("utf-8").strip())
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def ok(self, line: str, *codes: int) -> str:
        """Type a line that ends well, or with one of ``codes``; return what it printed."""
        done = self.run(line)
        assert done.returncode in (codes or (0,)), (line, done.stdout, done.stderr)
        return done.stdout
