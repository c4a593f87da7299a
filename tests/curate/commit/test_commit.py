"""Commit: a snapshot of a folder, and what may never get into one."""

import os
import random
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.canon.progress import Progress
from lyrikstore.curate.commit.inputs import CommitMetadata, CommitOptions
from lyrikstore.curate.descriptor import FIELDS, load_descriptor, parse_descriptor, template
from lyrikstore.curate.scan.ignore import ignored_by, parse_rules
from lyrikstore.testing.keys import signer_for
from tests import run_folder


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


def test_large_loss_needs_consent(bench: Any) -> None:
    bench.write({f"{n}.txt": str(n) for n in range(10)})
    bench.commit()
    for n in range(3):
        (bench.data / f"{n}.txt").unlink()
    with pytest.raises(InvalidInputError) as caught:
        bench.commit()
    assert caught.value.kind == "large-loss"
    assert "--yes" in caught.value.hint
    assert len(caught.value.details["removed"]) == 3
    assert bench.commit(allow=CommitOptions(loss=True)).removed == ("0.txt", "1.txt", "2.txt")
    (bench.data / "3.txt").unlink()
    assert bench.commit().removed == ("3.txt",)


def test_dry_run_writes_nothing(bench: Any) -> None:
    bench.write({"a.txt": "x"})
    count = len(entries_of(bench))
    told: list[Progress] = []
    result = bench.commit(dry_run=True, progress=told.append)
    assert result.bytes_read == result.bytes
    assert (told[-1].done, told[-1].bytes) == (result.files, result.bytes)
    assert result.manifest is None
    assert result.added == ("a.txt",)
    assert len(entries_of(bench)) == count


def _fifo(data: Path) -> None:
    os.mkfifo(data / "pipe")


def _socket(data: Path) -> None:
    here = Path.cwd()
    os.chdir(data)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("sock")
    finally:
        os.chdir(here)


def _device(data: Path) -> None:
    try:
        os.mknod(data / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("may not make devices")


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (_fifo, "fifo"),
        (_device, "device"),
        (_socket, "socket"),
        (lambda data: (data / "link").symlink_to("/etc/passwd"), "symlink-outside"),
        (lambda data: (data / "link").symlink_to("a.txt"), "symlink"),
        (lambda data: (data / "link").symlink_to("absent"), "symlink-broken"),
        (lambda data: (data / "A.TXT").write_text("x"), "twin"),
        (lambda data: [(data / n).write_text("x") for n in ("caf\u00e9", "cafe\u0301")], "twin"),
        (lambda data: (data / "a\nb").write_text("x"), "control"),
        (lambda data: Path(os.fsdecode(os.fsencode(data) + b"/\xff")).write_text("x"), "not-text"),
        (lambda data: (data / "aux.txt").write_text("x"), "device"),
        (lambda data: ((data / ".git").mkdir(), (data / ".git/config").write_text("x")),
         "lookalike"),
    ],
)  # fmt: skip
def test_what_cannot_go_in_is_named_before_anything_is_written(
    bench: Any, make: Callable[[Path], object], kind: str
) -> None:
    bench.write({"a.txt": "one"})
    make(bench.data)
    packs = sorted(path.name for path in bench.repo.root.rglob("*"))
    with pytest.raises(InvalidInputError) as caught:
        bench.commit()
    assert caught.value.kind == "bad-files"
    assert kind in {offender["kind"] for offender in caught.value.details["offenders"]}
    assert all(offender["hint"] for offender in caught.value.details["offenders"])
    assert "\n" not in caught.value.message
    assert sorted(path.name for path in bench.repo.root.rglob("*")) == packs
    # and naming it in the ignore file is a way out
    bench.write({".lyrikignore": "/*\n!/a.txt\n"})
    result = bench.commit()
    assert list(bench.repo.tree(result.current).by_path) == ["a.txt"]
    assert len(result.ignored) >= 2


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_unreadable_files_are_named(bench: Any) -> None:
    from tests.curate.scanning import scan

    bench.write({"a.txt": "one", "b.txt": "two", "d/c.txt": "x"})
    for path in (bench.root, *bench.root.parents):
        if path.owner() == "root" and path.is_relative_to(run_folder.current()):
            path.chmod(0o755)
    (bench.data / "b.txt").chmod(0)
    (bench.data / "d").chmod(0)
    os.seteuid(65534)
    try:
        found = scan(bench.data)
    finally:
        os.seteuid(0)
    assert {o.path: o.kind for o in found.offenders} == {
        "b.txt": "unreadable",
        "d/": "folder-unreadable",
    }


def test_follow_links_stays_inside(bench: Any) -> None:
    bench.write({"d/a.txt": "one"})
    (bench.data / "link.txt").symlink_to("d/a.txt")
    result = bench.commit(allow=CommitOptions(links=True))
    by_path = bench.repo.tree(result.current).by_path
    assert by_path["link.txt"].blake3 == by_path["d/a.txt"].blake3
    (bench.data / "d" / "up").symlink_to("..")
    with pytest.raises(InvalidInputError, match="a folder it is in"):
        bench.commit(allow=CommitOptions(links=True))


def test_orphan_rows_block_unless_waived(bench: Any) -> None:
    bench.write({"a.txt": "one", "b.txt": "two"})
    sheet = bench.sheet([["path", "k"], ["a.txt", "x"], ["gone.txt", "y"]])
    with pytest.raises(InvalidInputError) as caught:
        bench.commit(stated=CommitMetadata(sheet=sheet))
    assert caught.value.kind == "orphan-rows"
    assert "gone.txt" in caught.value.message
    assert caught.value.details["orphanFiles"] == ["b.txt"]
    result = bench.commit(stated=CommitMetadata(sheet=sheet), allow=CommitOptions(orphans=True))
    assert [row.key for row in result.orphan_rows] == ["gone.txt"]
    assert result.manifest is not None
    assert result.manifest.attachments_in("orphans")


def test_sheet_and_store_inside_the_folder_are_left_out_and_listed(bench: Any) -> None:
    bench.write({"a.txt": "one", "meta.csv": "path,k\na.txt,x\n", ".lyrikignore": "*.bak\n"})
    bench.write({"old.bak": "x"})
    result = bench.commit(stated=CommitMetadata(sheet=bench.data / "meta.csv"))
    assert {item.path: item.reason for item in result.ignored} == {
        ".lyrikignore": "the ignore file",
        "meta.csv": "the metadata sheet",
        "old.bak": ".lyrikignore line 1",
    }
    assert list(bench.repo.tree(result.current).by_path) == ["a.txt"]
    assert result.manifest is not None
    assert result.manifest.body["ignored"] == 3


@pytest.mark.parametrize(
    ("name", "stated", "kind"),
    [
        ("acme/docs", {"licence": "CC-BY-5.0"}, "bad-licence"),
        ("acme/docs", {"licence": "MIT AND"}, "bad-licence"),
        ("acme/docs", {"reader": "pdf/1"}, "no-reader"),
        ("runs/acme/x", {}, "bad-name"),
        ("Acme/x", {}, "bad-name"),
        ("checkpoints/acme/base", {}, "no-weights"),
    ],
)
def test_bad_arguments(bench: Any, name: str, stated: dict[str, Any], kind: str) -> None:
    bench.write({"a.txt": "one"})
    with pytest.raises(InvalidInputError) as caught:
        bench.commit(name, stated=CommitMetadata(**stated))
    assert caught.value.kind == kind
    assert caught.value.hint


def test_empty_and_absent_folders(bench: Any) -> None:
    with pytest.raises(InvalidInputError, match="no files to commit"):
        bench.commit()
    bench.data.rmdir()
    with pytest.raises(NotFoundError, match="there is no file or folder"):
        bench.commit()


def test_checkpoints_are_imported_without_pickles(bench: Any) -> None:
    bench.write({"model.safetensors": b"\x08\0\0\0\0\0\0\0{}      ", "config.json": "{}"})
    result = bench.commit(
        "checkpoints/acme/base", stated=CommitMetadata(licence="Apache-2.0, as its card says")
    )
    assert result.manifest is not None
    assert result.manifest.body["origin"] == "imported"
    assert result.manifest.body["rights"]["asserted"].startswith("Apache-2.0")
    sums = result.manifest.attachments_in("sha256sums")[0]
    assert b"  config.json\n" in bench.repo.blobs.read(sums.id, max_bytes=1 << 20)
    for name, data in (("x.bin", b"abc"), ("innocent", b"\x80\x04\x95"), ("y", b"PK\x03\x04")):
        bench.write({name: data})
        with pytest.raises(InvalidInputError) as caught:
            bench.commit("checkpoints/acme/base")
        assert caught.value.kind == "pickle"
        (bench.data / name).unlink()


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
        ({"biases": {"state": "unknown", "reason": "r", "value": 1}}, "at once"),
        ({"biases": ""}, "empty"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            parse_descriptor(bad)
        assert words in caught.value.message + caught.value.hint
    path.write_text(template())
    assert load_descriptor(path) == {}


@pytest.mark.parametrize(
    ("rules", "path", "folder", "out"),
    [
        ("*.bak", "a/b.bak", False, True),
        ("/*.bak", "a/b.bak", False, False),
        ("a/*.bak", "a/b.bak", False, True),
        ("tmp/", "tmp", True, True),
        ("tmp/", "tmp", False, False),
        ("**/x", "a/b/x", False, True),
        ("a/**", "a/b/c", False, True),
        ("a/**/c", "a/c", False, True),
        ("*.txt\n!keep.txt", "keep.txt", False, False),
        ("# note\n\n\\#x", "#x", False, True),
        ("?.txt", "ab.txt", False, False),
        ("*.TXT", "a.txt", False, False),
    ],
)
def test_ignore_rules(rules: str, path: str, folder: bool, out: bool) -> None:
    assert (ignored_by(path, parse_rules(rules), is_folder=folder) is not None) is out


def test_public_keys_are_test_keys() -> None:
    assert signer_for("owner").did != signer_for("log").did


def test_a_safetensors_header_whose_length_looks_like_a_pickle_is_no_pickle(bench: Any) -> None:
    header = b"{" + b" " * 0x27E + b"}"  # 0x0280 bytes: the file starts 80 02, as pickles do
    bench.write({"model.safetensors": len(header).to_bytes(8, "little") + header})
    assert bench.commit("checkpoints/acme/base").manifest is not None
    bench.write({"model.safetensors": b"\x80\x02}q\x00X\x01\x00\x00\x00a."})
    with pytest.raises(InvalidInputError) as caught:
        bench.commit("checkpoints/acme/base")
    assert caught.value.kind == "pickle"


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
    told = caught.value.message.removeprefix(f"{bench.data}: ")
    assert len(told) < 240, told
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
    from lyrikstore.curate.commit.statement import formats

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
