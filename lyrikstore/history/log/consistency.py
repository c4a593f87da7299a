"""Comparison of log checkpoints: which of them belong to one log (spec §7.8).

Two log checkpoints signed by the key of a log may belong to two histories. A consistency file
shows that smaller ones lead to a larger one. It is arithmetic: its author does not matter, nor
whether the checkpoints it names are signed. It is only used to compare log checkpoints whose
signatures verify.
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from itertools import combinations, permutations

from lyrikstore.canon.errors import IncompleteError
from lyrikstore.canon.limits import MAX_COMPARED_HEADS
from lyrikstore.history.log.checkpoint import LogCheckpoint, Place
from lyrikstore.history.log.consistency_file import NO_FILES, NO_LEAVES, ConsistencyFiles, Leaves


class Relation(Enum):
    """How two log checkpoints of one name relate."""

    SAME = "same"
    """The smaller one leads to the larger one, or they are equal."""
    FORK = "fork"
    """They belong to two histories."""
    UNKNOWN = "unknown"
    """No available file shows either."""


class _Line:
    """Heads of one history: size → root, and the leaf hashes of the first entries, if known."""

    def __init__(self, roots: dict[int, bytes], leaves: Leaves = NO_LEAVES) -> None:
        self.roots = roots
        self.leaves = leaves

    def root_at(self, size: int) -> bytes | None:
        """Return the root of the first ``size`` entries, or None if it is not known."""
        return self.roots.get(size) or self.leaves.root_at(size)

    def has(self, head: LogCheckpoint) -> bool:
        return self.root_at(head.size) == head.root


class Consistency:
    """The relations of one log's checkpoints, as the available consistency files show them.

    Args:
        origin: Name of the log.
        files: The available files.

    Raises:
        IncompleteError: (``too-many-consistency-files``) there are more than are read.
    """

    def __init__(self, origin: str = "", files: ConsistencyFiles = NO_FILES) -> None:
        self._lines = [_Line(one.roots, leaves) for one, leaves in files.of(origin)]
        self._join()

    def with_line(self, heads: Iterable[LogCheckpoint]) -> "Consistency":
        """Return this with ``heads`` added, which belong to one log: each leads to the largest."""
        known = Consistency()
        known._lines = [_Line(dict(line.roots), line.leaves) for line in self._lines]
        known._lines.append(_Line({head.size: head.root for head in heads}))
        known._join()
        return known

    def relation(self, left: LogCheckpoint, right: LogCheckpoint) -> Relation:
        """Return the relation of two log checkpoints of the log, as far as the files show it."""
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
        """Return whether the log of ``head`` has that leaf hash at ``index``; None: not known."""
        for line in self._lines:
            if index < min(len(line.leaves.hashes), head.size) and line.has(head):
                return line.leaves.hashes[index] == leaf
        return None

    def find(self, leaf: bytes, head: LogCheckpoint) -> int | None:
        """Return the first index of that leaf hash in the log of ``head``, or None if not known."""
        for line in self._lines:
            known = line.leaves.hashes[: head.size]
            if leaf in known and line.has(head):
                return known.index(leaf)
        return None

    def may_have(self, leaf: bytes, head: LogCheckpoint) -> bool:
        """Return whether a file covers ``head`` and does not show that its log lacks that leaf."""
        about = [line for line in self._lines if line.has(head)]
        lacks = any(
            len(line.leaves.hashes) >= head.size and leaf not in line.leaves.hashes[: head.size]
            for line in about
        )
        return not lacks and any(max(line.roots, default=0) == head.size for line in about)

    def leading_to(self, head: LogCheckpoint) -> list[LogCheckpoint]:
        """Return every log checkpoint that is shown to lead to ``head``, ascending; it is the last.

        Log checkpoints that ``head`` leads to are left out, because they may be unsigned.
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
        """Return the index of an entry in the log of ``anchors``, as far as it is shown.

        Args:
            leaf: Its leaf hash.
            places: Where proofs show it to be logged.
            anchors: Log checkpoints of the log in question; all belong to one log.

        Returns:
            The index and SAME; or the first index that a proof shows, or None, with FORK or
                UNKNOWN: whether the entry is shown to belong to another history.
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
        """Return whether two of ``heads``, all signed by keys of the log, belong to two histories.

        Raises:
            IncompleteError: (``too-many-log-checkpoints``) there are more than are compared.
        """
        several = tuple(dict.fromkeys(heads))
        if len(several) > MAX_COMPARED_HEADS:
            # ATTACK: whoever has a log key signs hundreds, each to be held against each.
            raise IncompleteError(
                "too-many-log-checkpoints",
                f"{len(several)} log checkpoints of one log are at hand, more than the "
                f"{MAX_COMPARED_HEADS} that are compared",
            )
        return any(self.relation(*pair) is Relation.FORK for pair in combinations(several, 2))


NO_CONSISTENCY = Consistency()
