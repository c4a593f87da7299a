"""What the program wrote on 1 December 2026, made once by its code of that day and never again.

    python -m tests.compat.make_2026_12_01

ran at commit 9c182af5, on ``2026-12-01/source/`` alone. It is kept to show what each file is;
every later version reads the files, it does not make them. Who is who:

    acme    keeps the store, trains, issues; two keys of its own: ``default``, and ``ann``, which
            approves cards and signs nothing else
    roe     an expert, who answers what a card asks, without a store
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.compat.frozen import DERIVED, ROWS, SOURCES, answers_of, open_copy

OUT = Path(__file__).resolve().parent / "2026-12-01"
SOURCE = OUT / "source"
ROOT = Path(__file__).resolve().parents[2]
FOREVER = ("--valid-for", "3650d")
STATUS = ("--status-url", "https://acme.example/status")
MODEL, SECOND = "checkpoints/acme/clauses", "checkpoints/acme/clauses-and-clerks"


class Person:
    """Somebody with a HOME and a folder."""

    def __init__(self, root: Path, name: str) -> None:
        self.home, self.folder = root / name / "home", root / name / "work"
        self.home.mkdir(parents=True)
        self.folder.mkdir()

    def run(self, *arguments: object, codes: tuple[int, ...] = (0,)) -> Any:
        """Run one command, which must end with one of ``codes``, and return its result."""
        done = subprocess.run(
            [sys.executable, "-m", "lyrikstore_cli", *map(str, arguments), "--no-input", "--json"],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{self.home.parents[1] / 'hidden'}:{ROOT}:{ROOT / 'cli'}",
                "HOME": str(self.home),
                "LANG": "C.UTF-8",
            },
            capture_output=True,
            text=True,
        )
        if done.returncode not in codes:
            sys.exit(f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        print(*arguments, done.returncode, sep="  ", flush=True)
        return json.loads(done.stdout) if done.stdout else None

    def new_key(self, name: str = "default") -> str:
        """Make a key and return its DID."""
        self.run("key", "new", name, "--no-passphrase")
        return str(self.run("key", "show", name)["keys"][0]["did"])


def main() -> None:
    """Make everything."""
    for made in OUT.iterdir():
        if made != SOURCE:
            shutil.rmtree(made) if made.is_dir() else made.unlink()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        # No PDF: its bytes depend on the Typst that is installed.
        (root / "hidden").mkdir()
        (root / "hidden/typst.py").write_text("raise ModuleNotFoundError\n")
        acme, roe = Person(root, "acme"), Person(root, "roe")
        shutil.copytree(SOURCE, acme.folder, dirs_exist_ok=True)
        dids = {"acme": acme.new_key(), "ann": acme.new_key("ann"), "roe": roe.new_key()}
        acme.run("init")
        make_data(acme)
        make_models(acme)
        make_card(acme, roe, dids)
        make_deliveries(acme)
        retire(acme)
        keep(acme, root, dids)


def make_data(acme: Person) -> None:
    """Commit what is in ``source/``, and filter it."""
    for name in SOURCES:
        if name != "acme/later":
            commit(acme, name)
    for name, (sources, recipe) in DERIVED.items():
        acme.run("filter", *sources, "--recipe", f"recipes/{recipe}.toml", "--as", name)


def commit(acme: Person, name: str) -> None:
    """Commit one of the sources."""
    path, sheet = SOURCES[name]
    roles = ("--text", *ROWS.text, "--label", ROWS.label, "--id", ROWS.id, "--group", ROWS.group)
    commit_as(acme, name, path, *(("--metadata", sheet) if sheet else roles))


def commit_as(acme: Person, name: str, path: str, *more: str) -> None:
    """Commit a dataset, and permit its use."""
    acme.run("commit", path, "-d", name, "--license", "CC-BY-4.0", *more)
    acme.run("permit", name, "--permit", "train,evaluate,derivativeModels", *FOREVER)


def make_models(acme: Person) -> None:
    """Train two models on the same parts, measure both, and the first on what came later."""
    for config, model in (("train", MODEL), ("train-second", SECOND)):
        acme.run("train", f"{config}.toml")
        acme.run("evaluate", model, "--on", "acme/parts.test")
    commit(acme, "acme/later")
    acme.run("monitor", MODEL, "--on", "acme/later", codes=(0, 5, 19))
    acme.run("reproduce", MODEL)
    for part in ("train", "validation", "test"):
        commit_as(acme, f"acme/talk.{part}", f"talk.{part}.jsonl")
    write_writer(acme.folder / "writer")
    acme.run("commit", "writer", "-d", "checkpoints/acme/tiny", "-m", "random weights")
    acme.run("train", "train-writer.toml")
    acme.run("evaluate", "checkpoints/acme/writer", "--on", "acme/talk.test")


def make_card(acme: Person, roe: Person, dids: dict[str, str]) -> None:
    """Have an expert answer, and a key approve, what the card of the first model says."""
    acme.run("card", MODEL, "--draft", roe.folder / "draft")
    made = ("--kind", "answers", "--statement", SOURCE / "answers.toml", "-o", "answers.json")
    roe.run("attest", "draft", *made, "--issuer-name", "Dr. Jane Roe", *FOREVER)
    acme.run("import", roe.folder / "answers.json")
    shutil.copy(roe.folder / "answers.json", OUT / "attestation.json")
    acme.run("key", "admit", dids["ann"], "--role", "approver")
    (acme.folder / "card").mkdir()
    card = ("card", MODEL, "--profile", "huggingface", "-o")
    acme.run(*card, "card/card.md", "--evidence")
    acme.run("approve", "cards/acme/clauses", "--signer", "ann", "-m", "read")
    for suffix in ("html", "json", "cdx.json"):
        acme.run(*card, f"card/card.{suffix}")
    acme.run("deploy", MODEL, "--to", "onnx", "-o", "package", "--check")


def make_deliveries(acme: Person) -> None:
    """Issue what was derived: rows, with terms and a status, and documents; make a card of one."""
    acme.run("issue", "acme/letters-read", "-o", "rows", "--terms", "terms.toml", *STATUS, *FOREVER)
    acme.run("issue", "acme/notes-alike", "-o", "documents", "--permit", "train", *FOREVER)
    acme.run("card", "acme/letters-read", "-o", "card/letters.croissant.json")


def retire(acme: Person) -> None:
    """Retire the first version of a dataset, and delete its data."""
    drafts = acme.folder / "drafts"
    drafts.mkdir()
    for text in ("the first draft", "the second draft"):
        (drafts / "draft.txt").write_text(f"This is {text}.\n")
        acme.run("commit", "drafts", "-d", "acme/drafts")
    acme.run("gc", "--keep", 1, "acme/drafts", "--purge")


def keep(acme: Person, root: Path, dids: dict[str, str]) -> None:
    """Copy what was made, and write down what the program of that day says of it."""
    shutil.copytree(acme.folder / ".lyrikstore", OUT / "store")
    for name in ("card", "package"):
        shutil.copytree(acme.folder / name, OUT / name)
    for name in ("rows", "documents"):
        shutil.copytree(acme.folder / name, OUT / "deliveries" / name)
    reader = Person(root, "reader")
    reader.run("trust", "add", dids["acme"], "--name", "acme")
    reader.run("trust", "add", dids["roe"], "--name", "roe", "--role", "expert")
    (OUT / "trust").mkdir()
    shutil.copy(reader.home / ".config/lyrikstore/trust.toml", OUT / "trust" / "acme.toml")
    (OUT / "dids.json").write_text(json.dumps(dids, indent=1) + "\n")
    answers = answers_of(open_copy(OUT, root / "copy"))
    lines = (f" {json.dumps(name)}: {json.dumps(said)}" for name, said in answers.items())
    (OUT / "answers.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    for folder in sorted(OUT.rglob("*"), reverse=True):  # git keeps no empty ones
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def write_writer(folder: Path) -> None:
    """Write a decoder of the smallest sizes, with random weights: a token is a byte."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM

    bytes_ = sorted(pre_tokenizers.ByteLevel.alphabet())
    numbers = {"<end>": 0} | {one: number for number, one in enumerate(bytes_, 1)}
    tokenizer = Tokenizer(models.BPE(numbers, []))
    tokenizer.add_special_tokens([AddedToken("<end>", special=True)])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    torch.manual_seed(1)
    sizes = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1}
    sizes |= {"num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 128}
    ends = {"bos_token_id": 0, "eos_token_id": 0, "tie_word_embeddings": True}
    LlamaForCausalLM(LlamaConfig(vocab_size=257, **sizes, **ends)).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))


if __name__ == "__main__":
    main()
