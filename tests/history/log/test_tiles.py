"""Tile paths and contents: arithmetic, purity, and a reader that knows only the tiles."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.history.log import merkle
from lyrikstore.history.log.tiles import (
    TILE_WIDTH,
    encode_entries,
    entries_path,
    new_files,
    tile_path,
)
from tests.kinds import refused
from tests.sweep import examples


def log_of(size: int) -> tuple[list[bytes], list[bytes]]:
    entries = [f"entry {i}".encode() for i in range(size)]
    return entries, [merkle.leaf_hash(entry) for entry in entries]


def files_of(size: int, old: int = 0) -> dict[str, bytes]:
    entries, hashes = log_of(size)
    return dict(new_files(entries, hashes, old))


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 0, 1, "tile/0/000.p/1"),
        (0, 999, 256, "tile/0/999"),
        (1, 1000, 255, "tile/1/x001/000.p/255"),
        (0, 1234067, 256, "tile/0/x001/x234/067"),
        (63, 1_000_000_000, 256, "tile/63/x001/x000/x000/000"),
    ],
)
def test_tile_paths(level, index, width, path):
    assert tile_path(level, index, width) == path


def test_entry_paths():
    assert entries_path(1234067) == "tile/entries/x001/x234/067"
    assert entries_path(0, 112) == "tile/entries/000.p/112"


@pytest.mark.parametrize(
    ("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)]
)
def test_paths_that_do_not_exist(level, index, width):
    with refused("bad-tile"):
        tile_path(level, index, width)


def test_entries_encoding():
    assert encode_entries([b"ab", b"", b"c"]) == b"\x00\x02ab\x00\x00\x00\x01c"
    with refused("bad-leaf"):
        encode_entries([b"x" * 65_536])


def test_small_log():
    entries, hashes = log_of(3)
    assert dict(new_files(entries, hashes, 0)) == {
        "tile/entries/000.p/3": encode_entries(entries),
        "tile/0/000.p/3": b"".join(hashes),
    }


def test_full_tiles_grow_a_level():
    _, hashes = log_of(600)
    files = files_of(600)
    assert set(files) == {
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/88",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
    }
    assert files["tile/1/000.p/2"] == merkle.root(hashes[:256]) + merkle.root(hashes[256:512])
    assert len(files["tile/0/000"]) == 8192


def test_nothing_new_means_no_files():
    assert files_of(300, 300) == {}


def test_sizes_must_fit():
    entries, hashes = log_of(3)
    with pytest.raises(InvalidInputError):
        list(new_files(entries, hashes, 4))
    with pytest.raises(InvalidInputError):
        list(new_files(entries, hashes[:2], 0))


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=4))
def test_growing_in_steps_gives_what_one_step_gives(steps):
    grown: dict[str, bytes] = {}
    size = 0
    for step in steps:
        for path, data in files_of(size + step, size).items():
            assert grown.setdefault(path, data) == data
        size += step
    whole = files_of(size)
    assert {path: grown[path] for path in whole} == whole


@settings(max_examples=examples(20), deadline=None)
@given(st.integers(1, 1500))
def test_the_root_follows_from_the_tiles_alone(size):
    files = files_of(size)

    def node(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, 8)
        start = index << height
        tile, offset = divmod(start, TILE_WIDTH)
        count = size >> (8 * tile_level)
        data = files[tile_path(tile_level, tile, min(TILE_WIDTH, count - tile * TILE_WIDTH))]
        return merkle.root(
            data[32 * i : 32 * i + 32] for i in range(offset, offset + (1 << height))
        )

    # From the largest perfect subtree to the smallest: one for each bit of the size.
    levels = [level for level in range(size.bit_length(), -1, -1) if size >> level & 1]
    nodes = [node(level, (size >> level) - 1) for level in levels]
    assert merkle.fold(nodes) == merkle.root(log_of(size)[1])


def test_a_third_level(monkeypatch):
    hashes = [bytes([i % 251]) * 32 for i in range(65_537)]
    entries = [b""] * len(hashes)
    files = dict(new_files(entries, hashes, 65_535))
    assert set(files) == {
        "tile/entries/255",
        "tile/entries/256.p/1",
        "tile/0/255",
        "tile/0/256.p/1",
        "tile/1/000",
        "tile/2/000.p/1",
    }
    assert files["tile/2/000.p/1"] == merkle.root(hashes[:65_536])
