"""The clock of this machine is set back, or runs ahead: the log knows what time it was."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.history.manifests.manifest import parse_manifest
from tests.conftest import Person, Result

pytestmark = pytest.mark.clock
NAME = "acme/licences"


@pytest.fixture
def store(publisher, corpus):
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME, "--licence", "CC-BY-4.0")
    publisher.documents = documents
    return publisher


@dataclass
class Shifted(Person):
    """Somebody whose clock is days off."""

    days: int = 0

    def command(self, *arguments: object) -> list[str]:
        return ["faketime", "-f", f"{self.days:+d}d", *super().command(*arguments)]


def shifted(person: Person, days: int, *arguments: object) -> Result:
    """Run the program with a clock that is days off."""
    return Shifted(person.home, person.folder, person.environment, days).run(*arguments)


def test_a_clock_that_is_behind_the_log_signs_with_its_date(store) -> None:
    made = shifted(store, -2, "commit", store.documents, "-d", "acme/other", "--json")
    behind = made.json["clockBehind"]
    assert (made.code, behind["floor"] > behind["clock"]) == (0, True)
    entries = store.ok("log", "--audit", "--json").json["entries"]
    (signed,) = [one for one in entries if one["id"] == made.json["id"]]
    assert signed["created"] == entries[behind["logIndex"]]["created"] == behind["floor"]
    result = shifted(store, -2, "key", "admit", store.did())
    assert (result.code, result.err.count("key misdated")) == (0, 1)
    assert (
        store.ok("commit", store.documents, "-d", "acme/more", "--json").json["clockBehind"] is None
    )


def test_one_wrong_date_blocks_nobody(store) -> None:
    """The clock was years ahead once. Everybody writes; an owner says so, for good."""
    commit = ("commit", store.documents, "-d")
    refused = shifted(store, 3000, *commit, "acme/future", "--json", "--no-input")
    assert (refused.code, refused.kind) == (16, "date-gap")
    assert shifted(store, 3000, *commit, "acme/future", "--after-gap").code == 0
    wrong = store.ok("log", "--audit", "--json").json["entries"][-2]
    assert (wrong["type"], wrong["wrongDate"]) == ("manifest", False)
    borrowed = store.ok(*commit, "acme/other", "--json").json
    assert borrowed["clockBehind"]["logIndex"] == wrong["logIndex"]
    for index, kind in ((99, "bad-index"),):
        assert store.run("key", "misdated", index, "--json").kind == kind
    made = store.ok("key", "misdated", wrong["logIndex"], "-m", "a new machine", "--json").json
    assert made["misdated"] == [wrong["logIndex"]]
    assert made["clockBehind"] is None
    assert store.ok(*commit, "acme/next", "--json").json["clockBehind"] is None
    entries = store.ok("log", "--audit", "--json").json["entries"]
    result = [one["logIndex"] for one in entries if one["wrongDate"]]
    assert result == [wrong["logIndex"], borrowed["logIndex"]]
    report = store.ok("verify", "--json")
    assert report.check("refs")["detail"]["reason"] == "misdated"
    assert report.json["verdict"] == "trusted"
    again = store.run("key", "misdated", wrong["logIndex"], "--json")
    assert (again.code, again.kind) == (15, "known-already")
    policy = parse_manifest(store.ok("show", "policies/store/main", "--raw").out.encode())
    assert b'"lyrikstore":2' in policy.data


def test_nothing_dated_ahead_is_pushed(store, new_person) -> None:
    """A clone whose clock ran ahead for a day cannot lock everybody else out."""
    store.ok("remote", "add", "home", store.folder.parent / "home")
    store.ok("push", "home")
    assert shifted(store, 2, "commit", store.documents, "-d", "acme/future").code == 0
    refused = store.run("push", "home", "--json")
    assert (refused.code, refused.kind) == (15, "dated-ahead"), refused
    dated = datetime.strptime(refused.error["details"]["dated"], "%Y-%m-%dT%H:%M:%SZ")
    assert dated.replace(tzinfo=UTC) > datetime.now(UTC) + timedelta(days=1)
    assert refused.error["details"]["now"] <= format_timestamp(datetime.now(UTC))


def test_terms_are_asked_for_no_moment_before_the_log(store) -> None:
    store.ok("trust", "add", store.did(), "--name", "me")
    store.ok("issue", NAME, "-o", "out", "--permit", "train", "--valid-for", "1d")
    asked = ("terms", NAME, "--purpose", "train", "--json")
    assert store.run(*asked).code == 0
    assert shifted(store, 3, "commit", store.documents, "-d", "acme/later").code == 0
    # The clock is set back by three days.
    refused = store.run(*asked)
    assert (refused.code, refused.json["use"]["answer"]) == (14, "unknown")
    assert store.run(*asked, "--at", format_timestamp(datetime.now(UTC))).code == 0
