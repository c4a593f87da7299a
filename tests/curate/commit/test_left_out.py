"""What may never get into a commit, or only with consent: each is named."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.curate.commit.inputs import CommitMetadata, CommitOptions
from lyrikstore.curate.scan.ignore import ignored_by, parse_rules
from tests import run_folder


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


def test_a_safetensors_header_whose_length_looks_like_a_pickle_is_no_pickle(bench: Any) -> None:
    header = b"{" + b" " * 0x27E + b"}"  # 0x0280 bytes: the file starts 80 02, as pickles do
    bench.write({"model.safetensors": len(header).to_bytes(8, "little") + header})
    assert bench.commit("checkpoints/acme/base").manifest is not None
    bench.write({"model.safetensors": b"\x80\x02}q\x00X\x01\x00\x00\x00a."})
    with pytest.raises(InvalidInputError) as caught:
        bench.commit("checkpoints/acme/base")
    assert caught.value.kind == "pickle"
