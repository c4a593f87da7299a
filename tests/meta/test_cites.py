"""Every path, section and link that code, documents, schemas and the spec cite is there."""

import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SPEC = REPOSITORY / "spec"
PAGES = [
    *sorted(REPOSITORY.glob("*.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
    *sorted(SPEC.rglob("*.md")),
]
_FOLDERS = ("lyrikstore", "cli", "page/src", "spec", "examples", "benchmarks", "tools")
SOURCES = [
    *PAGES,
    *(
        path
        for folder in _FOLDERS
        for path in sorted((REPOSITORY / folder).rglob("*"))
        if path.suffix in {".py", ".js", ".toml"} and "node_modules" not in path.parts
    ),
    *sorted((REPOSITORY / "schemas").rglob("*.json")),
    *sorted(SPEC.glob("*.json")),
]
TEXTS = {str(path.relative_to(REPOSITORY)): path.read_text("utf-8") for path in SOURCES}

_HEADING = re.compile(r"^#+ (\d+(?:\.\d+)*)\.? ", re.MULTILINE)
_MARKED = re.compile(r"§(\d+(?:\.\d+)+)")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_BARE = re.compile(r"(?<![\d.,^$-])(?<!RFC )((?:[1-9]|1\d|20)\.\d{1,2}(?:\.\d{1,2})+)(?![.\d]*\d)")
_BRACKETED = re.compile(r"\(((?:[1-9]|1\d|20)\.\d{1,2})(?=[);,:])")
_BARE_IN = ("spec/", *(f"docs/internals/{name}" for name in ("cards", "curation", "training")))
_OTHERS = re.compile(r"RFC \d+ sections? [\d.]+(?: and [\d.]+)?|Unicode [\d.]+")
_PATH = re.compile(r"(?<![\w/.-])((?:spec|docs|schemas|tools|examples)/[\w./-]*\w)(?!\w*[*{/])")
_VECTORS = re.compile(r"`((?:vectors|adr)/[\w./-]+)`")
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")

_NONE = frozenset({"docs/b", "docs/contract_1.txt"})
"""Paths that are examples of paths in a dataset."""

_PLACEHOLDER = re.compile(r"\b(?:KIND|NAME)\b")


def sections() -> frozenset[str]:
    """Return the numbers of all chapters and sections of the spec."""
    chapters = (path.read_text("utf-8") for path in SPEC.glob("[0-9]*.md"))
    return frozenset(number for text in chapters for number in _HEADING.findall(text))


def cited_sections() -> Iterator[tuple[str, str]]:
    """Yield each file with each section of the spec that it cites.

    In code and documents a section is marked with a sign; the spec writes it bare.
    """
    for place, text in TEXTS.items():
        if not place.startswith("CHANGELOG"):  # of the spec as it was
            yield from ((place, number) for number in _MARKED.findall(text))
        if place.startswith(_BARE_IN) and place.endswith(".md"):
            prose = _OTHERS.sub("", _CODE.sub("", text))
            for pattern in (_BARE, _BRACKETED):
                yield from ((place, number) for number in pattern.findall(prose))


def is_there(cited: str) -> bool:
    """Return whether a path is there, in full or up to the number of a chapter or decision."""
    named = REPOSITORY / cited
    return named.exists() or any(named.parent.glob(f"{named.name}-*.md"))


def anchors(page: Path) -> frozenset[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return frozenset(one.replace(" ", "-") for one in words)


def test_every_section_that_is_cited_is_there() -> None:
    known, seen = sections(), list(cited_sections())
    assert len(seen) > 1_500
    assert sorted({one for one in seen if one[1] not in known}) == []


def test_every_path_that_is_cited_is_there() -> None:
    seen = {
        (place, cited)
        for place, text in TEXTS.items()
        if not place.startswith("CHANGELOG")
        for cited in _PATH.findall(text)
        if not _PLACEHOLDER.search(cited)
    }
    seen |= {
        (place, f"spec/{cited}")
        for place, text in TEXTS.items()
        if place.startswith("spec/") and place.endswith(".md")
        for cited in _VECTORS.findall(text)
    }
    assert len(seen) > 300
    assert sorted(one for one in seen if one[1] not in _NONE and not is_there(one[1])) == []


def test_every_link_of_a_page_leads_somewhere() -> None:
    seen, wrong = 0, []
    for page in PAGES:
        for target, anchor in _LINK.findall(_CODE.sub("", page.read_text("utf-8"))):
            seen += 1
            place = page if not target else page.parent / target
            # What the changelog tells of older pages may stand under another heading now.
            looked_for = anchor and page.name != "CHANGELOG.md"
            if not place.exists() or (looked_for and anchor not in anchors(place)):
                wrong.append((page.name, target, anchor))
    assert seen > 300
    assert wrong == []


def test_every_reason_that_a_step_writes_is_in_the_spec() -> None:
    chapter = TEXTS["spec/12-curation.md"]
    written = {
        reason
        for place, text in TEXTS.items()
        if place.startswith(("lyrikstore/curate/recipes/filters/", "lyrikstore/curate/extract/"))
        for reason in re.findall(
            r"(?:Drop|Divide|FieldReport|Note|Unreadable|UnreadableError)\(\s*\"([a-z-]+)\"", text
        )
    }
    assert len(written) > 25
    assert sorted(one for one in written if f"`{one}`" not in chapter) == []
