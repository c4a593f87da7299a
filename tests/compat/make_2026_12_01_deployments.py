"""Deployed folders, foreign runs and an unmet role, made once on 1 December 2026 and never again.

    python -m tests.compat.make_2026_12_01_deployments

ran at commit 039d4288, on ``2026-12-01-deployments/source/`` alone. It is kept to show what each
file is; every later version reads the files, it does not make them. Who is who:

    acme    keeps the store, trains, deploys; beside ``default`` it has ``ann`` and ``cay``, who
            both have to approve cards; ``ben`` would have, and was revoked before
    roe     an expert, who answers what a card asks, without a store
"""

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.compat.frozen import AT, open_copy, said_by, verdict_of
from tests.conftest import REPOSITORY, Person

OUT = Path(__file__).resolve().parent / "2026-12-01-deployments"
SOURCE = OUT / "source"
FOREVER = ("--valid-for", "3650d")
STATUS = ("--status-url", "https://acme.example/status")
MODEL, DEPLOYED = "checkpoints/acme/letters", "deployments/acme/letters.onnx"
ASKED: tuple[dict[str, Any], ...] = (
    {"target": "folder", "trust": "acme"},
    {"target": "folder"},
    {"target": "card/card.json", "trust": "acme", "page": False},
    {"target": "card/card.json", "page": False},
    {"target": "attestation.json", "trust": "acme", "page": False},
    {"store": "store", "trust": "acme"},
    {"store": "store"},
)
"""What is verified by file, or as a whole, and whom the reader trusts."""

COUNT = ("python", "count.py", "{input}", "{output}")


@dataclass
class Writer(Person):
    """Somebody whose commands are real starts, by a clock that is days off."""

    days: int = 0

    def command(self, *arguments: object) -> list[str]:
        shift = ["faketime", "-f", f"{self.days:+d}d"] if self.days else []
        return [*shift, *super().command(*arguments)]

    def ask(self, *arguments: object) -> Any:
        """Run a command that must succeed, and return its result."""
        at = arguments.index("--") if "--" in arguments else len(arguments)
        said = self.ok(*arguments[:at], "--no-input", "--json", *arguments[at:])
        print(*arguments, flush=True)
        return said.json if said.out else None


def writer(root: Path, name: str) -> Writer:
    """Return somebody new with a key."""
    home, folder = root / name / "home", root / name / "work"
    home.mkdir(parents=True)
    folder.mkdir()
    # No PDF: its bytes depend on the Typst that is installed.
    path = f"{root / 'hidden'}:{REPOSITORY}:{REPOSITORY / 'cli'}"
    made = Writer(home, folder, {"PYTHONPATH": path})
    made.ask("key", "new", "--no-passphrase")
    return made


def main() -> None:
    """Make everything."""
    for made in OUT.iterdir():
        if made != SOURCE:
            shutil.rmtree(made) if made.is_dir() else made.unlink()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "hidden").mkdir()
        (root / "hidden/typst.py").write_text("raise ModuleNotFoundError\n")
        acme, roe = writer(root, "acme"), writer(root, "roe")
        shutil.copytree(SOURCE, acme.folder, dirs_exist_ok=True)
        for name in ("ann", "ben", "cay"):
            acme.ask("key", "new", name, "--no-passphrase")
        acme.ask("init")
        make_model(acme)
        admit_approvers(acme)
        make_card(acme, roe)
        make_deployments(acme)
        train_elsewhere(acme)
        commit_behind(acme)
        keep(acme, roe, root)


def make_model(acme: Writer) -> None:
    """Commit, permit and deal rows; train word counts, and measure them."""
    roles = ("--text", "text", "--label", "label", "--id", "id", "--group", "customer")
    acme.ask("commit", "letters.jsonl", "-d", "acme/letters", "--license", "CC-BY-4.0", *roles)
    permitted = ("--permit", "train,evaluate,derivativeModels", "--require", "attribution")
    acme.ask("permit", "acme/letters", *permitted, *STATUS, *FOREVER)
    acme.ask("filter", "acme/letters", "--recipe", "parts.toml", "--as", "acme/parts")
    acme.ask("train", "train.toml")
    acme.ask("evaluate", MODEL, "--on", "acme/parts.test")


def admit_approvers(acme: Writer) -> None:
    """Ask for two approvers, and for a while have one: a policy names the role as unmet."""
    role = ("--role", "approver")
    acme.ask("key", "admit", acme.did("ann"), acme.did("ben"), *role, "--threshold", 2)
    assert acme.ask("key", "revoke", "ben", "-m", "left the firm")["unmet"]
    acme.ask("key", "admit", acme.did("cay"), *role)


def make_card(acme: Writer, roe: Writer) -> None:
    """Have an expert answer, and a key approve, what the card of the model says."""
    acme.ask("trust", "add", roe.did(), "--name", "roe", "--role", "expert")
    acme.ask("card", MODEL, "--draft", roe.folder / "draft")
    said = ("--kind", "answers", "--statement", SOURCE / "answers.toml", "-o", "answers.json")
    roe.ask("attest", "draft", *said, "--issuer-name", "Dr. Jane Roe", *FOREVER)
    acme.ask("import", roe.folder / "answers.json")
    (acme.folder / "card").mkdir()
    acme.ask("card", MODEL, "--profile", "huggingface", "-o", "card/card.json", "--evidence")
    for name in ("ann", "cay"):
        acme.ask("approve", "cards/acme/letters", "--signer", name, "-m", "read")


def make_deployments(acme: Writer) -> None:
    """Deploy twice, and retire the first, which has another probe."""
    for probe, folder in (((), "first"), (("--probe", "probe.jsonl"), "folder")):
        acme.ask("deploy", MODEL, "--to", "onnx", "-o", folder, "--with-values", "--check", *probe)
    acme.ask("gc", "--keep", 1, DEPLOYED, "--purge")


def train_elsewhere(acme: Writer) -> None:
    """Have a program of a few lines count labels, in a sandbox and without one."""
    counted = ("train", "--input", "acme/parts.train", "--output")
    acme.ask(*counted, "acme/counted", "--read", "count.py", "--", *COUNT)
    acme.ask(*counted, "acme/counted-unconfined", "--unconfined", "--", *COUNT)


def commit_behind(acme: Writer) -> None:
    """Commit by a clock that is two days behind the log."""
    acme.days = -2
    made = acme.ask("commit", "note.txt", "-d", "acme/note")
    assert made["clockBehind"] is not None


def keep(acme: Writer, roe: Writer, root: Path) -> None:
    """Copy what was made, and write down what the program of that day says of it."""
    unneeded = shutil.ignore_patterns("lock", "staging")  # a lock names the machine
    shutil.copytree(acme.folder / ".lyrikstore", OUT / "store", ignore=unneeded)
    for name in ("card", "folder"):
        shutil.copytree(acme.folder / name, OUT / name)
    shutil.copy(roe.folder / "answers.json", OUT / "attestation.json")
    reader = writer(root, "reader")
    reader.ask("trust", "add", acme.did(), "--name", "acme")
    reader.ask("trust", "add", roe.did(), "--name", "roe", "--role", "expert")
    (OUT / "trust").mkdir()
    shutil.copy(reader.home / ".config/lyrikstore/trust.toml", OUT / "trust" / "acme.toml")
    for folder in sorted(OUT.rglob("*"), reverse=True):  # git keeps no empty ones
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    answers = said_by(open_copy(OUT, root / "copy"))
    lines = (f" {json.dumps(name)}: {json.dumps(said)}" for name, said in answers.items())
    (OUT / "answers.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    cases = [
        one | judged(one, writer(root, f"reader-{number}")) for number, one in enumerate(ASKED)
    ]
    head = f'{{\n "at": {json.dumps(AT)},\n "cases": [\n  '
    listed = ",\n  ".join(map(json.dumps, cases))
    OUT.with_suffix(".json").write_text(head + listed + "\n ]\n}\n")


def judged(asked: dict[str, Any], reader: Writer) -> dict[str, Any]:
    """Return what ``verify`` says to somebody who never saw any of it."""
    trust = ("--trust", OUT / "trust" / f"{asked['trust']}.toml") if "trust" in asked else ()
    if "store" in asked:
        shutil.copytree(OUT / "store", reader.folder / "store")
        where: tuple[object, ...] = ("--store", "store")
    else:
        where = (OUT / asked["target"],)
    return verdict_of(reader.run("verify", *where, *trust, "--at", AT, "--json").json)


if __name__ == "__main__":
    main()
