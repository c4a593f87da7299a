"""The specification is enough: a script without our code accepts good stores and no others."""

import ast
import json
import random
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.publisher import Publisher
from lyrikstore.history.commit.transaction import create_repository, open_transaction
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import LogCheckpoint
from lyrikstore.history.log.entries import read_records
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.manifests.manifest import Input, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.store.blobs import BlobStore
from lyrikstore.objects.store.transactions import LogItem, Transaction, TransactionLog

SCRIPT = Path(__file__).with_name("read_store.py")
OWNER, LOG, OTHER = (KeySigner(PrivateKey.from_seed(bytes([n]) * 32)) for n in (1, 2, 3))
ORIGIN = "example.org/archive"
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
BODY = {
    "reader": "document/1",
    "records": 2,
    "bytes": 5,
    "fileCount": 2,
    "origin": "committed",
    "descriptor": {"jurisdiction": {"state": "unknown", "reason": "größe ≠ \U0001d518\u2028"}},
    "ignored": 0,
}


def check(store, *arguments):
    return subprocess.run(
        [sys.executable, "-I", SCRIPT, store, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )


def dataset(tx, store_id, files, name="datasets/acme/texts", signer=OWNER, **changes):
    tree = Tree.of(
        TreeEntry(path, len(data), tx.writer.put_bytes(data), meta)
        for path, (data, meta) in files.items()
    )
    tx.writer.put_bytes(tree.encode())
    options = {"body": BODY, "tree": tree.id, "files": tree.files_id}
    return sign_manifest(
        kind="dataset", store=store_id, name=name, signer=signer, created=NOW, **(options | changes)
    )


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    base = tmp_path_factory.mktemp("good")
    memory = LogMemory(base / "memory")
    root = base / "store"
    repo = create_repository(
        root,
        origin=ORIGIN,
        signer=OWNER,
        log_signer=LOG,
        clock=lambda: NOW,
        memory=memory,
        nonce=b"\x09" * 16,
    )
    noise = random.Random(7).randbytes(3 << 20)
    files = {
        "a.txt": (b"hello", {"title": "Ärger \u2028 \U0001d518", "year": "2026"}),
        "deep/large.bin": (noise, None),
        "empty": (b"", None),
    }
    with open_transaction(repo) as tx:
        one = dataset(tx, repo.store_id, files)
        tx.log_manifest(one)
        tx.commit()
    with open_transaction(repo) as tx:
        files["deep/large.bin"] = (noise[:1000] + b"changed" + noise[1000:], None)
        tx.log_manifest(dataset(tx, repo.store_id, files, parents=(one.id,)))
        made_by = sign_manifest(
            kind="filter",
            store=repo.store_id,
            name="filters/acme/clean",
            body={"recipe": {}, "steps": [{"use": "empty/1"}], "reads": [], "engine": "builtin/1"},
            signer=OWNER,
            created=NOW,
        )
        tx.log_manifest(made_by)
        inputs = (Input("source", "dataset", one.id), Input("filter", "filter", made_by.id))
        body = BODY | {"origin": "filtered"}
        tx.log_manifest(
            dataset(tx, repo.store_id, files, "datasets/acme/clean", inputs=inputs, body=body)
        )
        for number in range(600):
            tx.log_credential(json.dumps({"number": number}).encode())
        tx.commit()
    return root


@pytest.fixture
def store(good, tmp_path):
    copy = tmp_path / "store"
    shutil.copytree(good, copy)
    for path in copy.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
    return copy


def test_the_script_stands_alone():
    text = SCRIPT.read_text()
    assert len(text.splitlines()) <= 150
    modules = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            modules.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            modules.add(node.module.split(".")[0])
    assert modules - sys.stdlib_module_names == {"blake3", "zstandard", "nacl"}


def test_a_good_store(good):
    store_id = str(Repository.open(good).store_id)
    for arguments in ((), (store_id,)):
        result = check(good, *arguments)
        assert result.returncode == 0, result.stderr
        assert "good" in result.stdout
    assert check(good, "blake3:" + "0" * 64).returncode != 0


def test_a_slot_that_is_won_but_not_published_is_ignored(store):
    backend = LocalBackend(store)
    log = TransactionLog(backend)
    assert log.append(Transaction(log.count(), (LogItem("credential", Digest(b"\1" * 32)),)))
    result = check(store)
    assert result.returncode == 0, result.stderr


def flip(path, position):
    data = bytearray(path.read_bytes())
    data[position % len(data)] ^= 1
    path.write_bytes(data)


def packs_of(store):
    return sorted((store / "packs").rglob("*.pack"), key=lambda path: path.stat().st_size)


def republish(store, signer=LOG):
    """Rewrite log files and log checkpoint: what a thief of a log key can do."""
    shutil.rmtree(store / "log")
    publisher = Publisher(LocalBackend(store), store, VerifierKey(ORIGIN, LOG.public), signer, None)
    publisher.publish(read_records(LocalBackend(store)), None)


def append(store, data, *, blobs=()):
    """Log bytes as a manifest, with the log key, whatever they are."""
    backend = LocalBackend(store)
    log = TransactionLog(backend)
    with BlobStore(backend, ()).writer() as writer:
        for blob in (data, *blobs):
            writer.put_bytes(blob)
        changes = writer.finish()
    item = LogItem("manifest", Digest.of(data))
    log.append(Transaction(log.count(), (item,), changes.added, (), changes.chunk_lists))
    republish(store)


def forged(store, change, *, sign=True):
    """Log the newest dataset again, changed; signed by its author, or with the old signature."""
    repo = Repository.open(store)
    made = repo.resolve("datasets/acme/clean")
    document = json.loads(made.encode())
    change(document)
    if sign:
        from lyrikstore.canon.json import encode
        from lyrikstore.crypto.proofs.eddsa_jcs import add_proof

        del document["proof"]
        data = encode(add_proof(document, OWNER))
    else:
        data = json.dumps(
            document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()
    append(store, data)


def flipped_blob(store):
    flip(packs_of(store)[-1], 5000)


def lost_pack(store):
    packs_of(store)[0].unlink()


def pack_with_a_tail(store):
    with packs_of(store)[0].open("ab") as file:
        file.write(b"x")


def edited_record(store):
    path = store / "tx" / f"{1:020d}"
    path.write_bytes(path.read_bytes().replace(b'"drop":[]', b'"drop": []'))


def lost_record(store):
    (store / "tx" / f"{1:020d}").unlink()


def swapped_entries(store):
    path = store / "tx" / f"{2:020d}"
    record = json.loads(path.read_bytes())
    record["log"][3], record["log"][4] = record["log"][4], record["log"][3]
    path.write_bytes(json.dumps(record, sort_keys=True, separators=(",", ":")).encode())


def changed_tile(store):
    flip(store / "log" / "tile" / "0" / "001", 77)


def changed_upper_tile(store):
    flip(store / "log" / "tile" / "1" / "000.p" / "2", 7)


def changed_bundle(store):
    flip(store / "log" / "tile" / "entries" / "000", 77)


def lost_bundle(store):
    (store / "log" / "tile" / "entries" / "001").unlink()


def edited_checkpoint(store):
    path = store / "log" / "checkpoint"
    text = path.read_text()
    size = text.split("\n")[1]
    path.write_text(text.replace(f"\n{size}\n", f"\n{int(size) - 1}\n", 1))


def forged_signature(store):
    flip(store / "log" / "checkpoint", -20)


def foreign_log_key(store):
    records = read_records(LocalBackend(store))
    head = LogCheckpoint(ORIGIN, len(records.hashes), merkle.root(records.hashes))
    (store / "log" / "checkpoint").write_bytes(head.sign(OTHER))


def edited_claim(store):
    forged(store, lambda document: document.update(message="edited"), sign=False)


def another_author(store):
    forged(store, lambda document: document.update(author=OTHER.did))


def foreign_store(store):
    forged(store, lambda document: document.update(store="blake3:" + "0" * 64))


def unlogged_input(store):
    forged(store, lambda document: document["inputs"][0].update(id="blake3:" + "0" * 64))


def input_of_another_kind(store):
    forged(store, lambda document: document["inputs"][0].update(kind="filter"))


def lost_tree(store):
    forged(store, lambda document: document.update(tree="blake3:" + "0" * 64))


def other_files(store):
    forged(store, lambda document: document.update(files="blake3:" + "0" * 64))


def newer_format(store):
    (store / "format").write_text("lyrikstore 2\n")


TAMPERINGS = [
    flipped_blob,
    lost_pack,
    pack_with_a_tail,
    edited_record,
    lost_record,
    swapped_entries,
    changed_tile,
    changed_upper_tile,
    changed_bundle,
    lost_bundle,
    edited_checkpoint,
    forged_signature,
    foreign_log_key,
    edited_claim,
    another_author,
    foreign_store,
    unlogged_input,
    input_of_another_kind,
    lost_tree,
    other_files,
    newer_format,
]


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda function: function.__name__)
def test_tampered_copies(store, tamper):
    tamper(store)
    result = check(store)
    assert result.returncode != 0, result.stdout
    assert "good" not in result.stdout


def test_a_sound_addition_by_the_same_means_is_accepted(store):
    # So that the forgeries above fail for their own reasons.
    forged(store, lambda document: document.update(message="a second look"))
    result = check(store)
    assert result.returncode == 0, result.stderr
