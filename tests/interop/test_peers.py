"""Others' software judges our credentials and we judge theirs, as docs/interop.md says."""

from typing import Any

import pytest

from tests.interop import table

pytestmark = [pytest.mark.page, pytest.mark.xdist_group("peers")]


@pytest.fixture(scope="module")
def ours() -> list[table.Row]:
    return table.ask_about_ours()


@pytest.fixture(scope="module")
def theirs() -> list[table.Foreign]:
    return table.ask_ours_about_theirs()


def told(row: table.Row) -> str:
    return f"{row.peer.name} on {row.subject.name}, {row.suite}, {row.change}: {row.reason}"


def test_everybody_accepts_what_is_sound(ours: Any) -> None:
    sound = [row for row in ours if row.subject.sound and not row.change]
    assert [told(row) for row in sound if not row.accepted] == []
    assert {(row.peer.name, row.suite) for row in sound} == {
        (peer.name, suite) for peer in table.peers() for suite in peer.suites
    }


def test_nobody_accepts_what_was_changed(ours: Any) -> None:
    changed = [row for row in ours if row.change]
    assert [told(row) for row in changed if row.accepted] == []
    assert len(changed) > 50


def test_who_looks_at_the_status_refuses_what_was_revoked(ours: Any) -> None:
    revoked = [row for row in ours if not row.subject.sound]
    assert {row.peer.name for row in revoked if not row.accepted} == {
        peer.name for peer in table.peers() if "status list" in peer.looks_at
    }
    assert all(row.accepted == ("status list" not in row.peer.looks_at) for row in revoked)


def test_what_they_issue(theirs: Any) -> None:
    for one in theirs:
        dialect_c = one.peer.name == "openvc-core" and one.suite == table.JCS
        wanted = ("invalid",) * 3 if dialect_c else ("trusted", "valid", "invalid")
        assert one.verdicts == wanted, (one.peer.name, one.suite, one.reason)
    assert {one.suite for one in theirs} == {table.JCS, table.RDFC}
    assert len(theirs) == 6


def test_the_page_says_so(ours: Any, theirs: Any) -> None:
    assert table.PAGE.read_text("utf-8") == table.page(ours, theirs), "run make interop"
