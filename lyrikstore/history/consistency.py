"""Which log checkpoints are of one log: consistency files (spec §7.8).

Two log checkpoints that a log's key signed may be of two histories. A consistency file shows that
smaller ones lead to a larger one. It is arithmetic: whoever wrote it, and whether anybody signed
what it names, does not matter. What it is asked about are log checkpoints whose signatures hold.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import cached_property
from itertools import combinations, pairwise, permutations
from typing import Any, Self

from msgspec import Struct

from lyrikstore.canon.base64text import decode_base64
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, IncompleteError, LyrikstoreError
from lyrikstore.canon.jsontext import MAX_INTEGER, encode, parse_canonical
from lyrikstore.history import merkle
from lyrikstore.history.log import LogCheckpoint, Place

MAX_HEADS = 24
"""Log checkpoints that a writer names besides the one of the leaf hashes."""

MAX_LEAVES = 1 << 16
"""Most leaf hashes that go with a file: 2 MiB."""

MAX_FILES = 8
"""Most consistency files of one log that may lie beside a credential."""

MAX_COMPARED = 32
"""Most log checkpoints of one log that may lie beside a credential."""

_MAX_READ = 32
_TYPE = "log-consistency"
_MARK = f'"type":"{_TYPE}"'.encode()


class Relation(Enum):
    """How two log checkpoints of one name relate."""

    SAME = "same"
    """The smaller one leads to the larger one, or they are equal."""
    FORK = "fork"
    """They are of two histories."""
    UNKNOWN = "unknown"
    """Nothing at hand shows either."""


class ConsistencyFile(Struct, frozen=True):
    """That smaller logs lead to a larger one, with the proofs.

    Attributes:
        origin: Name of the log.
        size: Entries of the larger one.
        root: Its root.
        steps: Size, root and consistency proof of each smaller one, the largest first.
        leaves: BLAKE3 of the leaf hashes of the first entries, one after another, and how many;
            None without them. That many entries is the size of one of the logs named.
    """

    origin: str
    size: int
    root: bytes
    steps: tuple[tuple[int, bytes, tuple[bytes, ...]], ...]
    leaves: tuple[Digest, int] | None = None

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
            FormatError: (``bad-consistency``, ``bad-json``, ``not-canonical``) not such a file.
            VerificationError: (``bad-consistency``) a proof in it does not hold.

        Cost: at most 32 proofs.
        """
        document = parse_canonical(data, max_bytes=1 << 20)
        members = {"from", "origin", "to", "type", "v"}
        _require(isinstance(document, dict) and members <= document.keys() <= members | {"leaves"})
        _require(document["type"] == _TYPE and type(document["v"]) is int and document["v"] == 1)
        steps = document["from"]
        _require(isinstance(steps, list) and len(steps) <= _MAX_READ)
        size, root = _head(document["to"], {"root", "size"})
        found = []
        for item in steps:
            smaller, old = _head(item, {"proof", "root", "size"})
            _require(isinstance(item["proof"], list) and len(item["proof"]) <= merkle.MAX_PROOF)
            found.append((smaller, old, tuple(_hash(one) for one in item["proof"])))
        sizes = [size, *(smaller for smaller, _, _ in found)]
        _require(all(larger > smaller for larger, smaller in pairwise(sizes)))
        LogCheckpoint(document["origin"], size, root)  # checks the name
        leaves = None
        if "leaves" in document:
            stated = document["leaves"]
            _require(isinstance(stated, dict) and stated.keys() == {"blake3", "size"})
            count = stated["size"]
            _require(type(count) is int and count in sizes and count <= MAX_LEAVES)
            leaves = Digest.parse_hex(stated["blake3"]), count
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
    """Return the file which shows that smaller logs lead to the whole one.

    Args:
        origin: Name of the log.
        hashes: Leaf hashes of all its entries.
        sizes: Sizes of the smaller ones.
        leaves: How many leaf hashes go with it; 0 for none.

    Returns:
        The file, and the leaf hashes one after another; these are empty without any.

    Cost: a hash for each entry.
    """
    tree, end = merkle.Subtrees(hashes), len(hashes)
    wanted = sorted({*sizes, *((leaves,) if leaves else ())} - {0, end}, reverse=True)
    steps = [(size, tree.root(size), tuple(tree.consistency_proof(size, end))) for size in wanted]
    data = b"".join(hashes[:leaves])
    stated = (Digest.of(data), leaves) if leaves else None
    return ConsistencyFile(origin, end, tree.root(end), tuple(steps), stated), data


class _Line:
    """Logs that lead to one: size → root, and the leaf hashes of the first entries, if known."""

    def __init__(self, roots: dict[int, bytes], leaves: Sequence[bytes] = ()) -> None:
        self.roots = roots
        self.leaves = leaves

    def root_at(self, size: int) -> bytes | None:
        """Return the root of the first ``size`` entries, or None where nothing here tells it."""
        known = self.roots.get(size)
        if known is None and 0 < size <= len(self.leaves):
            known = self._tree.root(size)
        return known

    def has(self, head: LogCheckpoint) -> bool:
        return self.root_at(head.size) == head.root

    @cached_property
    def _tree(self) -> merkle.Subtrees:
        return merkle.Subtrees(self.leaves)


class Consistency:
    """What the consistency files at hand show of one log.

    Args:
        origin: Name of the log.
        files: The files at hand; others than consistency files of that log, and the leaf hashes
            that these name, are left alone. One that is damaged counts as absent.

    Raises:
        IncompleteError: (``too-many-consistency-files``) more than are read.
    """

    def __init__(self, origin: str = "", files: Sequence[bytes] = ()) -> None:
        self._lines: list[_Line] = []
        said = [data for data in files if is_consistency_file(data)]
        found: dict[bytes, ConsistencyFile] = {}
        for data in said:
            try:
                one = ConsistencyFile.parse(data)
            except LyrikstoreError:
                continue
            if one.origin == origin:
                found[data] = one
            if len(found) > MAX_FILES:
                # ATTACK: a crowd of them, before the one that shows the fork.
                raise IncompleteError(
                    "too-many-consistency-files",
                    f"more than the {MAX_FILES} consistency files of a log that are read",
                )
        for one in found.values():
            roots = {size: root for size, root, _ in one.steps} | {one.size: one.root}
            self._lines.append(_Line(roots, _leaves_of(one, roots, files)))
        self._join()

    def with_line(self, heads: Iterable[LogCheckpoint]) -> "Consistency":
        """Return what is known once these are known to be of one log: each leads to the largest."""
        known = Consistency()
        known._lines = [_Line(dict(line.roots), line.leaves) for line in self._lines]
        known._lines.append(_Line({head.size: head.root for head in heads}))
        known._join()
        return known

    def relation(self, left: LogCheckpoint, right: LogCheckpoint) -> Relation:
        """Return how two log checkpoints of the log relate, as far as the files show it."""
        if left == right:
            return Relation.SAME
        if left.size == right.size:
            return Relation.FORK
        if any(line.has(left) and line.has(right) for line in self._lines):
            return Relation.SAME
        least = min(left.size, right.size)
        for one in self._around(left):
            for other in self._around(right):
                # Beyond the smaller of the two, what it leads to is nobody's word.
                for size in {least, *one.roots, *other.roots}:
                    roots = {one.root_at(size), other.root_at(size)} if size <= least else set()
                    if len(roots - {None}) > 1:
                        return Relation.FORK
        return Relation.UNKNOWN

    def holds(self, leaf: bytes, index: int, head: LogCheckpoint) -> bool | None:
        """Return whether ``head`` is of a log that has that leaf hash there; None: not known."""
        for line in self._lines:
            if index < min(len(line.leaves), head.size) and line.has(head):
                return line.leaves[index] == leaf
        return None

    def find(self, leaf: bytes, head: LogCheckpoint) -> int | None:
        """Return where the log of ``head`` has that leaf hash first, or None if not known."""
        for line in self._lines:
            known = line.leaves[: head.size]
            if leaf in known and line.has(head):
                return known.index(leaf)
        return None

    def leading_to(self, head: LogCheckpoint) -> list[LogCheckpoint]:
        """Return every log checkpoint that is shown to lead to ``head``, ascending; it is the last.

        What ``head`` leads to is left out: nobody need have signed that.
        """
        sizes: dict[int, bytes] = {head.size: head.root}
        for line in self._lines:
            if line.has(head):
                sizes |= {size: root for size, root in line.roots.items() if size < head.size}
        return [LogCheckpoint(head.origin, size, sizes[size]) for size in sorted(sizes)]

    def _around(self, head: LogCheckpoint) -> list[_Line]:
        lines = [line for line in self._lines if line.has(head)]
        return [_Line({head.size: head.root}), *lines]

    def _join(self) -> None:
        # Only downwards: what two logs have in common leads to both of them, and says nothing of
        # what comes after it in either.
        changed = True
        while changed:
            changed = False
            for one, other in permutations(self._lines, 2):
                common = [s for s, root in one.roots.items() if other.root_at(s) == root]
                below = [s for s in one.roots if common and s <= max(common)]
                new = {s: one.roots[s] for s in below if s not in other.roots}
                other.roots |= new
                changed = changed or bool(new)

    def place(
        self, leaf: bytes, places: Sequence[Place], anchors: Sequence[LogCheckpoint]
    ) -> tuple[int | None, Relation]:
        """Return where an entry is shown to be in the one log that all of ``anchors`` are of.

        Args:
            leaf: Its leaf hash.
            places: Where proofs show it to be logged.
            anchors: Log checkpoints of the log in question.

        Returns:
            Its index and SAME; or the first index that a proof shows, or None, and whether it is
            shown to be of another history.
        """
        if any(place.signed is None for place in places):
            return places[0].index, Relation.SAME
        heads = [(place.index, place.signed.head) for place in places if place.signed is not None]
        listed = (self.find(leaf, anchor) for anchor in anchors)
        for index in sorted(
            {place.index for place in places} | {i for i in listed if i is not None}
        ):
            here = [head for at, head in heads if at == index]
            if all(
                self.holds(leaf, index, anchor)
                or any(self.relation(head, anchor) is Relation.SAME for head in here)
                for anchor in anchors
            ):
                return index, Relation.SAME
        apart = any(
            self.relation(head, anchor) is Relation.FORK or self.holds(leaf, index, anchor) is False
            for index, head in heads
            for anchor in anchors
        )
        first = places[0].index if places else None
        return first, Relation.FORK if apart else Relation.UNKNOWN

    def is_torn(self, heads: Iterable[LogCheckpoint]) -> bool:
        """Return whether two of these, all signed by keys of the log, are of two histories.

        Raises:
            IncompleteError: (``too-many-log-checkpoints``) there are more than are compared.
        """
        several = tuple(dict.fromkeys(heads))
        if len(several) > MAX_COMPARED:
            # ATTACK: whoever has a log key signs hundreds, each to be held against each.
            raise IncompleteError(
                "too-many-log-checkpoints",
                f"{len(several)} log checkpoints of one log are at hand, more than the "
                f"{MAX_COMPARED} that are compared",
            )
        return any(self.relation(*pair) is Relation.FORK for pair in combinations(several, 2))


NO_CONSISTENCY = Consistency()


def is_consistency_file(data: bytes) -> bool:
    """Return whether ``data`` says, unverified, that it is a consistency file."""
    return data.startswith(b'{"from":[') and _MARK in data[-64:]


def consistency_files_among(files: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the consistency files among ``files``, and what may be leaf hashes that they name."""
    said = tuple(data for data in files if is_consistency_file(data))
    if not said:
        return ()
    most = MAX_LEAVES * merkle.HASH_BYTES
    hashes = (data for data in files if len(data) <= most and not len(data) % merkle.HASH_BYTES)
    return (*said, *hashes)


def _leaves_of(
    one: ConsistencyFile, roots: Mapping[int, bytes], files: Iterable[bytes]
) -> list[bytes]:
    if one.leaves is None:
        return []
    digest, count = one.leaves
    length = count * merkle.HASH_BYTES
    for data in files:
        if len(data) == length and Digest.of(data) == digest:
            leaves = [data[at : at + 32] for at in range(0, length, merkle.HASH_BYTES)]
            return leaves if merkle.root(leaves) == roots[count] else []
    return []


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
