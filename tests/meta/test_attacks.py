"""The attack numbers that code, tests and chapters cite, and the table that explains them."""

import re
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TABLE = REPOSITORY / "spec" / "attacks.md"
ROW = re.compile(r"^\| (A\d\d+) \| ([^|]+) \| ([^|]+) \| `([^`:]+)::(\w+)` \|$", re.MULTILINE)
ROWS = ROW.findall(TABLE.read_text("utf-8"))
CITING = (
    "lyrikstore/*.py",
    "cli",
    "tests",
    "spec/*.md",
    "spec/vectors/*.py",
    "page/src",
    "page/test",
)


def test_every_number_that_is_cited_is_in_the_table() -> None:
    found = subprocess.run(
        ["git", "grep", "-oIhE", r"\bA[0-9]{2,3}\b", "--", *CITING, ":!spec/attacks.md"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert len(set(found)) > 30
    assert set(found) <= {row[0] for row in ROWS}


def test_every_row_names_a_test_and_sections_that_are_there() -> None:
    text = TABLE.read_text("utf-8")
    assert len(ROWS) == text.count("\n| A")
    numbers = [int(row[0][1:]) for row in ROWS]
    assert numbers == sorted(set(numbers))
    for number, _, held, file, name in ROWS:
        assert f"def {name}(" in (REPOSITORY / file).read_text("utf-8"), (number, file, name)
        sections = re.findall(r"\[§([\d.]+)\]\(([\w-]+\.md)\)", held)
        for section, chapter in sections:
            headings = re.findall(
                r"^#+ ([\d.]*\d)", (TABLE.parent / chapter).read_text(), re.MULTILINE
            )
            assert section in headings, (number, section)
        assert sections or re.search(r"\]\((0\d|adr/\d+)-", held), number
