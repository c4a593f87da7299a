"""Public names, messages and documents use the words of ``spec/glossary.md``."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click

from lyrikstore_cli.main import program

REPOSITORY = Path(__file__).resolve().parents[2]
GLOSSARY = (REPOSITORY / "spec" / "glossary.md").read_text("utf-8")
MODULES = sorted([*REPOSITORY.glob("lyrikstore/**/*.py"), *REPOSITORY.glob("cli/**/*.py")])
PAGES = sorted([REPOSITORY / "README.md", *REPOSITORY.glob("docs/**/*.md")])
BANNED = sorted(
    {word for row in GLOSSARY.splitlines() for word in re.findall(r"\*\*(\w+)\*\*", row)}
)
ALLOWED = (
    r"(?:entry|log)[ -]bundles?|tiles? and bundles?|bundles? and tiles?",  # C2SP tlog-tiles
    r"actions/\w+-artifact|GitHub'?s? artifacts?",
    r"[Ss]igstore bundles?",
    r"ext4 without a journal",
)
"""Words of others, in the places where others are spoken of."""


def banned(text: str) -> list[str]:
    for context in ALLOWED:
        text = re.sub(context, "", text)
    return re.findall(rf"(?i)\b(?:{'|'.join(BANNED)})(?:s|es)?\b", text)


def spelt(name: str) -> str:
    """Return the words of a name, apart."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name)


def public_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name
            if isinstance(node, ast.FunctionDef):
                yield from (argument.arg for argument in (*node.args.args, *node.args.kwonlyargs))


def messages(tree: ast.Module) -> Iterator[str]:
    """Yield every text that is no docstring: messages of errors and reports are among them."""
    spoken = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in spoken
        ):
            yield node.value


def commands(group: click.Group = program) -> Iterator[click.Command]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield found
        if isinstance(found, click.Group):
            yield from commands(found)


def test_each_word_is_defined_once() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", GLOSSARY, re.MULTILINE)[2:]
    words = [word for row in rows for word in row[0].split(", ")]
    assert len(words) > 70
    assert len(words) == len(set(words))
    assert {"artifact", "ledger", "piece"} < set(BANNED)


def test_public_names_use_them() -> None:
    found = [
        (path.relative_to(REPOSITORY), name)
        for path in MODULES
        for name in (path.stem, *public_names(ast.parse(path.read_text("utf-8"))))
        if banned(spelt(name))
    ]
    assert found == []


def test_messages_use_them() -> None:
    found = [
        (path.relative_to(REPOSITORY), text)
        for path in MODULES
        for text in messages(ast.parse(path.read_text("utf-8")))
        if " " in text and banned(text)
    ]
    assert found == []


def test_commands_and_options_use_them() -> None:
    for command in commands():
        texts = [command.name or "", command.help or "", command.epilog or ""]
        for parameter in command.params:
            texts += [*parameter.opts, getattr(parameter, "help", None) or ""]
        assert banned(" ".join(texts)) == [], command.name


def test_an_option_has_one_spelling() -> None:
    """One long name at most, none in American English, and a letter is short for one of them."""
    long_names: dict[str, set[str]] = {}
    for command in commands():
        for parameter in command.params:
            given = [name for name in parameter.opts if name.startswith("--")]
            assert len(given) < 2, (command.name, given)
            assert "license" not in " ".join(given), command.name
            for letter in set(parameter.opts) - set(given):
                long_names.setdefault(letter, set()).update(given)
    assert {letter: names for letter, names in long_names.items() if len(names) > 1} == {}


def test_documents_use_them() -> None:
    found = {path.name: banned(path.read_text("utf-8")) for path in PAGES}
    assert {name: words for name, words in found.items() if words} == {}
