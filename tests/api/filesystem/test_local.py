"""``lyrik://`` as pandas, pyarrow, DuckDB and ``datasets`` use it, whole, in part and damaged."""

import pickle
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import fsspec
import pandas as pd
import pyarrow.dataset as pa_dataset
import pyarrow.parquet as pq
import pytest

from lyrikstore.canon.errors import LyrikstoreError, NotFoundError, StorageError
from lyrikstore.filesystem import LyrikFileSystem
from lyrikstore.history.commit.transaction import create_repository
from lyrikstore.history.log.memory import LogMemory
from tests.api.filesystem.rows import BIG, FILES, LOG, NAME, NOW, OWNER, URL, commit, csv, table


def test_the_entry_point_is_declared():
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    module, _, name = project["entry-points"]["fsspec.specs"]["lyrik"].partition(":")
    assert getattr(__import__(module, fromlist=[name]), name) is LyrikFileSystem


def test_listing(fs):
    assert fs.ls("", detail=False) == ["datasets"]
    assert fs.ls("lyrik://datasets", detail=False) == ["datasets/acme"]
    assert fs.ls("datasets/acme", detail=False) == [NAME]
    assert fs.ls(NAME, detail=False) == [
        f"{NAME}/{path}"
        for path in ("big.parquet", "deep", "empty", "part", "rows.csv", "rows.jsonl")
    ]
    assert fs.ls(f"{NAME}/empty") == [fs.info(f"{NAME}/empty")]
    assert fs.find(URL) == sorted(f"{NAME}/{path}" for path in FILES)
    assert fs.glob(f"{URL}/part/*.parquet") == [f"{NAME}/part/{x}.parquet" for x in "ab"]
    assert fs.glob(f"{URL}/**/x.txt") == [f"{NAME}/deep/er/x.txt"]
    assert fs.du(NAME) == sum(map(len, FILES.values()))
    assert [item[1:] for item in fs.walk(f"{NAME}/deep")] == [(["er"], []), ([], ["x.txt"])]


def test_info_and_kinds_of_path(fs):
    info = fs.info(f"{URL}/rows.csv")
    assert (info["name"], info["type"], info["size"]) == (
        f"{NAME}/rows.csv",
        "file",
        len(FILES["rows.csv"]),
    )
    assert fs.ukey(f"{URL}/rows.csv") == info["blake3"] == info["ETag"]
    assert info["meta"] == {}
    for path in ("", "datasets", "datasets/acme", NAME, f"{NAME}/deep", f"{NAME}/deep/er"):
        assert fs.isdir(path)
        assert fs.exists(path)
        assert not fs.isfile(path)
    assert fs.isfile(f"{NAME}/empty")
    assert not fs.isdir(f"{NAME}/empty")
    for path in ("runs", "datasets/other", "datasets/acme/no", f"{NAME}/no", f"{NAME}/deep/e"):
        assert not fs.exists(path)
        assert not fs.isdir(path)
        assert not fs.isfile(path)
        with pytest.raises(FileNotFoundError):
            fs.ls(path)
    with pytest.raises(NotFoundError) as caught:
        fs.open(f"{NAME}/deep")
    assert caught.value.kind == "no-path"


def test_versions(fs, written):
    first = written[1]
    for version in ("@~1", "~1", f"@{first}", f"@{first[:8]}", f"@blake3:{first}"):
        assert fs.cat(f"{URL}{version}/old.txt") == b"old"
        assert fs.find(f"{URL}{version}") == [f"{NAME}{version}/old.txt"]
        assert not fs.exists(f"{URL}{version}/rows.csv")
    assert fs.exists(f"{URL}@~0/rows.csv")
    for version in ("@~7", "@00000000", "@" + "0" * 64):
        assert not fs.exists(f"{URL}{version}")
    assert not fs.exists(f"lyrik://datasets/acme/other@{first}")
    with pytest.raises(LyrikstoreError):
        fs.info(f"{URL}@v1")  # tags are not built yet


def test_reading(fs):
    for path, data in FILES.items():
        assert fs.cat(f"{URL}/{path}") == data
    with fs.open(f"{URL}/rows.csv", "rt", encoding="utf-8") as text:
        assert text.readline() == '"id","text"\n'
    assert fs.cat_file(f"{URL}/big.parquet", 5_000_000, 5_000_100) == BIG[5_000_000:5_000_100]
    assert fs.tail(f"{URL}/big.parquet", 8) == BIG[-8:]
    assert fs.cat_ranges([f"{URL}/big.parquet"] * 2, [0, 7], [4, 9]) == [BIG[:4], BIG[7:9]]


def test_read_only(fs, tmp_path):
    (tmp_path / "x").write_bytes(b"x")
    for act in (
        lambda: fs.open(f"{NAME}/x", "wb"),
        lambda: fs.rm(f"{NAME}/empty"),
        lambda: fs.mkdir(f"{NAME}/x"),
        lambda: fs.touch(f"{NAME}/x"),
        lambda: fs.pipe(f"{NAME}/x", b"x"),
        lambda: fs.put_file(str(tmp_path / "x"), f"{NAME}/x"),
        lambda: fs.mv(f"{NAME}/empty", f"{NAME}/x"),
        lambda: fs.copy(f"{NAME}/empty", f"{NAME}/x"),
    ):
        with pytest.raises(StorageError) as caught:
            act()
        assert caught.value.kind == "read-only"


def test_pickle_and_new_versions(tmp_path):
    memory = LogMemory(tmp_path / "memory")
    repository = create_repository(
        tmp_path / ".lyrikstore",
        origin="example.org/b",
        signer=OWNER,
        log_signer=LOG,
        clock=lambda: NOW,
        memory=memory,
    )
    commit(repository, {"a": b"one"})
    fs = LyrikFileSystem(store=str(tmp_path))
    stream = fs.open(f"{URL}/a")
    assert fs.cat(f"{URL}/a") == b"one"
    second = commit(repository, {"a": b"two"})
    assert fs.cat(f"{URL}@{second}/a") == b"two"
    assert pickle.loads(pickle.dumps(fs)).cat(f"{URL}/a") == b"two"
    assert (fs.cat(f"{URL}/a"), fs.cat(f"{URL}@~1/a"), stream.read()) == (b"two", b"one", b"one")


def test_the_nearest_store(folder, tmp_path, monkeypatch):
    inside = folder / "some" / "where"
    inside.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(inside)
    with fsspec.open(f"{URL}/deep/er/x.txt") as stream:
        assert stream.read() == b"deep"
    monkeypatch.chdir(tmp_path)
    LyrikFileSystem.clear_instance_cache()
    with pytest.raises(NotFoundError) as caught:
        fsspec.open(f"{URL}/deep/er/x.txt").open()
    assert caught.value.kind == "no-store"


def test_pandas(folder):
    options = {"store": str(folder)}
    for frame in (
        pd.read_csv(f"{URL}/rows.csv", storage_options=options),
        pd.read_json(f"{URL}/rows.jsonl", lines=True, storage_options=options),
    ):
        assert frame.to_dict("list") == table(0, 100).to_pydict()
    big = pd.read_parquet(f"{URL}/big.parquet", storage_options=options)
    assert len(big) == 20_000
    both = pd.read_parquet(f"{URL}/part", storage_options=options)
    assert sorted(both["id"]) == list(range(100))


def test_pyarrow_dataset(fs):
    rows = pa_dataset.dataset(f"{NAME}/part", filesystem=fs, format="parquet").to_table()
    assert sorted(rows["id"].to_pylist()) == list(range(100))
    for path, form in (("rows.csv", "csv"), ("rows.jsonl", "json")):
        found = pa_dataset.dataset(f"{NAME}/{path}", filesystem=fs, format=form).to_table()
        assert found.to_pydict() == table(0, 100).to_pydict()
    picked = pa_dataset.dataset(f"{NAME}/big.parquet", filesystem=fs).to_table(
        filter=pa_dataset.field("id") == 12_345
    )
    assert picked["id"].to_pylist() == [12_345]


def test_duckdb(fs):
    with duckdb.connect() as database:
        database.register_filesystem(fs)
        for source in (
            f"read_parquet('{URL}/part/*.parquet')",
            f"read_csv('{URL}/rows.csv')",
            f"read_json('{URL}/rows.jsonl')",
        ):
            found = database.sql(f"select count(*), sum(id) from {source}").fetchall()
            assert found == [(100, 4950)]
        assert database.sql(
            f"select count(*), min(id) from read_parquet('{URL}/big.parquet') where id >= 19000"
        ).fetchall() == [(1000, 19_000)]
        database.sql("set threads=4")
        assert database.sql(
            f"select sum(id) from read_parquet('{URL}/big.parquet')"
        ).fetchall() == [(199_990_000,)]


def test_datasets(folder, tmp_path):
    datasets = pytest.importorskip("datasets")
    for builder, files in (
        ("parquet", f"{URL}/part/*.parquet"),
        ("csv", f"{URL}/rows.csv"),
        ("json", f"{URL}/rows.jsonl"),
    ):
        for streaming in (False, True):
            rows = datasets.load_dataset(
                builder,
                data_files=files,
                split="train",
                storage_options={"store": str(folder)},
                cache_dir=str(tmp_path / "cache"),
                streaming=streaming,
            )
            assert sorted(row["id"] for row in rows) == list(range(100))


def test_ranged_reads_fetch_only_their_chunks(fs):
    repository = fs._repository()
    chunks = repository.blobs.chunks(
        fs._version(f"{NAME}/big.parquet")[2].files["big.parquet"].blake3
    )
    fetched = []
    packed = repository.blobs.packed
    read = packed.read
    packed.read = lambda raw: fetched.append(raw) or read(raw)
    try:
        with fs.open(f"{NAME}/big.parquet") as stream:
            stream.seek(4_000_000)
            assert stream.read(100) == BIG[4_000_000:4_000_100]
    finally:
        del packed.read
    assert len(chunks) > 4
    assert len(fetched) <= 2


def test_threads(fs):
    def read(number: int) -> bool:
        at = number * 77_777 % len(BIG)
        with fs.open(f"{NAME}/big.parquet") as stream:
            stream.seek(at)
            part = stream.read(1000)
        return part == BIG[at : at + 1000] and fs.cat(f"{NAME}/rows.csv") == FILES["rows.csv"]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(64)))


def test_threads_that_share_one_handle(fs):
    with fs.open(f"{NAME}/big.parquet") as stream, ThreadPoolExecutor(8) as pool:

        def read(number: int) -> bool:
            at = number * 77_777 % (len(BIG) - 5000)
            stream.seek(at)
            return stream.read(5000) == BIG[at : at + 5000]

        assert all(pool.map(read, range(400)))
        stream.seek(10)
        assert stream.tell() == 10
        assert (stream.read(5), stream.tell()) == (BIG[10:15], 15)
        # Without a seek of its own, another thread goes on where the last read ended.
        assert pool.submit(stream.read, 5).result() == BIG[15:20]
        assert stream.read(0) == b""
        stream.seek(-4, 2)
        assert stream.read() == BIG[-4:]


def test_damage_is_never_handed_out(tmp_path):
    files = {"big.parquet": BIG, "rows.csv": csv(table(1, 20_000))}
    repository = create_repository(
        tmp_path / ".lyrikstore",
        origin="example.org/c",
        signer=OWNER,
        log_signer=LOG,
        clock=lambda: NOW,
        memory=LogMemory(tmp_path / "memory"),
    )
    commit(repository, files)
    fs = LyrikFileSystem(store=str(tmp_path))
    for pack in repository.live.packs:
        if pack.bytes < 1_000_000:
            continue
        path = repository.root / pack.name
        data = bytearray(path.read_bytes())
        for at in range(100_000, len(data) - 100_000, 50_000):
            data[at] ^= 1
        path.chmod(0o644)
        path.write_bytes(data)
    refused = 0
    for name, data in files.items():
        for at in range(0, len(data), 250_000):
            with fs.open(f"{NAME}/{name}") as stream:
                try:
                    stream.seek(at)
                    assert stream.read(1000) == data[at : at + 1000]
                except LyrikstoreError:
                    refused += 1
        with pytest.raises(LyrikstoreError), fs.open(f"{NAME}/{name}") as stream:
            stream.read()
    assert refused
    with pytest.raises(LyrikstoreError):
        pq.read_table(f"{NAME}/big.parquet", filesystem=fs)
    with pytest.raises(LyrikstoreError):
        pd.read_csv(f"{URL}/rows.csv", storage_options={"store": str(tmp_path)})
    with duckdb.connect() as database:
        database.register_filesystem(fs)
        with pytest.raises((LyrikstoreError, duckdb.Error)):
            database.sql(
                f"select sum(length(text)) from read_parquet('{URL}/big.parquet')"
            ).fetchall()
