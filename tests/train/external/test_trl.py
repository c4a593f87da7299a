"""TRL's SFTTrainer below the wrapper, as its users call it."""

import sys

import pytest

from tests.cli.small_runs import lines, rows
from tests.conftest import Person
from tests.train.external.models import TRL, write_llama

pytestmark = [
    pytest.mark.train,
    pytest.mark.sandbox,
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning"),  # of PEFT
]
BASE = "checkpoints/acme/tiny"


@pytest.fixture
def trainer(publisher: Person) -> Person:
    """Give somebody with rows and a tiny base model."""
    folder = publisher.folder / "rows"
    folder.mkdir()
    (folder / "rows.jsonl").write_text(lines(rows(12)))
    publisher.ok("commit", folder, "-d", "acme/rows", "--text", "text", "--label", "label")
    publisher.ok("permit", "acme/rows", "--permit", "train")
    write_llama(publisher.folder / "tiny")
    publisher.ok("commit", publisher.folder / "tiny", "-d", BASE)
    (publisher.folder / "sft.py").write_text(TRL)
    return publisher


@pytest.mark.ci
@pytest.mark.parametrize(("lora", "form"), [("lora", "peft/1"), ("whole", "transformers/1")])
def test_sft(trainer, lora: str, form: str) -> None:
    made = trainer.ok(
        *("train", "--input", "acme/rows", "--base", BASE, "--as", "acme/sft"),
        *("--format", form, "--read", "sft.py", "--json", "--"),
        *(sys.executable, "sft.py", "{input}", "{base}", "{output}", lora),
    ).json
    assert made["format"] == form
    assert set(made["leftOut"]) == {"checkpoint-2/", "checkpoint-3/", "training_args.bin"}
    found = trainer.ok("show", "checkpoints/acme/sft", "--json").json["manifest"]
    assert {one["role"] for one in found["inputs"]} == {"run", "base", "train"}
    assert trainer.ok("verify", "checkpoints/acme/sft", "--json").json["verdict"] == "trusted"
    trainer.ok("checkout", "checkpoints/acme/sft", "sft")
    out = trainer.folder / "sft"
    tree = trainer.ok("show", BASE, "--json").json["manifest"]["tree"]
    if lora == "lora":
        assert f'"base_model_name_or_path": "{tree}"' in (out / "adapter_config.json").read_text()
        from peft import PeftModel
        from transformers import AutoModelForCausalLM

        base = AutoModelForCausalLM.from_pretrained(trainer.folder / "tiny")
        assert PeftModel.from_pretrained(base, out).peft_config["default"].r == 2
    else:
        from transformers import AutoModelForCausalLM

        assert AutoModelForCausalLM.from_pretrained(out).config.num_hidden_layers == 2
    assert made["confinement"] == "bubblewrap"
