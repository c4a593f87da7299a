"""The published vectors of chapters 7 and 8: unchanged, and as they say."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, KeyMaterialError, VerificationError
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import Leaf, TlogProof, open_checkpoint
from lyrikstore.history.log.entries import leaves_of
from lyrikstore.history.log.note import VerifierKey, open_note
from lyrikstore.history.log.tiles import entries_path, new_files, tile_path
from lyrikstore.history.manifests.manifest import parse_manifest
from lyrikstore.history.policy.policy import Policy, matches
from lyrikstore.history.repository.clock_floor import Dated, floors_of
from lyrikstore.history.repository.refs import RefTable
from lyrikstore.objects.store.transactions import parse_transaction

VECTORS = Path(__file__).parents[2] / "spec" / "vectors"


def load(name):
    return json.loads((VECTORS / name).read_bytes())


def test_notes():
    vectors = load("notes/notes.json")
    key = VerifierKey.parse(vectors["vkey"])
    for case in vectors["good"]:
        assert open_note(case["note"].encode(), [key]).text == case["text"], case["id"]
    for case in vectors["bad"]:
        with pytest.raises((FormatError, VerificationError)):
            open_note(case["note"].encode(), [key])


def test_logs():
    vectors = load("log/log.json")
    for case in vectors["leaves"]:
        leaf = Leaf.parse(case["entry"].encode())
        assert (leaf.type, str(leaf.id)) == (case["type"], case["id"])
        assert leaf.hash.hex() == case["hash"]
    for case in vectors["paths"]:
        assert tile_path(case["level"], case["index"], case["width"]) == case["tile"]
        assert entries_path(case["index"], case["width"]) == case["entries"]
    record = vectors["transaction"]["record"].encode()
    leaves = leaves_of(parse_transaction(record, 3), Digest.of(record))
    assert [leaf.encode().decode() for leaf in leaves] == vectors["transaction"]["entries"]
    key = VerifierKey.parse(load("notes/notes.json")["vkey"])
    types = ("manifest", "credential", "transaction")
    for case in vectors["logs"]:
        entries = [
            Leaf(types[n % 3], Digest.of(str(n).encode())).encode() for n in range(case["size"])
        ]
        hashes = [merkle.leaf_hash(entry) for entry in entries]
        signed = open_checkpoint(case["checkpoint"].encode(), [key])
        assert (signed.size, signed.root) == (case["size"], merkle.root(hashes))
        files = {path: sha256(data).hexdigest() for path, data in new_files(entries, hashes, 0)}
        assert files == case["files"]


def test_proofs():
    vectors = load("tlog-proof/proofs.json")
    keys = [VerifierKey.parse(vectors["vkey"])]
    for case in vectors["good"]:
        proof = TlogProof.parse(case["proof"].encode())
        proof.verify(Leaf.parse(case["entry"].encode()), keys)
    for case in vectors["bad"]:
        leaf = Leaf.parse(case["entry"].encode())
        with pytest.raises((FormatError, VerificationError)):
            TlogProof.parse(case["proof"].encode()).verify(leaf, keys)


def test_refs():
    vectors = load("refs/refs.json")
    for case in vectors["cases"]:
        table = RefTable()
        table.apply(0, parse_manifest(vectors["genesis"].encode()))
        for index, text in enumerate(case["manifests"], 1):
            try:
                manifest = parse_manifest(text.encode())
            except (FormatError, KeyMaterialError, VerificationError):
                table.flag(index, Digest.of(text.encode()), "invalid")
            else:
                table.apply(index, manifest)
        refs = {name: list(map(str, state.history)) for name, state in table.refs.items()}
        assert refs == case["refs"], case["id"]
        flagged = [(item.index, str(item.id), item.reason) for item in table.flagged]
        assert flagged == [tuple(item.values()) for item in case["flagged"]], case["id"]


def test_floors():
    vectors = load("refs/floors.json")
    dates = [
        Dated(one["index"], one["key"], parse_timestamp(one["at"])) for one in vectors["dates"]
    ]
    for case in vectors["cases"]:
        policies = [(one["index"], Policy.parse(one["policy"])) for one in case["policies"]]
        for index, floor in enumerate(case["floors"], 1):
            assert floors_of(dates, policies).at(index) == parse_timestamp(floor), (
                case["id"],
                index,
            )


def test_patterns():
    for case in load("refs/patterns.json")["cases"]:
        assert matches(case["pattern"], case["name"]) is case["matches"]
