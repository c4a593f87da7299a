"""Models that answer within choices, deployed to what serves them, and asked back."""

import json

import pytest

from tests.conftest import Person
from tests.writers import CHOICES, with_choices, write_labelled_rows, write_model

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def labeller(tmp_path_factory):
    """Return somebody with a small model that answers within choices, trained."""
    folder = tmp_path_factory.mktemp("labeller")
    (folder / "home").mkdir()
    person = Person(folder / "home", folder)
    person.ok("key", "new", "--no-passphrase")
    person.ok("init", "--origin", "acme.example/labels")
    for part, file in write_labelled_rows(folder / "rows").items():
        person.ok("commit", file, "-d", f"acme/talk.{part}")
        person.ok("permit", f"acme/talk.{part}", "--permit", "train,evaluate,derivativeModels")
    model = write_model(folder / "tiny", initializer_range=0.3)
    person.ok("commit", model, "-d", "checkpoints/acme/tiny")
    (folder / "own.toml").write_text(with_choices())
    person.ok("train", folder / "own.toml")
    return person


@pytest.mark.ci
def test_llama_cpp_gives_the_very_choices_of_the_sealed_model(labeller, tmp_path):
    folder = tmp_path / "gguf"
    said = labeller.ok(
        "deploy", "checkpoints/acme/writer", "--to", "gguf", "-o", folder, "--check", "--json"
    ).json
    check = said["check"]
    assert check["agreeing"] == check["count"] == 8
    assert check["equalTokens"] > 0
    probe = [json.loads(line) for line in (folder / "probe.jsonl").read_bytes().splitlines()]
    assert {one["answer"] for one in probe} <= set(CHOICES)
    lines = (folder / "grammar.gbnf").read_text("ascii").splitlines()
    rules = [line.partition(" # ")[0] for line in lines if not line.startswith("#")]
    assert [len(rules), rules[0], rules[-1]] == [2 + len(CHOICES), "root ::= (", ")"]
    assert not set("".join(rules[1:-1])) - set("<[0123456789]> |")
    use = (folder / "USE.md").read_text()
    assert "--grammar-file grammar.gbnf" in use
    assert f"{len(CHOICES)} choices" in use


def test_base_and_adapter_for_vllm_give_the_choices_of_the_sealed_model(labeller, tmp_path):
    folder = tmp_path / "vllm"
    said = labeller.ok(
        "deploy", "checkpoints/acme/writer", "--to", "vllm", "-o", folder, "--check", "--json"
    ).json
    assert said["check"]["agreeing"] == said["check"]["count"]
    asked = json.loads((folder / "choices.json").read_text())
    assert asked == {"structured_outputs": {"choice": CHOICES}}
    assert "grammar.gbnf" not in said["written"]
