"""Merkle tree hashing and proofs after RFC 9162 section 2.1, with SHA-256 (spec/07-log.md).

Pure functions over 32-byte hashes. The log uses them over log entries, the order root over salted
records. Every ``leaves`` argument is a sequence of **leaf hashes** (:func:`leaf_hash`), not of
entries.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from lyrikstore.canon.errors import InvalidInputError, VerificationError
from lyrikstore.canon.limits import MAX_LOG_PROOF_HASHES
from lyrikstore.canon.text import pluralize

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of the tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one leaf: ``SHA-256(0x00 || entry)``."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: ``SHA-256(0x01 || left || right)``."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the Merkle tree hash of ``leaves``.

    Args:
        leaves: Leaf hashes in order; an iterator is read once.

    Cost: one hash per leaf; memory for one hash per level, so a million records stream through.
    """
    stack: list[bytes] = []
    for count, leaf in enumerate(leaves, 1):
        stack.append(leaf)
        merged = count
        while not merged & 1:
            right = stack.pop()
            stack[-1] = node_hash(stack[-1], right)
            merged >>= 1
    return fold(stack)


def fold(subtrees: Sequence[bytes]) -> bytes:
    """Return the root over adjacent perfect subtrees.

    Args:
        subtrees: Their hashes, left to right, from the largest to the smallest.
    """
    if not subtrees:
        return EMPTY_ROOT
    result = subtrees[-1]
    for left in reversed(subtrees[:-1]):
        result = node_hash(left, result)
    return result


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """Return the ``(start, end)`` leaf ranges whose roots are the inclusion proof, in proof order.

    Raises:
        InvalidInputError: (``bad-index``) a tree of ``size`` leaves has no leaf ``index``.
    """
    if not 0 <= index < size:
        raise InvalidInputError(
            "bad-index", f"the tree of {pluralize(size, 'leaf', 'leaves')} has no leaf {index}"
        )
    ranges: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    ranges.reverse()
    return ranges


def consistency_ranges(old_size: int, size: int) -> list[tuple[int, int]]:
    """Return the ``(start, end)`` leaf ranges whose roots are the consistency proof, in order.

    Raises:
        InvalidInputError: (``bad-index``) not ``0 <= old_size <= size``.
    """
    if not 0 <= old_size <= size:
        raise InvalidInputError(
            "bad-index", f"no consistency from {old_size} to {pluralize(size, 'leaf', 'leaves')}"
        )
    if old_size in {0, size}:
        return []
    ranges: list[tuple[int, int]] = []
    start, end, whole = 0, size, True
    while old_size != end:
        middle = start + _split(end - start)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
            whole = False
    if not whole:
        ranges.append((start, end))
    ranges.reverse()
    return ranges


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the proof that leaf ``index`` is in the tree over all of ``leaves``.

    Raises:
        LyrikstoreError: As :func:`inclusion_ranges`.

    Cost: O(n) hashes.
    """
    return [root(leaves[start:end]) for start, end in inclusion_ranges(index, len(leaves))]


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Return the proof that the first ``old_size`` of ``leaves`` are a prefix of all of them.

    Raises:
        LyrikstoreError: As :func:`consistency_ranges`.

    Cost: O(n) hashes.
    """
    return [root(leaves[start:end]) for start, end in consistency_ranges(old_size, len(leaves))]


class Subtrees:
    """The hashes of every perfect subtree of a tree, so that many roots and proofs cost little.

    Args:
        leaves: Leaf hashes.

    Cost: one hash for each leaf; memory for two hashes for each leaf.
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            pairs = zip(below[::2], below[1::2], strict=False)
            self._levels.append([node_hash(left, right) for left, right in pairs])

    def root(self, end: int, start: int = 0) -> bytes:
        """Return the root over the leaves from ``start`` up to, but not including, ``end``.

        ``start`` is 0, or where a subtree of at least that many leaves may begin.
        """
        size, subtrees = end - start, []
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                subtrees.append(self._levels[level][start >> level])
                start += 1 << level
        return fold(subtrees)

    def consistency_proof(self, old_size: int, size: int) -> list[bytes]:
        """Return the proof that the first ``old_size`` leaves are a prefix of the first ``size``.

        Raises:
            LyrikstoreError: As :func:`consistency_ranges`.
        """
        return [self.root(end, start) for start, end in consistency_ranges(old_size, size)]


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root that ``proof`` gives for a leaf (RFC 9162 section 2.1.3.2).

    Args:
        leaf: The leaf's hash.
        index: Its position.
        size: Leaves in the tree.
        proof: Sibling hashes, lowest first.

    Raises:
        VerificationError: (``bad-inclusion``) the index is outside the tree, or the proof has the
            wrong length for it.
    """
    if not 0 <= index < size:
        raise VerificationError("bad-inclusion", f"leaf {index} is outside a tree of {size}")
    _check_hashes([leaf, *proof], "bad-inclusion")
    node, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise VerificationError("bad-inclusion", "the inclusion proof is too long")
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            result = node_hash(result, sibling)
        node >>= 1
        last >>= 1
    if last:
        raise VerificationError("bad-inclusion", "the inclusion proof is too short")
    return result


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected_root: bytes
) -> None:
    """Raise `bad-inclusion` unless ``proof`` shows ``leaf`` at ``index`` of the tree of that root.

    Args:
        leaf: Hash of the leaf.
        index: Its place, from 0.
        size: Leaves of the tree.
        proof: Sibling hashes, lowest first.
        expected_root: Root of the tree.

    Raises:
        VerificationError: (``bad-inclusion``) it does not.
    """
    if root_from_inclusion(leaf, index, size, proof) != expected_root:
        raise VerificationError("bad-inclusion", f"leaf {index} is not in the log tree of {size}")


def verify_consistency(
    old_size: int, size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Raise `bad-consistency` unless ``proof`` shows that the older tree is a prefix of the newer.

    RFC 9162 section 2.1.4.2; the empty tree is a prefix of every tree.

    Args:
        old_size: Leaves of the older tree.
        size: Leaves of the newer one.
        proof: Hashes, in the order of the RFC.
        old_root: Root of the older tree.
        new_root: Root of the newer one.

    Raises:
        VerificationError: (``bad-consistency``) it does not (attack case A33).
    """
    _check_hashes([old_root, new_root, *proof], "bad-consistency")
    if not 0 <= old_size <= size:
        raise VerificationError(
            "bad-consistency",
            f"{pluralize(size, 'leaf cannot', 'leaves cannot')} extend {old_size}",
        )
    if old_size in {0, size}:
        if proof:
            raise VerificationError("bad-consistency", "the consistency proof must be empty")
        expected = new_root if old_size else EMPTY_ROOT
        if old_root != expected:
            raise VerificationError(
                "bad-consistency", f"two different trees of {pluralize(old_size, 'leaf', 'leaves')}"
            )
        return
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise VerificationError("bad-consistency", "the consistency proof is empty")
    node, last = old_size - 1, size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise VerificationError("bad-consistency", "the consistency proof is too long")
        if node & 1 or node == last:
            old = node_hash(sibling, old)
            new = node_hash(sibling, new)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            new = node_hash(new, sibling)
        node >>= 1
        last >>= 1
    if last or old != old_root or new != new_root:
        raise VerificationError(
            "bad-consistency",
            f"the tree of {pluralize(size, 'leaf', 'leaves')} "
            f"does not extend the one of {old_size}",
        )


def _split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)


def _check_hashes(hashes: Sequence[bytes], kind: str) -> None:
    if len(hashes) > MAX_LOG_PROOF_HASHES + 2 or any(len(item) != HASH_BYTES for item in hashes):
        raise VerificationError(kind, "a proof is at most 64 hashes of 32 bytes")
