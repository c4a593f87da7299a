"""The copy that a drill attacks: the store keeps its bytes and modes."""

import os
from pathlib import Path

import pytest

from lyrikstore.audit.drill.copy import StoreCopy, attacked
from lyrikstore.canon.errors import StorageError

PACK = "packs/00/one.pack"


def state(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def store(tmp_path: Path) -> Path:
    root = tmp_path / "original"
    for name in (PACK, "log/checkpoint", "format"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    (root / PACK).chmod(0o444)
    return root


@pytest.mark.parametrize("links", [True, False])
def test_changes_do_not_reach_the_store(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    before = state(store)
    copy = StoreCopy(store, tmp_path / "work")
    unchanged = state(copy.root)
    assert copy.root.joinpath(PACK).samefile(store / PACK) is links
    with attacked(copy):
        copy.write(PACK, b"other")
        copy.write(PACK, b"another")
        copy.remove("format")
        copy.write("tx/planted", b"x")
        assert copy.read(PACK) == b"another"
        assert not (copy.root / "format").exists()
        assert state(store) == before
    assert state(copy.root) == unchanged
    assert state(store) == before


def test_no_space_for_a_copy(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lyrikstore.audit.drill.copy._free", lambda _: 0)
    with pytest.raises(StorageError) as caught:
        StoreCopy(store, tmp_path / "work")
    assert caught.value.kind == "disk-full"
