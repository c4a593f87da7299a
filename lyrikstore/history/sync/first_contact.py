"""Initial fetch of the log of a store that is not here yet (spec §15.4)."""

from collections.abc import Mapping

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    LyrikstoreError,
    NotFoundError,
    VerificationError,
)
from lyrikstore.canon.text import pluralize
from lyrikstore.history.log.checkpoint import SignedCheckpoint
from lyrikstore.history.log.entries import (
    Records,
    check_format,
    check_head,
    claimed_size,
    read_checkpoint,
)
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.log.memory_files import LogName
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.repository.clone import read_mark
from lyrikstore.history.repository.log_keys import open_head
from lyrikstore.history.repository.refs import check_genesis
from lyrikstore.history.repository.store_view import MAX_READ
from lyrikstore.history.sync.negotiate import (
    MAX_ENTRIES,
    check_memory,
    each_record,
    other_store,
    read_ahead,
    while_it_grows,
)
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.pack.format import PackRef
from lyrikstore.objects.store.blobs import BlobStore
from lyrikstore.objects.store.transactions import Transaction

MAX_PACKS = 1 << 17
"""Maximum number of document packs that a remote may claim before its signature is verified."""


class FetchedStore(Struct, frozen=True):
    """A store seen for the first time.

    Attributes:
        genesis: Its verified genesis.
        signed: Its verified log checkpoint.
        records: Its covered records.
        known: Whether the user or the memory named this store as the expected one.
    """

    genesis: Manifest
    signed: SignedCheckpoint
    records: Records
    known: bool


def initial_fetch(
    backend: Backend, where: str, *, memory: LogMemory, expected: Digest | None = None
) -> FetchedStore:
    """Return the verified log of a store that is not here yet.

    Args:
        backend: The remote.
        where: Its name in messages.
        memory: The log checkpoints seen before.
        expected: The store's id, if the user knows it; None to trust the store on first use.

    Raises:
        ConflictError: (``other-store``) it is not the expected store.
        NotFoundError, VerificationError, FormatError, RemoteError, StorageError: See :func:`meet`.
    """
    try:
        check_format(backend)
    except NotFoundError as error:
        if not is_missing(error):
            raise
        raise NotFoundError(
            error.kind,
            f"there is no store at {where}",
            hint="check the path or the URL: it must be the folder that contains the file format",
        ) from None
    except FormatError as error:
        if error.kind != "bad-store":
            raise
        raise FormatError(
            error.kind,
            f"there is no store at {where}: its file format has other content",
            hint="check the URL; many web servers answer every request with a page",
        ) from None
    return while_it_grows(backend, lambda: _found(backend, where, memory=memory, expected=expected))


def _found(
    backend: Backend, where: str, *, memory: LogMemory, expected: Digest | None
) -> FetchedStore:
    marked = read_mark(backend) is not None
    note = read_checkpoint(backend)
    size = claimed_size(note)
    if size > MAX_ENTRIES:
        raise FormatError("too-large", f"{where} claims a log of {pluralize(size, 'entry')}")
    genesis = _genesis(backend, where, size, expected)
    founded = check_genesis(genesis)
    # The signature before the rest: a hostile remote must not make us read for ever.
    _, keys = open_head(backend, genesis, note, ())
    records = read_ahead(backend, size=size)
    signed = check_head(note, keys, records)
    if records.entries[0].id != genesis.id:
        raise VerificationError("bad-genesis", "the log now begins with another genesis")
    if signed.origin != founded.origin:
        raise VerificationError("bad-genesis", "the name of the log is not the one in its genesis")
    logs: list[LogName] = [*keys, genesis.id]
    known = check_memory(memory, logs, signed, records, where, lagging=marked)
    return FetchedStore(genesis, signed, records, known or expected is not None)


def _genesis(backend: Backend, where: str, size: int, expected: Digest | None) -> Manifest:
    # ATTACK A07: nobody vouches for these records yet. So none is kept, and of packs, whose indexes
    # can take 100 MiB each, one is open at a time.
    first: Digest | None = None
    live: dict[Digest, PackRef] = {}
    seen = 0
    for record in each_record(backend):
        if first is None:
            first = _first(record, where, expected)
        for dropped in record.dropped:
            live.pop(dropped, None)
        live.update((pack.id, pack) for pack in record.added if pack.role == "documents")
        if len(live) > MAX_PACKS:
            raise FormatError("too-large", f"{where} claims {pluralize(len(live), 'pack')}")
        seen += len(record.log) + 1
        # That of the first record may have been dropped since: then all must be read to find it.
        if (record.seq == 0 or seen >= size) and (found := _found_in(backend, live, first)):
            return found
        if seen >= size:
            break
    raise VerificationError("bad-genesis", "the genesis of the store is missing")


def _first(record: Transaction, where: str, expected: Digest | None) -> Digest:
    if not record.log or record.log[0].type != "manifest":
        raise VerificationError("bad-genesis", "the log does not begin with a manifest")
    first = record.log[0].id
    if expected is not None and first != expected:
        raise other_store(where, first, expected)
    return first


def _found_in(backend: Backend, live: Mapping[Digest, PackRef], first: Digest) -> Manifest | None:
    for pack in live.values():
        try:
            return parse_manifest(BlobStore(backend, (pack,)).read(first, max_bytes=MAX_READ))
        except LyrikstoreError as error:
            if error.kind not in {"no-blob", "blob-lost"}:
                raise
    return None


def is_missing(error: NotFoundError) -> bool:
    """Return whether an error means that there is no store at a remote."""
    return error.kind == "no-store"
