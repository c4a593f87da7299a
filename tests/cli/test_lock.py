"""``lyrik.lock``: the versions that code was written for, and no others."""

import re
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def project(publisher) -> Path:
    """A folder of code, with two datasets of two versions each in the store above it."""
    for text in ("one", "two"):
        for name in "ab":
            data = publisher.folder / name
            data.mkdir(exist_ok=True)
            (data / "t.txt").write_text(f"{name} {text}\n")
            publisher.ok("commit", data, "-d", f"acme/{name}")
    code = publisher.folder / "code"
    (code / "src").mkdir(parents=True)
    return code


def lock(publisher, project: Path, *arguments: object, code: int = 0) -> Any:
    if code:
        return publisher.fails(code, "lock", *arguments, "--json", cwd=project).error
    return publisher.ok("lock", *arguments, "--json", cwd=project).json


def test_the_locked_version_is_checked_out(publisher, project) -> None:
    found = lock(publisher, project, "acme/a~1", "acme/b")
    assert found["changed"]
    assert [(one["name"], one["lockState"]) for one in found["locked"]] == [
        ("datasets/acme/a", "newer"),
        ("datasets/acme/b", "same"),
    ]
    assert not lock(publisher, project, "acme/b")["changed"]
    publisher.ok("checkout", "--locked", "acme/a", "out", cwd=project / "src")
    assert (project / "src" / "out" / "t.txt").read_text() == "a one\n"
    assert lock(publisher, project, "--check")["holds"]
    assert lock(publisher, project, "--update")["changed"]
    publisher.ok("checkout", "--locked", "acme/a", "new", cwd=project)
    assert (project / "new" / "t.txt").read_text() == "a two\n"


def another(member: str, text: str) -> str:
    """Return a lock file in which a member names another digest."""
    start = f'{member} = "blake3:'
    digits = text[text.index(start) + len(start) :][:2]
    return text.replace(f"{start}{digits}", f"{start}{'11' if digits == '00' else '00'}", 1)


def test_what_is_not_so_is_refused(publisher, project) -> None:
    assert lock(publisher, project, "--check", code=1)["kind"] == "no-lock"
    lock(publisher, project, "acme/a")
    file = project / "lyrik.lock"
    good = file.read_text()
    error = publisher.fails(16, "checkout", "--locked", "acme/b", "o", "--json", cwd=project).error
    assert error["kind"] == "not-locked"
    index = re.search(r"log-index = (\d+)", good)
    assert index
    other = good.replace(index[0], f"log-index = {int(index[1]) - 2}")
    unknown = another("id", good)
    renamed = good.replace("acme/a", "acme/b")
    assert lock(publisher, project, "acme/a", "acme/a~1", code=16)["kind"] == "name-twice"
    file.write_text(re.sub(r'origin = "', 'origin = "evil.example/', good))
    assert lock(publisher, project, "--check", code=16)["kind"] == "other-store"
    for text, state in ((other, "differs"), (unknown, "missing"), (renamed, "differs")):
        file.write_text(text)
        assert lock(publisher, project, "--check", code=5)["kind"] == "lock-broken"
        said = publisher.fails(5, "lock", "--check", cwd=project)
        assert f"✗ {state}" in said.out
        name = "acme/b" if text is renamed else "acme/a"
        error = publisher.fails(1, "checkout", "--locked", name, "o", "--json", cwd=project).error
        assert error["kind"] == "lock-broken"
    for text in ("", "lock = 2", good + "x = 1\n", good.replace("blake3:", "sha256:"), "\0"):
        file.write_text(text)
        assert lock(publisher, project, "--check", code=16)["kind"] == "bad-lock"
    file.write_text(another("store", good))
    assert lock(publisher, project, "--check", code=16)["kind"] == "other-store"
    assert lock(publisher, project, "acme/b", code=16)["kind"] == "other-store"
