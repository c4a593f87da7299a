"""Move the fragments of ``changelog.d/`` into the section Unreleased of CHANGELOG.md.

A fragment is one change: a file ``NAME.KIND.md`` with one line, where KIND is ``added``,
``changed``, ``fixed`` or ``removed``.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
FRAGMENTS, CHANGELOG = REPOSITORY / "changelog.d", REPOSITORY / "CHANGELOG.md"
KINDS = ("added", "changed", "fixed", "removed")
MOST = 200
"""Characters of a line."""


def problems(name: str, text: str) -> Iterator[str]:
    """Yield what is wrong with a fragment."""
    if not re.fullmatch(rf"[a-z0-9-]+\.(?:{'|'.join(KINDS)})\.md", name):
        yield f"{name}: not NAME.KIND.md, with one of the kinds {', '.join(KINDS)}"
    if len(text.splitlines()) != 1 or not text.endswith("\n"):
        yield f"{name}: not one line"
    elif len(text) - 1 > MOST:
        yield f"{name}: {len(text) - 1} characters of {MOST}"
    if re.match(r"[\s*#-]", text):
        yield f"{name}: begins with white space or a mark of a list"


def merged(changelog: str, fragments: dict[str, str]) -> str:
    """Return a changelog with the lines of fragments on top of those of their kinds."""
    head, title, rest = changelog.partition("## Unreleased\n")
    if not title:
        raise ValueError("CHANGELOG.md has no section Unreleased")
    unreleased, mark, older = rest.partition("\n## ")
    sections = dict(re.findall(r"^### (\w+)\n\n((?:\* .*\n)*)", unreleased, re.MULTILINE))
    for name, text in sorted(fragments.items(), reverse=True):
        kind = name.split(".")[1].title()
        sections[kind] = f"* {text}{sections.get(kind, '')}"
    written = [
        f"\n### {one}\n\n{sections[one]}" for one in map(str.title, KINDS) if one in sections
    ]
    return f"{head}{title}{''.join(written)}{mark}{older}"


def main() -> int:
    """Write CHANGELOG.md, and delete the fragments; 1 if one is not as it should be."""
    paths = sorted(path for path in FRAGMENTS.glob("*.md") if path.name != "README.md")
    fragments = {path.name: path.read_text("utf-8") for path in paths}
    if wrong := [one for name, text in fragments.items() for one in problems(name, text)]:
        sys.stderr.write("\n".join(wrong) + "\n")
        return 1
    CHANGELOG.write_text(merged(CHANGELOG.read_text("utf-8"), fragments), "utf-8")
    for path in paths:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
