"""``spec/limits.json`` and ``spec/checks.json`` are sound, and what both verifiers go by."""

import json
import re
from pathlib import Path

import pytest

from lyrikstore.canon.schemas import check_schema

ROOT = Path(__file__).resolve().parents[2]
LIMITS = json.loads((ROOT / "spec" / "limits.json").read_text("utf-8"))


def sources(*patterns: str) -> str:
    files = (path for pattern in patterns for path in sorted(ROOT.glob(pattern)))
    return "\n".join(path.read_text("utf-8") for path in files)


PYTHON, PAGE = sources("lyrikstore/**/*.py"), sources("page/src/**/*.js", "page/ui/*.js")


def is_there(place: str) -> bool:
    """Return whether the specification has the section ``CHAPTER#ANCHOR``."""
    path, _, anchor = place.partition("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / path).read_text("utf-8"), re.MULTILINE)
    return anchor in (re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in headings)


def test_limits_are_sound() -> None:
    check_schema(LIMITS, "limits")
    assert [name for name, limit in LIMITS.items() if not is_there(limit["spec"])] == []


@pytest.mark.parametrize("text", [PYTHON, PAGE], ids=["python", "page"])
def test_every_limit_is_used(text: str) -> None:
    assert set(LIMITS) <= set(re.findall(r"\w+", text))
