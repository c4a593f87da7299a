"""Differences of two trees, found in their bytes: the same as those of what they say."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.history.trees.diff import differences
from lyrikstore.history.trees.tree import Tree, TreeEntry

NAMES = st.sampled_from(["a", "a-", 'q"z', "é", "𐀀", "\uffe0", "a" * 200, "b/c", 'path":'])
FILES = st.dictionaries(
    st.tuples(NAMES, st.integers(0, 30)).map(lambda pair: f"d/{pair[0]}x{pair[1]}"),
    st.tuples(st.integers(0, 3), st.sampled_from([None, {"path": "x"}, {'"path":"': 'y"}'}])),
    max_size=60,
)


def tree(files: Mapping[str, tuple[int, Mapping[str, str] | None]]) -> bytes:
    return Tree.of(
        TreeEntry(path.replace(":", ""), 10**what, Digest.of(bytes([what])), meta)
        for path, (what, meta) in files.items()
    ).encode()


@given(FILES, FILES, FILES)
def test_differences_are_those_of_the_entries(common: dict, one: dict, two: dict) -> None:
    old, new = tree({**common, **one}), tree({**common, **two})
    was, now = ({e.path: e for e in Tree.parse(data).entries} for data in (old, new))
    found = list(differences(old, new))
    expected = [path for path in sorted({*was, *now}) if was.get(path) != now.get(path)]
    assert [item.path for item in found] == expected
    for item in found:
        assert item.old == (was[item.path].encode() if item.path in was else b"")
        assert item.new == (now[item.path].encode() if item.path in now else b"")
    for item in reversed(found):  # and they say where
        new = new[: item.at] + item.old + new[item.at + len(item.new) :]
    assert new == old


@pytest.mark.parametrize(
    "line",
    [b"{}\n", b'{"path":"a"}', b'"path":"a\\x"}\n', b'"path":"\\ud800"}\n', b"\n", b"x"],
)
def test_what_is_no_entry_is_refused(line: bytes) -> None:
    with pytest.raises(FormatError):
        list(differences(line, b""))
    with pytest.raises(FormatError):
        list(differences(b"", line))


def test_equal_trees_and_large_ones() -> None:
    data = tree({f"{number:05}": (number % 4, None) for number in range(30_000)})
    assert list(differences(data, data)) == []
    lines = data.splitlines(keepends=True)
    for number in (0, 15_000, 29_999):
        other = b"".join((*lines[:number], *lines[number + 1 :]))
        (gone,) = differences(data, other)
        assert (gone.old, gone.new) == (lines[number], b"")
