"""The engine with what can go wrong around it: work that is lost, and records of every kind."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, StorageError
from lyrikstore.curate.extract import workers
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes import engine as engine_module
from lyrikstore.curate.recipes import record_steps as examine
from lyrikstore.curate.recipes import source
from lyrikstore.curate.recipes.apply import FilterResult, apply_recipe
from lyrikstore.curate.recipes.explain.why import why
from lyrikstore.curate.recipes.filters.contract import OtherRecord
from lyrikstore.curate.recipes.filters.documents import chunk
from lyrikstore.curate.recipes.recipe import parse_recipe
from lyrikstore.curate.recipes.source import RecordSource
from lyrikstore.curate.recipes.step_results import BatchResults
from lyrikstore.history.trees.tree import Tree, TreeEntry
from tests.curate.conftest import Bench
from tests.curate.recipes.applied import decisions_of


def recipe(*steps: str) -> str:
    return "recipe = 1\n" + "".join(f"[[step]]\n{step}\n" for step in steps)


REDACTED = recipe('use = "redact/1"', 'use = "drop-duplicates/1"', 'use = "drop-empty/1"')


def _stage_files(store: Path, stage: int) -> list[Path]:
    return sorted(store.glob(f"staging/kept-*/stage-{stage}/*"))


def _lose(store: Path, judged: Any) -> Any:
    for file in _stage_files(store, 0):
        file.unlink()
    return judged


def _damage(store: Path, judged: Any) -> Any:
    for file in _stage_files(store, 0):
        file.write_bytes(file.read_bytes()[:-1])
    return judged


def _choose(store: Path, judged: Any) -> Any:
    # What another record, or another filter, would have: whole, and not what was found.
    for file in _stage_files(store, 0):
        file.write_bytes(BatchResults().encode())
    return judged


def _say_less(_: Path, judged: Any) -> Any:
    return type(judged)(lambda batch: judged.verdicts(batch)[:-1])


@pytest.mark.parametrize("change", [_lose, _damage, _choose, _say_less])
def test_lost_work_never_gives_what_the_source_has(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[..., Any]
) -> None:
    bench.write({"a.jsonl": '{"text":"Mail jo@example.org"}\n{"text":"two"}\n'})
    bench.commit()
    cache, store = tmp_path / "cache", bench.repo.root
    judge = engine_module._StageWork.judge
    monkeypatch.setattr(engine_module._StageWork, "judge", lambda work: change(store, judge(work)))

    def derive() -> Any:
        return apply_recipe(
            bench.with_cache(cache),
            ["acme/docs"],
            parse_recipe(REDACTED.encode()),
            "acme/clean",
        )

    with pytest.raises(StorageError) as caught:
        derive()
    assert caught.value.kind == "work-lost"
    assert "datasets/acme/clean" not in bench.repo.refs
    monkeypatch.undo()
    (entry,) = bench.repo.tree(derive().manifests[""]).entries
    assert b"jo@example.org" not in bench.repo.blobs.read(entry.blake3, max_bytes=1 << 20)


FOREIGN: dict[str, str | bytes] = {
    "a.pdf": b"%PDF-1.4\xff\xfe",
    "b.txt": "text",
    "c.docx": b"PK\x03\x04abc",
    "d": b"PK\x03\x04abc",
}
EXTRACT = 'use = "extract-text/1"'


@pytest.mark.parametrize(
    "steps",
    [
        ('use = "sample/1"\nshare = 1', 'use = "drop-empty/1"'),
        ('use = "sample/1"\nrecords = 1', 'use = "redact/1"', 'use = "drop-duplicates/1"'),
        ('use = "sample/1"\nrecords = 1', 'use = "drop-duplicates/1"', 'use = "drop-empty/1"'),
        ('use = "drop-empty/1"', EXTRACT),
    ],
)
def test_no_stage_takes_what_is_no_text_for_text(bench: Bench, steps: tuple[str, ...]) -> None:
    bench.write(FOREIGN)
    bench.commit()
    with pytest.raises(InvalidInputError) as caught:
        bench.filter(recipe(*steps))
    assert caught.value.kind == "no-reader"
    assert caught.value.details["files"] == ["a.pdf", "c.docx", "d"]


def test_a_step_that_reads_no_text_takes_any_document(bench: Bench) -> None:
    bench.write(FOREIGN)
    bench.commit()
    assert bench.filter(recipe('use = "sample/1"\nshare = 1')).counts[""]["kept"] == 4


def test_a_document_that_is_too_large_is_dropped_and_stops_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (examine, source):
        monkeypatch.setattr(module, "MAX_TEXT_BYTES", 20)
    monkeypatch.setattr(workers, "MAX_DOCUMENT_BYTES", 20)
    bench.write({"a.txt": "x" * 21, "b.txt": "x" * 20})
    bench.commit()
    result = bench.filter(recipe(EXTRACT))
    assert dict(result.dropped) == {"too-large": 1}
    with pytest.raises(InvalidInputError) as caught:
        bench.filter(recipe('use = "drop-empty/1"'), to="acme/texts")
    assert caught.value.kind == "too-large"


BIG = "12345678901234567890123"


def lines(bench: Bench, result: FilterResult) -> list[bytes]:
    tree = bench.repo.tree(result.manifests[""])
    files = [bench.repo.blobs.read(entry.blake3, max_bytes=1 << 20) for entry in tree.entries]
    return [line for file in files for line in file.splitlines()]


def test_no_number_loses_a_digit(bench: Bench) -> None:
    bench.write({"a.jsonl": f'{{"text":"x","tweet":{BIG},"n":1.00,"u":{{"id":{BIG}}}}}\n'})
    bench.commit()
    (line,) = lines(bench, bench.filter(recipe('use = "chunk/1"')))
    for member in (f'"tweet":{BIG}', '"n":1.00', f'"u":{{"id":{BIG}}}'):
        assert member.encode() in line
    again = bench.filter(recipe('use = "chunk/1"', 'use = "drop-duplicates/1"', 'use = "chunk/1"'))
    assert f'"tweet":{BIG}'.encode() in lines(bench, again)[0]


def test_a_number_inside_a_changed_value_keeps_its_digits(bench: Bench) -> None:
    value = f'{{"z":[{{"id":-{BIG}}}],"id":{BIG},"s":"jo@example.org"}}'
    bench.write({"a.jsonl": f'{{"text":"x","u":{value}}}\n'})
    bench.commit()
    step = 'use = "redact/2"\ncolumns = "*"\ndetectors = ["patterns"]'
    (line,) = lines(bench, bench.filter(recipe(step)))
    changed = f'{{"id":{BIG},"s":"<EMAIL-1>","z":[{{"id":-{BIG}}}]}}'
    assert line == f'{{"text":"x","u":{changed}}}'.encode()


def test_what_no_row_can_hold_names_the_record(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write({"a.jsonl": '{"text":"x"}\n{"text":"y"}\n'})
    bench.commit()
    cut = chunk.chunk_row

    def lone_surrogate(part: Any, **more: Any) -> dict[str, Any]:
        return cut(part, **more) | ({"text": "\ud800"} if part.text == "y" else {})

    monkeypatch.setattr(chunk, "chunk_row", lone_surrogate)
    with pytest.raises(InvalidInputError) as caught:
        bench.filter(recipe('use = "chunk/1"'))
    assert caught.value.kind == "bad-value"
    assert caught.value.message.startswith("a.jsonl:2: ")


CUT = 'use = "chunk/1"\nsize = '
TWO = (
    '{"id":"r1","text":"Mail jo@example.org now. Alpha two here.'
    '\\n\\nBeta para one. Beta para two."}\n'
)


@pytest.mark.parametrize("between", ["", 'use = "drop-duplicates/1"'])
def test_chunks_of_chunks_have_one_history_each(bench: Bench, between: str) -> None:
    bench.write({"a.jsonl": TWO})
    bench.commit()
    steps = (f"{CUT}40", 'use = "redact/1"', between, f"{CUT}18")
    bench.filter(recipe(*filter(None, steps)))
    source_id = why(bench.repo, "acme/docs", "a.jsonl:1").record
    redacted = [True, True, False, False]
    for at, is_redacted in enumerate(redacted):
        found = why(bench.repo, "acme/clean", f"a.jsonl:{at + 1}")
        (stage,) = found.stages
        assert found.record == source_id
        assert {(row.file, row.path, row.record) for row in stage.decisions} == {
            (0, "a.jsonl", None)
        }
        parent = 0 if is_redacted else 1
        assert [(row.action, row.item) for row in stage.decisions] == [
            ("divided", None),
            *([("changed", parent)] if is_redacted else []),
            ("divided", parent),
            ("kept", at + 2),
        ]
        assert found.current is not None
        assert why(bench.repo, "acme/clean", found.current).line == at + 1
    assert why(bench.repo, "acme/clean", source_id).record == source_id


def test_a_row_that_was_made_says_so_though_its_bytes_are_those_of_the_source(
    bench: Bench,
) -> None:
    bench.write({"a.jsonl": '{"text":"abc"}\n'})
    bench.commit()
    drop = 'use = "map/1"\ndrop = ["start", "end", "parent"]'
    for to, steps in (("acme/one", (drop,)), ("acme/two", ('use = "drop-empty/1"', drop))):
        made = bench.filter(recipe('use = "chunk/1"', *steps), to=to)
        assert lines(bench, made) == [b'{"text":"abc"}']
        found = why(bench.repo, to, "a.jsonl:1")
        assert found.record == found.current == why(bench.repo, "acme/docs", "a.jsonl:1").record


def test_a_chunk_is_dropped_for_a_chunk(bench: Bench) -> None:
    bench.write({"a.jsonl": '{"text":"one two. one two."}\n'})
    bench.commit()
    bench.filter(recipe(f"{CUT}8", 'use = "drop-duplicates/1"'))
    found = why(bench.repo, "acme/clean", "a.jsonl:1")
    tables = decisions_of(bench, found.dataset)
    (dropped,) = [row for row in tables if row.action == "dropped"]
    assert dropped.item == 1
    assert dropped.other == OtherRecord(0, 0, 0)
    assert found.kept


@pytest.mark.parametrize("use", ["split/1", "split/2"])
def test_what_was_made_of_one_record_stays_together(bench: Bench, use: str) -> None:
    bench.write({f"d{n}.txt": "".join(f"Line {at} of {n}. " for at in range(9)) for n in range(6)})
    bench.commit()
    shares = "train = 0.5\nvalidation = 0\ntest = 0.5"
    result = bench.filter(recipe(f"{CUT}16", f'use = "{use}"\n{shares}'))
    train, test = (
        {
            json.loads(line)["parent"]
            for entry in bench.repo.tree(made).entries
            for line in bench.repo.blobs.read(entry.blake3, max_bytes=1 << 20).splitlines()
        }
        for made in result.manifests.values()
    )
    assert len(train) + len(test) == 6
    assert not train & test


def test_chunks_of_what_was_opted_out_go(bench: Bench, tmp_path: Path) -> None:
    bench.write({"a.txt": "some text", "b.txt": "other text"})
    bench.commit()
    out = why(bench.repo, "acme/docs", "a.txt").record
    lists = Bench(tmp_path / "lists", bench.repo)
    lists.write({"list.jsonl": json.dumps({"hash": out}) + "\n"})
    lists.commit("acme/list")
    result = bench.filter(recipe('use = "chunk/1"', 'use = "opt-out/1"\nagainst = ["acme/list"]'))
    assert result.dropped["opted-out-hash"] == 1
    assert result.counts[""]["kept"] == 1


def test_no_id_stands_twice_in_what_a_filter_makes(bench: Bench, tmp_path: Path) -> None:
    rows = "".join(json.dumps({"id": n, "text": f"Text {n}. More of it."}) + "\n" for n in range(3))
    bench.write({"a.jsonl": rows, "b.jsonl": '{"id":3,"text":"x"}\n'})
    assert bench.commit().manifest.body["fields"]["id"] == "id"
    chunks = bench.filter(recipe(f"{CUT}8"), to="acme/chunks")
    assert chunks.manifests[""].body["fields"] == {"text": ["text"]}
    other = Bench(tmp_path / "other", bench.repo)
    other.write({"c.jsonl": '{"id":3,"text":"y"}\n'})
    other.commit("acme/other")
    both = ("acme/docs", "acme/other")
    for steps, refs in ((['use = "map/1"\nset = {id = "same"}'], both[:1]), ([], both)):
        found = bench.filter(recipe(*steps) if steps else None, *refs)
        assert found.manifests[""].body["fields"] == {"text": ["text"]}
        assert len(found.notes) == 1
    drop = 'use = "drop-duplicates/2"\nby = ["id"]'
    assert bench.filter(recipe(drop), *both).counts[""]["kept"] == 4


def _partition(bench: Bench, *values: str, dry_run: bool = False) -> FilterResult:
    rows = [{"text": str(n), "court": value} for n, value in enumerate(values)]
    bench.write({"a.jsonl": "".join(json.dumps(row) + "\n" for row in rows)})
    bench.commit()
    return apply_recipe(
        bench.context,
        ["acme/docs"],
        parse_recipe(recipe('use = "partition/1"\nfield = "court"').encode()),
        "acme/clean",
        dry_run=dry_run,
    )


def test_folders_are_escaped_so_that_every_tree_takes_them(bench: Bench) -> None:
    values = ["foo.", "..", "a/b", ".git", "con", "最高", "x" * 249, "unknown", "", "a b "]
    made = _partition(bench, *values).manifests[""]
    assert set(bench.repo.tree(made).paths) == {
        f"court={name}/part-00000.jsonl"
        for name in (
            *("foo%2E", ".%2E", "a%2Fb", ".git", "con", "%E6%9C%80%E9%AB%98", "x" * 249),
            *("unknown", "a%20b%20"),
        )
    }


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("values", [("MIT", "mit"), ("x" * 250,), ("裁" * 28,)])
def test_folders_that_no_tree_takes_are_refused_at_once(
    bench: Bench, values: tuple[str, ...], dry_run: bool
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        _partition(bench, *values, dry_run=dry_run)
    assert caught.value.kind == "bad-partition"
    assert "map/1" in caught.value.hint


def test_a_small_record_makes_no_chunks_without_bound(bench: Bench) -> None:
    row = {"text": "one two " * 400, "other": "x" * 4000}
    bench.write({"a.jsonl": '{"text":"short"}\n' + json.dumps(row) + "\n"})
    bench.commit()
    assert bench.filter(recipe(f"{CUT}80")).counts[""]["kept"] == 1 + 40
    drop = 'use = "map/1"\ndrop = ["other"]'
    with pytest.raises(InvalidInputError) as caught:
        bench.filter(recipe(f"{CUT}8"), to="acme/small")
    assert caught.value.kind == "too-many-chunks"
    assert caught.value.message.startswith("a.jsonl:2: ")
    assert bench.filter(recipe(drop, f"{CUT}8"), to="acme/small").counts[""]["kept"] == 1 + 400


def test_large_documents_share_no_batch() -> None:
    sizes = [10, 40 << 20, 30 << 20, 200 << 20, 1, *[1] * 70]
    entries = [TreeEntry(f"{at:03}", size, Digest.of(b""), None) for at, size in enumerate(sizes)]
    found = RecordSource(Tree.of(entries), "document/1", FieldRoles()).batches(io.BytesIO)
    assert [[entry.bytes for entry in batch.entries] for batch in found] == [
        [10, 40 << 20],
        [30 << 20],
        [200 << 20],
        [1] * 64,
        [1] * 7,
    ]
