"""CHANGELOG.md has one line a change, by version and kind; fragments wait in ``changelog.d/``."""

import re

import pytest

from tests.conftest import REPOSITORY
from tools.changelog import KINDS, MOST, merged, problems

TITLES = [kind.title() for kind in KINDS]


def test_fragments_are_well_formed() -> None:
    paths = [path for path in (REPOSITORY / "changelog.d").iterdir() if path.name != "README.md"]
    found = [one for path in paths for one in problems(path.name, path.read_text("utf-8"))]
    assert found == []


def test_the_changelog_has_a_line_a_change_by_version_and_kind() -> None:
    text = (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    versions = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert [one.split("\n")[0].split(" ")[0] for one in versions][:2] == ["Unreleased", "0.1.0"]
    for version in versions:
        titles = re.findall(r"^### (.*)$", version, re.MULTILINE)
        assert titles == [one for one in TITLES if one in titles]
    sections = re.findall(r"^### .*\n((?:(?!#).*\n)*)", text, re.MULTILINE)
    lines = [line for section in sections for line in section.splitlines() if line]
    assert len(lines) > 100
    assert [line for line in lines if not line.startswith("* ")] == []
    assert [line for line in lines if len(line) > MOST + 2] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.fix.md", "A line\n"),
        ("A name.fixed.md", "A line\n"),
        ("a.fixed.md", "A line"),
        ("a.fixed.md", "Two\nlines\n"),
        ("a.fixed.md", f"{'x' * (MOST + 1)}\n"),
        ("a.fixed.md", "* a bullet\n"),
        ("a.fixed.md", ""),
    ],
)
def test_what_is_no_fragment_is_named(name: str, text: str) -> None:
    assert list(problems(name, text))


def test_fragments_come_first_under_their_kind() -> None:
    before = (
        "# Changelog\n\n## Unreleased\n\n### Fixed\n\n* Old\n\n## 0.1.0\n\n### Added\n\n* All\n"
    )
    after = merged(before, {"b.fixed.md": "Second\n", "a.fixed.md": "First\n", "c.added.md": "C\n"})
    assert after == (
        "# Changelog\n\n## Unreleased\n\n### Added\n\n* C\n\n"
        "### Fixed\n\n* First\n* Second\n* Old\n\n## 0.1.0\n\n### Added\n\n* All\n"
    )
    assert merged(before, {}) == before
