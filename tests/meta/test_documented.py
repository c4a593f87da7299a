"""Every command line in the documentation is one that the program takes: its options, its order."""

import doctest
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from itertools import takewhile
from pathlib import Path

import click
import pytest

from lyrikstore_cli.main import program

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [
    *(REPOSITORY / name for name in ("README.md", "SECURITY.md")),
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^(?:\$ )?(lyrikstore [a-z].*)", re.MULTILINE)
_INDENTED = re.compile(r"^ {4}(lyrikstore [a-z].*)", re.MULTILINE)
_INLINE = re.compile(r"`(lyrikstore [a-z][^`]*)`")


def lines() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        text = page.read_text("utf-8").replace("\\\n", " ")
        blocks = "\n".join(_FENCED.findall(text))
        prose = _FENCED.sub("", text)
        found_in = (*_LINE.findall(blocks), *_INDENTED.findall(prose), *_INLINE.findall(prose))
        for found in found_in:
            for one in found.split(" && "):
                yield page.name, one


def leftover(arguments: list[str]) -> list[str]:
    """Return what no parameter takes; options that do not exist raise."""
    command: click.Command = program
    context = click.Context(program)
    while isinstance(command, click.Group) and arguments:
        found = command.get_command(context, arguments[0])
        assert found is not None, f"no command {arguments[0]}"
        command, arguments = found, arguments[1:]
        context = click.Context(command, parent=context, info_name=command.name)
    if isinstance(command, click.Group):
        return []
    parser = command.make_parser(context)
    return parser.parse_args(list(arguments))[1]


def test_every_documented_command_line_can_be_given() -> None:
    seen, wrong = 0, []
    for page, line in lines():
        said = shlex.split(line, comments=True)[1:]
        said = list(takewhile(lambda word: word not in {">", "|"}, said))
        words = [word for word in said if word != "…"]
        seen += 1
        try:
            rest = leftover(words)
        except (click.UsageError, AssertionError) as error:
            rest = [str(getattr(error, "message", error))]
        if rest:
            wrong.append((page, line, rest))
    assert seen > 200
    assert wrong == []


def test_tests_that_the_table_of_requirements_names_are_there() -> None:
    text = (REPOSITORY / "tests" / "interop" / "suites" / "README.md").read_text("utf-8")
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text))
    assert len(named) >= 20
    for file, name in sorted(named):
        assert f"\ndef {name}(" in (REPOSITORY / file).read_text("utf-8"), f"{file}::{name}"
    folder = REPOSITORY / "tests" / "w3c" / "requirements"
    requirements = "".join(path.read_text("utf-8") for path in sorted(folder.glob("test_*.py")))
    numbers = [*(f"M{n}" for n in range(1, 14)), *(f"B{n}" for n in range(1, 6))]
    for number in numbers:
        assert f"\ndef test_{number}_" in requirements, number


def test_modules_that_the_map_and_the_walk_name_are_there() -> None:
    text = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
    roots = [REPOSITORY / name for name in ("", "lyrikstore", "cli/lyrikstore_cli")]
    named = re.findall(r"`([\w/]+(?:\.py|/))`", text)
    assert len(named) > 60
    for name in named:
        below = "/" not in name and any(root.rglob(name) for root in roots[1:])
        assert below or any((root / name).exists() for root in roots), name
    defined = re.findall(r"`(?:\w+\.)?(_?[a-z]+_[a-z_]+)`", text)
    sources = "".join(path.read_text("utf-8") for path in roots[1].rglob("*.py"))
    missing = {name for name in defined if f"def {name}(" not in sources}
    assert missing == {"lyrikstore_cli"}


def steps() -> list[str]:
    text = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
    walks = text.partition("## The walk\n")[2].partition("\n## ")[0]
    return re.findall(r"^(?:\d+\. |`train/foreign).*(?:\n(?!\d+\. |\n|\*).*)*", walks, re.MULTILINE)


@pytest.mark.parametrize("step", steps(), ids=lambda step: step[:40])
def test_each_step_of_a_walk_names_modules_and_functions_that_are_there(step: str) -> None:
    roots, folders, sources = (REPOSITORY / "lyrikstore", REPOSITORY), list[Path](), ""
    for name in re.findall(r"`([\w/]+\.py)`", step):
        places = roots if "/" in name else folders
        found = next((one / name for one in places if (one / name).is_file()), None)
        assert found is not None, f"{name} is not where the step says"
        folders.append(found.parent)
        sources += found.read_text("utf-8")
    for function in re.findall(r"`(_?[a-z]+_[a-z_]+)`", step):
        assert f"def {function}(" in sources, f"{function} is in none of its modules"


def test_ten_commands_are_walked() -> None:
    text = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
    walked = re.findall(r"^\*\*`([a-z]+) ", text, re.MULTILINE)
    assert walked == [
        *("commit", "filter", "issue", "verify", "train", "evaluate", "card", "approve"),
        *("deploy", "reproduce", "train"),
    ]


EXAMPLES = [
    path for path in (REPOSITORY / "lyrikstore").rglob("*.py") if ">>> " in path.read_text("utf-8")
]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_examples_in_docstrings_run(path: Path) -> None:
    name = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
    module = import_module(name.removesuffix(".__init__"))
    done = doctest.testmod(module)
    assert done.failed == 0
