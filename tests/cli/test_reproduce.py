"""``reproduce``: a run is done again, and the verdict is signed, logged and held against it."""

import pytest

from tests.cli.small_runs import (
    BASE,
    configure,
    leftovers,
    parts,
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
    assert run["tolerances"]["differences"] == {"validationMacroF1": "0.005"}
    found = acme.ok("reproduce", "checkpoints/acme/small", "--json").json
    body = found["body"]
    assert (body["verdict"], found["run"]) == ("match", made["run"])
    assert [one["checkpoint"] for one in body["compared"]] == made["checkpoints"]
    assert leftovers(acme) == []
    report = acme.ok("verify", found["name"], "--json").json
    assert report["verdict"] == "trusted"
