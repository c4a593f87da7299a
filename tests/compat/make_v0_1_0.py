"""What version 0.1.0 writes, made once by the program of that version and never again.

    python tests/compat/make_v0_1_0.py CLAUSES.jsonl LICENCE.txt

ran at commit af46af2, the last with the formats of 0.1.0 alone, on clauses of CUAD (rows with
``id``, ``text``, ``labels``). It is kept to show what each file is; every later version reads the
files, it does not make them. Who is who:

    acme    founds a store, replaces its key, admits bea, retires its first log key
    bea     a colleague with a log key of her own; later her key is said to be stolen
    thief   has bea's keys and a copy of the store from before
    audit   attests something about a delivery, without a store
    buyer   is granted a licence, and presents it
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parent / "v0.1.0"
STATUS = "https://acme.example/status"
PERMIT = ("--permit", "train,evaluate", "--valid-for", "3650d")

TERMS = """
permits = ["train", "evaluate"]
requires = ["attribution"]
[[regulatory]]
regime = "EU-GDPR"
status = "no personal data"
basis = "contracts filed with the SEC"
asOf = 2026-10-01
[[quality]]
metric = "labelAgreementKappa"
value = "0.87"
method = "3 annotators"
"""
AUDIT = """
extent = "all"
standard = "ISO/IEC 5259-2:2024"
method = "a person read every clause"
conclusion = "the labels fit their clauses"
limitations = ["a test of formats"]
liability = "nobody: this is a test"
[[results]]
metric = "labelErrorRate"
value = "0.00"
"""
SPLIT = """
recipe = 1
[[step]]
use = "split/1"
by = "group"
seed = "compat"
train = 0.6
validation = 0.2
test = 0.2
"""
TRAIN = """
purpose = "train"
name = "checkpoints/acme/clauses"
[data]
train = "acme/parts.train"
validation = "acme/parts.validation"
test = "acme/parts.test"
label = "label"
[model]
base = "checkpoints/acme/tiny"
max_tokens = 16
[lora]
rank = 2
alpha = 4
targets = ["query", "value"]
[training]
epochs = 1
threads = 1
"""


class Person:
    """Somebody with a HOME and a folder."""

    def __init__(self, root: Path, name: str) -> None:
        self.home, self.folder = root / name / "home", root / name / "work"
        self.home.mkdir(parents=True)
        self.folder.mkdir()

    def run(self, *arguments: object, where: Path | None = None) -> str:
        """Run one command, which must succeed, and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "lyrikstore_cli", *map(str, arguments), "--no-input"],
            cwd=where or self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def did(self, name: str = "default") -> str:
        """Return the DID of a key."""
        shown: dict[str, Any] = json.loads(self.run("key", "show", name, "--json"))
        return str(shown["keys"][0]["did"])


def main(clauses: Path, licence: Path) -> None:
    """Make everything."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_deliveries(root, clauses, licence)
        make_model(root, clauses)
    shutil.copy(licence, OUT / "CUAD-LICENCE.txt")


def keep(source: Path, name: str) -> None:
    """Copy a file or folder that was made."""
    target = OUT / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def make_deliveries(root: Path, clauses: Path, licence: Path) -> None:
    """Deliveries before and after every kind of change of keys, and what goes with them."""
    acme, bea = Person(root, "acme"), Person(root, "bea")
    write_documents(clauses, acme.folder, range(8), licence)
    (acme.folder / "terms.toml").write_text(TERMS)
    dids = {}
    acme.run("key", "new", "--no-passphrase")
    dids["acme"] = acme.did()
    acme.run("init")
    [dids["log"]] = (key["did"] for key in keys_of(acme) if key["name"].startswith("log-"))
    commit = ("commit", "documents", "-d", "acme/clauses", "--metadata", "sheet.csv")
    commit += ("--license", "CC-BY-4.0", "--licence-text", "LICENCE.txt")
    acme.run(*commit)

    def issue(who: Person, name: str, *more: object, of: str = "acme/clauses") -> None:
        who.run("issue", of, "-o", name, *(PERMIT if "--terms" not in more else ()), *more)
        keep(who.folder / name, f"deliveries/{name}")

    issue(acme, "first", "--status-url", STATUS, "--grantable", "redistribute")
    issue(acme, "claims", "--terms", "terms.toml")

    audit, buyer = Person(root, "audit"), Person(root, "buyer")
    audit.run("key", "new", "--no-passphrase")
    buyer.run("key", "new", "--no-passphrase")
    dids["audit"], dids["buyer"] = audit.did(), buyer.did()
    (audit.folder / "audit.toml").write_text(AUDIT)
    first = acme.folder / "first"
    made = ("--kind", "quality", "--statement", "audit.toml", "-o", "attestation.json")
    audit.run("attest", first, *made, "--valid-for", "3650d")
    keep(audit.folder / "attestation.json", "attestation.json")
    acme.run("import", audit.folder / "attestation.json")
    issue(acme, "attested")
    acme.run(
        *("grant", "first", "--to", dids["buyer"], "--permit", "redistribute"),
        *("--until", "2036-01-01", "--status-url", STATUS, "-o", "grant.json"),
    )
    desk = buyer.folder / "desk"
    desk.mkdir()
    for file in (*acme.folder.glob("grant*"), first / "credential.json"):
        shutil.copy(file, desk)
    asked = ("--challenge", "7c5f1a9e", "--domain", "partner.example")
    buyer.run("present", "grant.json", *asked, "-o", "shown.json", where=desk)
    keep(desk, "grant")

    # The key is replaced.
    acme.run("key", "new", "next", "--no-passphrase")
    dids["next"] = acme.did("next")
    acme.run("key", "rotate", "next", "-o", "rotated-statements")
    keep(acme.folder / "rotated-statements", "statements/rotated")
    signed = ("--signer", "next")
    issue(acme, "rotated", *signed)

    # A colleague is admitted, and what she pushes is signed by her log key.
    home = root / "home-of-the-log"
    acme.run("remote", "add", "origin", home)
    acme.run("push")
    for name in ("default", "log"):
        bea.run("key", "new", name, "--no-passphrase")
    dids["bea"], dids["bea-log"] = bea.did(), bea.did("log")
    acme.run(
        *("key", "admit", dids["bea"], "--log-key", dids["bea-log"], "--remote", "origin", *signed)
    )
    acme.run("pull")
    issue(acme, "admitted", *signed)
    bea.run("clone", home, "copy")
    copy = bea.folder / "copy"
    write_documents(clauses, bea.folder, range(8, 14), licence)
    of = ("documents", "-d", "bea/clauses", "--metadata", "sheet.csv", "--license", "CC-BY-4.0")
    inside = ("--store", copy)
    bea.run("commit", *of, *inside)
    bea.run("push", *inside)
    issue(bea, "colleague", *inside, of="bea/clauses")  # its credential waits in her clone
    at_home = ("--store", home)
    issue(bea, "colleague-at-home", *at_home, of="bea/clauses")
    acme.run("pull")
    issue(acme, "after-colleague", *signed)

    # A thief takes what bea has.
    thief = Person(root, "thief")
    shutil.rmtree(thief.home)
    shutil.copytree(bea.home, thief.home)
    shutil.rmtree(thief.home / ".local" / "state")  # which knows that it is a copy
    stolen = thief.folder / "home-of-the-log"
    shutil.copytree(home, stolen)

    # Acme's first log key is retired.
    acme.run("key", "new", "log-next", "--no-passphrase")
    dids["log-next"] = acme.did("log-next")
    acme.run(
        *("key", "admit", dids["next"], "--log-key", "log-next", "--remote", "origin", *signed)
    )
    acme.run(
        *("key", "retire", dids["log"], "--remote", "origin", "-o", "retired-statements", *signed)
    )
    keep(acme.folder / "retired-statements", "statements/retired")
    acme.run("pull")
    issue(acme, "retired", *signed)

    # Bea's key was stolen, says acme; the thief goes on from the copy, before that entry.
    size = len(json.loads(acme.run("log", "--audit", "--json"))["entries"])
    acme.run("key", "revoke", dids["bea"], "--suspect-from", size, "--yes", *signed)
    acme.run("push")
    acme.run("pull")
    acme.run("key", "statements", "-o", "stolen-statements")
    keep(acme.folder / "stolen-statements", "statements/stolen")
    issue(acme, "stolen", *signed)
    issue(thief, "thief", "--store", stolen, of="bea/clauses")

    # The first credential is suspended, then revoked.
    for act in ("suspend", "revoke"):
        acme.run(act, "first", "-o", f"lists-{act}", "--signer", "default")
        keep(acme.folder / f"lists-{act}", f"lists/{act}")
    acme.run("push")
    keep(home, "store")
    for name, believed in (("acme", ["acme"]), ("partner", ["acme", "bea"]), ("audited", ["acme"])):
        reader = Person(root, f"reader-{name}")
        for one in believed:
            reader.run("trust", "add", dids[one], "--name", one)
        if name == "audited":
            reader.run("trust", "add", dids["audit"], "--name", "audit", "--role", "auditor")
        keep(reader.home / ".config/lyrikstore/trust.toml", f"trust/{name}.toml")
    (OUT / "dids.json").write_text(json.dumps(dids, indent=1) + "\n")


def make_model(root: Path, clauses: Path) -> None:
    """A store with a model, its evaluation and its card, in the smallest sizes that there are."""
    lex = Person(root, "lex")
    write_documents(clauses, lex.folder, range(40), None, labels=("Insurance", "License Grant"))
    write_encoder(lex.folder / "encoder", lex.folder / "documents")
    for name, text in (("split", SPLIT), ("train", TRAIN)):
        (lex.folder / f"{name}.toml").write_text(text)
    lex.run("key", "new", "--no-passphrase")
    lex.run("init")
    lex.run("commit", "documents", "-d", "acme/clauses", "--metadata", "sheet.csv")
    lex.run("issue", "acme/clauses", "-o", "rights", *PERMIT, "--status-url", STATUS)
    lex.run("filter", "acme/clauses", "--recipe", "split.toml", "--as", "acme/parts")
    lex.run("commit", "encoder", "-d", "checkpoints/acme/tiny", "-m", "random weights")
    lex.run("train", "train.toml")
    lex.run("evaluate", "checkpoints/acme/clauses", "--on", "acme/parts.test")
    lex.run("card", "checkpoints/acme/clauses", "-o", "MODEL_CARD.md", "--evidence")
    for file in lex.folder.glob("MODEL_CARD*"):
        keep(file, f"card/{file.name}")
    keep(lex.folder / ".lyrikstore", "store-with-model")
    reader = Person(root, "reader-lex")
    reader.run("trust", "add", lex.did(), "--name", "lex")
    keep(reader.home / ".config/lyrikstore/trust.toml", "trust/lex.toml")


def keys_of(who: Person) -> list[dict[str, str]]:
    """Return the keys that somebody has."""
    listed: list[dict[str, str]] = json.loads(who.run("key", "list", "--json"))["keys"]
    return listed


def write_documents(
    clauses: Path,
    folder: Path,
    which: range,
    licence: Path | None,
    labels: tuple[str, ...] = (),
) -> None:
    """Write clauses with one label each as ``documents/`` and ``sheet.csv``."""
    data = clauses.read_bytes()
    text = gzip.decompress(data) if clauses.suffix == ".gz" else data
    rows = [row for row in map(json.loads, text.splitlines()) if len(row["labels"]) == 1]
    if labels:
        rows = [row for row in rows if row["labels"][0] in labels]
    documents = folder / "documents"
    documents.mkdir()
    lines = ["path,label,group"]
    for row in rows[which.start : which.stop]:
        (documents / f"{row['id']}.txt").write_text(row["text"] + "\n")
        lines.append(f"{row['id']}.txt,{row['labels'][0]},{row['id'][:4]}")
    (folder / "sheet.csv").write_text("\n".join(lines) + "\n")
    if licence is not None:
        shutil.copy(licence, folder / "LICENCE.txt")


def write_encoder(folder: Path, documents: Path) -> None:
    """Write a BERT encoder of the smallest sizes, with random weights."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel

    folder.mkdir()
    tokenizer = BertWordPieceTokenizer()
    tokenizer.train([str(file) for file in sorted(documents.iterdir())], vocab_size=300)
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(1)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=300, intermediate_size=16, max_position_embeddings=32, **sizes)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    settings = json.loads((folder / "config.json").read_text())
    known = {"architectures", "hidden_act", "model_type", "pad_token_id", "vocab_size", *sizes}
    known |= {"intermediate_size", "max_position_embeddings", "type_vocab_size"}
    (folder / "config.json").write_text(json.dumps({k: settings[k] for k in sorted(known)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
