"""Chapters of the spec are read in pieces: no paragraph is long, and no chapter grows unseen."""

import re
from pathlib import Path

SPEC = Path(__file__).resolve().parents[2] / "spec"
MOST_CHARACTERS = 600
"""Of a paragraph, an item of a list or a cell of a table."""

MOST_WORDS = 5_000
"""Of a chapter."""

EVALUATION_WORDS = 2_000
"""Of what says how the figures of an evaluation follow from its answers."""

LARGE: dict[str, int] = {
    "11-verification.md": 12_100,
    "12-curation.md": 13_800,
    "13-runs.md": 24_500,
    "14-deliveries-and-cards.md": 14_200,
}
"""Chapter → words of those that have more. Entries go and numbers fall; none is added."""

_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_PARTS = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) |\|)")
CHAPTERS = {
    path.name: _FENCED.sub("", path.read_text("utf-8")) for path in sorted(SPEC.glob("[0-9]*.md"))
}


def paragraphs(text: str) -> list[str]:
    """Return paragraphs, items of lists and cells of tables."""
    parts = _PARTS.split(text)
    return [cell for one in parts for cell in (one.split(" | ") if one[:1] == "|" else [one])]


def test_no_paragraph_is_long() -> None:
    long = [
        (name, one.strip()[:80])
        for name, text in CHAPTERS.items()
        for one in paragraphs(text)
        if len(one.strip()) > MOST_CHARACTERS
    ]
    assert long == []


def test_no_chapter_is_large() -> None:
    found = {name: len(text.split()) for name, text in CHAPTERS.items()}
    assert {name: n for name, n in found.items() if n > LARGE.get(name, MOST_WORDS)} == {}
    few = {name for name, most in LARGE.items() if found[name] <= MOST_WORDS or most <= MOST_WORDS}
    assert few == set(), "take these out of LARGE"


def test_who_verifies_an_evaluation_reads_few_words() -> None:
    text = CHAPTERS["13-runs.md"]
    sections = {
        one.split()[1]: one for one in re.split(r"^(?=#+ )", text, flags=re.MULTILINE) if one
    }
    read = ["13.7", "13.9.1", "13.9.2", "13.9.3", "13.9.4", "13.9.5"]
    assert sum(len(sections[one].split()) for one in read) <= EVALUATION_WORDS


def test_nothing_is_normative_outside_the_spec() -> None:
    pages = [*(SPEC.parent / "docs").rglob("*.md"), *SPEC.parent.glob("*.md")]
    words = re.compile(r"\b(?:MUST|SHALL|SHOULD|REQUIRED|RECOMMENDED)\b")
    assert [page.name for page in pages if words.search(page.read_text("utf-8"))] == []
