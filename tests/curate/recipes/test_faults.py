"""What fails around a filter is one of our errors: damaged work, full disks, hostile values."""

import errno
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lyrikstore.canon import files
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError, StorageError
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes import engine as engine_module
from lyrikstore.curate.recipes.apply import FilterResult, apply_recipe
from lyrikstore.curate.recipes.decisions import DecisionQuery, decision_schema, read_decisions
from lyrikstore.curate.recipes.derived import DerivedPart, measure_shards, tree_of_shards
from lyrikstore.curate.recipes.recipe import parse_recipe
from lyrikstore.curate.recipes.write_outcome import Shard
from lyrikstore.curate.work_folder import ChangedDocuments
from lyrikstore.history.commit.transaction import open_transaction
from tests.curate.conftest import Bench

OPT_OUT = 'recipe = 1\n[[step]]\nuse = "opt-out/1"\nagainst = ["acme/list"]\nurl = "url"\n'


def derive(bench: Bench, recipe: str, cache: Path) -> FilterResult:
    return apply_recipe(
        bench.with_cache(cache),
        ["acme/docs"],
        parse_recipe(recipe.encode()),
        "acme/clean",
    )


@pytest.mark.parametrize("damage", [b"", b"\xc1", b"{}", b'{"url":["x"]}'])
def test_what_a_step_compares_with_is_made_anew_where_it_is_damaged(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    bench.write({"a.jsonl": '{"text":"x","url":"https://a.example/"}\n{"text":"y"}\n'})
    bench.commit()
    lists = Bench(tmp_path / "lists", bench.repo)
    lists.write({"list.jsonl": '{"url":"https://a.example"}\n'})
    lists.commit("acme/list")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    cache = tmp_path / "cache"
    with monkeypatch.context() as patch:
        patch.setattr(engine_module.Engine, "run", killed)
        with pytest.raises(KeyboardInterrupt):
            derive(bench, OPT_OUT, cache)
    (prepared,) = bench.repo.root.glob("staging/kept-*/prepared-1")
    prepared.write_bytes(damage)
    result = derive(bench, OPT_OUT, cache)
    assert dict(result.dropped) == {"opted-out-url": 1}
    assert list(cache.iterdir()) == []
    assert [one.name for one in (bench.repo.root / "staging").iterdir()] == ["lock"]


@pytest.mark.parametrize("name", ["keys", "documents", "decisions.parquet", "stage-0", "stage-1"])
def test_a_file_that_cannot_be_written_is_an_error_of_storage(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    bench.write({"a.txt": "one jo@example.org", "b.txt": "two"})
    bench.commit()
    opened = files._private

    def full(path: str, flags: int) -> int:
        if name in Path(path).parts:
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(path, flags)

    monkeypatch.setattr(files, "_private", full)
    recipe = 'recipe = 1\n[[step]]\nuse = "redact/1"\n[[step]]\nuse = "drop-duplicates/1"\n'
    with pytest.raises(StorageError) as caught:
        derive(bench, recipe, tmp_path / "cache")
    assert caught.value.kind == "disk-full"


def test_shards_and_documents_that_cannot_be_read_are_errors_of_ours(tmp_path: Path) -> None:
    shard = Shard(tmp_path / "gone", 1, Digest.of(b""))
    for call in (
        lambda: measure_shards({"part-00000.jsonl": shard}, FieldRoles()),
        lambda: ChangedDocuments(tmp_path),
    ):
        with pytest.raises(LyrikstoreError):
            call()
    with ChangedDocuments(tmp_path / "documents") as documents:
        assert documents.put(b"x") == Digest.of(b"x")


def test_a_shard_that_another_put_there_is_not_signed(bench: Bench, tmp_path: Path) -> None:
    written, chosen = b'{"text":"x"}\n', b'{"text":"chosen"}\n'
    shard = Shard(tmp_path / "shard-0", len(written), Digest.of(written))
    shard.file.write_bytes(written)
    shards = {"a.jsonl": shard}
    statistics, _ = measure_shards(shards, FieldRoles())
    assert statistics.records == 1
    shard.file.write_bytes(chosen)
    with pytest.raises(StorageError) as caught:
        measure_shards(shards, FieldRoles())
    assert caught.value.kind == "work-lost"
    part = DerivedPart("", tree_of_shards(shards), FieldRoles(), statistics, shards)
    with (
        open_transaction(bench.repo) as transaction,
        pytest.raises(StorageError) as caught,
    ):
        part.store(transaction.writer)
    assert caught.value.kind == "work-lost"


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_decision_table_of_other_types_is_refused(version: int) -> None:
    schema = decision_schema(version)
    for at, column in enumerate(schema):
        other = pa.int64() if column.type != pa.int64() else pa.string()
        changed = schema.set(at, pa.field(column.name, other, nullable=True))
        target = io.BytesIO()
        pq.write_table(changed.empty_table(), target)
        with pytest.raises(FormatError) as caught:
            list(read_decisions(target, DecisionQuery(path="a", digits="00")))
        assert caught.value.kind == "bad-decisions"


def test_a_decision_table_of_bytes_that_are_no_text_is_refused() -> None:
    schema = decision_schema(1)
    bad = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
    )
    columns = [bad if name != "step" and name != "count" else pa.nulls(1, schema.field(name).type)
               for name in schema.names]  # fmt: skip
    target = io.BytesIO()
    pq.write_table(pa.table(columns, schema=schema), target, store_schema=False)
    with pytest.raises(FormatError) as caught:
        list(read_decisions(target))
    assert caught.value.kind == "bad-decisions"
