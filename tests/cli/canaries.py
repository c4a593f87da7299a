"""A chain from documents to a deployed model, over values that redaction takes out.

Two people do the same with documents that differ in these values alone: of the same kind and
length, and equal where they are equal. Every such value begins like no other word.
"""

import random
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lyrikstore.canon.json import encode
from lyrikstore.history.repository.repository import Repository
from tests.conftest import Person
from tests.held import contents

COUNT = 250
"""Documents, with four values each; one in five is a message."""

CANARY = re.compile(rb"(?i)zq[nmag][a-z]{6}|7391[0-9]{6}")
CELL = re.compile(rb"(?i)zqc[a-z]{6}")
"""Values of the sheet's column ``client``, which trees keep."""

MODEL = "checkpoints/acme/m"
_WORDS = [f"word{number}" for number in range(60)]
_RECIPE = """recipe = 1
[[step]]
use = "extract-text/2"
[[step]]
use = "redact/3"
mask = ["client"]
[[step]]
use = "chunk/2"
size = 400
[[step]]
use = "split/3"
by = "client"
train = 0.6
validation = 0.2
test = 0.2
"""
_CONFIG = """purpose = "train"
name = "checkpoints/acme/m"
[data]
train = "acme/clean.train"
validation = "acme/clean.validation"
test = "acme/clean.test"
label = "kind"
[model]
base = "linear"
candidates = ["tfidf"]
[training]
threads = 1
"""


def commit(person: Person, side: int) -> None:
    """Commit documents of one side, with a sheet."""
    values, chance = _values(side), random.Random(5)
    place = person.folder / "letters"
    place.mkdir()
    rows = ["path,client,kind"]
    clients = [next(values["client"]) for _ in range(COUNT // 5)]
    for n in range(COUNT):
        name, number, mail, attached = (next(values[one]) for one in ("n", "7", "m", "a"))
        words = " ".join((("alpha", "beta")[n % 2], *chance.choices(_WORDS, k=12)))
        text = (
            f"Dear Mr. {name},\n\nabout {words}: your chart is MRN: {number}. "
            f"Write to {mail}@people.example.\n\nNumber {n} {clients[n // 5]} ends.\n"
        )
        path = f"letter{n:03}.{'txt' if n % 5 else 'eml'}"
        (place / path).write_text(text if n % 5 else _message(text, name, mail, attached))
        if n % 5:
            (place / path).write_text(text.replace("ends.", f"ends {attached}@people.example."))
        rows.append(f"{path},{clients[n // 5]},{('lease', 'sale')[(n + (n % 10 > 7)) % 2]}")
    (person.folder / "sheet.csv").write_text("\n".join(rows) + "\n")
    sheet = ("--metadata", "sheet.csv", "--label", "kind")
    person.ok("commit", "letters", "-d", "acme/letters", *sheet, "--licence", "CC0-1.0")


def make(person: Person) -> list[str]:
    """Filter, train, evaluate, card, deploy, issue and ask; return what was printed."""
    (person.folder / "recipe.toml").write_text(_RECIPE)
    (person.folder / "config.toml").write_text(_CONFIG)
    return [
        f"{done.out}\n{done.err}"
        for done in (
            person.ok("filter", "acme/letters", "--recipe", "recipe.toml", "--as", "acme/clean"),
            person.ok("permit", "acme/letters", "--permit", "train,evaluate,derivativeModels"),
            person.ok("train", "config.toml"),
            person.ok("evaluate", MODEL, "--on", "acme/clean.test", "--html", "report.html"),
            person.ok("card", MODEL, "--profile", "huggingface", "-o", "card.html"),
            person.ok("deploy", MODEL, "--to", "onnx", "-o", "package"),
            person.ok("issue", "acme/clean.train", "-o", "delivery", "--permit", "train"),
            person.ok("page", "--with", "delivery", "-o", "page.html"),
            person.ok("profile", "acme/clean.train", "--html", "profile.html"),
            person.ok("log", "runs/acme/m", "--html", "run.html"),
            person.ok("verify", MODEL, "--report", "verify.html"),
            person.ok("query", "select path, action, reason from decisions limit 20"),
            person.ok("why", "acme/clean.train", "part-00000.jsonl:1"),
        )
    ]


def share(person: Person) -> list[str]:
    """Push to a remote and clone that; return what was printed."""
    remote = f"file://{person.folder / 'remote'}"
    commands = (("remote", "add", "far", remote), ("push", "far"), ("clone", remote, "cloned"))
    return [f"{done.out}\n{done.err}" for done in (person.ok(*one) for one in commands)]


def values_in(pattern: re.Pattern[bytes], data: bytes) -> set[bytes]:
    """Return the words in some bytes that look like values, whatever their case."""
    return {one.lower() for one in pattern.findall(data)}


def held(values: set[bytes], pattern: re.Pattern[bytes], *places: Path) -> set[str]:
    """Return the files in which one of the values is found, packs and databases unpacked."""
    files = (path for place in places for path in [place, *place.rglob("*")] if path.is_file())
    return {
        str(path)
        for path in files
        if any(values & values_in(pattern, data) for data in contents(path))
    }


def _values(side: int) -> dict[str, Iterator[str]]:
    """Return kind → values: words of nine letters, numbers of ten digits."""

    def words(mark: str) -> Iterator[str]:
        chance = random.Random(f"{mark} {side}")
        while True:
            yield f"Zq{mark}{''.join(chance.choices(string.ascii_lowercase, k=6))}"

    def numbers() -> Iterator[str]:
        chance = random.Random(f"7391 {side}")
        while True:
            yield f"7391{chance.randrange(10**6):06}"

    return {"n": words("n"), "m": words("m"), "a": words("a"), "client": words("c"),
            "7": numbers()}  # fmt: skip


def _message(text: str, name: str, mail: str, attached: str) -> str:
    return (
        f"From: {name} <{mail}@people.example>\nTo: Clerk <clerk@firm.example>\n"
        f"Subject: {name} again\nMessage-ID: <{mail}@people.example>\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/mixed; boundary="B"\n\n--B\nContent-Type: text/plain\n\n{text}'
        f'\n--B\nContent-Type: text/plain; name="{attached}.txt"\n'
        f'Content-Disposition: attachment; filename="{attached}.txt"\n\n{attached}\n--B--\n'
    )


def papers(person: Person) -> dict[str, bytes]:
    """Return what says something of the model, without ids, times and what the machine measured.

    They are what was signed of run, checkpoint, evaluation and card with what is attached, and the
    package but for its evidence, which is the same again with proofs and signatures.
    """
    repository = Repository.open(person.folder / ".lyrikstore")
    package = person.folder / "package"
    found = {
        str(path.relative_to(person.folder)): path.read_bytes()
        for path in package.rglob("*")
        if path.is_file()
        and path.parent.name != "lyrikstore"
        and not path.name.startswith(("README", "SHA256SUMS"))
    }
    for _, manifest in repository.all_manifests():
        if manifest.kind in ("evaluation", "card", "checkpoint", "run"):
            found[manifest.kind] = encode(_without(manifest.body))
            for one in manifest.attachments:
                if one.role not in ("pdf", "html"):  # the same as the Markdown, laid out
                    data = repository.blobs.read(one.id, max_bytes=1 << 24)
                    found[f"{manifest.kind} {one.role}"] = data
    cards = [one for _, one in repository.all_manifests() if one.kind == "card"]
    named = [entry.id for entry in repository.entries()]
    named += [attached.id for one in cards for attached in one.attachments]
    short = {one.hex[:8].encode() for one in named}
    return {name: _MEASURED.sub(b"-", _plain(data, short)) for name, data in found.items()}


_MACHINE = frozenset({"latencyMs", "memoryBytes", "peakMemoryBytes", "actual"})
_MEASURED = re.compile(
    rb"\"latencyMs\":\{[^}]*\}|(?<=ms an answer )\([^)]*\)|"
    rb"\d{4}-\d\d-\d\d(?:T[0-9:.]+Z)?|\d[\d.,]* (?:ms|MB|MiB|GB|GiB)|urn:uuid:[0-9a-f-]{36}|"
    rb"\b(?!7391\d{6}\b)\d{1,3}(?:,?\d{3}){2,3}\b|(?<=Seconds: )[\d.]+|(?<=clock, s: )[\d.]+|"
    rb"(?<=time, s: )[\d.]+|(?<=Seconds )[\d.]+|(?<=clock, s )[\d.]+|(?<=time, s )[\d.]+|"
    rb"(?<=\")\d+\.\d(?=\")"
)


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without(one) for name, one in value.items() if name not in _MACHINE}
    return [_without(one) for one in value] if isinstance(value, list) else value


def _plain(data: bytes, short: set[bytes]) -> bytes:
    """Return some bytes without the ids of what was logged."""
    return re.sub(rb"[0-9a-f]{8,64}", lambda one: b"-" if one[0][:8] in short else one[0], data)
