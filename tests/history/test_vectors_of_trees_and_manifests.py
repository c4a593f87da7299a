"""The vectors of chapters 5, 6 and 9 are what their scripts make, and the code agrees with them."""

import json
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError, VerificationError
from lyrikstore.history.log import merkle
from lyrikstore.history.manifests.manifest import parse_manifest
from lyrikstore.history.records.order_root import order_root, record_id
from lyrikstore.history.trees.tree import Tree, TreeEntry

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"


def cases(name):
    return json.loads((VECTORS / f"{name}.json").read_text("ascii"))["cases"]


def ids(found):
    return [case["id"] for case in found]


@pytest.mark.parametrize("case", cases("trees/good"), ids=lambda case: case["id"])
def test_good_trees(case):
    data = case["tree"].encode()
    tree = Tree.parse(data)
    assert tree.encode() == data
    assert tree.id.hex == case["blake3"]
    assert tree.files_id.hex == case["filesBlake3"]
    assert tree == Tree.of(
        TreeEntry(
            file["path"],
            len(file["content"].encode()),
            Digest.of(file["content"].encode()),
            file["meta"],
        )
        for file in case["files"]
    )


@pytest.mark.parametrize("case", cases("trees/refused"), ids=lambda case: case["id"])
def test_refused_trees(case):
    with pytest.raises(LyrikstoreError) as refused:
        Tree.parse(case["tree"].encode())
    assert refused.value.kind == case["kind"]


@pytest.mark.parametrize("case", cases("manifests/good"), ids=lambda case: case["id"])
def test_good_manifests(case):
    manifest = parse_manifest(case["manifest"].encode())
    assert manifest.kind == case["id"].partition("-")[0]
    assert manifest.id.hex == case["blake3"]


@pytest.mark.parametrize("case", cases("manifests/good-2"), ids=lambda case: case["id"])
def test_good_manifests_of_version_2(case):
    manifest = parse_manifest(case["manifest"].encode())
    assert manifest.kind == case["id"].partition("-")[0]
    assert manifest.id.hex == case["blake3"]
    assert b'"lyrikstore":2' in manifest.encode()


@pytest.mark.parametrize("case", cases("manifests/refused-2"), ids=lambda case: case["id"])
def test_refused_manifests_of_version_2(case):
    with pytest.raises(LyrikstoreError) as refused:
        parse_manifest(case["manifest"].encode())
    assert refused.value.kind == case["kind"]


@pytest.mark.parametrize("case", cases("manifests/refused"), ids=lambda case: case["id"])
def test_refused_manifests(case):
    with pytest.raises(LyrikstoreError):
        parse_manifest(case["manifest"].encode())


def test_record_ids():
    for case in cases("records/ids"):
        found = record_id(case["reader"], bytes.fromhex(case["record"]))
        assert found.hex == case["recordId"], case["id"]


def test_order_roots():
    for case in cases("records/order-roots"):
        records = [Digest.parse_hex(text) for text in case["records"]]
        assert order_root(records, bytes.fromhex(case["salts"])).root == case["root"]


def test_merkle_roots():
    for case in cases("merkle/roots"):
        leaves = [merkle.leaf_hash(bytes.fromhex(entry)) for entry in case["entries"]]
        assert merkle.root(leaves).hex() == case["root"]


def holds(call):
    try:
        call()
    except VerificationError:
        return False
    return True


def test_merkle_proofs():
    for case in cases("merkle/inclusion"):
        leaf = merkle.leaf_hash(bytes.fromhex(case["entry"]))
        proof = [bytes.fromhex(item) for item in case["proof"]]
        top = bytes.fromhex(case["root"])
        arguments = (leaf, case["index"], case["size"], proof, top)
        assert holds(lambda a=arguments: merkle.verify_inclusion(*a)) == case["valid"], case["id"]
    for case in cases("merkle/consistency"):
        proof = [bytes.fromhex(item) for item in case["proof"]]
        tops = [bytes.fromhex(case["oldRoot"]), bytes.fromhex(case["root"])]
        arguments = (case["oldSize"], case["size"], proof, *tops)
        assert holds(lambda a=arguments: merkle.verify_consistency(*a)) == case["valid"], case["id"]
