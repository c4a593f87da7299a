"""Planning gc: the live blobs, and the packs with too much garbage (spec/16-gc.md).

The caller passes the digests of the live blobs. :mod:`lyrikstore.objects.gc.repack` writes the
needed blobs into new packs, a transaction record adds these and drops the old packs, and
:mod:`lyrikstore.objects.gc.sweep` deletes packs that no record has named for long enough.
"""

from array import array
from collections.abc import Iterable, Mapping
from typing import cast

import numpy as np
from blake3 import blake3
from msgspec import Struct
from numpy.typing import NDArray

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    NotFoundError,
    StorageError,
)
from lyrikstore.objects.backends.base import NOT_A_FILE, Backend
from lyrikstore.objects.pack.format import PackIndex, PackRef, PackRole, read_index
from lyrikstore.objects.pack.parameters import Parameters
from lyrikstore.objects.store.blobs import BlobStore
from lyrikstore.objects.store.transactions import LiveObjects

GARBAGE_SHARE = 0.25
"""A pack is rewritten if at least this share of its bytes is also stored in other packs; a pack
with a blob that is not live is always rewritten."""
SMALL_PACK = Parameters().packBytes // 4
MERGE_FROM = 8
"""Number of packs smaller than :data:`SMALL_PACK` from which they are merged."""


class LiveSet:
    """The digests of blobs that must stay: eight bytes each.

    Two digests that begin with the same eight bytes count as one. That can only keep a blob that is
    not live, never drop a live one.
    """

    def __init__(self) -> None:
        self._new = array("Q")
        self._sorted: NDArray[np.uint64] = np.empty(0, np.uint64)

    def add(self, raw: bytes) -> None:
        """Add the blob with this raw digest."""
        self._new.append(int.from_bytes(raw[:8], "little"))

    def among(self, prefixes: "NDArray[np.uint64]") -> "NDArray[np.bool_]":
        """Return for each of ``prefixes`` whether it is live."""
        if self._new:
            joined = np.concatenate((self._sorted, np.frombuffer(self._new, np.uint64)))
            self._sorted, self._new = np.unique(joined), array("Q")
        return _among(prefixes, self._sorted)


def live_set(blobs: BlobStore, lists: Mapping[Digest, Digest], roots: Iterable[Digest]) -> LiveSet:
    """Return the live blobs: ``roots``, and the chunk lists and chunks of large ones.

    Args:
        blobs: The store's blobs.
        lists: Large blob → its chunk list.
        roots: The blobs that must stay readable; may repeat.

    Raises:
        IncompleteError, VerificationError, FormatError: A chunk list is lost or damaged: the live
            blobs cannot be determined, so nothing may be collected.
    """
    live = LiveSet()
    done: set[bytes] = set()  # large blobs only
    for root in roots:
        live.add(root.raw)
        if root in lists and root.raw not in done:
            _add_large(blobs, lists, root, live, done)
    return live


def _add_large(
    blobs: BlobStore,
    lists: Mapping[Digest, Digest],
    blob: Digest,
    live: LiveSet,
    done: set[bytes],
) -> None:
    done.add(blob.raw)
    try:
        chunks = blobs.chunks(blob)
    except NotFoundError:
        return  # no list anywhere: the blob is stored whole, or was collected before
    for number in range(len(chunks)):
        live.add(chunks.digest(number))
    listed = lists[blob]
    live.add(listed.raw)
    if listed in lists and listed.raw not in done:
        _add_large(blobs, lists, listed, live, done)


class RepackPlan(Struct, frozen=True):
    """The plan of a repack.

    Attributes:
        packs: Number of live packs that were examined.
        garbage: Bytes of blobs that are not live, or also stored in other packs; uncompressed.
        rewrite: Packs to be replaced.
        skipped: Missing or damaged packs that are not changed, with the reason.
        wanted: Blobs for the new packs: raw digest → role of its pack.
    """

    packs: int
    garbage: int
    rewrite: tuple[PackRef, ...]
    skipped: dict[Digest, str]
    wanted: Mapping[bytes, PackRole]


def plan_repack(
    backend: Backend, objects: LiveObjects, live: LiveSet, *, share: float = GARBAGE_SHARE
) -> RepackPlan:
    """Choose the packs to rewrite, and the blobs in them that are still needed.

    These are packs with a blob that is not live: retired data must not stay because of live data in
    the same pack. They also include packs with many blobs that other packs have as well, and small
    packs if there are many.

    Args:
        backend: Where the packs are.
        objects: The live packs and chunk lists.
        live: The blobs that must stay.
        share: Minimum share of garbage, duplicates included, of a pack to be rewritten.

    Cost: reads the footer of every pack; about 40 bytes of memory per blob. For blobs that other
        packs have as well, the copy that stays is read and hashed.
    """
    indexes, skipped = _read_indexes(backend, objects.packs)
    # Documents first: of several copies, the one among the documents is the one to keep.
    packs = sorted(
        (pack for pack in objects.packs if pack.id in indexes),
        key=lambda pack: pack.role != "documents",
    )
    prefixes = [_prefixes(indexes[pack.id]) for pack in packs]
    sizes = [np.diff(np.frombuffer(indexes[pack.id].bounds, np.uint64)) for pack in packs]
    useful = _useful(prefixes, live)
    raw = [int(size.sum()) for size in sizes]
    kept = [int(size[mask].sum()) for size, mask in zip(sizes, useful, strict=True)]
    chosen = {
        pack.id
        for pack, total, needed, mask in zip(packs, raw, kept, useful, strict=True)
        if total - needed >= share * max(total, 1) and not mask.all()
    }
    # A list without its chunks would promise what is not there: a dead one leaves with them.
    chosen |= {
        pack.id for pack, found in zip(packs, prefixes, strict=True) if not live.among(found).all()
    }
    for role in {pack.role for pack in packs}:
        small = [pack.id for pack in packs if pack.role == role and pack.bytes < SMALL_PACK]
        if len(small) >= MERGE_FROM:
            chosen |= set(small)
    rewrite = tuple(pack for pack in packs if pack.id in chosen)
    wanted = _wanted(backend, packs, indexes, chosen, live)
    return RepackPlan(len(objects.packs), sum(raw) - sum(kept), rewrite, skipped, wanted)


def _wanted(
    backend: Backend,
    packs: list[PackRef],
    indexes: Mapping[Digest, PackIndex],
    chosen: set[Digest],
    live: LiveSet,
) -> dict[bytes, PackRole]:
    # Live blobs of the chosen packs, less those of which another pack has a sound copy. A copy
    # among the documents counts for data too, not the other way round.
    wanted: dict[bytes, PackRole] = {}
    for pack in packs:
        if pack.id in chosen:
            index = indexes[pack.id]
            for number in np.flatnonzero(live.among(_prefixes(index))).tolist():
                wanted.setdefault(raw_of(index, number), pack.role)
    starts = np.unique(np.array([int.from_bytes(raw[:8], "little") for raw in wanted], np.uint64))
    for pack in packs:
        if pack.id in chosen or not wanted:
            continue
        index = indexes[pack.id]
        block, content = -1, b""
        for number in np.flatnonzero(_among(_prefixes(index), starts)).tolist():
            raw = raw_of(index, number)
            if wanted.get(raw) not in {pack.role, "data"}:
                continue
            at = index.place(number)[0]
            try:
                if at != block:
                    block, content = at, block_of(backend, pack, index, at)
                # Read, not believed: the copy that is given up may be the last sound one.
                if blake3(blob_of(index, content, number)).digest() == raw:
                    del wanted[raw]
            except (FormatError, NotFoundError):
                block = -1
    return wanted


def plan_extract(backend: Backend, packs: Iterable[PackRef], live: LiveSet) -> RepackPlan:
    """Return the plan of new packs with the live blobs of some packs, which are not changed.

    Args:
        backend: Where the packs are.
        packs: Any packs; those that cannot be read are left out.
        live: The wanted blobs.

    Cost: reads the footer of every pack.
    """
    indexes, skipped = _read_indexes(backend, packs)
    sources = sorted(
        (pack for pack in packs if pack.id in indexes), key=lambda pack: pack.role != "documents"
    )
    wanted: dict[bytes, PackRole] = {}
    for pack in sources:
        index = indexes[pack.id]
        for number in np.flatnonzero(live.among(_prefixes(index))).tolist():
            wanted.setdefault(raw_of(index, number), pack.role)
    return RepackPlan(len(sources), 0, tuple(sources), skipped, wanted)


def packs_with(
    backend: Backend, packs: Iterable[PackRef], blobs: LiveSet | None, *, but: LiveSet
) -> list[PackRef]:
    """Return the packs with a blob of ``blobs`` (None: any blob) that is not in ``but``.

    Packs that cannot be read are left out. Cost: reads the footer of every pack.
    """
    packs = tuple(packs)
    indexes, _ = _read_indexes(backend, packs)
    found = []
    for pack in packs:
        if pack.id in indexes:
            prefixes = _prefixes(indexes[pack.id])
            other = ~but.among(prefixes)
            if (other if blobs is None else other & blobs.among(prefixes)).any():
                found.append(pack)
    return found


def _useful(prefixes: "list[NDArray[np.uint64]]", live: LiveSet) -> "list[NDArray[np.bool_]]":
    # Live, and the oldest copy.
    joined = np.concatenate([np.empty(0, np.uint64), *prefixes])
    oldest = np.zeros(len(joined), np.bool_)
    oldest[np.unique(joined, return_index=True)[1]] = True
    return np.split(live.among(joined) & oldest, np.cumsum([len(one) for one in prefixes])[:-1])


def _read_indexes(
    backend: Backend, packs: Iterable[PackRef]
) -> tuple[dict[Digest, PackIndex], dict[Digest, str]]:
    indexes: dict[Digest, PackIndex] = {}
    skipped: dict[Digest, str] = {}
    for pack in packs:
        try:
            indexes[pack.id] = read_index(backend, pack)
        except (FormatError, NotFoundError) as error:
            skipped[pack.id] = str(error)
        except StorageError as error:
            if error.kind != NOT_A_FILE:
                raise
            skipped[pack.id] = str(error)
    return indexes, skipped


def _prefixes(index: PackIndex) -> "NDArray[np.uint64]":
    return np.frombuffer(index.digests, "<u8").reshape(-1, 4)[:, 0].astype(np.uint64)


def _among(values: "NDArray[np.uint64]", found: "NDArray[np.uint64]") -> "NDArray[np.bool_]":
    if not found.size:
        return np.zeros(len(values), np.bool_)
    at = np.minimum(np.searchsorted(found, values), found.size - 1)
    return cast("NDArray[np.bool_]", found[at] == values)


def raw_of(index: PackIndex, number: int) -> bytes:
    """Return the raw digest of blob ``number`` of a pack."""
    return index.digests[number * 32 : number * 32 + 32]


def block_of(backend: Backend, pack: PackRef, index: PackIndex, block: int) -> bytes:
    """Return the content of a pack's block; raises as reading and unpacking do."""
    offset, length = index.span(block)
    return index.unpack(block, backend.read(pack.name, offset, length))


def blob_of(index: PackIndex, content: bytes, number: int) -> bytes:
    """Return a blob from the content of its block, without hashing it."""
    _, start, size = index.place(number)
    return content[start : start + size]
