"""The committed page is made of the sources that are committed with it."""

import json
import re
from hashlib import sha256
from pathlib import Path

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


def test_the_page_is_not_stale() -> None:
    page = (ROOT / "lyrikstore" / "web" / "verify.html").read_text("utf-8")
    made_of = re.search(r'<meta name="sources" content="([0-9a-f]{64})">', page)
    assert made_of is not None
    assert made_of[1] == digest_of_sources(), "run make page, and commit what it changes"
