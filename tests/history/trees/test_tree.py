"""Trees: one canonical form, independent of order and place, and nothing else parses."""

import io
import json
import os
import random
import subprocess
import sys

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import encode
from lyrikstore.canon.limits import MAX_TREE_LINE_BYTES
from lyrikstore.history.trees.paths import TreePaths, path_offence
from lyrikstore.history.trees.tree import Tree, TreeEntry

LETTERS = st.one_of(
    st.sampled_from("abcXYZ019/._- "), st.characters(min_codepoint=0xA0, max_codepoint=0xFFFF)
)
PATHS = st.text(LETTERS, min_size=1, max_size=24).filter(lambda path: path_offence(path) is None)
STRINGS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
ENTRIES = st.builds(
    TreeEntry,
    path=PATHS,
    bytes=st.integers(0, 2**53 - 1),
    blake3=st.binary(min_size=32, max_size=32).map(Digest),
    meta=st.none() | st.dictionaries(STRINGS, STRINGS, max_size=4),
)


def tree_or_none(entries):
    try:
        return Tree.of(entries)
    except FormatError:
        return None


TREES = st.lists(ENTRIES, max_size=6).map(tree_or_none).filter(lambda tree: tree is not None)


@given(TREES)
def test_round_trip(tree):
    data = tree.encode()
    assert Tree.parse(data) == tree
    assert Tree.parse(io.BytesIO(data)).encode() == data
    assert tree.id == Digest(blake3(data).digest())
    files = Tree.of(TreeEntry(entry.path, entry.bytes, entry.blake3) for entry in tree.entries)
    assert files.id == tree.files_id


@given(ENTRIES)
def test_lines_are_rfc_8785(entry):
    members = {"path": entry.path, "bytes": entry.bytes, "blake3": entry.blake3.hex}
    assert entry.encode(with_meta=False) == encode(members) + b"\n"
    if entry.meta:
        members["meta"] = entry.meta
    assert entry.encode() == encode(members) + b"\n"


@given(TREES, st.randoms())
def test_order_of_files_and_of_metadata_does_not_matter(tree, chance):
    entries = []
    for entry in tree.entries:
        items = list((entry.meta or {}).items())
        chance.shuffle(items)
        entries.append(TreeEntry(entry.path, entry.bytes, entry.blake3, dict(items)))
    chance.shuffle(entries)
    assert Tree.of(entries).id == tree.id


def example():
    return Tree.of(
        TreeEntry(path, len(path), Digest.of(path.encode()), meta)
        for path, meta in [
            ("a.txt", {"owner": "Ünal & Söhne", "category": "Permissive"}),
            ("a/b.txt", None),
            ("ä/ö.txt", {"\U0001f600": "x", "\uff5e": "y"}),
            ("z", {"n": "1"}),
        ]
    )


def test_every_flipped_bit_gives_another_tree_or_none():
    tree = example()
    data = tree.encode()
    for position in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            try:
                other = Tree.parse(bytes(changed))
            except FormatError:
                continue
            assert other.id != tree.id
            assert other.encode() == changed


def test_every_cut_is_refused_or_another_tree():
    data = example().encode()
    for length in range(len(data)):
        try:
            assert Tree.parse(data[:length]).encode() == data[:length]
        except FormatError:
            continue


LINE = TreeEntry("a", 1, Digest.of(b"a"), {"k": "v"}).encode()
HEX = Digest.of(b"a").hex


@pytest.mark.parametrize(
    "data",
    [
        LINE + LINE,  # A11
        TreeEntry("b", 1, Digest.of(b"a")).encode() + LINE,
        LINE[:-1],
        LINE[:-1] + b"\r\n",
        LINE + b"\n",
        b"\n" + LINE,
        b"\xef\xbb\xbf" + LINE,
        LINE.replace(b'"bytes":1', b'"bytes":1.0'),
        LINE.replace(b'"bytes":1', b'"bytes":01'),
        LINE.replace(b'"bytes":1', b'"bytes":true'),
        LINE.replace(b'"bytes":1', b'"bytes":-1'),
        LINE.replace(b'"bytes":1', b'"bytes":9007199254740992'),
        LINE.replace(b'"bytes":1', b'"bytes":' + b"9" * 5000),
        LINE.replace(b'"bytes":1', b'"bytes":NaN'),
        LINE.replace(b'"bytes":1', b'"bytes":1,"bytes":1'),
        LINE.replace(b'"bytes":1', b'"bytes":1,"mode":"0644"'),
        LINE.replace(b'"bytes":1,', b'"bytes":1, '),
        LINE.replace(HEX.encode(), HEX.upper().encode()),
        LINE.replace(HEX.encode(), HEX[:12].encode()),
        LINE.replace(b'{"k":"v"}', b"{}"),
        LINE.replace(b'{"k":"v"}', b'{"k":""}'),
        LINE.replace(b'{"k":"v"}', b'{"":"v"}'),
        LINE.replace(b'{"k":"v"}', b'{"k":1}'),
        LINE.replace(b'{"k":"v"}', b'{"k":null}'),
        LINE.replace(b'{"k":"v"}', b'["k"]'),
        LINE.replace(b'{"k":"v"}', b"null"),
        LINE.replace(b'{"k":"v"}', b'{"k":"v","k":"v"}'),
        LINE.replace(b'{"k":"v"}', b'{"k":"v","a":"v"}'),
        LINE.replace(b'{"k":"v"}', b'{"k":"v""l":"v"}'),
        LINE.replace(b'{"k":"v"}', b'{"k":"v",}'),
        LINE.replace(b'{"k":"v"}', '{"\uff5e":"v","\U0001f600":"v"}'.encode()),
        LINE.replace(b'"v"', b'"\\u0076"'),
        LINE.replace(b'"v"', b'"\\ud800"'),
        LINE.replace(b'"v"', b'"\xff"'),
        LINE.replace(b'{"k":"v"}', b'{"k":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        LINE.replace(b'"path":"a"', b'"path":"../a"'),
        LINE.replace(b'"path":"a"', b'"path":["a"]'),
        LINE.replace(b'"path":"a"', b'"path":""'),
        b"[]\n",
        b"1\n",
        b"{}\n",
        LINE.decode().encode("utf-16"),
        TreeEntry("A", 1, Digest.of(b"a")).encode() + LINE,
        LINE + TreeEntry("a/b", 1, Digest.of(b"a")).encode(),
        LINE.replace(b'"v"', b'"' + b"v" * MAX_TREE_LINE_BYTES + b'"'),
    ],
    ids=range(45),
)
def test_anything_but_the_canonical_form_is_refused(data):
    with pytest.raises(FormatError) as caught:
        Tree.parse(data)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 1000


@pytest.mark.parametrize("before", [0, MAX_TREE_LINE_BYTES // 2, MAX_TREE_LINE_BYTES - 200])
def test_a_line_that_is_too_long_is_refused_wherever_it_begins(before):
    first = TreeEntry("a", 1, Digest.of(b"a"), {"k": "v" * before} if before else None).encode()
    line = TreeEntry("b", 1, Digest.of(b"b"), {"k": "v"}).encode()
    fits = line.replace(b'"v"', b'"' + b"v" * (MAX_TREE_LINE_BYTES - len(line) + 1) + b'"')
    assert len(fits) == MAX_TREE_LINE_BYTES
    assert Tree.parse(first + fits).encode() == first + fits
    for more in (1, 1000):
        with pytest.raises(FormatError):
            Tree.parse(first + fits.replace(b'"v', b'"' + b"v" * (more + 1), 1))


@given(TREES)
def test_columns_make_the_same_tree(tree):
    again = Tree.of_columns(tree.paths, list(tree.sizes), tree.digests, tree.metas)
    assert again == tree
    assert again.entries == tree.entries
    assert (again.id, again.files_id) == (tree.id, tree.files_id)
    parsed = Tree.parse(tree.encode())
    assert (parsed.id, parsed.files_id) == (tree.id, tree.files_id)
    assert parsed.entries == tree.entries


def test_paths_that_are_checked_are_not_checked_again():
    tree = example()
    assert Tree.parse(tree.encode(), like=tree.paths).paths is tree.paths
    for other in (
        TreePaths(()),
        TreePaths(["a"]),
        TreePaths([*tree.paths, "ö"]),
        TreePaths(tree.paths[:-1]),
    ):
        assert Tree.parse(tree.encode(), like=other) == tree
    for bad in ([], ["a.txt"], ["b", "a"]):
        lines = b"".join(TreeEntry(path, 0, Digest.of(b"")).encode() for path in ("b", "a"))
        with pytest.raises(FormatError):
            Tree.parse(lines, like=TreePaths(sorted(bad)))


def test_columns_are_checked():
    paths, digest = TreePaths(["a"]), Digest.of(b"a").raw
    for sizes, digests, metas in (
        ([], digest, {}),
        ([1, 2], digest, {}),
        ([1], digest[:-1], {}),
        ([1], digest * 2, {}),
        ([-1], digest, {}),
        ([2**53], digest, {}),
        ([True], digest, {}),
        ([1], digest, {0: {"k": ""}}),
        ([1], digest, {0: {"k": 1}}),
    ):
        with pytest.raises(FormatError):
            Tree.of_columns(paths, sizes, digests, metas)


def test_what_cannot_be_written_cannot_be_made():
    good = Digest.of(b"")
    for arguments in (
        ("../x", 0, good),
        ("x", -1, good),
        ("x", 1.0, good),
        ("x", 2**53, good),
        ("x", 0, good, {"a": ""}),
        ("x", 0, good, {"a": 1}),
        ("x", 0, good, {"": "a"}),
    ):
        with pytest.raises(FormatError):
            TreeEntry(*arguments)
    with pytest.raises(FormatError):
        TreeEntry("x", 0, good, {"a": "\ud800"}).encode()
    with pytest.raises(FormatError):
        TreeEntry("x", 0, good, {"a": "b" * MAX_TREE_LINE_BYTES}).encode()
    with pytest.raises(FormatError):
        Tree((TreeEntry("b", 0, good), TreeEntry("a", 0, good)))
    assert TreeEntry("x", 0, good, {}).meta is None


def test_an_endless_line_is_not_read_to_its_end():
    class Endless(io.RawIOBase):
        served = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            self.served += len(buffer)
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    stream = Endless()
    with pytest.raises(FormatError):
        Tree.parse(io.BufferedReader(stream))
    assert stream.served < 2 * MAX_TREE_LINE_BYTES


def test_the_empty_tree_is_empty_bytes():
    assert Tree(()).encode() == b""
    assert Tree.parse(b"") == Tree(())


def test_by_path_and_total():
    tree = example()
    assert tree.by_path["z"].meta == {"n": "1"}
    assert tree.total_bytes == sum(entry.bytes for entry in tree.entries)


def test_one_hundred_thousand_entries():
    digest = Digest.of(b"x")
    tree = Tree.of(TreeEntry(f"folder {i % 97}/file {i:06}.txt", i, digest) for i in range(100_000))
    data = tree.encode()
    assert Tree.parse(io.BytesIO(data)).id == tree.id


PROGRAM = """
import json, locale, os, sys
os.umask(int(sys.argv[1], 8))
try:
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    pass
from lyrikstore.canon.digest import Digest
from lyrikstore.history.trees.tree import Tree, TreeEntry
rows = json.load(sys.stdin)
print(Tree.of(TreeEntry(p, b, Digest.parse(d), m) for p, b, d, m in rows).id)
"""


def test_locale_time_zone_umask_hash_seed_and_order_do_not_matter():
    tree = example()
    rows = [[e.path, e.bytes, str(e.blake3), e.meta] for e in tree.entries]
    for seed, zone, language, mask in (
        ("0", "UTC", "C", "022"),
        ("1", "Pacific/Kiritimati", "tr_TR.UTF-8", "077"),
        ("2", "America/St_Johns", "C.UTF-8", "000"),
    ):
        random.Random(seed).shuffle(rows)
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language}
        done = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", PROGRAM, mask],
            input=json.dumps(rows),
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        )
        assert done.stdout.strip() == str(tree.id)
