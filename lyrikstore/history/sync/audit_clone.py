"""What a clone for an audit fetches: documents without data, blob by blob (spec §15.6).

Packs hold manifests beside trees, so they are not copied. The blobs that are wanted are read by
range from the packs of the remote, each is hashed, and the clone keeps them in packs of its own.
"""

import contextlib
from collections.abc import Iterable, Mapping

from blake3 import blake3

from lyrikstore.canon import json
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.history.log.entries import Records
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.repository.partial_clone import (
    MAX_OWN_PACKS,
    PARTIAL,
    Selection,
    documents_of,
    is_audited,
)
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.store_view import MAX_READ
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.chunk.stream import damaged_blob
from lyrikstore.objects.io.scratch import Scratch
from lyrikstore.objects.pack.builder import Packer, install
from lyrikstore.objects.pack.format import PackRef
from lyrikstore.objects.pack.parameters import read_parameters
from lyrikstore.objects.store.blobs import BlobStore
from lyrikstore.objects.store.chunk_lists import MAX_LIST_DEPTH
from lyrikstore.objects.store.transactions import fold
from lyrikstore.objects.transfer import Moved

_SELECTORS = ("PathSelector", "MetadataSelector")

MAX_ATTACHMENT_BYTES = 64 << 20
"""Maximum size of an attachment that is fetched; a larger one stays at the home."""


def fetch_audited(
    source: Backend, target: Backend, records: Records, size: int, selection: Selection
) -> Moved:
    """Fetch the documents without data that the log names and this clone lacks.

    The file ``partial`` names the new pack before anything of the log does.

    Args:
        source: The remote.
        target: The clone's files.
        records: Verified records.
        size: The number of log entries to follow.
        selection: The selection of the clone, with the packs that it has already.

    Returns:
        The packs that were made here.

    Raises:
        VerificationError: (``blob-damaged``) the remote returns other bytes than a blob's.
        FormatError, NotFoundError, RemoteError, StorageError: A pack of the remote cannot be read.

    Cost: the footers of the remote's packs of documents, and the blocks with the wanted blobs.
    """
    live = fold(records.transactions[: records.covered(size)])
    lists = live.chunk_lists
    here = BlobStore(target, selection.packs, lists.items(), partial=True)
    logged = [one.id for one in records.entries[:size] if one.type in ("manifest", "credential")]
    wanted = [one for one in dict.fromkeys(logged) if not here.is_whole(one)]
    # Whatever was fetched has its attachments; what is new may name others.
    if not wanted:
        return Moved()
    there = BlobStore(source, documents_of(live.packs), lists.items())
    with contextlib.closing(_OwnPacks(target)) as own:
        attached: dict[Digest, None] = {}
        for identity in wanted:
            data = _fetch(there, identity, lists, own, MAX_READ)
            attached.update(dict.fromkeys(() if data is None else _audited(data)))
        for identity in attached:
            # Its size as it is stored: that in a manifest may be false, which `verify` reports.
            has = there.has(identity) and there.size(identity) <= MAX_ATTACHMENT_BYTES
            if has and not here.is_whole(identity):
                _fetch(there, identity, lists, own, MAX_ATTACHMENT_BYTES)
        merged = selection.packs if len(selection.packs) >= MAX_OWN_PACKS else ()
        for raw in here.packed.table.iter() if merged else ():
            own.add(raw, here.packed.read(raw))
        made = own.install()
    kept = () if merged else selection.packs
    packs = tuple(dict.fromkeys((*kept, *made)))
    target.replace(PARTIAL, Selection(for_audit=True, packs=packs).encode())
    for pack in {*merged} - {*packs}:
        target.remove(pack.name)
    return Moved.of(made)


def naming_data(repository: Repository) -> tuple[str, ...]:
    """Return the log's statements that name paths or sheet values themselves, as labels.

    These are datasets with companions, runs that list the files that their program opened, and
    credentials whose terms select by path or value. A clone for an audit has them all the same:
    they are signed, and nothing verifies without them.

    Raises:
        IncompleteError, VerificationError: A manifest or credential is lost or damaged.

    Cost: one read of every manifest and credential.
    """
    found = [
        f"{one.name} ({one.id.short})"
        for _, one in repository.all_manifests()
        if one.body.get("companions") or _opened(one)
    ]
    logged = (entry.id for entry in repository.entries() if entry.type == "credential")
    found += [f"credential {one.short}" for one in logged if _selects(repository.credential(one))]
    return tuple(found)


def _opened(manifest: Manifest) -> bool:
    execution = manifest.body.get("execution")
    return isinstance(execution, dict) and bool(execution.get("opened", {}).get("reads"))


def _selects(credential: bytes) -> bool:
    if not any(json.may_contain(credential, word) for word in _SELECTORS):
        return False
    try:
        canonical = json.encode(json.parse(credential))
    except FormatError:
        return True
    return any(word.encode() in canonical for word in _SELECTORS)


def _audited(data: bytes) -> Iterable[Digest]:
    try:
        manifest: Manifest = parse_manifest(data)
    except LyrikstoreError:  # a credential, or a manifest without effect: `verify` says which
        return ()
    kind = manifest.kind
    return [one.id for one in manifest.attachments if is_audited(kind, one.role)]


def _fetch(
    there: BlobStore,
    identity: Digest,
    lists: Mapping[Digest, Digest],
    own: "_OwnPacks",
    max_bytes: int,
) -> bytes | None:
    """Keep a blob as it is stored; return its bytes, or None if the remote does not have it."""
    if not there.has(identity):
        return None  # `verify` reports it as lost
    data = there.read(identity, max_bytes=max_bytes)
    blob, depth = identity, 0
    while not there.packed.holds(blob.raw) and depth <= MAX_LIST_DEPTH:
        chunks = there.chunks(blob)
        for number in range(len(chunks)):
            raw = chunks.digest(number)
            own.add(raw, there.packed.read(raw))
        blob, depth = lists[blob], depth + 1
    if there.packed.holds(blob.raw):
        own.add(blob.raw, there.packed.read(blob.raw))
    return data


class _OwnPacks:
    """The packs of documents that an audit clone makes; every blob in them is hashed."""

    def __init__(self, target: Backend) -> None:
        self._target = target
        self._scratch = Scratch(target.scratch)
        self._packer = Packer(self._scratch, "documents", read_parameters(target))
        self._added: set[bytes] = set()

    def add(self, raw: bytes, data: bytes) -> None:
        """Store a blob.

        Raises:
            VerificationError: (``blob-damaged``) these are not its bytes.
        """
        # ATTACK A185: a remote that returns another blob for a range.
        if blake3(data).digest() != raw:
            raise damaged_blob(raw, "the remote returned other bytes")
        if raw not in self._added:
            self._added.add(raw)
            self._packer.add(raw, data)

    def install(self) -> tuple[PackRef, ...]:
        """Give the packs their names, durably, and return them."""
        packs = self._packer.close()
        install(self._target, packs, side_by_side=False)
        return tuple(one.ref for one in packs)

    def close(self) -> None:
        """Remove what was not installed."""
        self._packer.discard()
        self._scratch.close()
