"""A commit whose files other machines store: the same version, whoever dies."""

import hashlib
from pathlib import Path

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.progress import silent
from lyrikstore.objects import distributed
from lyrikstore.objects.check.checker import verify_blobs
from lyrikstore.objects.parallel.dask import dask_cluster
from tests.servers.dask import losing_a_worker, new_store

pytest.importorskip("distributed")
pytestmark = [pytest.mark.filterwarnings("default")]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    # Larger than a piece, smaller, empty, twice the same, and lines that are cut finely.
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    rows = (
        f'{{"id": {n}, "text": "{hashlib.sha1(b"%d" % n).hexdigest()}"}}' for n in range(60_000)
    )
    lines = "\n".join(rows)
    for number in range(6):
        (folder / f"shard-{number}.jsonl").write_text(lines[number * 1000 :])
    for number in range(300):
        (folder / "deep" / f"{number}.txt").write_text(f"text {number % 200}\n" * 50)
    (folder / "empty.bin").write_bytes(b"")
    (folder / "noise.bin").write_bytes(hashlib.shake_128(b"noise").digest(3_000_000))
    return folder


def test_the_tree_is_the_same_as_on_one_core_and_a_killed_worker_changes_only_time(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "_SHARE_MIN", 1 << 18)
    alone = new_store(tmp_path / "alone").datasets.commit(data, "acme/corpus")
    store = new_store(tmp_path / "shared")
    with losing_a_worker(tmp_path) as (cluster, kill_one):
        store.progress = kill_one
        result = store.datasets.commit(data, "acme/corpus", pools=cluster.pool)
        store.progress = silent
        again = store.datasets.commit(data, "acme/corpus", pools=cluster.pool)

    assert again.manifest is None
    assert result.tree_id == alone.tree_id
    assert result.manifest is not None
    assert result.manifest.files == alone.manifest.files  # type: ignore[union-attr]
    report = store.verify()
    assert report.verdict.value == "trusted", report
    store.datasets.checkout("acme/corpus", tmp_path / "out")
    for path in data.rglob("*"):
        if path.is_file():
            assert (tmp_path / "out" / path.relative_to(data)).read_bytes() == path.read_bytes()


def test_what_is_stored_already_is_not_stored_again(tmp_path: Path, data: Path) -> None:
    store = new_store(tmp_path)
    store.datasets.commit(data, "acme/corpus")
    before = {pack.id for pack in store.repository.blobs.packs if pack.role == "data"}
    (data / "one.txt").write_text("one more")
    with dask_cluster("local") as cluster:
        store.datasets.commit(data, "acme/other", pools=cluster.pool)
    added = [p for p in store.repository.blobs.packs if p.role == "data" and p.id not in before]
    assert sum(pack.bytes for pack in added) < 1000


def test_packs_are_verified_on_a_cluster(tmp_path: Path, data: Path) -> None:
    store = new_store(tmp_path)
    store.datasets.commit(data, "acme/corpus")
    with dask_cluster("local") as cluster:
        sound = list(verify_blobs(store.repository.blobs, pools=cluster.pool))
        pack = next(p for p in store.repository.blobs.packs if p.role == "data")
        path = tmp_path / "store" / pack.name
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 3] ^= 1
        path.chmod(0o600)
        path.write_bytes(damaged)
        found = list(verify_blobs(store.repository.blobs, pools=cluster.pool))
        alone = list(verify_blobs(store.repository.blobs))
    assert not any(result.problem for result in sound)
    assert any(result.problem for result in found)
    assert sorted(map(str, found)) == sorted(map(str, alone))


def test_a_refusal_on_a_worker_is_the_refusal_of_the_commit(tmp_path: Path, data: Path) -> None:
    store = new_store(tmp_path)
    with dask_cluster("local") as cluster:
        (data / "gone.txt").write_text("soon")

        def pool(target: str, setup: dict) -> object:
            (data / "gone.txt").unlink()
            return cluster.pool(target, setup)

        with pytest.raises(InvalidInputError) as caught:
            store.datasets.commit(data, "acme/corpus", pools=pool)
    assert caught.value.kind == "file-missing"
    assert "datasets/acme/corpus" not in store.repository.refs
