"""The Trainer of transformers in the caller's own process."""

import subprocess
import sys

import pytest

from tests.cli.small_runs import entries, leftovers, lines, rows
from tests.conftest import Person
from tests.train.external.models import write_llama

pytestmark = pytest.mark.train
BASE = "checkpoints/acme/tiny"
OPENED = """
import json, os, pathlib, sys
import platformdirs
from lyrikstore.api import ExternalRun, KeyFolder, Store
config = pathlib.Path(platformdirs.user_config_dir("lyrikstore"))
keys = KeyFolder(config / "keys", lambda path: b"")
store = Store.open(".lyrikstore", signer=keys.signer("default"), keys=keys,
                   memory_dir=pathlib.Path(platformdirs.user_state_dir("lyrikstore")) / "logs",
                   trust_file=config / "trust.toml")
asked = ExternalRun(("acme/rows",), "acme/tuned", base="checkpoints/acme/tiny")
"""
TRAINER = """
with store.models.training(asked) as run:
    from transformers import (AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling,
                              Trainer, TrainingArguments)
    tokenizer = AutoTokenizer.from_pretrained(run.base)
    rows = [json.loads(line) for line in (run.input / "rows.jsonl").open()]
    data = [dict(tokenizer(row["text"], max_length=16, truncation=True)) for row in rows]
    trainer = Trainer(
        AutoModelForCausalLM.from_pretrained(run.base),
        TrainingArguments(str(run.output), max_steps=3, logging_steps=1, use_cpu=True,
                          report_to="none", save_strategy="no"),
        train_dataset=data, data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
        callbacks=[run.callback()])
    trainer.train()
    trainer.save_model(run.output)
    tokenizer.save_pretrained(run.output)
print(run.result.checkpoint.id)
try:
    trainer.train()
except Exception as error:
    print(error.kind)
"""

RANKS = """
import torch.distributed as dist
at = pathlib.Path(sys.argv[0]).with_suffix("." + os.environ["RANK"])
try:
    if sys.argv[1] == "first":
        dist.init_process_group("gloo")
    name = "acme/rank" + os.environ["RANK"]
    with store.models.training(ExternalRun(("acme/rows",), name)) as run:
        (run.output / "notes.txt").write_text("model")
        if sys.argv[1] == "later":
            dist.init_process_group("gloo")
except Exception as error:
    at.write_text(error.kind)
dist.barrier()
"""


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
    return publisher


def run(person: Person, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", OPENED + program],
        cwd=person.folder,
        env=person.variables(),
        capture_output=True,
        text=True,
    )


@pytest.mark.ci
def test_trainer_with_callback(trainer) -> None:
    done = run(trainer, TRAINER)
    assert done.returncode == 0, done.stderr[-2000:]
    identity, again = done.stdout.split()[-2:]
    assert again == "run-over"
    made = trainer.ok("show", identity, "--json").json["manifest"]
    assert made["name"] == "checkpoints/acme/tuned"
    assert made["body"]["format"] == "transformers/1"
    assert made["body"]["step"] == 3
    assert "history" in {one["role"] for one in made["attachments"]}
    announced = trainer.ok("show", "runs/acme/tuned", "--json").json["manifest"]["body"]
    assert announced["execution"] == {
        "by": "callback",
        "confinement": "none",
        "cause": "in-process",
    }
    assert "transformers" in announced["environment"]["packages"]
    assert trainer.ok("verify", identity, "--json").json["verdict"] == "trusted"
    trainer.ok("log", "runs/acme/tuned", "--html", "run.html")
    assert "3 steps" in (trainer.folder / "run.html").read_text()


@pytest.mark.parametrize(
    "program",
    [
        "with store.models.training(asked) as run:\n    raise SystemExit(3)",
        "with store.models.training(asked) as run:\n    pass",
        (
            "with store.models.training(asked) as run:\n"
            "    (run.input / 'rows.jsonl').unlink()\n    (run.output / 'a.txt').write_text('a')"
        ),
    ],
)
def test_what_fails_gives_nothing(trainer, program) -> None:
    assert run(trainer, program).returncode
    assert "checkpoints/acme/tuned" not in entries(trainer)
    assert "runs/acme/tuned" in entries(trainer)
    assert leftovers(trainer) == []


@pytest.mark.ci
@pytest.mark.parametrize(("when", "announced"), [("first", False), ("later", True)])
def test_one_of_several_ranks_is_refused(trainer, when, announced) -> None:
    (trainer.folder / "ranks.py").write_text(OPENED + RANKS)
    before = entries(trainer)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "ranks.py", when),
        ],
        cwd=trainer.folder,
        env=trainer.variables(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for rank in range(2):
        assert (trainer.folder / f"ranks.{rank}").read_text() == "several-ranks"
    after = entries(trainer)[len(before) :]
    assert sorted(after) == (["runs/acme/rank0", "runs/acme/rank1"] if announced else [])
    assert leftovers(trainer) == []
