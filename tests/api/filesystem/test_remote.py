"""``lyrik://`` over a remote store: read by the same libraries, and never damaged."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pandas as pd
import pyarrow.dataset as pa_dataset
import pytest

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.filesystem import LyrikFileSystem
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.sync.push import Remote, push
from lyrikstore.objects.backends.open import open_backend
from tests.api.filesystem.rows import BIG, FILES, LOG, NAME, URL


@pytest.fixture(
    params=[
        "memory",
        "moto",
        pytest.param("ceph", marks=pytest.mark.s3),
        pytest.param("sftp", marks=pytest.mark.sftp),
    ]
)
def place(request, tmp_path, monkeypatch):
    """An empty place on a real server: its URL and the options it needs."""
    if request.param == "memory":
        return f"memory://{tmp_path.name}", {}
    if request.param == "sftp":
        sshd = request.getfixturevalue("sshd")
        return sshd.url(tmp_path / "remote"), sshd.options
    server = request.getfixturevalue(request.param)
    server.use(monkeypatch)
    return server.new_url(), server.options


def test_a_remote_store(folder, tmp_path, place):
    url, remote_options = place
    memory = LogMemory(folder / "memory")
    home = Repository.open(folder / ".lyrikstore", memory=memory)
    backend = open_backend(url, scratch=tmp_path, options=remote_options)
    push(home, Remote(backend, url, url, mirror=True), memory=memory, log_signer=lambda: LOG)
    fs = LyrikFileSystem(store=url, remote_options=remote_options)
    assert fs.find(URL) == sorted(f"{NAME}/{path}" for path in FILES)
    assert fs.cat(f"{URL}/rows.csv") == FILES["rows.csv"]
    options = {"store": url, "remote_options": remote_options}
    assert len(pd.read_parquet(f"{URL}/big.parquet", storage_options=options)) == 20_000
    assert len(pd.read_csv(f"{URL}/rows.csv", storage_options=options)) == 100
    rows = pa_dataset.dataset(f"{NAME}/part", filesystem=fs, format="parquet").to_table()
    assert sorted(rows["id"].to_pylist()) == list(range(100))
    with duckdb.connect() as database:
        database.register_filesystem(fs)
        found = database.sql(f"select sum(id) from read_parquet('{URL}/big.parquet')")
        assert found.fetchall() == [(199_990_000,)]
    with fs.open(f"{URL}/big.parquet") as stream:
        stream.seek(5_000_000)
        assert stream.read(10) == BIG[5_000_000:5_000_010]
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda path: fs.cat(f"{URL}/{path}") == FILES[path], FILES))
    assert pickle.loads(pickle.dumps(fs)).cat(f"{URL}/rows.csv") == FILES["rows.csv"]
    pack = max(home.live.packs, key=lambda pack: pack.bytes)
    data = bytearray(backend.read(pack.name))
    data[200_000:300_000] = bytes(100_000)
    backend.replace(pack.name, bytes(data))
    LyrikFileSystem.clear_instance_cache()
    damaged = LyrikFileSystem(store=url, remote_options=remote_options)
    with pytest.raises(LyrikstoreError):
        damaged.cat(f"{URL}/big.parquet")
    with pytest.raises(LyrikstoreError):
        pd.read_parquet(f"{URL}/big.parquet", storage_options=options)


def test_datasets_reads_a_bucket(folder, tmp_path, moto, monkeypatch):
    datasets = pytest.importorskip("datasets")
    moto.use(monkeypatch)
    url = moto.new_url()
    memory = LogMemory(folder / "memory")
    home = Repository.open(folder / ".lyrikstore", memory=memory)
    backend = open_backend(url, scratch=tmp_path, options=moto.options)
    push(home, Remote(backend, url, url, mirror=True), memory=memory, log_signer=lambda: LOG)
    rows = datasets.load_dataset(
        "parquet",
        data_files=f"{URL}/part/*.parquet",
        split="train",
        storage_options={"store": url, "remote_options": moto.options},
        cache_dir=str(tmp_path / "cache"),
    )
    assert sorted(rows["id"]) == list(range(100))
