"""A store full of words that no outsider may read unasked, and all that it makes for outsiders."""

import base64
import gzip
import html
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pypdfium2

from lyrikstore.history.repository.repository import Repository
from tests.conftest import Person

MODEL, ROWS = "checkpoints/acme/m", "acme/rows"
CANARIES = frozenset(
    {
        *("place", "folder", "file", "suffix", "cell", "licence", "text", "redacted", "message"),
        *("dropped", "binned", "ignored", "loose", "orphan", "strayed", "later"),
        *("sheet", "recipe", "config", "terms", "document", "wording"),
        *("shard", "ident", "label", "permission", "passage"),
    }
)
"""Each with ``canary`` behind it: names of folders, files and sheets, cells, texts, a message. None
ends like another."""

DELIVERED = frozenset({"folder", "file", "suffix", "cell", "licence", "text"})
"""What the version that is delivered has."""

_WORDS = [f"word{number}" for number in range(60)]
_RECIPE = """recipe = 1
[[step]]
use = "drop-duplicates/2"
[[step]]
use = "redact/2"
kinds = ["email"]
detectors = ["patterns"]
[[step]]
use = "split/2"
seed = "1"
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
_TERMS = """[[partition]]
name = "most"
select = [{ path = "foldercanary" }, { column = "licence", values = ["licencecanary"] }]
permits = ["train"]
"""
_STATEMENT = """extent = "all"
standard = "read"
method = "a person read each one"
conclusion = "fit"
limitations = ["none were"]
liability = "none"
[[results]]
metric = "labelErrorRate"
value = "0.00"
"""
_KINDS = ("lease", "sale")  # labels of the model, which it gives to whoever asks it


def make_store(person: Person) -> None:
    """Commit documents with a sheet, and rows; filter, train, evaluate, monitor."""
    documents, rows = person.folder / "placecanary", ["path,kind,matter,licence"]
    rows += _documents(documents, 60, "file")
    copy = (documents / "foldercanary/filecanary-0.suffixcanary").read_text()
    (documents / "foldercanary/zdroppedcanary.txt").write_text(copy)
    rows.append("foldercanary/zdroppedcanary.txt,lease,binnedcanary,licencecanary")
    (documents / "loosecanary.txt").write_text(copy)
    rows.append("orphancanary.txt,sale,strayedcanary,licencecanary")
    (documents / "ignoredcanary.txt").write_text("ignored")
    (documents / ".lyrikignore").write_text("ignoredcanary.txt\n")
    _write(person, "sheetcanary.csv", "\n".join(rows))
    _write(person, "wordingcanary.txt", "Do as you like.")
    _commit(person, documents, "acme/raw", "sheetcanary.csv", "-m", "from /home/messagecanary")
    _write(person, "recipecanary.toml", _RECIPE)
    person.ok("filter", "acme/raw", "--recipe", "recipecanary.toml", "--as", "acme/clean")
    person.ok("permit", "acme/raw", "--permit", "train,evaluate,derivativeModels")
    _write(person, "configcanary.toml", _CONFIG)
    person.ok("train", "configcanary.toml")
    person.ok("evaluate", MODEL, "--on", "acme/clean.test", "--html", "evaluation.html")
    later = person.folder / "latercanary"
    sheet = ["path,kind,matter,licence", *_documents(later, 40, "later", seed=8)]
    _write(person, "later.csv", "\n".join(sheet))
    _commit(person, later, "acme/later", "later.csv")
    person.ok("permit", "acme/later", "--permit", "evaluate")
    person.run("monitor", MODEL, "--on", "acme/later", "--html", "monitor.html")
    records = [
        {"id": f"identcanary{n}", "text": f"passagecanary {n % 7}",
         "label": f"labelcanary{n % 4}", "licence": "permissioncanary"}
        for n in range(20)
    ]  # fmt: skip
    _write(person, "shardcanary.jsonl", "\n".join(map(json.dumps, records)))
    roles = ("--text", "text", "--label", "label", "--id", "id", "--licence-field", "licence")
    person.ok("commit", "shardcanary.jsonl", "-d", ROWS, *roles)


def hand_over(person: Person) -> dict[str, bytes]:
    """Make all that is for outsiders, without a flag that asks for data; return path → bytes."""
    person.ok("card", MODEL, "--profile", "huggingface", "--profile", "us-health", "-o", "m.html",
              "--evidence")  # fmt: skip
    for name in ("acme/raw", ROWS):
        person.ok("card", name, "-o", f"{name.partition('/')[2]}-card.html")
    person.ok("card", MODEL, "--draft", "draft")
    person.ok("deploy", MODEL, "--to", "onnx", "-o", "package")
    _write(person, "termscanary.toml", _TERMS)
    person.ok("issue", "acme/clean.train", "-o", "delivery", "--terms", "termscanary.toml")
    person.ok("w3c", "export", "delivery", "--format", "odrl", "-o", "policy.jsonld")
    person.ok("page", "--with", "delivery", "-o", "page.html")
    _write(person, "documentcanary.txt", "Well.")
    _write(person, "statement.toml", _STATEMENT)
    attest = ("attest", "delivery", "--kind", "quality", "--statement", "statement.toml")
    person.ok(*attest, "--document", "documentcanary.txt", "-o", "attestation.json")
    grant = ("grant", "delivery", "--to", person.did(), "--permit", "train", "--until", "2d")
    person.ok(*grant, "-o", "delivery/grant.json")
    person.ok(*present(person, "presentation.json"))
    for name in ("acme/raw", ROWS):
        person.ok("profile", name, "--html", f"{name.partition('/')[2]}-profile.html")
    person.ok("log", "runs/acme/m", "--html", "run.html")
    person.ok("verify", MODEL, "--report", "model-report.html")
    person.ok("verify", "--report", "store-report.json")
    person.ok("verify", "delivery", "--report", "delivery-report.html")
    for ref, form in ((MODEL, "slsa"), ("evaluations/acme/m", "test-result"), ("acme/raw", "vsa")):
        person.ok("export", ref, "--format", form, "-o", f"{form}.intoto.json")
    return {**_files(person), **_cards(person)}


def present(person: Person, name: str, *more: str) -> tuple[str, ...]:
    """Return the command that presents the grant."""
    asked = ("--challenge", "7c5f1a", "--domain", "data.example")
    return ("present", "delivery/grant.json", *asked, "-o", name, *more)


def disclosed(data: bytes, depth: int = 3) -> set[str]:
    """Return the canaries in a file, however it holds them."""
    found: set[str] = set()
    for text in _readings(data, depth):
        found |= set(re.findall(r"([a-z]+)canary", text.casefold()))
    return {one for one in CANARIES if any(name.endswith(one) for name in found)}


def _readings(data: bytes, depth: int) -> Iterator[str]:
    text = data.decode("utf-8", "replace")
    yield html.unescape(text)  # of HTML, of XML, and of Markdown as cards are written
    yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda one: chr(int(one[1], 16)), text)
    if not depth:
        return
    for run in re.findall(rb"[A-Za-z0-9+/_-]{32,}={0,2}", data):
        raw = run.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        raw = raw[: len(raw) - (len(raw) % 4 == 1)]
        inner = base64.b64decode(raw + b"=" * (-len(raw) % 4))
        if b"canary" in inner or inner.startswith((b"\x1f\x8b", b"{", b"%PDF")):
            yield from _readings(inner, depth - 1)
    if data.startswith(b"\x1f\x8b"):
        yield from _readings(gzip.decompress(data), depth - 1)
    if data.startswith(b"%PDF"):
        document = pypdfium2.PdfDocument(data)
        yield from (page.get_textpage().get_text_range() for page in document)
        for number in range(document.count_attachments()):
            yield from _readings(bytes(document.get_attachment(number).get_data()), depth - 1)


def _files(person: Person) -> dict[str, bytes]:
    made = ("m.html", "m-*", "*-card.html", "*-profile.html", "*-report.*", "draft/**/*",
            "package/**/*", "delivery/**/*", "policy.jsonld", "page.html", "attestation.json",
            "presentation.json", "*.intoto.json", "run.html", "evaluation.html",
            "monitor.html")  # fmt: skip
    paths = {path for pattern in made for path in person.folder.glob(pattern) if path.is_file()}
    return {str(path.relative_to(person.folder)): path.read_bytes() for path in sorted(paths)}


def _cards(person: Person) -> dict[str, bytes]:
    """Return every rendering of the cards, which are made whichever was asked for."""
    repository = Repository.open(person.folder / ".lyrikstore")
    cards = {name: state for name, state in repository.refs.items() if name.startswith("cards/")}
    return {
        f"{name}.{one.role}": repository.blobs.read(one.id, max_bytes=1 << 24)
        for name, state in cards.items()
        for one in repository.manifest(state.id).attachments
        if one.role != "profile"
    }


def _documents(place: Path, count: int, called: str, seed: int = 7) -> Iterator[str]:
    """Write documents; yield their rows. One in ten has the other label, so that some are wrong."""
    folder, chance = place / "foldercanary", random.Random(seed)
    folder.mkdir(parents=True)
    for n in range(count):
        words = (("alpha", "beta")[n % 2], *chance.choices(_WORDS, k=8), f"textcanary{seed}x{n}")
        name = f"{called}canary-{n}.suffixcanary"
        (folder / name).write_text(" ".join((*words, f"redactedcanary{n}@people.example")))
        kind = _KINDS[(n + (n % 10 > 7)) % 2]
        yield f"foldercanary/{name},{kind},cellcanary{n},licencecanary"


def _commit(person: Person, place: Path, name: str, sheet: str, *more: str) -> None:
    roles = ("--label", "kind", "--group", "matter", "--licence-field", "licence")
    licence = ("--licence", "LicenseRef-Own", "--licence-text", "wordingcanary.txt")
    more = (*roles, *licence, "--allow-orphans", *more)
    person.ok("commit", place, "-d", name, "--metadata", sheet, *more)


def _write(person: Person, name: str, text: str) -> None:
    (person.folder / name).write_text(text + "\n")
