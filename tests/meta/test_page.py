"""The committed pages are made of the sources that are committed with them."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def digest_of_sources() -> str:
    """Return what build.mjs writes into the page: every file it is made of, by name."""
    names: list[str] = []
    for name in json.loads((ROOT / "page" / "sources.json").read_text("utf-8")):
        inside = [one for one in (ROOT / name).rglob("*") if one.is_file()]
        names += [one.relative_to(ROOT).as_posix() for one in inside] or [name]
    sources = sha256()
    for name in sorted(names):
        sources.update(f"{name}\n".encode() + content_of(name))
    return sources.hexdigest()


def content_of(name: str) -> bytes:
    """Return a file, or one section of a JSON file."""
    file, _, section = name.partition("#")
    data = (ROOT / file).read_bytes()
    if not section:
        return data
    return json.dumps(json.loads(data)[section], ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("name", "stamp"),
    [
        ("verify.html", r'<meta name="sources" content="([0-9a-f]{64})">'),
        ("audit.html", r'<meta name="sources" content="([0-9a-f]{64})">'),
        ("explore.js", r"\A/\* sources ([0-9a-f]{64}) \*/\n"),
        ("draft.js", r"\A/\* sources ([0-9a-f]{64}) \*/\n"),
        ("review.js", r"\A/\* sources ([0-9a-f]{64}) \*/\n"),
    ],
)
def test_the_page_is_not_stale(name: str, stamp: str) -> None:
    made_of = re.search(stamp, (ROOT / "lyrikstore" / "web" / name).read_text("utf-8"))
    assert made_of is not None
    assert made_of[1] == digest_of_sources(), "run make page, and commit what it changes"
