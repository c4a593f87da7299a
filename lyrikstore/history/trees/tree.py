"""Trees: the files of a version, with path, size, digest and metadata (spec/05-trees.md).

A tree is JSON Lines in one canonical form, so that its BLAKE3 is the identity of a dataset's or
checkpoint's content: the same files and metadata give the same id whatever order, clock, umask or
locale they came with. In memory it is columns: a million files are a few large objects, and an
operation on all of them takes few calls.
"""

import io
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from json.encoder import encode_basestring as quote
from operator import eq
from typing import Any, BinaryIO, Self

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import MAX_INTEGER
from lyrikstore.canon.limits import MAX_TREE_ENTRIES, MAX_TREE_LINE_BYTES
from lyrikstore.canon.text import pluralize
from lyrikstore.history.trees.paths import TreePaths
from lyrikstore.history.trees.tree_entry import (
    NO_META,
    TreeEntry,
    check_size,
    checked_meta,
    encode_line,
    parse_line,
    trusted_entry,
)

__all__ = ["Tree", "TreeEntry", "pairs"]


_BLOCK = 1 << 10  # lines encoded at a time: few enough to stay in the processor's cache

# What RFC 8785 writes, so that a match is canonical: a string without escapes stands for itself.
_TEXT = r'[^"\\\x00-\x1f]++'
_MEMBER = f'"{_TEXT}":"{_TEXT}"'
_PAIR = re.compile(f'"({_TEXT})":"({_TEXT})"')
_HEAD = r'\{"blake3":"([0-9a-f]{64})","bytes":(0|[1-9][0-9]{0,15}),'
_PATH = f'"path":"({_TEXT})"\\}}'
_LINE = re.compile(rf'{_HEAD}(?:"meta":\{{({_MEMBER}(?:,{_MEMBER})*+)\}},)?{_PATH}')
_PLAIN = re.compile(f"{_HEAD}{_PATH}\n")
_PLAIN_FORM = '{"blake3":"%s","bytes":%d,"path":"%s"}\n'
_PLAIN_FRAME = len('{"blake3":"","bytes":,"path":""}\n') + 64


class Tree:
    """All files of one version.

    Laws: ``Tree.parse(t.encode()) == t``; ``Tree.parse(b).encode() == b`` for every ``b`` that
    parses; two trees are equal iff their ids are.

    Args:
        entries: In path order; :meth:`of` sorts.

    Attributes:
        paths: The paths, in order.
        sizes: The files' lengths, in the same order.
        digests: Their digests, 32 bytes each, in the same order.
        metas: Position → metadata, for files that have metadata; treat as read-only.

    Raises:
        FormatError: (``bad-tree``) two entries have the same path, or paths that some file system
            cannot keep apart; or they are out of order.
    """

    paths: TreePaths
    sizes: "array[int]"
    digests: bytes
    metas: Mapping[int, Mapping[str, str]]

    def __init__(self, entries: Iterable[TreeEntry]) -> None:
        given = tuple(entries)
        _check_count(len(given))
        self.paths = TreePaths(entry.path for entry in given)
        self.sizes = array("q", [entry.bytes for entry in given])
        self.digests = b"".join([entry.blake3.raw for entry in given])
        self.metas = {at: entry.meta for at, entry in enumerate(given) if entry.meta}

    @classmethod
    def of(cls, entries: Iterable[TreeEntry]) -> Self:
        """Return the tree of ``entries``, given in any order.

        Raises:
            FormatError: (``bad-tree``) two entries have the same path or paths that some file
                system cannot keep apart.
        """
        return cls(sorted(entries, key=lambda entry: entry.path))

    @classmethod
    def of_columns(
        cls,
        paths: TreePaths,
        sizes: Sequence[int],
        digests: bytes,
        metas: Mapping[int, Mapping[str, str]] | None = None,
        data: bytes | None = None,
    ) -> Self:
        """Return the tree of many files at once.

        Args:
            paths: The paths.
            sizes: Their lengths in bytes, in the same order.
            digests: Their digests, 32 bytes each, in the same order.
            metas: Position in ``paths`` → metadata, for files that have metadata.
            data: The result of :meth:`encode`, if the caller has it already; the caller
                guarantees that it is correct.

        Raises:
            FormatError: (``bad-tree``) the columns differ in length, or a size or metadata is not
                valid.

        Cost: O(1) per file; no object per file except its path.
        """
        if not len(paths) == len(sizes) == len(digests) / 32:
            raise FormatError("bad-tree", "the columns of a tree differ in length")
        whole = isinstance(sizes, array) and sizes.typecode == "q"
        if not whole or min(sizes, default=0) < 0 or max(sizes, default=0) > MAX_INTEGER:
            for path, size in zip(paths, sizes, strict=True):
                check_size(size, path)
        checked = {
            at: found
            for at, meta in sorted((metas or {}).items())
            if (found := checked_meta(meta, paths[at]))
        }
        _check_count(len(paths))
        tree = cls(())
        tree.paths, tree.sizes = paths, array("q", sizes)
        tree.digests, tree.metas = bytes(digests), checked
        if data is not None:
            tree.__dict__["_data"] = data
        return tree

    @classmethod
    def parse(cls, data: bytes | BinaryIO, *, like: TreePaths | None = None) -> Self:
        """Return the tree in ``data``.

        Args:
            data: The bytes, or a stream at their start; a stream is read to its end, so that a
                reader that checks a digest at the end does so.
            like: Checked paths: if the tree has exactly these, they are neither checked again nor
                stored twice.

        Raises:
            FormatError: (``bad-tree``, ``bad-path``, ``bad-digest``) the bytes are not in canonical
                form: not sorted, a duplicate, an unknown member, other white space, a missing last
                newline.

        Cost: O(n), both ids included. The length of a line is checked before it is stored.
        """
        stream = io.BytesIO(data) if isinstance(data, bytes) else data
        found = _Columns()
        rest = b""
        while block := stream.read(MAX_TREE_LINE_BYTES):
            end = block.rfind(b"\n") + 1
            if end:
                found.add(rest + block[:end])
                rest = b""
            rest += block[end:]
            if len(rest) >= MAX_TREE_LINE_BYTES:
                raise FormatError("bad-tree", f"line {len(found.paths) + 1} is too long")
        if rest:
            number = len(found.paths) + 1
            raise FormatError("bad-tree", f"line {number} has no newline at its end")
        tree = cls(())
        same = (
            like is not None and len(like) == len(found.paths) and all(map(eq, like, found.paths))
        )
        tree.paths = like if same and like is not None else TreePaths(found.paths)
        tree.sizes = found.sizes
        tree.digests, tree.metas = bytes(found.digests), found.metas
        tree.__dict__["_ids"] = found.ids()
        return tree

    def encode(self) -> bytes:
        """Return the canonical bytes, whose BLAKE3 is :attr:`id`."""
        given: bytes | None = self.__dict__.get("_data")
        data = b"".join(self._blocks(self.metas)) if given is None else given
        if not self.metas and "_ids" not in self.__dict__:
            whole = Digest.of(data)
            self.__dict__["_ids"] = (whole, whole)  # known now, so not worked out again
        return data

    @property
    def id(self) -> Digest:
        """The content identity: files and metadata."""
        return self._ids[0]

    @property
    def files_id(self) -> Digest:
        """The id of the same tree without ``meta``, to which a plain folder can be compared."""
        return self._ids[1]

    @cached_property
    def entries(self) -> tuple[TreeEntry, ...]:
        """The entries, in order; created on first use."""
        raw, get = self.digests, self.metas.get
        return tuple(
            trusted_entry(path, size, Digest(raw[at * 32 : at * 32 + 32]), get(at))
            for at, (path, size) in enumerate(zip(self.paths, self.sizes, strict=True))
        )

    @cached_property
    def by_path(self) -> Mapping[str, TreeEntry]:
        """The entries by path, in order."""
        return dict(zip(self.paths, self.entries, strict=True))

    @cached_property
    def total_bytes(self) -> int:
        """Total length of the files."""
        return sum(self.sizes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tree):
            return NotImplemented
        return (self.paths, self.sizes, self.digests, self.metas) == (
            other.paths,
            other.sizes,
            other.digests,
            other.metas,
        )

    def __hash__(self) -> int:
        return hash(self.id)

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        return f"<Tree of {pluralize(len(self.paths), 'file')}>"

    @cached_property
    def _ids(self) -> tuple[Digest, Digest]:
        whole = (
            Digest.of(self.encode())
            if "_data" in self.__dict__
            else _hash(self._blocks(self.metas))
        )
        return whole, _hash(self._blocks({})) if self.metas else whole

    def _blocks(self, metas: Mapping[int, Mapping[str, str]]) -> Iterator[bytes]:
        for start in range(0, len(self.paths), _BLOCK):
            end = start + _BLOCK
            paths, sizes = self.paths[start:end], self.sizes[start:end]
            digests = self.digests[32 * start : 32 * end].hex("\n", 32).split("\n")
            text = "".join(paths)
            if not metas and len(quote(text)) == len(text) + 2:  # each stands for itself
                fields: list[object] = [None] * (3 * len(paths))
                fields[0::3], fields[1::3], fields[2::3] = digests, sizes, paths
                yield (_PLAIN_FORM * len(paths) % tuple(fields)).encode()
                continue
            columns = enumerate(zip(paths, sizes, digests, strict=True), start)
            lines = [
                encode_line(path, size, digest, metas.get(at, NO_META))
                for at, (path, size, digest) in columns
            ]
            yield "".join(lines).encode()


def pairs(one: TreePaths, other: TreePaths) -> Iterator[tuple[int, int]]:
    """Yield the positions of each path in ``one`` and in ``other``, in path order.

    A path that only one of them has gets position -1 in the other. Cost: no memory.
    """
    left, right = 0, 0
    while left < len(one) and right < len(other):
        if one[left] == other[right]:
            yield left, right
            left, right = left + 1, right + 1
        elif one[left] < other[right]:
            yield left, -1
            left += 1
        else:
            yield -1, right
            right += 1
    yield from ((at, -1) for at in range(left, len(one)))
    yield from ((-1, at) for at in range(right, len(other)))


class _Columns:
    # A tree while it is read: what the lines so far say, and both hashes of them.
    def __init__(self) -> None:
        self.paths: list[str] = []
        self.sizes: array[int] = array("q")
        self.digests = bytearray()
        self.metas: dict[int, Mapping[str, str]] = {}
        self._whole = blake3()
        self._files: Any = None  # of the form without meta, from the first meta on
        self._names: dict[str, str] = {}

    def ids(self) -> tuple[Digest, Digest]:
        whole = Digest(self._whole.digest())
        return whole, whole if self._files is None else Digest(self._files.digest())

    def add(self, block: bytes) -> None:
        # Whole lines only. One regular expression takes all of them where none has metadata;
        # else it takes them one by one, and what it does not take gets a closer look.
        before = len(self.paths)
        _check_count(before + block.count(b"\n"))
        try:
            text = block.decode()
        except UnicodeDecodeError as error:
            number = before + block.count(b"\n", 0, error.start) + 1
            raise FormatError("bad-tree", f"line {number} is not UTF-8") from None
        plain = _PLAIN.findall(text)
        digests, lengths, paths = map(list, zip(*plain, strict=True)) if plain else ([], [], [])
        # Lines without metadata, from the first to the last character: nothing lies between them.
        covered = len(plain) * _PLAIN_FRAME + sum(map(len, lengths)) + sum(map(len, paths))
        sizes = [int(length) for length in lengths]
        if covered != len(text):
            digests, sizes, paths = self._one_by_one(text)
        if sizes and max(sizes) > MAX_INTEGER:
            check_size(max(sizes), paths[sizes.index(max(sizes))])
        self.paths += paths
        self.sizes.extend(sizes)
        self.digests += bytes.fromhex("".join(digests))
        if self.metas and self._files is None:
            self._files = self._whole.copy()
        self._whole.update(block)
        if self._files is not None:
            columns = zip(paths, sizes, digests, strict=True)
            lines = "".join([encode_line(*column, NO_META) for column in columns])
            self._files.update(lines.encode())

    def _one_by_one(self, text: str) -> tuple[list[str], list[int], list[str]]:
        digests: list[str] = []
        sizes: list[int] = []
        paths: list[str] = []
        for number, line in enumerate(text[:-1].split("\n"), len(self.paths)):
            plain = _LINE.fullmatch(line) if len(line) < MAX_TREE_LINE_BYTES // 4 else None
            meta: Mapping[str, str] | None = None
            if plain is not None:
                digest, size, members, path = plain.groups()
                if members is not None:
                    meta = self._members(members)
            if plain is None or (members is not None and meta is None):
                entry = parse_line(line, number + 1)
                digest, size, meta, path = entry.blake3.hex, entry.bytes, entry.meta, entry.path
            if meta:
                self.metas[number] = meta
            digests.append(digest)
            sizes.append(int(size))
            paths.append(path)
        return digests, sizes, paths

    def _members(self, text: str) -> Mapping[str, str] | None:
        # In ASCII the order of UTF-16 is that of the characters; None means: look closer.
        pairs = _PAIR.findall(text)
        names = [name for name, _ in pairs]
        if not text.isascii() or sorted(set(names)) != names:
            return None
        share = self._names.setdefault
        return {share(name, name): value for name, value in pairs}


def _hash(blocks: Iterable[bytes]) -> Digest:
    hasher = blake3()
    for block in blocks:
        hasher.update(block)
    return Digest(hasher.digest())


def _check_count(count: int) -> None:
    if count > MAX_TREE_ENTRIES:
        raise FormatError("bad-tree", f"a tree has at most {MAX_TREE_ENTRIES} entries")
