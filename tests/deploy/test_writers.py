"""generative models, deployed to what serves them, and asked back."""

import json
import subprocess

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.worker.targets.gguf import go_template
from lyrikstore.verify.deployment.compared import compared_in_words
from tests.conftest import Person
from tests.writers import CONFIG, write_model, write_rows

pytestmark = pytest.mark.train
CREDENTIALS: dict[str, str] = {}
"""Part of the data → the credential that permits its use."""


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    """Return somebody with a small generative model, trained."""
    folder = tmp_path_factory.mktemp("writer")
    (folder / "home").mkdir()
    person = Person(folder / "home", folder)
    person.ok("key", "new", "--no-passphrase")
    person.ok("init", "--origin", "acme.example/writers")
    for part, file in write_rows(folder / "rows").items():
        person.ok("commit", file, "-d", f"acme/talk.{part}")
        permit = ("permit", f"acme/talk.{part}", "--permit", "train,evaluate,derivativeModels")
        CREDENTIALS[part] = person.ok(*permit, "--json").json["credential"]
    model = write_model(folder / "tiny", initializer_range=0.3)
    person.ok("commit", model, "-d", "checkpoints/acme/tiny")
    (folder / "own.toml").write_text(CONFIG)
    person.ok("train", folder / "own.toml")
    return person


def test_llama_cpp_serves_the_sealed_model(writer, tmp_path):
    folder = tmp_path / "gguf"
    said = writer.ok(
        "deploy", "checkpoints/acme/writer", "--to", "gguf", "-o", folder, "--check", "--json"
    ).json
    check = said["check"]
    assert check["agreeing"] == check["count"] == 8
    assert check["equalTokens"] + check["closeTokens"] == check["comparedTokens"] > 0
    assert check["servedBy"].startswith("xllamacpp ")
    assert check["testPart"]["count"] >= check["testPart"]["agreeing"]
    assert compared_in_words(check) in (folder / "USE.md").read_text("utf-8")
    assert {"model-f16.gguf", "Modelfile", "USE.md", "NOTICE", "SHA256SUMS"} <= set(said["written"])
    lines = (folder / "probe.jsonl").read_bytes().splitlines()
    probe = [json.loads(line) for line in lines]
    made = (folder / "Modelfile").read_text()
    before, _, after = probe[0]["prompt"].partition(probe[0]["text"])
    assert f'TEMPLATE """{before}{{{{ .Prompt }}}}{after}"""' in made


def test_base_and_adapter_for_vllm_are_the_sealed_model(writer, tmp_path):
    folder = tmp_path / "vllm"
    said = writer.ok(
        "deploy", "checkpoints/acme/writer", "--to", "vllm", "-o", folder, "--check", "--json"
    ).json
    assert said["check"]["agreeing"] == said["check"]["count"]
    assert said["check"]["testPart"]["agreeing"] == said["check"]["testPart"]["count"] > 0
    assert {"base/config.json", "adapter/adapter_model.safetensors", "serve.sh"} <= set(
        said["written"]
    )
    served = (folder / "serve.sh").read_text()
    assert "--max-lora-rank 8" in served
    (folder / "base" / "added_tokens.json").write_bytes(b"{}")
    done = subprocess.run(["sh", folder / "serve.sh"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("check.py: ")
    assert "base/added_tokens.json" in done.stderr


def test_targets_for_labels_refuse_it_and_name_those_that_fit(writer, tmp_path):
    refused = writer.fails(
        16, "deploy", "checkpoints/acme/writer", "--to", "onnx", "-o", tmp_path / "out", "--json"
    )
    assert refused.kind == "no-such-target"
    assert "--to gguf" in refused.error["hint"]
    assert not (tmp_path / "out").exists()


def test_no_record_of_a_test_part_is_asked_without_the_right_to_evaluate(writer, tmp_path):
    writer.ok("credential", "revoke", CREDENTIALS["test"])
    refused = writer.fails(
        14,
        *("deploy", "checkpoints/acme/writer", "--to", "vllm", "--check", "--json"),
        *("-o", tmp_path / "out"),
    )
    assert refused.kind == "rights-missing"
    assert "--check-records 0" in refused.error["hint"]


@pytest.mark.parametrize("around", [('a"""b', ""), ('"a', ""), ("", 'a"')])
def test_no_prompt_ends_the_template_of_a_modelfile(around):
    with pytest.raises(InvalidInputError) as refused:
        go_template(*around)
    assert refused.value.kind == "no-such-target"


def test_what_a_template_of_go_would_run_is_said_as_text():
    assert go_template("{{ .System }} ", ".") == '{{ "{" }}{{ "{" }} .System }} {{ .Prompt }}.'
    assert go_template("{", "") == '{{ "{" }}{{ .Prompt }}'
