"""The pack index: one sorted table of all blobs and the packs that contain them."""

from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from struct import iter_unpack

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, NotFoundError, StorageError
from lyrikstore.objects.backends.base import NOT_A_FILE, Backend
from lyrikstore.objects.pack.digest_set import DigestSet, find_digest, sort_digests
from lyrikstore.objects.pack.format import PackIndex, PackRef, read_index, rebuild_index

FEW = 16
"""Number of blobs that are found faster without sorting all digests."""

_MANY = 1 << 19


def in_order(packs: Iterable[PackRef]) -> tuple[PackRef, ...]:
    """Return packs in the order in which a table numbers them: documents packs first."""
    return tuple(sorted(packs, key=lambda pack: pack.role != "documents"))


class BlobTable:
    """All blobs of some packs, sorted by digest: 37 bytes each, where a dict would need 200.

    Args:
        backend: The store's files.
        packs: The packs.
        before: A table of some of the packs, whose indexes are reused.

    Attributes:
        packs: The packs, documents packs first.
        indexes: Their indexes, in the same order.
        damaged: Packs that are missing or whose footer cannot be used, with the reason.
    """

    def __init__(
        self, backend: Backend, packs: tuple[PackRef, ...], before: "BlobTable | None" = None
    ) -> None:
        self.damaged: dict[Digest, str] = {}
        ready: dict[PackRef, PackIndex] = {}
        if before is not None:
            ready.update(zip(before.packs, before.indexes, strict=True))
            # A damaged one may have been put back since.
            ready = {ref: index for ref, index in ready.items() if ref.id not in before.damaged}
        # Documents first: of several copies of a blob, find then gives one that is a document.
        self.packs: tuple[PackRef, ...] = in_order(packs)
        self.indexes: list[PackIndex] = [
            ready.get(pack) or self._load(backend, pack) for pack in self.packs
        ]
        self._starts = list(accumulate((len(index) for index in self.indexes), initial=0))
        self._joined = b"".join(index.digests for index in self.indexes)
        self._searches = FEW

    def _load(self, backend: Backend, pack: PackRef) -> PackIndex:
        try:
            return read_index(backend, pack)
        except NotFoundError:
            self.damaged[pack.id] = f"pack {pack.id.short} is missing"
            return PackIndex((), b"", array("I"))
        except StorageError as error:
            # A disk, or a process out of file handles, that says no says nothing about the pack.
            if error.kind != NOT_A_FILE:
                raise
            self.damaged[pack.id] = f"pack {pack.id.short} cannot be read: {error}"
            return PackIndex((), b"", array("I"))
        except FormatError as error:
            if error.kind == "newer-format":
                raise
            self.damaged[pack.id] = str(error)
            return rebuild_index(backend, pack)

    def find(self, raw: bytes) -> int:
        """Return the number of a blob's first copy, or -1.

        Cost: the first few calls search all digests; then these are sorted, and a call is O(1).
        """
        if self._searches:
            self._searches -= 1
            return find_digest(self._joined, raw)
        digests, where = self._sorted
        at = digests.find(raw)
        return where[at] if at >= 0 else -1

    def absent(self, digests: Collection[bytes]) -> set[bytes]:
        """Return the raw ``digests`` that are in no pack.

        Cost: one pass over all digests; for a few digests one search each instead.
        """
        if len(digests) <= FEW:
            return {raw for raw in digests if self.find(raw) < 0}
        absent = set(digests)
        absent.difference_update(raw for (raw,) in iter_unpack("32s", self._joined))
        return absent

    @property
    def digests(self) -> DigestSet:
        """The digests of all blobs, sorted."""
        return self._sorted[0]

    @cached_property
    def _sorted(self) -> "tuple[DigestSet, array[int]]":
        return sort_digests(self._joined)

    def among(self, digests: Sequence[bytes]) -> set[bytes]:
        """Return the ``digests`` that are in a pack.

        Cost: the first call builds a set of all digests, some 120 bytes each, unless there are so
        many that sorting and searching them is cheaper.
        """
        if self._starts[-1] > _MANY:
            return self.digests.among(digests)
        return self._members.intersection(digests)

    @cached_property
    def _members(self) -> set[bytes]:
        joined = self._joined
        return {joined[at : at + 32] for at in range(0, len(joined), 32)}

    def copies(self, raw: bytes) -> Iterator[int]:
        """Yield the number of every copy of a blob; concurrent writers may store it twice."""
        first = self.find(raw)
        if first < 0:
            return
        yield first
        for number, index in enumerate(self.indexes):
            at = find_digest(index.digests, raw)
            if at >= 0 and (other := self._starts[number] + at) != first:
                yield other

    def locate(self, number: int) -> tuple[int, int]:
        """Return (pack, number inside the pack) of a blob."""
        pack = bisect_right(self._starts, number) - 1
        return pack, number - self._starts[pack]

    def place(self, number: int) -> tuple[int, int, int, int]:
        """Return (pack, block, start inside the block, size) of a blob."""
        pack, blob = self.locate(number)
        return pack, *self.indexes[pack].place(blob)

    def numbers(self, digests: bytes) -> "array[int]":
        """Return the number of a copy of each of ``digests``, 32 bytes each; -1 for none.

        Cost: one pass over all indexes, no search per blob.
        """
        asked = [digests[at : at + 32] for at in range(0, len(digests), 32)]
        found = dict.fromkeys(asked, -1)
        number = 0
        for index in self.indexes:
            listed = index.digests
            for at in range(0, len(listed), 32):
                if (raw := listed[at : at + 32]) in found:
                    found[raw] = number
                number += 1
        return array("q", [found[raw] for raw in asked])

    def differing(self, sizes: Mapping[bytes, int]) -> set[bytes]:
        """Return the raw digests in ``sizes`` that are in no pack with the size in ``sizes``."""
        missing = set(sizes)
        for index in self.indexes:
            digests, bounds = index.digests, index.bounds
            for number in range(len(index)):
                raw = digests[number * 32 : number * 32 + 32]
                if raw in missing and sizes[raw] == bounds[number + 1] - bounds[number]:
                    missing.discard(raw)
        return missing

    def iter(self) -> Iterator[bytes]:
        """Yield every raw digest once, in ascending order."""
        return self.digests.iter()
