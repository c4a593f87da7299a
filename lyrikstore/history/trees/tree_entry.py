"""One file of a tree and its line (spec §5.1)."""

import builtins
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from json.encoder import encode_basestring as quote
from types import MappingProxyType

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import MAX_INTEGER, parse
from lyrikstore.canon.limits import MAX_TREE_LINE_BYTES
from lyrikstore.history.trees.paths import check_path, refuse_tree

NO_META: Mapping[str, str] = MappingProxyType({})
"""The metadata of a file without metadata."""

# Entries are encoded by hand: RFC 8785 escapes strings exactly as encode_basestring does, and a
# general encoder is several times slower. tests/history/trees/test_tree.py holds the two together.


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One file of a tree.

    Attributes:
        path: Relative path within the grammar of :mod:`lyrikstore.history.trees.paths`.
        bytes: Its length.
        blake3: Digest of its content.
        meta: Its metadata: non-empty strings → non-empty strings, ``None`` if there is none;
            treat as read-only.
    """

    path: str
    bytes: int
    blake3: Digest
    meta: Mapping[str, str] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        check_path(self.path)
        check_size(self.bytes, self.path)
        if self.meta is not None:
            object.__setattr__(self, "meta", checked_meta(self.meta, self.path) or None)

    def encode(self, *, with_meta: bool = True) -> builtins.bytes:
        """Return the entry's line, newline included.

        Args:
            with_meta: ``False`` returns the line of the ``files`` form.

        Raises:
            FormatError: (``bad-tree``) a string has a lone surrogate, or the line is too long.
        """
        meta = self.meta if with_meta else None
        return encode_line(self.path, self.bytes, self.blake3.hex, meta or NO_META).encode()


def parse_line(line: str, number: int) -> TreeEntry:
    """Parse line ``number`` of a tree, given without its newline.

    Raises:
        FormatError: (``bad-tree``, ``bad-path``) it is not the canonical form of an entry.
    """
    try:
        if len(data := line.encode()) >= MAX_TREE_LINE_BYTES:
            raise FormatError("bad-tree", f"line {number} is too long")
        members = json.loads(line)
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
        entry = TreeEntry(
            members["path"], members["bytes"], Digest.parse_hex(members["blake3"]), meta
        )
        # Byte equality settles the rest at once: duplicate or unknown members, white space, member
        # order, escapes, an empty meta (attack case A18).
        canonical = entry.encode() == data + b"\n"
    except FormatError as error:
        _check_json(data, number)  # of two faults of one line every verifier names this one
        raise FormatError(
            error.kind, f"line {number}: {error.message}", details=error.details
        ) from None
    if not canonical:
        raise FormatError("bad-tree", f"line {number} is not in canonical form")
    return entry


def _check_json(data: bytes, number: int) -> None:
    try:
        parse(data, floats=True, nulls=True)
    except FormatError:
        raise FormatError("bad-tree", f"line {number} is not JSON") from None


def encode_line(path: str, size: int, digest: str, meta: Mapping[str, str]) -> str:
    """Return the line of an entry, newline included; raises as :meth:`TreeEntry.encode`."""
    if not meta:
        return f'{{"blake3":"{digest}","bytes":{size},"path":{quote(path)}}}\n'
    members = ",".join([quoted + quote(meta[name]) for name, quoted in _ordered(tuple(meta))])
    text = f'{{"blake3":"{digest}","bytes":{size},"meta":{{{members}}},"path":{quote(path)}}}\n'
    try:
        length = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        refuse_tree("the metadata contains a lone surrogate", path)
    if length > MAX_TREE_LINE_BYTES:
        refuse_tree(f"the entry is longer than {MAX_TREE_LINE_BYTES} bytes", path)
    return text


def check_size(size: object, path: str) -> None:
    """Raise `bad-tree` unless ``size`` can be the length of a file."""
    if type(size) is not int or not 0 <= size <= MAX_INTEGER:
        refuse_tree("the length of a file is an integer from 0 to 2^53-1", path)


def checked_meta(meta: Mapping[str, str], path: str) -> dict[str, str]:
    """Return a copy of ``meta``; raise `bad-tree` if it is not valid metadata."""
    # An empty cell is an absent one; otherwise one table would have many trees.
    for name, value in meta.items():
        if type(name) is not str or type(value) is not str or not (name and value):
            refuse_tree("metadata maps non-empty strings to non-empty strings", path)
    return dict(meta)


_set_path, _set_bytes, _set_blake3, _set_meta = (
    vars(TreeEntry)[name].__set__ for name in ("path", "bytes", "blake3", "meta")
)


def trusted_entry(
    path: str, size: int, digest: Digest, meta: Mapping[str, str] | None
) -> TreeEntry:
    """Return an unchecked entry of a tree that was checked as a whole."""
    # A frozen dataclass would check each entry again.
    entry = object.__new__(TreeEntry)
    _set_path(entry, path)
    _set_bytes(entry, size)
    _set_blake3(entry, digest)
    _set_meta(entry, meta)
    return entry


@lru_cache(maxsize=256)
def _ordered(names: tuple[str, ...]) -> list[tuple[str, str]]:
    # RFC 8785 section 3.2.3; the files of one dataset nearly all have the same columns.
    ordered = sorted(names, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    return [(name, f"{quote(name)}:") for name in ordered]
