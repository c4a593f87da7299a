"""Meeting the log of a store that is not here yet (spec §15.4)."""

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    LyrikstoreError,
    NotFoundError,
    VerificationError,
)
from lyrikstore.canon.grammar import counted
from lyrikstore.history.contact import (
    MAX_ENTRIES,
    check_memory,
    other_store,
    read_ahead,
    while_it_grows,
)
from lyrikstore.history.local import read_mark
from lyrikstore.history.log import SignedCheckpoint
from lyrikstore.history.logkeys import open_head
from lyrikstore.history.logview import (
    Records,
    check_format,
    check_head,
    claimed_size,
    read_checkpoint,
    read_records,
)
from lyrikstore.history.manifest import Manifest, parse_manifest
from lyrikstore.history.memory import LogMemory, LogName
from lyrikstore.history.refs import check_genesis
from lyrikstore.history.view import MAX_READ
from lyrikstore.objects.backend import Backend
from lyrikstore.objects.blobs import open_blobs
from lyrikstore.objects.transactions import fold


class Found(Struct, frozen=True):
    """A store seen for the first time.

    Attributes:
        genesis: Its verified genesis.
        signed: Its verified log checkpoint.
        records: Its covered records.
        known: Whether the user said, or the memory knew, that this is the store to expect.
    """

    genesis: Manifest
    signed: SignedCheckpoint
    records: Records
    known: bool


def first_contact(
    backend: Backend, where: str, *, memory: LogMemory, expected: Digest | None = None
) -> Found:
    """Return the verified log of a store that is not here yet.

    Args:
        backend: The remote.
        where: What to call it in messages.
        memory: The log checkpoints seen before.
        expected: The store's id, if the user knows it; else it is trusted on first use.

    Raises:
        ConflictError: (``other-store``) it is another store than expected.
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
            hint="check the path or the URL: it is the folder in which the file format lies",
        ) from None
    except FormatError as error:
        if error.kind != "bad-store":
            raise
        raise FormatError(
            error.kind,
            f"what is at {where} is no store: its file format is something else",
            hint="check the URL; many web servers answer with a page whatever is asked for",
        ) from None
    return while_it_grows(backend, lambda: _found(backend, where, memory=memory, expected=expected))


def _found(backend: Backend, where: str, *, memory: LogMemory, expected: Digest | None) -> Found:
    marked = read_mark(backend) is not None
    note = read_checkpoint(backend)
    size = claimed_size(note)
    if size > MAX_ENTRIES:
        raise FormatError("too-large", f"{where} claims a log of {counted(size, 'entry')}")
    genesis = _genesis(backend, read_records(backend, size=1), expected, where)
    if genesis is not None:
        # The signature before the rest: a hostile remote must not make us read for ever.
        open_head(backend, genesis, note, ())
    records = read_ahead(backend, size=size)
    genesis = genesis or _genesis(backend, records, expected, where)
    if genesis is None:
        raise VerificationError("bad-genesis", "the genesis of the store is not there")
    founded = check_genesis(genesis)
    _, keys = open_head(backend, genesis, note, ())
    signed = check_head(note, keys, records)
    if signed.origin != founded.origin:
        raise VerificationError("bad-genesis", "the log has another name than its genesis says")
    logs: list[LogName] = [*keys, genesis.id]
    known = check_memory(memory, logs, signed, records, where, lagging=marked)
    return Found(genesis, signed, records, known or expected is not None)


def _genesis(
    backend: Backend, records: Records, expected: Digest | None, where: str
) -> Manifest | None:
    if not records.entries or records.entries[0].type != "manifest":
        raise VerificationError("bad-genesis", "the log does not begin with a manifest")
    first = records.entries[0].id
    if expected is not None and first != expected:
        raise other_store(where, first, expected)
    try:
        data = open_blobs(backend, fold(records.transactions)).read(first, max_bytes=MAX_READ)
    except LyrikstoreError as error:
        if error.kind in {"no-blob", "blob-lost"}:  # its first pack may have been dropped since
            return None
        raise
    return parse_manifest(data)


def is_missing(error: NotFoundError) -> bool:
    """Return whether an error says that there is no store at a remote at all."""
    return error.kind == "no-store"
