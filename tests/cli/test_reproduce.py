"""``reproduce``: a run is done again, and the verdict is signed, logged and held against it."""

import shutil

import pytest

from tests.cli.small_runs import (
    BASE,
    configure,
    leftovers,
    parts,
    refused,
    supply,
    supply_base,
)
from tests.conftest import Person

pytestmark = pytest.mark.train


def _person(new_person, *, base: bool = False) -> Person:
    acme = new_person("acme")
    acme.ok("key", "new", "--no-passphrase")
    acme.ok("init", "--origin", "acme.example/models")
    supply(acme, "small", parts())
    if base:
        acme.ok("commit", supply_base(acme), "-d", BASE)
    return acme


@pytest.mark.parametrize("candidate", ["tfidf", "lora"])
def test_an_honest_run_comes_again(new_person, candidate) -> None:
    acme = _person(new_person, base=candidate != "tfidf")
    base = BASE if candidate != "tfidf" else "linear"
    training = 'keep = "every-epoch"' if candidate == "lora" else ""
    config = configure(acme, "small", base=base, candidates=[candidate], training=training)
    made = acme.ok("train", config, "--json").json
    run = acme.ok("show", made["run"], "--json").json["manifest"]["body"]
    metrics = {"validationMacroF1"} | ({"outOfFoldMacroF1"} if candidate == "tfidf" else set())
    assert run["tolerances"]["differences"] == dict.fromkeys(metrics, "0.005")
    found = acme.ok("reproduce", "checkpoints/acme/small", "--json").json
    body = found["body"]
    assert (body["verdict"], found["run"]) == ("match", made["run"])
    assert found["environmentDiffers"] == []
    assert [one["checkpoint"] for one in body["compared"]] == made["checkpoints"]
    assert leftovers(acme) == []
    report = acme.ok("verify", found["name"], "--json").json
    assert report["verdict"] == "trusted"


def test_a_stranger_with_a_clone_gets_the_verdict(new_person) -> None:
    """ATTACK A102: who trained can keep everybody else from doing it again."""
    acme = _person(new_person)
    made = acme.ok("train", configure(acme, "small"), "--json").json
    # Who copied the folder instead of cloning it learns that before hours of work.
    shutil.copytree(acme.folder, acme.folder.parent / "copy")
    copy = Person(acme.home, acme.folder.parent / "copy", dict(acme.environment))
    on = ("--on", "acme/small.test")
    assert copy.fails(15, "evaluate", made["name"], *on, "--json").kind == "copied-store"
    home = acme.folder.parent / "home"
    acme.ok("remote", "add", "origin", home)
    acme.ok("push")
    stranger = new_person("stranger")  # who has no key at all
    stranger.ok("clone", home, ".")
    stranger.ok("trust", "add", acme.did(), "--name", "Acme")
    before = stranger.ok("log", "--audit", "--json").json
    found = stranger.ok("reproduce", made["run"], "--json").json
    assert (found["signed"], found["id"], found["logIndex"]) == (False, None, None)
    assert (found["body"]["verdict"], found["run"]) == ("match", made["run"])
    assert stranger.ok("log", "--audit", "--json").json == before
    assert leftovers(stranger) == []


REPLAY = """[replay]
steps = 2
{keep}
"""


@pytest.mark.slow
@pytest.mark.parametrize("keep", ["", "keep = true"])
def test_drawn_segments_come_again(new_person, keep) -> None:
    acme = _person(new_person, base=True)
    config = configure(acme, "small", base=BASE, candidates=["lora"], more=REPLAY.format(keep=keep))
    made = acme.ok("train", config, "--json").json
    run = acme.ok("show", made["run"], "--json").json["manifest"]["body"]
    model = acme.ok("show", made["id"], "--json").json["manifest"]
    # 24 records in batches of 4, one epoch.
    assert (run["segments"], model["body"]["segments"]) == ({"steps": 2}, {"steps": 2, "count": 3})
    roles = [one["role"] for one in model["attachments"]]
    assert (roles.count("segments"), roles.count("point")) == (1, 3 if keep else 0)
    command = ("reproduce", made["name"], "--segments", "2", "--nonce", "ab" * 16, "--json")
    found = acme.ok(*command).json["body"]
    segments = found["segments"]
    assert (found["method"], found["verdict"]) == ("segments/1", "match")
    assert (len(segments["drawn"]), segments["missChance"]) == (2, "0.3334")
    assert [one["number"] for one in segments["replayed"]] == segments["drawn"]
    assert (
        acme.ok("reproduce", made["run"], "--segments", "9", "--json").json["body"]["segments"][
            "missChance"
        ]
        == "0.0000"
    )
    acme.ok("verify", "reproductions/acme/small")
    assert leftovers(acme) == []
    shown = acme.ok("log", made["name"], "--json").json["versions"][0]["reproductions"]
    assert [(one["verdictText"], one["byTrainer"]) for one in shown] == [("MATCH", True)] * 2
    if not keep:  # what was not attached is gone with the cache
        kept = [one for one in acme.home.rglob("segments") if one.is_dir()]
        assert kept
        for one in kept:
            shutil.rmtree(one)
        lost = acme.run(*command)
        assert lost.code == 5
        assert lost.json["body"]["reasons"] == ["not-kept"]


def test_what_cannot_be_drawn_from_is_refused_with_the_next_step(new_person) -> None:
    acme = _person(new_person)
    made = acme.ok("train", configure(acme, "small"), "--json").json
    assert refused(acme, 16, "reproduce", made["name"], "--segments", "2").kind == "no-segments"
    assert refused(acme, 16, "reproduce", "acme/small.train").kind == "not-trained"
    acme.fails(2, "reproduce", made["name"], "--nonce", "ab" * 16)
    acme.fails(2, "reproduce", made["name"], "--segments", "2", "--nonce", "xyz")
    acme.fails(2, "reproduce", made["name"], "--segments", "0")
