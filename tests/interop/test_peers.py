"""Others' software judges our credentials and we judge theirs: docs/internals/interop.md."""

import os
import subprocess
from typing import Any

import pytest

from tests.interop import table

pytestmark = [pytest.mark.page, pytest.mark.ci]


@pytest.fixture(scope="module")
def ours() -> list[table.Row]:
    return table.ask_about_ours()


@pytest.fixture(scope="module")
def theirs() -> list[table.Foreign]:
    return table.ask_ours_about_theirs()


@pytest.fixture(scope="module")
def shown() -> list[table.Foreign]:
    return table.ask_ours_about_what_they_present()


def describe(row: table.Row) -> str:
    return f"{row.peer.name} on {row.subject.name}, {row.suite}, {row.change}: {row.reason}"


def test_everybody_accepts_what_is_sound(ours: Any) -> None:
    sound = [row for row in ours if row.subject.sound and not row.change]
    assert [describe(row) for row in sound if not row.accepted] == []
    assert {(row.peer.name, row.suite) for row in sound} == {
        (peer.name, suite) for peer in table.peers() for suite in peer.suites
    }


def test_nobody_accepts_what_was_changed(ours: Any) -> None:
    changed = [row for row in ours if row.change]
    assert [describe(row) for row in changed if row.accepted] == []
    assert len(changed) > 50


def test_who_looks_at_what_is_wrong_refuses_it(ours: Any) -> None:
    wrong = [row for row in ours if row.subject.seen_by and not row.change]
    unlike = [row for row in wrong if row.accepted == (row.subject.seen_by in row.peer.looks_at)]
    assert [describe(row) for row in unlike] == []
    refused = {(row.subject.seen_by, row.peer.name) for row in wrong if not row.accepted}
    assert {seen for seen, _ in refused} == {row.subject.seen_by for row in wrong}
    assert len(refused) == 9


def test_what_they_issue(theirs: Any) -> None:
    for one in theirs:
        dialect_c = one.peer.name == "openvc-core" and one.suite == table.JCS
        wanted = ("invalid",) * 3 if dialect_c else ("trusted", "valid", "invalid")
        assert one.verdicts == wanted, (one.peer.name, one.suite, one.reason)
    assert {one.suite for one in theirs} == {table.JCS, table.RDFC}
    assert len(theirs) == 6


def test_what_they_present(shown: Any) -> None:
    for one in shown:
        dialect_c = one.peer.name == "openvc-core" and one.suite == table.JCS
        first = "invalid" if dialect_c else "trusted"
        assert one.verdicts == (first, *("invalid",) * 3), (one.peer.name, one.suite, one.reason)
    assert len(shown) == 5


def test_the_page_says_so(ours: Any, theirs: Any, shown: Any) -> None:
    assert table.PAGE.read_text("utf-8") == table.page(ours, theirs, shown), "run make interop"


def test_make_interop_finds_its_modules() -> None:
    (line,) = [
        line
        for line in _made("make", "-n", "interop").splitlines()
        if line.endswith("-m tests.interop.table")
    ]
    _made("sh", "-c", line.replace("-m tests.interop.table", "-c 'import tests.interop.table'"))


def _made(*command: str) -> str:
    # Without what pytest's own settings add.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=table.REPOSITORY, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
