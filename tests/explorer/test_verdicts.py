"""Verdicts of a store that does not hold, and what is kept of them."""

import json

import pytest

from lyrikstore.api.purge import explorer_folder
from lyrikstore.canon.limits import MAX_NAMED
from lyrikstore.explorer.verdicts import (
    KnownVerdict,
    KnownVerdicts,
    Verdicts,
    _says_all,
    marks_of,
)
from lyrikstore.verify.report import Report, failed, warned
from tests.explorer.browsing import Browser, copy_of
from tests.explorer.test_objects import await_verdicts
from tests.index.conftest import Chain


@pytest.fixture
def own(made, tmp_path):
    opened = Browser(copy_of(made, tmp_path / "own"))
    yield opened
    opened.close()


def damage(browser) -> str:
    """Change a byte in every pack; return the id of a manifest."""
    newest = str(browser.explorer.store.resolve("acme/letters").id)
    for pack in sorted((browser.folder / "store" / "packs").rglob("*")):
        if pack.is_file():
            data = bytearray(pack.read_bytes())
            data[len(data) // 2] ^= 1
            pack.chmod(0o600)
            pack.write_bytes(data)
    return newest


def test_of_a_damaged_store_nothing_is_said_to_hold(own) -> None:
    await_verdicts(own)
    newest = damage(own)
    own.explorer.verdicts.known = KnownVerdicts()
    own.explorer.verdicts._cache = None
    own.page("/")
    for _ in range(600):
        verdicts = own.explorer.verdicts
        if verdicts.failed or verdicts.known.store:
            break
        __import__("time").sleep(0.05)
    states = {own.explorer.judgement_of(one).state for one in own.explorer.facts.objects}
    assert "pass" not in states, states
    assert own.explorer.judgement_of(newest).state != "trusted"
    assert own.page("/").find(".//header/p").get("class") == "lead invalid"


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return Chain(tmp_path_factory.mktemp("chain")).build()


def reported(chain, *checks):
    return Report.of("store", checks, subject="s", issuer=None, at=chain.clock())


def test_what_was_made_from_an_object_that_does_not_hold_does_not_hold(chain) -> None:
    made = chain.made
    problem = f"datasets/acme/contracts ({made['raw'].id.short}): other bytes"
    report = reported(chain, failed("datasets", "problems", "x", problems=[problem]))
    assert _says_all(report)
    marks = marks_of(chain.repository, report)
    assert {nickname for nickname, one in made.items() if str(one.id) in marks} == {
        *("raw", "train", "run", "checkpoint", "evaluation")
    }
    assert {state for state, _ in marks.values()} == {"invalid"}


def test_a_warning_concerns_the_named_object_alone(chain) -> None:
    made = chain.made
    problem = f"runs/acme/classifier ({made['run'].id.short}): a right was revoked"
    report = reported(chain, warned("rights", "noted", "x", problems=[problem]))
    marks = marks_of(chain.repository, report)
    assert marks == {str(made["run"].id): ("warn", f"rights: {problem}")}


@pytest.mark.parametrize(
    "check",
    [
        failed("log.checkpoint", "bad-note", "x"),
        failed("runs", "problems", "x", problems=["nobody knows where"]),
        warned("rights", "noted", "x", problems=["abcdef012345"] * MAX_NAMED),
    ],
)
def test_a_report_that_does_not_name_all_leaves_the_others_unverified(chain, check) -> None:
    report = reported(chain, check)
    assert not _says_all(report)
    verdicts = Verdicts(lambda: pytest.fail("opened"), None)
    verdicts.known.store = KnownVerdict("doubtful", report.at)
    assert verdicts.judgement_of(str(chain.made["raw"].id)).state == "unverified"


def test_verdicts_are_kept_for_this_log_this_trust_file_and_this_day(own) -> None:
    await_verdicts(own)
    folder = explorer_folder(own.explorer.cache)
    for _ in range(100):
        if (folder / "verdicts.json").exists():
            break
        __import__("time").sleep(0.05)
    assert (folder / "verdicts.json").stat().st_mode & 0o077 == 0
    key = own.explorer.verdicts.known.key
    again = Verdicts(own.open_store, own.explorer.cache)
    again.follow(key)
    assert again.known.store is not None
    again.follow("another state")
    assert again.known.store is None
    again.close()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"key": 7}', b"\xff", b"null"])
def test_a_kept_file_that_is_none_counts_for_nothing(own, data) -> None:
    await_verdicts(own)
    folder = explorer_folder(own.explorer.cache)
    folder.mkdir(exist_ok=True)
    (folder / "verdicts.json").write_bytes(data)
    again = Verdicts(own.open_store, own.explorer.cache)
    assert again._kept("a") == KnownVerdicts("a")
    text = json.dumps({"key": "b", "store": None, "marks": {}, "objects": {}})
    (folder / "verdicts.json").write_text(text)
    assert again._kept("a") == KnownVerdicts("a")


def test_a_changed_trust_file_counts_at_once(own) -> None:
    await_verdicts(own)
    key = own.explorer.verdicts.known.key
    assert "unknown to you" not in own.text("/")
    (own.folder / "trust.toml").write_text("", "utf-8")
    assert "unknown to you" in own.text("/")
    assert own.explorer.verdicts.known.key != key
