"""gc: what every version needs stays, whoever commits, crashes or damages; the rest goes."""

import random
from datetime import timedelta

import pytest

from lyrikstore.canon.errors import (
    ConflictError,
    IncompleteError,
    InvalidInputError,
    LyrikstoreError,
)
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.transaction import open_transaction, recover
from lyrikstore.history.gc import gc as liveness
from lyrikstore.history.gc.gc import collect
from lyrikstore.history.gc.retention import plan_retirement, retire
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Input, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree, retired_versions
from lyrikstore.history.sync.pull import clone, pull
from lyrikstore.history.sync.push import Remote, push
from lyrikstore.objects.check.checker import verify_blobs
from lyrikstore.objects.gc import plan as gc_module
from lyrikstore.testing.backends import CrashError, FaultyBackend
from tests.kinds import refused

NAME = "datasets/acme/texts"
BIG = random.Random(1).randbytes(3_000_000)
TEXT = b"".join(random.Random(2).randbytes(40).hex().encode() + b"\n" for _ in range(40_000))


def run(shelf, repo=None, *, days=0, **options):
    repo = repo or shelf.repo
    return collect(
        repo,
        clock=lambda: shelf.now + timedelta(days=days),
        signer=shelf.owner,
        **options,
    )


def read_all(repo, manifest):
    return {
        entry.path: repo.blobs.read(entry.blake3, max_bytes=1 << 30)
        for entry in repo.tree(manifest).entries
    }


def sound(repo):
    assert not [check for check in verify_blobs(repo.blobs) if check.problem]
    assert repo.check_tiles() == []


def test_nothing_to_do(shelf):
    shelf.commit()
    before = shelf.repo.checkpoint.size
    found = run(shelf)
    assert (found.seq, found.repacked.dropped, found.swept.waiting) == (None, (), {})
    assert shelf.again().checkpoint.size == before


def test_small_packs_are_joined_and_deleted_after_the_grace(shelf):
    contents = [{"a.txt": b"%d" % n, "b.txt": b"always the same"} for n in range(12)]
    versions = [shelf.commit(content=content) for content in contents]
    packs = set(shelf.repo.live.packs)
    preview = run(shelf, dry_run=True)
    found = run(shelf)
    assert preview.repacked == found.repacked
    assert preview.seq is None
    assert set(found.repacked.dropped) == packs
    assert len(found.repacked.added) <= 2
    repo = shelf.again()
    assert set(repo.live.packs) == set(found.repacked.added)
    for manifest, content in zip(versions, contents, strict=True):
        assert read_all(repo, manifest) == content
    sound(repo)
    assert set(found.swept.waiting) == {pack.name for pack in packs}
    for days in (6, 12):
        assert run(shelf, days=days).swept.deleted == ()
    assert set(run(shelf, days=14).swept.deleted) == {pack.name for pack in packs}
    repo = shelf.again()
    sound(repo)
    assert sorted(repo.backend.list("packs/")) == sorted(pack.name for pack in repo.live.packs)
    for manifest, content in zip(versions, contents, strict=True):
        assert read_all(repo, manifest) == content


def test_retention_frees_the_data_of_old_versions_only(shelf):
    shared = b"shared" * 10
    contents = [
        {"a": b"one" + BIG, "s": shared},
        {"a": b"two" + TEXT, "s": shared},
        {"a": BIG[:2_000_000], "s": shared},
    ]
    versions = [shelf.commit(content=content) for content in contents]
    with refused("bad-keep"):
        plan_retirement(shelf.repo, NAME, 0)
    with pytest.raises(InvalidInputError):
        plan_retirement(shelf.repo, "runs/acme/texts", 1)
    preview = run(shelf, keep=(NAME, 1), dry_run=True)
    assert retired_versions(shelf.repo) == frozenset()
    found = run(shelf, keep=(NAME, 1))
    assert [one.id for one in found.retirement.versions] == [versions[1].id, versions[0].id]
    assert found.retention.body == {"of": NAME, "keep": 1}
    # The retention itself is one small pack more than the preview saw.
    assert set(preview.repacked.dropped) <= set(found.repacked.dropped)
    repo = shelf.again()
    assert retired_versions(repo) == {versions[0].id, versions[1].id}
    assert read_all(repo, versions[2]) == contents[2]
    sound(repo)
    for old in versions[:2]:
        tree = repo.tree(repo.manifest(old.id))
        assert repo.blobs.is_whole(tree.by_path["s"].blake3)
        assert not repo.blobs.is_whole(tree.by_path["a"].blake3)
        with pytest.raises(IncompleteError) as caught:
            present_tree(repo, old)
        assert caught.value.kind == "retired"
    present_tree(repo, versions[2])
    again = run(shelf, keep=(NAME, 1))
    assert (again.retention, again.seq) == (None, None)
    with pytest.raises(InvalidInputError):
        retire(
            shelf.repo,
            again.retirement,
            signer=shelf.owner,
            clock=lambda: shelf.now,
        )
    # The same data again is present, and stays.
    back = shelf.commit(content=contents[1])
    run(shelf)
    assert read_all(shelf.again(), back) == contents[1]


def test_a_retention_counts_for_its_own_name_only(shelf):
    one = shelf.commit(content={"a": b"1"})
    other = shelf.commit("datasets/acme/other", {"a": b"2"})
    with open_transaction(shelf.repo) as tx:
        for name, of, target in (
            ("retentions/acme/texts", "datasets/acme/other", other),  # another name than its own
            ("retentions/acme/other", "datasets/acme/other", one),  # a version of another name
        ):
            tx.log_manifest(
                sign_manifest(
                    kind="retention",
                    store=shelf.repo.store_id,
                    name=name,
                    body={"of": of, "keep": 1},
                    inputs=[Input("dataset", "dataset", target.id)],
                    signer=shelf.owner,
                    created=shelf.now,
                )
            )
        tx.commit()
    assert retired_versions(shelf.repo) == frozenset()


def commit_twice(shelf):
    """Return two versions by writers who did not see each other: BIG is stored twice."""
    second = Repository.open(shelf.root, memory=shelf.memory, log_signer=shelf.log)
    with (
        open_transaction(shelf.repo) as one,
        open_transaction(second) as two,
    ):
        a = shelf.manifest(one, "datasets/acme/a", {"x": BIG})
        b = shelf.manifest(two, "datasets/acme/b", {"x": BIG, "y": b"y"})
        one.log_manifest(a)
        two.log_manifest(b)
        one.commit()
        two.commit()
    shelf.repo.refresh()
    return a, b


def flip(shelf, pack, at):
    path = shelf.root / pack.name
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    shelf.repo = Repository.open(shelf.root, memory=shelf.memory, log_signer=shelf.log)


def test_duplicates_go(shelf):
    a, b = commit_twice(shelf)
    before = sum(pack.bytes for pack in shelf.repo.live.packs)
    found = run(shelf)
    assert len(BIG) <= found.plan.garbage < len(BIG) + 200
    repo = shelf.again()
    assert sum(pack.bytes for pack in repo.live.packs) < before - 2_900_000
    for manifest in (a, b):
        assert read_all(repo, manifest)["x"] == BIG
    sound(repo)


def test_a_commit_that_relied_on_garbage_has_to_run_again(shelf):
    shelf.commit(content={"a": TEXT})
    shelf.commit(content={"a": b"new"})
    other = Repository.open(shelf.root, memory=shelf.memory, log_signer=shelf.log)
    with open_transaction(other) as late:
        manifest = shelf.manifest(late, "datasets/acme/late", {"a": TEXT})
        late.log_manifest(manifest)
        found = run(shelf, keep=(NAME, 1))
        assert found.repacked.dropped
        with pytest.raises(ConflictError) as caught:
            late.commit()
    assert caught.value.kind == "repacked"
    with open_transaction(other) as late:
        manifest = shelf.manifest(late, "datasets/acme/late", {"a": TEXT})
        late.log_manifest(manifest)
        late.commit()
    assert read_all(shelf.again(), manifest) == {"a": TEXT}


def test_a_commit_that_relied_on_moved_blobs_goes_through(shelf):
    for n in range(10):
        shelf.commit(content={"a": TEXT, "n": b"%d" % n})
    other = Repository.open(shelf.root, memory=shelf.memory, log_signer=shelf.log)
    with open_transaction(other) as late:
        manifest = shelf.manifest(late, "datasets/acme/late", {"a": TEXT, "b": b"b"})
        late.log_manifest(manifest)
        assert run(shelf).repacked.dropped
        late.commit()
    assert read_all(shelf.again(), manifest) == {"a": TEXT, "b": b"b"}
    sound(shelf.again())


def test_a_commit_while_gc_copies_is_not_robbed(shelf, monkeypatch):
    shelf.commit(content={"a": TEXT})
    shelf.commit(content={"a": b"new"})
    other = Repository.open(shelf.root, memory=shelf.memory, log_signer=shelf.log)
    made = []
    genuine = liveness.repack

    def meanwhile(*arguments, **options):
        done = genuine(*arguments, **options)
        if not made:
            with open_transaction(other) as tx:
                made.append(shelf.manifest(tx, "datasets/acme/late", {"a": TEXT}))
                tx.log_manifest(made[0])
                tx.commit()
        return done

    monkeypatch.setattr(liveness, "repack", meanwhile)
    run(shelf, keep=(NAME, 1))
    repo = shelf.again()
    assert read_all(repo, made[0]) == {"a": TEXT}
    sound(repo)


def test_a_damaged_pack_is_left_alone(shelf):
    versions = [
        shelf.commit(content={"n": random.Random(n).randbytes(1_500_000)}) for n in range(9)
    ]
    big = [pack for pack in shelf.repo.live.packs if pack.bytes > 1_000_000]
    flip(shelf, big[3], 700_000)
    found = run(shelf)
    assert (
        set(big) - set(found.repacked.dropped)
        == {big[3]}
        == {pack for pack in big if pack.id in found.repacked.skipped}
    )
    repo = shelf.again()
    assert big[3] in repo.live.packs
    for n, manifest in enumerate(versions):
        if n != 3:
            assert read_all(repo, manifest) == {"n": random.Random(n).randbytes(1_500_000)}
    with pytest.raises(LyrikstoreError):
        read_all(repo, versions[3])


def test_no_sound_copy_is_given_up_for_a_damaged_one(shelf):
    versions = commit_twice(shelf)
    first, second = (pack for pack in shelf.repo.live.packs if pack.bytes > 2_000_000)
    flip(shelf, first, 1_500_000)
    found = run(shelf)
    assert second in found.repacked.dropped
    for manifest in versions:
        assert read_all(shelf.again(), manifest)["x"] == BIG


def test_a_lost_tree_stops_it(shelf):
    manifest = shelf.commit(content={"a": BIG})
    for _ in range(9):
        shelf.commit("datasets/acme/other", {"a": random.Random(_).randbytes(9)})
    place = next(
        pack
        for pack in shelf.repo.live.packs
        if manifest.tree.raw in gc_module.read_index(shelf.repo.backend, pack).digests
    )
    (shelf.root / place.name).unlink()
    repo = Repository.open
    with pytest.raises(LyrikstoreError):
        run(shelf, repo(shelf.root, memory=shelf.memory, log_signer=shelf.log))


def test_a_clone_only_sweeps(shelf, tmp_path):
    for n in range(12):
        shelf.commit(content={"n": b"%d" % n})
    memory = LogMemory(tmp_path / "theirs")
    theirs, _ = clone(
        shelf.repo.backend, str(shelf.root), tmp_path / "clone" / ".lyrikstore", memory=memory
    )
    theirs.log_signer = KeySigner(PrivateKey.from_seed(b"\x77" * 32))
    with open_transaction(theirs) as tx:
        mine = shelf.manifest(tx, "datasets/acme/mine", {"m": b"mine"})
        tx.log_manifest(mine)
        tx.commit()
    stray = "packs/ff/" + "f" * 64 + ".pack"
    theirs.backend.create(stray, b"x")
    before = {pack.name for pack in theirs.live.packs}
    for _ in range(2):
        found = collect(theirs, clock=lambda: shelf.now, grace=timedelta(0))
    assert (found.plan, found.seq, found.swept.deleted) == (None, None, (stray,))
    assert set(theirs.backend.list("packs/")) == before
    assert read_all(theirs, mine) == {"m": b"mine"}
    with pytest.raises(InvalidInputError) as caught:
        collect(theirs, clock=lambda: shelf.now, keep=(NAME, 1))
    assert caught.value.kind == "not-home"
    # What the home dropped is dropped here with the next pull, stays while anything is pending that
    # may rest on it, and is deleted by a later sweep.
    old = {pack.name for pack in shelf.repo.live.packs}
    run(shelf)
    pull(theirs, shelf.repo.backend, "home", memory=memory)
    for _ in range(2):
        found = collect(theirs, clock=lambda: shelf.now, grace=timedelta(0))
    assert not found.swept.deleted
    remote = Remote(shelf.repo.backend, shelf.root, "home", False)
    push(theirs, remote, memory=memory, log_signer=lambda: shelf.log)
    for _ in range(2):
        found = collect(theirs, clock=lambda: shelf.now, grace=timedelta(0))
    assert old <= set(found.swept.deleted)
    sound(theirs)


def test_packs_of_unpublished_records_stay(shelf, monkeypatch):
    shelf.commit()
    with open_transaction(shelf.repo) as tx:
        manifest = shelf.manifest(tx, "datasets/acme/pending", {"p": b"pending"})
        tx.log_manifest(manifest)
        monkeypatch.setattr(tx._appender, "_publish", _once(tx._appender._publish))
        with pytest.raises(CrashError):
            tx.commit()
    grace = timedelta(0)
    for _ in range(3):
        found = collect(_elsewhere(shelf), clock=lambda: shelf.now, grace=grace)
        assert found.swept.deleted == ()
    recover(shelf.repo)
    assert read_all(shelf.again(), manifest) == {"p": b"pending"}


def _elsewhere(shelf):
    # As a store on another machine, which is only swept.
    return Repository.over(shelf.repo.backend, location="memory://elsewhere")


def _once(publish):
    calls = []

    def act():
        if calls:
            raise CrashError
        calls.append(1)
        publish()

    return act


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_call_harms_nothing(shelf, after):
    contents = [{"a": TEXT[:300_000], "n": b"%d" % n} for n in range(10)]
    versions = [shelf.commit(content=content) for content in contents]
    fail_at, crashed = 1, True
    while crashed:
        faulty = FaultyBackend(shelf.repo.backend, fail_at, "crash", after=after)
        crashed = False
        try:
            options = {"memory": shelf.memory, "log_signer": shelf.log}
            run(shelf, Repository.over(faulty, location=shelf.root, **options))
        except CrashError:
            crashed = True
        fail_at += 1 if fail_at < 20 else 7
        repo = shelf.again()
        for manifest, content in zip(versions[::3], contents[::3], strict=True):
            assert read_all(repo, manifest) == content
    assert fail_at > 20
    sound(shelf.again())
