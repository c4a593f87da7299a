"""Publisher and buyer, with the real command line and real texts."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import openpyxl
import pytest

from lyrikstore.canon.digest import Digest

RECIPE = """
recipe = 1

[[step]]
use = "drop-empty/1"

[[step]]
use = "drop-duplicates/1"

[[step]]
use = "redact/1"
patterns = ["email", "url", "phone", "copyright"]
columns = ["homepage"]
"""

NAME = "acme/licences"
CLEAN = "acme/licences-clean"


@pytest.fixture
def published(publisher, corpus):
    """Return a publisher who has committed, filtered and issued, and the delivery folder."""
    documents, sheet = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME, "--metadata", sheet, "--licence", "CC-BY-4.0")
    (publisher.folder / "clean.toml").write_text(RECIPE)
    publisher.ok("filter", NAME, "--recipe", "clean.toml", "--as", CLEAN)
    publisher.ok(
        "issue", CLEAN, "-o", "delivery", "--permit", "train,evaluate", "--valid-for", "365d"
    )
    return publisher


@pytest.fixture
def buyer(published, new_person):
    """Return a buyer who holds a copy of the delivery and nothing else."""
    person = new_person("buyer")
    shutil.copytree(published.folder / "delivery", person.folder / "delivery")
    person.folder = person.folder / "delivery"
    return person


@pytest.fixture
def did(published) -> str:
    return published.ok("key", "show", "--json").json["keys"][0]["did"]


def verify(person, *more):
    return person.run("verify", "credential.json", "--data", "data", "--json", *more)


def test_a_buyer_gets_each_verdict_for_its_own_reason(buyer, did) -> None:
    result = verify(buyer)
    assert (result.code, result.json["verdict"]) == (4, "valid")
    buyer.ok("trust", "add", did, "--name", "Acme", "--names", "datasets/acme/*")
    result = verify(buyer)
    assert (result.code, result.json["verdict"]) == (0, "trusted"), result.out
    assert result.json["notProven"]
    for one in result.json["checks"]:
        wanted = {"pass", "n/a"}
        if one["id"] in {"terms", "age", "regulatory", "quality.stated"}:
            wanted = {"stated", "n/a"}
        assert one["state"] in wanted, one
    # What is only stated is named with the verdict, and comes after all that was looked at.
    lines = buyer.run("verify", "credential.json", "--data", "data").out.splitlines()
    assert lines[-1].partition(";")[0] == "TRUSTED"
    assert " age" in lines[-1]
    checks = [line[1] for line in lines if line[:1] == " "]
    said = [mark == "»" for mark in checks if mark in "✓»"]
    assert sum(said) >= 2
    assert said == sorted(said)

    late = verify(buyer, "--at", "2031-01-01T00:00:00Z")
    assert late.code == 3
    assert late.check("period")["detail"]["reason"] == "expired"
    early = verify(buyer, "--at", "2020-01-01T00:00:00Z")
    assert early.code == 3
    assert "not" in early.check("period")["summary"]


def test_trust_in_another_name_is_no_trust(buyer, did) -> None:
    buyer.ok("trust", "add", did, "--name", "Acme", "--names", "datasets/other/*")
    assert verify(buyer).code == 4


def test_each_kind_of_damage_names_the_file(buyer, did) -> None:
    buyer.ok("trust", "add", did, "--name", "Acme")
    data = buyer.folder / "data"
    first, second, third = sorted(data.iterdir())[:3]
    original = first.read_bytes()

    first.write_bytes(bytes([original[0] ^ 1]) + original[1:])
    result = verify(buyer)
    assert result.code == 3
    assert first.name in json.dumps(result.check("data.files"))
    first.unlink()
    result = verify(buyer)
    assert (result.code, result.json["verdict"]) == (5, "incomplete")
    assert first.name in json.dumps(result.check("data.files"))
    first.write_bytes(original)

    (data / "extra.txt").write_text("extra")
    result = verify(buyer)
    assert result.code == 3
    assert "extra.txt" in json.dumps(result.check("data.files"))
    (data / "extra.txt").unlink()

    second_bytes, third_bytes = second.read_bytes(), third.read_bytes()
    second.write_bytes(third_bytes)
    third.write_bytes(second_bytes)
    result = verify(buyer)
    assert result.code == 3
    assert second.name in json.dumps(result.check("data.files"))
    assert third.name in json.dumps(result.check("data.files"))
    second.write_bytes(second_bytes)
    third.write_bytes(third_bytes)

    second.rename(data / "renamed.txt")
    result = verify(buyer)
    assert result.code == 3
    assert "renamed.txt" in json.dumps(result.check("data.files"))
    (data / "renamed.txt").rename(second)
    assert verify(buyer).code == 0


def test_an_edited_claim_and_a_foreign_key_are_invalid(buyer, did) -> None:
    buyer.ok("trust", "add", did, "--name", "Acme")
    path = buyer.folder / "credential.json"
    credential = json.loads(path.read_bytes())
    path.write_text(json.dumps({**credential, "validUntil": "2099-01-01T00:00:00Z"}))
    result = verify(buyer)
    assert result.code == 3
    assert result.check("proof")["state"] == "fail"

    stranger = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
    issuer = (
        {**credential["issuer"], "id": stranger}
        if isinstance(credential["issuer"], dict)
        else stranger
    )
    path.write_text(json.dumps({**credential, "issuer": issuer}))
    assert verify(buyer).code == 3


def test_a_self_made_key_is_never_trusted(published, new_person, corpus, did) -> None:
    mallory = new_person("mallory")
    mallory.ok("key", "new", "--no-passphrase")
    mallory.ok("init")
    documents, _ = corpus.write(mallory.folder)
    mallory.ok("commit", documents, "-d", NAME)
    mallory.ok("issue", NAME, "-o", "delivery", "--permit", "train")
    victim = new_person("victim")
    victim.ok("trust", "add", did, "--name", "Acme")
    shutil.copytree(mallory.folder / "delivery", victim.folder / "delivery")
    result = victim.run(
        "verify", "credential.json", "--data", "data", "--json", cwd=victim.folder / "delivery"
    )
    assert (result.code, result.json["verdict"]) == (4, "valid")


def test_any_flipped_byte_of_the_delivered_documents_is_noticed(buyer, did) -> None:
    buyer.ok("trust", "add", did, "--name", "Acme")
    for name in (
        "manifest.json",
        "genesis.json",
        "log.tlog-proof",
        "tree.jsonl",
        "records.json",
        "records.salts",
    ):
        path = buyer.folder / name
        original = path.read_bytes()
        at = int(hashlib.sha256(name.encode()).hexdigest(), 16) % len(original)
        path.write_bytes(original[:at] + bytes([original[at] ^ 0x01]) + original[at + 1 :])
        result = verify(buyer)
        assert result.code in {3, 5}, f"{name} byte {at}: {result.out}"
        path.write_bytes(original)
    assert verify(buyer).code == 0


def test_a_repeated_commit_logs_nothing(published, corpus) -> None:
    before = published.ok("log", "--audit", "--json").json
    again = published.ok(
        "commit",
        "documents",
        "-d",
        NAME,
        "--metadata",
        "sheet.csv",
        "--licence",
        "CC-BY-4.0",
        "--json",
    )
    assert again.json["changed"] is False
    assert published.ok("log", "--audit", "--json").json == before


def test_one_table_one_tree_whatever_the_surroundings(
    publisher, corpus, new_person: Callable
) -> None:
    """File order, mtimes, TZ, umask, locale, CSV or XLSX: one tree id. One character: another."""
    documents, sheet = corpus.write(publisher.folder)
    workbook = openpyxl.Workbook()
    page = workbook.active
    page.append(list(corpus.columns))
    for row in corpus.rows:
        page.append([row[column] or None for column in corpus.columns])
    workbook.save(publisher.folder / "sheet.xlsx")
    first = publisher.ok("commit", documents, "-d", NAME, "--metadata", sheet, "--json").json[
        "tree"
    ]
    same = publisher.ok(
        "commit", documents, "-d", "acme/xlsx", "--metadata", "sheet.xlsx", "--json"
    )
    assert same.json["tree"] == first

    other = new_person("other")
    other.environment = {"TZ": "Asia/Kathmandu", "LANG": "C", "LC_ALL": "C"}
    other.ok("key", "new", "--no-passphrase")
    other.ok("init")
    copies = other.folder / "copies"
    copies.mkdir()
    old_umask = os.umask(0o077)
    try:
        for number, (path, text) in enumerate(reversed(corpus.texts.items())):
            (copies / path).write_bytes(text)
            os.utime(copies / path, (1_000_000 + number, 1_000_000 - number))
    finally:
        os.umask(old_umask)
    third = other.ok("commit", copies, "-d", NAME, "--metadata", sheet, "--json").json["tree"]
    assert third == first
    victim = copies / next(iter(corpus.texts))
    victim.write_bytes(victim.read_bytes().replace(b"e", b"f", 1))
    fourth = other.ok("commit", copies, "-d", NAME, "--metadata", sheet, "--json").json["tree"]
    assert fourth != first


def test_counts_reconcile_and_every_record_has_a_reason(published) -> None:
    answer = published.ok(
        "query", "select action, count(*) from decisions group by all order by all", "--json"
    ).json["rows"]
    counts = dict(answer)
    shown = published.ok("show", CLEAN, "--json").json["manifest"]["body"]
    derivation = shown["derivation"]["counts"]
    assert derivation["in"] == derivation["kept"] + derivation["dropped"]
    assert counts.get("dropped", 0) == derivation["dropped"]
    assert shown["records"] == derivation["kept"]


def test_the_index_can_be_deleted(published) -> None:
    question = "select name, kind, count(*) from manifests group by all order by all"
    first = published.ok("query", question, "--json").json["rows"]
    index = Path(published.ok("maintain", "index", "--json").json["path"])
    for path in index.parent.glob(f"{index.name}*"):
        path.unlink()
    assert published.ok("query", question, "--json").json["rows"] == first
    assert index.is_file()


def test_no_index_in_the_store_is_read(published) -> None:
    # Whoever can write to the store can write an index, and a stamp that fits it.
    question = "select count(*) from decisions"
    first = published.ok("query", question, "--json").json["rows"]
    index = Path(published.ok("maintain", "index", "--json").json["path"])
    forged = published.folder / ".lyrikstore" / "cache"
    assert not index.is_relative_to(published.folder / ".lyrikstore")
    forged.mkdir(exist_ok=True)
    for path in index.parent.glob(f"{index.name}*"):
        shutil.copy(path, forged / path.name.replace(index.stem, "index"))
    with duckdb.connect(str(forged / "index.duckdb")) as connection:
        connection.execute("DELETE FROM facts.decisions")
    stamp = forged / "index.duckdb.json"
    members = json.loads(stamp.read_bytes())
    members["database"] = str(Digest.of_file(forged / "index.duckdb"))
    stamp.write_text(json.dumps(members, sort_keys=True, separators=(",", ":")))
    assert published.ok("query", question, "--json").json["rows"] == first


def test_verify_of_the_store_is_trusted_and_notices_every_kind_of_damage(
    published, tmp_path
) -> None:
    assert published.ok("verify", "--json").json["verdict"] == "trusted"
    store = published.folder / ".lyrikstore"
    pack = max(store.glob("packs/*/*"), key=lambda p: p.stat().st_size)
    original = pack.read_bytes()
    middle = len(original) // 2
    pack.chmod(0o644)
    pack.write_bytes(original[:middle] + bytes([original[middle] ^ 1]) + original[middle + 1 :])
    assert published.run("verify").code == 3
    pack.write_bytes(original)
    assert published.run("verify").code == 0
    pack.rename(tmp_path / "pack")
    assert published.run("verify").code in {3, 5}


def test_the_module_runs_from_anywhere(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "lyrikstore_cli", "--version"], cwd=tmp_path, check=True)
