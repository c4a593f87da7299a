"""Trees: which files, of which content, with which metadata (spec/05-trees.md).

A tree is JSON Lines in one canonical form, so that its BLAKE3 is the identity of a dataset's or
checkpoint's content: the same files and metadata give the same id whatever order, clock, umask or
locale they came with.
"""

import builtins
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from json.encoder import encode_basestring as quote
from typing import BinaryIO, NoReturn, Self

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.jsontext import MAX_INTEGER
from lyrikstore.history.paths import Twins, check_path

MAX_LINE = 1 << 20
"""Longest line in bytes, its newline included."""

MAX_ENTRIES = 10_000_000
"""Most entries of a tree."""

# Entries are encoded by hand: RFC 8785 escapes strings exactly as encode_basestring does, and a
# general encoder is several times slower. tests/history/test_tree.py holds the two together.


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree.

    Attributes:
        path: Relative path within the grammar of :mod:`lyrikstore.history.paths`.
        bytes: Its length.
        blake3: Digest of its content.
        meta: Its metadata: non-empty strings to non-empty strings, ``None`` if there are none;
            treat as read-only.
    """

    path: str
    bytes: int
    blake3: Digest
    meta: Mapping[str, str] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        check_path(self.path)
        if type(self.bytes) is not int or not 0 <= self.bytes <= MAX_INTEGER:
            _refuse("the length of a file is an integer from 0 to 2^53-1", self.path)
        if self.meta is not None:
            # An empty cell is an absent one; otherwise one table would have many trees.
            for name, value in self.meta.items():
                if type(name) is not str or type(value) is not str or not (name and value):
                    _refuse("metadata maps non-empty strings to non-empty strings", self.path)
            object.__setattr__(self, "meta", dict(self.meta) or None)

    def encode(self, *, with_meta: bool = True) -> builtins.bytes:
        """Return the entry's line, newline included.

        Args:
            with_meta: ``False`` gives the line of the ``files`` form.

        Raises:
            FormatError: (``bad-tree``) a string has a lone surrogate, or the line is too long.
        """
        meta = ""
        if with_meta and self.meta:
            members = ",".join(
                f"{quote(name)}:{quote(self.meta[name])}" for name in sorted(self.meta, key=_utf16)
            )
            meta = f'"meta":{{{members}}},'
        head = f'{{"blake3":"{self.blake3.hex}","bytes":{self.bytes},'
        text = f'{head}{meta}"path":{quote(self.path)}}}\n'
        try:
            line = text.encode("utf-8")
        except UnicodeEncodeError:
            _refuse("the metadata holds a lone surrogate", self.path)
        if len(line) > MAX_LINE:
            _refuse(f"the entry is longer than {MAX_LINE} bytes", self.path)
        return line


@dataclass(frozen=True)
class Tree:
    """All files of one version. Not slotted, so that ids are computed at most once.

    Laws: ``Tree.parse(t.encode()) == t``; ``Tree.parse(b).encode() == b`` for every ``b`` that
    parses; two trees are equal iff their ids are.

    Attributes:
        entries: Sorted by path; :meth:`of` sorts.
    """

    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        if len(self.entries) > MAX_ENTRIES:
            raise FormatError("bad-tree", f"a tree has at most {MAX_ENTRIES} entries")
        twins = Twins()
        before = ""
        for entry in self.entries:
            # Code point order, which is the order of the UTF-8 bytes. Attack case A11.
            if entry.path <= before:
                _refuse("twice in the tree" if entry.path == before else "out of order", entry.path)
            before = entry.path
            offence = twins.add(entry.path)
            if offence is not None:
                _refuse(offence.reason, entry.path)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Self:
        """Return the tree of ``entries``, given in any order.

        Raises:
            FormatError: (``bad-tree``) two entries have the same path or paths that some file
                system cannot keep apart.
        """
        return cls(tuple(sorted(entries, key=lambda entry: entry.path)))

    @classmethod
    def parse(cls, data: bytes | BinaryIO) -> Self:
        """Return the tree in ``data``.

        Args:
            data: The bytes, or a stream at their start; a stream is read to its end, so that a
                reader that checks a digest at the end does so.

        Raises:
            FormatError: (``bad-tree``, ``bad-path``) anything but the one canonical form: not
                sorted, a duplicate, an unknown member, other white space, a missing last newline.

        Cost: O(n); some 30 µs an entry. Lines are capped before they are read.
        """
        stream = io.BytesIO(data) if isinstance(data, bytes) else data
        entries: list[Entry] = []
        while line := stream.readline(MAX_LINE + 1):
            if len(entries) == MAX_ENTRIES:
                raise FormatError("bad-tree", f"a tree has at most {MAX_ENTRIES} entries")
            entries.append(_parse_line(line, len(entries) + 1))
        return cls(tuple(entries))

    def encode(self) -> bytes:
        """Return the canonical bytes, whose BLAKE3 is :attr:`id`."""
        return b"".join(entry.encode() for entry in self.entries)

    def encode_files(self) -> bytes:
        """Return the bytes of the same tree without ``meta``, whose BLAKE3 is :attr:`files_id`."""
        return b"".join(entry.encode(with_meta=False) for entry in self.entries)

    @cached_property
    def id(self) -> Digest:
        """The content identity: files and metadata."""
        return self._digest(with_meta=True)

    @cached_property
    def files_id(self) -> Digest:
        """The identity of the files alone: what a plain folder can be checked against."""
        return self._digest(with_meta=False)

    @cached_property
    def by_path(self) -> Mapping[str, Entry]:
        """The entries by path, in order."""
        return {entry.path: entry for entry in self.entries}

    @cached_property
    def total_bytes(self) -> int:
        """Total length of the files."""
        return sum(entry.bytes for entry in self.entries)

    def _digest(self, *, with_meta: bool) -> Digest:
        hasher = blake3()
        for entry in self.entries:
            hasher.update(entry.encode(with_meta=with_meta))
        return Digest(hasher.digest())


def _parse_line(line: bytes, number: int) -> Entry:
    if not line.endswith(b"\n"):
        reason = "is too long" if len(line) > MAX_LINE else "has no newline at its end"
        raise FormatError("bad-tree", f"line {number} {reason}")
    try:
        members = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):  # ValueError: not UTF-8, not JSON, or endless digits
        raise FormatError("bad-tree", f"line {number} is not JSON") from None
    if not isinstance(members, dict) or not {"blake3", "bytes", "path"} <= members.keys():
        raise FormatError("bad-tree", f"line {number} lacks blake3, bytes or path")
    meta = members.get("meta")
    if meta is not None and not isinstance(meta, dict):
        raise FormatError("bad-tree", f"line {number}: meta is not an object")
    if not isinstance(members["path"], str):
        raise FormatError("bad-tree", f"line {number}: path is not a string")
    try:
        entry = Entry(members["path"], members["bytes"], Digest.parse_hex(members["blake3"]), meta)
        # Byte equality settles the rest at once: duplicate or unknown members, white space, member
        # order, escapes, an empty meta (attack case A18).
        canonical = entry.encode() == line
    except FormatError as error:
        raise FormatError(
            error.kind, f"line {number}: {error.message}", details=error.details
        ) from None
    if not canonical:
        raise FormatError("bad-tree", f"line {number} is not in canonical form")
    return entry


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")  # RFC 8785 section 3.2.3


def _refuse(reason: str, path: str) -> NoReturn:
    raise FormatError("bad-tree", f"{path[:200]!r}: {reason}", details={"path": path[:4096]})
