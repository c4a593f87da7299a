"""ATTACK A72: nothing that leaves the store, or outlives a purge, tells what was taken out.

Two sources that differ only in what is redacted go the same way; what comes of them is compared,
byte for byte but for ids of manifests, times, salts, signatures and the digest of a salted table.
"""

import hashlib
import json
import re
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import EmptyResultError
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.history.commit.transaction import create_repository
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.publish.issue.delivery import issue_delivery
from lyrikstore.testing.keys import signer_for
from tests.curate.conftest import NOW, Bench
from tests.curate.recipes.applied import decisions_of

# Values of two sources: of the same kind and length, equal where they are equal.
NAMES = (("Gomez", "Weber", "Brown", "Lopez"), ("Meyer", "Lange", "Petty", "Unger"))
NUMBERS = (("10482231", "55102938", "90217736"), ("73300127", "28841906", "41195820"))
MAILS = (("jroe", "apol", "hwer"), ("mlin", "beck", "ziem"))
DATES = (("03/04/1961", "12/11/1974"), ("07/09/1958", "10/02/1983"))
PARTS = ("train", "validation", "test")

KIND = st.sampled_from(["lease", "claim", "order"])
RECORD = st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 1), KIND, st.integers(1, 3))
RECORDS = st.lists(RECORD, min_size=8, max_size=14)
Record = tuple[int, int, int, str, int]

DOCUMENTS = """
recipe = 1
[[step]]
use = "extract-text/2"
[[step]]
use = "redact/3"
mask = ["client"]
[[step]]
use = "chunk/2"
size = 60
[[step]]
use = "drop-duplicates/2"
by = ["text", "path"]
[[step]]
use = "split/3"
by = "client"
train = 0.5
validation = 0.25
test = 0.25
"""
CHUNKED_FIRST = """
recipe = 1
[[step]]
use = "extract-text/2"
[[step]]
use = "chunk/2"
size = 60
[[step]]
use = "redact/3"
mask = ["client"]
[[step]]
use = "sample/1"
share = 0.6
[[step]]
use = "balance/1"
by = "kind"
most = 9
"""
STAY = """
recipe = 1
[[step]]
use = "redact/3"
mask = ["client"]
[[step]]
use = "sample/1"
share = 0.7
"""
ROWS = """
recipe = 1
[[step]]
use = "redact/3"
mask = ["client"]
[[step]]
use = "near-duplicates/1"
threshold = 0.9
[[step]]
use = "sample/1"
share = 0.9
[[step]]
use = "split/3"
by = "client"
train = 0.5
validation = 0
test = 0.5
"""


def text_of(record: Record, side: int, number: int) -> str:
    """Return a text of one side."""
    name, mrn, date, kind, times = record
    said = (
        f"Patient: Mr. {NAMES[side][name]} was seen on {DATES[side][date]} about the {kind}.\n\n"
        f"His chart is MRN: {NUMBERS[side][mrn]}. Write to {MAILS[side][mrn]}@mail.example.\n\n"
    )
    return said * times + f"Number {number} ends here."


def mail_of(record: Record, side: int, number: int) -> bytes:
    """Return a message of one side, with an attachment."""
    name, mrn, _, _, _ = record
    who, local = NAMES[side][name], MAILS[side][mrn]
    return (
        f"From: John {who} <{local}@mail.example>\nTo: Clerk <clerk@mail.example>\n"
        f"Subject: {who} again\nMessage-ID: <{local}@mail.example>\nDate: x\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="B"\n\n--B\n'
        f"Content-Type: text/plain\n\n{text_of(record, side, number)}\n--B\n"
        f'Content-Type: text/plain; name="{who}.txt"\n'
        f'Content-Disposition: attachment; filename="{who}.txt"\n\n{NUMBERS[side][mrn]}\n--B--\n'
    ).encode()


def bench_at(place: Path) -> Bench:
    """Return a store of the same keys and the same genesis."""
    (place / "data").mkdir(parents=True)
    repository = create_repository(
        place / ".lyrikstore",
        origin="example.org/curate",
        signer=signer_for("owner"),
        log_signer=signer_for("log"),
        clock=lambda: NOW,
        memory=LogMemory(place / "memory"),
        nonce=bytes(16),
    )
    return Bench(place, repository)


def write_documents(bench: Bench, records: Sequence[Record], side: int) -> None:
    """Commit documents, messages and a sheet of one side."""
    rows = [["path", "client", "kind"]]
    for number, record in enumerate(records):
        path = f"d{number:02}.{'eml' if number % 3 == 0 else 'txt'}"
        text = text_of(record, side, number)
        bench.write({path: mail_of(record, side, number) if path.endswith("eml") else text})
        rows.append([path, f"Client {NAMES[side][record[0]]}", record[3]])
    bench.commit(stated=CommitMetadata(sheet=bench.sheet(rows)))


def write_rows(bench: Bench, records: Sequence[Record], side: int) -> None:
    """Commit rows of one side."""
    lines = (
        json.dumps(
            {
                "text": text_of(record, side, number),
                "client": f"Client {NAMES[side][record[0]]}",
                "kind": record[3],
            }
        )
        for number, record in enumerate(records)
    )
    bench.write({"rows.jsonl": "\n".join(lines) + "\n"})
    bench.commit()


def outcome(bench: Bench, recipe: str) -> dict[str, Any]:
    """Return what comes of a recipe and leaves the store, without what may differ."""
    try:
        result = bench.filter(recipe)
    except EmptyResultError as error:
        return error.to_json()
    found: dict[str, Any] = {
        "counts": {part: dict(counts) for part, counts in result.counts.items()},
        "dropped": dict(result.dropped),
        "changed": dict(result.changed),
    }
    for part, manifest in result.manifests.items():
        found[f"decisions {part}"] = decisions_of(bench, manifest)
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "delivery"
            issue_delivery(
                bench.context,
                manifest,
                folder,
                offer=Offer.of_words(("train",)),
                valid_for=timedelta(days=365),
            )
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    name = f"{part}/{file.relative_to(folder)}"
                    found[name] = without_what_may_differ(bench, name, file.read_bytes())
    return found


_MAY_DIFFER = frozenset({"proof", "roots", "recordsRoot"})
_RANDOM = re.compile(r"urn:uuid:[0-9a-f-]{36}")
_HEX = re.compile(r"[0-9a-f]{64}")


def without_what_may_differ(bench: Bench, name: str, data: bytes) -> Any:
    """Return a file with ids of logged objects, salted tables, salts and signatures left out."""
    if name.endswith((".tlog-proof", "log.leaves", "log.consistency.json", ".salts")):
        return len(data)
    logged = {entry.id for entry in bench.repo.entries() if entry.type != "transaction"}
    salted = {
        attachment.id
        for _, manifest in bench.repo.all_manifests()
        for role in ("decisions", "salts")
        for attachment in manifest.attachments_in(role)
    }
    text = _RANDOM.sub("urn:uuid:-", data.decode())
    for identity in logged | salted:
        text = text.replace(identity.hex, "-" * 64)
        if identity in logged:
            sha = hashlib.sha256(bench.repo.blobs.read(identity, max_bytes=1 << 20)).digest()
            text = text.replace("u" + urlsafe_b64encode(b"\x12 " + sha).decode().rstrip("="), "-")
    if not name.endswith(".json"):
        return text
    return _without(json.loads(text))


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without(v) for k, v in value.items() if k not in _MAY_DIFFER}
    if isinstance(value, list):
        return [_without(one) for one in value]
    return value


def compare(records: Sequence[Record], write: Any, recipe: str) -> None:
    """Check that two sources that differ in redacted values come out equal."""
    found: list[dict[str, Any]] = []
    for side in (0, 1):
        with tempfile.TemporaryDirectory() as place:
            bench = bench_at(Path(place))
            write(bench, records, side)
            found.append(outcome(bench, recipe))
            kept = json.dumps(found[-1], default=str)
            for values in (NAMES, NUMBERS, MAILS, DATES):
                assert not [one for one in values[side] if one in kept]
            sources = set(source_digests(bench))
            assert not sources.intersection(_HEX.findall(kept))
    assert found[0] == found[1]


def source_digests(bench: Bench) -> Iterator[str]:
    """Yield what names the source's bytes: tree, files, sheet."""
    for _, manifest in bench.repo.all_manifests():
        if manifest.name == "datasets/acme/docs":
            assert manifest.tree is not None
            assert manifest.files is not None
            yield manifest.tree.hex
            yield manifest.files.hex
            for entry in bench.repo.tree(manifest).entries:
                yield entry.blake3.hex
            if "metadata" in manifest.body:
                yield Digest.parse(manifest.body["metadata"]["sheetDigest"]).hex


CASES = {
    "documents": (write_documents, DOCUMENTS),
    "chunked-first": (write_documents, CHUNKED_FIRST),
    "documents-stay": (write_documents, STAY),
    "rows": (write_rows, ROWS),
}


@pytest.mark.parametrize("case", CASES)
@given(records=RECORDS)
@settings(max_examples=5)
def test_nothing_redistributed_depends_on_what_was_removed(
    case: str, records: list[Record]
) -> None:
    write, recipe = CASES[case]
    compare(records, write, recipe)
