"""The examples in the help of every command run as printed, in a store that has what they name."""

import gzip
import json
import shlex
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import openpyxl
import pytest

from tests.cli.small_runs import lines, rows
from tests.conftest import Person
from tests.epilogs import epilogs
from tests.pages import blocks
from tests.warm import QUICK_KEYS

ORDER = (
    *("init", "commit", "status", "permit", "filter", "why", "diff", "checkout", "lock", "profile"),
    *("log", "show", "query", "issue", "impact", "audit", "attest", "import", "grant", "present"),
    "verify",
    *("terms", "w3c export", "page", "credential suspend", "credential reinstate"),
    *("credential revoke", "w3c sign", "maintain schema", "trust set", "key document", "trust add"),
    *("trust check", "key letter", "key statements", "key backup"),
    *("gc", "push", "pull", "clone", "key rotate", "key new", "rules new", "rules test", "help"),
)
ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(("ui", "w3c serve"), "serves until it is stopped"),
    "remote add": "asks a bucket for its region",
    "key admit": "keys of colleagues",
    "key retire": "a log that an earlier key signed",
    "key misdated": "an entry with a wrong date",
    "key revoke": "a key that founded no store",
    "credential supersede": "a credential that another one replaces",
    "credential publish": "a credential with a status address",
    **dict.fromkeys(
        ("checkpoint add", "checkpoint merge", "plan", "train", "reproduce", "evaluate"),
        "trains; what docs/ shows runs in test_readme.py, test_help.py and test_developer.py",
    ),
    **dict.fromkeys(
        ("monitor", "predict", "card", "approve", "deploy", "export", "lineage"), "a model"
    ),
    **dict.fromkeys(
        ("review new", "review next", "review export", "review sign", "review import"),
        "reviewers with keys of their own; test_review.py has them",
    ),
    "drill": "attacks what test_drill.py attacks",
    "witness": "a request of another store; test_half_a_year.py has one",
    **dict.fromkeys(
        ("rules add", "rules check", "rules diff", "rules waive"), "rules; test_clinic.py has them"
    ),
}
"""Commands whose examples are not run here, and what they need."""
ASIDE: Mapping[str, str] = {
    "lyrikstore key rotate did:key:z6Mk…new --old did:key:z6Mk…old": "another store",
    "lyrikstore clone sftp://host/archive --only acme/contracts": "a server",
    'lyrikstore maintain schema "$(jq -r .schema result.json)"': "a shell",
    "lyrikstore trust add 'data.example/archive+1a2b3c4d+…'": "the key of a log",
    "lyrikstore verify checkpoints/acme/clause-classifier": "a model",
    "lyrikstore verify MODEL_CARD.md --store acme": "a model",
    "lyrikstore audit checkpoints/acme/clause-classifier -o audit.html": "a model",
    "lyrikstore show evaluations/acme/m --json": "a model",
    "lyrikstore log timestamp --add stamp.tsr": "the answer of an authority",
    "lyrikstore attest checkpoints/acme/m --kind quality --statement audit.toml -o opinion.json": (
        "a model"
    ),
    "lyrikstore import --trained out --input acme/rows --as acme/model": "a model",
}
"""Examples of other commands that are not run here, and what they need."""


def letters(person: Person, more: str = "") -> None:
    (person.folder / "documents").mkdir(exist_ok=True)
    for number in range(231, 271):
        text = f"letter {number}: we agree to it{more}\n"
        (person.folder / "documents" / f"letter-0{number}.txt").write_text(text)


def a_month_later(person: Person) -> None:
    letters(person, ", all of it")
    person.ok("commit", "documents", "-d", "acme/contracts", "--metadata", "sheet.xlsx")


def away(name: str) -> Callable[[Person], None]:
    return lambda person: shutil.rmtree(person.folder / name)


def split(person: Person) -> None:
    recipe = 'recipe = 1\n[[step]]\nuse = "split/3"\n'
    (person.folder / "split.toml").write_text(recipe)
    person.ok("filter", "acme/contracts", "--recipe", "split.toml", "--as", "acme/clean")
    person.ok("lock", "acme/clauses")


def kept(person: Person) -> None:
    shutil.copy(
        person.folder / ".lyrikstore" / "log" / "checkpoint", person.folder / "kept.checkpoint"
    )


def deliveries(person: Person) -> None:
    for name in ("delivery-a", "delivery-b"):
        shutil.copytree(person.folder / "delivery", person.folder / name)


def bought_page(person: Person) -> None:
    shutil.copy(person.folder / "verify.html", person.folder / "verify-from-the-seller.html")


def corpus_clean(person: Person) -> None:
    person.ok("filter", "acme/contracts", "--recipe", "clean.toml", "--as", "acme/corpus-clean")


def somebody(person: Person) -> None:
    person.ok("trust", "remove", "Acme")


BEFORE: Mapping[str, Callable[[Person], None]] = {
    "lyrikstore diff acme/contracts~1 acme/contracts": a_month_later,
    "lyrikstore checkout acme/contracts documents --metadata sheet.csv": away("documents"),
    "lyrikstore checkout --locked acme/clauses data": split,
    "lyrikstore issue acme/contracts -o delivery --terms terms.toml": away("delivery"),
    "lyrikstore terms delivery-a delivery-b/credential.json": deliveries,
    "lyrikstore terms acme/corpus-clean --purpose train,commercialUse --territory DE": (
        corpus_clean
    ),
    "lyrikstore audit acme --since": kept,
    "lyrikstore page --compare verify-from-the-seller.html": bought_page,
    "lyrikstore trust add did:web:acme.example": somebody,
}
"""Example → what happened before."""


WITHIN: Mapping[str, str] = {"lyrikstore verify credential.json --data data": "delivery"}
"""Example → the folder in which it is typed."""
MAY_SAY_NO: Mapping[str, tuple[int, ...]] = {
    "lyrikstore terms acme/corpus-clean --purpose train,commercialUse --territory DE": (14,),
    "lyrikstore trust check --about did:key:z6Mk… acme/contracts": (4,),
}
"""Example → the exit codes of another answer than yes."""
DEGREE = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiableCredential"],
    "credentialSubject": {"id": "did:example:ada"},
}


@pytest.fixture
def world(new_person: Callable[[str], Person]) -> Person:
    """Somebody with nothing but the files that the examples name, and a passphrase."""
    person = new_person("acme")
    folder = person.folder
    (person.home / "passphrase").write_text("correct horse")
    person.environment["LYRIKSTORE_PASSPHRASE_FILE"] = str(person.home / "passphrase")
    person.environment[QUICK_KEYS] = "1"
    letters(person)
    workbook = openpyxl.Workbook()
    assert workbook.active is not None
    workbook.active.append(["path", "kind"])
    for path in sorted((folder / "documents").iterdir()):
        workbook.active.append([path.name, "letter"])
    workbook.save(folder / "sheet.xlsx")
    (folder / "clean.toml").write_text('recipe = 1\n[[step]]\nuse = "drop-duplicates/2"\n')
    some = [{"text": row["text"], "labels": [row["label"]]} for row in rows(24)]
    (folder / "rows.jsonl.gz").write_bytes(gzip.compress(lines(some).encode()))
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text("{}")
    (folder / "model" / "model.safetensors").write_bytes(b"\x08" + bytes(7) + b"{}      ")
    (folder / "model" / "tokenizer.json").write_text('{"model":{}}')
    (folder / "terms.toml").write_text('permits = ["train", "evaluate"]\n')
    (folder / "report.pdf").write_bytes(b"what was found")
    (statement,) = blocks("grants.md", "toml")
    (folder / "audit.toml").write_text(statement.replace("records = 500", "records = 5"))
    return person


@pytest.mark.ci
def test_every_example_runs(world: Person, tmp_path: Path) -> None:
    wrong = []
    shown: dict[str, list[str]] = {}
    for command, line in epilogs():
        shown.setdefault(command, []).append(line)
    assert set(shown) == {*ORDER, *ELSEWHERE}
    meant = {"s3://bucket/archive": str(tmp_path / "archive")}
    for command in ORDER:
        for line in shown[command]:
            if command == "key new":  # somebody without keys, as after a loss
                shutil.rmtree(world.home / ".config" / "lyrikstore" / "keys")
            for one in [] if line in ASIDE else line.split(" && "):
                for begin, prepare in BEFORE.items():
                    if one.startswith(begin):
                        prepare(world)
                typed = one
                for place, own in meant.items():
                    typed = typed.replace(place, own)
                folder = world.folder / WITHIN.get(one, "")
                done = world.run(*shlex.split(typed)[1:], cwd=folder)
                if done.code not in (0, *MAY_SAY_NO.get(one, ())):
                    wrong.append((one, done.code, done.err))
        if command == "init":
            did = meant["did:key:z6Mk…"] = world.did()
            (world.folder / "degree.json").write_text(json.dumps(DEGREE | {"issuer": did}))
    assert wrong == []
