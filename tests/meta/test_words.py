"""Names and headings are terms of the field: trained, revoked, redistributed, reported."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

WORDS = (
    *("told", "tell", "tells", "learnt", "odd", "odds", "taken back", "takes back", "handed on"),
    *("hand on", "withdrawn", "withdraw", "likeliest", "settle", "settled", "lesser", "promised"),
    *("doubt", "doubts", "book"),
)
"""Words that a name or a heading may not contain as a part of its own."""

EXEMPT = {
    ("lyrikstore/curate/readers/parquet_process.py", "tell"): "a method of Python's file objects",
    ("lyrikstore/filesystem.py", "tell"): "a method of Python's file objects",
    ("lyrikstore/objects/chunk/stream.py", "tell"): "a method of Python's file objects",
}
"""File and name → why the name is given from outside."""

FOLDERS = ("lyrikstore", "cli", "benchmarks", "tools", "tests", "spec", "examples")
FROZEN = re.compile(r"tests/compat/v")
"""Stores and programs of earlier versions stay as they were written."""

FORBIDDEN = re.compile(rf"\b({'|'.join(WORDS)})\b")


def tracked(*patterns: str) -> list[str]:
    """Return the paths of the tracked files that match the patterns, without frozen ones."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=REPOSITORY, check=True, capture_output=True
    )
    names = done.stdout.decode().rstrip("\0").split("\0")
    return [one for one in names if not FROZEN.match(one) and (REPOSITORY / one).exists()]


def parts(name: str) -> str:
    """Return the parts of an identifier in lower case, with spaces between them."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", name).strip().lower()


def names_given(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of everything that a module names."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr
            case ast.alias(asname=str(name)):
                yield node.lineno, name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield node.lineno, name


@pytest.mark.parametrize(
    ("name", "is_forbidden"),
    [("_told", True), ("isTakenBack", True), ("HANDED_ON", True), ("tellText", True),
     ("untold", False), ("workbook", False), ("hand_over", False), ("toldest", False)],
)  # fmt: skip
def test_a_word_is_found_as_a_whole_part(name: str, is_forbidden: bool) -> None:
    assert bool(FORBIDDEN.search(parts(name))) is is_forbidden


def test_names_in_code_are_terms_of_the_field() -> None:
    found, used = [], set()
    for path in tracked(*(f"{folder}/*.py" for folder in FOLDERS)):
        names = list(names_given(ast.parse((REPOSITORY / path).read_text("utf-8"))))
        assert names or "def " not in (REPOSITORY / path).read_text("utf-8")
        for line, name in [*names, (1, Path(path).stem), (1, Path(path).parent.name)]:
            if FORBIDDEN.search(parts(name)):
                if (path, name) in EXEMPT:
                    used.add((path, name))
                else:
                    found.append(f"{path}:{line}: {name}")
    assert found == []
    assert used == EXEMPT.keys()


def test_headings_are_terms_of_the_field() -> None:
    found = []
    for path in tracked("docs/*.md", "spec/*.md", "README.md", "CONTRIBUTING.md"):
        fenced = False
        for number, line in enumerate((REPOSITORY / path).read_text("utf-8").splitlines(), 1):
            fenced ^= line.startswith("```")
            if not fenced and re.match("#+ ", line) and FORBIDDEN.search(line.lower()):
                found.append(f"{path}:{number}: {line}")
    assert found == []
