"""What is remembered of refs changes nothing but time, and is never believed of another log."""

import json
import os
import shutil
from pathlib import Path

import pytest
from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.log.merkle import leaf_hash
from lyrikstore.history.manifests.manifest import parse_manifest
from lyrikstore.history.repository import ref_cache
from lyrikstore.history.repository.ref_cache import WORTH, Recalled, RefCache
from lyrikstore.history.repository.refs import RefTable
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.store import verify_store, verify_store_at
from tests.contexts import context_of

VECTORS = Path(__file__).parents[3] / "spec" / "vectors" / "refs" / "refs.json"
NAME = "datasets/acme/texts"


def apply(table, index, text):
    try:
        manifest = parse_manifest(text)
    except LyrikstoreError:
        table.flag(index, Digest.of(text), "invalid")
    else:
        table.apply(index, manifest)


def seen(table):
    histories = {name: state.history for name, state in table.refs.items()}
    return table.refs, histories, table.flagged, table.policies, table.policy, table.store


def test_refs_go_on_from_what_is_remembered_as_if_all_had_been_read(tmp_path):
    """Every case of the vectors, compromises among them, remembered at every index."""
    vectors = json.loads(VECTORS.read_bytes())
    cases = 0
    for case in vectors["cases"]:
        texts = [text.encode() for text in (vectors["genesis"], *case["manifests"])]
        hashes = [leaf_hash(text) for text in texts]
        whole = RefTable()
        for index, text in enumerate(texts):
            apply(whole, index, text)
        for cut in range(1, len(texts) + 1):
            before = RefTable()
            for index, text in enumerate(texts[:cut]):
                apply(before, index, text)
            cache = RefCache(tmp_path / "cache")
            cache.save(hashes[:cut], before.steps)
            size, steps = cache.load(hashes)
            assert size == cut, case["id"]
            after = RefTable.after(steps)
            for index, text in enumerate(texts[cut:], cut):
                apply(after, index, text)
            assert seen(after) == seen(whole), (case["id"], cut)
            cases += 1
    assert cases > 100


@pytest.fixture
def long(shelf):
    """A store with a longer history than is worth being remembered, and its refs."""
    with open_transaction(shelf.repo) as tx:
        parents = ()
        for number in range(WORTH):
            manifest = shelf.manifest(tx, parents=parents, message=str(number))
            tx.log_manifest(manifest)
            parents = (manifest.id,)
        tx.commit()
    return shelf


def remembered(tmp_path):
    (path,) = (tmp_path / "cache").rglob("refs")
    return path


def test_a_store_remembers_what_its_refs_follow_from(long, tmp_path):
    repo = Repository.open(long.root, cache_dir=tmp_path / "cache")
    assert repo.refs == long.again().refs
    path = remembered(tmp_path)
    assert path.parent.name == repo.store_id.short
    assert path.stat().st_size < 600 * WORTH
    long.commit(content={"b.txt": b"new"})
    later = Repository.open(long.root, cache_dir=tmp_path / "cache")
    assert later.refs == long.again().refs != repo.refs
    assert later.history(NAME)[-1].message == "0"


def test_little_is_not_worth_it(shelf, tmp_path):
    shelf.commit()
    assert NAME in Repository.open(shelf.root, cache_dir=tmp_path / "cache").refs
    assert not (tmp_path / "cache").exists()


def test_every_byte_of_it_is_checked(long, tmp_path):
    refs = Repository.open(long.root, cache_dir=tmp_path / "cache").refs
    path = remembered(tmp_path)
    data, hashes = path.read_bytes(), long.repo.records.hashes
    cache = RefCache(path.parent)
    assert cache.load(hashes)[0] == len(hashes)
    for at in {*range(0, len(data), 97), len(data) - 1}:
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert cache.load(hashes) == (0, []), at
    for text in (b"", data[:31], data[:32], data[:-1], data + b" "):
        path.write_bytes(text)
        assert cache.load(hashes) == (0, [])
        assert Repository.open(long.root, cache_dir=tmp_path / "cache").refs == refs
        assert cache.load(hashes)[0] == len(hashes)  # made anew
    path.unlink()
    os.mkfifo(path)
    assert cache.load(hashes) == (0, [])


@pytest.mark.parametrize(
    "change", [{"version": "0.0.1"}, {"size": 0}, {"size": "66"}, {"steps": 9}, {"id": ""}]
)
def test_what_does_not_fit_is_no_memory(long, tmp_path, change):
    _ = Repository.open(long.root, cache_dir=tmp_path / "cache").refs
    path = remembered(tmp_path)
    text = json.dumps(json.loads(path.read_bytes()[32:]) | change).encode()
    path.write_bytes(blake3(text).digest() + text)
    assert RefCache(path.parent).load(long.repo.records.hashes) == (0, [])


def test_an_older_or_another_log_is_read_from_its_start(long, tmp_path):
    """ATTACK A30: a store rolled back, or forked, beside what was remembered of it."""
    older, other = tmp_path / "older", tmp_path / "other"
    shutil.copytree(long.root, older)
    long.commit(content={"b.txt": b"new"})
    cache_dir = tmp_path / "cache"
    newest = Repository.open(long.root, cache_dir=cache_dir).refs
    kept = remembered(tmp_path).read_bytes()
    assert Repository.open(older, cache_dir=cache_dir).refs != newest
    shutil.copytree(older, other)
    fork = type(long)(other, type(long.memory)(tmp_path / "another memory"))
    fork.commit(content={"c.txt": b"forked"})
    remembered(tmp_path).write_bytes(kept)
    forked = Repository.open(other, cache_dir=cache_dir).refs
    assert forked == Repository.open(other).refs != newest


def test_what_is_lost_since_moves_nothing_and_is_found_by_verify(long, tmp_path):
    """Which name a lost manifest moved is known to whoever verified it; nobody else is told."""
    refs = Repository.open(long.root, cache_dir=tmp_path / "cache").refs
    old = max((long.root / "packs").rglob("*.pack"), key=lambda path: path.stat().st_size)
    long.commit(content={"b.txt": b"new"})
    old.unlink()
    known = Repository.open(long.root, cache_dir=tmp_path / "cache")
    assert known.refs[NAME].history[1:] == refs[NAME].history
    with pytest.raises(IncompleteError):
        _ = known.manifest(refs[NAME].id)
    with pytest.raises(IncompleteError):
        _ = Repository.open(long.root).refs
    memory = LogMemory(tmp_path / "memory")
    report = verify_store_at(long.root, trust=Trust(()), at=long.now, memory=memory)
    assert report.verdict == "invalid"


def test_verification_believes_no_memory(long, tmp_path):
    """Not even one that is whole: what wrote it may have been another program of the user's."""
    newest = Repository.open(long.root, cache_dir=tmp_path / "cache").refs[NAME]
    path = remembered(tmp_path)
    found = json.loads(path.read_bytes()[32:])
    for column in ("at", "index", "kind", "name", "store", "author", "counts", "body"):
        del found[column][-1]
    found["id"] = found["id"][:-64]
    found["parents"] = found["parents"][:-64]
    found["flagged"] = [[found["steps"] - 1, newest.index, newest.id.hex, "invalid"]]
    text = json.dumps(found).encode()
    path.write_bytes(blake3(text).digest() + text)

    known = Repository.open(long.root, cache_dir=tmp_path / "cache")
    assert known.refs[NAME].id == newest.before.id
    one, other = (context_of(each, clock=lambda: long.now) for each in (known, long.again()))
    assert verify_object(one, newest.id) == verify_object(other, newest.id)
    assert verify_store(one) == verify_store(other)


def test_a_cache_that_cannot_be_written_is_none(long, tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file")
    assert NAME in Repository.open(long.root, cache_dir=tmp_path / "cache").refs
    monkeypatch.setattr(ref_cache, "MAX_BYTES", 1000)
    assert NAME in Repository.open(long.root, cache_dir=tmp_path / "elsewhere").refs
    assert not (tmp_path / "elsewhere").exists()


def test_a_very_long_history_is_neither_copied_nor_walked_by_recursion(shelf, tmp_path):
    genesis = shelf.repo.genesis
    steps, ids = [(0, genesis)], []
    for number in range(1, 20_001):
        ids.append(Digest.of(b"%d" % number))
        parents = tuple(ids[-2:-1])
        mover = Recalled(ids[-1], "dataset", NAME, genesis.id, shelf.owner.did, parents, {})
        steps.append((number, mover))
    hashes = [leaf_hash(b"%d" % number) for number in range(len(steps))]
    cache = RefCache(tmp_path)
    cache.save(hashes, RefTable.after(steps).steps)
    table = RefTable.after(cache.load(hashes)[1])
    assert table.refs == RefTable.after(steps).refs
    assert table.refs[NAME].history == tuple(reversed(ids))
