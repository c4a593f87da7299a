"""Two stories that documentation tells, typed and read word for word.

After a change that is meant, delete what stands below the commands in ``docs/insurer.md`` or
``docs/law-firm.md``, and run this once.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cli.transcribed import masked
from tests.conftest import REPOSITORY, Person

BLOCK = re.compile(r"^```(python|toml|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"^(\w*)\$ (.*)$", re.MULTILINE)
LOOP = re.compile(r"for (\w+) in (.*?); do (.*); done > (\S+)")
QUANTITY = re.compile(
    r"\d+(\.\d+)?(e-\d+)? ?(?=/TIME|GB|[KMG]iB|kWh|MB|bytes|\); what mistakes)"
    r"|(?<=cpuSeconds )[\d.]+|(?<=wallSeconds )[\d.]+|(?<=memoryBytes )[\d.]+"
    r"|(?<='onnxruntime )[\d.]+|(?<=×)[\d.]+|\d+(?= runs took)"
)
SHARE = "/mnt/share"


@pytest.mark.parametrize("page", ["insurer.md", "law-firm.md"])
def test_a_story_reads_as_it_is_shown(page: str, new_person, tmp_path: Path) -> None:
    path = REPOSITORY / "docs" / page
    shown = path.read_text("utf-8")
    (share := tmp_path / "share").mkdir()
    lived = BLOCK.sub(Story(new_person, share).live, shown)
    typed = "".join(block[2] for block in BLOCK.finditer(shown) if block[1] == "console")
    if not PROMPT.sub("", typed).strip():
        path.write_text(lived, "utf-8")
        shown = lived
    assert _plain(lived) == _plain(shown)


@dataclass
class Story:
    """People who type what a page shows.

    A block of Python or TOML is a file: its first line is a comment with its name, and it lies in
    the folder of whoever types next. ``did:key:z6Mk…NAME`` stands for the key of a name.

    Attributes:
        new: Makes a person.
        share: A folder that all of them see.
    """

    new: Callable[[str], Person]
    share: Path
    people: dict[str, Person] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    code: int = 0

    def live(self, block: re.Match[str]) -> str:
        """Return a block of a page with what its commands say now."""
        language, text = block.groups()
        if language != "console":
            self.files[text.splitlines()[0].removeprefix("# ")] = text
            return block[0]
        return f"```console\n{''.join(map(self._type, PROMPT.finditer(text)))}```"

    def _type(self, line: re.Match[str]) -> str:
        name = line[1]
        if name not in self.people:
            self.people[name] = self.new(name or "me")
        person = self.people[name]
        for file, text in self.files.items():
            (person.folder / file).write_text(text, "utf-8")
        self.files.clear()
        if (loop := LOOP.fullmatch(line[2])) is None:
            said = self._run(person, name, line[2])
        else:
            (person.folder / loop[4]).write_text(
                "".join(self._run(person, name, command) for command in _unrolled(loop)), "utf-8"
            )
            said = ""
        home = f"/home/{name or 'me'}"
        said = said.replace(str(person.home), home).replace(str(person.folder), home)
        said = said.replace(str(self.share), SHARE).rstrip()
        return f"{line[0]}\n{said}\n" if said else f"{line[0]}\n"

    def _run(self, person: Person, name: str, command: str) -> str:
        command = command.replace(SHARE, str(self.share))
        command = re.sub(r"did:key:z6Mk…(\w+)", lambda found: self.keys[found[1]], command)
        if command.startswith("lyrikstore "):
            command, _, reader = command.partition(" | ")
            done = person.run(*shlex.split(command)[1:])
            if command.startswith("lyrikstore key new"):
                owner = name if "new --" in command else command.split()[3]
                self.keys[owner] = re.search(r"did:key:\w+", done.out)[0]
            self.code = done.code
            # Hints say what to type next, and so does the page; those of refusals are shown.
            said = done.out if done.code == 0 else done.out + done.err
            return self._sh(person, reader, said) if reader else said
        program = command.replace("python3 ", f"{shlex.quote(sys.executable)} ")
        return self._sh(person, program.replace("$?", str(self.code)), "")

    def _sh(self, person: Person, program: str, given: str) -> str:
        ran = subprocess.run(
            ["sh", "-ec", program], cwd=person.folder, input=given, capture_output=True, text=True
        )
        assert ran.returncode == 0, (program, ran.stderr)
        return ran.stdout


def _unrolled(loop: re.Match[str]) -> list[str]:
    return [
        command.replace(f"${loop[1]}", value)
        for value in loop[2].split()
        for command in loop[3].split("; ")
    ]


def _plain(text: str) -> str:
    return QUANTITY.sub("", masked(text))
