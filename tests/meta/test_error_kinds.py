"""Every kind of error is a word of one list, raised somewhere, on the page, and tested."""

import re

import pytest

from lyrikstore.canon.error_kinds import ErrorKind
from tests.conftest import REPOSITORY
from tools.error_kinds import kinds_raised

KINDS = [str(kind) for kind in ErrorKind]


@pytest.fixture(scope="module")
def raised() -> dict[str, set[str]]:
    return kinds_raised()


def test_kinds_that_are_raised_are_those_of_the_list(raised: dict[str, set[str]]) -> None:
    assert sorted(set(raised) - set(KINDS)) == [], "raised, and no member of ErrorKind"
    assert sorted(set(KINDS) - set(raised)) == [], "a member of ErrorKind, and raised nowhere"


def test_the_list_is_sorted_and_each_kind_has_a_sentence() -> None:
    names = [kind.name for kind in ErrorKind]
    assert names == sorted(names)
    assert [kind for kind in ErrorKind if not re.fullmatch(r"[A-Z].*[^.]\.", kind.sentence)] == []


def test_the_page_has_them_with_their_sentences(raised: dict[str, set[str]]) -> None:
    page = (REPOSITORY / "docs" / "errors.md").read_text("utf-8")
    sentences, classes = {}, {}
    for section in page.split("\n## ")[1:]:
        title, _, lines = section.partition(": exit code ")
        for kind, sentence in re.findall(r"^\* `([a-z0-9-]+)`: (.*)$", lines, re.MULTILINE):
            sentences[kind] = sentence
            classes[kind] = set(re.findall(r"`(\w+)`", title))
    assert sentences == {str(kind): kind.sentence for kind in ErrorKind}
    assert classes == raised


RAISES = re.compile(r"^( *)Raises:\n((?:\1 +.*\n|\n(?=\1 ))*)", re.MULTILINE)
CLAUSE = re.compile(r"\((``[a-z0-9-]+``(?:,? (?:(?:and|or) )?``[a-z0-9-]+``)*)\)")


def kinds_named(source: str) -> set[str]:
    """Return the kinds that sections ``Raises:`` of a module name."""
    sections = (section for _, section in RAISES.findall(source))
    clauses = (
        clause for section in sections for clause in CLAUSE.findall(" ".join(section.split()))
    )
    return {kind for clause in clauses for kind in re.findall(r"``([a-z0-9-]+)``", clause)}


def test_kinds_that_docstrings_name_are_those_of_the_list() -> None:
    # ``kind`` is the parameter, of functions that take it.
    named = {
        str(path.relative_to(REPOSITORY)): kinds_named(path.read_text("utf-8")) - {*KINDS, "kind"}
        for folder in ("lyrikstore", "cli")
        for path in sorted((REPOSITORY / folder).rglob("*.py"))
    }
    assert {path: sorted(kinds) for path, kinds in named.items() if kinds} == {}


def test_kinds_are_found_in_docstrings() -> None:
    docstring = """
    Raises:
        NotFoundError: (``some-kind``,
            ``no-kind``) it is gone; ``no member``.

        StorageError: (``another``) else.

    Cost: (``none``).
    """
    assert kinds_named(docstring) == {"some-kind", "no-kind", "another"}


SOURCE = """
from lyrikstore.canon.errors import FormatError, InvalidInputError, StorageError
WORD = "by-constant"
def refuse_kind(kind, message):
    raise FormatError(kind, message)
def some(one):
    refuse_kind("by-function", "x")
    raise InvalidInputError("by-choice" if one else WORD, "x")
def other(one):
    kind, hint = "by-variable", "x"
    raise StorageError(kind=kind, message=one)
"""


def test_kinds_are_found_where_they_come_from() -> None:
    more = {"by-constant", "by-function", "by-choice", "by-variable"}
    found = kinds_raised([("some_module", SOURCE)])
    assert set(found) - set(KINDS) == more
    assert found["by-function"] == {"FormatError"}


def test_every_kind_is_named_by_a_test() -> None:
    # By a module of tests, or by a vector that tests read.
    paths = [
        *(REPOSITORY / "tests").rglob("*.py"),
        *(REPOSITORY / "spec" / "vectors").rglob("*.json"),
    ]
    named = {
        word for path in paths for word in re.findall(r"\"([a-z0-9-]+)\"", path.read_text("utf-8"))
    }
    assert sorted(set(KINDS) - named) == [], "no test provokes it"
