"""The committed pages are made of the sources that are committed with them."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def digest_of_sources() -> str:
    """Return what build.mjs writes into the page: every file it is made of, by name."""
    files: list[Path] = []
    for name in json.loads((ROOT / "page" / "sources.json").read_text("utf-8")):
        path = ROOT / name
        files += [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    sources = sha256()
    for name in sorted(path.relative_to(ROOT).as_posix() for path in files):
        sources.update(f"{name}\n".encode() + (ROOT / name).read_bytes())
    return sources.hexdigest()


@pytest.mark.parametrize(
    ("name", "stamp"),
    [
        ("verify.html", r'<meta name="sources" content="([0-9a-f]{64})">'),
        ("audit.html", r'<meta name="sources" content="([0-9a-f]{64})">'),
        ("draft.js", r"\A/\* sources ([0-9a-f]{64}) \*/\n"),
    ],
)
def test_the_page_is_not_stale(name: str, stamp: str) -> None:
    made_of = re.search(stamp, (ROOT / "lyrikstore" / "web" / name).read_text("utf-8"))
    assert made_of is not None
    assert made_of[1] == digest_of_sources(), "run make page, and commit what it changes"
