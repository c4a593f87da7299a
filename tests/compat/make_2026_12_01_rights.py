"""Data that was bought, put to one's own and handed on, made once on 1 December 2026.

    python -m tests.compat.make_2026_12_01_rights

ran with the program of that day, on ``2026-12-01-rights/source/`` alone. It is kept to show what
each file is; every later version reads the files, it does not make them. Who is who:

    acme    publishes the first dataset, and sells it
    buyer   keeps the store: imports, unites, trains, trains on, deploys and hands on
"""

import json
import shutil
import tempfile
from pathlib import Path

from tests.compat.frozen import AT, open_copy, said_by, verdict_of
from tests.compat.make_2026_12_01_deployments import FOREVER, Writer, writer

OUT = Path(__file__).resolve().parent / "2026-12-01-rights"
SOURCE = OUT / "source"
STATUS = ("--status-url", "https://acme.example/status")
WORDS = "train,evaluate,redistribute,derivativeModels"
TERMS = (
    *("--permit", WORDS, "--prohibit", "commercialUse"),
    *("--require", "attribution,deleteOnExpiry"),
)
ROLES = ("--text", "text", "--label", "label", "--id", "id", "--group", "customer")
ASKED: tuple[dict[str, object], ...] = (
    {"target": "bought", "trust": "acme"},
    {"target": "resold", "trust": "acme"},
    {"target": "resold", "trust": "buyer"},
    {"target": "resold"},
    {"target": "folder", "trust": "acme"},
    {"target": "folder"},
    {"target": "card/card.json", "trust": "acme", "page": False},
    {"store": "store", "trust": "acme"},
    {"store": "store"},
)
"""What is verified by file, or as a whole, and whom the reader trusts: both, one, nobody."""


def main() -> None:
    """Make everything."""
    for made in OUT.iterdir():
        if made != SOURCE:
            shutil.rmtree(made) if made.is_dir() else made.unlink()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "hidden").mkdir()
        (root / "hidden/typst.py").write_text("raise ModuleNotFoundError\n")
        acme, buyer = writer(root, "acme"), writer(root, "buyer")
        for one in (acme, buyer):
            shutil.copytree(SOURCE, one.folder, dirs_exist_ok=True)
            one.ask("init")
        sell(acme)
        shutil.copytree(acme.folder / "bought", buyer.folder / "bought")
        take_in(buyer, acme)
        train(buyer)
        redistribute(buyer)
        keep(acme, buyer, root)


def sell(acme: Writer) -> None:
    """Publish letters that may be handed on, but not for money."""
    acme.ask("commit", "bought.jsonl", "-d", "acme/letters", "--licence", "CC-BY-NC-4.0", *ROLES)
    acme.ask("issue", "acme/letters", "-o", "bought", *TERMS, *STATUS, *FOREVER)


def take_in(buyer: Writer, acme: Writer) -> None:
    """Import them, put one's own to them, and take only one's own out of both again."""
    buyer.ask("trust", "add", acme.did(), "--name", "acme")
    buyer.ask("import", "bought")
    buyer.ask("commit", "own.jsonl", "-d", "buyer/letters", *ROLES)
    buyer.ask("permit", "buyer/letters", "--permit", f"{WORDS},commercialUse", *FOREVER)
    both = ("acme/letters", "buyer/letters")
    buyer.ask("filter", *both, "--recipe", "both.toml", "--as", "buyer/both")
    buyer.ask("filter", *both, "--recipe", "own.toml", "--as", "buyer/own")
    buyer.ask("filter", "buyer/own", "--recipe", "both.toml", "--as", "buyer/own-parts")


def train(buyer: Writer) -> None:
    """Train on both, on what is without the bought letters, and on from the first."""
    buyer.ask("train", "both-train.toml")
    buyer.ask("evaluate", "checkpoints/buyer/letters", "--on", "buyer/both.test")
    buyer.ask("train", "own-train.toml")
    on = ("train", "--input", "buyer/letters", "--base", "checkpoints/buyer/letters")
    copied = ("--", "sh", "-c", "cp -r {base}/. {output}")
    buyer.ask(*on, "--output", "buyer/on", *copied)


def redistribute(buyer: Writer) -> None:
    """Write the card, deploy, and hand some of the data on."""
    (buyer.folder / "card").mkdir()
    buyer.ask("card", "checkpoints/buyer/letters", "-o", "card/card.json", "--evidence")
    deploy = ("deploy", "checkpoints/buyer/letters", "--to", "onnx", "-o", "folder")
    buyer.ask(*deploy, "--with-values", "--check")
    buyer.ask("issue", "buyer/both.train", "-o", "resold", "--permit", "train", *FOREVER)


def keep(acme: Writer, buyer: Writer, root: Path) -> None:
    """Copy what was made, and write down what the program of that day says of it."""
    unneeded = shutil.ignore_patterns("lock", "staging")  # a lock names the machine
    shutil.copytree(buyer.folder / ".lyrikstore", OUT / "store", ignore=unneeded)
    for name in ("bought", "resold", "card", "folder"):
        shutil.copytree(buyer.folder / name, OUT / name)
    (OUT / "trust").mkdir()
    for name, known in (("acme", (acme, buyer)), ("buyer", (buyer,))):
        reader = writer(root, f"reader-{name}")
        for one in known:
            reader.ask("trust", "add", one.did(), "--name", one.home.parent.name)
        shutil.copy(reader.home / ".config/lyrikstore/trust.toml", OUT / f"trust/{name}.toml")
    for folder in sorted(OUT.rglob("*"), reverse=True):  # git keeps no empty ones
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    answers = said_by(open_copy(OUT, root / "copy"))
    lines = (f" {json.dumps(name)}: {json.dumps(said)}" for name, said in answers.items())
    (OUT / "answers.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    cases = [one | judged(one, writer(root, f"judge-{at}")) for at, one in enumerate(ASKED)]
    head = f'{{\n "at": {json.dumps(AT)},\n "cases": [\n  '
    listed = ",\n  ".join(map(json.dumps, cases))
    OUT.with_suffix(".json").write_text(head + listed + "\n ]\n}\n")


def judged(asked: dict[str, object], reader: Writer) -> dict[str, object]:
    """Return what ``verify`` says to somebody who never saw any of it."""
    trust = ("--trust", OUT / "trust" / f"{asked['trust']}.toml") if "trust" in asked else ()
    if "store" in asked:
        shutil.copytree(OUT / "store", reader.folder / "store")
        where: tuple[object, ...] = ("--store", "store")
    else:
        where = (OUT / str(asked["target"]),)
    return verdict_of(reader.run("verify", *where, *trust, "--at", AT, "--json").json)


if __name__ == "__main__":
    main()
