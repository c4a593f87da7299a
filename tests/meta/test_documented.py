"""Every command line in the documentation is one that the program takes: its options, its order."""

import doctest
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from itertools import takewhile
from pathlib import Path

import click
import pytest

from lyrikstore.canon.errors import NotFoundError
from lyrikstore_cli.main import program
from tests.epilogs import commands, epilogs

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [
    *(REPOSITORY / name for name in ("README.md", "SECURITY.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
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


def shown() -> Iterator[tuple[str, str]]:
    """Yield each command line that stands on a line of its own, in pages and in help."""
    for page in PAGES:
        text = page.read_text("utf-8").replace("\\\n", " ")
        blocks = "\n".join(_FENCED.findall(text))
        for found in (*_LINE.findall(blocks), *_INDENTED.findall(_FENCED.sub("", text))):
            yield from ((page.name, one) for one in found.split(" && "))
    for name, found in epilogs():
        yield from ((name, one) for one in found.split(" && "))


def find(arguments: list[str]) -> tuple[click.Command, click.Context, list[str]]:
    """Return a command, its context, and the arguments that are its own."""
    command: click.Command = program
    context = click.Context(program)
    while isinstance(command, click.Group) and arguments:
        found = command.get_command(context, arguments[0])
        assert found is not None, f"no command {arguments[0]}"
        command, arguments = found, arguments[1:]
        context = click.Context(command, parent=context, info_name=command.name)
    return command, context, arguments


def leftover(arguments: list[str]) -> list[str]:
    """Return what no parameter takes; options that do not exist raise."""
    command, context, rest = find(arguments)
    if isinstance(command, click.Group):
        return []
    parser = command.make_parser(context)
    return parser.parse_args(list(rest))[1]


def typed(line: str) -> list[str]:
    """Return the words of a command line after the program's name."""
    said = shlex.split(line, comments=True)[1:]
    return list(takewhile(lambda word: word not in {">", "|"}, said))


def test_every_command_line_on_a_line_of_its_own_is_whole() -> None:
    seen, wrong = 0, []
    for place, line in shown():
        seen += 1
        try:
            command, context, rest = find(typed(line))
            if not isinstance(command, click.Group):
                command.make_context(command.name, rest, parent=context.parent)
        except NotFoundError:
            pass  # what is to be read is the reader's
        except (click.UsageError, AssertionError) as error:
            wrong.append((place, line, str(getattr(error, "message", error))))
    assert seen > 300
    assert wrong == []


_HINT = r"\blyrikstore ((?:%s)\b(?:(?!, |[;`\"\n:)]|\\n|\. |lyrikstore ).)*)"
_JOINED, _FILLED = re.compile(r'"\s*\n\s*[rf]?"'), re.compile(r"\{[^{}]*\}")


def test_every_command_in_a_hint_has_its_options() -> None:
    """A hint goes on in words: the longest beginning that is a command must hold all options."""
    said = re.compile(_HINT % "|".join(sorted({words[0] for words in commands()})))
    seen, wrong = set(), []
    for folder in ("lyrikstore", "cli"):
        for path in (REPOSITORY / folder).rglob("*.py"):
            source = _FILLED.sub("X", _JOINED.sub("", path.read_text("utf-8")))
            seen.update(
                (path.name, found.rstrip(".… \\").rstrip()) for found in said.findall(source)
            )
    for name, found in sorted(seen):
        words = found.split()
        whole = next(n for n in range(len(words), -1, -1) if _taken(words[:n]))
        if not whole or any(one.startswith("-") for one in words[whole:]):
            wrong.append((name, found))
    assert len(seen) > 150
    assert wrong == []


def _taken(words: list[str]) -> bool:
    """Return whether words are a command; the value of the last option may be the reader's."""
    for more in ([], ["X"]):
        with suppress(click.UsageError, AssertionError):
            if leftover([*words, *more]) == []:
                return True
    return False


def test_every_documented_command_line_can_be_given() -> None:
    seen, wrong = 0, []
    for page, line in lines():
        words = [word for word in typed(line) if word != "…"]
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
    return re.findall(
        r"^(?:\d+\. |`train/external).*(?:\n(?!\d+\. |\n|\*).*)*", walks, re.MULTILINE
    )


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
