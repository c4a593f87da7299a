"""Licences on the command line: none is claimed for files that have none, or for somebody else."""

import sys

import click
import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore_cli.session import Options, Session

SHEET = "path,licence\n0.txt,MIT\n1.txt,MIT\n2.txt,GPL-3.0-only\n3.txt,\n4.txt,\n"
TERMS = """
[[partition]]
name = "open"
select = [{ column = "licence", values = ["MIT"] }]
licence = "MIT"
permits = ["train", "commercialUse", "redistribute"]
requires = ["attribution"]
[[partition]]
name = "copyleft"
select = [{ column = "licence", values = ["GPL-3.0-only"] }]
licence = "GPL-3.0-only"
permits = ["train"]
[[partition]]
name = "unclear"
licence = "NONE"
permits = []
"""
COMMIT = ("commit", "texts", "-d", "acme/texts", "--json")


@pytest.fixture
def acme(publisher):
    (publisher.folder / "texts").mkdir()
    for number in range(5):
        (publisher.folder / "texts" / f"{number}.txt").write_text(f"text {number}\n")
    (publisher.folder / "sheet.csv").write_text(SHEET)
    (publisher.folder / "terms.toml").write_text(TERMS)
    return publisher


def test_what_states_none_is_counted_from_commit_to_delivery(acme) -> None:
    done = acme.ok(*COMMIT, "--metadata", "sheet.csv").json
    assert (done["licence"], done["licenceField"], done["licencesUnstated"]) == (None, "licence", 2)
    assert done["licenceCounts"] == [
        {"valueText": "MIT", "recordCount": 2},
        {"valueText": "GPL-3.0-only", "recordCount": 1},
    ]
    issued = acme.ok("issue", "acme/texts", "-o", "out", "--terms", "terms.toml", "--json").json
    assert (issued["licence"], issued["licencesUnstated"]) == (None, 2)
    # MIT lets everybody modify: whoever has the data under MIT is not bound to these terms.
    assert [one["reason"] for one in issued["warnings"]] == ["narrower-terms"]
    assert acme.ok("verify", "out", "--json").json["verdict"] == "trusted"
    (source,) = acme.run("terms", "out", "--json").json["sources"]
    assert source["partitions"] == ["open", "copyleft", "unclear"]
    assert source["ownWord"]["reason"] == "licence"


def test_a_licence_of_ones_own_wants_its_text(acme) -> None:
    done = acme.ok(*COMMIT, "--licence", "LicenseRef-Own").json
    assert done["licencesWithoutText"] == ["LicenseRef-Own"]
    (acme.folder / "own.txt").write_text("Our terms.\n")
    done = acme.ok(*COMMIT, "--licence", "LicenseRef-Own", "--licence-text", "own.txt").json
    assert done["licencesWithoutText"] == []
    assert acme.ok("permit", "acme/texts", "--permit", "train", "--json").json["ownWord"] is None


def test_what_one_permits_of_somebody_elses_is_ones_own_word(acme) -> None:
    """ATTACK A122: who has data under a licence permits by their own word what it prohibits."""
    (acme.folder / "text.txt").write_text("MIT License\n\nCopyright (c) 2019 A. Author\n")
    acme.ok(*COMMIT, "--licence", "MIT", "--licence-text", "text.txt")
    permit = ("permit", "acme/texts", "--permit", "train,commercialUse", "--json")
    said = acme.ok(*permit).json["ownWord"]
    assert (said["reason"], said["licence"], said["namedHolder"]) == (
        *("licence-text", "MIT", "A. Author"),
    )
    (source,) = acme.ok("terms", "acme/texts", "--json").json["sources"]
    assert source["ownWord"] == said
    # Whose it is, its description can say.
    (acme.folder / "own.toml").write_text('[origin]\nstate = "not-applicable"\nreason = "ours"\n')
    acme.ok(*COMMIT, "--licence", "MIT", "--describe", "own.toml")
    assert acme.ok(*permit).json["ownWord"] is None
    (source,) = acme.ok("terms", "acme/texts", "--json").json["sources"]
    assert source["ownWord"] is None


@pytest.mark.parametrize(("terminal", "no_input"), [(False, False), (True, True), (True, False)])
def test_who_can_be_asked_is_asked(monkeypatch, terminal: bool, no_input: bool) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: terminal)
    monkeypatch.setattr(click, "confirm", lambda text, **_: asked.append(text))  # which says no
    session = Session(Options(no_input=no_input))
    if terminal and not no_input:
        with pytest.raises(InvalidInputError) as refused:
            session.confirm_here("Permit it?")
        assert refused.value.kind == "not-confirmed"
        assert asked == ["Permit it?"]
    else:
        assert not session.confirm_here("Permit it?")
        assert asked == []
