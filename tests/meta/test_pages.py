"""Pages of ``docs/`` stay short, and their links lead somewhere."""

import re
from pathlib import Path

from tests.conftest import REPOSITORY

WORDS_IN_ALL, WORDS_A_PAGE = 38_000, 5_400
"""As ``wc -w`` counts them. ``docs/cli.md`` and ``docs/errors.md`` are made from the program; how
lyrikstore works inside and what was measured is in ``docs/internals/``."""

PAGES = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
]
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def test_documents_are_short() -> None:
    lengths = {
        path.name: len(path.read_text("utf-8").split())
        for path in (REPOSITORY / "docs").glob("*.md")
        if path.name not in {"cli.md", "errors.md"}
    }
    assert sum(lengths.values()) <= WORDS_IN_ALL, sum(lengths.values())
    assert {name: words for name, words in lengths.items() if words > WORDS_A_PAGE} == {}


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    text = _FENCED.sub("", page.read_text("utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_lead_to_pages_and_headings_that_are_there() -> None:
    wrong = []
    for page in PAGES:
        text = _FENCED.sub("", page.read_text("utf-8"))
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            file, _, anchor = link.partition("#")
            if ":" in file:
                continue
            target = page.parent / file if file else page
            if not target.exists() or (
                anchor and target.suffix == ".md" and anchor not in anchors(target)
            ):
                wrong.append((page.name, link))
    assert wrong == []
