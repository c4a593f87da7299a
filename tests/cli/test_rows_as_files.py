"""`lyrik://` on rows: pandas, DuckDB, pyarrow and `datasets` read what was committed or made."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.json
import pyarrow.parquet as pq
import pytest

from lyrikstore.filesystem import LyrikFileSystem

ROWS: list[dict[str, Any]] = [
    {
        "id": f"r{number}",
        "text": f"The text of row {number}",
        "label": ["lease", "loan"][number % 2],
    }
    for number in range(40)
]
ROWS[3]["text"] = " "  # a filter drops it

FORMS = ("jsonl", "csv", "parquet")


@pytest.fixture
def store(publisher) -> Path:
    """A store with the same rows as JSONL, CSV and Parquet, each committed and filtered."""
    table = pa.Table.from_pylist(ROWS)
    folder = publisher.folder
    (folder / "rows.jsonl").write_bytes(b"".join(json.dumps(r).encode() + b"\n" for r in ROWS))
    pa.csv.write_csv(table, folder / "rows.csv")
    pq.write_table(table, folder / "rows.parquet")
    (folder / "r.toml").write_text('recipe = 1\n[[step]]\nuse = "drop-empty/1"\n')
    for form in FORMS:
        publisher.ok("commit", f"rows.{form}", "-d", f"acme/{form}")
        publisher.ok("filter", f"acme/{form}", "--recipe", "r.toml", "--as", f"acme/{form}-clean")
    return folder


KEPT = [row for row in ROWS if row["text"].strip()]
# What a filter makes of rows is JSONL, whatever they were.
MADE = {
    "jsonl": "lyrik://datasets/acme/jsonl-clean/rows.jsonl",
    "csv": "lyrik://datasets/acme/csv-clean/rows.csv.jsonl",
    "parquet": "lyrik://datasets/acme/parquet-clean/rows.parquet.jsonl",
}
COMMITTED = {form: f"lyrik://datasets/acme/{form}/rows.{form}" for form in FORMS}


def by_pandas(form: str, url: str, store: Path) -> list[dict[str, Any]]:
    read: dict[str, Callable[..., pd.DataFrame]] = {
        "jsonl": lambda *a, **k: pd.read_json(*a, lines=True, **k),
        "csv": pd.read_csv,
        "parquet": pd.read_parquet,
    }
    return read[form](url, storage_options={"store": str(store)}).to_dict("records")


def by_duckdb(form: str, url: str, store: Path) -> list[dict[str, Any]]:
    read = {"jsonl": "read_json", "csv": "read_csv", "parquet": "read_parquet"}[form]
    with duckdb.connect() as database:
        database.register_filesystem(LyrikFileSystem(store=str(store)))
        return database.sql(f"SELECT * FROM {read}('{url}')").to_arrow_table().to_pylist()


def by_pyarrow(form: str, url: str, store: Path) -> list[dict[str, Any]]:
    system = LyrikFileSystem(store=str(store))
    path = url.removeprefix("lyrik://")
    named = {"jsonl": "json"}.get(form, form)
    whole = pa.dataset.dataset(path, filesystem=system, format=named).to_table()
    with system.open(path) as stream:
        if form == "jsonl":
            alone = pa.json.read_json(stream)
        elif form == "csv":
            alone = pa.csv.read_csv(stream)
        else:
            alone = pq.read_table(stream)
    assert whole.equals(alone)
    return whole.to_pylist()


def by_datasets(form: str, url: str, store: Path) -> list[dict[str, Any]]:
    datasets = pytest.importorskip("datasets")
    named = {"jsonl": "json"}.get(form, form)
    options: dict[str, Any] = {"storage_options": {"store": str(store)}, "split": "train"}
    cache = store / "cache"
    loaded = datasets.load_dataset(named, data_files=url, cache_dir=str(cache), **options)
    streamed = datasets.load_dataset(
        named, data_files=url, streaming=True, cache_dir=str(cache), **options
    )
    rows = loaded.to_list()
    assert list(streamed) == rows
    return rows


@pytest.mark.parametrize("read", [by_pandas, by_duckdb, by_pyarrow, by_datasets])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_rows_are_read_without_a_checkout(read: Callable[..., Any], store) -> None:
    for form in FORMS:
        assert read(form, COMMITTED[form], store) == ROWS, form
        assert read("jsonl", MADE[form], store) == KEPT, form
        earlier = COMMITTED[form].replace(f"acme/{form}/", f"acme/{form}@~0/")
        assert read(form, earlier, store) == ROWS, form


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_folders_of_a_partition_are_read_one_by_one_and_together(store, publisher) -> None:
    rows = [row | {"licence": "CC BY 4.0" if row["label"] == "lease" else "MIT"} for row in KEPT]
    (store / "licensed.jsonl").write_bytes(b"".join(json.dumps(r).encode() + b"\n" for r in rows))
    (store / "p.toml").write_text('recipe = 1\n[[step]]\nuse = "partition/1"\n')
    publisher.ok("commit", "licensed.jsonl", "-d", "acme/licensed")
    publisher.ok("filter", "acme/licensed", "--recipe", "p.toml", "--as", "acme/apart")
    url = "lyrik://datasets/acme/apart"
    one = f"{url}/licence=CC%20BY%204.0/part-00000.jsonl"
    by_licence = [row for row in rows if row["licence"] != "MIT"]
    for read in (by_pandas, by_duckdb, by_pyarrow, by_datasets):
        assert read("jsonl", one, store) == by_licence, read
    for read in (by_duckdb, by_datasets):
        found = read("jsonl", f"{url}/*/part-*.jsonl", store)
        assert sorted(found, key=lambda row: row["id"]) == sorted(rows, key=lambda row: row["id"])
