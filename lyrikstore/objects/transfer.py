"""Copying packs between two places of one store (spec §15.3).

A pack is immutable and named by the hash of its bytes. So a pack that exists with the right size is
not copied again, a received pack is hashed before it gets its name, and an interrupted transfer
continues where it stopped.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import BinaryIO, Self

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.errors import (
    FormatError,
    LyrikstoreError,
    NotFoundError,
    StorageError,
    VerificationError,
    storage_error,
)
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.canon.text import pluralize
from lyrikstore.objects.backends.base import NOT_A_FILE, THREADS, Backend, LocalBackend
from lyrikstore.objects.io.safe_folder import own_folder
from lyrikstore.objects.io.scratch import Scratch, open_part
from lyrikstore.objects.io.unbuffered import Buffers, BulkFile
from lyrikstore.objects.pack.format import PackRef

_STEP, _STEP_HERE = 4 << 20, 1 << 20  # a round trip is worth more, a processor's cache holds less
_GROUP_BYTES, _GROUP_FILES = 256 << 20, 64
_BULK = 1 << 20


class Moved(Struct, frozen=True):
    """The result of a transfer, or of its dry run.

    Attributes:
        files: Number of copied packs.
        bytes: Their total size.
    """

    files: int = 0
    bytes: int = 0

    @classmethod
    def of(cls, packs: Collection[PackRef]) -> Self:
        """Return the transfer of ``packs``."""
        return cls(len(packs), sum(pack.bytes for pack in packs))


class Overlay:
    """A backend over a remote store that reads packs from a local copy if they are there.

    Args:
        far: The remote store; all operations except reading packs are done there.
        near: A copy of it, perhaps of only a part.
    """

    def __init__(self, far: Backend, near: Backend) -> None:
        self._far = far
        self._near = near

    @property
    def scratch(self) -> Path:
        """The scratch folder of the remote store."""
        return self._far.scratch

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a file; see :meth:`Backend.read`."""
        if name.startswith("packs/"):
            with contextlib.suppress(NotFoundError):
                return self._near.read(name, start, length)
        return self._far.read(name, start, length)

    def size(self, name: str) -> int | None:
        """Return a file's size; see :meth:`Backend.size`."""
        return self._far.size(name)

    def create(self, name: str, source: bytes | Path) -> bool:
        """Create a file; see :meth:`Backend.create`."""
        return self._far.create(name, source)

    def replace(self, name: str, source: bytes | Path) -> None:
        """Replace a file; see :meth:`Backend.replace`."""
        self._far.replace(name, source)

    def swap(self, name: str, expected: bytes | None, new: bytes) -> bool:
        """Replace a file if it is unchanged; see :meth:`Backend.swap`."""
        return self._far.swap(name, expected, new)

    def list(self, prefix: str) -> Iterator[str]:
        """Yield names in order; see :meth:`Backend.list`."""
        return self._far.list(prefix)

    def remove(self, name: str) -> None:
        """Remove a file; see :meth:`Backend.remove`."""
        self._far.remove(name)


def absent(backend: Backend, packs: Iterable[PackRef]) -> list[PackRef]:
    """Return the packs that do not exist with their size. Cost: one request per pack."""
    wanted = list(dict.fromkeys(packs))
    if isinstance(backend, LocalBackend) or len(wanted) < 2:
        return [pack for pack in wanted if not _is_there(backend, pack)]
    with ThreadPoolExecutor(THREADS) as pool:
        there = list(pool.map(lambda pack: _is_there(backend, pack), wanted))
    return [pack for pack, found in zip(wanted, there, strict=True) if not found]


def copy_packs(
    source: Backend,
    target: Backend,
    packs: Sequence[PackRef],
    progress: OnProgress = silent,
) -> Moved:
    """Copy packs; each is verified during the copy and durable under its name.

    In a folder, packs get their names in groups, one group while the next is received, because
    waiting for the disk takes most of the time.

    Args:
        source: The backend with the packs.
        target: The backend to copy to; packs that it has already are not touched.
        packs: The packs.
        progress: Progress callback, called after every few MiB of a pack.

    Raises:
        NotFoundError: (``no-file``) the source lacks a pack.
        VerificationError: (``pack-damaged``) a pack in the source is damaged.
        StorageError, RemoteError: Storage backend error. Copied packs stay for the next call.

    Cost: six packs at a time, 16 MiB of memory each.
    """
    wanted = absent(target, packs)
    tally = _Tally(len(wanted), progress)
    scratch, pool = Scratch(target.scratch), ThreadPoolExecutor(THREADS)
    try:
        if isinstance(target, LocalBackend):
            _receive(source, target, scratch, wanted, pool, tally)
        else:
            sending = [pool.submit(_send, source, target, pack, tally) for pack in wanted]
            for sent in as_completed(sending):
                sent.result()
    finally:
        tally.stopped = True
        pool.shutdown(wait=True, cancel_futures=True)
        scratch.close()
    return Moved.of(wanted)


def repair_pack(backend: LocalBackend, source: Backend, pack: PackRef) -> bool:
    """Replace a damaged or missing pack by an intact copy.

    Args:
        backend: The store to repair.
        source: Another backend that has the pack.
        pack: The pack.

    Returns:
        Whether it was repaired. The damaged file is moved to ``quarantine/``.

    Raises:
        NotFoundError, VerificationError, StorageError, RemoteError: As :func:`copy_packs`; then
            the store is unchanged.

    Cost: reads the pack once; if it is damaged, once more from the source.
    """
    if pack_problem(backend, pack) is None:
        return False
    scratch = Scratch(backend.scratch)
    try:
        path = _fetch(source, _prefix(scratch), pack)
        set_aside(backend, pack.name)
        backend.create(pack.name, path)
    finally:
        scratch.close()
    return True


def pack_problem(backend: Backend, pack: PackRef) -> str | None:
    """Return the problem of a pack file; None if its bytes have the digest in its name.

    Cost: reads it once.
    """
    try:
        for _ in _parts(backend, pack):
            pass
    except NotFoundError:
        return f"pack {pack.id.short} is missing"
    except VerificationError as error:
        return error.message
    except StorageError as error:
        if error.kind != NOT_A_FILE:
            raise
        return f"pack {pack.id.short} is not a file"
    return None


def set_aside(backend: LocalBackend, name: str) -> None:
    """Move a damaged file to ``quarantine/``; a missing file is not an error.

    Raises:
        StorageError: It cannot be moved; (``linked-folder``) one of the two places is behind a
            link.
    """
    folder, _, last = name.rpartition("/")
    aside = f"{name.replace('/', '-')}.{os.urandom(4).hex()}"
    try:
        with (
            own_folder(backend.root, folder) as place,
            own_folder(backend.root, "quarantine", make=True) as quarantine,
        ):
            os.rename(last, aside, src_dir_fd=place, dst_dir_fd=quarantine)
    except FileNotFoundError:
        return
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(error, f"moving {name} to quarantine") from error


def _is_there(backend: Backend, pack: PackRef) -> bool:
    return backend.size(pack.name) == pack.bytes


def _send(source: Backend, target: Backend, pack: PackRef, tally: "_Tally") -> None:
    if isinstance(source, LocalBackend):
        # It need not be copied first: hashed where it is, then sent as it is.
        for part in _parts(source, pack):
            tally.move(len(part))
        _place(target, pack, source.root / pack.name)
    else:
        scratch = Scratch(target.scratch)
        try:
            _place(target, pack, _fetch(source, _prefix(scratch), pack, tally.move))
        finally:
            scratch.close()
    tally.finish()


def _receive(
    source: Backend,
    target: LocalBackend,
    scratch: Scratch,
    packs: Sequence[PackRef],
    pool: ThreadPoolExecutor,
    tally: "_Tally",
) -> None:
    # One group gets its names while the next one comes.
    prefix = _prefix(scratch) if packs else ""
    groups, coming = _groups(packs), list[tuple[PackRef, Future[Path]]]()
    while (group := next(groups, [])) or coming:
        arrived = [(pack, path.result()) for pack, path in coming]
        coming = [(pack, pool.submit(_fetch, source, prefix, pack, tally.move)) for pack in group]
        created = target.create_all([(pack.name, path) for pack, path in arrived])
        for (pack, path), new in zip(arrived, created, strict=True):
            if not new:
                _place(target, pack, path)
            path.unlink()
            tally.finish()


def _groups(packs: Sequence[PackRef]) -> Iterator[list[PackRef]]:
    group: list[PackRef] = []
    for pack in packs:
        group.append(pack)
        if len(group) == _GROUP_FILES or sum(one.bytes for one in group) >= _GROUP_BYTES:
            yield group
            group = []
    if group:
        yield group


def _fetch(
    source: Backend, prefix: str, pack: PackRef, report: Callable[[int], None] | None = None
) -> Path:
    # A verified copy in a scratch file, on the disk.
    try:
        file, path = open_part(prefix)
        with file:
            with _written_to(file, pack.bytes) as out:
                for part in _parts(source, pack):
                    out.write(part)
                    if report is not None:
                        report(len(part))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if isinstance(error, LyrikstoreError):
            raise
        raise storage_error(error, "receiving a pack") from error
    return path


def _written_to(
    file: BinaryIO, size: int
) -> contextlib.AbstractContextManager[BulkFile | BinaryIO]:
    if size < _BULK:
        return contextlib.nullcontext(file)
    # Straight to the disk, which so has something to do from the start.
    return BulkFile(file.fileno(), _own.buffers, patient=True)


class _Own(threading.local):
    # What each thread has for itself.
    def __init__(self) -> None:
        self.buffers = Buffers()


_own = _Own()


def _prefix(scratch: Scratch) -> str:
    try:
        return scratch.prefix
    except OSError as error:
        raise storage_error(error, "receiving a pack") from error


def _place(target: Backend, pack: PackRef, path: Path) -> None:
    # Its name is the hash of its bytes: what is there with another size is a leftover or damage.
    if not target.create(pack.name, path) and not _is_there(target, pack):
        target.replace(pack.name, path)


def _parts(source: Backend, pack: PackRef) -> Iterator[bytes]:
    # ATTACK: a hostile remote sends something else, less, or no end of it.
    whole = blake3()
    at, step = 0, _STEP_HERE if isinstance(source, LocalBackend) else _STEP
    while at < pack.bytes:
        part = source.read(pack.name, at, min(step, pack.bytes - at))
        if not part:
            break
        whole.update(part)
        at += len(part)
        yield part
    if at != pack.bytes or source.size(pack.name) != pack.bytes:
        raise VerificationError(
            "pack-damaged",
            f"pack {pack.id.short} has another size than {pluralize(pack.bytes, 'byte')}",
            hint="to repair the damage: lyrikstore verify --repair-from REMOTE",
        )
    if whole.digest() != pack.id.raw:
        raise VerificationError(
            "pack-damaged",
            f"pack {pack.id.short} is damaged: its bytes have another hash",
            hint="to repair the damage: lyrikstore verify --repair-from REMOTE",
        )


class _Tally:
    # Counts over several threads; also how they hear that it is over.
    def __init__(self, total: int, progress: OnProgress) -> None:
        self._lock = threading.Lock()
        self._total = total
        self._progress = progress
        self._files = 0
        self._bytes = 0
        self.stopped = False

    def move(self, count: int) -> None:
        with self._lock:
            if self.stopped:
                raise FormatError("stopped", "the transfer was stopped")
            self._bytes += count
            self._report()

    def finish(self) -> None:
        with self._lock:
            self._files += 1
            self._report()

    def _report(self) -> None:
        self._progress(Progress(self._files, self._total, self._bytes))
