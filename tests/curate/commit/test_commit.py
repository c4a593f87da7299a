"""Commit: a snapshot of a folder, of any size and while it changes."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.progress import Progress
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.descriptor import FIELDS, load_descriptor, parse_descriptor, template
from lyrikstore.testing.keys import signer_for


def entries_of(bench: Any) -> list[Any]:
    bench.repo.refresh()
    return list(bench.repo.entries())


def test_commit_joins_the_sheet_and_logs_once(bench: Any) -> None:
    bench.write({"a.txt": "one", "d/b.txt": "two", "c.txt": ""})
    sheet = bench.sheet([["path", "kind"], ["a.txt", "x"], ["b.txt", "y"]])
    stated = CommitMetadata(sheet=sheet, licence="CC-BY-4.0")
    seen: list[Progress] = []
    first = bench.commit(stated=stated, progress=seen.append)
    assert first.manifest is not None
    assert first.log_index == 2
    assert first.added == ("a.txt", "c.txt", "d/b.txt")
    assert first.orphan_files == ("c.txt",)
    assert bench.repo.tree(first.current).by_path["d/b.txt"].meta == {"kind": "y"}
    assert seen[-1] == Progress(3, 3, 6)
    body = first.manifest.body
    assert body["licence"] == {"expression": "CC-BY-4.0"}
    assert body["metadata"]["columns"] == ["kind"]
    assert body["metadata"]["orphanFiles"] == 1
    assert set(body["descriptor"]) == set(FIELDS)
    assert body["descriptor"]["stats"]["value"]["files"] == 3
    assert bench.repo.tree(first.manifest).id == first.tree_id
    count = len(entries_of(bench))
    again = bench.commit(stated=stated)
    assert again.manifest is None
    assert again.current is not None
    assert again.current.id == first.manifest.id
    assert len(entries_of(bench)) == count


def test_same_table_as_csv_and_xlsx_gives_one_version(
    bench: Any, write_xlsx: Callable[..., Path]
) -> None:
    bench.write({"a.txt": "one"})
    first = bench.commit(stated=CommitMetadata(sheet=bench.sheet([["path", "n"], ["a.txt", "3"]])))
    again = bench.commit(stated=CommitMetadata(sheet=write_xlsx([["path", "n"], ["a.txt", 3]])))
    assert again.manifest is None
    assert again.tree_id == first.tree_id


def test_tree_id_ignores_order_times_and_modes(bench: Any) -> None:
    files = {f"{n % 7}/{n}.txt": str(n) for n in range(40)}
    bench.write(files)
    first = bench.commit()
    for path in bench.data.rglob("*.txt"):
        path.unlink()
    names = list(files)
    random.Random(1).shuffle(names)
    old = os.umask(0o077)
    try:
        bench.write({name: files[name] for name in names})
    finally:
        os.umask(old)
    for path in bench.data.rglob("*.txt"):
        os.utime(path, (10**9, 10**9))
    assert bench.commit().tree_id == first.tree_id
    bench.write({"0/0.txt": "00"})
    changed = bench.commit()
    assert changed.tree_id != first.tree_id
    assert changed.changed == ("0/0.txt",)


def test_dry_run_writes_nothing(bench: Any) -> None:
    bench.write({"a.txt": "x"})
    count = len(entries_of(bench))
    reported: list[Progress] = []
    result = bench.commit(dry_run=True, progress=reported.append)
    assert result.bytes_read == result.bytes
    assert (reported[-1].done, reported[-1].bytes) == (result.files, result.bytes)
    assert result.manifest is None
    assert result.added == ("a.txt",)
    assert len(entries_of(bench)) == count


def test_descriptor_states_everything(bench: Any, tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    path.write_text(
        'originGeography = ["US"]\nbiases = 0.5\n[consents]\nstate = "not-applicable"\n'
        'reason = "no personal data"\n[retention]\nstate = "unknown"\nreason = "asked"\n'
    )
    bench.write({"a.txt": "x"})
    result = bench.commit(stated=CommitMetadata(descriptor=load_descriptor(path)))
    assert result.manifest is not None
    fields = result.manifest.body["descriptor"]
    assert fields["originGeography"] == {
        "state": "value",
        "value": ["US"],
        "basis": "human-asserted",
    }
    assert fields["biases"]["value"] == "0.5"
    assert fields["consents"]["state"] == "not-applicable"
    assert fields["purposes"] == {"state": "unknown", "reason": "not stated by the publisher"}
    assert fields["derivedFrom"]["state"] == "not-applicable"
    for bad, words in (
        ({"purpose": "x"}, "purposes"),
        ({"stats": 1}, "measured"),
        ({"biases": {"state": "unknown"}}, "without a reason"),
        ({"biases": {"state": "unknown", "reason": "r", "value": 1}}, "cannot have a value"),
        ({"biases": ""}, "empty"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            parse_descriptor(bad)
        assert words in caught.value.message + caught.value.hint
    path.write_text(template())
    assert load_descriptor(path) == {}


def test_public_keys_are_test_keys() -> None:
    assert signer_for("owner").did != signer_for("log").did


def test_a_poisoned_cache_inside_the_store_is_never_read(bench: Any) -> None:
    cache = bench.root / "cache"
    bench.write({"a.txt": "one", "b.txt": "two"})
    for path in bench.data.iterdir():
        os.utime(path, (10**9, 10**9))
    bench.commit(cache_dir=cache)
    assert not (bench.repo.root / "cache" / "stat").exists()
    assert bench.commit(cache_dir=cache).manifest is None
    bench.write({"b.txt": "three"})
    assert bench.commit(cache_dir=cache).changed == ("b.txt",)


@pytest.mark.ci
def test_deep_folders_and_big_folders(bench: Any) -> None:
    from lyrikstore.curate.scan.walk import MAX_DEPTH
    from tests.curate.scanning import scan

    place = bench.data
    for _ in range(MAX_DEPTH):
        place /= "d"
        place.mkdir()
    (place / "f").write_text("x")
    assert bench.commit().files == 1
    here = os.open(place, os.O_RDONLY)
    try:
        for _ in range(400 - MAX_DEPTH):
            os.mkdir("d", dir_fd=here)
            deeper = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = deeper
    finally:
        os.close(here)
    with pytest.raises(InvalidInputError) as caught:
        bench.commit()
    assert caught.value.details["offenders"][0]["kind"] == "too-deep"
    reported = caught.value.message.removeprefix(f"{bench.data}: ")
    assert len(reported) < 240, reported
    bench.write({".lyrikignore": "/d/\n"})
    big = bench.data / "big"
    big.mkdir()
    folder = os.open(big, os.O_RDONLY)
    for number in range(100_000):
        os.mknod(f"{number:06}", 0o100644, dir_fd=folder)
    os.close(folder)
    found = scan(bench.data)
    assert len(found.paths) == 100_000
    assert found.paths[0] == "big/000000"
    assert not any(found.sizes)
    assert not found.offenders
    shutil.rmtree(big)  # or it would be kept with the test's folder


def test_paths_come_in_the_order_of_the_tree(bench: Any) -> None:
    from tests.curate.scanning import scan

    bench.write(dict.fromkeys(("a/b", "a.txt", "a b", "a-", "a0", "Z/z", "b/a/c", "b/a.c"), "x"))
    (bench.data / "a1").symlink_to("b")
    found = scan(bench.data, follow_links=True)
    assert list(found.paths) == sorted(found.paths)
    assert "a1/a/c" in found.paths


def test_hard_links_sparse_and_empty_files(bench: Any) -> None:
    bench.write({"a.txt": "one", "empty": ""})
    (bench.data / "hard.txt").hardlink_to(bench.data / "a.txt")
    with (bench.data / "sparse").open("wb") as file:
        file.truncate(30 << 20)
    tree = bench.repo.tree(bench.commit().manifest)
    by_path = tree.by_path
    assert by_path["hard.txt"].blake3 == by_path["a.txt"].blake3
    assert by_path["sparse"].bytes == 30 << 20
    assert bench.repo.blobs.open(by_path["sparse"].blake3).read() == bytes(30 << 20)


@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite", "vanish", "fifo"])
def test_files_that_change_under_the_reader_are_refused_or_read_as_they_are(
    bench: Any, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lyrikstore.curate.commit import admission

    bench.write({"a.txt": "one", "b.txt": "two"})
    judge = admission.judge

    def meddle(*arguments: Any, **options: Any) -> Any:
        found = judge(*arguments, **options)
        place = bench.data / "b.txt"
        place.unlink()
        if change == "fifo":
            os.mkfifo(place)
        elif change != "vanish":
            place.write_text({"grow": "two and more", "shrink": "t", "rewrite": "owt"}[change])
        return found

    monkeypatch.setattr(admission, "judge", meddle)
    cache = bench.root / "cache"
    count = len(entries_of(bench))
    if change in {"vanish", "fifo"}:
        with pytest.raises(InvalidInputError) as caught:
            bench.commit(cache_dir=cache)
        assert caught.value.kind in {"file-missing", "file-unreadable", "not-a-file"}
        assert len(entries_of(bench)) == count
        return
    made = bench.commit(cache_dir=cache)
    text = (bench.data / "b.txt").read_bytes()
    entry = bench.repo.tree(made.manifest).by_path["b.txt"]
    assert entry.bytes == len(text)
    assert bench.repo.blobs.read(entry.blake3, max_bytes=100) == text
    monkeypatch.setattr(admission, "judge", judge)
    again = bench.commit(cache_dir=cache)
    assert again.manifest is None


def test_formats_are_suffixes_in_lower_case() -> None:
    from lyrikstore.verify.datasets.files import formats

    paths = ["a.TXT", "d.x/b.txt", "d.x/b", ".bashrc", "d/.b.tar.GZ", "c"]
    assert formats(paths) == {".txt": 2, "none": 3, ".gz": 1}


def test_changed_paths_of_any_two_trees() -> None:
    from lyrikstore.canon.digest import Digest
    from lyrikstore.curate.commit.statement import changed_paths
    from lyrikstore.history.trees.tree import Tree, TreeEntry

    chance = random.Random(5)
    for _ in range(12):
        one, two = (
            Tree.of(
                TreeEntry(f"{n:04}", 1, Digest.of(chance.choice([b"a", b"a", b"b"])), meta)
                for n in range(2500)
                if full or chance.random() < 0.99
                for meta in [chance.choice([None, None, {"k": "v"}]) if metas else None]
            )
            for full, metas in [chance.choice([(True, False), (True, True), (False, True)])]
            for _ in range(2)
        )
        added, removed, changed = changed_paths(one.encode(), two)
        old, new = one.by_path, two.by_path
        assert added == tuple(path for path in new if path not in old)
        assert removed == tuple(path for path in old if path not in new)
        assert changed == tuple(p for p in new if p in old and old[p] != new[p])
    assert changed_paths(b"", one) == (tuple(one.paths), (), ())
