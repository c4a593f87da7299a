"""Moving packs between two places that hold one store (spec/15-remotes.md §3).

A pack is immutable and named by the hash of its bytes. So whatever is there with the right size is
left alone, whatever arrives is hashed before it gets its name, and a transfer that was cut off goes
on where it stopped.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from lyrikstore.canon.errors import (
    FormatError,
    LyrikstoreError,
    NotFoundError,
    StorageError,
    VerificationError,
    storage_error,
)
from lyrikstore.objects.backend import NOT_A_FILE, Backend, LocalBackend, open_scratch
from lyrikstore.objects.packs import PackRef

THREADS = 6
_STEP = 4 << 20

Progress = Callable[[int, int, int], None]
"""Told ``(files done, files in all, bytes done)``."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a transfer did.

    Attributes:
        files: Packs that were copied.
        bytes: Their size together.
    """

    files: int = 0
    bytes: int = 0


class Overlay:
    """A store elsewhere, whose packs are read here where they are here.

    Args:
        far: The store elsewhere; everything but reading packs is done there.
        near: A copy of it, perhaps of a part only.
    """

    def __init__(self, far: Backend, near: Backend) -> None:
        self._far = far
        self._near = near

    @property
    def scratch(self) -> Path:
        """That of the store elsewhere."""
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
        """Replace a file that nobody has changed; see :meth:`Backend.swap`."""
        return self._far.swap(name, expected, new)

    def list(self, prefix: str) -> Iterator[str]:
        """Yield names in order; see :meth:`Backend.list`."""
        return self._far.list(prefix)

    def remove(self, name: str) -> None:
        """Remove a file; see :meth:`Backend.remove`."""
        self._far.remove(name)


def absent(backend: Backend, packs: Iterable[PackRef]) -> list[PackRef]:
    """Return the packs that are not there with their size. Cost: one question per pack."""
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
    progress: Progress | None = None,
) -> Moved:
    """Copy packs, each verified on its way and durable under its name.

    Args:
        source: Where they are.
        target: Where they go; those that are there already are not touched.
        packs: Which.
        progress: Told after each step of 4 MiB.

    Raises:
        NotFoundError: (``no-file``) the source lacks one.
        VerificationError: (``pack-damaged``) what the source has is not the pack.
        StorageError, RemoteError: A medium failed. What was copied stays, and is not copied again.

    Cost: six packs at a time, 4 MiB of memory each.
    """
    wanted = absent(target, packs)
    tally = _Tally(len(wanted), progress)
    pool = ThreadPoolExecutor(THREADS)
    try:
        running = [pool.submit(_copy, source, target, pack, tally) for pack in wanted]
        for done in as_completed(running):
            done.result()
    finally:
        tally.stopped = True
        pool.shutdown(wait=True, cancel_futures=True)
    return Moved(len(wanted), sum(pack.bytes for pack in wanted))


def fetch_pack(
    source: Backend, target: Backend, pack: PackRef, tell: Callable[[int], None] | None = None
) -> Path:
    """Return a verified copy of a pack in the scratch folder of ``target``, not yet in place.

    Raises:
        NotFoundError, VerificationError, StorageError, RemoteError: As :func:`copy_packs`.
    """
    try:
        file, path = open_scratch(target.scratch)
    except OSError as error:
        raise storage_error(error, "receiving a pack") from error
    try:
        with file:
            for piece in _pieces(source, pack):
                file.write(piece)
                if tell is not None:
                    tell(len(piece))
            file.flush()
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, LyrikstoreError):
            raise storage_error(error, "receiving a pack") from error
        raise
    return path


def repair_pack(backend: LocalBackend, source: Backend, pack: PackRef) -> bool:
    """Put a sound copy of a pack in the place of a damaged or missing one.

    Args:
        backend: The store to repair.
        source: Another place that holds the pack.
        pack: Which.

    Returns:
        Whether it had to be repaired. The damaged file is moved to ``quarantine/``.

    Raises:
        NotFoundError, VerificationError, StorageError, RemoteError: As :func:`copy_packs`; then
            the store is as it was.

    Cost: reads the pack once; if it is damaged, another time from the source.
    """
    if pack_problem(backend, pack) is None:
        return False
    path = fetch_pack(source, backend, pack)
    try:
        set_aside(backend, pack.name)
        backend.create(pack.name, path)
    finally:
        path.unlink(missing_ok=True)
    return True


def pack_problem(backend: Backend, pack: PackRef) -> str | None:
    """Return what is wrong with a pack as a file; None if it has the digest in its name.

    Cost: reads it once.
    """
    try:
        for _ in _pieces(backend, pack):
            pass
    except NotFoundError:
        return f"pack {pack.id.short} is missing"
    except VerificationError as error:
        return error.message
    except StorageError as error:
        if error.kind != NOT_A_FILE:
            raise
        return f"pack {pack.id.short} is no file"
    return None


def set_aside(backend: LocalBackend, name: str) -> None:
    """Move a damaged file to ``quarantine/``; one that is not there is no error.

    Raises:
        StorageError: It cannot be moved.
    """
    place = backend.root / name
    folder = backend.root / "quarantine"
    try:
        folder.mkdir(exist_ok=True)
        place.rename(folder / f"{name.replace('/', '-')}.{os.urandom(4).hex()}")
    except FileNotFoundError:
        return
    except OSError as error:
        raise storage_error(error, f"moving {name} to quarantine") from error


def _is_there(backend: Backend, pack: PackRef) -> bool:
    return backend.size(pack.name) == pack.bytes


def _copy(source: Backend, target: Backend, pack: PackRef, tally: "_Tally") -> None:
    if isinstance(source, LocalBackend):
        # It need not be copied here first: hashed where it is, then sent as it is.
        for piece in _pieces(source, pack):
            tally.move(len(piece))
        _place(target, pack, source.root / pack.name)
    else:
        path = fetch_pack(source, target, pack, tally.move)
        try:
            _place(target, pack, path)
        finally:
            path.unlink(missing_ok=True)
    tally.finish()


def _place(target: Backend, pack: PackRef, path: Path) -> None:
    # Its name is the hash of its bytes: what is there with another size is a leftover or damage.
    if not target.create(pack.name, path) and not _is_there(target, pack):
        target.replace(pack.name, path)


def _pieces(source: Backend, pack: PackRef) -> Iterator[bytes]:
    # ATTACK: a hostile remote sends something else, less, or no end of it.
    whole = blake3()
    at = 0
    while at < pack.bytes:
        piece = source.read(pack.name, at, min(_STEP, pack.bytes - at))
        if not piece:
            break
        whole.update(piece)
        at += len(piece)
        yield piece
    if at != pack.bytes or source.size(pack.name) != pack.bytes:
        raise VerificationError(
            "pack-damaged",
            f"pack {pack.id.short} has another size than {pack.bytes} bytes",
            hint="lyrikstore verify names what is damaged; --repair-from REMOTE restores it",
        )
    if whole.digest() != pack.id.raw:
        raise VerificationError(
            "pack-damaged",
            f"pack {pack.id.short} is damaged: its bytes have another hash",
            hint="lyrikstore verify names what is damaged; --repair-from REMOTE restores it",
        )


class _Tally:
    # Counts over several threads; also how they hear that it is over.
    def __init__(self, total: int, progress: Progress | None) -> None:
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
            self._tell()

    def finish(self) -> None:
        with self._lock:
            self._files += 1
            self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self._files, self._total, self._bytes)
