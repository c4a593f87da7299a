"""Private folders for intermediate files: unpacked files, shards, partial results of filters.

The files from which a filter resumes after a crash contain rows, so they lie in the store, as the
rows do. But someone who can write to the store must not be able to choose what its owner signs. So
the digests of these files lie in the user's cache, and files that do not match are ignored.
"""

import contextlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError, StorageError, storage_error
from lyrikstore.canon.files import open_nameless, open_private, open_regular
from lyrikstore.objects.io.private_folder import KEPT_SECONDS, PrivateFolder, private_folder
from lyrikstore.objects.io.safe_folder import refuse_link

_RECORD = "kept-"
_LINE = re.compile(rb"([0-9a-f]{64})  ([0-9]{1,15}) ([a-z0-9/-]{1,64})")
_MAX_RECORD_BYTES = 1 << 28
_DENIED = frozenset({"no-permission", "read-only"})


class WorkFolder:
    """A folder of intermediate files, and their digests.

    Args:
        path: The folder.
        folder: The locked folder, if it is locked.
        record: The file of digests, for a process that resumes the work; None: they are only in
            memory.
    """

    def __init__(
        self, path: Path, folder: PrivateFolder | None = None, record: FileIO | None = None
    ) -> None:
        self.path, self._folder, self._record = path, folder, record
        self._kept: dict[str, tuple[str, int]] = {}
        if record is not None:
            self._recall(record)

    def keep(self, name: str, data: bytes) -> None:
        """Write a file atomically, which :meth:`load` reads.

        Args:
            name: Its path in the folder, of at most two segments.
            data: Its content.

        Raises:
            StorageError: The disk is full; (``linked-folder``) its folder is a link. ATTACK A13.
        """
        file, digest = self.path / name, blake3(data).hexdigest()
        fresh = file.with_suffix(".new")
        with storing(f"keeping work in {file.parent}"):
            refuse_link(file.parent)
            file.parent.mkdir(exist_ok=True, mode=0o700)
            with open_private(fresh, "wb") as stream:
                stream.write(data)
            fresh.replace(file)
        self._kept[name] = digest, len(data)
        if self._record is not None:
            with contextlib.suppress(OSError):  # a process that resumes does this part again
                self._record.write(f"{digest}  {len(data)} {name}\n".encode("ascii"))
        if self._folder is not None:
            self._folder.touch()

    def load(self, name: str) -> bytes | None:
        """Return the content of a kept file; None if there is none, or its digest differs.

        Raises:
            StorageError: The file cannot be read.
        """
        if name not in self._kept:
            return None
        return load_kept(self.path / name, *self._kept[name])

    def proof(self, name: str) -> tuple[str, int]:
        """Return digest and length of a kept file, for :func:`load_kept`."""
        return self._kept[name]

    def _recall(self, record: FileIO) -> None:
        # Truncated and malformed lines are ignored; of several lines for a file the last counts.
        with contextlib.suppress(OSError):
            data = record.read(_MAX_RECORD_BYTES)
            for line in data.split(b"\n")[:-1]:
                if found := _LINE.fullmatch(line):
                    digest, size, name = (one.decode("ascii") for one in found.groups())
                    self._kept[name] = digest, int(size)
            record.write(b"" if not data or data.endswith(b"\n") else b"\n")


def load_kept(file: Path, digest: str, size: int) -> bytes | None:
    """Return the content of a file with this digest and length; None if it is gone or differs.

    Args:
        file: The file.
        digest: Its digest, in hex.
        size: Its length in bytes.

    Raises:
        StorageError: The file cannot be read.
    """
    with storing(f"reading work in {file.parent}"):
        try:
            with open_regular(file) as stream:
                data = stream.read(size + 1)
        except FileNotFoundError:
            return None
    # ATTACK A78: someone with access to the store put a file there, to have it signed.
    return data if blake3(data).hexdigest() == digest else None


class ChangedDocuments:
    """The changed documents, in a file on disk until they are stored; a context manager.

    Args:
        path: The file to create.
    """

    def __init__(self, path: Path) -> None:
        with storing("keeping changed documents"):
            self._file = open_nameless(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # the documents were already read back
            self._file.close()

    def put(self, data: bytes) -> Digest:
        """Write a document and return its digest.

        Raises:
            StorageError: The disk is full.
        """
        with storing("keeping a changed document"):
            self._file.write(len(data).to_bytes(8, "little"))
            self._file.write(data)
        return Digest.of(data)

    def store(self, put: Callable[[bytes], Digest]) -> None:
        """Call ``put`` with each document, in order.

        Raises:
            StorageError: The disk is full, or failed.
        """
        with storing("reading changed documents"):
            self._file.seek(0)
            while size := self._file.read(8):
                put(self._file.read(int.from_bytes(size, "little")))


@contextlib.contextmanager
def work_folder(cache_dir: Path | None) -> Iterator[WorkFolder]:
    """Yield a private folder outside the store, and remove it afterwards.

    Args:
        cache_dir: The user's cache; None: the folder of the system's temporary files.

    Raises:
        StorageError: The folder cannot be created.
    """
    with contextlib.ExitStack() as held:
        try:
            if cache_dir is None:
                path = Path(held.enter_context(TemporaryDirectory(prefix="lyrikstore-")))
                work = WorkFolder(path)
            else:
                cache_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
                folder = held.enter_context(private_folder(cache_dir))
                work = WorkFolder(folder.path, folder)
        except OSError as error:
            if isinstance(error, LyrikstoreError):
                raise
            raise storage_error(error, "making a working folder") from error
        yield work


@contextlib.contextmanager
def kept_work(store: Path, cache_dir: Path | None, key: str) -> Iterator[WorkFolder]:
    """Yield a private folder in a store's staging area, for work that can be resumed.

    If an earlier process was interrupted in the same work, it is that process's folder. It is
    removed when the work is done, or fails. If the store cannot have one, :func:`work_folder` is
    used.

    Args:
        store: The store's folder.
        cache_dir: The user's cache for the store, which has the digests of kept files; None:
            nothing is resumed.
        key: Identifies the work, in hex.

    Raises:
        StorageError: The folder cannot be created.
    """
    place = None if cache_dir is None else cache_dir / f"{_RECORD}{key}"
    with contextlib.ExitStack() as held:
        record = None
        if cache_dir is not None and place is not None:
            forget_kept(cache_dir)
            record = held.enter_context(_opened(place))
        # A folder without a file of digests in the cache came with the store.
        known = record is not None and os.fstat(record.fileno()).st_size > 0
        try:
            named = key if record is not None else ""
            folder = held.enter_context(private_folder(store, named, _was_cut_short, goes_on=known))
        except StorageError as error:
            if place is not None and not known:
                _forget(place)
            if error.kind not in _DENIED:
                raise
            yield held.enter_context(work_folder(cache_dir))
            return
        if place is None or not folder.is_kept:
            yield WorkFolder(folder.path, folder)
            return
        try:
            yield WorkFolder(folder.path, folder, record)
        except BaseException as error:
            if not _was_cut_short(error):
                _forget(place)
            raise
        _forget(place)


def forget_kept(cache_dir: Path) -> None:
    """Delete the digests of work that is too old to resume from a user's cache."""
    with contextlib.suppress(OSError):
        for record in cache_dir.glob(f"{_RECORD}*"):
            if abs(time.time() - record.lstat().st_mtime) > KEPT_SECONDS:
                _forget(record)


@contextlib.contextmanager
def storing(doing: str) -> Iterator[None]:
    """Raise errors of the operating system in the block as `StorageError`.

    Args:
        doing: A phrase that names the file or folder, for messages.

    Raises:
        StorageError: The disk is full, or failed.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, LyrikstoreError):
            raise
        raise storage_error(error, doing) from error


def _was_cut_short(error: BaseException) -> bool:
    """Return whether work can be resumed after an error: it was stopped, or the disk was full."""
    return not isinstance(error, LyrikstoreError) or error.kind == "disk-full"


@contextlib.contextmanager
def _opened(record: Path) -> Iterator[FileIO | None]:
    """Yield the file of digests, to read and to append to; None if another user can write to it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with contextlib.ExitStack() as held:
        file = None
        with contextlib.suppress(OSError):
            record.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = held.enter_context(FileIO(os.open(record, flags, 0o600), "r+"))
            status = os.fstat(file.fileno())
            # ATTACK: another user put the file there, or appends to it, to choose what is signed.
            ours = status.st_uid == os.geteuid() and not status.st_mode & 0o077
            file = file if ours and stat.S_ISREG(status.st_mode) else None
        yield file


def _forget(record: Path) -> None:
    with contextlib.suppress(OSError):
        record.unlink()
