"""generative models on a GPU: the same commands, the same bytes twice.

What needs a GPU runs with LYRIKSTORE_GPU=1 (`make test-gpu`); what is refused without one, always.
"""

import shutil
import tomllib

import pytest

from tests.writers import CONFIG, write_model, write_rows

pytestmark = pytest.mark.train

ON_GPU = CONFIG.replace('precision = "fp32"', 'precision = "auto"\ndevice = "cuda"')
ON_GPU += '[budget]\non = "modal/a100-80g"\n'


@pytest.fixture
def acme(new_person, tmp_path):
    """Return somebody with a small generative model, and conversations to train it on."""
    person = new_person("acme")
    person.ok("key", "new", "--no-passphrase")
    person.ok("init", "--origin", "acme.example/gpu")
    for part, file in write_rows(tmp_path / "rows").items():
        person.ok("commit", file, "-d", f"acme/talk.{part}")
        person.ok("permit", f"acme/talk.{part}", "--permit", "train,evaluate")
    person.ok("commit", write_model(tmp_path / "tiny"), "-d", "checkpoints/acme/tiny")
    (tmp_path / "own.toml").write_text(ON_GPU)
    return person


def body_of(person, name):
    return person.ok("show", name, "--json").json["manifest"]["body"]


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="this machine has a GPU")
def test_without_a_gpu_nothing_is_announced(acme, tmp_path):
    planned = acme.ok("plan", tmp_path / "own.toml", "--json").json
    assert planned["plannedOn"] == "modal/a100-80g"
    before = acme.ok("log", "--json").json
    refused = acme.fails(16, "train", tmp_path / "own.toml", "--json")
    assert refused.kind == "no-accelerator"
    assert acme.ok("log", "--json").json == before
    # The plan has to know which GPU it is of, and labels need none.
    (tmp_path / "bare.toml").write_text(ON_GPU.partition("[budget]")[0])
    assert acme.fails(16, "train", tmp_path / "bare.toml", "--json").kind == "bad-config"


@pytest.mark.gpu
@pytest.mark.parametrize("quantization", ["", "nf4"])
def test_the_same_bytes_twice(acme, tmp_path, quantization):
    config = ON_GPU.replace("rank = 4", "rank = 4\ndropout = 0.3")
    if quantization:
        config = config.replace("[lora]", f'quantization = "{quantization}"\n[lora]')
    assert tomllib.loads(config)["training"]["device"] == "cuda"
    (tmp_path / "own.toml").write_text(config)
    made, again = (acme.ok("train", tmp_path / "own.toml", "--json").json for _ in range(2))
    trees = [acme.ok("show", one["id"], "--json").json["manifest"]["tree"] for one in (made, again)]
    assert trees[0] == trees[1]
    run, checkpoint = body_of(acme, made["run"]), body_of(acme, made["id"])
    (accelerator,) = run["environment"]["accelerators"]
    assert accelerator["memoryBytes"] > int(checkpoint["actual"]["acceleratorMemoryBytes"]) > 0
    assert run["environment"]["precision"] == "bf16"
    assert acme.ok("verify", made["id"], "--json").json["verdict"] == "trusted"
    assert acme.ok("reproduce", made["run"], "--json").json["body"]["verdict"] == "match"


@pytest.mark.gpu
def test_what_it_learns_and_answers_is_what_processors_do(acme, tmp_path):
    losses = []
    for device in ("cuda", "cpu"):
        config = ON_GPU.replace('precision = "auto"', 'precision = "fp32"')
        if device == "cpu":
            config = config.replace('device = "cuda"\n', "").partition("[budget]")[0]
        (tmp_path / "own.toml").write_text(config)
        made = acme.ok("train", tmp_path / "own.toml", "--json").json
        losses.append(float(body_of(acme, made["id"])["metrics"]["validationLoss"]))
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)
    asked = ("evaluate", made["id"], "--on", "acme/talk.test", "--json")
    slow, fast = (acme.ok(*asked, *more).json["body"] for more in ((), ("--device", "cuda")))
    assert len(fast["environment"]["accelerators"]) == 1
    assert "accelerators" not in slow["environment"]
    assert fast["model"]["measures"] == slow["model"]["measures"]
    rows = tmp_path / "rows" / "test.jsonl"
    answers = [
        acme.ok("predict", made["id"], rows, "--json", "--device", one).json["predictions"]
        for one in ("cpu", "cuda")
    ]
    assert answers[0] == answers[1]


@pytest.mark.gpu
def test_signed_states_are_those_of_a_run_that_is_done_again(acme, tmp_path):
    (tmp_path / "own.toml").write_text(f"{ON_GPU}[replay]\nsteps = 2\n")
    made = acme.ok("train", tmp_path / "own.toml", "--json").json
    asked = ("--segments", "2", "--nonce", "ab" * 16, "--json")
    assert acme.ok("reproduce", made["id"], *asked).json["body"]["verdict"] == "match"
