"""Names that no path may have, recorded under others: which, and what knows both."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.commit.commit import commit_folder
from lyrikstore.curate.commit.inputs import CommitMetadata, CommitOptions
from lyrikstore.curate.commit.status import folder_statuses
from lyrikstore.curate.diff.versions import compare_versions
from lyrikstore.curate.recipes.explain.why import why
from lyrikstore.curate.scan.mapping import ORIGINAL_PATH, map_names
from lyrikstore.curate.sheets.sheet import sheet_of
from lyrikstore.history.checkout.checkout import checkout_tree
from lyrikstore.history.trees.paths import offenders

VECTORS = Path(__file__).parents[3] / "spec/vectors/paths/mapped.json"
MAP = CommitOptions(map_names=True)
LTD = "Caldwell Holdings Ltd."


@pytest.mark.parametrize("case", json.loads(VECTORS.read_text())["cases"], ids=lambda c: c["id"])
def test_vectors(case: Any) -> None:
    files = {one["name"]: one["path"] for one in case["files"]}
    found = map_names(sorted(files, reverse=True))
    assert {name: found.get(name, name) for name in files} == files
    assert {one.kind for one in offenders(files.values())} <= {"lookalike"}


def test_the_refusal_names_all_and_offers_it(bench: Any) -> None:
    bench.write({f"{LTD}/a.txt": "a", "e.V.": "b", "fine.txt": "c"})
    os.mkfifo(bench.data / "a pipe")
    with pytest.raises(InvalidInputError) as caught:
        bench.commit()
    assert caught.value.kind == "bad-files"
    assert "--map-names" in caught.value.hint
    named = {one["path"]: one["kind"] for one in caught.value.details["offenders"]}
    assert named == {f"{LTD}/a.txt": "trailing", "e.V.": "trailing", "a pipe": "fifo"}
    assert caught.value.details["mistakesCount"] == 3
    with pytest.raises(InvalidInputError) as caught:
        bench.commit(allow=MAP)
    assert [one["kind"] for one in caught.value.details["offenders"]] == ["fifo"]


def test_path_original_and_sheet_belong_together(bench: Any, tmp_path: Path) -> None:
    # ATTACK A146: a file is called so that it takes the place, or the row, of another.
    bench.write({f"{LTD}/a.txt": "one", "Caldwell Holdings Ltd/a.txt": "two", "b.txt": "three"})
    rows = [["path", "kind"], [f"{LTD}/a.txt", "x"], ["Caldwell Holdings Ltd/a.txt", "y"]]
    stated = CommitMetadata(sheet=bench.sheet(rows))
    found = bench.commit(stated=stated, allow=MAP, cache_dir=tmp_path / "cache")
    mapped = "Caldwell Holdings Ltd-2/a.txt"
    assert found.mapped == {mapped: f"{LTD}/a.txt"}
    tree = bench.repo.tree(found.manifest).by_path
    assert tree[mapped].meta == {"kind": "x", ORIGINAL_PATH: f"{LTD}/a.txt"}
    assert tree["Caldwell Holdings Ltd/a.txt"].meta == {"kind": "y"}
    assert found.manifest.body["metadata"]["columns"] == ["kind", ORIGINAL_PATH]
    assert found.orphan_files == ("b.txt",)
    written, _ = sheet_of(bench.repo.tree(found.manifest))
    folder = tmp_path / "again"
    checkout_tree(bench.repo.tree(found.manifest), bench.repo.blobs, folder)
    (tmp_path / "again.csv").write_bytes(written)
    again = commit_folder(
        bench.context, folder, "acme/again", CommitMetadata(sheet=tmp_path / "again.csv")
    )
    assert again.tree_id == found.tree_id
    for cache in (None, tmp_path / "cache"):
        again = bench.commit(stated=stated, allow=MAP, cache_dir=cache)
        assert (again.manifest, again.tree_id) == (None, found.tree_id)
        assert again.mapped == found.mapped
    with pytest.raises(InvalidInputError) as caught:
        bench.commit(stated=stated, cache_dir=tmp_path / "cache")
    assert caught.value.kind == "bad-files"

    explained = why(bench.repo, "acme/docs", f"{LTD}/a.txt")
    assert (explained.path, explained.original_path) == (mapped, f"{LTD}/a.txt")

    (bench.data / LTD).rename(bench.data / "Caldwell Holdings Ltd..")
    bench.write({"neu e.V.": "four"})
    (status,) = folder_statuses(bench.with_cache(tmp_path / "cache"))
    assert (status.added, status.changed, status.removed) == (("neu e.V",), (mapped,), ())
    assert status.mapped["neu e.V"] == "neu e.V."


def test_without_a_sheet_the_names_are_the_metadata(bench: Any) -> None:
    bench.write({"e.V.": "one", "b.txt": "two"})
    found = bench.commit(allow=MAP)
    said = found.manifest.body["metadata"]
    assert (said["columns"], said["key"], said["orphanFiles"]) == ([ORIGINAL_PATH], "path", 0)
    assert found.manifest.body["descriptor"]["stats"]["value"]["columns"] == [
        {"column": ORIGINAL_PATH, "files": 1}
    ]
    bench.write({"neu e.V.": "three"})
    bench.commit(allow=MAP)
    found = compare_versions(bench.repo, "acme/docs~1", "acme/docs")
    assert (found.added, found.mapped) == (("neu e.V",), {"neu e.V": "neu e.V."})
    (bench.data / "neu e.V.").unlink()
    (bench.data / "e.V.").rename(bench.data / "e.V")
    assert bench.commit(allow=CommitOptions(loss=True)).changed == (
        "e.V",
    )  # and no sheet is missed


def test_a_sheet_that_says_it_otherwise_is_refused(bench: Any) -> None:
    bench.write({"a.txt": "one", "e.V.": "two"})
    sheet = bench.sheet([["path", ORIGINAL_PATH], ["a.txt", "x"]])
    with pytest.raises(InvalidInputError) as caught:
        bench.commit(stated=CommitMetadata(sheet=sheet), allow=MAP)
    assert caught.value.kind == "bad-sheet"


def test_packed_rows(bench: Any) -> None:
    import gzip

    bench.write({"rows:1.jsonl.gz": gzip.compress(b'{"text": "a"}\n')})
    found = bench.commit(allow=MAP)
    assert found.manifest.body["reader"] == "jsonl/1"
    entry = bench.repo.tree(found.manifest).by_path["rows_1.jsonl"]
    assert entry.meta == {ORIGINAL_PATH: "rows:1.jsonl.gz"}
