"""Handing on a model: what the terms of its data say, and how to state what they leave out."""

import json
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from tests.cli.small_runs import configure, lines, parts, supply
from tests.conftest import Person

CARD = "lyrikstore/card.json"

pytestmark = pytest.mark.train


def withheld(person: Person, name: str) -> tuple[set[str], set[str]]:
    """Train and deploy; return whose terms do not permit handing it on, and whose prohibit it."""
    person.ok("train", f"{name}.toml")
    arguments = (f"checkpoints/acme/{name}", "--to", "onnx", "-o", person.folder / "out")
    made: dict[str, Any] = person.ok("deploy", *arguments, "--json").json
    for path in sorted((person.folder / "out").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    return set(made["handingOnNotPermitted"]), set(made["handingOnProhibited"])


def test_what_terms_leave_open_can_be_stated_and_what_they_prohibit_cannot(
    new_person,
) -> None:
    person = new_person("maker")
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    supply(person, "open", parts())
    configure(person, "open")
    both = {"datasets/acme/open.train", "datasets/acme/open.validation"}
    assert withheld(person, "open") == (both, set())
    for one in both:
        person.ok("permit", one, "--permit", "train,evaluate,derivativeModels")
    assert withheld(person, "open") == (set(), set())
    person.ok("permit", "acme/open.train", "--permit", "train", "--prohibit", "derivativeModels")
    assert withheld(person, "open") == ({"datasets/acme/open.train"},) * 2


def test_a_model_of_bought_data_carries_the_terms_of_its_publisher(new_person, publisher) -> None:
    """ATTACK A110: the terms are about the publisher's version, and ours has another id."""
    data = parts()
    (publisher.folder / "rows.jsonl").write_text(lines(data.pop("train")))
    publisher.ok("commit", "rows.jsonl", "-d", "pub/rows", "--text", "text", "--label", "label")
    publisher.ok(
        *("issue", "pub/rows", "-o", "delivery", "--valid-for", "365d", "--permit", "train"),
        *("--prohibit", "derivativeModels", "--require", "attribution,deleteOnExpiry"),
    )
    buyer = new_person("buyer")
    buyer.ok("key", "new", "--no-passphrase")
    buyer.ok("init")
    buyer.ok("trust", "add", publisher.did(), "--name", "Pub")
    bought = "acme/open.train"
    buyer.ok("import", publisher.folder / "delivery", "--as", bought)
    data_of = (publisher.folder / "delivery" / "credential.json").read_bytes()
    credential, until = Digest.of(data_of), json.loads(data_of)["validUntil"]
    supply(buyer, "open", data)
    configure(buyer, "open")
    buyer.ok("train", "open.toml")
    model = "checkpoints/acme/open"
    buyer.ok("card", model)
    folder = buyer.folder / "out"
    arguments = (model, "--to", "onnx", "-o", folder, "--with-values")  # rows name their labels
    made = buyer.ok("deploy", *arguments, "--json").json
    assert made["handingOnProhibited"] == [f"datasets/{bought}"]
    notice = (folder / "NOTICE").read_text("utf-8")
    for words in (
        str(credential),
        "attribution: datasets/pub/rows, by ",
        f"due {until}",
        "(derivativeModels): prohibited",
    ):
        assert words in notice, words
    said = {one["id"]: one for one in json.loads((folder / CARD).read_bytes())["statements"]}
    subject = f"datasets/{bought} {credential.short}"
    assert said[f"rights.prohibits:{subject}"]["value"] == ["derivativeModels"]
    assert said[f"rights.deletion:{subject} all"]["by"] == publisher.did()
    there = {Digest.of(path.read_bytes()) for path in folder.glob("lyrikstore/credential-*.json")}
    assert credential in there
