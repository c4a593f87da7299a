"""``lyrikstore rules``: settings that it writes pass their cases, and a wrong case is exit 3."""

from tests.conftest import Person


def test_settings_are_written_changed_and_tested(new_person) -> None:
    officer: Person = new_person("officer")
    officer.ok("rules", "new")
    assert officer.fails(15, "rules", "new", "--json").error["kind"] == "file-exists"
    written = officer.folder / "rules.toml"
    written.write_text(written.read_text("utf-8").replace("= 1825", "= 365"), "utf-8")
    found = officer.ok("rules", "test", "rules.toml", "--json").json
    assert found["passed"]
    assert all(one["tested"] for one in found["rules"])
    assert any("365" in one["demand"] for one in found["rules"])

    case = '[[case]]\nname = "none"\naction = "deploy"\nkind = "Model"\nanswer = "deny"\n'
    head = 'pack = 1\nname = "p"\nversion = "1"\nasOf = "2026-12-01"\nreviewed = "nobody"\n'
    (officer.folder / "pack.toml").write_text(head + case, "utf-8")
    wrong = officer.fails(3, "rules", "test", "pack.toml", "--json").json
    assert not wrong["passed"]
    assert [one["line"] for one in wrong["cases"]] == [7]
