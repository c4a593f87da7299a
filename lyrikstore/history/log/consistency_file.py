"""Consistency files: proofs that smaller logs lead to a larger one, and leaf hashes (spec §7.8)."""

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

from msgspec import Struct

from lyrikstore.canon.base64 import decode_base64
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, IncompleteError, LyrikstoreError
from lyrikstore.canon.json import MAX_INTEGER, encode, parse_canonical
from lyrikstore.canon.limits import (
    MAX_CONSISTENCY_FILES,
    MAX_CONSISTENCY_HEADS,
    MAX_CONSISTENCY_LEAVES,
    MAX_LOG_PROOF_HASHES,
)
from lyrikstore.history.log import merkle
from lyrikstore.history.log.note import is_name

MAX_HEADS = 24
"""Log checkpoints that a writer names, besides the checkpoint of the leaf hashes."""


_HEX = re.compile(r"[0-9a-f]{64}")
_TYPE = "log-consistency"
_MARK = f'"type":"{_TYPE}"'.encode()


class ConsistencyFile(Struct, frozen=True):
    """Proofs that smaller logs are the beginnings of a larger one.

    Attributes:
        origin: Name of the log.
        size: Entries of the larger one.
        root: Its root.
        steps: Size, root and consistency proof of each smaller one, the largest first.
        leaves: BLAKE3 of the concatenated leaf hashes of the first entries, and their number;
            None without them. Their number is the size of one of the logs named.
    """

    origin: str
    size: int
    root: bytes
    steps: tuple[tuple[int, bytes, tuple[bytes, ...]], ...]
    leaves: tuple[Digest, int] | None = None

    @property
    def roots(self) -> dict[int, bytes]:
        """Size → root of every log named."""
        return {size: root for size, root, _ in self.steps} | {self.size: self.root}

    def has_leaves(self, data: bytes) -> bool:
        """Return whether ``data`` are the leaf hashes named here, and give the root stated."""
        if self.leaves is None:
            return False
        digest, count = self.leaves
        return (
            len(data) == count * merkle.HASH_BYTES
            and Digest.of(data) == digest
            and Leaves(data).root_at(count) == self.roots[count]
        )

    def encode(self) -> bytes:
        """Return the file's bytes."""
        document: dict[str, Any] = {
            "from": [
                {"size": size, "root": _spell(root), "proof": [_spell(item) for item in proof]}
                for size, root, proof in self.steps
            ],
            "origin": self.origin,
            "to": {"size": self.size, "root": _spell(self.root)},
            "type": _TYPE,
            "v": 1,
        }
        if self.leaves is not None:
            digest, count = self.leaves
            document["leaves"] = {"blake3": digest.hex, "size": count}
        return encode(document)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a consistency file and check its proofs.

        Raises:
            FormatError: (``bad-consistency``, ``bad-json``, ``not-canonical``) ``data`` is not a
                consistency file.
            VerificationError: (``bad-consistency``) a proof in it does not verify.

        Cost: at most 32 proofs.
        """
        document = parse_canonical(data, max_bytes=1 << 20)
        members = {"from", "origin", "to", "type", "v"}
        _require(isinstance(document, dict) and members <= document.keys() <= members | {"leaves"})
        _require(document["type"] == _TYPE and type(document["v"]) is int and document["v"] == 1)
        _require(isinstance(document["origin"], str) and is_name(document["origin"]))
        steps = document["from"]
        _require(isinstance(steps, list) and len(steps) <= MAX_CONSISTENCY_HEADS)
        size, root = _head(document["to"], {"root", "size"})
        found = []
        for item in steps:
            smaller, old = _head(item, {"proof", "root", "size"})
            _require(isinstance(item["proof"], list) and len(item["proof"]) <= MAX_LOG_PROOF_HASHES)
            found.append((smaller, old, tuple(_hash(one) for one in item["proof"])))
        sizes = [size, *(smaller for smaller, _, _ in found)]
        _require(all(larger > smaller for larger, smaller in pairwise(sizes)))
        leaves = None
        if "leaves" in document:
            stated = document["leaves"]
            _require(isinstance(stated, dict) and stated.keys() == {"blake3", "size"})
            count = stated["size"]
            _require(type(count) is int and count in sizes and count <= MAX_CONSISTENCY_LEAVES)
            _require(isinstance(stated["blake3"], str) and _HEX.fullmatch(stated["blake3"]))
            leaves = Digest(bytes.fromhex(stated["blake3"])), count
        for smaller, old, proof in found:
            merkle.verify_consistency(smaller, size, proof, old, root)
        return cls(document["origin"], size, root, tuple(found), leaves)


def consistency_file(
    origin: str,
    hashes: Sequence[bytes],
    sizes: Iterable[int],
    *,
    leaves: int = 0,
) -> tuple[ConsistencyFile, bytes]:
    """Return the file that shows that smaller logs lead to the whole log.

    Args:
        origin: Name of the log.
        hashes: Leaf hashes of all its entries.
        sizes: Sizes of the smaller logs.
        leaves: How many leaf hashes accompany the file; 0 for none.

    Returns:
        The file, and the concatenated leaf hashes; empty if ``leaves`` is 0.

    Cost: a hash for each entry.
    """
    tree, end = merkle.Subtrees(hashes), len(hashes)
    wanted = sorted({*sizes, *((leaves,) if leaves else ())} - {0, end}, reverse=True)
    steps = [(size, tree.root(size), tuple(tree.consistency_proof(size, end))) for size in wanted]
    data = b"".join(hashes[:leaves])
    stated = (Digest.of(data), leaves) if leaves else None
    return ConsistencyFile(origin, end, tree.root(end), tuple(steps), stated), data


class Leaves:
    """The concatenated leaf hashes of the first entries of a log; may be empty."""

    def __init__(self, data: bytes = b"") -> None:
        width = merkle.HASH_BYTES
        self.hashes = [data[at : at + width] for at in range(0, len(data), width)]

    def root_at(self, size: int) -> bytes | None:
        """Return the root of the first ``size`` entries, or None if there are fewer."""
        return self._tree.root(size) if 0 < size <= len(self.hashes) else None

    @cached_property
    def _tree(self) -> merkle.Subtrees:
        return merkle.Subtrees(self.hashes)


NO_LEAVES = Leaves()


class ConsistencyFiles:
    """The available consistency files, of any logs, with the leaf hashes that they name.

    ATTACK: hundreds of stores whose logs have one name, each of which would read all files again.

    Args:
        files: The available files; files of other kinds are ignored, and a damaged one counts as
            absent. Each is read once, and hashed once.
    """

    def __init__(self, files: Iterable[bytes] = ()) -> None:
        found = list(files)
        self._by_origin: dict[str, list[ConsistencyFile]] = {}
        for data in dict.fromkeys(filter(is_consistency_file, found)):
            with suppress(LyrikstoreError):
                one = ConsistencyFile.parse(data)
                self._by_origin.setdefault(one.origin, []).append(one)
        ones = [one for many in self._by_origin.values() for one in many]
        counts = {one.leaves[1] * merkle.HASH_BYTES for one in ones if one.leaves is not None}
        self._leaves = {Digest.of(data): data for data in found if len(data) in counts}
        self._read: dict[Digest, Leaves] = {}

    def of(self, origin: str) -> Sequence[tuple[ConsistencyFile, Leaves]]:
        """Return the files of one log, each with the leaf hashes it names, as far as they match.

        Raises:
            IncompleteError: (``too-many-consistency-files``) there are more than are read.
        """
        found = self._by_origin.get(origin, [])
        if len(found) > MAX_CONSISTENCY_FILES:
            # ATTACK: a crowd of them, before the one that shows the fork.
            raise IncompleteError(
                "too-many-consistency-files",
                f"more than the {MAX_CONSISTENCY_FILES} consistency files of a log that are read",
            )
        return [(one, self._leaves_of(one)) for one in found]

    def encoded(self, origin: str) -> list[bytes]:
        """Return the files of one log, and the leaf hashes that they name and that match."""
        made: list[bytes] = []
        for one in self._by_origin.get(origin, []):
            made.append(one.encode())
            if one.leaves is not None and self._leaves_of(one) is not NO_LEAVES:
                made.append(self._leaves[one.leaves[0]])
        return list(dict.fromkeys(made))

    def _leaves_of(self, one: ConsistencyFile) -> Leaves:
        if one.leaves is None:
            return NO_LEAVES
        digest, count = one.leaves
        data = self._leaves.get(digest, b"")
        if len(data) != count * merkle.HASH_BYTES:
            return NO_LEAVES
        if digest not in self._read:
            self._read[digest] = Leaves(data)
        leaves = self._read[digest]
        return leaves if leaves.root_at(count) == one.roots[count] else NO_LEAVES


def is_consistency_file(data: bytes) -> bool:
    """Return whether ``data`` declares itself a consistency file; nothing is verified."""
    return data.startswith(b'{"from":[') and _MARK in data[-64:]


def _head(value: Any, members: set[str]) -> tuple[int, bytes]:
    _require(isinstance(value, dict) and value.keys() == members)
    size = value["size"]
    _require(type(size) is int and 1 <= size <= MAX_INTEGER)
    return size, _hash(value["root"])


def _hash(value: Any) -> bytes:
    _require(isinstance(value, str))
    data = decode_base64(value, "bad-consistency")
    _require(len(data) == merkle.HASH_BYTES)
    return data


def _spell(data: bytes) -> str:
    return b64encode(data).decode()


def _require(condition: object) -> None:
    if not condition:
        raise FormatError("bad-consistency", "not a consistency file of a log")


NO_FILES = ConsistencyFiles()
